//! Every value of an object in every wrong type: refused or taken, and the cluster goes on.

use crate::desk::{Desk, NS, OLD_SANDBOXES, PODS, SANDBOXES, sandbox, sandbox_with};
use kubesim::Request;
use serde_json::{Value, json};

/// The paths of all values below this one.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in children {
        let place = format!("{path}/{name}");
        places(value, &place, out);
        out.push(place);
    }
}

fn odd_values() -> Vec<Value> {
    vec![json!(null), json!(-1.5), json!("x"), json!(["x"]), json!({ "x": "y" })]
}

/// A new object has no version yet.
fn unversion(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
}

/// Creates and patches with each oddity, lets the cluster react, and asks it for something sensible.
fn provoke(collection: &str, object: &Value) {
    let mut all = Vec::new();
    places(object, "", &mut all);
    assert!(!all.is_empty());
    let mut desk = Desk::new();
    for (round, place) in all.iter().enumerate() {
        let one = format!("{collection}/plain{round}");
        let mut plain = object.clone();
        plain["metadata"]["name"] = json!(format!("plain{round}"));
        unversion(&mut plain);
        assert_eq!(desk.post(collection, &plain).0, 201, "before {place}");
        for (turn, odd) in odd_values().into_iter().enumerate() {
            let mut changed = object.clone();
            changed["metadata"]["name"] = json!(format!("n{round}-{turn}"));
            let versioned = place == "/metadata/resourceVersion";
            if !versioned {
                unversion(&mut changed);
            }
            *changed.pointer_mut(place).unwrap() = odd.clone();
            let (status, body) = desk.post(collection, &changed);
            let taken = matches!(status, 201 | 400 | 403 | 404 | 409 | 422) || versioned && status == 500;
            assert!(taken, "{place} = {odd}: {status} {body}");
            let patch = json!([{ "op": "replace", "path": place, "value": odd }]);
            for path in [one.clone(), format!("{one}/status")] {
                let status = desk.ask(&Request::json_patch(&path, &patch)).status();
                assert!(matches!(status, 200 | 400 | 404 | 409 | 422 | 500), "{path} {place} = {odd}: {status}");
            }
            desk.run(50);
        }
        desk.run(500);
        for turn in 0..odd_values().len() {
            desk.delete(&format!("{collection}/n{round}-{turn}"), &Value::Null);
        }
        desk.delete(&one, &Value::Null);
    }
    desk.run(120_000);
    desk.ready("still-fine");
}

fn full_sandbox() -> Value {
    sandbox_with(
        "x",
        &json!({
            "metadata": {
                "labels": { "a": "b" },
                "annotations": { "agents.x-k8s.io/pod-name": "x" },
                "ownerReferences": [{ "apiVersion": "v1", "kind": "ConfigMap", "name": "n", "uid": "u", "controller": true }],
            },
            "spec": {
                "service": true,
                "shutdownTime": "2030-01-01T00:00:00Z",
                "volumeClaimTemplates": [{ "metadata": { "name": "w" }, "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }],
                "podTemplate": {
                    "metadata": { "labels": { "a": "b" }, "annotations": { "c": "d" } },
                    "spec": {
                        "volumes": [{ "name": "v", "emptyDir": {} }],
                        "initContainers": [{ "name": "i", "image": "i:1", "restartPolicy": "Always" }],
                        "nodeSelector": { "a": "b" },
                        "containers": [{
                            "name": "agent", "image": "a:1",
                            "env": [{ "name": "A", "value": "1" }],
                            "ports": [{ "containerPort": 80, "name": "web" }],
                            "resources": { "limits": { "cpu": "1", "nvidia.com/gpu": 1 } },
                            "securityContext": { "capabilities": { "add": ["SYS_ADMIN"] } },
                            "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
                        }],
                    },
                },
            },
            "status": { "conditions": [{ "type": "Ready" }] },
        }),
    )
}

#[test]
fn sandboxes_in_both_versions() {
    provoke(SANDBOXES, &full_sandbox());
    let mut old = full_sandbox();
    old["apiVersion"] = json!("agents.x-k8s.io/v1alpha1");
    old["spec"]["replicas"] = json!(1);
    provoke(OLD_SANDBOXES, &old);
}

#[test]
fn pods_with_all_their_status() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    desk.run(1_000);
    let mut pod = desk.read(&format!("{PODS}/one"));
    pod["metadata"].as_object_mut().unwrap().remove("uid");
    pod["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    pod["spec"].as_object_mut().unwrap().remove("nodeName");
    provoke(PODS, &pod);
}

#[test]
fn what_stands_around_them() {
    let path = |plural: &str| format!("/api/v1/namespaces/{NS}/{plural}");
    let object = |kind: &str, rest: &Value| {
        let mut object = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "x", "labels": { "a": "b" } } });
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    provoke(
        &path("persistentvolumeclaims"),
        &object(
            "PersistentVolumeClaim",
            &json!({ "spec": { "accessModes": ["x"], "resources": { "requests": { "storage": "1Gi" } } }, "status": { "phase": "Pending" } }),
        ),
    );
    provoke(&path("services"), &object("Service", &json!({ "spec": { "clusterIP": "None", "selector": { "a": "b" } }, "status": {} })));
    provoke(&path("secrets"), &object("Secret", &json!({ "stringData": { "a": "b" }, "data": { "c": "ZA==" }, "type": "Opaque" })));
    provoke(
        &path("events"),
        &object(
            "Event",
            &json!({ "involvedObject": { "name": "n", "uid": "u" }, "source": { "component": "c" }, "reason": "R", "series": { "count": 1 } }),
        ),
    );
    provoke(&path("resourcequotas"), &object("ResourceQuota", &json!({ "spec": { "hard": { "pods": "1000" } } })));
    provoke(
        "/api/v1/namespaces",
        &object("Namespace", &json!({ "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" } })),
    );
    provoke(
        "/api/v1/nodes",
        &object(
            "Node",
            &json!({ "spec": { "unschedulable": true }, "status": { "allocatable": { "nvidia.com/gpu": "1" }, "conditions": [{ "type": "Ready" }] } }),
        ),
    );
}
