//! The agent-sandbox controller of v0.5.6.

use crate::desk::{Desk, NS, PODS, SANDBOXES, sandbox, sandbox_with};
use kubesim::{Kind, Options, PodBehaviour, PodFailure, Power};
use serde_json::{Value, json};

const HASH: &str = "agents.x-k8s.io/sandbox-name-hash";

/// What each line of a watch says of a Sandbox: pod name known, then conditions as `type=status/reason`.
fn told(lines: &[Value]) -> Vec<String> {
    let condition = |held: &Value| {
        format!("{}={}/{}", held["type"].as_str().unwrap(), held["status"].as_str().unwrap(), held["reason"].as_str().unwrap())
    };
    lines
        .iter()
        .map(|line| {
            let object = &line["object"];
            let named = object["metadata"]["annotations"].get("agents.x-k8s.io/pod-name").is_some();
            let conditions: Vec<String> =
                object["status"]["conditions"].as_array().cloned().unwrap_or_default().iter().map(condition).collect();
            format!("{} {}{}", line["type"].as_str().unwrap(), if named { "pod " } else { "" }, conditions.join(" "))
        })
        .collect()
}

#[test]
fn a_cold_start_is_this_series_of_events() {
    let mut desk = Desk::new();
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    desk.create(&sandbox("one"));
    desk.run(5_000);
    assert_eq!(
        told(&desk.lines(watch)),
        [
            "ADDED ",
            "MODIFIED pod ",
            "MODIFIED pod Suspended=False/NotSuspended PodScheduled=Unknown/PodSchedulingUnknown Ready=False/DependenciesNotReady",
            "MODIFIED pod Suspended=False/NotSuspended PodScheduled=True/PodScheduled Ready=False/DependenciesNotReady",
            "MODIFIED pod Suspended=False/NotSuspended PodScheduled=True/PodScheduled Ready=False/DependenciesNotReady",
            "MODIFIED pod Suspended=False/NotSuspended PodScheduled=True/PodScheduled Ready=True/DependenciesReady",
        ]
    );
    let status = desk.read(&format!("{SANDBOXES}/one"))["status"].clone();
    assert_eq!(status["selector"], format!("{HASH}=ba2719ef"));
    assert_eq!(status["nodeName"], "node-1");
    assert_eq!(status["podIPs"].as_array().unwrap().len(), 1);
    assert!(status["conditions"].as_array().unwrap().iter().all(|held| held["observedGeneration"] == 1));
}

#[test]
fn the_pod_is_named_like_the_sandbox_and_carries_the_templates_metadata() {
    let mut desk = Desk::new();
    let metadata = json!({ "labels": { "x": "1", "agents.x-k8s.io/evil": "1" }, "annotations": { "b": "2", "a": "1" } });
    let object =
        sandbox_with("one", &json!({ "metadata": { "labels": { "own": "1" } }, "spec": { "podTemplate": { "metadata": metadata } } }));
    let uid = desk.create(&object)["metadata"]["uid"].clone();
    desk.run(1_000);
    let pod = desk.read(&format!("{PODS}/one"));
    assert_eq!(pod["metadata"]["labels"], json!({ HASH: "ba2719ef", "x": "1" }));
    assert_eq!(
        pod["metadata"]["annotations"],
        json!({ "a": "1", "b": "2", "agents.x-k8s.io/propagated-labels": "x", "agents.x-k8s.io/propagated-annotations": "a,b" })
    );
    let owner = &pod["metadata"]["ownerReferences"][0];
    assert_eq!((&owner["uid"], owner["controller"].as_bool(), owner["blockOwnerDeletion"].as_bool()), (&uid, Some(true), Some(true)));
    let change = json!({ "spec": { "podTemplate": { "metadata": { "labels": { "x": null, "y": "2" } }, "spec": { "hostname": "h" } } } });
    desk.patch(&format!("{SANDBOXES}/one"), &change);
    desk.run(100);
    let after = desk.read(&format!("{PODS}/one"));
    assert_eq!(after["metadata"]["labels"], json!({ HASH: "ba2719ef", "y": "2" }), "metadata reaches the running pod");
    assert!(after["spec"].get("hostname").is_none(), "its spec does not");
}

