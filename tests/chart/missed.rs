//! Each right that the chart grants is one that is missed: a life in each of its installations, whole, and without one right at a time.

use rig::Outcome;
use serde_json::{Value, json};

use crate::life::{Installation, Missing, live};
use crate::render::{Rendered, try_render_in};
use crate::rights::{Right, granted};

fn shared() -> Value {
    json!({ "gateway": { "tls": { "enabled": false } }, "acknowledge": ["plaintextGateway"], "driver": {} })
}

fn managed() -> Value {
    json!({
        "gateway": { "tls": { "enabled": false } }, "acknowledge": ["plaintextGateway"],
        "driver": { "workspaceMode": "managed", "imagePullSecrets": ["registry"] },
    })
}

fn exposed() -> Value {
    let mut values = shared();
    values["acknowledge"] = json!(["plaintextGateway", "exposureWithoutAuthentication"]);
    values["driver"] = json!({ "exposure": "virtualservice", "apiruleAuth": "none", "sandboxCredential": "token" });
    values
}

fn exposed_by_apirule() -> Value {
    let mut values = exposed();
    values["driver"] = json!({
        "enableApirule": true, "apiruleAuth": "none", "istioInjectSandboxes": true, "sandboxCredential": "token",
    });
    values
}

fn nothing() -> Vec<Right> {
    Vec::new()
}

/// What the driver may do in the default installation: tested there.
fn of_the_shared() -> Vec<Right> {
    rights_of_the_driver(&try_render_in("any", &shared()).unwrap())
}

fn rights_of_the_driver(rendered: &Rendered) -> Vec<Right> {
    let is_ours = |object: &&Value| object["metadata"]["name"].as_str().is_some_and(|name| name.ends_with("-driver"));
    let roles: Vec<Value> = rendered.objects.iter().filter(is_ours).cloned().collect();
    granted(&roles, ("any", "openshell"))
}

