//! The chart's `driver` values: one for each flag of the driver, by the flag's name.

use std::fmt::Write as _;

use openshell_driver_kyma::cli::table::{self, Fallback, Flag, Group, Takes};
use serde_json::{Map, Value, json};

/// Columns of a comment.
const WIDTH: usize = 140;

/// What the chart says where nobody else does, and the driver's default would say otherwise: sandboxes are shut in.
const CHART_SAYS: [(&str, &str); 1] = [("enable-network-policy", "true")];

/// The value's name: `gateway-id` is `gatewayId`.
pub fn key(flag: &Flag) -> String {
    let mut words = flag.long.split('-');
    let mut key = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        key.push_str(&first.to_ascii_uppercase());
        key.push_str(rest);
    }
    key
}

/// The part of `values.yaml` below `driver`.
pub fn values() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "\n  # ---- {} ----", group.title());
        for flag in group.flags() {
            let default = match flag.default {
                Fallback::Text(value) => value,
                Fallback::Unset(meaning) => meaning,
            };
            comment(&format!("{} Default: {}.", flag.help, default.trim_end_matches('.')), &mut text);
            let said = CHART_SAYS.iter().find(|(long, _)| *long == flag.long).map_or("null", |(_, value)| value);
            let _ = writeln!(text, "  {}: {said}", key(flag));
        }
    }
    text
}

/// The part of `values.schema.json` that says what they look like. What they mean is the driver's to judge.
pub fn schema() -> Value {
    let properties: Map<String, Value> = table::flags().map(|flag| (key(flag), kind(flag))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn kind(flag: &Flag) -> Value {
    let one: &[&str] = match flag.metavar {
        "BOOL" => &["boolean"],
        "SECONDS" | "UID" | "GID" => &["integer"],
        // `off` is a port, too, and `required` an answer to when.
        "PORT" => &["integer", "string"],
        "WHEN" => &["boolean", "string"],
        "QUANTITY" => &["string", "number"],
        _ => &["string"],
    };
    let or_null = |kinds: &[&str]| kinds.iter().copied().chain(["null"]).collect::<Value>();
    match flag.takes {
        Takes::One => json!({ "type": or_null(one) }),
        Takes::List => json!({ "type": or_null(&["array", "string"]), "items": { "type": one } }),
    }
}

/// A row for each value, by the headings of `--help`, for `docs/configuration.md`.
pub fn names() -> String {
    let mut text = String::from("| Value | Flag | Default of the driver |\n|---|---|---|\n");
    for group in Group::ALL {
        let _ = writeln!(text, "| **{}** | | |", group.title());
        for flag in group.flags() {
            let default = match flag.default {
                Fallback::Text(value) => format!("`{value}`"),
                Fallback::Unset(meaning) => meaning.replace('|', "\\|"),
            };
            let _ = writeln!(text, "| `driver.{}` | `--{}` | {default} |", key(flag), flag.long);
        }
    }
    text
}

/// Text as lines that begin with `#`.
fn comment(paragraph: &str, text: &mut String) {
    const MARGIN: &str = "  #";
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        if column == 0 || column + 1 + word.chars().count() > WIDTH {
            text.push_str(if column == 0 { MARGIN } else { "\n  #" });
            column = MARGIN.len();
        }
        let _ = write!(text, " {word}");
        column += 1 + word.chars().count();
    }
    text.push('\n');
}
