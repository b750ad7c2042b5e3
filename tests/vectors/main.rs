//! Runs every golden vector, and checks that together they show every transition. The format is described in vectors/README.md.
//!
//! `BLESS=1 cargo test --test vectors` (`make bless`) rewrites what the core says; what people wrote stays.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what it did not expect ends there")]
#![allow(clippy::disallowed_methods, reason = "the core must not touch files or the environment; a test of it reads both")]

mod bless;
mod coverage;
mod format;
mod library;
mod numbers;
mod play;
mod recording;
mod rights;
mod secrets;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::coverage::Seen;
use crate::format::VectorFile;
use crate::library::Library;
use crate::play::Played;

/// Every vector and what came of it; played once for all tests.
static PLAYED: LazyLock<Vec<(VectorFile, Played)>> = LazyLock::new(|| {
    let library = Library::read();
    let play = |file| {
        let played = play::play(&file, &library);
        (file, played)
    };
    VectorFile::all().into_iter().map(play).collect()
});

#[test]
fn every_vector_holds() {
    let library = Library::read();
    let blessing = bless::wanted();
    let mut failures = Vec::new();
    for (file, played) in PLAYED.iter() {
        if blessing {
            bless::rewrite(file, played, &library);
        } else {
            failures.extend(play::differences(file, played, &library));
        }
        failures.extend(play::broken_rules(file, played, &library));
    }
    assert!(failures.is_empty(), "{} rules do not hold:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_transition_has_a_vector() {
    let mut seen = Seen::default();
    PLAYED.iter().for_each(|(_, played)| seen.add(played));
    let (missing, unlisted) = seen.compare();
    assert!(missing.is_empty(), "transitions without a vector:\n{}", missing.join("\n"));
    assert!(unlisted.is_empty(), "transitions that core/transitions.rs does not list:\n{}", unlisted.join("\n"));
}

#[test]
fn the_table_of_rights_has_what_vectors_use_and_nothing_else() {
    let (lacking, surplus, unseen) = rights::compare(&PLAYED);
    assert!(lacking.is_empty(), "used, and not in preflight/permissions.rs:\n{}", lacking.join("\n"));
    assert!(surplus.is_empty(), "in preflight/permissions.rs, and used by no vector:\n{}", surplus.join("\n"));
    assert!(unseen.is_empty(), "no vector has these switched on: {unseen:?}");
}

#[test]
fn the_cluster_tests_give_managed_workspaces_what_the_table_says() {
    let file: serde_json::Value = format::read(&format::folder().join("../tests/cluster/managed-rights.json"));
    let written = rights::rules(file.get("rules").unwrap());
    let mut config = Library::read().config;
    let settings = serde_json::json!({
        "workspaces": "managed",
        "network": {},
        "pod": { "image_pull_secrets": ["registry"], "gpus": { "resource": "nvidia.com/gpu", "supply": "none" } },
    });
    library::merge(&mut config, &settings);
    assert_eq!(written, rights::rules(&rights::of(&serde_json::from_value(config).unwrap())));
}

#[test]
fn titles_are_sentences_and_tell_vectors_apart() {
    let mut titles = BTreeSet::new();
    for (VectorFile { name, vector, .. }, _) in PLAYED.iter() {
        let title = &vector.title;
        assert!(title.split_whitespace().count() >= 5, "{name}: the title says too little: {title:?}");
        assert!(titles.insert(title), "{name}: another vector has the title {title:?}");
        assert!(!vector.must.is_empty() || !vector.must_not.is_empty(), "{name}: has neither must nor must_not");
    }
    assert!(titles.len() >= 200, "only {} vectors were found", titles.len());
}
