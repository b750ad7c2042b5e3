//! What the driver does about failures that a person must hear of: docs/failures.md has each with what to do.

use std::process::Stdio;
use std::time::Duration;

use kubesim::{Access, Kind, Options, Presence};
use rig::health::Health;
use rig::{Outcome, sandbox};
use serde_json::json;
use tonic::Code;

use crate::health::launch;
use crate::scene::{NAMESPACE, Scene, TOKEN, create, delete, get, is_served, list, start, until, until_deleted, until_ready};

#[tokio::test]
async fn a_definition_that_is_removed_and_comes_back_is_followed() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;

    scene.cluster.with(|cluster| cluster.set_definition(Presence::Absent));
    scene.cluster.drop_connections();
    health.until("openshell_driver_informer_failures_total{kind=\"sandboxes\"}", |number| number >= 1.0).await?;
    driver.logged("install agent-sandbox").await?;
    let refused = create(&gateway, "grace").await;
    assert!(refused.as_ref().is_err_and(|status| status.code() == Code::FailedPrecondition), "{refused:?}");
    assert_eq!(list(&gateway).await?, ["ada"], "what was known a moment ago is served, and nothing is called deleted");
    assert_eq!(health.get("/readyz").await?.status, 200, "the gateway must go on");

    scene.cluster.with(|cluster| cluster.set_definition(Presence::Present));
    until("it works again", async || Ok(create(&gateway, "grace").await.is_ok())).await?;
    until_ready(&mut events, "grace").await?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_cannot_be_read_any_more_is_used_on_and_said_to_be_old() -> Outcome<()> {
    let access = Access::open().with_tokens([(TOKEN, "driver")]);
    let scene = Scene::with(Options { access, ..Options::default() }).await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    assert_eq!(health.number("openshell_driver_token_read_errors_total").await?, Some(0.0));
    let file = scene.scratch.path().join("token");
    std::fs::rename(&file, scene.scratch.path().join("away"))?;

    // Refused, read again in vain, and refused to the gateway: with the reason, and counted.
    scene.cluster.with(|cluster| cluster.reject_token(TOKEN));
    let hurried = gateway.waiting(Duration::from_millis(500));
    let refused = create(&hurried, "ada").await;
    assert!(refused.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{refused:?}");
    health.until("openshell_driver_token_read_errors_total", |number| number >= 1.0).await?;
    driver.logged("token_unreadable").await?;
    let unauthorized = "openshell_driver_api_requests_total{verb=\"create\",resource=\"sandboxes\",code=\"401\"}";
    health.until(unauthorized, |number| number >= 1.0).await?;

    // It is there again, and another: nobody need do anything.
    scene.cluster.with(|cluster| cluster.accept_token("the-next-token", "driver"));
    scene.scratch.file("token", "the-next-token")?;
    until("it works again", async || Ok(create(&gateway, "grace").await.is_ok())).await?;
    Ok(())
}

#[tokio::test]
async fn a_token_says_itself_when_it_expires() -> Outcome<()> {
    // {"exp":2000000000} between two parts that nobody reads.
    let token = "e30.eyJleHAiOjIwMDAwMDAwMDB9.c2ln";
    let access = Access::open().with_tokens([(token, "driver")]);
    let scene = Scene::with(Options { access, ..Options::default() }).await?;
    scene.scratch.file("token", token)?;
    let (mut driver, _gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    health.until("openshell_driver_token_expiry_timestamp_seconds", |at| at.to_bits() == 2e9_f64.to_bits()).await?;
    assert!(!health.get("/metrics").await?.body.contains("eyJ"), "no part of it is shown");
    Ok(())
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_counted_and_nothing_else_is_lost() -> Outcome<()> {
    let scene = Scene::new().await?;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    // A port of its own: nobody can read which was chosen from a log that is not written.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let wanted = launch(&scene).flag("--log-level", "debug");
    let mut child = tokio::process::Command::new(&wanted.binary)
        .arg("--socket")
        .arg(&wanted.socket)
        .args(["--health-address", "127.0.0.1", "--health-port", &port.port().to_string(), "--log-level", "debug"])
        .env_clear()
        .env("KUBERNETES_SERVICE_HOST", wanted.api.ip().to_string())
        .env("KUBERNETES_SERVICE_PORT", wanted.api.port().to_string())
        .env("OPENSHELL_DRIVER_API_CREDENTIALS_DIR", &wanted.credentials)
        .stdout(Stdio::null())
        .stderr(full)
        .kill_on_drop(true)
        .spawn()?;
    until("it serves", async || Ok(is_served(&wanted.socket).await)).await?;
    let gateway = rig::gateway::Gateway::connect(&wanted.socket).await?;
    create(&gateway, "ada").await?;
    let health = Health(port);
    health.until("openshell_driver_log_write_errors_total", |number| number > 10.0).await?;
    assert!(delete(&gateway, "ada").await?);
    assert_eq!(child.try_wait()?, None, "it lives");
    Ok(())
}

#[tokio::test]
async fn an_outage_is_told_by_log_metrics_and_the_gateway_alike() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    scene.stop().await?;
    health.until("openshell_driver_informer_failures_total{kind=\"sandboxes\"}", |number| number >= 2.0).await?;
    driver.logged("\"event\":\"not_observing\"").await?;
    health.until("openshell_driver_informer_age_seconds{kind=\"sandboxes\"}", |age| age > 1.0).await?;
    health.until("openshell_driver_api_dials_total{lane=\"lists\",result=\"failed\"}", |number| number >= 1.0).await?;
    let hurried = gateway.waiting(Duration::from_millis(300));
    let refused = create(&hurried, "grace").await;
    assert!(refused.as_ref().is_err_and(|status| status.message().contains("cannot be reached")), "{refused:?}");
    driver.logged("cannot be reached").await?;

    scene.resume()?;
    // Not its age, which is small for a moment only.
    health.until("openshell_driver_api_requests_total{verb=\"list\",resource=\"sandboxes\",code=\"200\"}", |number| number >= 2.0).await?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    Ok(())
}

/// Two minutes of silence are waited for, so it only runs when asked: `make test-slow`.
#[tokio::test]
#[ignore = "takes two minutes of real time"]
async fn knowledge_that_is_too_old_is_not_served() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    create(&gateway, "ada").await?;
    scene.stop().await?;
    assert_eq!(list(&gateway).await?, ["ada"]);
    tokio::time::sleep(Duration::from_secs(122)).await;
    let refused = list(&gateway).await;
    let is_why = |status: &tonic::Status| status.code() == Code::Unavailable && status.message().contains("have not been heard of for");
    assert!(refused.as_ref().is_err_and(is_why), "{refused:?}");
    let refused = get(&gateway.waiting(Duration::from_secs(2)), "ada").await;
    assert!(refused.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{refused:?}");
    assert!(health.number("openshell_driver_informer_age_seconds{kind=\"sandboxes\"}").await?.is_some_and(|age| age > 120.0));
    assert_eq!(health.get("/readyz").await?.status, 200);
    scene.resume()?;
    until("it is known again", async || Ok(list(&gateway).await.is_ok_and(|names| names == ["ada"]))).await
}

/// Sweeps must be twenty seconds apart to count, and three that leave it out make a stray: `make test-slow`.
#[tokio::test]
#[ignore = "takes more than a minute of real time"]
async fn a_stray_is_reported_and_left_alone() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    create(&gateway, "ada").await?;
    // As a driver that died inside a create leaves it.
    scene.cluster.with(|cluster| cluster.create_object(Kind::Sandbox, left_behind("lost")))?;
    until("both are listed", async || Ok(list(&gateway).await?.len() == 2)).await?;
    // The first list may have come before it was seen.
    for _ in 0..4 {
        list(&gateway).await?;
        get(&gateway, "ada").await?;
        tokio::time::sleep(Duration::from_secs(21)).await;
    }
    list(&gateway).await?;
    driver.logged("\"event\":\"unclaimed\"").await?;
    let log = driver.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("unclaimed")).collect();
    assert!(
        told.len() == 1 && told.iter().all(|line| line.contains(&sandbox::id("lost")) && line.contains("kubectl get sandbox")),
        "{told:?}"
    );
    health.until("openshell_driver_strays", |number| number.to_bits() == 1.0_f64.to_bits()).await?;
    assert_eq!(scene.sandboxes().len(), 2, "it is left alone");
    get(&gateway, "lost").await?;
    health.until("openshell_driver_strays", |number| number.to_bits() == 0.0_f64.to_bits()).await?;
    Ok(())
}

fn left_behind(name: &str) -> serde_json::Value {
    json!({
        "metadata": {
            "name": format!("default--{name}"),
            "namespace": NAMESPACE,
            "labels": {
                "openshell.ai/managed-by": "openshell",
                "openshell.ai/sandbox-id": sandbox::id(name),
                "openshell.ai/sandbox-name": name,
                "openshell.ai/sandbox-workspace": "default",
                "openshell.ai/gateway-id": "openshell",
            },
        },
        "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "sandbox:1" }] } } },
    })
}