/// The check before an install, with the account that the hook has: it finds nothing to mend.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_before_an_install_passes_with_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-check", shared(), None).await?;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
    let placed = |argument: &&String| !argument.starts_with("--socket=") && !argument.starts_with("--health-port=");
    let output = command
        .arg("check")
        .args(home.rendered.arguments().iter().filter(placed))
        .arg(format!("--socket={}/driver/driver.sock", home.scratch.path().display()))
        .env_clear()
        .env("KUBERNETES_SERVICE_HOST", home.cluster.api.ip().to_string())
        .env("KUBERNETES_SERVICE_PORT", home.cluster.api.port().to_string())
        .env("OPENSHELL_DRIVER_API_CREDENTIALS_DIR", home.scratch.path())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('✗') && !text.contains("not granted"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-life", shared(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_in_managed_workspaces_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-managed", managed(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_of_exposed_sandboxes_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-exposed", exposed(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_of_sandboxes_with_an_apirule_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-apirule", exposed_by_apirule(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

/// A test for each right: without it, life breaks where that right is needed.
macro_rules! without {
    ($module:ident, $values:ident, $prefix:literal, beyond $known:ident: $($test:ident: $verb:literal $group:literal $resource:literal => $step:literal;)*) => {
        mod $module {
            use super::*;

            const ALL: &[Missing] = &[$(Missing { group: $group, resource: $resource, verb: $verb }),*];

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> Outcome<()> {
                let missing = Missing { group: $group, resource: $resource, verb: $verb };
                let namespace = concat!($prefix, stringify!($test)).replace('_', "-");
                let home = Installation::new(&namespace, $values(), Some(&missing)).await?;
                match live(&home).await {
                    Ok(()) => Err(format!("nobody misses {} on {}", $verb, $resource).into()),
                    Err(grief) if grief.step == $step => Ok(()),
                    Err(grief) => Err(format!("{} is missed at {:?}, not at {:?}: {}", stringify!($test), grief.step, $step, grief.why).into()),
                }
            })*

            #[test]
            fn every_right_has_its_test() {
                let known: std::collections::BTreeSet<Right> = $known().into_iter().collect();
                let rights = rights_of_the_driver(&try_render_in("any", &$values()).unwrap());
                let rights = rights.iter().filter(|right| !known.contains(right));
                let granted: std::collections::BTreeSet<_> = rights.map(|right| (right.group.as_str(), right.resource.as_str(), right.verb.as_str())).collect();
                let tested: std::collections::BTreeSet<_> = ALL.iter().map(|missing| (missing.group, missing.resource, missing.verb)).collect();
                assert_eq!(granted, tested);
            }
        }
    };
}

without! { shared_namespace, shared, "s-", beyond nothing:
    create_sandboxes: "create" "agents.x-k8s.io" "sandboxes" => "create";
    delete_sandboxes: "delete" "agents.x-k8s.io" "sandboxes" => "delete";
    get_sandboxes: "get" "agents.x-k8s.io" "sandboxes" => "create again";
    list_sandboxes: "list" "agents.x-k8s.io" "sandboxes" => "start";
    patch_sandboxes: "patch" "agents.x-k8s.io" "sandboxes" => "stop";
    watch_sandboxes: "watch" "agents.x-k8s.io" "sandboxes" => "nothing refused";
    get_pods: "get" "" "pods" => "stop";
    list_pods: "list" "" "pods" => "reason";
    watch_pods: "watch" "" "pods" => "nothing refused";
    list_events: "list" "" "events" => "nothing refused";
    watch_events: "watch" "" "events" => "nothing refused";
    get_namespaces: "get" "" "namespaces" => "start";
    list_nodes: "list" "" "nodes" => "GPUs";
}

without! { managed_workspaces, managed, "m-", beyond nothing:
    create_sandboxes: "create" "agents.x-k8s.io" "sandboxes" => "create";
    delete_sandboxes: "delete" "agents.x-k8s.io" "sandboxes" => "delete";
    get_sandboxes: "get" "agents.x-k8s.io" "sandboxes" => "create again";
    list_sandboxes: "list" "agents.x-k8s.io" "sandboxes" => "start";
    patch_sandboxes: "patch" "agents.x-k8s.io" "sandboxes" => "stop";
    watch_sandboxes: "watch" "agents.x-k8s.io" "sandboxes" => "nothing refused";
    get_pods: "get" "" "pods" => "stop";
    list_pods: "list" "" "pods" => "reason";
    watch_pods: "watch" "" "pods" => "nothing refused";
    list_events: "list" "" "events" => "nothing refused";
    watch_events: "watch" "" "events" => "nothing refused";
    create_namespaces: "create" "" "namespaces" => "create";
    get_namespaces: "get" "" "namespaces" => "create after a change";
    patch_namespaces: "patch" "" "namespaces" => "create after a change";
    delete_namespaces: "delete" "" "namespaces" => "delete the workspace";
    create_serviceaccounts: "create" "" "serviceaccounts" => "create";
    create_secrets: "create" "" "secrets" => "create";
    get_secrets: "get" "" "secrets" => "create";
    patch_secrets: "patch" "" "secrets" => "create after a change";
    create_networkpolicies: "create" "networking.k8s.io" "networkpolicies" => "create";
    get_networkpolicies: "get" "networking.k8s.io" "networkpolicies" => "create after a change";
    patch_networkpolicies: "patch" "networking.k8s.io" "networkpolicies" => "create after a change";
    list_nodes: "list" "" "nodes" => "GPUs";
}

without! { exposed_sandboxes, exposed, "e-", beyond of_the_shared:
    create_secrets: "create" "" "secrets" => "token";
    get_gateways: "get" "networking.istio.io" "gateways" => "exposed";
    create_services: "create" "" "services" => "exposed";
    get_services: "get" "" "services" => "name taken";
    list_services: "list" "" "services" => "exposed";
    patch_services: "patch" "" "services" => "changed with the flags";
    watch_services: "watch" "" "services" => "nothing refused";
    create_virtualservices: "create" "networking.istio.io" "virtualservices" => "exposed";
    get_virtualservices: "get" "networking.istio.io" "virtualservices" => "name taken";
    list_virtualservices: "list" "networking.istio.io" "virtualservices" => "exposed";
    patch_virtualservices: "patch" "networking.istio.io" "virtualservices" => "changed with the flags";
    watch_virtualservices: "watch" "networking.istio.io" "virtualservices" => "nothing refused";
    create_networkpolicies: "create" "networking.k8s.io" "networkpolicies" => "exposed";
    get_networkpolicies: "get" "networking.k8s.io" "networkpolicies" => "name taken";
    list_networkpolicies: "list" "networking.k8s.io" "networkpolicies" => "exposed";
    patch_networkpolicies: "patch" "networking.k8s.io" "networkpolicies" => "changed with the flags";
    watch_networkpolicies: "watch" "networking.k8s.io" "networkpolicies" => "nothing refused";
}

without! { exposed_by_rules, exposed_by_apirule, "a-", beyond of_the_shared:
    create_secrets: "create" "" "secrets" => "token";
    get_gateways: "get" "networking.istio.io" "gateways" => "exposed";
    create_services: "create" "" "services" => "exposed";
    get_services: "get" "" "services" => "name taken";
    list_services: "list" "" "services" => "exposed";
    patch_services: "patch" "" "services" => "changed with the flags";
    watch_services: "watch" "" "services" => "nothing refused";
    create_apirules: "create" "gateway.kyma-project.io" "apirules" => "exposed";
    get_apirules: "get" "gateway.kyma-project.io" "apirules" => "name taken";
    list_apirules: "list" "gateway.kyma-project.io" "apirules" => "exposed";
    patch_apirules: "patch" "gateway.kyma-project.io" "apirules" => "changed with the flags";
    watch_apirules: "watch" "gateway.kyma-project.io" "apirules" => "nothing refused";
}
