//! Workspaces in namespaces that somebody else makes and chooses: for a gateway outside the cluster.

use std::fs;

use kubesim::{Cluster, Kind, Method};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::json;
use tonic::Code;

use crate::scene::{Scene, delete, get, start, until, until_deleted, until_ready};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// A driver outside the cluster, as its gateway is.
pub fn outside(scene: &Scene) -> Outcome<Launch> {
    let path = |name: &str| scene.scratch.path().join(name).display().to_string();
    let config = json!({
        "kind": "Config",
        "apiVersion": "v1",
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "here", "user": "me" } }],
        "clusters": [{ "name": "here", "cluster": { "server": format!("https://{}", scene.cluster.address), "certificate-authority": path("ca.crt") } }],
        "users": [{ "name": "me", "user": { "tokenFile": path("token") } }],
    });
    let file = scene.scratch.file("kubeconfig.json", &config.to_string())?.display().to_string();
    Ok(scene.launch().variable("KUBERNETES_SERVICE_HOST", "").flag("--kubeconfig", &file))
}

/// One to which this says which namespaces are chosen.
fn choosing(scene: &Scene, flag: &str, value: &str) -> Outcome<Launch> {
    Ok(outside(scene)?.flag("--workspace-mode", "operator").flag("--sandbox-credential", "token").flag(flag, value))
}

async fn create_in(gateway: &Gateway, workspace: &str, name: &str) -> Result<(), tonic::Status> {
    let wanted = pb::DriverSandbox { workspace: workspace.into(), ..sandbox::wanted(name) };
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await.map(|_| ())
}

async fn ensured(gateway: &Gateway, workspace: &str) -> Result<(), Code> {
    let request = pb::EnsureWorkspaceRequest { workspace: workspace.into() };
    gateway.ensure_workspace(request).await.map(|_| ()).map_err(|status| status.code())
}

/// What was asked about namespaces, but for reading.
fn writes_to_namespaces(cluster: &mut Cluster) -> usize {
    let of_namespace =
        |path: &str| path.split('?').next().unwrap_or_default().trim_start_matches("/api/v1/namespaces").matches('/').count() < 2;
    let writes = |logged: &&kubesim::Logged| logged.method != Method::Get && logged.path.starts_with("/api/v1/namespaces");
    cluster.log().iter().filter(writes).filter(|logged| of_namespace(&logged.path)).count()
}

#[tokio::test]
async fn a_file_chooses_namespaces_and_a_change_takes_effect() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.cluster.with(|cluster| {
        cluster.add_namespace("team-a", &[(ENFORCE, "privileged")]);
        cluster.add_namespace("team-b", &[(ENFORCE, "privileged")]);
    });
    let file = scene.scratch.file("namespaces.json", r#"["team-a"]"#)?;
    let launch = choosing(&scene, "--operator-namespace-file", &file.display().to_string())?;
    let (mut driver, gateway) = start(&launch).await?;
    let mut events = gateway.watch().await?;
    create_in(&gateway, "team-a", "ada").await?;
    until_ready(&mut events, "ada").await?;
    let seen = get(&gateway, "ada").await?;
    assert_eq!((seen.namespace.as_str(), seen.workspace.as_str()), ("team-a", "team-a"));
    let refused = create_in(&gateway, "team-b", "grace").await.err().ok_or("team-b is not listed yet")?;
    assert!(refused.code() == Code::FailedPrecondition && refused.message().contains("--operator-namespace-file"), "{refused}");

    // As a ConfigMap is replaced: another file takes the name.
    let next = scene.scratch.file("next.json", r#"["team-b"]"#)?;
    fs::rename(next, &file)?;
    until("team-b is chosen", async || Ok(ensured(&gateway, "team-b").await.is_ok())).await?;
    create_in(&gateway, "team-b", "grace").await?;
    until_ready(&mut events, "grace").await?;
    assert_eq!(ensured(&gateway, "team-a").await, Err(Code::PermissionDenied));

    scene.scratch.file("namespaces.json", "team-a, team-b")?;
    driver.logged("not a JSON array of names").await?;
    assert_eq!(ensured(&gateway, "team-b").await, Ok(()), "what was read before stays");

    // What is in a namespace that is chosen no longer is still known.
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    gateway.delete_workspace(pb::DeleteWorkspaceRequest { workspace: "team-b".into() }).await?;
    assert_eq!(scene.cluster.with(writes_to_namespaces), 0, "no namespace is made, labelled or deleted");
    assert!(scene.cluster.with(|cluster| cluster.object(Kind::Sandbox, "team-b", "grace")).is_some());
    Ok(())
}

#[tokio::test]
async fn a_label_chooses_namespaces_and_a_change_takes_effect_at_once() -> Outcome<()> {
    let scene = Scene::new().await?;
    let label = |value: Option<&str>| json!({ "metadata": { "labels": { "openshell.ai/workspace": value } } });
    scene.cluster.with(|cluster| cluster.add_namespace("team-a", &[(ENFORCE, "privileged")]));
    let launch = choosing(&scene, "--operator-namespace-label", "openshell.ai/workspace=true")?;
    let (mut driver, gateway) = start(&launch).await?;
    assert_eq!(ensured(&gateway, "team-a").await, Err(Code::PermissionDenied));
    assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", "team-a", &label(Some("true")))));
    until("team-a is chosen", async || Ok(ensured(&gateway, "team-a").await.is_ok())).await?;
    let mut events = gateway.watch().await?;
    create_in(&gateway, "team-a", "ada").await?;
    until_ready(&mut events, "ada").await?;
    assert!(scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", "team-a", &label(None))));
    until("team-a is chosen no longer", async || Ok(ensured(&gateway, "team-a").await.is_err())).await?;
    driver.logged("gone: team-a").await?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;

    // One that would refuse its pods is said so before anything is created in it.
    scene.cluster.with(|cluster| cluster.add_namespace("team-b", &[("openshell.ai/workspace", "true")]));
    driver.logged("team-b has no label").await?;
    let refused = create_in(&gateway, "team-b", "grace").await.err().ok_or("team-b refuses pods")?;
    let command = format!("kubectl label namespace team-b {ENFORCE}=privileged --overwrite");
    assert!(refused.code() == Code::FailedPrecondition && refused.message().contains(&command), "{refused}");
    assert_eq!(scene.cluster.with(writes_to_namespaces), 0, "no namespace is made, labelled or deleted");
    Ok(())
}

#[tokio::test]
async fn in_a_pod_or_without_its_file_it_does_not_start() -> Outcome<()> {
    let scene = Scene::new().await?;
    let inside = scene.launch().flag("--workspace-mode", "operator").flag("--operator-namespace-label", "a=b");
    let mut driver = Driver::start(&inside)?;
    assert_eq!(driver.ended().await?.code(), Some(2));
    assert!(driver.log().contains("KUBERNETES_SERVICE_HOST is set") && driver.log().contains("Use managed"), "{}", driver.log());
    let missing = scene.scratch.path().join("nothing.json").display().to_string();
    let mut driver = Driver::start(&choosing(&scene, "--operator-namespace-file", &missing)?)?;
    assert_eq!(driver.ended().await?.code(), Some(2));
    assert!(driver.log().contains("nothing.json: No such file"), "{}", driver.log());
    Ok(())
}
