//! `make demo`: the driver's whole day in a few seconds. A model of a Kubernetes cluster and the real driver binary run side by side; this program
//! is the gateway. It asserts what it shows, and exits with 1 when it is not so.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo shows what it does")]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it shows how long things take, and asks whether colour is wanted"
)]

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Instant;

use kubesim::serve::Server;
use kubesim::{Options, Pace};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::{Events, Gateway};
use rig::scratch::Scratch;
use rig::{Failure, Outcome, sandbox};

const NAMES: [&str; 3] = ["ada", "grace", "edsger"];

#[tokio::main]
async fn main() -> ExitCode {
    let show = Show::new();
    match demo(&show).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error}", show.red("the demo failed:"));
            ExitCode::FAILURE
        }
    }
}

async fn demo(show: &Show) -> Outcome<()> {
    let scratch = Scratch::new()?;
    let cluster = Server::start(Options { pace: Pace::LIFELIKE, ..Options::default() }).await?;
    scratch.file("ca.crt", &cluster.ca_pem)?;
    scratch.file("token", "the-demo's-service-account-token")?;
    show.step(&format!("A Kubernetes API server (a model, over HTTPS) is at {}", cluster.url()));

    let binary = std::env::current_exe()?.with_file_name("openshell-driver-kyma");
    let socket = scratch.path().join("driver/driver.sock");
    let launch = Launch::new(&binary, cluster.address, scratch.path(), &socket);
    let mut driver = Driver::ready(&launch).await?;
    show.step(&format!("The driver listens at {}", socket.display()));

    let gateway = Gateway::connect(&socket).await?;
    let about = gateway.get_capabilities(pb::GetCapabilitiesRequest::default()).await?;
    check(about.driver_name == "kyma", "the driver says that it is kyma")?;
    show.step(&format!("GetCapabilities: {} {}, default image {}", about.driver_name, about.driver_version, about.default_image));
    let needs = gateway.get_gateway_listener_requirements(pb::GetGatewayListenerRequirementsRequest::default()).await?;
    check(needs.requirements.is_empty(), "the driver needs no listeners of the gateway")?;

    let mut events = gateway.watch().await?;
    create(show, &gateway).await?;
    until_ready(show, &mut events).await?;
    read(show, &gateway, &cluster).await?;
    stop_and_start(show, &gateway, &mut events, &cluster).await?;
    delete(show, &gateway, &mut events).await?;

    show.step("SIGTERM");
    driver.signal("TERM").await?;
    let ended = events.next().await;
    check(ended.is_err_and(|status| status.code() == tonic::Code::Unavailable), "the open watch ends with UNAVAILABLE")?;
    let status = driver.ended().await?;
    check(status.success(), "the driver exits with 0")?;
    check(!socket.exists(), "its socket is gone")?;
    check(!driver.log().contains("token-of-") && !driver.log().contains("the-demo's"), "no token is in its log")?;
    line("the watch was ended, the socket removed, the exit code is 0");
    requests(show, &cluster)
}

async fn create(show: &Show, gateway: &Gateway) -> Outcome<()> {
    show.step("Three creates, as the gateway makes them: validate, then create");
    for name in NAMES {
        let wanted = sandbox::wanted(name);
        gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(wanted.clone()) }).await?;
        let began = Instant::now();
        gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await?;
        line(format!("{name:<8} accepted after {:.1} ms", began.elapsed().as_secs_f64() * 1_000.0));
    }
    Ok(())
}

async fn until_ready(show: &Show, events: &mut Events) -> Outcome<()> {
    show.step("The watch, as it happens");
    let began = Instant::now();
    let mut ready = BTreeSet::new();
    let mut told = 0;
    while ready.len() < NAMES.len() {
        let event = events.next().await?;
        let elapsed = format!("+{:>5.2} s", began.elapsed().as_secs_f64());
        if let Some((id, happened)) = sandbox::happened(&event) {
            let name = NAMES.into_iter().find(|name| sandbox::id(name) == id).ok_or("something happened to a sandbox that never was")?;
            let label = happened.metadata.get("openshell.progress.complete_label").map_or(&happened.reason, |label| label);
            line(format!("{elapsed}  {name:<8} {}", show.dim(label)));
            told += usize::from(happened.metadata.keys().any(|key| key.starts_with("openshell.progress.")));
        }
        let Some(seen) = sandbox::snapshot(&event) else { continue };
        match sandbox::condition(seen, "Ready") {
            None => line(format!("{elapsed}  {:<8} stored", seen.name)),
            Some(condition) if condition.status == "True" => {
                ready.insert(seen.name.clone());
                line(format!("{elapsed}  {:<8} {}", seen.name, show.green("Ready")));
            }
            Some(condition) => line(format!("{elapsed}  {:<8} {}", seen.name, condition.message)),
        }
    }
    check(ready.iter().map(String::as_str).eq(["ada", "edsger", "grace"]), "every sandbox became ready, under its own name")?;
    check(told >= 2 * NAMES.len(), "each told of its progress")
}

