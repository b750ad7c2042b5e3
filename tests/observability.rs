//! Dashboard and alert rules name the metrics that there are, and all of them; what alerts point to is there.
#![allow(clippy::disallowed_methods, reason = "reads files of the repository")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use openshell_driver_kyma::core::note::Note;
use openshell_driver_kyma::shell::ops::metrics::reference::samples;
use openshell_driver_kyma::shell::ops::metrics::table::{Family, Metric};
use serde_json::Value;

type Outcome = Result<(), Box<dyn Error>>;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    words.filter(|word| word.starts_with("openshell_driver_") || word.starts_with("process_")).map(str::to_owned).collect()
}

/// Every query of a dashboard.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| ["expr", "definition", "query"].contains(&key.as_str())) {
                    Some(query) => found.push(query.to_owned()),
                    None => queries(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

fn dashboard() -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    queries(&serde_json::from_str(&fs::read_to_string(path("deploy/observability/dashboard.json"))?)?, &mut found);
    assert!(found.len() > 30, "the dashboard has its queries");
    Ok(found)
}

#[test]
fn every_name_used_exists() -> Outcome {
    let there: BTreeSet<String> = samples().into_iter().collect();
    for file in ["deploy/observability/prometheusrule.yaml", "docs/failures.md", "docs/metrics.md"] {
        let families: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.family().name.to_owned()).collect();
        for name in names(&fs::read_to_string(path(file))?) {
            let is_histogram = families.contains(&name) && !there.contains(&name);
            assert!(there.contains(&name) || (file.starts_with("docs/") && is_histogram), "{file} names {name}, which is no metric");
        }
    }
    for query in dashboard()? {
        for name in names(&query) {
            assert!(there.contains(&name), "the dashboard asks for {name}, which is no metric: {query}");
        }
    }
    Ok(())
}

#[test]
fn every_metric_is_on_the_dashboard() -> Outcome {
    let shown: BTreeSet<String> = dashboard()?.iter().flat_map(|query| names(query)).collect();
    for family in Metric::ALL.iter().map(|metric| metric.family()) {
        assert!(family.samples().iter().any(|sample| shown.contains(sample)), "no panel shows {}", family.name);
    }
    Ok(())
}

/// `{label="value"}` and `by (label)` in a query name labels that the metric has.
#[test]
fn every_label_used_exists() -> Outcome {
    let mut known: BTreeSet<&str> = BTreeSet::from(["le", "namespace", "pod", "container"]);
    known.extend(Metric::ALL.iter().flat_map(|metric| metric.family().labels));
    let rules = fs::read_to_string(path("deploy/observability/prometheusrule.yaml"))?;
    for query in dashboard()?.iter().map(String::as_str).chain([rules.as_str()]) {
        for by in query.split("by (").skip(1).filter_map(|rest| rest.split_once(')')) {
            for label in by.0.split(',').map(str::trim) {
                assert!(known.contains(label), "{label} is no label: {query}");
            }
        }
        for (name, selector) in query.split('{').zip(query.split('{').skip(1)) {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name = name.rsplit(|c: char| !word(c)).next().unwrap_or_default();
            let Some(family) = family(name) else { continue };
            for pair in selector.split('}').next().unwrap_or_default().split(", ").filter(|pair| !pair.is_empty()) {
                let label = pair.split(|c: char| !word(c)).next().unwrap_or_default();
                assert!(["namespace", "pod"].contains(&label) || family.labels.contains(&label), "{name} has no label {label}: {query}");
            }
        }
    }
    Ok(())
}

fn family(sample: &str) -> Option<Family> {
    Metric::ALL.iter().map(|metric| metric.family()).find(|family| family.samples().iter().any(|name| name == sample))
}

#[test]
fn events_that_alerts_wait_for_are_logged_and_runbooks_are_there() -> Outcome {
    let rules = fs::read_to_string(path("deploy/observability/prometheusrule.yaml"))?;
    let events = rules.split("event=").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let mut seen = 0;
    for event in events.flat_map(|alternatives| alternatives.split('|')) {
        assert!(Note::EVENTS.contains(&event), "{event} is no event");
        seen += 1;
    }
    assert!(seen > 3, "some alerts wait for events");
    for runbook in rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")) {
        let (file, anchor) = runbook.split_once('#').unwrap_or((runbook, ""));
        let text = fs::read_to_string(path(file))?;
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        let mut anchors = headings.map(|heading| heading.to_lowercase().replace(' ', "-").replace([',', '\'', '.'], ""));
        assert!(anchor.is_empty() || anchors.any(|there| there == anchor), "{runbook} is not there");
    }
    Ok(())
}
