//! What older releases do otherwise, and the two versions of a Sandbox.

use crate::desk::{Desk, NS, OLD_SANDBOXES, PODS, SANDBOXES, sandbox};
use kubesim::{ControllerRelease, Kind, Options, PodFailure, Power, Request};
use serde_json::{Value, json};

fn desk_of(release: ControllerRelease) -> Desk {
    Desk::with(Options { release, ..Options::default() })
}

fn old_sandbox(name: &str) -> Value {
    let mut object = sandbox(name);
    object["apiVersion"] = json!("agents.x-k8s.io/v1alpha1");
    object
}

#[test]
fn v0_4_6_serves_v1alpha1_alone_and_a_suspended_sandbox_looks_ready() {
    let mut desk = desk_of(ControllerRelease::V0_4_6);
    assert_eq!(desk.get(SANDBOXES).0, 404);
    assert_eq!(desk.read("/apis/agents.x-k8s.io")["versions"].as_array().unwrap().len(), 1);
    let response = desk.ask(&Request::post(OLD_SANDBOXES, &old_sandbox("one")));
    assert_eq!((response.status(), response.head.warnings.len()), (201, 0));
    assert_eq!(response.json()["spec"]["replicas"], 1);
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert_eq!(desk.condition("one", "Suspended"), "");
    let status = desk.read(&format!("{OLD_SANDBOXES}/one"))["status"].clone();
    assert_eq!(status["replicas"], 1);
    assert!(status.get("nodeName").is_none());
    desk.patch(&format!("{OLD_SANDBOXES}/one"), &json!({ "spec": { "replicas": 0 } }));
    desk.run(50);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod does not exist, replicas is 0");
    assert_eq!(desk.get(&format!("{PODS}/one")).0, 200, "the pod is still in its grace period");
    desk.run(2_000);
    assert_eq!(desk.get(&format!("{PODS}/one")).0, 404);
    let (status, body) = desk.patch(&format!("{OLD_SANDBOXES}/one"), &json!({ "spec": { "replicas": 2 } }));
    assert_eq!((status, body["details"]["causes"][0]["field"].as_str()), (422, Some("spec.replicas")));
    let scale = desk.read(&format!("{OLD_SANDBOXES}/one/scale"));
    assert_eq!((scale["kind"].as_str(), scale["spec"]["replicas"].as_u64()), (Some("Scale"), Some(0)));
}

