//! JSON values as YAML 1.2 in block style: what a person reads in a plan. Any YAML parser reads the same values back.

use std::fmt::Write as _;

use serde_json::Value;

/// The value as a document, ending with a newline.
#[must_use]
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Array(items) if !items.is_empty() => list(&mut text, items, 0),
        Value::Object(fields) if !fields.is_empty() => map(&mut text, fields, 0, Start::OnNewLine),
        scalar => {
            text.push_str(&flat(scalar));
            text.push('\n');
        }
    }
    text
}

/// Whether the first line of a map is indented, or goes on after a dash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    OnNewLine,
    AfterDash,
}

fn map(text: &mut String, fields: &serde_json::Map<String, Value>, indent: usize, start: Start) {
    for (index, (key, value)) in fields.iter().enumerate() {
        if index > 0 || start == Start::OnNewLine {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&string(key));
        text.push(':');
        match value {
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                list(text, items, indent);
            }
            Value::Object(fields) if !fields.is_empty() => {
                text.push('\n');
                map(text, fields, indent + 2, Start::OnNewLine);
            }
            scalar => {
                // Writing to a String cannot fail.
                let _ = writeln!(text, " {}", flat(scalar));
            }
        }
    }
}

fn list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        text.push_str(&" ".repeat(indent));
        match item {
            Value::Object(fields) if !fields.is_empty() => {
                text.push_str("- ");
                map(text, fields, indent + 2, Start::AfterDash);
            }
            Value::Array(inner) if !inner.is_empty() => {
                text.push_str("-\n");
                list(text, inner, indent + 2);
            }
            scalar => {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "- {}", flat(scalar));
            }
        }
    }
}

/// What stands on one line: JSON, which is YAML, too; strings without quotes where nobody could take them for something else.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    /// What YAML 1.1 parsers take for a truth value or nothing, in lower case.
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+'))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_like_a_manifest() {
        let value = json!({
            "apiVersion": "agents.x-k8s.io/v1beta1",
            "metadata": { "name": "default--demo", "labels": {} },
            "spec": { "containers": [{ "name": "agent", "args": [], "env": [{ "name": "A", "value": "1" }] }, { "name": "b" }], "matrix": [[1, 2], []] },
        });
        let text = "apiVersion: agents.x-k8s.io/v1beta1\nmetadata:\n  labels: {}\n  name: default--demo\nspec:\n  containers:\n  - args: []\n    \
                    env:\n    - name: A\n      value: \"1\"\n    name: agent\n  - name: b\n  matrix:\n  -\n    - 1\n    - 2\n  - []\n";
        assert_eq!(document(&value), text);
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for (text, shown) in [
            ("default", "default"),
            ("/opt/openshell/bin", "/opt/openshell/bin"),
            ("No", "\"No\""),
            ("1.5", "\"1.5\""),
            ("2Gi", "\"2Gi\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("# no comment", "\"# no comment\""),
            ("two\nlines", "\"two\\nlines\""),
            ("~", "\"~\""),
        ] {
            assert_eq!(string(text), shown);
        }
    }
}