#[test]
fn suspending_waits_for_the_pod_and_resuming_has_a_stale_window() {
    let mut desk = Desk::new();
    desk.ready("one");
    let watch = desk.watch(&format!("{SANDBOXES}?watch=1"));
    desk.lines(watch);
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(100);
    assert_eq!(
        told(&desk.lines(watch)),
        [
            "MODIFIED pod Suspended=False/NotSuspended PodScheduled=True/PodScheduled Ready=True/DependenciesReady",
            "MODIFIED pod Suspended=False/PodTerminating PodScheduled=True/PodScheduled Ready=False/SandboxSuspended",
        ]
    );
    assert_eq!(desk.condition("one", "Ready"), "False/SandboxSuspended: Sandbox is suspending");
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Suspended"), "True/PodTerminated: Pod has been terminated. Sandbox is suspended");
    assert_eq!(desk.condition("one", "Finished"), "");
    assert_eq!(desk.get(&format!("{PODS}/one")).0, 404);
    let annotations = desk.read(&format!("{SANDBOXES}/one"))["metadata"]["annotations"].clone();
    assert!(annotations.is_null(), "the pod's name is forgotten");
    desk.lines(watch);
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Running" } }));
    desk.run(10);
    let stale = "Suspended=True/PodTerminated Ready=False/SandboxSuspended";
    assert_eq!(
        told(&desk.lines(watch)),
        [
            format!("MODIFIED {stale}"),
            format!("MODIFIED pod {stale}"),
            "MODIFIED pod Suspended=False/NotSuspended Ready=False/DependenciesNotReady PodScheduled=Unknown/PodSchedulingUnknown"
                .to_owned(),
        ]
    );
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
}

#[test]
fn a_pod_that_ends_is_finished_and_not_replaced_until_it_is_deleted() {
    let mut desk = Desk::new();
    desk.create(&sandbox_with("one", &json!({ "spec": { "podTemplate": { "spec": { "restartPolicy": "Never" } } } })));
    desk.run(1_000);
    let uid = desk.read(&format!("{PODS}/one"))["metadata"]["uid"].clone();
    assert!(desk.cluster.fail_pod(NS, "one", PodFailure::OutOfMemory));
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "False/PodFailed: Pod failed");
    assert_eq!(desk.condition("one", "Finished"), "True/PodFailed: Pod failed");
    desk.run(3_600_000);
    assert_eq!(desk.read(&format!("{PODS}/one"))["metadata"]["uid"], uid);
    desk.cluster.delete_pod(NS, "one");
    desk.run(1_000);
    assert_ne!(desk.read(&format!("{PODS}/one"))["metadata"]["uid"], uid);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert_eq!(desk.condition("one", "Finished"), "");
    assert!(desk.cluster.fail_pod(NS, "one", PodFailure::Exited(0)));
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Finished"), "True/PodSucceeded: Pod completed successfully");
}

