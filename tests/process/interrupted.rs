//! Drivers and gateways that end in the middle of something: whoever comes next finds everything in the cluster, and finishes it.

use kubesim::{Cluster, Kind, Method, Termination};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use rig::{Outcome, sandbox};
use tonic::Code;

use crate::scene::{NAMESPACE, Scene, create, delete, get, is_stopped, list, resume, start, stop, until, until_deleted, until_ready};

const OBJECT: &str = "default--ada";

/// A driver behind a wire, and the sandbox `ada`, ready, whose pod takes a while to end.
async fn at_work(scene: &Scene) -> Outcome<(Relay, Driver, Gateway)> {
    scene.cluster.with(|cluster| cluster.set_pod_termination(NAMESPACE, OBJECT, Termination::After(1_500)));
    let relay = Relay::to(scene.cluster.address).await?;
    let (driver, gateway) = start(&Launch { api: relay.address, ..scene.launch() }).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    Ok((relay, driver, gateway))
}

async fn kill(mut driver: Driver) -> Outcome<()> {
    driver.signal("KILL").await?;
    driver.ended().await.map(|_| ())
}

/// Whether an object is there and is on its way out.
fn is_leaving(cluster: &mut Cluster, kind: Kind) -> bool {
    cluster.object(kind, NAMESPACE, OBJECT).is_some_and(|object| object.pointer("/metadata/deletionTimestamp").is_some())
}

fn is_to_run(cluster: &mut Cluster) -> bool {
    let object = cluster.object(Kind::Sandbox, NAMESPACE, OBJECT);
    object.is_some_and(|object| object.pointer("/spec/operatingMode").is_some_and(|mode| mode == "Running"))
}

fn is_stopping(seen: &pb::DriverSandbox) -> bool {
    sandbox::condition(seen, "Suspended").is_some_and(|suspended| suspended.status == "False" && suspended.reason == "PodTerminating")
}

#[tokio::test]
async fn a_driver_killed_in_a_create_leaves_one_sandbox_that_the_next_one_knows() -> Outcome<()> {
    let scene = Scene::new().await?;
    let relay = Relay::to(scene.cluster.address).await?;
    let (driver, gateway) = start(&Launch { api: relay.address, ..scene.launch() }).await?;
    // From now on there is a connection for requests.
    assert!(get(&gateway, "nobody").await.is_err());
    relay.hold(Way::Answers);
    let creating = tokio::spawn({
        let gateway = gateway.clone();
        async move { create(&gateway, "ada").await }
    });
    scene.until("it is created", |cluster| !cluster.objects(Kind::Sandbox, "").is_empty()).await?;
    kill(driver).await?;
    assert!(creating.await?.is_err(), "the gateway drops its row");

    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    assert_eq!(list(&gateway).await?, ["ada"]);
    let mut another = sandbox::wanted("ada");
    another.id = sandbox::id("ada-once-more");
    let taken = gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(another) }).await;
    let taken = taken.err().ok_or("a name that is taken was created")?;
    assert!(taken.code() == Code::AlreadyExists && taken.message().contains(&sandbox::id("ada")), "{taken}");
    assert!(delete(&gateway, "ada").await?, "it can be deleted by the id that is named");
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_driver_killed_in_a_stop_is_followed_by_one_that_sees_it_through() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_relay, driver, gateway) = at_work(&scene).await?;
    let stopping = tokio::spawn(async move { stop(&gateway, "ada").await });
    scene.until("its pod is told to end", |cluster| is_leaving(cluster, Kind::Pod)).await?;
    kill(driver).await?;
    assert!(stopping.await?.is_err(), "the row stays in Stopping");

    let (_driver, gateway) = scene.start().await?;
    let seen = get(&gateway, "ada").await?;
    assert!(is_stopping(&seen), "{seen:?}");
    stop(&gateway, "ada").await?;
    assert!(scene.cluster.with(|cluster| cluster.object(Kind::Pod, NAMESPACE, OBJECT)).is_none(), "stopped is stopped");
    assert_eq!(scene.asked(Method::Patch).len(), 1, "it was told once");
    until("the driver says so, too", async || Ok(is_stopped(&get(&gateway, "ada").await?))).await
}

#[tokio::test]
async fn a_driver_told_to_end_in_a_stop_says_so_and_the_next_one_sees_it_through() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_relay, mut driver, gateway) = at_work(&scene).await?;
    let stopping = tokio::spawn(async move { stop(&gateway, "ada").await });
    scene.until("its pod is told to end", |cluster| is_leaving(cluster, Kind::Pod)).await?;
    driver.signal("TERM").await?;
    let told = stopping.await?.err().ok_or("a stop was over before its pod had ended")?;
    assert_eq!(told.code(), Code::Unavailable, "{told}");
    assert_eq!(driver.ended().await?.code(), Some(0));

    let (_driver, gateway) = scene.start().await?;
    stop(&gateway, "ada").await?;
    assert_eq!(scene.asked(Method::Patch).len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_driver_killed_in_a_start_is_followed_by_one_that_need_not_ask_again() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (relay, driver, gateway) = at_work(&scene).await?;
    stop(&gateway, "ada").await?;
    // Whatever the controller still writes has been heard of.
    until("it is shown as stopped", async || Ok(is_stopped(&get(&gateway, "ada").await?))).await?;
    relay.hold(Way::Answers);
    let starting = tokio::spawn(async move { resume(&gateway, "ada").await });
    scene.until("it is resumed", is_to_run).await?;
    kill(driver).await?;
    assert!(starting.await?.is_err(), "the row stays in Starting");

    let (_driver, gateway) = scene.start().await?;
    resume(&gateway, "ada").await?;
    assert_eq!(scene.asked(Method::Patch).len(), 2, "one to stop it and one to start it");
    let mut events = gateway.watch().await?;
    Ok(until_ready(&mut events, "ada").await?)
}

