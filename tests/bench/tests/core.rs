//! The core benchmarks measure what they say: each act does what its name says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bench::stage::{Case, Stage};
use openshell_driver_kyma::contract::messages::compute::watch_sandboxes_event::Payload;
use openshell_driver_kyma::core::io::{Output, Reply};

/// What the core says, but for notes and wishes.
fn said(stage: &mut Stage, case: Case) -> Vec<String> {
    let act = stage.act(case);
    let name = |output: Output| match output {
        Output::Event { event, .. } => Some(match event.payload.unwrap() {
            Payload::Sandbox(_) => "sandbox".to_owned(),
            Payload::Deleted(_) => "deleted".to_owned(),
            Payload::PlatformEvent(event) => event.event.unwrap().reason,
        }),
        Output::Reply { reply: Ok(Reply::ListSandboxes(reply)), .. } => Some(format!("{} sandboxes", reply.sandboxes.len())),
        Output::Reply { reply, .. } => Some(if reply.is_ok() { "ok" } else { "refused" }.to_owned()),
        Output::Exchange { request, .. } => Some(request.method.as_str().to_owned()),
        _ => None,
    };
    stage.outputs(act).into_iter().filter_map(name).collect()
}

#[test]
fn each_act_does_what_its_name_says() {
    let mut stage = Stage::new(3);
    assert_eq!(said(&mut stage, Case::Get), ["ok"]);
    assert_eq!(said(&mut stage, Case::List), ["3 sandboxes"]);
    assert_eq!(said(&mut stage, Case::Added), ["sandbox"]);
    assert_eq!(said(&mut stage, Case::List), ["4 sandboxes"]);
    assert_eq!(said(&mut stage, Case::Bookmark), [""; 0]);
    assert_eq!(said(&mut stage, Case::Event), ["Scheduled"]);
    assert_eq!(said(&mut stage, Case::Pod), [""; 0]);
    assert_eq!(said(&mut stage, Case::Create), ["POST"]);

    let mut stage = Stage::new(3);
    for _ in 0..2 {
        assert_eq!(said(&mut stage, Case::Unchanged), [""; 0]);
    }
    let mut stage = Stage::new(3);
    // The first three become not ready, the next three ready again.
    for _ in 0..9 {
        assert_eq!(said(&mut stage, Case::Changed), ["sandbox"]);
    }
    assert!(stage.act(Case::Changed).bytes() > 8_000);
}
