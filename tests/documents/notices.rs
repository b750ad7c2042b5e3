//! What third parties ask to be said of their work: the licence of each crate that is linked into the driver, in its own words.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::tree;

const HEAD: &str = "\
openshell-driver-kyma is licensed under the Apache License 2.0: see LICENSE.

The program is linked from what is listed here, under the licences that are named. Each text follows once, with the crates it came with. Beside them it
contains parts of the Rust standard library (MIT OR Apache-2.0, https://github.com/rust-lang/rust), and in the static build musl (MIT, copyright
2005-2020 Rich Felker and others, https://musl.libc.org) and LLVM's libunwind (Apache-2.0 WITH LLVM-exception, https://llvm.org).

This file is made from the crates themselves: make docs.
";

/// A crate that is linked.
struct Linked {
    name: String,
    version: String,
    licence: String,
    repository: String,
}

/// The whole file.
pub fn text() -> Result<String, Box<dyn Error>> {
    let linked = linked()?;
    let mut list = String::new();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in &linked {
        let title = format!("{} {}", one.name, one.version);
        let _ = writeln!(list, "{title}: {} ({})", one.licence, one.repository);
        let mut found = licences(&folder(one)?)?;
        // A crate of a family may leave it to its siblings.
        for sibling in linked.iter().filter(|other| other.repository == one.repository && other.licence == one.licence) {
            if found.is_empty() {
                found = licences(&folder(sibling)?)?;
            }
        }
        if found.is_empty() {
            return Err(format!("{title} comes without the text of its licence").into());
        }
        for text in found {
            texts.entry(text).or_default().insert(title.clone());
        }
    }
    let mut whole = format!("{HEAD}\n{list}");
    let mut by_crate: Vec<(String, String)> =
        texts.into_iter().map(|(text, crates)| (crates.into_iter().collect::<Vec<_>>().join(", "), text)).collect();
    by_crate.sort();
    for (crates, text) in by_crate {
        let _ = write!(whole, "\n{}\n{crates}\n\n{text}\n", "=".repeat(80));
    }
    Ok(whole)
}

/// Crates that none of these licences lets in: of each `AND` one `OR` must be among them.
pub fn not_covered(allowed: &BTreeSet<&str>) -> Result<Vec<String>, Box<dyn Error>> {
    let covers = |choice: &str| choice.split(" OR ").any(|name| allowed.contains(name.trim_matches(['(', ')', ' '])));
    let is_not = |one: &&Linked| !one.licence.split(" AND ").all(covers);
    Ok(linked()?.iter().filter(is_not).map(|one| format!("{} {}: {}", one.name, one.version, one.licence)).collect())
}

fn linked() -> Result<Vec<Linked>, Box<dyn Error>> {
    let output = tree::cargo(&[
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--offline",
        "--package",
        env!("CARGO_PKG_NAME"),
        "--format",
        "{p}|{l}|{r}",
    ])?;
    let mut found = BTreeMap::new();
    for line in output.lines() {
        let mut parts = line.trim_end_matches(" (*)").split('|').map(str::trim);
        let (Some(package), Some(licence), Some(repository)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        if licence.is_empty() {
            return Err(format!("{package} names no licence").into());
        }
        let version = version.trim_start_matches('v').to_owned();
        let one = Linked {
            name: name.into(),
            version: version.clone(),
            licence: licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR "),
            repository: repository.into(),
        };
        found.insert((name.to_owned(), version), one);
    }
    Ok(found.into_values().collect())
}

/// Where cargo has unpacked a crate.
fn folder(one: &Linked) -> Result<PathBuf, Box<dyn Error>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo"))).ok_or("no home")?;
    for registry in fs::read_dir(home.join("registry/src"))? {
        let folder = registry?.path().join(format!("{}-{}", one.name, one.version));
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    Err(format!("{} {} is not among cargo's sources", one.name, one.version).into())
}

/// The texts in a crate's folder that are called like a licence or a notice, with line ends and margins as one.
fn licences(folder: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut found = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_uppercase();
        if path.is_file() && ["LICEN", "COPYING", "NOTICE", "COPYRIGHT"].iter().any(|begin| name.starts_with(begin)) {
            let text = fs::read_to_string(&path)?;
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            found.insert(lines.join("\n").trim_matches('\n').to_owned());
        }
    }
    Ok(found)
}
