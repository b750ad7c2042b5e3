//! Watches: where they start, what they show, how they end.

use crate::desk::{Desk, SANDBOXES, sandbox, sandbox_with};
use kubesim::{Options, Power, Presence};
use serde_json::{Value, json};

fn still() -> Desk {
    Desk::with(Options { controller: Power::Stopped, ..Options::default() })
}

#[test]
fn from_a_version_it_shows_what_came_after_and_from_none_what_is_there() {
    let mut desk = still();
    desk.create(&sandbox("a"));
    let then = desk.version(SANDBOXES);
    desk.create(&sandbox("b"));
    for query in ["", "&resourceVersion=0"] {
        let watch = desk.watch(&format!("{SANDBOXES}?watch=1{query}"));
        assert_eq!(desk.events(watch), ["ADDED a", "ADDED b"]);
    }
    let watch = desk.watch(&format!("{SANDBOXES}?watch=true&resourceVersion={then}"));
    assert_eq!(desk.events(watch), ["ADDED b"]);
    desk.patch(&format!("{SANDBOXES}/a"), &json!({ "metadata": { "labels": { "x": "y" } } }));
    desk.delete(&format!("{SANDBOXES}/b"), &Value::Null);
    assert!(desk.cluster.watch_has_output(watch));
    let lines = desk.lines(watch);
    assert_eq!(lines[0]["type"], "MODIFIED");
    assert_eq!(lines[1]["type"], "DELETED");
    let gone: u64 = lines[1]["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    let then: u64 = then.parse().unwrap();
    assert!(gone > then, "a deletion has a version of its own");
    assert!(!desk.cluster.watch_has_output(watch));
}

#[test]
fn leaving_the_selection_is_a_deletion_and_coming_back_an_addition() {
    let mut desk = still();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&labelSelector=l%3D1"));
    desk.create(&sandbox_with("a", &json!({ "metadata": { "labels": { "l": "1" } } })));
    let path = format!("{SANDBOXES}/a");
    for label in [json!("2"), json!("1")] {
        desk.patch(&path, &json!({ "metadata": { "labels": { "l": label } } }));
    }
    desk.patch(&path, &json!({ "metadata": { "annotations": { "x": "y" } } }));
    let lines = desk.lines(watch);
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "DELETED", "ADDED", "MODIFIED"]);
    assert_eq!(lines[1]["object"]["metadata"]["labels"]["l"], "1", "it left as it was last selected");
}

#[test]
fn too_old_a_version_is_told_in_the_stream_and_ends_it() {
    let mut desk = still();
    desk.create(&sandbox("a"));
    let then = desk.version(SANDBOXES);
    desk.create(&sandbox("b"));
    desk.cluster.compact();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion={then}"));
    let output = desk.cluster.watch_output(watch, 10);
    let line: Value = serde_json::from_str(&output.lines[0]).unwrap();
    assert_eq!(line["type"], "ERROR");
    assert_eq!((line["object"]["code"].as_u64(), line["object"]["reason"].as_str()), (Some(410), Some("Expired")));
    assert!(line["object"]["message"].as_str().unwrap().starts_with("too old resource version: "));
    assert!(output.ended);
    assert!(desk.cluster.watch_output(watch, 10).ended, "a finished watch stays finished");
}

#[test]
fn a_version_of_the_future_is_waited_for_in_silence() {
    let mut desk = still();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion=999999&allowWatchBookmarks=true&timeoutSeconds=300"));
    desk.create(&sandbox("a"));
    desk.run(299_000);
    assert_eq!(desk.events(watch), [""; 0]);
    desk.run(2_000);
    assert!(desk.cluster.watch_output(watch, 10).ended);
}

#[test]
fn what_comes_up_to_a_future_version_is_not_shown_and_what_comes_after_is() {
    let mut desk = still();
    let next = desk.version(SANDBOXES).parse::<u64>().unwrap() + 1;
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion={next}"));
    let first = desk.create(&sandbox("a"));
    assert_eq!(first["metadata"]["resourceVersion"], next.to_string());
    desk.create(&sandbox("b"));
    assert_eq!(desk.events(watch), ["ADDED b"]);
}

