//! Rewrites vectors with what the core says now.

use serde_json::Value;

use crate::format::{Vector, VectorFile};
use crate::library::Library;
use crate::play::Played;

/// Whether somebody asked for it. Never in CI: there, nobody reviews what is written.
pub fn wanted() -> bool {
    let asked = std::env::var_os("BLESS").is_some_and(|value| !value.is_empty());
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!(asked && ci), "vectors are not blessed in CI: do it at home and review the difference");
    asked
}

/// Writes the outputs that came; title, configuration, what is given, inputs and rules stay as they are.
pub fn rewrite(file: &VectorFile, played: &Played, library: &Library) {
    let mut vector = file.vector.clone();
    for (step, came) in vector.steps.iter_mut().zip(&played.outputs) {
        let mut short = Value::Array(came.clone());
        library.contract(&mut short);
        step.outputs.clone_from(short.as_array().unwrap());
    }
    std::fs::write(&file.path, text(&vector)).unwrap();
}

/// Columns of a line.
const WIDTH: usize = 140;

/// JSON for people: what fits a line stands on one.
fn lay_out(value: &Value, indent: usize, room: usize, out: &mut String) {
    let flat = flat(value);
    if flat.chars().count() <= room || !matches!(value, Value::Array(_) | Value::Object(_)) {
        out.push_str(&flat);
        return;
    }
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    let inner = indent + 2;
    let mut first = true;
    let mut line = |out: &mut String, key: &str, value: &Value| {
        out.push_str(if std::mem::take(&mut first) { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(inner));
        out.push_str(key);
        lay_out(value, inner, WIDTH.saturating_sub(inner + key.chars().count() + 1), out);
    };
    out.push(open);
    match value {
        Value::Array(items) => items.iter().for_each(|item| line(out, "", item)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| line(out, &format!("{}: ", Value::from(key.as_str())), field)),
        _ => {}
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(close);
}

/// A value on one line, with the blanks a person would put.
fn flat(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", join(items.iter().map(flat).collect())),
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Object(fields) => {
            format!("{{ {} }}", join(fields.iter().map(|(key, field)| format!("{}: {}", Value::from(key.as_str()), flat(field))).collect()))
        }
        other => other.to_string(),
    }
}

/// The whole file. Parts stand in the order of [`Vector`], not of the alphabet.
fn text(vector: &Vector) -> String {
    let mut parts = vec![("title", Value::from(vector.title.as_str()))];
    if !vector.config.is_empty() {
        parts.push(("config", Value::Object(vector.config.clone())));
    }
    parts.extend(vector.given.as_ref().map(|given| ("given", serde_json::to_value(given).unwrap())));
    parts.extend(vector.checkpoint.as_ref().map(|state| ("checkpoint", state.clone())));
    let mut text = String::from("{");
    for (key, value) in parts {
        let key = format!("\n  \"{key}\": ");
        text.push_str(&key);
        lay_out(&value, 2, WIDTH.saturating_sub(key.len()), &mut text);
        text.push(',');
    }
    text.push_str("\n  \"steps\": [");
    for (index, step) in vector.steps.iter().enumerate() {
        text.push_str(if index == 0 { "\n    {" } else { ",\n    {" });
        if let Some(at_ms) = step.at_ms {
            text.extend([" \"at_ms\": ", &at_ms.to_string(), ","]);
        }
        text.push_str("\n      \"input\": ");
        lay_out(&step.input, 6, WIDTH - 16, &mut text);
        text.push_str(",\n      \"outputs\": ");
        lay_out(&Value::Array(step.outputs.clone()), 6, WIDTH - 18, &mut text);
        text.push_str("\n    }");
    }
    text.push_str("\n  ]");
    for (key, rules) in [("must", &vector.must), ("must_not", &vector.must_not)] {
        if !rules.is_empty() {
            let rules = serde_json::to_value(rules).unwrap();
            text.extend([",\n  \"", key, "\": "]);
            lay_out(&rules, 2, WIDTH.saturating_sub(key.len() + 6), &mut text);
        }
    }
    text.push_str("\n}\n");
    text
}
