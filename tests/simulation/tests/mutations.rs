//! Every deliberate fault still has its place in the sources, and every file of calls and observers has one. Whether each is found takes a build of
//! its own and minutes: `make mutations`.
#![expect(clippy::disallowed_methods, reason = "it reads the sources")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A place in a source: the fault's name, the lines, and what takes their place.
struct Change {
    name: String,
    before: Vec<String>,
    after: Vec<String>,
}

fn changes() -> BTreeMap<String, Vec<Change>> {
    let mut changes: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    let (mut name, mut file) = (String::new(), String::new());
    for line in include_str!("../mutations.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(before) = line.strip_prefix("  - ") {
            let known = changes.entry(file.clone()).or_default();
            if known.last().is_none_or(|change| change.name != name || !change.after.is_empty()) {
                known.push(Change { name: name.clone(), before: Vec::new(), after: Vec::new() });
            }
            known.last_mut().expect("a change").before.push(before.trim().to_owned());
        } else if let Some(after) = line.strip_prefix("  + ") {
            changes.get_mut(&file).and_then(|known| known.last_mut()).expect("a change").after.push(after.trim().to_owned());
        } else if !line.starts_with(' ') && !line.is_empty() {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words.len(), 3, "{line}: a name, a file, and a number of worlds");
            (name, file) = (words[0].to_owned(), words[1].to_owned());
        }
    }
    changes
}

#[test]
fn every_fault_stands_once_in_its_source() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/core");
    for (file, changes) in changes() {
        let text = fs::read_to_string(core.join(&file)).unwrap_or_default();
        let mut text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        for Change { name, before, after } in changes {
            let before = before.join("\n");
            assert_eq!(text.matches(&before).count(), 1, "{name} should stand once in {file}:\n{before}");
            text = text.replacen(&before, &after.join("\n"), 1);
        }
    }
}

/// The sources under a folder of the core.
fn sources(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/core").join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("sources") {
        let entry = entry.expect("an entry");
        let place = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() { found.extend(sources(&place)) } else { found.push(place) }
    }
    found
}

#[test]
fn every_file_of_calls_and_observers_has_a_fault() {
    let with: BTreeSet<String> = changes().into_keys().collect();
    for file in ["calls", "observe"].into_iter().flat_map(sources) {
        assert!(with.contains(&file), "no fault of tests/simulation/mutations.txt is in {file}");
    }
}
