//! Lists: selectors, pages of one snapshot, versions, views.

use crate::desk::{Desk, SANDBOXES, names, sandbox, sandbox_with};
use kubesim::{Options, Power, Request};
use serde_json::json;

/// Sandboxes a, b, c, d without a controller to touch them; c and d are labelled.
fn four() -> Desk {
    let mut desk = Desk::with(Options { controller: Power::Stopped, ..Options::default() });
    for (name, labels) in [("a", json!({})), ("b", json!({})), ("c", json!({ "l": "1" })), ("d", json!({ "l": "2" }))] {
        desk.create(&sandbox_with(name, &json!({ "metadata": { "labels": labels } })));
    }
    desk
}

#[test]
fn selectors_select_and_bad_ones_are_bad_requests() {
    let mut desk = four();
    for (query, expected) in [
        ("labelSelector=l", &["c", "d"][..]),
        ("labelSelector=l%3D1", &["c"]),
        ("labelSelector=l%20notin%20(1)", &["a", "b", "d"]),
        ("labelSelector=!l", &["a", "b"]),
        ("fieldSelector=metadata.name%3Db", &["b"]),
        ("fieldSelector=metadata.namespace%3Dother", &[]),
    ] {
        assert_eq!(names(&desk.read(&format!("{SANDBOXES}?{query}"))), expected, "{query}");
    }
    assert_eq!(names(&desk.read("/apis/agents.x-k8s.io/v1beta1/sandboxes")), ["a", "b", "c", "d"]);
    for query in [format!("labelSelector=l%3D{}", "x".repeat(64)), "labelSelector=%3D".into(), "fieldSelector=spec.x%3D1".into()] {
        let (status, body) = desk.get(&format!("{SANDBOXES}?{query}"));
        assert_eq!((status, body["reason"].as_str()), (400, Some("BadRequest")), "{query}");
    }
}

#[test]
fn pages_show_one_snapshot_whatever_happens_in_between() {
    let mut desk = four();
    let first = desk.read(&format!("{SANDBOXES}?limit=2"));
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    desk.delete(&format!("{SANDBOXES}/c"), &json!(null));
    desk.create(&sandbox("e"));
    desk.patch(&format!("{SANDBOXES}/d"), &json!({ "metadata": { "labels": { "l": "9" } } }));
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = desk.read(&format!("{SANDBOXES}?limit=2&continue={token}"));
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["items"][1]["metadata"]["labels"]["l"], "2");
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(second["metadata"]["continue"], "");
    assert_eq!(names(&desk.read(SANDBOXES)), ["a", "b", "d", "e"]);
    let selected = desk.read(&format!("{SANDBOXES}?limit=1&labelSelector=l"));
    assert!(selected["metadata"].get("remainingItemCount").is_none(), "a selector hides how many remain");
}

#[test]
fn a_page_token_outlives_no_compaction_but_says_how_to_go_on() {
    let mut desk = four();
    let first = desk.read(&format!("{SANDBOXES}?limit=2"));
    let token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    desk.create(&sandbox("e"));
    desk.cluster.compact();
    let (status, body) = desk.get(&format!("{SANDBOXES}?limit=2&continue={token}"));
    assert_eq!((status, body["reason"].as_str()), (410, Some("Expired")));
    let resume = body["metadata"]["continue"].as_str().unwrap();
    assert_eq!(names(&desk.read(&format!("{SANDBOXES}?limit=9&continue={resume}"))), ["c", "d", "e"]);
    assert_eq!(desk.get(&format!("{SANDBOXES}?continue=zz")).0, 400);
    assert_eq!(desk.get(&format!("{SANDBOXES}?continue={token}&resourceVersion=5")).0, 400);
}

#[test]
fn the_servers_page_cap_forces_pages_on_those_who_page() {
    let mut desk = four();
    let mut capped = Desk::with(Options { page_items: Some(1), controller: Power::Stopped, ..Options::default() });
    for name in ["a", "b"] {
        capped.create(&sandbox(name));
    }
    assert_eq!(names(&capped.read(&format!("{SANDBOXES}?limit=500"))), ["a"]);
    assert_eq!(names(&capped.read(SANDBOXES)), ["a", "b"]);
    assert_eq!(names(&desk.read(&format!("{SANDBOXES}?limit=500"))), ["a", "b", "c", "d"]);
}

#[test]
fn versions_may_be_any_exact_or_too_large() {
    let mut desk = four();
    let then = desk.version(SANDBOXES);
    desk.create(&sandbox("e"));
    let exact = desk.read(&format!("{SANDBOXES}?resourceVersion={then}&resourceVersionMatch=Exact"));
    assert_eq!(names(&exact), ["a", "b", "c", "d"]);
    let newer = desk.read(&format!("{SANDBOXES}?resourceVersion={then}&resourceVersionMatch=NotOlderThan"));
    assert_eq!(names(&newer).len(), 5);
    assert_eq!(names(&desk.read(&format!("{SANDBOXES}?resourceVersion=0&limit=1"))).len(), 5, "version 0 is never paged");
    let response = desk.ask(&Request::get(format!("{SANDBOXES}?resourceVersion=999999")));
    assert_eq!((response.status(), response.head.retry_after), (504, Some(1)));
    let body = response.json();
    assert_eq!(body["reason"], "Timeout");
    assert_eq!(body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(body["details"]["retryAfterSeconds"], 1);
    desk.cluster.compact();
    assert_eq!(desk.get(&format!("{SANDBOXES}?resourceVersion={then}&resourceVersionMatch=Exact")).0, 410);
    for query in ["resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=Exact", "sendInitialEvents=true"] {
        assert_eq!(desk.get(&format!("{SANDBOXES}?{query}")).0, 422, "{query}");
    }
    assert_eq!(desk.get(&format!("{SANDBOXES}?resourceVersion=x")).0, 400);
}

#[test]
fn metadata_may_be_all_that_is_wanted() {
    let mut desk = four();
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = desk.ask(&Request::get(SANDBOXES).with_accept(accept)).json();
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
    assert!(list["items"][0].get("spec").is_none());
    let whole = desk.read(SANDBOXES);
    assert_eq!(whole["items"][0]["kind"], "Sandbox", "items of a custom resource carry their kind");
    let namespaces = desk.read("/api/v1/namespaces");
    assert!(namespaces["items"][0].get("kind").is_none(), "those of a built-in one do not");
}
