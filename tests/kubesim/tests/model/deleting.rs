//! Deleting: preconditions, propagation, grace, finalizers, collections, namespaces.

use crate::desk::{Desk, NS, PODS, SANDBOXES, names, sandbox, sandbox_with};
use kubesim::{Kind, Options, Power, Request, Termination};
use serde_json::{Value, json};

fn options(change: &Value) -> Value {
    let mut body = json!({ "kind": "DeleteOptions", "apiVersion": "v1" });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

#[test]
fn the_default_is_gone_at_once_and_answers_a_status() {
    let mut desk = Desk::new();
    desk.ready("one");
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    assert_eq!(desk.events(watch), ["ADDED one"]);
    let uid = desk.read(&format!("{SANDBOXES}/one"))["metadata"]["uid"].clone();
    let (status, body) = desk.delete(&format!("{SANDBOXES}/one"), &Value::Null);
    assert_eq!((status, body["kind"].as_str(), body["status"].as_str()), (200, Some("Status"), Some("Success")));
    assert_eq!(body["details"], json!({ "name": "one", "group": "agents.x-k8s.io", "kind": "sandboxes", "uid": uid }));
    let lines = desk.lines(watch);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["type"], "DELETED");
    assert!(lines[0].to_string().contains("DependenciesReady"), "its last conditions are its last conditions");
    desk.run(100);
    let pod = desk.read(&format!("{PODS}/one"));
    assert!(pod["metadata"]["deletionTimestamp"].is_string(), "the pod ends in its own time");
    desk.run(1_000);
    assert_eq!(desk.get(&format!("{PODS}/one")).0, 404);
    assert_eq!(desk.delete(&format!("{SANDBOXES}/one"), &Value::Null).0, 404);
}

