//! JSON written as the YAML an operator would see.

use std::fmt::Write as _;

use serde_json::Value;

/// A value as a document. Keys come in the order they have, which is by name.
pub fn of(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let _ = write!(text, "{margin}{}:", scalar(&Value::String(key.clone())));
                nested(value, indent + 2, text);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                let mut inner = String::new();
                block(element, indent + 2, &mut inner);
                let _ = write!(text, "{margin}- {}", inner.trim_start());
            }
        }
        other => {
            let _ = writeln!(text, "{margin}{}", scalar(other));
        }
    }
}

fn nested(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            block(value, indent, text);
        }
        // A list stands below its key without further indentation.
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            text.push('\n');
            block(value, indent - 2, text);
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(scalar).collect();
            let _ = writeln!(text, " [{}]", elements.join(", "));
        }
        Value::String(lines) if lines.contains('\n') => {
            text.push_str(" |\n");
            for line in lines.lines() {
                let _ = writeln!(text, "{}{line}", " ".repeat(indent));
            }
        }
        other => {
            let _ = writeln!(text, " {}", scalar(other));
        }
    }
}

/// A value on one line; quoted where YAML would read something else.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && text.chars().all(plain);
    if is_plain && !matches!(text.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off") {
        text.clone()
    } else {
        value.to_string()
    }
}
