//! Deletes, and what goes with them: kubernetes.md §E, cases 65 to 74.

use std::time::Duration;

use rig::relay::{Relay, Way};
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::time::sleep;
use tonic::Code;

use crate::scene::{Place, Play, Rights, is_final, not_ready, until};

#[tokio::test(flavor = "multi_thread")]
async fn case_65_delete_existing() -> Outcome<()> {
    let mut play = Play::new("case-65").await?;
    play.create_ready("one", "stops-slowly").await?;
    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    for path in [play.place.sandbox("one"), play.place.pod("one")] {
        assert!(!play.place.is_there(&path).await?, "{path} is there after Deleted");
    }
    assert_eq!(play.place.audited("delete", "/sandboxes")?, [200]);
    // The volume's claim is owned, too.
    let claims = play.place.claims();
    until("the claim is gone", async || Ok(play.place.read(&claims).await?["items"].as_array().is_some_and(Vec::is_empty))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_66_a_delete_finds_nothing() -> Outcome<()> {
    let mut play = Play::new("case-66").await?;
    assert!(!play.delete("unknown").await?);
    // Ready: one that is deleted in the moment its pod is created may take a minute to go.
    play.create_ready("one", "agent").await?;
    assert!(play.delete("one").await?);
    play.place.until_gone(&play.place.sandbox("one")).await?;
    assert!(!play.delete("one").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_67_a_delete_finds_another_object_of_the_name() -> Outcome<()> {
    let place = Place::new("case-67").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    play.create_ready("one", "agent").await?;
    let path = play.place.sandbox("one");
    let object = play.place.read(&path).await?;
    // The driver does not hear that its object was replaced.
    relay.hold(Way::Answers);
    play.place.remove(&path).await?;
    play.place.until_gone(&path).await?;
    let metadata =
        json!({ "name": "default--one", "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"] });
    play.place.make_sandbox(metadata).await?;
    let (deleted, told) = tokio::join!(play.delete("one"), async {
        until("the delete met another object", async || Ok(play.place.audited("delete", "/sandboxes")?.contains(&409))).await?;
        relay.release();
        Ok::<_, rig::Failure>(())
    });
    told?;
    assert!(deleted?, "it has the same id: it is what is to be deleted");
    play.place.until_gone(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_68_a_delete_of_what_is_being_deleted() -> Outcome<()> {
    let mut play = Play::new("case-68").await?;
    play.create_ready("one", "never-stops").await?;
    assert!(play.delete("one").await?);
    assert!(play.delete("one").await?);
    play.place.force(&play.place.pod("one")).await?;
    play.until_deleted("one").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_70_a_delete_ahead_of_the_watch() -> Outcome<()> {
    let place = Place::new("case-70").await?;
    let relay = Relay::to(place.cluster.api).await?;
    let mut play = place.play_through(&relay).await?;
    // Somebody made it, and nobody told the driver yet.
    relay.hold(Way::Answers);
    play.create_behind_its_back("one").await?;
    let (deleted, ()) = tokio::join!(play.delete("one"), async {
        sleep(Duration::from_secs(1)).await;
        relay.release();
    });
    assert!(deleted?, "deleted=false would lose it");
    play.until_deleted("one").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_71_a_delete_of_what_is_stopped() -> Outcome<()> {
    let mut play = Play::new("case-71").await?;
    play.create_ready("one", "agent").await?;
    play.stop("one").await?;
    let claims = play.place.claims();
    assert_eq!(play.place.read(&claims).await?["items"].as_array().map(Vec::len), Some(1), "its volume outlives a stop");
    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    until("the claim is gone", async || Ok(play.place.read(&claims).await?["items"].as_array().is_some_and(Vec::is_empty))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_72_a_deletion_that_does_not_end_is_not_called_one() -> Outcome<()> {
    let mut play = Play::new("case-72").await?;
    play.create_ready("one", "never-stops").await?;
    assert!(play.delete("one").await?);
    let seen = play.until_seen("one", |seen| seen.status.as_ref().is_some_and(|status| status.deleting)).await?;
    assert!(!is_final(&seen));
    sleep(Duration::from_secs(3)).await;
    assert!(play.get("one").await?.status.is_some_and(|status| status.deleting));
    assert_eq!(play.place.audited("delete", "/sandboxes")?, [200], "nothing is forced");
    play.place.force(&play.place.pod("one")).await?;
    play.until_deleted("one").await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_73_made_again_beside_its_old_pod_it_heals() -> Outcome<()> {
    let mut play = Play::new("case-73").await?;
    play.create_ready("one", "stops-slowly").await?;
    // By hand, in the background: the object is gone at once, its pod is not.
    play.place.remove(&play.place.sandbox("one")).await?;
    play.until_deleted("one").await?;
    play.create_with("one", "stops-slowly").await?;
    play.until_seen("one", |seen| not_ready(seen) == Some("ReconcilerError")).await?;
    let uid = play.place.read(&play.place.sandbox("one")).await?["metadata"]["uid"].take();
    for collection in [play.place.pods(), play.place.claims()] {
        let is_old = |object: &Value| object["metadata"]["ownerReferences"][0]["uid"] != uid;
        let old_is_gone =
            async || Ok(!play.place.read(&collection).await?["items"].as_array().is_some_and(|items| items.iter().any(is_old)));
        until(&format!("what the old one owned of {collection} is gone"), old_is_gone).await?;
    }
    // The controller tries again by itself, but pauses a minute by now; a change has it look at once.
    play.place.patch(&play.place.sandbox("one"), json!({ "metadata": { "annotations": { "example.com/note": "look" } } })).await?;
    let id = sandbox::id("one");
    play.events
        .until(|event| {
            let seen = sandbox::snapshot(event).filter(|seen| seen.id == id)?;
            assert!(!is_final(seen), "{seen:?}");
            sandbox::is_ready(seen).then_some(())
        })
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_74_a_namespace_that_is_deleted_takes_everything_along() -> Outcome<()> {
    let mut play = Place::with("case-74", Rights::Everywhere).await?.play().await?;
    for name in ["one", "two"] {
        play.create_ready(name, "agent").await?;
    }
    play.place.remove("/api/v1/namespaces/case-74").await?;
    let mut gone = std::collections::BTreeSet::new();
    while gone.len() < 2 {
        gone.extend(sandbox::deleted(&play.events.next().await?).map(str::to_owned));
    }
    assert!(play.list().await?.is_empty());
    assert_eq!(play.get("one").await.unwrap_err().code(), Code::NotFound);
    // It can be made again, and the same process serves it.
    play.place.until_gone("/api/v1/namespaces/case-74").await?;
    play.place.make_namespace().await?;
    play.create_ready("one", "agent").await?;
    Ok(())
}
