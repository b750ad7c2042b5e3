//! Pods that come and go, stops and starts: kubernetes.md §E, cases 49 to 64.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::{Outcome, sandbox};
use serde_json::json;
use tokio::time::sleep;
use tonic::Code;

use crate::scene::{Play, is_final, is_stopped, not_ready, says, until};

#[tokio::test(flavor = "multi_thread")]
async fn case_49_a_pod_that_fails_is_the_end() -> Outcome<()> {
    let mut play = Play::new("case-49").await?;
    play.create_with("one", "fails").await?;
    let seen = play.until_seen("one", is_final).await?;
    assert_eq!(not_ready(&seen), Some("PodFailed"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_50_a_drained_pod_is_not_ready_until_another_is() -> Outcome<()> {
    let mut play = Play::new("case-50").await?;
    play.create_ready("one", "stops-slowly").await?;
    let before = play.place.read(&play.place.pod("one")).await?;
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "default--one", "namespace": "case-50" } });
    play.place.make(&format!("{}/eviction", play.place.pod("one")), eviction).await?;
    let seen = play.until_seen("one", |seen| !sandbox::is_ready(seen)).await?;
    assert!(says(&seen, "DependenciesNotReady", "being deleted"), "{seen:?}");
    let still = play.place.read(&play.place.pod("one")).await?;
    assert_eq!(before["metadata"]["uid"], still["metadata"]["uid"], "it is told while the pod is still there");
    play.until_ready("one").await?;
    let after = play.place.read(&play.place.pod("one")).await?;
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_51_a_pod_on_a_lost_node_is_not_forced() -> Outcome<()> {
    let mut play = Play::new("case-51").await?;
    play.create_ready("one", "never-stops").await?;
    let pod = play.place.pod("one");
    play.place.remove(&pod).await?;
    play.until_seen("one", |seen| not_ready(seen) == Some("DependenciesNotReady")).await?;
    sleep(std::time::Duration::from_secs(3)).await;
    assert!(play.place.is_there(&pod).await?);
    assert_eq!(not_ready(&play.get("one").await?), Some("DependenciesNotReady"));
    assert!(play.place.audited("delete", "/pods")?.is_empty());
    play.place.force(&pod).await?;
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_52_a_second_pod_is_told_and_heals() -> Outcome<()> {
    let mut play = Play::new("case-52").await?;
    play.create_ready("one", "agent").await?;
    let first = play.place.read(&play.place.pod("one")).await?;
    let second = json!({
        "metadata": { "name": "second", "labels": first["metadata"]["labels"], "ownerReferences": first["metadata"]["ownerReferences"] },
        "spec": { "containers": [{ "name": "agent", "image": "agent" }] },
    });
    play.place.make(&play.place.pods(), second).await?;
    let seen = play.until_seen("one", |seen| says(seen, "DependenciesNotReady", "MultiplePods")).await?;
    assert!(!is_final(&seen));
    assert!(play.place.is_there(&format!("{}/second", play.place.pods())).await?, "no pod is deleted by the driver");
    play.place.force(&format!("{}/second", play.place.pods())).await?;
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_53_a_stop_is_over_when_the_pod_is_gone() -> Outcome<()> {
    let mut play = Play::new("case-53").await?;
    play.create_ready("one", "stops-slowly").await?;
    play.stop("one").await?;
    assert!(!play.place.is_there(&play.place.pod("one")).await?, "the pod is there after a stop");
    assert_eq!(play.place.audited("patch", "/sandboxes")?, [200]);
    play.until_seen("one", is_stopped).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_54_a_stop_beside_another_writer_gets_through() -> Outcome<()> {
    let mut play = Play::new("case-54").await?;
    play.create_ready("one", "agent").await?;
    let path = play.place.sandbox("one");
    let (stopped, written) = tokio::join!(play.stop("one"), async {
        for value in 0..100 {
            play.place.patch(&path, json!({ "metadata": { "annotations": { "example.com/note": value.to_string() } } })).await?;
        }
        Ok::<_, rig::Failure>(())
    });
    written?;
    stopped?;
    assert!(!play.place.is_there(&play.place.pod("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_55_a_stop_of_what_is_stopped_changes_nothing() -> Outcome<()> {
    let mut play = Play::new("case-55").await?;
    play.create_ready("one", "agent").await?;
    play.stop("one").await?;
    play.stop("one").await?;
    assert_eq!(play.place.audited("patch", "/sandboxes")?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_56_a_stop_needs_something_that_stays() -> Outcome<()> {
    let mut play = Play::new("case-56").await?;
    assert_eq!(play.stop("unknown").await.unwrap_err().code(), Code::NotFound);
    play.create_ready("one", "never-stops").await?;
    assert!(play.delete("one").await?);
    let refused = play.stop("one").await.unwrap_err();
    assert!(matches!(refused.code(), Code::FailedPrecondition | Code::Aborted | Code::NotFound), "{refused}");
    assert!(play.place.audited("patch", "/sandboxes")?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_58_a_stop_of_a_sandbox_whose_pod_is_anothers_says_so() -> Outcome<()> {
    let mut play = Play::new("case-58").await?;
    let foreign = json!({ "metadata": { "name": "default--one" }, "spec": { "containers": [{ "name": "own", "image": "own" }] } });
    play.place.make(&play.place.pods(), foreign).await?;
    play.create("one").await?;
    play.until_seen("one", |seen| not_ready(seen) == Some("ReconcilerError")).await?;
    let refused = play.stop("one").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("kubectl get pod default--one -n case-58"), "{refused}");
    assert!(play.place.is_there(&play.place.pod("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_59_after_a_start_nothing_final_is_said() -> Outcome<()> {
    let mut play = Play::new("case-59").await?;
    play.create_ready("one", "agent").await?;
    for _ in 0..5 {
        play.stop("one").await?;
        play.until_seen("one", is_stopped).await?;
        play.start("one").await?;
        let mut told: Vec<pb::DriverSandbox> = Vec::new();
        play.events
            .until(|event| {
                let seen = sandbox::snapshot(event)?;
                told.push(seen.clone());
                sandbox::is_ready(seen).then_some(())
            })
            .await?;
        // What was still under way when the start was answered may say that it is stopped; nothing after it does.
        let mut since = told.iter().skip_while(|seen| is_stopped(seen));
        assert!(!told.iter().any(is_final) && !since.any(is_stopped), "{told:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_61_a_start_in_the_middle_of_a_stop_wins() -> Outcome<()> {
    let mut play = Play::new("case-61").await?;
    play.create_ready("one", "stops-slowly").await?;
    let path = play.place.sandbox("one");
    let (stopped, started) = tokio::join!(play.stop("one"), async {
        until("the stop is wished for", async || Ok(play.place.read(&path).await?["spec"]["operatingMode"] == "Suspended")).await?;
        play.start("one").await?;
        Ok::<_, rig::Failure>(())
    });
    started?;
    let overtaken = stopped.unwrap_err();
    assert!(matches!(overtaken.code(), Code::Aborted | Code::FailedPrecondition), "{overtaken}");
    until("it runs again", async || Ok(sandbox::is_ready(&play.get("one").await?))).await?;
    assert_eq!(play.place.read(&path).await?["spec"]["operatingMode"], "Running");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_62_suspended_by_somebody_else_is_stopped() -> Outcome<()> {
    let mut play = Play::new("case-62").await?;
    play.create_ready("one", "stops-slowly").await?;
    play.place.patch(&play.place.sandbox("one"), json!({ "spec": { "operatingMode": "Suspended" } })).await?;
    let seen = play.until_seen("one", |seen| sandbox::condition(seen, "Suspended").is_some()).await?;
    assert!(!is_stopped(&seen), "not before the pod is gone");
    play.until_seen("one", is_stopped).await?;
    assert!(!play.place.is_there(&play.place.pod("one")).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_63_when_its_time_is_up_it_is_over() -> Outcome<()> {
    let mut play = Play::new("case-63").await?;
    play.create_ready("kept", "agent").await?;
    play.create_ready("gone", "agent").await?;
    let past = "2026-01-01T00:00:00Z";
    play.place.patch(&play.place.sandbox("kept"), json!({ "spec": { "shutdownTime": past } })).await?;
    let seen = play.until_seen("kept", is_final).await?;
    assert_eq!(not_ready(&seen), Some("SandboxExpired"));
    play.place.patch(&play.place.sandbox("gone"), json!({ "spec": { "shutdownTime": past, "shutdownPolicy": "Delete" } })).await?;
    play.until_deleted("gone").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_64_an_edited_template_changes_nothing_now() -> Outcome<()> {
    let mut play = Play::new("case-64").await?;
    play.create_ready("one", "agent").await?;
    let before = play.place.read(&play.place.pod("one")).await?;
    let mut object = play.place.read(&play.place.sandbox("one")).await?;
    let mut containers = object["spec"]["podTemplate"]["spec"]["containers"].take();
    containers[0]["image"] = "registry.example/edited:1".into();
    play.place.patch(&play.place.sandbox("one"), json!({ "spec": { "podTemplate": { "spec": { "containers": containers } } } })).await?;
    play.create_with("one", "agent").await?;
    until("it is ready", async || Ok(sandbox::is_ready(&play.get("one").await?))).await?;
    let after = play.place.read(&play.place.pod("one")).await?;
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    Ok(())
}
