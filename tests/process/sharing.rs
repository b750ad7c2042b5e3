//! Namespaces with more than one owner of Sandboxes in them.

use kubesim::{Kind, Method};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tonic::Code;

use crate::scene::{NAMESPACE, Scene, create, delete, get, list, start, until_deleted, until_ready};

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
