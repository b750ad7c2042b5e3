use std::time::Duration;

use super::*;
use crate::core::grpc_status::Code;
use crate::core::io::{CallId, HttpRequest, Method};
use crate::core::note::Cause;
use crate::core::secret::Body;
use crate::shell::ops::request::Asked;

fn levels() -> Levels {
    let dials = Dials { opened: 2, failed: 1 };
    Levels {
        is_ready: true,
        exchanges: 3,
        watches: 2,
        inputs: 1,
        token: TokenFacts { written: Some(wall() - 60.0), expires: Some(2e9), read_errors: 4 },
        dials: [("requests", dials), ("lists", dials), ("watches", dials)],
    }
}

fn text(metrics: &mut Metrics) -> String {
    metrics.write(&levels(), Format::Text)
}

fn called(rpc: Rpc, outcome: Outcome, millis: u64) -> Note {
    Note::Called { call: CallId(1), rpc, outcome, millis, sandbox: None, name: None, trace: None }
}

#[test]
fn calls_are_counted_by_method_and_code_and_their_time_is_measured() {
    let mut metrics = Metrics::new();
    metrics.note(&called(Rpc::CreateSandbox, Outcome::Ok, 20));
    metrics.note(&called(Rpc::CreateSandbox, Outcome::Status(Code::FailedPrecondition), 5));
    metrics.note(&called(Rpc::GetSandbox, Outcome::Cancelled, 1));
    metrics.note(&called(Rpc::WatchSandboxes, Outcome::Cancelled, 1_000_000));
    let text = text(&mut metrics);
    for line in [
        "openshell_driver_rpcs_total{method=\"CreateSandbox\",code=\"OK\"} 1",
        "openshell_driver_rpcs_total{method=\"CreateSandbox\",code=\"FAILED_PRECONDITION\"} 1",
        "openshell_driver_rpcs_total{method=\"GetSandbox\",code=\"CANCELLED\"} 1",
        "openshell_driver_rpcs_total{method=\"DeleteSandbox\",code=\"OK\"} 0",
        "openshell_driver_rpcs_total{method=\"WatchSandboxes\",code=\"CANCELLED\"} 1",
        "openshell_driver_rpc_duration_seconds_sum{method=\"CreateSandbox\",code=\"OK\"} 0.02",
        "openshell_driver_rpc_duration_seconds_bucket{method=\"CreateSandbox\",code=\"OK\",le=\"0.01\"} 0",
        "openshell_driver_rpc_duration_seconds_bucket{method=\"CreateSandbox\",code=\"OK\",le=\"0.025\"} 1",
        "openshell_driver_notes_total{event=\"called\"} 4",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("rpc_duration_seconds_count{method=\"WatchSandboxes\""), "{text}");
}

#[test]
fn requests_are_counted_by_verb_resource_and_code() {
    let path = "/apis/agents.x-k8s.io/v1beta1/namespaces/a/sandboxes".to_owned();
    let request = |method| HttpRequest { method, path: path.clone(), content_type: None, body: Body::default() };
    let mut metrics = Metrics::new();
    let after = Duration::from_millis(30);
    metrics.answered(&Asked::of(&request(Method::Post)), End::Status(201), after);
    metrics.answered(&Asked::of(&request(Method::Post)), End::None("not_sent"), after);
    metrics.answered(&Asked::watch(&request(Method::Get)), End::Status(410), after);
    let text = text(&mut metrics);
    for line in [
        "openshell_driver_api_requests_total{verb=\"create\",resource=\"sandboxes\",code=\"201\"} 1",
        "openshell_driver_api_requests_total{verb=\"create\",resource=\"sandboxes\",code=\"not_sent\"} 1",
        "openshell_driver_api_requests_total{verb=\"watch\",resource=\"sandboxes\",code=\"410\"} 1",
        "openshell_driver_api_request_duration_seconds_count{verb=\"create\",resource=\"sandboxes\"} 1",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("duration_seconds_count{verb=\"watch\""), "{text}");
}

#[test]
fn a_survey_sets_every_gauge_also_those_at_nothing() {
    let mut metrics = Metrics::new();
    let survey = Survey {
        sandboxes: [(State::Ready, 5)].into(),
        unclaimed: 2,
        objects: [(Kind::Sandboxes, 5), (Kind::Pods, 4)].into(),
        heard_millis: [(Kind::Sandboxes, 1_500)].into(),
        calls: [(Rpc::WatchSandboxes, 1)].into(),
        events_waiting: 7,
        unchanged: 9,
        ..Survey::default()
    };
    metrics.note(&Note::Surveyed(Box::new(survey)));
    let text = text(&mut metrics);
    for line in [
        "openshell_driver_sandboxes{state=\"ready\"} 5",
        "openshell_driver_sandboxes{state=\"stopped\"} 0",
        "openshell_driver_strays 2",
        "openshell_driver_store_objects{kind=\"pods\"} 4",
        "openshell_driver_informer_age_seconds{kind=\"sandboxes\"} 1.5",
        "openshell_driver_rpcs_in_flight{method=\"WatchSandboxes\"} 1",
        "openshell_driver_queue_length{queue=\"stream_events\"} 7",
        "openshell_driver_queue_length{queue=\"inputs\"} 1",
        "openshell_driver_watch_snapshots_suppressed_total{reason=\"unchanged\"} 9",
        "openshell_driver_api_dials_total{lane=\"lists\",result=\"failed\"} 1",
        "openshell_driver_token_read_errors_total 4",
        "openshell_driver_ready 1",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("informer_age_seconds{kind=\"events\"}"), "nothing was heard of Events:\n{text}");
}

#[test]
fn informers_say_why_they_begin_again() {
    let mut metrics = Metrics::new();
    metrics.note(&Note::Listing { kind: Kind::Pods, because: Cause::Expired });
    metrics.note(&Note::Watching { kind: Kind::Pods, because: Cause::Listed });
    metrics.note(&Note::NotObserving { kind: Kind::Events, reason: "no".into(), retry_millis: 1 });
    let text = text(&mut metrics);
    for line in [
        "openshell_driver_informer_lists_total{kind=\"pods\",reason=\"expired\"} 1",
        "openshell_driver_informer_watches_total{kind=\"pods\",reason=\"listed\"} 1",
        "openshell_driver_informer_synced{kind=\"pods\"} 1",
        "openshell_driver_informer_synced{kind=\"sandboxes\"} 0",
        "openshell_driver_informer_failures_total{kind=\"events\"} 1",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_credential_that_is_not_replaced_has_no_age() {
    let mut metrics = Metrics::new();
    assert!(text(&mut metrics).contains("openshell_driver_token_age_seconds 6"));
    let fixed = Levels { token: TokenFacts::default(), ..levels() };
    assert!(!metrics.write(&fixed, Format::Text).contains("token_age_seconds"));
}
