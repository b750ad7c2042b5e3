//! No line of the log holds a secret of any vector.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use crate::PLAYED;
use crate::format::Vector;
use crate::library::Library;

/// Fields of requests whose text nobody may read.
const SECRET: [&str; 3] = ["sandbox_token", "credential", "launch_credential"];
/// Fields of requests that hold variables, whose values nobody may read.
const VARIABLES: &str = "environment";
/// Shorter texts stand in a line by chance.
pub const TELLING: usize = 6;

/// Collects every secret in a value.
fn secrets(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if SECRET.contains(&key.as_str()) => drop(found.insert(text.clone())),
                    Value::Object(variables) if key == VARIABLES => {
                        found.extend(variables.values().filter_map(Value::as_str).map(str::to_owned));
                    }
                    value => secrets(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        _ => {}
    }
}

/// Every secret of a vector.
pub fn of(vector: &Vector) -> BTreeSet<String> {
    static LIBRARY: LazyLock<Library> = LazyLock::new(Library::read);
    let mut found = BTreeSet::new();
    for step in &vector.steps {
        let mut input = step.input.clone();
        LIBRARY.expand(&mut input);
        secrets(&input, &mut found);
    }
    found
}

#[test]
fn no_line_holds_a_secret() {
    let (mut lines, mut known) = (0, 0);
    for (file, played) in PLAYED.iter() {
        let mut found = of(&file.vector);
        found.retain(|secret| secret.len() >= TELLING);
        known += found.len();
        for line in &played.lines {
            lines += 1;
            for secret in &found {
                assert!(!line.contains(secret.as_str()), "{}: {secret:?} is in: {line}", file.name);
            }
        }
    }
    assert!(lines > 3_000 && known > 100, "{lines} lines, {known} secrets");
}