#[tokio::test]
async fn a_driver_killed_in_a_delete_is_followed_by_one_that_tells_of_its_end() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (relay, driver, gateway) = at_work(&scene).await?;
    relay.hold(Way::Answers);
    let deleting = tokio::spawn(async move { delete(&gateway, "ada").await });
    scene.until("it is being deleted", |cluster| is_leaving(cluster, Kind::Sandbox)).await?;
    kill(driver).await?;
    assert!(deleting.await?.is_err(), "the gateway asks what has become of it");

    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    let seen = get(&gateway, "ada").await?;
    assert!(seen.status.is_some_and(|status| status.deleting), "it is on its way out");
    until_deleted(&mut events, "ada").await?;
    assert!(scene.cluster.with(|cluster| cluster.objects(Kind::Pod, NAMESPACE)).is_empty(), "its pod went first");
    assert!(!delete(&gateway, "ada").await?, "there is none any more");
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_restarts_in_a_stop_has_it_done_before_it_watches() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_relay, driver, gateway) = at_work(&scene).await?;
    let stopping = tokio::spawn({
        let gateway = gateway.clone();
        async move { stop(&gateway, "ada").await }
    });
    scene.until("its pod is told to end", |cluster| is_leaving(cluster, Kind::Pod)).await?;
    gateway.hang_up()?;
    assert!(stopping.await?.is_err());

    // It finds the row in Stopping.
    let gateway = Gateway::connect(&driver.socket).await?;
    stop(&gateway, "ada").await?;
    assert!(scene.cluster.with(|cluster| cluster.object(Kind::Pod, NAMESPACE, OBJECT)).is_none());
    let mut events = gateway.watch().await?;
    events.until(|event| sandbox::snapshot(event).filter(|seen| is_stopped(seen)).map(|_| ())).await?;
    assert_eq!(scene.asked(Method::Patch).len(), 1);
    Ok(())
}

/// What a gateway does at its start and every minute: one List, and a Get of each, one after the other. Nothing may be missing, nothing renamed.
async fn sweep(gateway: &Gateway) -> Outcome<Vec<pb::DriverSandbox>> {
    let mut swept = Vec::new();
    for listed in gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?.sandboxes {
        let found = get(gateway, &listed.name).await?;
        assert_eq!((&found.id, &found.name, &found.workspace), (&sandbox::id(&listed.name), &listed.name, &"default".to_owned()));
        swept.push(found);
    }
    Ok(swept)
}

#[tokio::test]
async fn a_sweep_is_whole_or_an_error_at_whatever_moment_it_comes() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    for name in ["ada", "edsger", "grace"] {
        create(&gateway, name).await?;
        until_ready(&mut events, name).await?;
    }
    stop(&gateway, "edsger").await?;
    let whole = |swept: &[pb::DriverSandbox]| {
        let names: Vec<&str> = swept.iter().map(|sandbox| sandbox.name.as_str()).collect();
        names == ["ada", "edsger", "grace"]
    };
    assert!(whole(&sweep(&gateway).await?), "the stopped one is among them");

    // The first thing a gateway asks of a driver that has just been started.
    kill(driver).await?;
    let (driver, gateway) = scene.start().await?;
    let swept = sweep(&gateway).await?;
    let states: Vec<(bool, bool)> = swept.iter().map(|seen| (sandbox::is_ready(seen), is_stopped(seen))).collect();
    assert!(whole(&swept) && states == [(true, false), (false, true), (true, false)], "{swept:?}");

    // The API server goes in the middle of it, and the driver with it.
    scene.stop().await?;
    assert!(whole(&sweep(&gateway).await?), "what is known is known for a while");
    kill(driver).await?;
    let mut driver = Driver::start(&scene.launch())?;
    driver.logged("cannot be observed").await?;
    until("the driver serves", async || Ok(Gateway::connect(&driver.socket).await.is_ok())).await?;
    let hurried = Gateway::connect(&driver.socket).await?.waiting(std::time::Duration::from_secs(2));
    let refused = hurried.list_sandboxes(pb::ListSandboxesRequest::default()).await.err().ok_or("a list of nothing")?;
    assert!(refused.code() == Code::Unavailable, "{refused}");
    let unsure = get(&hurried, "ada").await.err().ok_or("a sandbox nobody can know of")?;
    assert!(unsure.code() == Code::Unavailable, "not there is another thing than not known: {unsure}");
    scene.resume()?;
    let gateway = Gateway::connect(&driver.socket).await?;
    assert!(whole(&sweep(&gateway).await?));
    Ok(())
}
