//! Connections to the API server that break at the worst moment. Nothing is done twice, and nothing that happened meanwhile is missed.

use std::time::Duration;

use kubesim::{Kind, Method, Propagation};
use rig::Outcome;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use tonic::Code;

use crate::scene::{NAMESPACE, Scene, create, get, list, start, until_deleted, until_ready};

/// A driver that reaches its cluster through a wire that can be cut, with a connection on each of its lanes.
async fn wired(scene: &Scene) -> Outcome<(Relay, Driver, Gateway)> {
    let relay = Relay::to(scene.cluster.address).await?;
    let launch = Launch { api: relay.address, ..scene.launch() };
    let (driver, gateway) = start(&launch.flag("--log-level", "debug")).await?;
    let nobody = get(&gateway, "nobody").await;
    assert!(nobody.as_ref().is_err_and(|status| status.code() == Code::NotFound), "{nobody:?}");
    Ok((relay, driver, gateway))
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_found_and_not_repeated() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (relay, _driver, gateway) = wired(&scene).await?;
    relay.hold(Way::Answers);
    let creating = {
        let gateway = gateway.clone();
        tokio::spawn(async move { create(&gateway, "ada").await })
    };
    scene.until("it is created", |cluster| !cluster.objects(Kind::Sandbox, "").is_empty()).await?;
    relay.cut();
    creating.await??;
    assert_eq!(scene.asked(Method::Post).len(), 1);
    assert_eq!(scene.sandboxes().len(), 1);
    assert_eq!(list(&gateway).await?, ["ada"]);
    Ok(())
}

#[tokio::test]
async fn a_create_that_never_arrives_is_sent_again() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (relay, mut driver, gateway) = wired(&scene).await?;
    relay.hold(Way::Requests);
    let creating = {
        let gateway = gateway.clone();
        tokio::spawn(async move { create(&gateway, "ada").await })
    };
    driver.logged("create in pausing_to_post met begin").await?;
    assert_eq!(scene.sandboxes().len(), 0, "it is still on the wire");
    relay.cut();
    creating.await??;
    let posts: Vec<u16> = scene.asked(Method::Post).iter().map(|logged| logged.status).collect();
    assert_eq!(posts, [201]);
    assert_eq!(scene.sandboxes().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_create_that_was_reported_as_failed_leaves_nothing_behind() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (relay, mut driver, gateway) = wired(&scene).await?;
    let mut events = gateway.watch().await?;
    relay.hold(Way::Answers);
    let creating = {
        let hurried = gateway.waiting(Duration::from_secs(3));
        tokio::spawn(async move { create(&hurried, "ada").await })
    };
    scene.until("it is created", |cluster| !cluster.objects(Kind::Sandbox, "").is_empty()).await?;
    let failed = creating.await?;
    assert!(failed.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{failed:?}");
    relay.release();
    driver.logged("was removed").await?;
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 0);
    assert_eq!(list(&gateway).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_deletion_while_the_watch_is_down_is_told_when_it_is_back() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    create(&gateway, "grace").await?;
    until_ready(&mut events, "ada").await?;
    // Nothing can reach the driver between these: connections are served by tasks of this thread.
    scene.cluster.drop_connections();
    assert!(scene.cluster.with(|cluster| cluster.delete_object(Kind::Sandbox, NAMESPACE, "default--ada", Propagation::Background)));
    until_deleted(&mut events, "ada").await?;
    assert_eq!(list(&gateway).await?, ["grace"]);
    Ok(())
}

#[tokio::test]
async fn a_deletion_that_history_has_forgotten_is_told_after_a_new_list() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    create(&gateway, "grace").await?;
    until_ready(&mut events, "ada").await?;

    scene.stop().await?;
    assert!(scene.cluster.with(|cluster| cluster.delete_object(Kind::Sandbox, NAMESPACE, "default--ada", Propagation::Background)));
    scene.until("it is gone", |cluster| cluster.objects(Kind::Sandbox, "").len() == 1).await?;
    scene.cluster.with(kubesim::Cluster::compact);
    scene.resume()?;
    until_deleted(&mut events, "ada").await?;
    assert_eq!(list(&gateway).await?, ["grace"]);

    create(&gateway, "edsger").await?;
    Ok(until_ready(&mut events, "edsger").await?)
}

#[tokio::test]
async fn an_api_server_that_restarts_again_and_again_is_followed() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    for name in ["ada", "grace", "edsger"] {
        scene.stop().await?;
        scene.resume()?;
        create(&gateway, name).await?;
        until_ready(&mut events, name).await?;
    }
    assert_eq!(scene.sandboxes().len(), 3);
    assert_eq!(list(&gateway).await?, ["ada", "edsger", "grace"]);
    Ok(())
}