#[test]
fn v0_5_0_says_suspended_too_early_and_for_ever_and_knows_no_reason_for_a_failed_pod() {
    let mut desk = desk_of(ControllerRelease::V0_5_0);
    desk.ready("one");
    assert_eq!(desk.condition("one", "Suspended"), "");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(50);
    assert!(desk.condition("one", "Suspended").starts_with("True/PodTerminated"));
    assert_eq!(desk.get(&format!("{PODS}/one")).0, 200, "the pod is still there");
    desk.run(2_000);
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Running" } }));
    desk.run(2_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert!(desk.condition("one", "Suspended").starts_with("True/PodTerminated"), "never taken back");
    let object = desk.read(&format!("{SANDBOXES}/one"));
    let sticky = object["status"]["conditions"].as_array().unwrap().iter().find(|held| held["type"] == "Suspended").unwrap().clone();
    assert_eq!((sticky["observedGeneration"].as_u64(), object["metadata"]["generation"].as_u64()), (Some(2), Some(3)));
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "podTemplate": { "spec": { "restartPolicy": "Never" } } } }));
    desk.cluster.force_delete_pod(NS, "one");
    desk.run(1_000);
    desk.cluster.fail_pod(NS, "one", PodFailure::Exited(1));
    desk.run(100);
    assert_eq!(desk.condition("one", "Ready"), "False/DependenciesNotReady: Pod exists with phase: Failed");
    assert_eq!(desk.condition("one", "Finished"), "True/PodFailed: Pod failed");
    let claims = json!({ "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "w" }, "spec": {} }] } });
    assert_eq!(desk.patch(&format!("{SANDBOXES}/one"), &claims).0, 200, "immutable since v0.5.3 only");
}

#[test]
fn v0_5_3_and_v0_5_4_stand_in_between() {
    let mut desk = desk_of(ControllerRelease::V0_5_3);
    desk.ready("one");
    desk.cluster.edit_object(Kind::Pod, NS, "one", &json!({ "spec": { "restartPolicy": "Never" } }));
    desk.cluster.fail_pod(NS, "one", PodFailure::Exited(1));
    desk.run(100);
    assert_eq!(desk.condition("one", "Ready"), "False/PodFailed: Pod failed");
    assert_eq!(desk.condition("one", "Suspended"), "");
    let mut desk = desk_of(ControllerRelease::V0_5_4);
    desk.ready("one");
    assert_eq!(desk.condition("one", "Suspended"), "False/NotSuspended: Sandbox is not suspended");
    assert_eq!(desk.condition("one", "PodScheduled"), "", "since v0.5.6");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(50);
    assert_eq!(desk.condition("one", "Suspended"), "False/PodTerminating: Pod is terminating. Sandbox is suspending");
}

#[test]
fn beside_v1beta1_the_old_version_is_converted_and_warned_about() {
    let mut desk = Desk::new();
    let response = desk.ask(&Request::post(OLD_SANDBOXES, &old_sandbox("one")));
    let warning = "299 - \"agents.x-k8s.io/v1alpha1 Sandbox is deprecated; use agents.x-k8s.io/v1beta1 Sandbox instead\"";
    assert_eq!((response.status(), response.head.warnings), (201, vec![warning.to_owned()]));
    desk.run(1_000);
    let new = desk.read(&format!("{SANDBOXES}/one"));
    assert_eq!(new["spec"]["operatingMode"], "Running");
    let state = new["metadata"]["annotations"]["api.agents.x-k8s.io/v1alpha1-sandbox-state"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(state).unwrap()["apiVersion"], "agents.x-k8s.io/v1alpha1");
    let old = desk.read(&format!("{OLD_SANDBOXES}/one"));
    assert!(old["metadata"]["annotations"].get("api.agents.x-k8s.io/v1alpha1-sandbox-state").is_none());
    assert_eq!(old["status"]["replicas"], 0, "as stale as its last write through the old version");
    assert_eq!(old["metadata"]["uid"], new["metadata"]["uid"]);
    let watch = desk.watch(&format!("{OLD_SANDBOXES}?watch=1"));
    assert_eq!(desk.lines(watch)[0]["object"]["apiVersion"], "agents.x-k8s.io/v1alpha1");
    desk.patch(&format!("{OLD_SANDBOXES}/one"), &json!({ "spec": { "replicas": 0 } }));
    assert_eq!(desk.read(&format!("{SANDBOXES}/one"))["spec"]["operatingMode"], "Suspended");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Running" } }));
    assert_eq!(desk.read(&format!("{OLD_SANDBOXES}/one"))["spec"]["replicas"], 1);
}

#[test]
fn without_its_webhook_the_old_version_is_a_500_and_the_new_one_goes_on() {
    let mut desk = Desk::new();
    desk.ready("one");
    desk.cluster.set_webhook(Power::Stopped);
    let (status, body) = desk.get(OLD_SANDBOXES);
    assert_eq!(status, 500);
    assert!(body["message"].as_str().unwrap().starts_with("conversion webhook for"));
    assert!(body.get("reason").is_none());
    assert_eq!(desk.get(SANDBOXES).0, 200);
}

#[test]
fn an_upgrade_keeps_objects_and_ends_watches() {
    let mut desk = desk_of(ControllerRelease::V0_4_6);
    desk.post(OLD_SANDBOXES, &old_sandbox("one"));
    desk.run(1_000);
    let then = desk.version(OLD_SANDBOXES);
    let uid = desk.read(&format!("{OLD_SANDBOXES}/one"))["metadata"]["uid"].clone();
    let watch = desk.watch(&format!("{OLD_SANDBOXES}?watch=1&resourceVersion={then}"));
    desk.cluster.set_release(ControllerRelease::V0_5_6);
    assert!(desk.cluster.watch_output(watch, 10).ended);
    desk.run(1_000);
    let new = desk.read(&format!("{SANDBOXES}/one"));
    assert_eq!(new["metadata"]["uid"], uid);
    assert_eq!(new["spec"]["operatingMode"], "Running");
    assert_eq!(desk.condition("one", "Suspended"), "False/NotSuspended: Sandbox is not suspended");
    let old = desk.read(&format!("{OLD_SANDBOXES}/one"));
    assert_eq!(old["spec"]["replicas"], 1);
}
