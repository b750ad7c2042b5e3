//! Two drivers of one gateway, as a gateway with replicas has them: what both are asked is done once, and each knows what the other did.

use kubesim::{Kind, Method, Termination};
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};

use crate::scene::{NAMESPACE, Scene, create, delete, get, is_stopped, list, resume, start, stop, until, until_deleted, until_ready};

/// A driver of the one gateway, and a replica of that connected to it.
async fn replica(scene: &Scene, name: &str) -> Outcome<(Driver, Gateway)> {
    start(&scene.launch().at(&scene.scratch.path().join(name).join("driver.sock"))).await
}

#[tokio::test]
async fn what_two_drivers_of_one_gateway_are_asked_is_done_once() -> Outcome<()> {
    let scene = Scene::new().await?;
    let ((_first, one), (_second, two)) = (replica(&scene, "one").await?, replica(&scene, "two").await?);
    let (mut to_one, mut to_two) = (one.watch().await?, two.watch().await?);

    let (first, second) = tokio::join!(create(&one, "ada"), create(&two, "ada"));
    first?;
    second?;
    assert_eq!(scene.sandboxes().len(), 1, "the same create is the same sandbox");
    until_ready(&mut to_one, "ada").await?;
    until_ready(&mut to_two, "ada").await?;
    assert_eq!((list(&one).await?, list(&two).await?), (vec!["ada".to_owned()], vec!["ada".to_owned()]));

    let (first, second) = tokio::join!(stop(&one, "ada"), stop(&two, "ada"));
    first?;
    second?;
    assert!(scene.cluster.with(|cluster| cluster.objects(Kind::Pod, NAMESPACE)).is_empty());
    let (first, second) = tokio::join!(resume(&one, "ada"), resume(&two, "ada"));
    first?;
    second?;
    let changes = scene.asked(Method::Patch).iter().filter(|logged| logged.status == 200).count();
    assert_eq!(changes, 2, "one change to stop it and one to start it: the other driver's did not fit the version it was meant for");
    until_ready(&mut to_one, "ada").await?;
    until_ready(&mut to_two, "ada").await?;

    let (first, second) = tokio::join!(delete(&one, "ada"), delete(&two, "ada"));
    // Who comes second may find that there is none any more.
    let (first, second) = (first?, second?);
    assert!(first || second);
    until_deleted(&mut to_one, "ada").await?;
    until_deleted(&mut to_two, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 0);
    Ok(())
}

#[tokio::test]
async fn what_one_driver_began_another_of_its_gateway_sees_through() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.cluster.with(|cluster| cluster.set_pod_termination(NAMESPACE, "default--ada", Termination::After(1_500)));
    let ((mut first, one), (_second, two)) = (replica(&scene, "one").await?, replica(&scene, "two").await?);
    let mut to_two = two.watch().await?;
    create(&one, "ada").await?;
    until_ready(&mut to_two, "ada").await?;

    let stopping = tokio::spawn(async move { stop(&one, "ada").await });
    scene.until("it is told to stop", |cluster| cluster.log().iter().any(|logged| logged.method == Method::Patch)).await?;
    first.signal("KILL").await?;
    first.ended().await?;
    assert!(stopping.await?.is_err());
    stop(&two, "ada").await?;
    assert!(scene.cluster.with(|cluster| cluster.objects(Kind::Pod, NAMESPACE)).is_empty());
    until("it is shown as stopped", async || Ok(is_stopped(&get(&two, "ada").await?))).await?;
    // The second may not have heard of it when it was asked; then its own change does not fit the version it was meant for.
    assert_eq!(scene.asked(Method::Patch).iter().filter(|logged| logged.status == 200).count(), 1);

    let (_first, one) = replica(&scene, "one").await?;
    resume(&two, "ada").await?;
    let mut to_one = one.watch().await?;
    until_ready(&mut to_one, "ada").await?;
    assert!(delete(&one, "ada").await?);
    until_deleted(&mut to_two, "ada").await?;
    until_deleted(&mut to_one, "ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_start_at_one_driver_ends_the_stop_at_the_other() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.cluster.with(|cluster| cluster.set_pod_termination(NAMESPACE, "default--ada", Termination::After(1_500)));
    let ((_first, one), (_second, two)) = (replica(&scene, "one").await?, replica(&scene, "two").await?);
    let mut to_two = two.watch().await?;
    create(&one, "ada").await?;
    until_ready(&mut to_two, "ada").await?;
    let stopping = tokio::spawn(async move { stop(&one, "ada").await });
    let is_told =
        |seen: &openshell_driver_kyma::contract::messages::compute::DriverSandbox| sandbox::condition(seen, "Suspended").is_some();
    to_two.until(|event| sandbox::snapshot(event).filter(|seen| is_told(seen)).map(|_| ())).await?;
    resume(&two, "ada").await?;
    let given_up = stopping.await?.err().ok_or("a stop of what was started again said OK")?;
    assert_eq!(given_up.code(), tonic::Code::Aborted, "{given_up}");
    Ok(until_ready(&mut to_two, "ada").await?)
}
