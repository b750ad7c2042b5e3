//! Starting, listing everything again, and what goes over the wire.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message as _;
use rig::Outcome;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::relay::{Relay, Way};
use tokio::time::{Instant, sleep, timeout};

use super::turns::row;
use super::{CALM, OURS, PATIENCE, Run, launch, mebibytes};
use crate::flags::Flags;
use crate::process::Process;
use crate::report::Report;
use crate::rounds::Times;
use crate::server::Server;
use crate::subject::Subject;

/// Between two tries to connect to a socket that is not there yet.
const TRY: Duration = Duration::from_micros(250);
/// How long nothing must have come for everything to have come.
const QUIET: Duration = Duration::from_millis(700);
/// Sandboxes whose bytes are counted.
const COUNTED: usize = 32;

/// How long it takes from `exec` to a driver that answers, and knows every sandbox.
pub(super) async fn starts(flags: &Flags, server: &Server, sandboxes: usize, report: &mut Report) -> Outcome<()> {
    let (mut answering, mut whole) = (Times::default(), Times::default());
    for number in 0..flags.starts {
        let launch = launch(server, &flags.driver, &format!("start-{sandboxes}-{number}"));
        let began = Instant::now();
        let driver = Driver::start(&launch)?;
        connectable(&launch).await?;
        let gateway = Gateway::connect(&launch.socket).await?;
        gateway.get_capabilities(pb::GetCapabilitiesRequest::default()).await?;
        answering.add(began.elapsed());
        let listed = pb::ListSandboxesResponse::decode(Subject::list(&gateway).await?)?.sandboxes.len();
        whole.add(began.elapsed());
        if listed != sandboxes {
            return Err(format!("a driver that has started lists {listed} sandboxes, not {sandboxes}").into());
        }
        drop(driver);
    }
    for (what, times) in [("start up", answering), ("start whole", whole)] {
        report.rows.push(row(what, sandboxes, OURS, &times));
    }
    Ok(())
}

/// Waits until somebody listens.
async fn connectable(launch: &Launch) -> Outcome<()> {
    let socket = launch.socket.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let began = std::time::Instant::now();
        while began.elapsed() < PATIENCE {
            if UnixStream::connect(&socket).is_ok() {
                return true;
            }
            std::thread::sleep(TRY);
        }
        false
    });
    if tried.await? { Ok(()) } else { Err("the driver does not listen".into()) }
}

/// A driver behind a wire that counts and can be cut.
struct Wired {
    driver: Driver,
    process: Process,
    relay: Relay,
}

impl Wired {
    async fn start(run: &Run, name: &str) -> Outcome<Self> {
        let relay = Relay::to(run.server.address).await?;
        let launch = Launch { api: relay.address, ..run.launch(name) };
        let driver = Driver::ready(&launch).await?;
        let process = Process(driver.pid().ok_or("the driver has ended")?);
        let wired = Self { driver, process, relay };
        wired.quiet().await?;
        Ok(wired)
    }

    /// Waits until nothing more comes.
    async fn quiet(&self) -> Outcome<()> {
        let quiet = timeout(PATIENCE, async {
            let (mut before, mut since) = (self.relay.carried(Way::Answers), Instant::now());
            while since.elapsed() < QUIET {
                sleep(QUIET / 20).await;
                let now = self.relay.carried(Way::Answers);
                if now != before {
                    (before, since) = (now, Instant::now());
                }
            }
        });
        Ok(quiet.await.map_err(|_| "the driver never comes to rest")?)
    }
}

/// What a new driver weighs, and how much more while it lists everything again.
pub(super) async fn relist(run: &mut Run, sandboxes: usize) -> Outcome<()> {
    let wired = Wired::start(run, &format!("wired-{sandboxes}")).await?;
    let fresh = wired.process.resident()?;
    let first = wired.process.peak()?;
    wired.process.forget_peak()?;
    wired.relay.cut();
    // Its first pause is below a second.
    sleep(CALM).await;
    wired.quiet().await?;
    let peak = wired.process.peak()?;
    let report = &mut run.report;
    report.fact("memory of a new one", sandboxes, OURS, mebibytes(fresh), "MiB");
    report.fact("peak of its start", sandboxes, OURS, mebibytes(first), "MiB");
    report.fact("memory after a relist", sandboxes, OURS, mebibytes(wired.process.resident()?), "MiB");
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    report.fact("peak of a relist", sandboxes, OURS, peak as f64 / fresh as f64, "× before");
    drop(wired.driver);
    Ok(())
}

/// What a create and a delete send and receive, TLS, headers and the watch's line with it.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) async fn bytes(run: &mut Run) -> Outcome<()> {
    let wired = Wired::start(run, "counted").await?;
    let gateway = Gateway::connect(&wired.driver.socket).await?;
    let numbers = run.take_numbers(COUNTED);
    for what in ["create", "delete"] {
        let before = [Way::Requests, Way::Answers].map(|way| wired.relay.carried(way));
        for number in numbers.clone() {
            match what {
                "create" => Subject::create(&gateway, number).await?,
                _ => Subject::delete(&gateway, number).await?,
            }
        }
        wired.quiet().await?;
        let now = [Way::Requests, Way::Answers].map(|way| wired.relay.carried(way));
        let [sent, received] = [now[0] - before[0], now[1] - before[1]].map(|bytes| bytes as f64 / COUNTED as f64);
        let names = if what == "create" {
            ("bytes sent a create", "bytes received a create")
        } else {
            ("bytes sent a delete", "bytes received a delete")
        };
        run.report.fact(names.0, 0, OURS, sent, "bytes");
        run.report.fact(names.1, 0, OURS, received, "bytes");
    }
    run.until_listed(0).await
}
