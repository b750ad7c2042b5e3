//! Namespaces of workspaces, and what the shared one must allow, on a real API server.

use std::collections::BTreeSet;

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};

use crate::scene::{Place, until};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_refuses_supervisors_ends_the_driver_and_so_does_the_missing_right() -> Outcome<()> {
    let place = Place::new("pod-security").await?;
    let namespace = "/api/v1/namespaces/pod-security";
    place.patch(namespace, json!({ "metadata": { "labels": { ENFORCE: "baseline" } } })).await?;
    let mut driver = Driver::start(&place.launch())?;
    assert_eq!(driver.ended().await?.code(), Some(3));
    let command = format!("kubectl label namespace pod-security {ENFORCE}=privileged --overwrite");
    assert!(driver.log().contains(&command), "{}", driver.log());

    let role = format!("{RBAC}/namespaces/pod-security/roles/openshell-driver");
    let rules = place.read(&role).await?["rules"].take();
    let fewer: Vec<&Value> = rules.as_array().ok_or("no rules")?.iter().filter(|rule| rule["resources"][0] != "namespaces").collect();
    place.patch(&role, json!({ "rules": fewer })).await?;
    let driver_user = place.as_the_driver().await?;
    until("the right is gone", async || Ok(driver_user.ask("GET", namespace, None).await?.status == 403)).await?;
    let mut driver = Driver::start(&place.launch())?;
    assert_eq!(driver.ended().await?.code(), Some(3));
    assert!(driver.log().contains("resources: [namespaces], resourceNames: [pod-security], verbs: [get]"), "{}", driver.log());
    Ok(())
}

/// Every rule of `managed-rights.json` is granted, every one is used, and nothing is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_managed_workspace_lives_and_dies_with_the_rights_it_needs_and_no_others() -> Outcome<()> {
    let place = Place::new("managed").await?;
    let role: Value = serde_json::from_str(include_str!("managed-rights.json"))?;
    place.make(&format!("{RBAC}/clusterroles"), role.clone()).await?;
    let binding = json!({
        "metadata": { "name": "openshell-driver-managed" },
        "subjects": [{ "kind": "ServiceAccount", "name": "openshell-driver", "namespace": "managed" }],
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "openshell-driver-managed" },
    });
    place.make(&format!("{RBAC}/clusterrolebindings"), binding).await?;
    // The rights of a shared namespace would hide what is missing.
    place.remove(&format!("{RBAC}/namespaces/managed/rolebindings/openshell-driver")).await?;
    let user = place.as_the_driver().await?;
    until("the rights are there", async || {
        Ok(user.ask("GET", "/apis/agents.x-k8s.io/v1beta1/sandboxes?limit=1", None).await?.status == 200)
    })
    .await?;
    let secret = json!({ "metadata": { "name": "registry" }, "type": "Opaque", "data": { "password": "b2xk" } });
    place.make("/api/v1/namespaces/managed/secrets", secret).await?;
    let launch = place.launch().flag("--workspace-mode", "managed").flag("--gateway-id", "m").flag("--enable-network-policy", "true");
    let launch = launch.flag("--image-pull-secrets", "registry").flag("--sandbox-service-account", "sandboxes");

    let mut driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut events = gateway.watch().await?;
    let wanted = pb::DriverSandbox { workspace: "one".into(), ..sandbox::wanted("ada") };
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await?;
    events.until(|event| sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).map(|_| ())).await?;
    let one = "/api/v1/namespaces/openshell-m-one";
    assert_eq!(place.read(one).await?["metadata"]["labels"][ENFORCE], "privileged");
    let policy = "/apis/networking.k8s.io/v1/namespaces/openshell-m-one/networkpolicies/openshell-sandboxes";
    let pod = place.read(&format!("{one}/pods/ada")).await?;
    for (key, value) in place.read(policy).await?["spec"]["podSelector"]["matchLabels"].as_object().into_iter().flatten() {
        assert_eq!(&pod["metadata"]["labels"][key], value, "the policy selects the pod");
    }
    let stop = pb::StopSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() };
    gateway.stop_sandbox(stop).await?;

    // What drifts while no driver runs is put right by the next: the label, the policy, the copy.
    driver.signal("TERM").await?;
    driver.ended().await?;
    place.patch(one, json!({ "metadata": { "labels": { ENFORCE: "restricted" } } })).await?;
    place.patch(policy, json!({ "spec": { "ingress": [{}] } })).await?;
    place.patch("/api/v1/namespaces/managed/secrets/registry", json!({ "data": { "password": "bmV3" } })).await?;
    let driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut events = gateway.watch().await?;
    let copy = format!("{one}/secrets/registry");
    until("the copy follows its source", async || Ok(place.read(&copy).await?["data"]["password"] == "bmV3")).await?;
    assert_eq!(place.read(one).await?["metadata"]["labels"][ENFORCE], "privileged");
    assert_eq!(place.read(policy).await?["spec"].get("ingress"), None, "what was let in is shut out again");

    let gone = pb::DeleteSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() };
    assert!(gateway.delete_sandbox(gone).await?.deleted);
    events.until(|event| sandbox::deleted(event).map(|_| ())).await?;
    gateway.delete_workspace(pb::DeleteWorkspaceRequest { workspace: "one".into() }).await?;
    place.until_gone(one).await?;
    gateway.delete_workspace(pb::DeleteWorkspaceRequest { workspace: "one".into() }).await?;

    let audit = place.cluster.audit(&place.user())?;
    let since_granted = audit.iter().filter(|entry| entry["userAgent"].as_str().is_some_and(|agent| agent.contains("openshell-driver")));
    let mut used = BTreeSet::new();
    for entry in since_granted {
        assert_ne!(entry["responseStatus"]["code"], 403, "{entry}");
        let about = &entry["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        used.insert((text(&about["apiGroup"]), text(&about["resource"]), text(&entry["verb"])));
    }
    used.retain(|(_, resource, _)| !resource.is_empty());
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for verb in rule["verbs"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            granted.insert((text(&rule["apiGroups"][0]), text(&rule["resources"][0]), text(verb)));
        }
    }
    assert_eq!(used, granted, "used, and granted");
    place.strictly_written()?;
    Ok(())
}
