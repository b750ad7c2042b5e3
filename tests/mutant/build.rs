//! Copies the core's sources and writes the deliberate faults into the copy.
#![allow(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A change of a file: what stands there, and what takes its place.
struct Change {
    name: String,
    before: Vec<String>,
    after: Vec<String>,
}

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("src");
    let mutations = root.join("../simulation/mutations.txt");
    let mut changes = read(&fs::read_to_string(&mutations).unwrap());
    let _ = fs::remove_dir_all(&out);
    for tree in ["core", "config", "contract/messages"] {
        copy(&root.join("../../src").join(tree), &out.join(tree), &mut changes, tree);
    }
    for (file, left) in changes {
        assert!(left.is_empty(), "there is no {file}, in which {} should change something", left[0].name);
    }
    let path = |module: &str| format!("#[path = {:?}]", out.join(module));
    let text = format!(
        "{}\npub mod config;\npub mod contract {{ {}\npub mod messages; }}\n{}\npub mod core;\n",
        path("config/mod.rs"),
        path("contract/messages/mod.rs"),
        path("core/mod.rs")
    );
    fs::write(out.parent().unwrap().join("core.rs"), text).unwrap();
    println!("cargo::rerun-if-changed={}", mutations.display());
    println!("cargo::rerun-if-changed={}", root.join("../../src").display());
}

/// The changes by file.
fn read(text: &str) -> BTreeMap<String, Vec<Change>> {
    let mut changes: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    let (mut name, mut file) = (String::new(), String::new());
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let known = changes.entry(file.clone()).or_default();
        if let Some(before) = line.strip_prefix("  - ") {
            if known.last().is_none_or(|change| change.name != name || !change.after.is_empty()) {
                known.push(Change { name: name.clone(), before: Vec::new(), after: Vec::new() });
            }
            known.last_mut().unwrap().before.push(before.trim().to_owned());
        } else if let Some(after) = line.strip_prefix("  + ") {
            known.last_mut().unwrap().after.push(after.trim().to_owned());
        } else if !line.starts_with(' ') {
            let mut words = line.split_whitespace();
            (name, file) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        }
    }
    changes.retain(|_, known| !known.is_empty());
    changes
}

fn copy(from: &Path, to: &Path, changes: &mut BTreeMap<String, Vec<Change>>, tree: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let place = format!("{tree}/{}", entry.file_name().to_string_lossy());
        if source.is_dir() {
            copy(&source, &target, changes, &place);
            continue;
        }
        let text = fs::read_to_string(&source).unwrap();
        let file = place.strip_prefix("core/").unwrap_or(&place).to_owned();
        let text = match changes.get_mut(&file) {
            Some(known) => std::mem::take(known).into_iter().fold(bare(&text), |text, change| mutated(&text, &change, &file)),
            None => text,
        };
        fs::write(target, text).unwrap();
    }
}

/// A text without indentation.
fn bare(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn mutated(text: &str, change: &Change, file: &str) -> String {
    let before = change.before.join("\n");
    let times = text.matches(&before).count();
    assert!(times == 1, "mutations.txt: {}: stands {times} times in {file}, and should once:\n{before}", change.name);
    let after = change.after.join("\n").replace("MUTATED", &format!("crate::mutation::is({:?})", change.name));
    text.replacen(&before, &after, 1)
}
