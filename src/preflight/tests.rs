//! A preflight against an API server that is a table.

use serde_json::{Value, json};

use super::Preflight;
use super::report::{Finding, Format, Outcome, Report};
use crate::config::Config;
use crate::core::io::{HttpRequest, Method, Response};
use crate::core::secret::Body;

const NOW: i64 = 1_787_306_400;

/// A driver's settings, with these changes.
fn config(changes: &Value) -> Config {
    fn merge(into: &mut Value, changes: &Value) {
        match (into, changes) {
            (Value::Object(into), Value::Object(changes)) => {
                for (key, value) in changes {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (into, changes) => *into = changes.clone(),
        }
    }
    let mut config: Value = serde_json::from_str(include_str!("../../vectors/config.json")).unwrap_or_default();
    merge(&mut config, changes);
    serde_json::from_value(config).unwrap_or_else(|error| unreachable!("{error}"))
}

/// The report of a driver with these settings on a cluster that answers so, and otherwise as one that has nothing.
fn report(config: Config, answers: &[(&str, u16, Value)]) -> Report {
    let mut preflight = Preflight::new(config, NOW);
    while let Some(request) = preflight.ask() {
        let (status, body) = answer(&request, answers);
        preflight.answered(Ok(Response { status, body: Body::json(&body), ..Response::default() }));
    }
    preflight.finish()
}

fn answer(request: &HttpRequest, answers: &[(&str, u16, Value)]) -> (u16, Value) {
    let path = request.path.split('?').next().unwrap_or_default();
    if let Some((_, status, body)) = answers.iter().find(|(known, ..)| *known == path) {
        return (*status, body.clone());
    }
    match path {
        "/version" => (200, json!({ "major": "1", "minor": "36" })),
        _ if request.method == Method::Post => (201, json!({ "status": { "allowed": true } })),
        _ => (404, json!({ "kind": "Status", "reason": "NotFound", "code": 404 })),
    }
}

fn outcomes<'a>(report: &'a Report, name: &str) -> Vec<&'a Outcome> {
    report.findings.iter().filter(|finding: &&Finding| finding.name == name).map(|finding| &finding.outcome).collect()
}

/// What one finding says, and what mends it.
fn said(report: &Report, name: &str) -> (String, String) {
    match outcomes(report, name).as_slice() {
        [Outcome::Pass { detail } | Outcome::Unknown { detail }] => (detail.clone(), String::new()),
        [Outcome::Warn { detail, mend } | Outcome::Fail { detail, mend }] => (detail.clone(), mend.clone()),
        other => unreachable!("{name}: {other:?}"),
    }
}

fn group(versions: &[&str]) -> Value {
    json!({ "versions": versions.iter().map(|version| json!({ "version": version })).collect::<Vec<_>>() })
}

const EXPOSED: &str = r#"{ "exposure": { "route": { "api_rule": "anybody" }, "gateway": "kyma-system/kyma-gateway", "port": 8080 } }"#;

fn exposed() -> Config {
    config(&serde_json::from_str(EXPOSED).unwrap_or_default())
}

#[test]
fn an_api_of_another_version_is_not_the_one_that_is_needed() {
    let report = report(
        exposed(),
        &[("/apis/gateway.kyma-project.io", 200, group(&["v1beta1"])), ("/apis/networking.istio.io", 200, group(&["v1"]))],
    );
    let (detail, mend) = said(&report, "apirule");
    assert!(detail.contains("\"v1beta1\"") && detail.contains("v2 is needed"), "{detail}");
    assert_eq!(mend, "kyma module add api-gateway --default-cr");
    assert_eq!(said(&report, "istio").1, "");
    assert!(!report.is_fit());
}

#[test]
fn a_gateway_of_two_domains_leaves_open_which_is_meant() {
    let gateway = json!({ "spec": { "servers": [{ "hosts": ["*.a.example.com", "*.b.example.com"] }] } });
    let path = "/apis/networking.istio.io/v1/namespaces/kyma-system/gateways/kyma-gateway";
    let found = report(exposed(), &[(path, 200, gateway.clone())]);
    let (detail, mend) = said(&found, "cluster_domain");
    assert!(detail.contains("*.a.example.com and *.b.example.com") && mend.contains("--cluster-domain"), "{detail} {mend}");
    // Said, it need not be read.
    let mut settings = exposed();
    if let Some(exposure) = &mut settings.exposure {
        exposure.domain = crate::core::follow::settings::Domain::parse("a.example.com").ok();
    }
    let found = report(settings, &[(path, 403, json!({ "kind": "Status", "reason": "Forbidden", "message": "no" }))]);
    assert!(matches!(outcomes(&found, "cluster_domain").as_slice(), [Outcome::Unknown { .. }]));
}

#[test]
fn a_cluster_without_gpus_is_a_warning_and_one_that_adds_them_is_not_looked_at() {
    let node = |gpus: &str| json!({ "status": { "allocatable": { "nvidia.com/gpu": gpus } } });
    let none = report(config(&json!({})), &[("/api/v1/nodes", 200, json!({ "metadata": {}, "items": [node("0"), {}] }))]);
    assert!(matches!(outcomes(&none, "gpu_nodes").as_slice(), [Outcome::Warn { detail, .. }] if detail.starts_with("none of 2 nodes")));
    let some = report(config(&json!({})), &[("/api/v1/nodes", 200, json!({ "metadata": {}, "items": [node("0"), node("4"), node("8")] }))]);
    assert_eq!(said(&some, "gpu_nodes").0, "2 of 3 nodes have nvidia.com/gpu, the best 8");
    let autoscaled = report(config(&json!({ "pod": { "gpus": { "resource": "nvidia.com/gpu", "supply": "autoscaled" } } })), &[]);
    assert!(outcomes(&autoscaled, "gpu_nodes").is_empty());
}