#[test]
fn bookmarks_come_every_minute_and_shortly_before_the_end() {
    let mut desk = still();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&allowWatchBookmarks=true&timeoutSeconds=150"));
    let quiet = desk.watch(&format!("{SANDBOXES}?watch=1&timeoutSeconds=150"));
    let mut seen = Vec::new();
    for second in 1..=150_u64 {
        desk.run(1_000);
        let lines = desk.lines(watch);
        seen.extend(lines.iter().map(|line| (second, line["type"].as_str().unwrap().to_owned())));
    }
    assert_eq!(seen, [(60, "BOOKMARK".to_owned()), (120, "BOOKMARK".to_owned()), (148, "BOOKMARK".to_owned())]);
    assert!(desk.cluster.watch_output(watch, 1).ended);
    assert_eq!(desk.events(quiet), [""; 0]);
}

#[test]
fn a_bookmark_stands_after_what_it_covers() {
    let mut desk = still();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&allowWatchBookmarks=true"));
    desk.create(&sandbox("a"));
    desk.run(61_000);
    desk.create(&sandbox("b"));
    let lines = desk.lines(watch);
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "BOOKMARK", "ADDED"]);
    let version = |line: &Value| line["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(version(&lines[0]) < version(&lines[1]) && version(&lines[1]) < version(&lines[2]));
    let again = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion={}", version(&lines[1])));
    assert_eq!(desk.events(again), ["ADDED b"]);
}

#[test]
fn a_streaming_list_ends_its_initial_events_with_a_marked_bookmark() {
    let mut desk = still();
    desk.create(&sandbox("a"));
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let watch = desk.watch(&format!("{SANDBOXES}?{query}"));
    let lines = desk.lines(watch);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["type"], "BOOKMARK");
    assert_eq!(lines[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    desk.create(&sandbox("b"));
    assert_eq!(desk.events(watch), ["ADDED b"]);
    assert_eq!(desk.get(&format!("{SANDBOXES}?watch=1&sendInitialEvents=true")).0, 422);
    desk.cluster.set_streaming_lists(Presence::Absent);
    let refused = desk.watch(&format!("{SANDBOXES}?{query}"));
    let output = desk.cluster.watch_output(refused, 10);
    let line: Value = serde_json::from_str(&output.lines[0]).unwrap();
    assert_eq!((line["type"].as_str(), line["object"]["code"].as_u64()), (Some("ERROR"), Some(500)));
    assert!(line["object"]["message"].as_str().unwrap().contains("RequestWatchProgress is disabled"));
    assert!(output.ended);
}

#[test]
fn one_object_is_watched_by_a_field_selector_or_another_namespace_not_at_all() {
    let mut desk = still();
    desk.cluster.add_namespace("other", &[]);
    let one = desk.watch(&format!("{SANDBOXES}?watch=1&fieldSelector=metadata.name%3Db"));
    let other = desk.watch("/apis/agents.x-k8s.io/v1beta1/namespaces/other/sandboxes?watch=1");
    let all = desk.watch("/apis/agents.x-k8s.io/v1beta1/sandboxes?watch=1");
    for name in ["a", "b"] {
        desk.create(&sandbox(name));
    }
    assert_eq!(desk.events(one), ["ADDED b"]);
    assert_eq!(desk.events(other), [""; 0]);
    assert_eq!(desk.events(all), ["ADDED a", "ADDED b"]);
}

#[test]
fn a_server_that_restarts_cuts_its_watches_and_a_restored_one_goes_back_in_version() {
    let mut desk = still();
    desk.create(&sandbox("a"));
    let backup = desk.cluster.backup();
    let before: u64 = desk.version(SANDBOXES).parse().unwrap();
    desk.create(&sandbox("b"));
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    desk.cluster.restart_server();
    assert!(desk.cluster.watch_output(watch, 10).ended);
    let later = desk.version(SANDBOXES);
    desk.cluster.restore(&backup);
    let list = desk.read(SANDBOXES);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(desk.version(SANDBOXES).parse::<u64>().unwrap(), before);
    assert_eq!(desk.get(&format!("{SANDBOXES}?resourceVersion={later}")).0, 504);
}

#[test]
fn a_reader_that_lags_beyond_the_history_is_cut_off() {
    let mut desk = Desk::with(Options { controller: Power::Stopped, watch_history: 4, ..Options::default() });
    desk.create(&sandbox("a"));
    let then = desk.version(SANDBOXES);
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion={then}"));
    for count in 0..6 {
        desk.patch(&format!("{SANDBOXES}/a"), &json!({ "metadata": { "labels": { "n": count.to_string() } } }));
    }
    assert!(desk.cluster.watch_output(watch, 10).ended);
    let again = desk.watch(&format!("{SANDBOXES}?watch=1&resourceVersion={then}"));
    assert_eq!(desk.lines(again)[0]["object"]["code"], 410);
}
