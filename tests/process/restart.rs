//! Gateways that come back: a new stream is whole.

use std::collections::BTreeSet;

use rig::gateway::Gateway;
use rig::{Outcome, sandbox};

use crate::scene::{Scene, create, delete, list, until, until_deleted, until_ready};

#[tokio::test]
async fn a_gateway_that_comes_back_is_given_everything_and_what_was_deleted_meanwhile() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (driver, first) = scene.start().await?;
    let mut events = first.watch().await?;
    for name in ["ada", "grace", "edsger"] {
        create(&first, name).await?;
        until_ready(&mut events, name).await?;
    }
    first.hang_up()?;

    // Nobody watches while two are deleted.
    let between = Gateway::connect(&driver.socket).await?;
    assert!(delete(&between, "ada").await? && delete(&between, "edsger").await?);
    until("only grace is left", async || Ok(list(&between).await? == ["grace"])).await?;
    between.hang_up()?;

    let second = Gateway::connect(&driver.socket).await?;
    let mut events = second.watch().await?;
    let whole = events.next().await?;
    assert!(sandbox::snapshot(&whole).is_some_and(|seen| seen.name == "grace" && sandbox::is_ready(seen)), "{whole:?}");
    let mut gone = BTreeSet::new();
    for _ in 0..2 {
        let event = events.next().await?;
        gone.insert(sandbox::deleted(&event).ok_or_else(|| format!("{event:?} came before the deletions"))?.to_owned());
    }
    assert_eq!(gone, BTreeSet::from([sandbox::id("ada"), sandbox::id("edsger")]));

    create(&second, "ada").await?;
    until_ready(&mut events, "ada").await?;
    Ok(())
}

#[tokio::test]
async fn two_gateways_that_watch_both_hear_everything() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (driver, one) = scene.start().await?;
    let other = Gateway::connect(&driver.socket).await?;
    let (mut to_one, mut to_other) = (one.watch().await?, other.watch().await?);
    create(&one, "ada").await?;
    create(&other, "grace").await?;
    for events in [&mut to_one, &mut to_other] {
        let mut ready = BTreeSet::new();
        while ready.len() < 2 {
            ready.extend(
                events.until(|event| sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).map(|seen| seen.name.clone())).await,
            );
        }
    }
    assert!(delete(&other, "ada").await?);
    until_deleted(&mut to_one, "ada").await?;
    Ok(until_deleted(&mut to_other, "ada").await?)
}

#[tokio::test]
async fn a_driver_that_was_killed_is_whole_when_it_is_back() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    create(&gateway, "ada").await?;
    driver.signal("KILL").await?;
    assert!(!driver.ended().await?.success());
    assert!(scene.socket().exists(), "a killed driver cannot remove its socket");

    let (_driver, gateway) = scene.start().await?;
    assert_eq!(list(&gateway).await?, ["ada"], "the stale socket was taken over, and everything is in the cluster");
    let mut events = gateway.watch().await?;
    assert!(delete(&gateway, "ada").await?);
    Ok(until_deleted(&mut events, "ada").await?)
}
