//! Creating, replacing and patching, and every way they are refused.

use crate::desk::{Desk, NS, SANDBOXES, sandbox, sandbox_with};
use kubesim::{Kind, Method, Request};
use serde_json::{Value, json};

fn causes(status: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = status["details"]["causes"].as_array().cloned().unwrap_or_default();
    list.iter().map(|cause| (text(&cause["field"]), text(&cause["reason"]))).collect()
}

#[test]
fn a_create_is_given_identity_defaults_and_a_version() {
    let mut desk = Desk::new();
    let mut object = sandbox("one");
    object["metadata"]["uid"] = json!("mine");
    object["status"] = json!({ "service": "mine" });
    let created = desk.create(&object);
    let metadata = &created["metadata"];
    assert_ne!(metadata["uid"], "mine");
    assert_eq!(metadata["generation"], 1);
    assert_eq!(metadata["creationTimestamp"], "2026-11-23T22:30:14Z");
    assert_eq!(created["spec"]["operatingMode"], "Running");
    assert_eq!(created["spec"]["shutdownPolicy"], "Retain");
    assert!(created.get("status").is_none());
    let (_, second) = desk.post(SANDBOXES, &sandbox_with("", &json!({ "metadata": { "generateName": "g-" } })));
    assert!(second["metadata"]["name"].as_str().unwrap().starts_with("g-"));
    assert_ne!(second["metadata"]["uid"], metadata["uid"]);
}

#[test]
fn refusals_of_a_create_carry_the_servers_words() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let (status, body) = desk.post(SANDBOXES, &sandbox("one"));
    assert_eq!((status, body["reason"].as_str()), (409, Some("AlreadyExists")));
    assert_eq!(body["message"], "sandboxes.agents.x-k8s.io \"one\" already exists");
    assert_eq!(body["details"], json!({ "name": "one", "group": "agents.x-k8s.io", "kind": "sandboxes" }));
    let (status, body) = desk.post(&SANDBOXES.replace(NS, "nowhere"), &sandbox("two"));
    assert_eq!((status, body["message"].as_str()), (404, Some("namespaces \"nowhere\" not found")));
    assert_eq!(body["details"], json!({ "name": "nowhere", "kind": "namespaces" }));
    let long = "v".repeat(64);
    for (object, field, reason) in [
        (sandbox("Upper"), "metadata.name", "FieldValueInvalid"),
        (sandbox(&"x".repeat(254)), "metadata.name", "FieldValueInvalid"),
        (sandbox_with("a", &json!({ "metadata": { "labels": { "k": long } } })), "metadata.labels", "FieldValueInvalid"),
        (sandbox_with("a", &json!({ "spec": { "operatingMode": "Off" } })), "spec.operatingMode", "FieldValueNotSupported"),
    ] {
        let (status, body) = desk.post(SANDBOXES, &object);
        assert_eq!((status, body["reason"].as_str()), (422, Some("Invalid")), "{body}");
        assert_eq!(causes(&body)[0], (field.to_owned(), reason.to_owned()));
    }
    let (_, body) = desk.post(SANDBOXES, &sandbox_with("a", &json!({ "spec": { "operatingMode": "Off" } })));
    assert_eq!(causes(&body)[1], ("<nil>".to_owned(), "FieldValueInvalid".to_owned()));
    assert_eq!(desk.get(&format!("{SANDBOXES}/a")).0, 404, "nothing of a refused object is left");
}

