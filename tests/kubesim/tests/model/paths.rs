//! Discovery, and what is answered where nothing is.

use crate::desk::{Desk, NS, SANDBOXES, sandbox};
use kubesim::{Method, Options, Presence, Request};
use serde_json::{Value, json};

#[test]
fn discovery_names_groups_versions_and_resources() {
    let mut desk = Desk::new();
    assert_eq!(desk.read("/version")["gitVersion"], "v1.36.3");
    assert_eq!(desk.read("/api")["versions"], json!(["v1"]));
    let group = desk.read("/apis/agents.x-k8s.io");
    assert_eq!(group["preferredVersion"]["version"], "v1beta1");
    assert_eq!(group["versions"].as_array().unwrap().len(), 2);
    let groups = desk.read("/apis");
    assert!(groups["groups"].as_array().unwrap().iter().any(|group| group["name"] == "agents.x-k8s.io"));
    let subresources = |list: &Value| -> Vec<String> {
        list["resources"].as_array().unwrap().iter().map(|resource| resource["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(subresources(&desk.read("/apis/agents.x-k8s.io/v1beta1")), ["sandboxes", "sandboxes/status"]);
    assert_eq!(subresources(&desk.read("/apis/agents.x-k8s.io/v1alpha1")), ["sandboxes", "sandboxes/status", "sandboxes/scale"]);
    assert!(subresources(&desk.read("/api/v1")).contains(&"pods/binding".to_owned()));
}

#[test]
fn what_nothing_serves_is_told_as_text_and_what_a_built_in_group_lacks_as_a_status() {
    let mut desk = Desk::new();
    for path in ["/apis/agents.x-k8s.io/v9", "/apis/agents.x-k8s.io/v9/sandboxes", "/apis/agents.x-k8s.io/v1beta1/foos", "/nope"] {
        let response = desk.ask(&Request::get(path));
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.head.content_type, "text/plain; charset=utf-8", "{path}");
        assert_eq!(response.body, b"404 page not found\n", "{path}");
    }
    let (status, body) = desk.get("/api/v1/foos");
    assert_eq!((status, body["message"].as_str()), (404, Some("the server could not find the requested resource")));
}

#[test]
fn without_its_definition_the_group_is_gone_and_so_are_its_objects_and_watches() {
    let mut desk = Desk::new();
    desk.ready("one");
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    assert_eq!(desk.events(watch), ["ADDED one"]);
    desk.cluster.set_definition(Presence::Absent);
    assert_eq!(desk.get("/apis/agents.x-k8s.io").0, 404);
    assert_eq!(desk.get(SANDBOXES).0, 404);
    assert_eq!(desk.post(SANDBOXES, &sandbox("two")).0, 404);
    let output = desk.cluster.watch_output(watch, 10);
    assert_eq!(output.lines.len(), 1);
    assert!(output.lines[0].starts_with("{\"type\":\"DELETED\"") && output.ended);
    desk.cluster.set_definition(Presence::Present);
    assert_eq!(desk.read(SANDBOXES)["items"], json!([]));
}

#[test]
fn kymas_resources_are_there_when_asked_for() {
    let path = format!("/apis/gateway.kyma-project.io/v2/namespaces/{NS}/apirules");
    assert_eq!(Desk::new().get(&path).0, 404);
    let mut desk = Desk::with(Options { kyma: Presence::Present, ..Options::default() });
    let rule = json!({ "apiVersion": "gateway.kyma-project.io/v2", "kind": "APIRule", "metadata": { "name": "r" }, "spec": {} });
    assert_eq!(desk.post(&path, &rule).0, 201);
    assert_eq!(desk.read(&path)["kind"], "APIRuleList");
}

#[test]
fn methods_and_media_types_that_are_not_taken() {
    let mut desk = Desk::new();
    desk.ready("one");
    let one = format!("{SANDBOXES}/one");
    let (status, body) = {
        let request = Request::new(Method::Patch, &one).with_body("application/strategic-merge-patch+json", &json!({}));
        let response = desk.ask(&request);
        (response.status(), response.json())
    };
    assert_eq!((status, body["reason"].as_str()), (415, Some("UnsupportedMediaType")));
    assert!(body["message"].as_str().unwrap().ends_with("application/merge-patch+json, application/apply-patch+yaml"));
    let request = Request::new(Method::Post, SANDBOXES).with_body("text/plain", &json!({}));
    assert_eq!(desk.ask(&request).status(), 415);
    let protobuf = Request::get(&one).with_accept("application/vnd.kubernetes.protobuf");
    assert_eq!(desk.ask(&protobuf).json()["reason"], "NotAcceptable");
    let kubectl = Request::get(&one).with_accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    assert_eq!(desk.ask(&kubectl).json()["kind"], "Sandbox");
    let (status, body) = desk.delete(&format!("{one}/status"), &Value::Null);
    assert_eq!((status, body["reason"].as_str()), (405, Some("MethodNotAllowed")));
    assert_eq!(desk.patch(SANDBOXES, &json!({})).1["message"], "name must be provided");
}
