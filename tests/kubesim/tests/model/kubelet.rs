//! Scheduler and kubelet: the events they write, the statuses they report, the ways a pod goes wrong.

use crate::desk::{Desk, NS, PODS, SANDBOXES, sandbox, sandbox_with};
use kubesim::{ImageCache, Kind, NodeShape, Options, PodBehaviour, PodFailure, Request, Termination};
use serde_json::{Value, json};

/// `reason fieldPath: message` of the events about a pod, in the order written.
fn events(desk: &Desk, name: &str) -> Vec<String> {
    let mut all = desk.cluster.objects(Kind::Event, NS);
    all.retain(|event| event["involvedObject"]["name"] == name && event["involvedObject"]["kind"] == "Pod");
    all.sort_by_key(|event| event["metadata"]["name"].as_str().unwrap().to_owned());
    let told = |event: &Value| {
        let field = event["involvedObject"]["fieldPath"].as_str().unwrap_or_default();
        format!("{} {field}: {}", event["reason"].as_str().unwrap(), event["message"].as_str().unwrap())
    };
    all.iter().map(told).collect()
}

#[test]
fn a_start_writes_the_events_people_know() {
    let mut desk = Desk::new();
    let spec = json!({ "spec": { "podTemplate": { "spec": { "initContainers": [{ "name": "init", "image": "i:1" }] } } } });
    desk.create(&sandbox_with("one", &spec));
    desk.run(1_000);
    assert_eq!(
        events(&desk, "one"),
        [
            "Scheduled : Successfully assigned openshell-system/one to node-1",
            "Pulling spec.initContainers{init}: Pulling image \"i:1\"",
            "Pulled spec.initContainers{init}: Successfully pulled image \"i:1\" in 5ms (5ms including waiting). Image size: 21017812 bytes.",
            "Created spec.initContainers{init}: Container created",
            "Started spec.initContainers{init}: Container started",
            "Pulling spec.containers{agent}: Pulling image \"a:1\"",
            "Pulled spec.containers{agent}: Successfully pulled image \"a:1\" in 5ms (5ms including waiting). Image size: 20979404 bytes.",
            "Created spec.containers{agent}: Container created",
            "Started spec.containers{agent}: Container started",
        ]
    );
    let all = desk.cluster.objects(Kind::Event, NS);
    let scheduled = all.iter().find(|event| event["reason"] == "Scheduled").unwrap();
    assert_eq!(scheduled["eventTime"], "2026-11-23T22:30:14.025000Z");
    assert!(scheduled["firstTimestamp"].is_null() && scheduled["lastTimestamp"].is_null());
    assert_eq!(scheduled["reportingComponent"], "default-scheduler");
    let started = all.iter().find(|event| event["reason"] == "Started").unwrap();
    assert_eq!(started["source"], json!({ "component": "kubelet", "host": "node-1" }));
    assert_eq!((started["count"].as_u64(), started["lastTimestamp"].as_str()), (Some(1), Some("2026-11-23T22:30:14Z")));
}

#[test]
fn statuses_go_from_waiting_to_running_to_ready() {
    let mut desk = Desk::new();
    desk.create(&sandbox("one"));
    let path = format!("{PODS}/one");
    let ready = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().find(|held| held["type"] == "Ready").map(|held| held["status"].as_str().unwrap().to_owned())
    };
    let mut seen: Vec<(String, String, Option<String>)> = Vec::new();
    for _ in 0..100 {
        desk.run(1);
        let (status, pod) = desk.get(&path);
        if status != 200 {
            continue;
        }
        let state = pod["status"]["containerStatuses"][0]["state"].as_object().and_then(|state| state.keys().next().cloned());
        let now = (pod["status"]["phase"].as_str().unwrap().to_owned(), state.unwrap_or_default(), ready(&pod));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    let text = |phase: &str, state: &str, ready: Option<&str>| (phase.to_owned(), state.to_owned(), ready.map(str::to_owned));
    assert_eq!(
        seen,
        [
            text("Pending", "", None),
            text("Pending", "waiting", Some("False")),
            text("Running", "running", Some("False")),
            text("Running", "running", Some("True")),
        ]
    );
}