#[test]
fn unknown_fields_are_told_refused_or_dropped_as_asked() {
    let mut desk = Desk::new();
    let object = |name: &str| sandbox_with(name, &json!({ "spec": { "bogus": 1 } }));
    let response = desk.ask(&Request::post(SANDBOXES, &object("warned")));
    assert_eq!(response.status(), 201);
    assert_eq!(response.head.warnings, ["299 - \"unknown field \\\"spec.bogus\\\"\""]);
    assert!(response.json()["spec"].get("bogus").is_none());
    let response = desk.ask(&Request::post(format!("{SANDBOXES}?fieldValidation=Ignore"), &object("ignored")));
    assert_eq!((response.status(), response.head.warnings.len()), (201, 0));
    let (status, body) = desk.post(&format!("{SANDBOXES}?fieldValidation=Strict"), &object("strict"));
    assert_eq!((status, body["reason"].as_str()), (400, Some("BadRequest")));
    let message = "Sandbox in version \"v1beta1\" cannot be handled as a Sandbox: strict decoding error: unknown field \"spec.bogus\"";
    assert_eq!(body["message"], message);
    let path = format!("{SANDBOXES}/warned");
    let before = desk.read(&path)["metadata"]["resourceVersion"].clone();
    let (status, after) = desk.patch(&path, &json!({ "spec": { "replicas": 0 } }));
    assert_eq!((status, &after["metadata"]["resourceVersion"]), (200, &before), "a field of another version changes nothing");
    let (status, body) = desk.patch(&format!("{path}?fieldValidation=Strict"), &json!({ "spec": { "replicas": 0 } }));
    assert_eq!(status, 422);
    assert_eq!(causes(&body), [("patch".to_owned(), "FieldValueInvalid".to_owned())]);
}

#[test]
fn bodies_that_are_no_objects_are_bad_requests_and_never_more() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let one = format!("{SANDBOXES}/one");
    for body in [json!([]), json!("x"), json!({ "kind": "Sandbox" }), json!({ "kind": "Sandbox", "apiVersion": "agents.x-k8s.io/v1" })] {
        assert_eq!(desk.post(SANDBOXES, &body).0, 400, "{body}");
    }
    let kinds = json!({ "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Foo", "metadata": { "name": "x" } });
    assert_eq!(causes(&desk.post(SANDBOXES, &kinds).1)[0].0, "kind");
    for metadata in [
        json!("x"),
        json!([]),
        json!({ "labels": "x" }),
        json!({ "labels": { "a": 1 } }),
        json!({ "finalizers": "x" }),
        json!({ "name": 1 }),
    ] {
        let mut object = sandbox("odd");
        object["metadata"] = metadata.clone();
        assert_eq!(desk.post(SANDBOXES, &object).0, 400, "{metadata}");
        assert_eq!(desk.patch(&one, &json!({ "metadata": metadata.clone() })).0, 422, "{metadata}");
    }
    for patch in [json!([]), json!("x"), json!(null)] {
        assert_eq!(desk.patch(&one, &patch).0, 400, "{patch}");
    }
    let (status, body) = desk.patch(&one, &json!({ "spec": null }));
    assert_eq!((status, causes(&body)[0].0.as_str()), (422, "spec"));
    for spec in [json!("x"), json!([])] {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": spec });
        assert_eq!(desk.post(&format!("/api/v1/namespaces/{NS}/pods"), &pod).0, 400);
    }
    let broken = Request { body: b"{".to_vec(), ..Request::post(SANDBOXES, &json!({})) };
    assert!(desk.ask(&broken).json()["message"].as_str().unwrap().contains("unexpected end of JSON input"));
}

#[test]
fn the_generation_counts_changes_of_the_spec_only() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let path = format!("{SANDBOXES}/one");
    let (_, labelled) = desk.patch(&path, &json!({ "metadata": { "labels": { "a": "b" } } }));
    assert_eq!(labelled["metadata"]["generation"], 1);
    let (_, suspended) = desk.patch(&path, &json!({ "spec": { "operatingMode": "Suspended" } }));
    assert_eq!(suspended["metadata"]["generation"], 2);
    let (_, same) = desk.patch(&path, &json!({ "spec": { "operatingMode": "Suspended" } }));
    assert_eq!(same["metadata"], suspended["metadata"], "a patch that changes nothing writes nothing");
    let (_, status) = desk.patch(&format!("{path}/status"), &json!({ "status": { "service": "s" }, "spec": { "service": true } }));
    assert_eq!(status["metadata"]["generation"], 2);
    assert_eq!(status["status"]["service"], "s");
    assert!(status["spec"].get("service").is_none());
    let (_, plain) = desk.patch(&path, &json!({ "status": { "service": "t" } }));
    assert_eq!(plain["status"]["service"], "s", "the object itself does not carry its status");
}

