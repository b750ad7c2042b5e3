//! The health port: what it says of a driver's life, and what it makes of clients that mean it no good.

use std::time::Duration;

use kubesim::serve::Door;
use rig::driver::{Driver, Launch};
use rig::health::Health;
use rig::{Outcome, sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::scene::{Scene, create, delete, get, list, start, until, until_deleted, until_ready};

/// A driver whose health port is any that is free.
pub fn launch(scene: &Scene) -> Launch {
    scene.launch().flag("--health-address", "127.0.0.1").flag("--health-port", "0")
}

#[tokio::test]
async fn ready_means_that_the_gateway_can_connect_and_everything_was_seen() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    scene.stop().await?;
    let mut driver = Driver::start(&launch(&scene))?;
    let health = Health::of(&mut driver).await?;
    assert_eq!(health.get("/healthz").await?.body, "ok\n", "it lives, also without an API server");
    until("it says why it is not ready", async || {
        let page = health.get("/readyz").await?;
        assert_eq!(page.status, 503, "{page:?}");
        Ok(page.body.contains("[-]socket: ") && page.body.contains("[-]namespace: the API server cannot be reached"))
    })
    .await?;
    assert_eq!(health.number("openshell_driver_ready").await?, Some(0.0));

    // After 5 s the gateway is let in all the same; ready is another matter.
    driver.logged("driver ready").await?;
    let page = health.get("/readyz").await?;
    assert!(page.status == 503 && !page.body.contains("socket"), "{page:?}");
    scene.resume()?;
    until("it is ready", async || Ok(health.get("/readyz").await?.status == 200)).await?;
    assert_eq!(health.get("/readyz").await?.body, "ok\n");
    until("it observes pods and Events, too", async || {
        Ok(health.get("/readyz?verbose").await?.body == "[+]socket ok\n[+]namespace ok\n[+]pods ok\n[+]events ok\nreadyz check passed\n")
    })
    .await?;

    // It stays ready when the API server goes away, and says so to whoever asks for everything.
    scene.stop().await?;
    until("it notices", async || Ok(health.get("/readyz?verbose").await?.body.contains("[ ]namespace: "))).await?;
    assert_eq!(health.get("/readyz").await?.status, 200);
    scene.resume()?;

    scene.cluster.set_door(Door::Stalling);
    let gateway = rig::gateway::Gateway::connect(&driver.socket).await?;
    let creating = tokio::spawn(async move { create(&gateway, "ada").await });
    health.until("openshell_driver_rpcs_in_flight{method=\"CreateSandbox\"}", |number| number > 0.5).await?;
    driver.signal("TERM").await?;
    until("it says that it stops", async || Ok(health.get("/readyz").await?.body.contains("the driver is stopping"))).await?;
    scene.cluster.set_door(Door::Open);
    creating.await??;
    assert_eq!(driver.ended().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn the_numbers_are_those_of_what_happened() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    create(&gateway, "grace").await?;
    until_ready(&mut events, "grace").await?;
    until("both are ready", async || Ok(health.number("openshell_driver_sandboxes{state=\"ready\"}").await? == Some(2.0))).await?;
    get(&gateway, "ada").await?;
    list(&gateway).await?;
    let nobody = get(&gateway, "nobody").await;
    assert!(nobody.is_err());
    assert!(delete(&gateway, "grace").await?);
    until_deleted(&mut events, "grace").await?;
    scene.cluster.drop_connections();
    health.until("openshell_driver_informer_lists_total{kind=\"sandboxes\",reason=\"broken\"}", |number| number >= 1.0).await?;

    for (series, wanted) in [
        ("openshell_driver_rpcs_total{method=\"CreateSandbox\",code=\"OK\"}", 2.0_f64),
        ("openshell_driver_rpcs_total{method=\"GetSandbox\",code=\"OK\"}", 1.0),
        ("openshell_driver_rpcs_total{method=\"GetSandbox\",code=\"NOT_FOUND\"}", 1.0),
        ("openshell_driver_rpcs_total{method=\"DeleteSandbox\",code=\"OK\"}", 1.0),
        ("openshell_driver_rpc_duration_seconds_count{method=\"CreateSandbox\",code=\"OK\"}", 2.0),
        ("openshell_driver_rpcs_in_flight{method=\"WatchSandboxes\"}", 1.0),
        ("openshell_driver_api_requests_total{verb=\"create\",resource=\"sandboxes\",code=\"201\"}", 2.0),
        ("openshell_driver_api_requests_total{verb=\"delete\",resource=\"sandboxes\",code=\"200\"}", 1.0),
        ("openshell_driver_api_request_duration_seconds_count{verb=\"create\",resource=\"sandboxes\"}", 2.0),
        ("openshell_driver_sandbox_transitions_total{from=\"deleting\",to=\"gone\"}", 1.0),
        ("openshell_driver_watch_events_total{type=\"deleted\"}", 1.0),
        ("openshell_driver_informer_lists_total{kind=\"sandboxes\",reason=\"start\"}", 1.0),
        ("openshell_driver_sandboxes{state=\"ready\"}", 1.0),
        ("openshell_driver_store_objects{kind=\"sandboxes\"}", 1.0),
        ("openshell_driver_strays", 0.0),
        ("openshell_driver_ready", 1.0),
        ("openshell_driver_log_write_errors_total", 0.0),
    ] {
        health.until(series, |number| number.to_bits() == wanted.to_bits()).await?;
    }
    for series in [
        "openshell_driver_watch_lag_seconds_count",
        "openshell_driver_input_wait_seconds_count",
        "openshell_driver_watch_events_total{type=\"snapshot\"}",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        health.until(series, |number| number > 0.0).await?;
    }
    assert!(health.number("openshell_driver_token_age_seconds").await?.is_some_and(|age| age < 60.0));
    assert!(!health.get("/metrics").await?.body.contains(&sandbox::id("ada")), "no metric names a sandbox");
    Ok(())
}

#[tokio::test]
async fn each_gets_the_form_it_asked_for() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, _gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    let text = health.get("/metrics").await?;
    assert!(text.headers.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{}", text.headers);
    assert!(text.body.contains("# TYPE openshell_driver_rpcs_total counter\n"));
    let open = health.get_as("/metrics", "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5").await?;
    assert!(open.headers.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{}", open.headers);
    assert!(open.body.contains("# TYPE openshell_driver_rpcs counter\n") && open.body.ends_with("# EOF\n"));

    let head = health.ask("HEAD /metrics HTTP/1.1\r\nHost: driver\r\n\r\n").await?;
    assert!(head.status == 200 && head.body.is_empty(), "{head:?}");
    let post = health.ask("POST /healthz HTTP/1.1\r\nHost: driver\r\nContent-Length: 2\r\n\r\nhi").await?;
    assert!(post.status == 405 && post.headers.contains("allow: get, head"), "{post:?}");
    let other = health.get("/etc/passwd").await?;
    assert!(other.status == 404 && other.body.contains("/readyz"), "{other:?}");
    health.until("openshell_driver_health_requests_total{path=\"other\",code=\"404\"}", |number| number >= 1.0).await?;
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_process_and_off_does_without() -> Outcome<()> {
    let scene = Scene::new().await?;
    let taken = TcpListener::bind("127.0.0.1:0").await?;
    let port = taken.local_addr()?.port().to_string();
    let mut driver = Driver::start(&scene.launch().flag("--health-address", "127.0.0.1").flag("--health-port", &port))?;
    assert_eq!(driver.ended().await?.code(), Some(2));
    let log = driver.log();
    assert!(log.contains(&format!("health port {port} on 127.0.0.1")) && log.contains("--health-port"), "{log}");
    assert!(!scene.socket().exists(), "it never listened");

    let mut driver = Driver::ready(&scene.launch().flag("--health-port", "off")).await?;
    assert!(!driver.log().contains("health and metrics are served"));
    driver.signal("TERM").await?;
    assert_eq!(driver.ended().await?.code(), Some(0));
    Ok(())
}

/// More than the driver keeps open at once.
const MANY: usize = 200;
/// A probe of kubelet's is not this patient.
const PROBE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn slow_and_hostile_clients_hold_up_neither_probes_nor_the_gateway() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;

    // Those who say nothing, those who say it letter by letter, and those who do not read.
    let mut dawdlers = Vec::new();
    for number in 0..MANY {
        let mut dawdler = TcpStream::connect(health.0).await?;
        match number % 3 {
            0 => {}
            1 => dawdler.write_all(b"GET /metrics HT").await?,
            _ => dawdler.write_all(b"GET /metrics HTTP/1.1\r\nHost: driver\r\n\r\n").await?,
        }
        dawdlers.push(dawdler);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let began = Instant::now();
        assert_eq!(health.get(path).await?.status, 200, "{path}");
        assert!(began.elapsed() < PROBE, "{path} took {:?}", began.elapsed());
    }
    create(&gateway, "ada").await?;
    // Of the silent, the oldest are cut at once, and the last when their time is up.
    if let Some(first) = dawdlers.first_mut() {
        let mut nothing = Vec::new();
        assert_eq!(first.read_to_end(&mut nothing).await.unwrap_or(0), 0);
    }
    let number = health.until("process_open_fds", |number| number < 150.0).await?;
    assert!(number > 0.0);

    // Bytes that are no HTTP, and too much of what is.
    for bytes in [
        "\0\u{1}\u{2}nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1_000)),
    ] {
        // A connection that is cut while we still write is as good an answer.
        match health.ask(&bytes).await {
            Ok(page) => assert!((400..500).contains(&page.status), "{page:?}"),
            Err(error) => assert!(!error.to_string().contains("elapsed"), "{error}"),
        }
    }
    let mut body = TcpStream::connect(health.0).await?;
    body.write_all(b"GET /healthz HTTP/1.1\r\nHost: driver\r\nContent-Length: 1000000000\r\n\r\n").await?;
    let mut answer = Vec::new();
    body.read_to_end(&mut answer).await.unwrap_or_default();
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"), "a body is not waited for");

    assert_eq!(health.get("/healthz").await?.status, 200);
    assert_eq!(list(&gateway).await?, ["ada"]);
    Ok(())
}

#[tokio::test]
async fn a_flood_of_requests_is_answered_and_costs_one_look_a_second() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = start(&launch(&scene)).await?;
    let health = Health::of(&mut driver).await?;
    let flood: Vec<_> = (0..500).map(|_| tokio::spawn(async move { health.get("/metrics").await.map(|page| page.status).ok() })).collect();
    create(&gateway, "ada").await?;
    let mut answered = 0;
    for one in flood {
        answered += usize::from(one.await? == Some(200));
    }
    // Those beyond the bound may have been cut for later ones.
    assert!(answered > 0);
    assert_eq!(health.get("/healthz").await?.status, 200);
    assert_eq!(list(&gateway).await?, ["ada"]);
    Ok(())
}