#[test]
fn in_the_foreground_it_stays_until_its_dependents_are_gone() {
    let mut desk = Desk::new();
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    let claims = json!([{ "metadata": { "name": "w" }, "spec": spec }]);
    desk.create(&sandbox_with("one", &json!({ "spec": { "volumeClaimTemplates": claims, "service": true } })));
    desk.run(1_000);
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    desk.lines(watch);
    let (status, body) = desk.delete(&format!("{SANDBOXES}/one"), &options(&json!({ "propagationPolicy": "Foreground" })));
    assert_eq!((status, body["kind"].as_str()), (200, Some("Sandbox")));
    assert_eq!(body["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert_eq!(body["metadata"]["generation"], 2);
    assert_eq!(body["metadata"]["deletionGracePeriodSeconds"], 0);
    let (status, again) = desk.post(SANDBOXES, &sandbox("one"));
    assert_eq!((status, again["reason"].as_str()), (409, Some("AlreadyExists")));
    assert_eq!(again["message"], "object is being deleted: sandboxes.agents.x-k8s.io \"one\" already exists");
    assert_eq!(desk.delete(&format!("{SANDBOXES}/one"), &options(&json!({ "propagationPolicy": "Foreground" }))).0, 200);
    assert_eq!(desk.patch(&format!("{SANDBOXES}/one"), &json!({ "metadata": { "labels": { "a": "b" } } })).0, 200);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready; Service Exists", "conditions are frozen");
    desk.run(300);
    assert!(desk.cluster.object(Kind::Service, NS, "one").is_none());
    assert!(desk.cluster.object(Kind::PersistentVolumeClaim, NS, "w-one").is_some(), "its pod still uses it");
    assert!(desk.cluster.object(Kind::Sandbox, NS, "one").is_some());
    desk.run(1_000);
    for (kind, name) in [(Kind::Sandbox, "one"), (Kind::Pod, "one"), (Kind::PersistentVolumeClaim, "w-one")] {
        assert!(desk.cluster.object(kind, NS, name).is_none(), "{kind:?}");
    }
    let events = desk.events(watch);
    assert_eq!(events, ["MODIFIED one", "MODIFIED one", "DELETED one"], "marked, labelled, gone");
}

#[test]
fn orphans_stay_without_their_owner() {
    let mut desk = Desk::new();
    desk.ready("one");
    desk.delete(&format!("{SANDBOXES}/one"), &options(&json!({ "propagationPolicy": "Orphan" })));
    desk.run(2_000);
    assert!(desk.cluster.object(Kind::Sandbox, NS, "one").is_none());
    let pod = desk.cluster.object(Kind::Pod, NS, "one").unwrap();
    assert!(pod["metadata"].get("ownerReferences").is_none());
    assert!(pod["metadata"].get("deletionTimestamp").is_none());
    let uid = pod["metadata"]["uid"].clone();
    desk.ready("one");
    let adopted = desk.cluster.object(Kind::Pod, NS, "one").unwrap();
    assert_eq!(adopted["metadata"]["uid"], uid, "a new Sandbox of that name takes it");
    assert_eq!(adopted["metadata"]["ownerReferences"][0]["kind"], "Sandbox");
}

#[test]
fn a_body_makes_the_query_count_for_nothing() {
    let mut desk = Desk::new();
    desk.ready("one");
    let (status, body) = desk.delete(&format!("{SANDBOXES}/one?propagationPolicy=Foreground"), &options(&json!({})));
    assert_eq!((status, body["kind"].as_str()), (200, Some("Status")));
    desk.ready("two");
    let (_, body) = desk.delete(&format!("{SANDBOXES}/two?propagationPolicy=Foreground"), &Value::Null);
    assert_eq!(body["kind"], "Sandbox");
    let both = options(&json!({ "propagationPolicy": "Background", "orphanDependents": false }));
    assert_eq!(desk.delete(&format!("{SANDBOXES}/two"), &both).0, 422);
    assert_eq!(desk.delete(&format!("{SANDBOXES}/two"), &options(&json!({ "propagationPolicy": "Slowly" }))).0, 422);
}

#[test]
fn preconditions_that_fail_are_conflicts_told_apart_by_their_message_only() {
    let mut desk = Desk::new();
    let uid = desk.create(&sandbox("one"))["metadata"]["uid"].as_str().unwrap().to_owned();
    let path = format!("{SANDBOXES}/one");
    let (status, body) = desk.delete(&path, &options(&json!({ "preconditions": { "uid": "other" } })));
    assert_eq!((status, body["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        body["message"],
        format!(
            "Operation cannot be fulfilled on Sandbox.agents.x-k8s.io \"one\": the UID in the precondition (other) does not match the UID \
             in record ({uid}). The object might have been deleted and then recreated"
        )
    );
    let (status, body) = desk.delete(&path, &options(&json!({ "preconditions": { "resourceVersion": "1" } })));
    assert_eq!((status, body["reason"].as_str()), (409, Some("Conflict")));
    assert!(body["message"].as_str().unwrap().contains("the ResourceVersion in the precondition (1)"));
    assert_eq!(desk.delete(&path, &options(&json!({ "preconditions": { "uid": uid } }))).0, 200);
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_taken() {
    let mut desk = Desk::new();
    desk.create(&sandbox_with("one", &json!({ "metadata": { "finalizers": ["x.io/hold"] } })));
    let path = format!("{SANDBOXES}/one");
    let (status, body) = desk.delete(&path, &Value::Null);
    assert_eq!((status, body["kind"].as_str()), (200, Some("Sandbox")));
    let added = json!({ "metadata": { "finalizers": ["x.io/hold", "y.io/more"] } });
    assert_eq!(desk.patch(&path, &added).0, 422, "none may be added now");
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    desk.lines(watch);
    assert_eq!(desk.patch(&path, &json!({ "metadata": { "finalizers": null } })).0, 200);
    assert_eq!(desk.events(watch), ["DELETED one"]);
    assert_eq!(desk.get(&path).0, 404);
}

#[test]
fn a_pod_gets_its_grace_and_may_be_given_less() {
    let mut desk = Desk::with(Options { termination: Termination::FullGrace, ..Options::default() });
    desk.ready("one");
    let path = format!("{PODS}/one");
    let (status, body) = desk.delete(&path, &options(&json!({ "gracePeriodSeconds": 20 })));
    assert_eq!((status, body["kind"].as_str()), (200, Some("Pod")));
    assert_eq!(body["metadata"]["deletionGracePeriodSeconds"], 20);
    assert_eq!(body["metadata"]["deletionTimestamp"], "2026-11-23T22:30:35Z");
    desk.run(19_000);
    assert_eq!(desk.read(&path)["status"]["phase"], "Running");
    desk.run(1_015);
    assert_eq!(desk.read(&path)["status"]["phase"], "Failed", "its last words before the kubelet lets go");
    desk.run(20);
    let (_, recreated) = desk.get(&path);
    assert_ne!(recreated["metadata"]["uid"], body["metadata"]["uid"], "its Sandbox has made another");
    assert_eq!(desk.delete(&path, &options(&json!({ "gracePeriodSeconds": 0 }))).0, 200);
    assert!(desk.cluster.object(Kind::Pod, NS, "one").is_none(), "no grace, no wait");
}

#[test]
fn a_collection_is_deleted_as_selected() {
    let mut desk = Desk::with(Options { controller: Power::Stopped, ..Options::default() });
    for (name, label) in [("a", "1"), ("b", "2"), ("c", "1")] {
        desk.create(&sandbox_with(name, &json!({ "metadata": { "labels": { "l": label } } })));
    }
    let (status, body) = desk.delete(&format!("{SANDBOXES}?labelSelector=l%3D1"), &Value::Null);
    assert_eq!((status, names(&body)), (200, vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(names(&desk.read(SANDBOXES)), ["b"]);
}

#[test]
fn a_namespace_takes_everything_in_it_along_and_lets_nothing_new_in() {
    let mut desk = Desk::new();
    desk.ready("one");
    let path = format!("/api/v1/namespaces/{NS}");
    let (status, body) = desk.delete(&path, &Value::Null);
    assert_eq!((status, body["status"]["phase"].as_str()), (200, Some("Terminating")));
    let (status, body) = desk.post(SANDBOXES, &sandbox("two"));
    assert_eq!((status, body["reason"].as_str()), (403, Some("Forbidden")));
    assert_eq!(body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    desk.run(10_000);
    assert_eq!(desk.get(&path).0, 404);
    assert!(desk.cluster.objects(Kind::Pod, NS).is_empty());
    let (status, body) = desk.post(SANDBOXES, &sandbox("two"));
    assert_eq!((status, body["details"]["kind"].as_str()), (404, Some("namespaces")));
    let response = desk.ask(&Request::post("/api/v1/namespaces", &json!({ "metadata": { "name": NS } })));
    assert_eq!(response.status(), 201);
    assert!(desk.cluster.object(Kind::ServiceAccount, NS, "default").is_some());
}
