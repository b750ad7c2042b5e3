//! An API server that is away, half there, or unwilling: at the start, and later.

use std::time::Duration;

use kubesim::serve::{Door, Server};
use kubesim::{Access, Method, Options, Presence, Rule};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::Outcome;
use rig::driver::Driver;
use rig::gateway::Gateway;
use tonic::{Code, Status};

use crate::scene::{Scene, TOKEN, create, delete, get, list, until_deleted, until_ready};

#[tokio::test]
async fn without_an_api_server_the_socket_comes_in_time_and_work_begins_when_it_is_there() -> Outcome<()> {
    let stopped = async {
        let mut scene = Scene::new().await?;
        scene.stop().await?;
        let (driver, gateway) = waits(&scene, Code::Unavailable, "cannot be reached").await?;
        scene.resume()?;
        works(&gateway, driver).await
    };
    let undefined = async {
        let scene = Scene::with(Options { definition: Presence::Absent, ..Options::default() }).await?;
        let (driver, gateway) = waits(&scene, Code::FailedPrecondition, "does not serve agents.x-k8s.io").await?;
        scene.cluster.with(|cluster| cluster.set_definition(Presence::Present));
        works(&gateway, driver).await
    };
    let shut = |door| async move {
        let scene = Scene::new().await?;
        scene.cluster.set_door(door);
        let (driver, gateway) = waits(&scene, Code::Unavailable, "").await?;
        scene.cluster.set_door(Door::Open);
        works(&gateway, driver).await
    };
    let without = |file: &'static str, why| async move {
        let scene = Scene::new().await?;
        let another = Server::start(Options::default()).await?;
        let right = if file == "token" { TOKEN } else { &scene.cluster.ca_pem };
        scene.scratch.file(file, if file == "token" { "" } else { &another.ca_pem })?;
        let (driver, gateway) = waits(&scene, Code::Unavailable, why).await?;
        scene.scratch.file(file, right)?;
        works(&gateway, driver).await
    };
    // All of them wait for the same five seconds.
    tokio::try_join!(
        stopped,
        undefined,
        shut(Door::Refusing),
        shut(Door::Stalling),
        without("ca.crt", "invalid peer certificate"),
        without("token", "it is empty"),
    )?;
    Ok(())
}

/// Starts a driver that cannot work yet: it says who it is, and why it does nothing else. Its socket comes within 30 s, as the gateway asks; the rig
/// waits no longer.
async fn waits(scene: &Scene, refusal: Code, why: &str) -> Outcome<(Driver, Gateway)> {
    let (driver, gateway) = scene.start().await?;
    gateway.get_capabilities(pb::GetCapabilitiesRequest::default()).await?;
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(rig::sandbox::wanted("ada")) }).await?;
    // Long enough for a busy machine to find out what is missing.
    let hurried = gateway.waiting(Duration::from_secs(2));
    let (listed, read, created) = tokio::join!(list(&hurried), get(&hurried, "ada"), create(&hurried, "ada"));
    is(&listed, Code::Unavailable, why);
    is(&read, refusal, "");
    is(&created, refusal, "");
    Ok((driver, gateway))
}

fn is<T: std::fmt::Debug>(result: &Result<T, Status>, code: Code, why: &str) {
    assert!(
        result.as_ref().is_err_and(|status| status.code() == code && status.message().contains(why)),
        "{result:?} is not {code:?} because of {why:?}"
    );
}

/// The same process works.
async fn works(gateway: &Gateway, _driver: Driver) -> Outcome<()> {
    let mut events = gateway.watch().await?;
    assert_eq!(list(gateway).await?.len(), 0);
    create(gateway, "grace").await?;
    until_ready(&mut events, "grace").await?;
    assert!(delete(gateway, "grace").await?);
    Ok(until_deleted(&mut events, "grace").await?)
}

#[tokio::test]
async fn a_driver_that_may_not_read_ends_with_the_command_that_checks_it() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.cluster.with(|cluster| cluster.revoke(Rule::new("agents.x-k8s.io", &["sandboxes"], &["list"])));
    let mut driver = Driver::start(&scene.launch())?;
    assert_eq!(driver.ended().await?.code(), Some(3));
    let log = driver.log();
    assert!(log.contains("kubectl auth can-i list sandboxes.agents.x-k8s.io -n openshell-system"), "{log}");
    assert!(!scene.socket().exists(), "it never listened");
    Ok(())
}

#[tokio::test]
async fn a_driver_that_may_not_write_says_so_to_the_gateway_and_goes_on() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.cluster.with(|cluster| cluster.revoke(Rule::new("agents.x-k8s.io", &["sandboxes"], &["create"])));
    let (_driver, gateway) = scene.start().await?;
    is(&create(&gateway, "ada").await, Code::FailedPrecondition, "kubectl auth can-i create");
    scene.cluster.with(kubesim::Cluster::restore_permissions);
    create(&gateway, "ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again_without_an_error_to_the_gateway() -> Outcome<()> {
    let access = Access::open().with_tokens([(TOKEN, "driver")]);
    let scene = Scene::with(Options { access, ..Options::default() }).await?;
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;

    replace_token(&scene.cluster, TOKEN, "the-next-token");
    scene.scratch.file("token", "the-next-token")?;
    create(&gateway, "grace").await?;
    let posts: Vec<u16> = scene.asked(Method::Post).iter().map(|logged| logged.status).collect();
    assert_eq!(posts, [201, 401, 201]);

    // The watch is opened again with the new token, too.
    scene.cluster.drop_connections();
    until_ready(&mut events, "grace").await?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 1);
    Ok(())
}

fn replace_token(cluster: &Server, old: &str, new: &str) {
    cluster.with(|cluster| {
        cluster.reject_token(old);
        cluster.accept_token(new, "driver");
    });
}

#[tokio::test]
async fn an_outage_under_way_is_an_error_for_writes_and_none_for_reads() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    create(&gateway, "grace").await?;
    until_ready(&mut events, "grace").await?;

    scene.stop().await?;
    // Long enough for a busy machine to find out what is missing.
    let hurried = gateway.waiting(Duration::from_secs(2));
    assert_eq!(list(&gateway).await?, ["ada", "grace"], "what was known a moment ago is served");
    assert_eq!(get(&gateway, "ada").await?.name, "ada");
    is(&get(&hurried, "nobody").await, Code::Unavailable, "");
    is(&create(&hurried, "edsger").await, Code::Unavailable, "cannot be reached");
    is(&delete(&hurried, "ada").await, Code::Unavailable, "");

    scene.resume()?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    assert_eq!(list(&gateway).await?, ["grace"]);
    Ok(())
}
