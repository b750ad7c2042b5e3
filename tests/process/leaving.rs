//! Callers that leave before they have their answer, and gateways that vanish.

use kubesim::serve::Door;
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::Outcome;
use rig::gateway::Gateway;
use tonic::Code;

use crate::scene::{Scene, create, is_served, list, start, until};

/// Streams and connections a driver takes at once.
const AT_ONCE: usize = 32;

#[tokio::test]
async fn a_create_whose_caller_leaves_keeps_its_sandbox() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&scene.launch().flag("--log-level", "debug")).await?;
    scene.cluster.set_door(Door::Stalling);

    // One resets its stream; another is cut off with its whole connection.
    let patient = gateway.clone();
    let resets = tokio::spawn(async move { create(&patient, "ada").await });
    let vanishing = Gateway::connect(&driver.socket).await?;
    let patient = vanishing.clone();
    let vanishes = tokio::spawn(async move { create(&patient, "grace").await });
    driver.logged_times("create in pausing_to_post met begin", 2).await?;
    resets.abort();
    vanishing.hang_up()?;
    assert!(vanishes.await?.is_err(), "a cut connection is an error to its caller");
    driver.logged_times("CreateSandbox given up by the gateway", 2).await?;

    scene.cluster.set_door(Door::Open);
    scene.until("both are there", |cluster| cluster.objects(kubesim::Kind::Sandbox, "").len() == 2).await?;
    driver.logged_times("create in posting met done", 2).await?;
    assert_eq!(list(&gateway).await?, ["ada", "grace"]);
    Ok(())
}

#[tokio::test]
async fn watches_of_gateways_that_vanish_are_given_up() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    create(&gateway, "ada").await?;
    for round in 1..=3 {
        let vanishing = Gateway::connect(&driver.socket).await?;
        let mut streams = Vec::new();
        for _ in 0..AT_ONCE {
            let mut events = vanishing.watch().await?;
            events.next().await?;
            streams.push(events);
        }
        let one_more = vanishing.watch().await?.next().await;
        assert!(one_more.as_ref().is_err_and(|status| status.code() == Code::ResourceExhausted), "{one_more:?}");
        vanishing.hang_up()?;
        driver.logged_times("WatchSandboxes given up by the gateway", AT_ONCE * round).await?;
    }
    Ok(())
}

#[tokio::test]
async fn connections_are_bounded_and_given_back() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    let mut others = Vec::new();
    for _ in 1..AT_ONCE {
        let other = Gateway::connect(&driver.socket).await?;
        other.get_capabilities(pb::GetCapabilitiesRequest::default()).await?;
        others.push(other);
    }
    assert!(!is_served(&driver.socket).await);
    driver.logged("too many are open").await?;
    assert_eq!(list(&gateway).await?.len(), 0, "those there go on");
    for other in others {
        other.hang_up()?;
    }
    until("there is room again", async || Ok(is_served(&driver.socket).await)).await
}
