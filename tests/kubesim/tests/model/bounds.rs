//! Bounds, the log, and that the same asked twice is answered the same.

use crate::desk::{Desk, NS, SANDBOXES, START, sandbox};
use kubesim::{Kind, Method, Options};
use serde_json::{Value, json};

#[test]
fn the_log_tells_what_was_asked_and_forgets_the_oldest() {
    let mut desk = Desk::with(Options { log: 10, ..Options::default() });
    desk.get(&format!("{SANDBOXES}?limit=5"));
    desk.post(SANDBOXES, &sandbox("Bad"));
    let log = desk.cluster.log();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].method, log[0].path.as_str(), log[0].status), (Method::Get, format!("{SANDBOXES}?limit=5").as_str(), 200));
    assert_eq!((log[1].method, log[1].status, log[1].at_ms), (Method::Post, 422, START));
    for _ in 0..50 {
        desk.get(SANDBOXES);
    }
    assert!(desk.cluster.log().len() <= 20);
}

#[test]
fn events_are_forgotten_in_time_and_beyond_a_number() {
    let mut desk = Desk::with(Options { events: 6, ..Options::default() });
    desk.ready("one");
    desk.ready("two");
    assert_eq!(desk.cluster.objects(Kind::Event, NS).len(), 6);
    desk.run(3_700_000);
    assert_eq!(desk.cluster.objects(Kind::Event, NS).len(), 0);
}

/// A busy quarter of an hour, told line by line.
fn transcript(step_ms: u64) -> Vec<String> {
    let mut desk = Desk::new();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1&allowWatchBookmarks=true"));
    let pods = desk.watch(&format!("/api/v1/namespaces/{NS}/pods?watch=1"));
    let mut told = Vec::new();
    for round in 0..900_000 / step_ms {
        let now = START + round * step_ms;
        match now - START {
            0 => drop(desk.post(SANDBOXES, &sandbox("a"))),
            60_000 => drop(desk.patch(&format!("{SANDBOXES}/a"), &json!({ "spec": { "operatingMode": "Suspended" } }))),
            120_000 => drop(desk.patch(&format!("{SANDBOXES}/a"), &json!({ "spec": { "operatingMode": "Running" } }))),
            180_000 => drop(desk.cluster.delete_pod(NS, "a")),
            240_000 => drop(desk.delete(&format!("{SANDBOXES}/a"), &json!({ "propagationPolicy": "Foreground" }))),
            _ => {}
        }
        desk.run(step_ms);
        for id in [watch, pods] {
            told.extend(desk.cluster.watch_output(id, 1000).lines);
        }
    }
    told.sort();
    told
}

#[test]
fn the_same_asked_twice_is_answered_the_same_however_finely_time_is_cut() {
    let first = transcript(1_000);
    assert!(first.len() > 30);
    assert_eq!(first, transcript(1_000));
    assert_eq!(first, transcript(20_000));
}

#[test]
fn many_lives_leave_nothing_behind() {
    let mut desk = Desk::new();
    for round in 0..50 {
        let name = format!("s-{round}");
        desk.ready(&name);
        desk.delete(&format!("{SANDBOXES}/{name}"), &json!({ "propagationPolicy": "Foreground" }));
        desk.run(2_000);
    }
    desk.run(4_000_000);
    for kind in [Kind::Sandbox, Kind::Pod, Kind::Event, Kind::PersistentVolumeClaim, Kind::Service] {
        assert_eq!(desk.cluster.objects(kind, ""), Vec::<Value>::new(), "{kind:?}");
    }
    assert_eq!(desk.cluster.next_event_at(), None, "and nothing is left to do");
}
