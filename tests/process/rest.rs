//! Stop and start, on every generation of the controller: each has its own idea of when a sandbox is suspended.

use kubesim::{ControllerRelease, Kind, Method, Options, Termination};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::gateway::Events;
use rig::{Outcome, sandbox};
use tonic::Status;

use crate::scene::{NAMESPACE, Scene, create, delete, is_stopped, resume, stop, until_deleted, until_ready};

const RELEASES: [ControllerRelease; 5] =
    [ControllerRelease::V0_4_6, ControllerRelease::V0_5_0, ControllerRelease::V0_5_3, ControllerRelease::V0_5_4, ControllerRelease::V0_5_6];

/// Reasons of `Ready=False` that the gateway does not take for a final failure (gateway.md §3.2).
const TRANSIENT: [&str; 3] = ["DependenciesNotReady", "ReconcilerError", "Starting"];

/// Every snapshot up to the one that is as wanted; none of them says anything the gateway would not forget.
async fn until(events: &mut Events, wanted: fn(&pb::DriverSandbox) -> bool) -> Result<(), Status> {
    events
        .until(|event| {
            let seen = sandbox::snapshot(event)?;
            if let Some(ready) = sandbox::condition(seen, "Ready").filter(|ready| ready.status == "False") {
                assert!(TRANSIENT.contains(&ready.reason.as_str()), "{ready:?} is for ever");
            }
            wanted(seen).then_some(())
        })
        .await
}

#[tokio::test]
async fn a_stop_is_over_when_the_pod_is_gone_whatever_the_controller_says() -> Outcome<()> {
    for release in RELEASES {
        let scene = Scene::with(Options { release, ..Options::default() }).await?;
        scene.cluster.with(|cluster| cluster.set_pod_termination(NAMESPACE, "default--ada", Termination::After(300)));
        let (_driver, gateway) = scene.start().await?;
        let mut events = gateway.watch().await?;
        create(&gateway, "ada").await?;
        until_ready(&mut events, "ada").await?;

        let pod = || scene.cluster.with(|cluster| cluster.object(Kind::Pod, NAMESPACE, "default--ada"));
        stop(&gateway, "ada").await?;
        assert!(pod().is_none(), "{release:?}: the pod is there after a stop");
        until(&mut events, is_stopped).await?;
        stop(&gateway, "ada").await?;
        assert_eq!(scene.asked(Method::Patch).len(), 1, "{release:?}: a stop of something stopped changes nothing");

        resume(&gateway, "ada").await?;
        until(&mut events, |seen| sandbox::is_ready(seen) && !is_stopped(seen)).await?;
        assert!(pod().is_some(), "{release:?}");
        resume(&gateway, "ada").await?;
        assert_eq!(scene.asked(Method::Patch).len(), 2, "{release:?}: a start of something started changes nothing");

        assert!(delete(&gateway, "ada").await?);
        until_deleted(&mut events, "ada").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_old_version_is_spoken_only_while_there_is_no_newer_one() -> Outcome<()> {
    let scene = Scene::with(Options { release: ControllerRelease::V0_4_6, ..Options::default() }).await?;
    let (mut driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    let spoken = |version: &str| scene.asked(Method::Post).iter().filter(|logged| logged.path.contains(version)).count();
    assert_eq!((spoken("v1alpha1"), spoken("v1beta1")), (1, 0), "by then it is known what is served");

    driver.signal("TERM").await?;
    driver.ended().await?;
    scene.cluster.with(|cluster| cluster.set_release(ControllerRelease::V0_5_6));
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    until_ready(&mut events, "ada").await?;
    create(&gateway, "grace").await?;
    until_ready(&mut events, "grace").await?;
    assert_eq!(spoken("v1alpha1"), 1, "nothing more is written in the old version");
    stop(&gateway, "ada").await?;
    Ok(())
}
