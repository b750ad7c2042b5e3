//! Namespaces with more than one owner of Sandboxes in them.

use kubesim::{Kind, Method};
use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::contract::messages::compute::watch_sandboxes_event::Payload;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tonic::Code;

use crate::scene::{NAMESPACE, Scene, create, delete, get, list, resume, start, stop, until_deleted, until_ready};

#[tokio::test]
async fn drivers_of_two_gateways_do_not_touch_each_other_s_sandboxes() -> Outcome<()> {
    let scene = Scene::new().await?;
    let of = |gateway: &str| scene.launch().flag("--gateway-id", gateway).at(&scene.scratch.path().join(gateway).join("driver.sock"));
    let (_driver, one) = start(&of("one")).await?;
    let (_driver, two) = start(&of("two")).await?;
    let mut to_two = two.watch().await?;
    create(&one, "ada").await?;
    create(&two, "grace").await?;
    let first = to_two.next().await?;
    assert!(sandbox::snapshot(&first).is_some_and(|seen| seen.name == "grace"), "{first:?}");
    assert_eq!((list(&one).await?, list(&two).await?), (vec!["ada".to_owned()], vec!["grace".to_owned()]));

    let foreign = get(&two, "ada").await;
    assert!(foreign.as_ref().is_err_and(|status| status.code() == Code::NotFound), "{foreign:?}");
    assert!(!delete(&two, "ada").await?, "to gateway two it does not exist");
    let mut same_name = sandbox::wanted("ada");
    same_name.id = sandbox::id("ada-of-two");
    let taken = two.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(same_name) }).await;
    let taken = taken.err().ok_or("a name that is taken was created")?;
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert!(taken.message().contains("gateway one"), "{taken}");
    assert_eq!(scene.asked(Method::Delete).len(), 0);
    assert_eq!(scene.sandboxes().len(), 2);
    Ok(())
}

#[tokio::test]
async fn two_gateways_live_beside_each_other_in_one_namespace() -> Outcome<()> {
    let scene = Scene::new().await?;
    let of = |gateway: &str| scene.launch().flag("--gateway-id", gateway).at(&scene.scratch.path().join(gateway).join("driver.sock"));
    let (_driver, one) = start(&of("one")).await?;
    let (_driver, two) = start(&of("two")).await?;
    let (mut to_one, mut to_two) = (one.watch().await?, two.watch().await?);
    let (first, second) = tokio::join!(create(&one, "ada"), create(&two, "grace"));
    first?;
    second?;
    until_ready(&mut to_one, "ada").await?;
    until_ready(&mut to_two, "grace").await?;
    let (first, second) = tokio::join!(stop(&one, "ada"), stop(&two, "grace"));
    first?;
    second?;

    let before = scene.asked(Method::Patch).len();
    for refused in [stop(&two, "ada").await, resume(&two, "ada").await, stop(&one, "grace").await, resume(&one, "grace").await] {
        assert!(refused.as_ref().is_err_and(|status| status.code() == Code::NotFound), "{refused:?}");
    }
    assert_eq!(scene.asked(Method::Patch).len(), before, "nothing of the other's is even asked for");

    resume(&two, "grace").await?;
    until_ready(&mut to_two, "grace").await?;
    assert!(delete(&one, "ada").await?);
    let id = sandbox::id("ada");
    let about = |event: &Payload| match event {
        Payload::Sandbox(event) => event.sandbox.as_ref().map(|sandbox| sandbox.id.clone()),
        Payload::Deleted(event) => Some(event.sandbox_id.clone()),
        Payload::PlatformEvent(event) => Some(event.sandbox_id.clone()),
    };
    to_one
        .until(|event| {
            assert_eq!(about(event).as_deref(), Some(id.as_str()), "{event:?}");
            sandbox::deleted(event).map(|_| ())
        })
        .await?;
    assert!(sandbox::is_ready(&get(&two, "grace").await?), "the other's goes on");
    Ok(())
}

#[tokio::test]
async fn sandboxes_that_upstream_s_driver_created_are_listed_and_deleted() -> Outcome<()> {
    let scene = Scene::new().await?;
    for object in [stored("ada", &upstreams_labels("ada")), stored("somebody-else-s", &json!({ "app": "another" }))] {
        scene.cluster.with(|cluster| cluster.create_object(Kind::Sandbox, object))?;
    }
    let (_driver, gateway) = start(&scene.launch().flag("--gateway-id", "gateway-1")).await?;
    let mut events = gateway.watch().await?;
    until_ready(&mut events, "ada").await?;
    let seen = get(&gateway, "ada").await?;
    assert_eq!((seen.id, seen.name.as_str(), seen.workspace.as_str()), (sandbox::id("ada"), "ada", "default"));
    assert_eq!(list(&gateway).await?, ["ada"]);
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 1, "what has no label of ours is left alone");
    Ok(())
}

/// What upstream's driver puts on its Sandboxes; it has no annotation of ours.
fn upstreams_labels(name: &str) -> Value {
    json!({
        "openshell.ai/managed-by": "openshell",
        "openshell.ai/sandbox-id": sandbox::id(name),
        "openshell.ai/sandbox-name": name,
        "openshell.ai/sandbox-workspace": "default",
        "openshell.ai/gateway-id": "gateway-1",
    })
}

fn stored(name: &str, labels: &Value) -> Value {
    json!({
        "metadata": { "name": format!("default--{name}"), "namespace": NAMESPACE, "labels": labels },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "sandbox:1" }] } } },
    })
}
