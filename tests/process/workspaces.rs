//! Where sandboxes live: what the namespace must allow, and workspaces that have one of their own.
#![expect(clippy::indexing_slicing, reason = "reading a JSON value by key never panics")]

use kubesim::{Kind, Method};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tonic::Code;

use crate::scene::{NAMESPACE, Scene, delete, get, list, start, until_deleted, until_ready};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const ONE: &str = "openshell-openshell-one";

#[tokio::test]
async fn a_namespace_that_refuses_supervisors_ends_the_driver_with_the_command() -> Outcome<()> {
    for (level, says) in [(json!("baseline"), "enforces the Pod Security level baseline"), (Value::Null, "has no label")] {
        let scene = Scene::new().await?;
        let labels = json!({ "metadata": { "labels": { ENFORCE: level } } });
        assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", NAMESPACE, &labels)));
        let mut driver = Driver::start(&scene.launch())?;
        assert_eq!(driver.ended().await?.code(), Some(3));
        let log = driver.log();
        let command = format!("kubectl label namespace {NAMESPACE} {ENFORCE}=privileged --overwrite");
        assert!(log.contains(says) && log.contains(&command), "{log}");
        let writes = scene.cluster.with(|cluster| cluster.log().iter().filter(|logged| logged.method != Method::Get).count());
        assert_eq!(writes, 0, "the driver labels no namespace that is not its own");
    }
    Ok(())
}

#[tokio::test]
async fn a_level_that_is_lowered_later_is_explained_to_the_user_and_ends_nothing() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    let labels = json!({ "metadata": { "labels": { ENFORCE: "baseline" } } });
    assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", NAMESPACE, &labels)));
    crate::scene::create(&gateway, "ada").await?;
    let command = format!("kubectl label namespace {NAMESPACE} {ENFORCE}=privileged --overwrite");
    let explained = |seen: &pb::DriverSandbox| sandbox::condition(seen, "Ready").is_some_and(|ready| ready.message.contains(&command));
    events.until(|event| sandbox::snapshot(event).filter(|seen| explained(seen)).map(|_| ())).await?;
    driver.logged("refuses sandbox pods").await?;
    Ok(())
}

#[tokio::test]
async fn a_managed_workspace_lives_and_dies() -> Outcome<()> {
    let scene = Scene::new().await?;
    secret(&scene, "registry", "kubernetes.io/dockerconfigjson", ".dockerconfigjson", "cmVnaXN0cnktcGFzc3dvcmQ=");
    let launch = scene.launch().flag("--workspace-mode", "managed").flag("--enable-network-policy", "true");
    let launch = launch.flag("--image-pull-secrets", "registry").flag("--sandbox-service-account", "sandboxes");
    let (driver, gateway) = start(&launch).await?;
    let mut events = gateway.watch().await?;

    create_in(&gateway, "one", "ada").await?;
    until_ready(&mut events, "ada").await?;
    let seen = get(&gateway, "ada").await?;
    assert_eq!((seen.namespace.as_str(), seen.workspace.as_str()), (ONE, "one"));
    assert_eq!(seen.status.map(|status| status.sandbox_name).as_deref(), Some("ada"), "a namespace of its own needs no prefix");
    let made = |kind, name: &str| scene.cluster.with(|cluster| cluster.object(kind, if kind == Kind::Namespace { "" } else { ONE }, name));
    let namespace = made(Kind::Namespace, ONE).ok_or("no namespace")?;
    assert_eq!(namespace["metadata"]["labels"][ENFORCE], "privileged");
    assert_eq!(namespace["metadata"]["labels"]["openshell.ai/gateway-id"], "openshell");
    assert!(made(Kind::ServiceAccount, "sandboxes").is_some());
    let policy = made(Kind::NetworkPolicy, "openshell-sandboxes").ok_or("no policy")?;
    let pod = made(Kind::Pod, "ada").ok_or("no pod")?;
    for (key, value) in policy["spec"]["podSelector"]["matchLabels"].as_object().into_iter().flatten() {
        assert_eq!(&pod["metadata"]["labels"][key], value, "the policy selects the pod");
    }
    assert_eq!(made(Kind::Secret, "registry").ok_or("no copy")?["data"][".dockerconfigjson"], "cmVnaXN0cnktcGFzc3dvcmQ=");

    let before = scene.asked(Method::Post).len();
    create_in(&gateway, "one", "grace").await?;
    assert_eq!(scene.asked(Method::Post).len(), before + 1, "in a workspace that is ready a create is one request");
    create_in(&gateway, "two", "edsger").await?;
    assert_eq!(list(&gateway).await?, ["ada", "edsger", "grace"]);

    gateway.stop_sandbox(pb::StopSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() }).await?;
    let start = pb::StartSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into(), ..Default::default() };
    gateway.start_sandbox(start).await?;
    for name in ["ada", "grace"] {
        assert!(delete(&gateway, name).await?);
        until_deleted(&mut events, name).await?;
    }
    let workspace = pb::DeleteWorkspaceRequest { workspace: "one".into() };
    gateway.delete_workspace(workspace.clone()).await?;
    scene.until("the namespace is gone", |cluster| cluster.object(Kind::Namespace, "", ONE).is_none()).await?;
    gateway.delete_workspace(workspace).await?;
    assert!(scene.cluster.with(|cluster| cluster.object(Kind::Namespace, "", "openshell-openshell-two")).is_some());
    create_in(&gateway, "one", "alan").await?;
    assert!(!driver.log().contains("cmVnaXN0cnktcGFzc3dvcmQ="), "no secret is in the log");
    Ok(())
}

