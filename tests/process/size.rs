//! Thousands of sandboxes.

use std::sync::Arc;

use kubesim::{Kind, Options, Power};
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message as _;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};

use crate::scene::{NAMESPACE, Scene, start};

const MANY: usize = 4_000;
/// What a gateway takes as one message.
const MESSAGE_MAX: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn a_list_of_thousands_is_whole_and_fits_one_message() -> Outcome<()> {
    // Nobody is to work on them: what the controller says of each is given here.
    let scene = Scene::with(Options { controller: Power::Stopped, ..Options::default() }).await?;
    let why = "the image cannot be pulled; ".repeat(40);
    scene.cluster.with(|cluster| {
        (0..MANY).try_for_each(|number| {
            let name = format!("default--sandbox-{number}");
            cluster.create_object(Kind::Sandbox, stored(number)).map(|_| {
                cluster.edit_object(Kind::Sandbox, NAMESPACE, &name, &not_ready(&why));
            })
        })
    })?;
    let (_driver, gateway) = start(&scene.launch()).await?;
    // A gateway, like the one of the rig, takes no more than 4 MiB.
    let reply = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?;
    assert_eq!(reply.sandboxes.len(), MANY);
    assert!(MANY * why.len() > MESSAGE_MAX, "whole, the messages would not have fit");
    assert!(reply.encoded_len() <= MESSAGE_MAX, "{}", reply.encoded_len());
    let told = |sandbox: &Arc<pb::DriverSandbox>| {
        sandbox::condition(sandbox, "Ready").is_some_and(|ready| ready.message.contains("image cannot be pulled"))
    };
    assert!(reply.sandboxes.iter().all(told), "each still says why it is not ready");

    let mut events = gateway.watch().await?;
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < MANY {
        seen.insert(events.until(|event| sandbox::snapshot(event).map(|sandbox| sandbox.id.clone())).await?);
    }
    Ok(())
}

fn stored(number: usize) -> Value {
    let name = format!("sandbox-{number}");
    json!({
        "metadata": {
            "name": format!("default--{name}"),
            "namespace": NAMESPACE,
            "labels": {
                "openshell.ai/managed-by": "openshell",
                "openshell.ai/sandbox-id": sandbox::id(&name),
                "openshell.ai/sandbox-name": name,
                "openshell.ai/sandbox-workspace": "default",
                "openshell.ai/gateway-id": "openshell",
            },
        },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "sandbox:1" }] } } },
    })
}

fn not_ready(why: &str) -> Value {
    json!({ "status": { "conditions": [{
        "type": "Ready",
        "status": "False",
        "reason": "DependenciesNotReady",
        "message": why,
        "lastTransitionTime": "2026-09-01T00:00:00Z",
        "observedGeneration": 1,
    }] } })
}