#[test]
fn the_policy_that_somebody_else_must_write_is_compared_and_printed() {
    let network = config(&json!({ "network": {} }));
    let path = "/apis/networking.k8s.io/v1/namespaces/openshell-system/networkpolicies/openshell-sandboxes";
    let missing = report(network.clone(), &[]);
    let (_, mend) = said(&missing, "network_policy");
    let written = mend.lines().nth(1).unwrap_or_default();
    let object: Value = serde_json::from_str(written).unwrap_or_default();
    assert!(mend.starts_with("kubectl apply -f - <<'EOF'\n") && mend.ends_with("\nEOF") && object.get("spec").is_some(), "{mend}");
    let there = report(network.clone(), &[(path, 200, object)]);
    assert!(matches!(outcomes(&there, "network_policy").as_slice(), [Outcome::Pass { .. }]));
    let changed = report(network, &[(path, 200, json!({ "spec": {} }))]);
    assert!(matches!(outcomes(&changed, "network_policy").as_slice(), [Outcome::Warn { .. }]));
}

#[test]
fn managed_workspaces_need_the_sources_of_their_copies_and_no_label() {
    let managed = config(&json!({ "workspaces": "managed", "pod": { "image_pull_secrets": ["registry"], "client_tls_secret": "tls" } }));
    let namespace = json!({ "metadata": { "name": "openshell-system", "uid": "u" } });
    let found = report(
        managed,
        &[
            ("/api/v1/namespaces/openshell-system", 200, namespace),
            ("/api/v1/namespaces/openshell-system/secrets/registry", 200, json!({})),
        ],
    );
    assert_eq!(said(&found, "namespace"), ("openshell-system is there".into(), String::new()));
    let secrets = outcomes(&found, "secret");
    assert!(
        matches!(secrets.as_slice(), [Outcome::Pass { .. }, Outcome::Fail { mend, .. }] if mend.starts_with("kubectl create secret generic tls --from-file=ca.crt")),
        "{secrets:?}"
    );
    let plain = report(config(&json!({ "workspaces": "managed" })), &[]);
    assert!(outcomes(&plain, "namespace").is_empty() && plain.print(Format::Text).contains("namespaces in the cluster"));
}

/// A namespace with these labels.
fn namespace(name: &str, labels: &Value) -> Value {
    json!({ "metadata": { "name": name, "uid": "u", "labels": labels } })
}

#[test]
fn namespaces_that_are_chosen_by_label_are_each_looked_at() {
    let operator = || config(&json!({ "workspaces": { "operator": { "labelled": "openshell.ai/workspace=true" } } }));
    let fit = json!({ "pod-security.kubernetes.io/enforce": "privileged" });
    let items = json!([namespace("team-a", &fit), namespace("team-b", &json!({}))]);
    let found = report(operator(), &[("/api/v1/namespaces", 200, json!({ "metadata": {}, "items": items }))]);
    let outcomes = outcomes(&found, "namespace");
    let mend = "kubectl label namespace team-b pod-security.kubernetes.io/enforce=privileged --overwrite";
    assert!(matches!(outcomes.as_slice(), [Outcome::Pass { .. }, Outcome::Fail { mend: said, .. }] if said == mend), "{outcomes:?}");
    let none = report(operator(), &[("/api/v1/namespaces", 200, json!({ "metadata": {}, "items": [] }))]);
    let (_, mend) = said(&none, "namespace");
    assert_eq!(mend, "kubectl label namespace <workspace> openshell.ai/workspace=true pod-security.kubernetes.io/enforce=privileged");
}

#[test]
fn namespaces_that_a_file_lists_are_asked_about_by_name() {
    let settings = config(&json!({ "workspaces": { "operator": "listed" } }));
    let mut preflight = Preflight::new(settings.clone(), NOW);
    preflight.choose(crate::config::workspaces::listed(r#"["team-a", "team-b"]"#));
    let fit = namespace("team-a", &json!({ "pod-security.kubernetes.io/enforce": "privileged" }));
    while let Some(request) = preflight.ask() {
        let (status, body) = answer(&request, &[("/api/v1/namespaces/team-a", 200, fit.clone())]);
        preflight.answered(Ok(Response { status, body: Body::json(&body), ..Response::default() }));
    }
    let found = preflight.finish();
    let there = outcomes(&found, "namespace");
    assert!(
        matches!(there.as_slice(), [Outcome::Pass { .. }, Outcome::Fail { mend, .. }] if mend.starts_with("kubectl create namespace team-b\n")),
        "{there:?}"
    );
    let mut preflight = Preflight::new(settings, NOW);
    preflight.choose(crate::config::workspaces::listed("team-a"));
    let (why, _) = said(&preflight.finish(), "namespace");
    assert!(why.contains("not a JSON array of names"), "{why}");
}
