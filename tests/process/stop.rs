//! How a driver ends.

use kubesim::serve::Door;
use rig::Outcome;
use tonic::Code;

use crate::scene::{Scene, create, start};

#[tokio::test]
async fn a_stop_ends_streams_finishes_calls_and_removes_the_socket() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&scene.launch().flag("--log-level", "debug")).await?;
    let mut streams = [gateway.watch().await?, gateway.watch().await?];
    create(&gateway, "ada").await?;
    scene.cluster.set_door(Door::Stalling);
    let creating = {
        let gateway = gateway.clone();
        tokio::spawn(async move { create(&gateway, "grace").await })
    };
    driver.logged_times("create in pausing_to_post met begin", 2).await?;

    driver.signal("TERM").await?;
    for events in &mut streams {
        let ended = loop {
            if let Err(status) = events.next().await {
                break status;
            }
        };
        assert_eq!(ended.code(), Code::Unavailable, "{ended}");
    }
    scene.cluster.set_door(Door::Open);
    creating.await??;
    assert_eq!(driver.ended().await?.code(), Some(0));
    assert_eq!(scene.sandboxes().len(), 2);
    assert_eq!(left_beside(&scene)?, ["driver.sock.lock"], "the lock's file stays, so that nobody locks another of that name");
    Ok(())
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_calls() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&scene.launch().flag("--log-level", "debug")).await?;
    scene.cluster.set_door(Door::Stalling);
    let creating = tokio::spawn(async move { create(&gateway, "ada").await });
    driver.logged("create in pausing_to_post met begin").await?;
    driver.signal("TERM").await?;
    driver.logged("SIGTERM").await?;
    driver.signal("INT").await?;
    let failed = creating.await?;
    assert!(failed.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{failed:?}");
    assert_eq!(driver.ended().await?.code(), Some(0));
    assert_eq!(left_beside(&scene)?, ["driver.sock.lock"]);
    Ok(())
}

#[tokio::test]
async fn a_stop_while_the_api_server_is_away_is_no_different() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    scene.stop().await?;
    driver.signal("TERM").await?;
    let ended = events.next().await;
    assert!(ended.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{ended:?}");
    assert_eq!(driver.ended().await?.code(), Some(0));
    Ok(())
}

/// What lies in the socket's directory.
fn left_beside(scene: &Scene) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(scene.scratch.path().join("driver"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
