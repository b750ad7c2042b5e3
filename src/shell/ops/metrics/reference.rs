//! The generated part of `docs/metrics.md`.

use std::fmt::Write as _;

use super::table::{Kind, Metric};

/// A table of the metrics.
#[must_use]
pub fn metrics() -> String {
    let mut text = String::from("| Metric | Type | Labels | What it says |\n|---|---|---|---|\n");
    for family in Metric::ALL.iter().map(|metric| metric.family()) {
        let (name, kind) = match family.kind {
            Kind::Counter => (format!("{}_total", family.name), "counter"),
            Kind::Gauge => (family.name.to_owned(), "gauge"),
            Kind::Histogram(_) => (family.name.to_owned(), "histogram"),
            Kind::Info => (format!("{}_info", family.name), "info"),
        };
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {} |", labels.join(", "), family.help);
    }
    text
}

/// Every name under which a sample is found.
#[must_use]
pub fn samples() -> Vec<String> {
    Metric::ALL.iter().flat_map(|metric| metric.family().samples()).collect()
}
