//! What the driver is linked from, as cargo says.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::process::Command;

/// A crate and its version.
type Crate = (String, String);

/// The crates below each direct dependency, itself included.
pub struct Tree {
    below: BTreeMap<String, BTreeSet<Crate>>,
}

/// What cargo prints.
pub fn cargo(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Asks cargo for the driver's tree on this system; needs no network.
pub fn read() -> Result<Tree, Box<dyn Error>> {
    let output =
        cargo(&["tree", "--edges", "normal", "--prefix", "depth", "--no-dedupe", "--offline", "--package", env!("CARGO_PKG_NAME")])?;
    let mut tree = Tree { below: BTreeMap::new() };
    let mut direct = String::new();
    for line in output.lines() {
        let (depth, rest) = line.split_at_checked(line.find(|c: char| !c.is_ascii_digit()).unwrap_or(0)).unwrap_or_default();
        let mut words = rest.split(' ').map(str::to_owned);
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        match depth {
            "0" => continue,
            "1" => direct.clone_from(&name),
            _ => {}
        }
        tree.below.entry(direct.clone()).or_default().insert((name, version));
    }
    Ok(tree)
}

impl Tree {
    /// The direct dependencies.
    pub fn names(&self) -> BTreeSet<&str> {
        self.below.keys().map(String::as_str).collect()
    }

    /// All crates, the driver itself included.
    pub fn total(&self) -> usize {
        self.below.values().flatten().collect::<BTreeSet<_>>().len() + 1
    }

    /// How many crates there are, and how to count them.
    pub fn summary(&self) -> String {
        format!(
            "**{} crates**, on Linux. To count them:\n\n```\n\
             cargo tree -e normal --prefix none --no-dedupe | awk '{{print $1,$2}}' | sort -u | wc -l\n```",
            self.total()
        )
    }

    /// The name of every crate, once, for `docs/dependencies.md`.
    pub fn list(&self) -> String {
        let names: BTreeSet<&str> = self.below.values().flatten().map(|(name, _)| name.as_str()).collect();
        names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// A row for each direct dependency.
    pub fn table(&self) -> String {
        let mut text = String::from("| Crate | Crates in its tree | Only because of it |\n|---|---|---|\n");
        for (name, below) in &self.below {
            let others: BTreeSet<&Crate> = self.below.iter().filter(|(other, _)| *other != name).flat_map(|(_, below)| below).collect();
            let alone: Vec<&str> = below.iter().filter(|one| !others.contains(one)).map(|(name, _)| name.as_str()).collect();
            let list = if alone.is_empty() { String::new() } else { format!(": {}", alone.join(", ")) };
            let _ = writeln!(text, "| `{name}` | {} | {}{list} |", below.len(), alone.len());
        }
        text
    }
}
