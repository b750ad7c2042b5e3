//! What is seen and told: kubernetes.md §E, cases 30 to 48. Those for which the whole cluster has to suffer are in `alone`.

use std::collections::BTreeSet;
use std::time::Duration;

use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::time::sleep;
use tonic::Code;

use crate::scene::{Place, Play, is_final, says, until, until_within};

/// The labels by which a Sandbox is our gateway's; a null is a label that is not there.
fn labels(id: &Value) -> Value {
    json!({ "openshell.ai/managed-by": "openshell", "openshell.ai/gateway-id": "openshell", "openshell.ai/sandbox-id": id })
}

#[tokio::test(flavor = "multi_thread")]
async fn case_30_a_connection_that_is_only_half_there_is_given_up() -> Outcome<()> {
    let place = Place::new("case-30").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    relay.hold(Way::Answers);
    play.create_behind_its_back("one").await?;
    // What is held stays held: only a new connection can bring the news. It is looked for after a minute and a half without a word.
    let driver = &play.driver;
    until_within(Duration::from_secs(120), "the watch is given up", async || Ok(driver.log().contains("watch_silent"))).await?;
    relay.release();
    play.until_ready("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_a_token_that_was_replaced_is_read_again() -> Outcome<()> {
    let mut play = Play::new("case-31").await?;
    play.create_ready("one", "agent").await?;
    let old = play.place.as_the_driver().await?;
    play.place.rotate_token().await?;
    let sandboxes = play.place.sandboxes();
    // The API server remembers for ten seconds whom it has let in.
    until("the old token is refused", async || Ok(old.ask("GET", &sandboxes, None).await?.status == 401)).await?;
    play.create_ready("two", "agent").await?;
    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_33_a_change_that_concerns_nobody_is_not_told() -> Outcome<()> {
    let mut play = Play::new("case-33").await?;
    play.create_ready("one", "agent").await?;
    for value in 0..5 {
        play.place
            .patch(&play.place.sandbox("one"), json!({ "metadata": { "annotations": { "example.com/note": value.to_string() } } }))
            .await?;
    }
    play.create("two").await?;
    let first = play.events.until(|event| sandbox::snapshot(event).map(|seen| seen.name.clone())).await?;
    assert_eq!(first, "two");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_34_a_lost_label_is_no_deletion() -> Outcome<()> {
    let mut play = Play::new("case-34").await?;
    play.create_ready("lost", "agent").await?;
    play.create_ready("kept", "agent").await?;
    let unlabel = json!({ "metadata": { "labels": { "openshell.ai/managed-by": null } } });
    play.place.patch(&play.place.sandbox("lost"), unlabel).await?;
    play.driver.logged("relabelled").await?;
    play.get("lost").await?;
    assert!(play.delete("kept").await?);
    let gone = play.events.until(|event| sandbox::deleted(event).map(str::to_owned)).await?;
    assert_eq!(gone, sandbox::id("kept"), "the first to be called deleted is the one that is");
    assert!(play.delete("lost").await?, "what has lost its label can be deleted");
    play.place.until_gone(&play.place.sandbox("lost")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_35_made_again_under_its_name_it_is_the_same_sandbox() -> Outcome<()> {
    let place = Place::new("case-35").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    play.create_ready("one", "agent").await?;
    let path = play.place.sandbox("one");
    // The driver hears of all of it at once, as after a pause: gone, and there again.
    relay.hold(Way::Answers);
    let mut object = play.place.read(&path).await?;
    play.place.remove(&path).await?;
    play.place.until_gone(&path).await?;
    play.place.until_gone(&play.place.pod("one")).await?;
    let metadata = json!({ "name": object["metadata"]["name"], "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"] });
    let again = json!({ "apiVersion": object["apiVersion"], "kind": "Sandbox", "metadata": metadata, "spec": object["spec"].take() });
    play.place.make(&play.place.sandboxes(), again).await?;
    relay.release();
    // Whatever is said of it until it is ready again, it is not that it was deleted.
    let id = sandbox::id("one");
    let mut was_not_ready = false;
    play.events
        .until(|event| {
            assert_ne!(sandbox::deleted(event), Some(id.as_str()), "it is there");
            let seen = sandbox::snapshot(event)?;
            was_not_ready |= !sandbox::is_ready(seen);
            (was_not_ready && sandbox::is_ready(seen)).then_some(())
        })
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_37_of_two_objects_with_one_id_it_is_always_the_same() -> Outcome<()> {
    let mut play = Play::new("case-37").await?;
    play.create_ready("one", "agent").await?;
    let first = play.get("one").await?;
    // Creation times are whole seconds.
    sleep(Duration::from_millis(1_100)).await;
    let object = play.place.read(&play.place.sandbox("one")).await?;
    let copy = json!({ "name": "copy", "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"] });
    play.place.make_sandbox(copy).await?;
    play.create_ready("two", "agent").await?;
    let listed = play.list().await?;
    assert_eq!(listed.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(play.get("one").await?, first);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_38_an_object_without_an_id_spoils_nothing() -> Outcome<()> {
    let mut play = Play::new("case-38").await?;
    play.place.make_sandbox(json!({ "name": "nameless", "labels": labels(&Value::Null).as_object().map(without_nulls) })).await?;
    play.create_ready("one", "agent").await?;
    assert_eq!(play.list().await?.len(), 1);
    Ok(())
}

fn without_nulls(labels: &serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    labels.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_a_second_stream_begins_with_everything() -> Outcome<()> {
    let mut play = Play::new("case-41").await?;
    for name in ["one", "two"] {
        play.create_ready(name, "agent").await?;
    }
    let mut second = Gateway::connect(&play.driver.socket).await?.watch().await?;
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        seen.extend(sandbox::snapshot(&second.next().await?).map(|seen| seen.name.clone()));
    }
    play.create("three").await?;
    second.until(|event| sandbox::snapshot(event).filter(|seen| seen.name == "three").map(|_| ())).await?;
    let watches = play.place.audited("watch", "/sandboxes")?;
    assert!(watches.len() <= 1, "both streams live of one watch: {watches:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_a_deletion_while_nobody_watched_is_told() -> Outcome<()> {
    let Play { driver, gateway, events, place } = Play::new("case-42").await?;
    let mut play = Play { driver, gateway, events, place };
    play.create_ready("one", "agent").await?;
    play.create_ready("kept", "agent").await?;
    let away = play.gateway.clone();
    let quiet = Gateway::connect(&play.driver.socket).await?;
    away.hang_up()?;
    play.gateway = quiet;
    assert!(play.delete("one").await?);
    play.place.until_gone(&play.place.sandbox("one")).await?;
    play.events = play.gateway.watch().await?;
    play.until_deleted("one").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_read_before_everything_is_known_is_a_live_one() -> Outcome<()> {
    let place = Place::new("case-43").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let play = place.play_through(&relay).await?;
    play.create("one").await?;
    relay.hold(Way::Answers);
    let _driver = Driver::start(&play.place.launch_through(&relay).at(&play.place.another_socket()))?;
    let socket = play.place.another_socket();
    let mut gateway = None;
    until("the socket is there", async || {
        gateway = Gateway::connect(&socket).await.ok();
        Ok(gateway.is_some())
    })
    .await?;
    let gateway = gateway.ok_or("no gateway")?;
    let request = sandbox::get("one");
    let (found, ()) = tokio::join!(gateway.get_sandbox(request), async {
        sleep(Duration::from_secs(1)).await;
        relay.release();
    });
    assert_eq!(found?.sandbox.map(|seen| seen.name), Some("one".into()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_an_error_is_not_an_absence() -> Outcome<()> {
    let play = Play::new("case-44").await?;
    let absent = play.get("unknown").await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound, "{absent}");
    play.place.forbid(&["get", "list"]).await?;
    let unknown = play.get("unknown").await.unwrap_err();
    assert!(matches!(unknown.code(), Code::Unavailable | Code::PermissionDenied), "{unknown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_an_image_that_cannot_be_pulled_is_waited_for() -> Outcome<()> {
    let mut play = Play::new("case-45").await?;
    play.create_with("one", "pull-fails").await?;
    let seen = play.until_seen("one", |seen| says(seen, "DependenciesNotReady", "ImagePullBackOff")).await?;
    assert!(!is_final(&seen), "an image may still come");
    play.until_happened("one", "Failed").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_46_a_pod_that_no_node_takes_is_waited_for() -> Outcome<()> {
    let mut play = Play::new("case-46").await?;
    play.create_with("one", "unscheduled").await?;
    let event = play.until_happened("one", "FailedScheduling").await?;
    assert!(event.message.contains("Insufficient memory"), "{event:?}");
    let seen = play.until_seen("one", |seen| says(seen, "DependenciesNotReady", "Insufficient memory")).await;
    // The Event and the condition race each other; if the condition came first, it is what a read says.
    let seen = match seen {
        Ok(seen) => seen,
        Err(_) => play.get("one").await?,
    };
    assert!(says(&seen, "DependenciesNotReady", "Insufficient memory"), "{seen:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_47_an_event_of_a_newer_writer_has_its_time() -> Outcome<()> {
    let mut play = Play::new("case-47").await?;
    play.create_ready("one", "agent").await?;
    let pod = play.place.read(&play.place.pod("one")).await?;
    // As events.k8s.io has it: only eventTime, and the words in `note`.
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "newer", "namespace": "case-47" },
        "eventTime": "2026-08-21T09:00:05.000000Z", "reportingController": "example.com/writer", "reportingInstance": "writer-0",
        "action": "Observe", "reason": "Noticed", "type": "Normal", "note": "something",
        "regarding": { "kind": "Pod", "apiVersion": "v1", "namespace": "case-47", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"] },
    });
    play.place.make("/apis/events.k8s.io/v1/namespaces/case-47/events", event).await?;
    let told = play.until_happened("one", "Noticed").await?;
    assert_eq!((told.timestamp_ms, told.message.as_str()), (1_787_302_805_000, "something"));
    Ok(())
}
