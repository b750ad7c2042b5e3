//! Workspaces in namespaces that somebody else makes and chooses, on a real API server; the driver is outside the cluster, as its gateway is.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::rights::exactly;
use crate::scene::{Place, until};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const CHOSEN: &str = "example.com/chosen";

/// A driver with a kubeconfig for the driver's account.
fn outside(place: &Place) -> Outcome<Launch> {
    let launch = place.launch();
    let beside = |name: &str| launch.credentials.join(name).display().to_string();
    let config = json!({
        "kind": "Config",
        "apiVersion": "v1",
        "current-context": "here",
        "contexts": [{ "name": "here", "context": { "cluster": "here", "user": "driver" } }],
        "clusters": [{ "name": "here", "cluster": { "server": format!("https://{}", place.cluster.api), "certificate-authority": beside("ca.crt") } }],
        "users": [{ "name": "driver", "user": { "tokenFile": beside("token") } }],
    });
    let file = place.file("kubeconfig.json", &config.to_string())?.display().to_string();
    let launch = launch.variable("KUBERNETES_SERVICE_HOST", "").flag("--kubeconfig", &file);
    let launch = launch.flag("--workspace-mode", "operator").flag("--operator-namespace-label", &format!("{CHOSEN}=yes"));
    // Others' drivers are in this cluster, too.
    Ok(launch.flag("--gateway-id", "o").flag("--sandbox-credential", "token"))
}

async fn choose(place: &Place, namespace: &str, chosen: Value) -> Outcome<()> {
    place.patch(&format!("/api/v1/namespaces/{namespace}"), json!({ "metadata": { "labels": { CHOSEN: chosen } } })).await.map(|_| ())
}

async fn create(gateway: &Gateway, workspace: &str, name: &str) -> Result<(), Status> {
    let mut wanted = pb::DriverSandbox { workspace: workspace.into(), ..sandbox::wanted(name) };
    if let Some(spec) = &mut wanted.spec {
        spec.sandbox_token = "a-token-of-the-gateway-s".into();
    }
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await.map(|_| ())
}

async fn ensured(gateway: &Gateway, workspace: &str) -> Result<(), Code> {
    let request = pb::EnsureWorkspaceRequest { workspace: workspace.into() };
    gateway.ensure_workspace(request).await.map(|_| ()).map_err(|status| status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_namespaces_have_sandboxes_and_are_never_written_to() -> Outcome<()> {
    let place = Place::new("operator").await?;
    for namespace in ["operator-one", "operator-two"] {
        let metadata = json!({ "name": namespace, "labels": { ENFORCE: "privileged" } });
        place.make("/api/v1/namespaces", json!({ "metadata": metadata })).await?;
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        until("the namespace has its default account", async || place.is_there(&account).await).await?;
    }
    choose(&place, "operator-one", "yes".into()).await?;
    let launch = outside(&place)?;
    exactly(&place, &launch).await?;
    let driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut events = gateway.watch().await?;

    until("it is known which are chosen", async || Ok(ensured(&gateway, "operator-one").await.is_ok())).await?;
    create(&gateway, "operator-one", "ada").await?;
    events.until(|event| sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).map(|_| ())).await?;
    assert_eq!(ensured(&gateway, "operator-two").await, Err(Code::PermissionDenied), "nobody has chosen it");
    choose(&place, "operator-two", "yes".into()).await?;
    until("the other one is chosen", async || Ok(ensured(&gateway, "operator-two").await.is_ok())).await?;
    create(&gateway, "operator-two", "grace").await?;
    let ready = |event: &_| sandbox::snapshot(event).filter(|seen| seen.name == "grace" && sandbox::is_ready(seen)).map(|_| ());
    events.until(ready).await?;

    // What is there stays known, and can be deleted; nothing new comes.
    choose(&place, "operator-one", Value::Null).await?;
    until("it is chosen no longer", async || Ok(ensured(&gateway, "operator-one").await.is_err())).await?;
    assert!(create(&gateway, "operator-one", "alan").await.is_err());
    let listed = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?;
    assert_eq!(listed.sandboxes.iter().map(|listed| listed.name.as_str()).collect::<Vec<_>>(), ["ada", "grace"]);
    for name in ["ada", "grace"] {
        let gone = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
        assert!(gateway.delete_sandbox(gone).await?.deleted);
        events.until(|event| sandbox::deleted(event).filter(|id| *id == sandbox::id(name)).map(|_| ())).await?;
    }
    let written = place.strictly_written()?;
    assert!(written.iter().all(|(_, plural)| plural != "namespaces"), "{written:?}");
    assert!(written.contains(&("create".into(), "sandboxes".into())), "{written:?}");
    Ok(())
}
