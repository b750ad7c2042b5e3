//! What the real server answered, as committed: one file a scenario.
#![expect(clippy::disallowed_methods, reason = "the record is files")]

use std::path::PathBuf;

use rig::Outcome;
use serde_json::{Value, json};

use crate::scenarios::Scenario;

/// Where the record lies.
#[must_use]
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recorded")
}

fn file(id: &str) -> PathBuf {
    directory().join(format!("{id}.json"))
}

/// The recorded account of a scenario.
///
/// # Errors
/// When there is none: `make record-likeness` writes it.
pub fn read(id: &str) -> Outcome<Value> {
    let path = file(id);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}; make record-likeness writes it", path.display()))?;
    let record: Value = serde_json::from_str(&text)?;
    Ok(record["steps"].clone())
}

/// Writes the account of a scenario.
///
/// # Errors
/// When the file cannot be written.
pub fn write(scenario: &Scenario, steps: &Value) -> Outcome<()> {
    let record = json!({ "scenario": scenario.sentence, "steps": steps });
    std::fs::write(file(scenario.id), serde_json::to_string_pretty(&record)? + "\n")?;
    Ok(())
}

/// The ids that have a file.
///
/// # Errors
/// When the directory cannot be read.
pub fn ids() -> Outcome<Vec<String>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(directory())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(id) = name.strip_suffix(".json") {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    Ok(ids)
}