#[tokio::test]
async fn what_drifted_while_no_driver_ran_is_put_right_by_the_next() -> Outcome<()> {
    let scene = Scene::new().await?;
    secret(&scene, "registry", "Opaque", "password", "b2xk");
    let launch = scene.launch().flag("--workspace-mode", "managed").flag("--image-pull-secrets", "registry");
    let (mut driver, gateway) = start(&launch).await?;
    create_in(&gateway, "one", "ada").await?;
    driver.signal("TERM").await?;
    driver.ended().await?;
    let renewed = json!({ "data": { "password": "bmV3" } });
    assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Secret, NAMESPACE, "registry", &renewed)));
    let lowered = json!({ "metadata": { "labels": { ENFORCE: "restricted" } } });
    assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", ONE, &lowered)));

    let (_driver, _gateway) = start(&launch).await?;
    let is_renewed = |cluster: &mut kubesim::Cluster| {
        cluster.object(Kind::Secret, ONE, "registry").is_some_and(|copy| copy["data"]["password"] == "bmV3")
    };
    scene.until("the copy follows its source", is_renewed).await?;
    let namespace = scene.cluster.with(|cluster| cluster.object(Kind::Namespace, "", ONE)).ok_or("no namespace")?;
    assert_eq!(namespace["metadata"]["labels"][ENFORCE], "privileged");
    Ok(())
}

#[tokio::test]
async fn two_gateways_in_one_cluster_keep_to_their_own_namespaces() -> Outcome<()> {
    let scene = Scene::new().await?;
    let other = scene.launch().at(&scene.scratch.path().join("other/driver.sock"));
    let (_one, one) = start(&scene.launch().flag("--workspace-mode", "managed").flag("--gateway-id", "a")).await?;
    let (_two, two) = start(&other.flag("--workspace-mode", "managed").flag("--gateway-id", "a-b")).await?;
    create_in(&one, "x", "ada").await?;
    create_in(&two, "x", "grace").await?;
    assert_eq!((list(&one).await?, list(&two).await?), (vec!["ada".to_owned()], vec!["grace".to_owned()]));
    // Both name this namespace openshell-a-b-x.
    let taken = create_in(&one, "b-x", "alan").await;
    assert!(
        taken
            .as_ref()
            .is_err_and(|status| status.code() == Code::FailedPrecondition && status.message().contains("belongs to gateway a-b")),
        "{taken:?}"
    );
    one.delete_workspace(pb::DeleteWorkspaceRequest { workspace: "b-x".into() }).await?;
    assert_eq!(list(&two).await?, ["grace"]);
    let namespace = scene.cluster.with(|cluster| cluster.object(Kind::Namespace, "", "openshell-a-b-x")).ok_or("it was deleted")?;
    assert!(namespace["metadata"].get("deletionTimestamp").is_none());
    Ok(())
}

/// Creates the sandbox of that name in a workspace.
async fn create_in(gateway: &Gateway, workspace: &str, name: &str) -> Result<(), tonic::Status> {
    let wanted = pb::DriverSandbox { workspace: workspace.into(), ..sandbox::wanted(name) };
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await.map(|_| ())
}

/// A secret beside the driver.
fn secret(scene: &Scene, name: &str, kind: &str, key: &str, value: &str) {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "type": kind,
        "data": { key: value },
    });
    let created = scene.cluster.with(|cluster| cluster.create_object(Kind::Secret, secret));
    assert!(created.is_ok(), "{created:?}");
}
