//! No decision hangs on the clock on the wall: the same day with a clock that jumps gives the same outputs.
#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]
#![allow(clippy::disallowed_methods, reason = "reads a file of the vectors")]

use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::core::Driver;
use openshell_driver_kyma::core::io::{CallId, ExchangeId, Fault, Input, Output, Outputs, Request, Response, WatchId};
use openshell_driver_kyma::core::note::Note;
use openshell_driver_kyma::core::secret::Body;
use openshell_driver_kyma::core::time::{Mono, Now, Wall};
use serde_json::{Value, json};

/// 2026-08-21T10:00:00Z
const START: i64 = 1_787_306_400_000;
/// A step of the day.
const STEP_MS: u64 = 500;

/// Plays a day: a start, a create with an ambiguous answer, an outage, its end, a stop. `wall` says what the clock on the wall shows at each step.
fn day(wall: impl Fn(u64) -> i64) -> Vec<Output> {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/config.json")).unwrap();
    let config: Config = serde_json::from_str(&file).unwrap();
    let mut driver = Driver::new(config, [7; 32]);
    let (mut all, mut waiting) = (Outputs::new(), Vec::<ExchangeId>::new());
    let mut watches = Vec::<WatchId>::new();
    for step in 0..1_000 {
        let now = Now { mono: Mono(step * STEP_MS), wall: Wall(wall(step)) };
        let is_down = (300..500).contains(&step);
        let mut inputs = vec![Input::Wake];
        for exchange in waiting.drain(..) {
            inputs.push(Input::Answer { exchange, result: if is_down { Err(Fault::NotSent("down".into())) } else { Ok(list()) } });
        }
        match step {
            100 => inputs.push(call(1, Request::WatchSandboxes(pb::WatchSandboxesRequest::default()))),
            101 => inputs.push(Input::Credit { call: CallId(1), events: 100 }),
            120 | 400 | 700 => inputs.push(call(step, Request::ListSandboxes(pb::ListSandboxesRequest::default()))),
            150 | 350 => inputs.push(call(step, get())),
            999 => inputs.push(Input::Stop),
            _ => {}
        }
        if step == 300 {
            let end = || openshell_driver_kyma::core::io::WatchEnd::Broken(Fault::Unknown("cut".into()));
            inputs.extend(watches.drain(..).map(|watch| Input::Closed { watch, end: end() }));
        }
        for input in inputs {
            let mut out = Outputs::new();
            driver.handle(now, input, &mut out);
            for output in &out {
                match output {
                    Output::Exchange { exchange, .. } => waiting.push(*exchange),
                    Output::Watch { watch, .. } => watches.push(*watch),
                    _ => {}
                }
            }
            all.extend(out);
        }
    }
    // How long ago the controller said something is told by comparing its clock with ours, and nothing hangs on it.
    for output in &mut all {
        if let Output::Note(Note::Became { after_millis, .. }) = output {
            *after_millis = None;
        }
    }
    all
}

fn call(call: u64, request: Request) -> Input {
    Input::Call { call: CallId(call), request, deadline: None, trace: None, digest: None }
}

fn get() -> Request {
    Request::GetSandbox(pb::GetSandboxRequest { sandbox_id: "7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001".into(), sandbox_name: "demo".into() })
}

/// Answers every list alike, of whatever kind.
fn list() -> Response {
    let body: Value = json!({ "metadata": { "resourceVersion": "1000" }, "items": [], "major": "1", "minor": "34" });
    Response { status: 200, body: Body::json(&body), ..Response::default() }
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let steady = day(|step| START + i64::try_from(step * STEP_MS).unwrap());
    assert!(steady.iter().any(|output| matches!(output, Output::Drained)), "the day came to its end");
    assert!(steady.iter().filter(|output| matches!(output, Output::Reply { .. })).count() >= 5, "calls were answered");
    for jump in [
        |step: u64| if step < 200 { START } else { START - 86_400_000 },
        |step: u64| if step < 200 { START } else { START + 10 * 365 * 86_400_000 },
        |step: u64| if step.is_multiple_of(2) { 0 } else { i64::MAX / 2 },
        |_| -1,
    ] {
        assert_eq!(day(jump), steady);
    }
}