#[test]
fn a_stale_version_conflicts_and_a_missing_one_is_invalid_for_a_put() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let path = format!("{SANDBOXES}/one");
    let stale = json!({ "metadata": { "resourceVersion": "1" }, "spec": { "operatingMode": "Suspended" } });
    let (status, body) = desk.patch(&path, &stale);
    assert_eq!((status, body["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        body["message"],
        "Operation cannot be fulfilled on sandboxes.agents.x-k8s.io \"one\": the object has been modified; please apply your changes to \
         the latest version and try again"
    );
    assert_eq!(desk.patch(&path, &json!({ "metadata": { "resourceVersion": "x" } })).0, 500);
    let response = desk.ask(&Request::put(&path, &sandbox("one")));
    assert_eq!(response.status(), 422);
    assert!(response.json()["message"].as_str().unwrap().ends_with("Invalid value: 0: must be specified for an update"));
    let mut current = desk.read(&path);
    current["spec"]["operatingMode"] = json!("Suspended");
    assert_eq!(desk.ask(&Request::put(&path, &current)).status(), 200);
    assert_eq!(desk.ask(&Request::put(&path, &current)).status(), 409, "the version is used up");
    let (status, body) = desk.patch(&path, &json!({ "metadata": { "uid": "x" } }));
    assert_eq!((status, causes(&body)[0].0.as_str()), (422, "metadata.uid"));
}

#[test]
fn a_json_patch_applies_or_says_no_more_than_that_it_failed() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let path = format!("{SANDBOXES}/one");
    let changes = json!([{ "op": "test", "path": "/spec/operatingMode", "value": "Running" }, { "op": "add", "path": "/metadata/labels", "value": { "a": "b" } }]);
    let response = desk.ask(&Request::json_patch(&path, &changes));
    assert_eq!(response.json()["metadata"]["labels"]["a"], "b");
    for failing in [json!([{ "op": "test", "path": "/spec/operatingMode", "value": "X" }]), json!([{ "op": "remove", "path": "/no" }])] {
        let response = desk.ask(&Request::json_patch(&path, &failing));
        assert_eq!(response.status(), 422);
        let body = response.json();
        assert_eq!(body["message"], "the server rejected our request due to an error in our request");
        assert_eq!(body["reason"], "Invalid");
    }
    assert_eq!(desk.ask(&Request::json_patch(&path, &json!({}))).status(), 400);
}

#[test]
fn volume_claim_templates_cannot_change() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let claims = json!({ "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "w" }, "spec": {} }] } });
    let (status, body) = desk.patch(&format!("{SANDBOXES}/one"), &claims);
    assert_eq!(status, 422);
    assert_eq!(body["details"]["causes"][0]["message"], "Invalid value: volumeClaimTemplates is immutable");
}

#[test]
fn a_dry_run_answers_and_keeps_nothing() {
    let mut desk = Desk::new();
    let (status, body) = desk.post(&format!("{SANDBOXES}?dryRun=All"), &sandbox("dry"));
    assert_eq!((status, body["metadata"]["name"].as_str()), (201, Some("dry")));
    assert_eq!(desk.get(&format!("{SANDBOXES}/dry")).0, 404);
    assert_eq!(desk.post(&format!("{SANDBOXES}?dryRun=Some"), &sandbox("dry")).0, 422);
}

#[test]
fn an_applied_object_is_created_and_then_merged() {
    let mut desk = Desk::new();
    let path = format!("/api/v1/namespaces/{NS}/secrets/s?fieldManager=t");
    let apply = |data: &str| {
        let body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "a": data } });
        Request::new(Method::Patch, &path).with_body("application/apply-patch+yaml", &body)
    };
    assert_eq!(desk.ask(&apply("MQ==")).status(), 201);
    assert_eq!(desk.ask(&apply("Mg==")).status(), 200);
    assert_eq!(desk.cluster.object(Kind::Secret, NS, "s").unwrap()["data"]["a"], "Mg==");
}