async fn read(show: &Show, gateway: &Gateway, cluster: &Server) -> Outcome<()> {
    let asked = || cluster.with(|cluster| cluster.log().len());
    let before = asked();
    let listed = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?.sandboxes;
    show.step("ListSandboxes");
    for seen in &listed {
        let state = if sandbox::is_ready(seen) { "Ready" } else { "not ready" };
        line(format!("{:<8} {}  {state}", seen.name, seen.id));
    }
    check(listed.len() == NAMES.len() && listed.iter().all(|sandbox| sandbox::is_ready(sandbox)), "all three are listed, and ready")?;
    let request = pb::GetSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() };
    let ada = gateway.get_sandbox(request).await?.sandbox.ok_or("GetSandbox answered without a sandbox")?;
    check(ada.name == "ada" && ada.workspace == "default" && ada.spec.is_none(), "GetSandbox says the same")?;
    check(asked() == before, "neither of them asked the API server anything")?;
    show.step("GetSandbox says the same; neither call asked the API server anything");
    let absent = pb::GetSandboxRequest { sandbox_id: sandbox::id("nobody"), sandbox_name: "nobody".into() };
    let refused = gateway.get_sandbox(absent).await;
    check(refused.is_err_and(|status| status.code() == tonic::Code::NotFound), "an unknown sandbox is NOT_FOUND")?;
    check(asked() == before + 1, "which the API server was asked about")
}

async fn stop_and_start(show: &Show, gateway: &Gateway, events: &mut Events, cluster: &Server) -> Outcome<()> {
    show.step("Stop ada; OK is said when the pod is gone. Then start it again");
    let began = Instant::now();
    let elapsed = || format!("+{:>5.2} s", began.elapsed().as_secs_f64());
    let request = pb::StopSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() };
    gateway.stop_sandbox(request).await?;
    let pod = cluster.with(|cluster| cluster.object(kubesim::Kind::Pod, "openshell-system", "default--ada"));
    check(pod.is_none(), "the pod is gone when the stop is answered")?;
    line(format!("{}  {:<8} {}", elapsed(), "ada", show.green("stopped")));
    let suspended = |seen: &pb::DriverSandbox| sandbox::condition(seen, "Suspended").is_some_and(|condition| condition.status == "True");
    events.until(|event| sandbox::snapshot(event).filter(|seen| seen.name == "ada" && suspended(seen)).map(|_| ())).await?;
    let request =
        pb::StartSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into(), ..pb::StartSandboxRequest::default() };
    gateway.start_sandbox(request).await?;
    line(format!("{}  {:<8} started", elapsed(), "ada"));
    events.until(|event| sandbox::snapshot(event).filter(|seen| seen.name == "ada" && sandbox::is_ready(seen)).map(|_| ())).await?;
    line(format!("{}  {:<8} {}", elapsed(), "ada", show.green("Ready")));
    Ok(())
}

async fn delete(show: &Show, gateway: &Gateway, events: &mut Events) -> Outcome<()> {
    show.step("Delete all three; Deleted is said when pod, volume and object are gone");
    let began = Instant::now();
    for name in NAMES {
        let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
        check(gateway.delete_sandbox(request).await?.deleted, "a delete of something there is accepted")?;
    }
    let mut gone = BTreeSet::new();
    while gone.len() < NAMES.len() {
        let event = events.next().await?;
        let elapsed = format!("+{:>5.2} s", began.elapsed().as_secs_f64());
        if let Some(id) = sandbox::deleted(&event) {
            let name = NAMES.into_iter().find(|name| sandbox::id(name) == id).ok_or("a sandbox was deleted that never was")?;
            check(gone.insert(name), "each is deleted once")?;
            line(format!("{elapsed}  {name:<8} {}", show.green("Deleted")));
        } else if let Some(seen) = sandbox::snapshot(&event).filter(|seen| seen.status.as_ref().is_some_and(|status| status.deleting)) {
            line(format!("{elapsed}  {:<8} deleting", seen.name));
        }
    }
    let again = pb::DeleteSandboxRequest { sandbox_id: sandbox::id("ada"), sandbox_name: "ada".into() };
    check(!gateway.delete_sandbox(again).await?.deleted, "a second delete finds nothing, and is no error")?;
    let left = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?.sandboxes;
    check(left.is_empty(), "nothing is listed any more")
}

/// What the API server was asked, and that it was no more than necessary.
fn requests(show: &Show, cluster: &Server) -> Outcome<()> {
    show.step("What the API server was asked");
    let log = cluster.with(|cluster| cluster.log().to_vec());
    for request in &log {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let kind = if query.contains("watch=true") { " (watch)" } else { "" };
        line(format!("{:<7} {} {}{kind}", request.method.as_str(), request.status, path));
    }
    let count = |method: &str| log.iter().filter(|request| request.method.as_str() == method).count();
    check(count("POST") == NAMES.len(), "each create was one request")?;
    check(count("PATCH") == 2, "a stop and a start were one PATCH each")?;
    check(count("DELETE") == NAMES.len(), "each delete was one request")?;
    let failed = log.iter().filter(|request| request.status >= 400 && request.status != 404).count();
    check(failed == 0, "no request was refused")
}

fn check(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(Failure::from(format!("not so: {what}"))) }
}

/// How to show things: with colour on a terminal.
struct Show {
    colour: Option<()>,
}

impl Show {
    fn new() -> Self {
        let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colour: wanted.then_some(()) }
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        match self.colour {
            Some(()) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_string(),
        }
    }

    fn green(&self, text: impl Display) -> String {
        self.paint("32", text)
    }

    fn dim(&self, text: impl Display) -> String {
        self.paint("2", text)
    }

    fn red(&self, text: impl Display) -> String {
        self.paint("31", text)
    }

    fn step(&self, text: &str) {
        println!("{} {}", self.paint("36", "▸"), self.paint("1", text));
    }
}

/// Something below a step.
fn line(text: impl Display) {
    println!("    {text}");
}
