//! The garbage collector: by UID, and not when it is down.

use crate::desk::{Desk, NS, SANDBOXES, sandbox};
use kubesim::{Attention, Kind, Options, Power};
use serde_json::{Value, json};

fn owned_map(name: &str, owners: &[(&str, &Value)]) -> Value {
    let owners: Vec<Value> = owners
        .iter()
        .map(|(owner, uid)| json!({ "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "name": owner, "uid": uid, "blockOwnerDeletion": false }))
        .collect();
    json!({ "metadata": { "name": name, "namespace": NS, "ownerReferences": owners } })
}

#[test]
fn a_dependent_follows_its_owner_by_uid_not_by_name() {
    let mut desk = Desk::new();
    let uid = desk.create(&sandbox("one"))["metadata"]["uid"].clone();
    desk.cluster.create_object(Kind::ConfigMap, owned_map("mine", &[("one", &uid)])).unwrap();
    desk.cluster.create_object(Kind::ConfigMap, owned_map("stray", &[("one", &json!("another-uid"))])).unwrap();
    desk.cluster.create_object(Kind::ConfigMap, owned_map("misnamed", &[("two", &uid)])).unwrap();
    desk.run(500);
    assert!(desk.cluster.object(Kind::ConfigMap, NS, "misnamed").is_none(), "a reference names its owner rightly or has none");
    assert!(desk.cluster.object(Kind::ConfigMap, NS, "mine").is_some());
    assert!(desk.cluster.object(Kind::ConfigMap, NS, "stray").is_none(), "that owner never was");
    desk.delete(&format!("{SANDBOXES}/one"), &Value::Null);
    desk.create(&sandbox("one"));
    desk.run(500);
    assert!(desk.cluster.object(Kind::ConfigMap, NS, "mine").is_none(), "the new one of that name is not its owner");
}

#[test]
fn one_owner_left_is_enough_and_the_dead_one_is_crossed_out() {
    let mut desk = Desk::new();
    let first = desk.create(&sandbox("one"))["metadata"]["uid"].clone();
    let second = desk.create(&sandbox("two"))["metadata"]["uid"].clone();
    desk.cluster.create_object(Kind::ConfigMap, owned_map("both", &[("one", &first), ("two", &second)])).unwrap();
    desk.delete(&format!("{SANDBOXES}/one"), &Value::Null);
    desk.run(500);
    let left = desk.cluster.object(Kind::ConfigMap, NS, "both").unwrap();
    assert_eq!(left["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
    assert_eq!(left["metadata"]["ownerReferences"][0]["uid"], second);
}

#[test]
fn what_does_not_block_is_deleted_with_its_owner_but_not_waited_for() {
    let mut desk = Desk::new();
    let uid = desk.create(&sandbox("one"))["metadata"]["uid"].clone();
    let mut held = owned_map("held", &[("one", &uid)]);
    held["metadata"]["finalizers"] = json!(["x.io/hold"]);
    desk.cluster.create_object(Kind::ConfigMap, held).unwrap();
    desk.run(1_000);
    desk.delete(&format!("{SANDBOXES}/one"), &json!({ "propagationPolicy": "Foreground" }));
    desk.run(2_000);
    assert!(desk.cluster.object(Kind::Sandbox, NS, "one").is_none());
    let held = desk.cluster.object(Kind::ConfigMap, NS, "held").unwrap();
    assert!(held["metadata"]["deletionTimestamp"].is_string());
}

#[test]
fn when_it_is_down_foreground_never_ends_and_background_leaks_until_it_is_back() {
    let mut desk = Desk::with(Options { garbage_collector: Power::Stopped, ..Options::default() });
    desk.ready("front");
    desk.ready("back");
    desk.delete(&format!("{SANDBOXES}/front"), &json!({ "propagationPolicy": "Foreground" }));
    desk.delete(&format!("{SANDBOXES}/back"), &Value::Null);
    desk.run(600_000);
    assert!(desk.cluster.object(Kind::Sandbox, NS, "front").is_some());
    assert!(desk.cluster.object(Kind::Pod, NS, "back").is_some());
    desk.cluster.set_garbage_collector(Power::Running);
    desk.run(5_000);
    assert!(desk.cluster.object(Kind::Sandbox, NS, "front").is_none());
    assert!(desk.cluster.objects(Kind::Pod, NS).is_empty());
}

#[test]
fn a_pod_made_as_its_owner_is_deleted_can_be_overlooked_until_the_owner_is_let_go() {
    let mut desk = Desk::with(Options { attention: Attention::Late, ..Options::default() });
    desk.ready("older");
    desk.run(2_000);
    desk.create(&sandbox("younger"));
    desk.run(10);
    assert!(desk.cluster.object(Kind::Pod, NS, "younger").is_some());
    for name in ["older", "younger"] {
        desk.delete(&format!("{SANDBOXES}/{name}"), &json!({ "propagationPolicy": "Foreground" }));
    }
    desk.run(600_000);
    assert!(desk.cluster.object(Kind::Sandbox, NS, "older").is_none(), "its pod was known");
    assert!(desk.cluster.object(Kind::Sandbox, NS, "younger").is_some());
    assert!(desk.cluster.object(Kind::Pod, NS, "younger").unwrap()["metadata"].get("deletionTimestamp").is_none());
    desk.delete(&format!("{SANDBOXES}/younger"), &json!({ "propagationPolicy": "Background" }));
    assert!(desk.cluster.object(Kind::Sandbox, NS, "younger").is_none(), "the finalizer that waits for dependents is taken off");
    desk.run(5_000);
    assert!(desk.cluster.objects(Kind::Pod, NS).is_empty());
}