#[test]
fn a_drained_pod_stays_ready_until_its_kubelet_says_otherwise_and_is_made_anew() {
    let mut desk = Desk::new();
    desk.ready("one");
    desk.cluster.delete_pod(NS, "one");
    desk.run(400);
    assert!(desk.read(&format!("{PODS}/one"))["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    desk.run(2_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    assert_eq!(desk.cluster.objects(Kind::Pod, NS).len(), 1);
}

#[test]
fn errors_are_told_in_the_condition_and_tried_again() {
    let mut desk = Desk::new();
    let broken = json!({ "spec": { "podTemplate": { "spec": { "containers": [
        { "name": "agent", "image": "a:1", "volumeMounts": [{ "name": "data", "mountPath": "/d" }] },
    ] } } } });
    desk.create(&sandbox_with("one", &broken));
    desk.run(100);
    assert_eq!(
        desk.condition("one", "Ready"),
        "False/ReconcilerError: Error seen: Pod \"one\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"data\""
    );
    assert_eq!(
        desk.condition("one", "PodScheduled"),
        "Unknown/PodSchedulingUnknown: Pod state is unknown. Pod scheduling cannot be determined"
    );
    let account = json!({ "spec": { "podTemplate": { "spec": { "serviceAccountName": "late" } } } });
    desk.create(&sandbox_with("two", &account));
    desk.run(100);
    assert!(desk.condition("two", "Ready").contains("error looking up service account openshell-system/late"));
    desk.cluster.create_object(Kind::ServiceAccount, json!({ "metadata": { "name": "late", "namespace": NS } })).unwrap();
    desk.run(10_000);
    assert_eq!(desk.condition("two", "Ready"), "True/DependenciesReady: Pod is Ready", "backoff brings it back");
}

#[test]
fn a_foreign_pod_of_that_name_is_an_error_that_heals_when_it_goes() {
    let mut desk = Desk::new();
    desk.ready("one");
    let old = desk.read(&format!("{SANDBOXES}/one"))["metadata"]["uid"].as_str().unwrap().to_owned();
    desk.delete(&format!("{SANDBOXES}/one"), &Value::Null);
    desk.create(&sandbox("one"));
    desk.run(100);
    assert_eq!(
        desk.condition("one", "Ready"),
        format!("False/ReconcilerError: Error seen: pod \"one\" is owned by Sandbox/one (UID: {old}), not by sandbox \"one\"")
    );
    desk.run(2_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    let pod = json!({ "metadata": { "name": "two", "namespace": NS }, "spec": { "containers": [{ "name": "c", "image": "c:1" }] } });
    desk.cluster.create_object(Kind::Pod, pod).unwrap();
    desk.create(&sandbox("two"));
    desk.run(1_000);
    assert!(desk.condition("two", "Ready").contains("cannot adopt unowned pod \"two\""));
    desk.patch(&format!("{SANDBOXES}/two"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(1_000);
    assert_eq!(desk.condition("two", "Suspended"), "False/PodNotOwned: Refused to delete pod because it is not owned by this sandbox");
}

#[test]
fn two_pods_of_its_own_stop_it_and_an_event_says_so() {
    let mut desk = Desk::new();
    desk.ready("one");
    let mut twin = desk.read(&format!("{PODS}/one"));
    twin["metadata"] = json!({
        "name": "twin", "namespace": NS,
        "labels": twin["metadata"]["labels"], "ownerReferences": twin["metadata"]["ownerReferences"],
    });
    twin["status"] = json!({});
    desk.cluster.create_object(Kind::Pod, twin).unwrap();
    desk.run(1_000);
    let message = "multiple Pods (2) are controlled by this Sandbox; refusing to choose or create a Pod";
    assert_eq!(desk.condition("one", "Ready"), format!("False/MultiplePods: {message}"));
    let events = desk.cluster.objects(Kind::Event, NS);
    let told: Vec<&Value> = events.iter().filter(|event| event["reason"] == "MultiplePods").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["type"].as_str(), told[0]["message"].as_str()), (Some("Warning"), Some(message)));
    assert!(told[0]["eventTime"].is_string() && told[0]["lastTimestamp"].is_null());
    desk.cluster.force_delete_pod(NS, "twin");
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
}

#[test]
fn claims_and_the_service_come_with_it() {
    let mut desk = Desk::new();
    let spec = json!({ "spec": {
        "service": true,
        "volumeClaimTemplates": [{ "metadata": { "name": "w", "labels": { "q": "r" } }, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }],
        "podTemplate": { "spec": { "volumes": [{ "name": "w", "emptyDir": {} }], "containers": [
            { "name": "agent", "image": "a:1", "ports": [{ "containerPort": 80, "name": "web" }, { "containerPort": 81 }] },
        ] } },
    } });
    desk.create(&sandbox_with("one", &spec));
    desk.run(1_000);
    let claim = desk.cluster.object(Kind::PersistentVolumeClaim, NS, "w-one").unwrap();
    assert_eq!(claim["metadata"]["labels"], json!({ HASH: "ba2719ef", "q": "r" }));
    assert_eq!(claim["status"]["phase"], "Bound");
    let pod = desk.read(&format!("{PODS}/one"));
    assert_eq!(pod["spec"]["volumes"], json!([{ "name": "w", "persistentVolumeClaim": { "claimName": "w-one" } }]));
    let service = desk.cluster.object(Kind::Service, NS, "one").unwrap();
    assert_eq!(service["spec"]["clusterIP"], "None");
    let ports: Vec<&str> = service["spec"]["ports"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
    assert_eq!(ports, ["web", "p-81-tcp"]);
    let status = desk.read(&format!("{SANDBOXES}/one"))["status"].clone();
    assert_eq!(status["serviceFQDN"], "one.openshell-system.svc.cluster.local");
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready; Service Exists");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "service": false } }));
    desk.run(500);
    assert!(desk.cluster.object(Kind::Service, NS, "one").is_none());
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
    desk.patch(&format!("{SANDBOXES}/one"), &json!({ "spec": { "operatingMode": "Suspended" } }));
    desk.run(2_000);
    assert!(desk.cluster.object(Kind::PersistentVolumeClaim, NS, "w-one").is_some(), "claims outlive the pod");
}

#[test]
fn at_its_shutdown_time_it_expires_by_its_policy() {
    let mut desk = Desk::new();
    let time = json!({ "spec": { "shutdownTime": "2026-11-23T22:30:24Z" } });
    desk.create(&sandbox_with("kept", &time));
    let mut gone = sandbox_with("gone", &time);
    gone["spec"]["shutdownPolicy"] = json!("Delete");
    desk.create(&gone);
    desk.run(9_000);
    assert_eq!(desk.condition("kept", "Ready"), "True/DependenciesReady: Pod is Ready");
    desk.run(5_000);
    assert_eq!(desk.condition("kept", "Ready"), "False/SandboxExpired: Sandbox has expired");
    let status = desk.read(&format!("{SANDBOXES}/kept"))["status"].clone();
    assert_eq!(status.as_object().unwrap().keys().collect::<Vec<_>>(), ["conditions"]);
    assert!(desk.cluster.objects(Kind::Pod, NS).is_empty());
    assert_eq!(desk.get(&format!("{SANDBOXES}/gone")).0, 404);
    desk.patch(&format!("{SANDBOXES}/kept"), &json!({ "spec": { "shutdownTime": null } }));
    desk.run(2_000);
    assert_eq!(desk.condition("kept", "Ready"), "True/DependenciesReady: Pod is Ready", "it comes back to life");
}

#[test]
fn a_controller_that_is_down_says_nothing_and_catches_up() {
    let mut desk = Desk::with(Options { controller: Power::Stopped, ..Options::default() });
    let created = desk.create(&sandbox("one"));
    desk.run(60_000);
    assert_eq!(desk.read(&format!("{SANDBOXES}/one")), created);
    desk.cluster.set_controller(Power::Running);
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
}

#[test]
fn cut_at_any_moment_it_comes_to_the_same_end() {
    for cut_ms in (0..70).step_by(3) {
        let mut desk = Desk::new();
        desk.create(&sandbox("one"));
        desk.run(cut_ms);
        desk.cluster.set_controller(Power::Stopped);
        desk.run(cut_ms % 3);
        desk.cluster.set_controller(Power::Running);
        desk.run(2_000);
        assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready", "restarted after {cut_ms} ms");
        let mut desk = Desk::new();
        desk.create(&sandbox("one"));
        desk.run(cut_ms);
        let backup = desk.cluster.backup();
        desk.run(cut_ms);
        desk.cluster.restore(&backup);
        desk.run(2_000);
        assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready", "restored as of {cut_ms} ms");
    }
}

#[test]
fn scheduling_trouble_is_mirrored() {
    let mut desk = Desk::with(Options { pods: PodBehaviour::Unschedulable, ..Options::default() });
    desk.create(&sandbox("one"));
    desk.run(1_000);
    assert!(desk.condition("one", "PodScheduled").starts_with("False/Unschedulable: 0/1 nodes are available"));
    assert_eq!(desk.condition("one", "Ready"), "False/DependenciesNotReady: Pod exists with phase: Pending");
    desk.cluster.set_default_behaviour(PodBehaviour::BecomesReady);
    desk.run(1_000);
    assert_eq!(desk.condition("one", "Ready"), "True/DependenciesReady: Pod is Ready");
}
