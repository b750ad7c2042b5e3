//! The record against the real server it was made from, or the record made anew (`LIKENESS_RECORD=1`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "it finds its cluster in the environment")]

use std::path::PathBuf;
use std::sync::Arc;

use likeness::compare::deviations;
use likeness::play::{every, report};
use likeness::record;
use likeness::subject::{Real, Subject};

/// Scenarios played at once: each has its own namespace.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_server_still_answers_as_recorded() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with make test-cluster"));
    let recording = std::env::var_os("LIKENESS_RECORD").is_some_and(|value| !value.is_empty());
    assert!(!recording || std::env::var_os("CI").is_none(), "nothing is recorded in CI: do it at home and review the difference");
    let real = Real {
        directory: PathBuf::from(variable("OPENSHELL_KYMA_CLUSTER_DIR")),
        host: variable("KUBERNETES_SERVICE_HOST"),
        port: variable("KUBERNETES_SERVICE_PORT").parse().unwrap(),
    };
    let only = std::env::var("LIKENESS_ONLY").unwrap_or_default();
    let mut failures = Vec::new();
    for (scenario, account) in every(Some(Arc::new(Subject::Real(real))), AT_ONCE, &only).await {
        match account {
            Err(failure) => failures.push(format!("\n== {}: {}\n  {failure}\n", scenario.id, scenario.sentence)),
            Ok(account) if recording => record::write(&scenario, &account).unwrap(),
            Ok(account) => match record::read(scenario.id) {
                Err(failure) => failures.push(format!("\n== {}: {failure}\n", scenario.id)),
                Ok(recorded) => {
                    let found = deviations(&recorded, &account);
                    if !found.is_empty() {
                        failures.push(report(&scenario, "now", &account, &recorded, &found));
                    }
                }
            },
        }
    }
    assert!(
        failures.is_empty(),
        "the real server does not answer as recorded (make record-likeness writes it anew):\n{}",
        failures.concat()
    );
}