#[test]
fn an_image_that_is_not_there_backs_off_and_comes_when_it_is() {
    let mut desk = Desk::with(Options { pods: PodBehaviour::ImagePullBackOff, ..Options::default() });
    desk.create(&sandbox("one"));
    desk.run(100);
    let path = format!("{PODS}/one");
    let waiting = |desk: &mut Desk| desk.read(&path)["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone();
    assert_eq!(waiting(&mut desk), "ErrImagePull");
    desk.run(2_000);
    assert_eq!(waiting(&mut desk), "ImagePullBackOff");
    desk.run(120_000);
    let all = desk.cluster.objects(Kind::Event, NS);
    let back_off = all.iter().find(|event| event["reason"] == "BackOff").unwrap();
    assert!(back_off["count"].as_u64().unwrap() > 1, "said again, it counts");
    assert_eq!(back_off["message"], "Back-off pulling image \"a:1\"");
    assert!(all.iter().any(|event| event["type"] == "Warning" && event["message"] == "Error: ErrImagePull"));
    desk.cluster.set_pod_behaviour(NS, "one", PodBehaviour::BecomesReady);
    desk.run(400_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
}

#[test]
fn what_no_node_fits_waits_and_says_why() {
    let node = |name: &str, gpus| NodeShape { name: name.to_owned(), gpus, labels: vec![("pool".to_owned(), name.to_owned())] };
    let mut desk = Desk::with(Options { nodes: vec![node("n1", 0), node("n2", 1)], ..Options::default() });
    let gpu = json!({ "spec": { "podTemplate": { "spec": { "containers": [
        { "name": "agent", "image": "a:1", "resources": { "limits": { "nvidia.com/gpu": "1" } } },
    ] } } } });
    desk.create(&sandbox_with("first", &gpu));
    desk.run(1_000);
    assert_eq!(desk.read(&format!("{PODS}/first"))["spec"]["nodeName"], "n2");
    desk.create(&sandbox_with("second", &gpu));
    desk.run(1_000);
    assert!(
        desk.condition("second", "PodScheduled").starts_with("False/Unschedulable: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu")
    );
    assert!(events(&desk, "second")[0].starts_with("FailedScheduling"));
    desk.delete(&format!("{SANDBOXES}/first"), &Value::Null);
    desk.run(40_000);
    assert_eq!(desk.condition("second", "Ready"), "True/DependenciesReady: Pod is Ready");
    let selected = json!({ "spec": { "podTemplate": { "spec": { "nodeSelector": { "pool": "n1" } } } } });
    desk.create(&sandbox_with("third", &selected));
    let missing = json!({ "spec": { "podTemplate": { "spec": { "nodeSelector": { "pool": "n9" } } } } });
    desk.create(&sandbox_with("fourth", &missing));
    desk.run(1_000);
    assert_eq!(desk.read(&format!("{PODS}/third"))["spec"]["nodeName"], "n1");
    assert!(desk.condition("fourth", "PodScheduled").contains("2 node(s) didn't match Pod's node affinity/selector"));
}

#[test]
fn pods_end_as_asked_for() {
    let mut desk = Desk::new();
    let never = json!({ "spec": { "podTemplate": { "spec": { "restartPolicy": "Never" } } } });
    for name in ["oom", "evicted", "done"] {
        desk.create(&sandbox_with(name, &never));
    }
    desk.create(&sandbox("restarts"));
    desk.run(1_000);
    for (name, failure) in [
        ("oom", PodFailure::OutOfMemory),
        ("evicted", PodFailure::Evicted),
        ("done", PodFailure::Exited(0)),
        ("restarts", PodFailure::Exited(2)),
    ] {
        assert!(desk.cluster.fail_pod(NS, name, failure));
    }
    let status = |desk: &mut Desk, name: &str| desk.read(&format!("{PODS}/{name}"))["status"].clone();
    let oom = status(&mut desk, "oom");
    assert_eq!(oom["phase"], "Failed");
    let ended = &oom["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((ended["exitCode"].as_u64(), ended["reason"].as_str()), (Some(137), Some("OOMKilled")));
    let evicted = status(&mut desk, "evicted");
    assert_eq!((evicted["phase"].as_str(), evicted["reason"].as_str()), (Some("Failed"), Some("Evicted")));
    assert_eq!(status(&mut desk, "done")["phase"], "Succeeded");
    let restarted = status(&mut desk, "restarts");
    assert_eq!((restarted["phase"].as_str(), restarted["containerStatuses"][0]["restartCount"].as_u64()), (Some("Running"), Some(1)));
    desk.run(5);
    assert_eq!(desk.condition("restarts", "Ready"), "True/DependenciesReady: Pod is Ready", "not noticed yet");
    desk.run(10);
    assert_eq!(desk.condition("restarts", "Ready"), "False/DependenciesNotReady: Pod is Running but not Ready");
    desk.run(1_000);
    assert_eq!(desk.condition("restarts", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert!(!desk.cluster.fail_pod(NS, "done", PodFailure::OutOfMemory), "what is over cannot fail");
}

#[test]
fn a_pod_asked_to_end_reports_how_it_did_before_it_goes() {
    let mut desk = Desk::new();
    desk.ready("one");
    desk.cluster.delete_pod(NS, "one");
    desk.run(505);
    let status = desk.read(&format!("{PODS}/one"))["status"].clone();
    assert_eq!(status["phase"], "Failed");
    assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], 143);
    assert!(events(&desk, "one").contains(&"Killing spec.containers{agent}: Stopping container agent".to_owned()));
}

#[test]
fn readiness_may_never_come_and_an_end_may_never_be_reported() {
    let mut desk = Desk::with(Options { pods: PodBehaviour::NeverReady, termination: Termination::Never, ..Options::default() });
    desk.create(&sandbox("one"));
    desk.run(600_000);
    assert_eq!(desk.condition("one", "Ready"), "False/DependenciesNotReady: Pod is Running but not Ready");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(3_600_000);
    assert_eq!(desk.condition("one", "Suspended"), "False/PodTerminating: Pod is terminating. Sandbox is suspending");
    assert!(desk.cluster.force_delete_pod(NS, "one"));
    desk.run(1_000);
    assert!(desk.condition("one", "Suspended").starts_with("True/PodTerminated"));
}

#[test]
fn a_pod_may_fail_by_itself_a_while_after_it_was_ready() {
    let pods = PodBehaviour::FailsAfter { ready_ms: 10_000, failure: PodFailure::Exited(3) };
    let mut desk = Desk::with(Options { pods, ..Options::default() });
    desk.create(&sandbox_with("one", &json!({ "spec": { "podTemplate": { "spec": { "restartPolicy": "Never" } } } })));
    desk.run(9_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    desk.run(2_000);
    assert_eq!(desk.condition("one", "Ready"), "False/PodFailed: Pod failed");
}

#[test]
fn a_lost_node_takes_readiness_then_the_pods_hang_until_it_is_back() {
    let mut desk = Desk::new();
    desk.ready("one");
    desk.cluster.lose_node("node-1");
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "False/DependenciesNotReady: Pod is Running but not Ready");
    let node = desk.read("/api/v1/nodes/node-1");
    assert_eq!(node["status"]["conditions"][0]["status"], "Unknown");
    desk.run(400_000);
    let pod = desk.read(&format!("{PODS}/one"));
    assert!(pod["metadata"]["deletionTimestamp"].is_string(), "evicted, and nobody there hears it");
    desk.run(3_600_000);
    assert_eq!(desk.read(&format!("{PODS}/one"))["metadata"]["uid"], pod["metadata"]["uid"]);
    desk.cluster.recover_node("node-1");
    desk.run(5_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert_ne!(desk.read(&format!("{PODS}/one"))["metadata"]["uid"], pod["metadata"]["uid"]);
}

#[test]
fn nodes_that_keep_images_pull_them_once() {
    let mut desk = Desk::with(Options { images: ImageCache::Keeps, ..Options::default() });
    desk.ready("one");
    desk.ready("two");
    assert!(events(&desk, "one").iter().any(|event| event.starts_with("Pulling")));
    let second = events(&desk, "two");
    assert!(second.contains(&"Pulled spec.containers{agent}: Container image \"a:1\" already present on machine".to_owned()));
    assert!(!second.iter().any(|event| event.starts_with("Pulling")));
}

#[test]
fn a_pod_can_be_bound_and_moved_by_hand() {
    let mut desk = Desk::with(Options { nodes: Vec::new(), ..Options::default() });
    desk.create(&sandbox("one"));
    desk.run(1_000);
    let binding =
        json!({ "apiVersion": "v1", "kind": "Binding", "metadata": { "name": "one" }, "target": { "kind": "Node", "name": "mine" } });
    assert_eq!(desk.post(&format!("{PODS}/one/binding"), &binding).0, 201);
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    let conditions = json!({ "status": { "conditions": [{ "type": "Ready", "status": "False" }] } });
    assert_eq!(desk.patch(&format!("{PODS}/one/status"), &conditions).0, 200);
    desk.run(100);
    assert_eq!(desk.condition("one", "Ready"), "False/DependenciesNotReady: Pod is Running but not Ready");
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "one" } });
    assert_eq!(desk.post(&format!("{PODS}/one/eviction"), &eviction).0, 201);
    assert!(desk.read(&format!("{PODS}/one"))["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(desk.ask(&Request::post(format!("{PODS}/none/eviction"), &eviction)).status(), 404);
}
