//! The model cluster against the record of the real one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use kubesim::differences::DIFFERENCES;
use likeness::compare::{deviations, outlived, unexplained};
use likeness::play::{every, report};
use likeness::{record, scenarios};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "one scenario can be asked for")]
async fn the_model_answers_as_the_real_server_did() {
    let only = std::env::var("LIKENESS_ONLY").unwrap_or_default();
    let (mut failures, mut met) = (Vec::new(), BTreeSet::new());
    for (scenario, account) in every(None, 16, &only).await {
        match account.and_then(|account| Ok((account, record::read(scenario.id)?))) {
            Err(failure) => failures.push(format!("\n== {}: {}\n  {failure}\n", scenario.id, scenario.sentence)),
            Ok((account, recorded)) => {
                let left = unexplained(scenario.id, deviations(&recorded, &account), DIFFERENCES, &mut met);
                if !left.is_empty() {
                    failures.push(report(&scenario, "kubesim", &account, &recorded, &left));
                }
            }
        }
    }
    assert!(failures.is_empty(), "kubesim is not like the real server:\n{}", failures.concat());
    if only.is_empty() {
        let outlived = outlived(DIFFERENCES, &met);
        assert!(outlived.is_empty(), "listed in kubesim's differences, and no scenario shows it any more:\n{}", outlived.join("\n"));
    }
}

#[test]
fn every_scenario_has_an_id_of_its_own_and_a_record_and_every_record_a_scenario() {
    let mut count = BTreeMap::new();
    for scenario in scenarios::all() {
        *count.entry(scenario.id.to_owned()).or_insert(0) += 1;
        let fits =
            scenario.id.len() <= 50 && scenario.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(fits, "{} is part of a namespace's name", scenario.id);
        assert!(scenario.sentence.len() > 10, "{} says nothing", scenario.id);
    }
    assert!(count.values().all(|times| *times == 1), "{count:?}");
    assert_eq!(record::ids().unwrap(), count.into_keys().collect::<Vec<_>>());
}
