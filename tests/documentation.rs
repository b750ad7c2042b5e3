//! The parts of `docs/` that are made from something else are what they are made from. `BLESS_DOCS=1` writes them instead.
#![allow(clippy::disallowed_methods, reason = "reads and writes documents, and asks cargo")]

mod documents;

use std::collections::BTreeSet;
use std::error::Error;

use openshell_driver_kyma::cli::reference;

use self::documents::{Document, tree};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn the_flags_are_those_of_the_parser() -> Outcome {
    Document::read("docs/flags.md")?
        .with("subcommands", &reference::subcommands())?
        .with("flags", &reference::flags())?
        .with("counterparts", &reference::counterparts())?
        .with("unserved", &reference::unserved())?
        .settle()
}

/// Names under `[dependencies]` of the driver's manifest.
fn dependencies() -> BTreeSet<&'static str> {
    let manifest = include_str!("../Cargo.toml");
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    section.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim()).collect()
}

#[test]
fn every_dependency_is_accounted_for_and_none_that_is_gone() {
    let document = include_str!("../docs/dependencies.md");
    let table = document.lines().skip_while(|line| *line != "## What each one saves").skip(1).take_while(|line| !line.starts_with("## "));
    let rows = table.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let mut named = BTreeSet::new();
    for (name, row) in rows {
        assert!(row.split('|').filter(|cell| !cell.trim().is_empty()).count() == 2, "{name}: what it saves, and its features");
        assert!(named.insert(name), "{name} has two rows");
    }
    assert_eq!(named, dependencies(), "rows of docs/dependencies.md, and [dependencies] of Cargo.toml");
}

/// Trees differ between systems: this one is what the driver is shipped for.
#[cfg(target_os = "linux")]
#[test]
fn the_tree_is_as_large_as_it_is_said_to_be() -> Outcome {
    /// More than this is a reason to look for something smaller.
    const CRATES_MAX: usize = 80;

    let tree = tree::read()?;
    assert_eq!(tree.names(), dependencies());
    assert!(tree.total() <= CRATES_MAX, "{} crates are linked; {CRATES_MAX} are allowed", tree.total());
    Document::read("docs/dependencies.md")?.with("total", &tree.summary())?.with("trees", &tree.table())?.settle()
}
