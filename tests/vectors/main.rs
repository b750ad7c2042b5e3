//! Runs every golden vector, and checks that together they show every transition. The format is described in vectors/README.md.
//!
//! `BLESS=1 cargo test --test vectors` (`make bless`) rewrites what the core says; what people wrote stays.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what it did not expect ends there")]

mod bless;
mod coverage;
mod format;
mod library;
mod numbers;
mod play;

use std::collections::BTreeSet;

use crate::coverage::Seen;
use crate::format::VectorFile;
use crate::library::Library;

#[test]
fn every_vector_holds() {
    let library = Library::read();
    let blessing = bless::wanted();
    let mut failures = Vec::new();
    for file in VectorFile::all() {
        let played = play::play(&file, &library);
        if blessing {
            bless::rewrite(&file, &played, &library);
            failures.extend(play::broken_rules(&file, &played, &library));
        } else {
            failures.extend(play::differences(&file, &played, &library).into_iter().chain(play::broken_rules(&file, &played, &library)));
        }
    }
    assert!(failures.is_empty(), "{} rules do not hold:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_transition_has_a_vector() {
    let library = Library::read();
    let mut seen = Seen::default();
    for file in VectorFile::all() {
        seen.add(&play::play(&file, &library));
    }
    let (missing, unlisted) = seen.compare();
    assert!(missing.is_empty(), "transitions without a vector:\n{}", missing.join("\n"));
    assert!(unlisted.is_empty(), "transitions that core/transitions.rs does not list:\n{}", unlisted.join("\n"));
}

#[test]
fn titles_are_sentences_and_tell_vectors_apart() {
    let mut titles = BTreeSet::new();
    for file in VectorFile::all() {
        let title = &file.vector.title;
        assert!(title.split_whitespace().count() >= 5, "{}: the title says too little: {title:?}", file.name);
        assert!(titles.insert(title.clone()), "{}: another vector has the title {title:?}", file.name);
        assert!(!file.vector.must.is_empty() || !file.vector.must_not.is_empty(), "{}: has neither must nor must_not", file.name);
    }
    assert!(titles.len() >= 20, "only {} vectors were found", titles.len());
}
