//! Everything that drivers note in simulated lives, through the product's own log: no line has a secret of that life.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(not(feature = "mutations"))]

use openshell_driver_kyma::core::io::Output;
use openshell_driver_kyma::core::note::Note;
use openshell_driver_kyma::shell::log;
use serde_json::Value;
use simulation::books::SECRET;
use simulation::hunt::{self, Plan};
use simulation::recordings::Recording;
use simulation::summary::Hashing;
use simulation::trace::Telling;

/// Worlds whose notes are printed.
const SEEDS: std::ops::RangeInclusive<u64> = 201..=216;

#[test]
fn no_line_about_a_simulated_life_has_a_secret() {
    let (mut lines, mut refusals) = (0, 0);
    for seed in SEEDS {
        let plan = Plan { recording: Recording::On { entries: usize::MAX, segments: 1 }, ..Plan::of(seed) };
        for recorded in hunt::seed(&plan, Telling::Nothing, Hashing::Off).recordings {
            let mut refusal = None;
            for output in recorded.file.lines().flat_map(outputs) {
                match output {
                    Output::Reply { call, reply: Err(status) } => {
                        refusals += 1;
                        refusal = Some((call, status));
                    }
                    Output::Note(Note::Met { .. }) => {}
                    Output::Note(note) => {
                        for line in log::lines(&note, refusal.as_ref()) {
                            lines += 1;
                            assert!(!line.contains(SECRET), "seed {seed}: {line}");
                        }
                    }
                    other => assert!(!format!("{other:?}").contains(SECRET), "seed {seed}: {other:?}"),
                }
            }
        }
    }
    assert!(lines > 10_000 && refusals > 20, "{lines} lines, {refusals} refusals");
}

/// The outputs of a line, as the product reads them.
fn outputs(line: &str) -> Vec<Output> {
    let line: Value = serde_json::from_str(line).expect("a line of JSON");
    let outputs = line.get("outputs").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    serde_json::from_value(outputs).expect("the outputs of a recording")
}
