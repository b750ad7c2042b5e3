//! What is measured, a scene each.

mod calls;
mod idle;
mod lag;
mod lives;
mod memory;
mod reads;
mod turns;

use std::path::PathBuf;
use std::time::Duration;

use kubesim::Power;
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message as _;
use rig::Outcome;
use rig::driver::{Driver, Launch};
use tokio::time::{Instant, sleep};

use crate::budget::{self, RESIDENT};
use crate::bytes::{Requests, flags};
use crate::echo::Echo;
use crate::flags::Flags;
use crate::process::Process;
use crate::report::Report;
use crate::server::{Client, NAMESPACE, Server, socket};
use crate::subject::Subject;

/// Longest wait for a driver to have seen everything.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// How long a process is left alone before it is weighed.
const CALM: Duration = Duration::from_secs(1);
/// Processor time in that while that a process at rest may use.
const AT_REST: Duration = Duration::from_millis(5);
/// What tables call the bare client and the echo server.
const FLOOR: &str = "floor";
/// What they call our driver.
const OURS: &str = "driver";

/// Everything that takes part.
struct Run {
    flags: Flags,
    server: Server,
    requests: Requests,
    floor: Client,
    admin: Client,
    echo: Echo,
    /// Ours first.
    drivers: Vec<Subject>,
    report: Report,
    /// Numbers of sandboxes that come and go; those that stay are below.
    numbers: usize,
}

impl Run {
    /// So many numbers that nobody has had.
    fn take_numbers(&mut self, count: usize) -> std::ops::Range<usize> {
        let from = self.numbers;
        self.numbers += count;
        from..self.numbers
    }

    /// How to start our driver.
    fn launch(&self, name: &str) -> Launch {
        launch(&self.server, &self.flags.driver, name)
    }

    /// What a process weighs, noted.
    fn weigh(&mut self, sandboxes: usize) -> Outcome<()> {
        for driver in &self.drivers {
            self.report.fact(RESIDENT, sandboxes, &driver.name, mebibytes(driver.process.resident()?), "MiB");
        }
        Ok(())
    }

    /// Waits until every driver lists so many.
    async fn until_listed(&self, sandboxes: usize) -> Outcome<()> {
        let began = Instant::now();
        for driver in &self.drivers {
            loop {
                let listed = pb::ListSandboxesResponse::decode(Subject::list(&driver.gateway).await?)?.sandboxes.len();
                if listed == sandboxes {
                    break;
                }
                if began.elapsed() > PATIENCE {
                    return Err(format!("{} lists {listed} sandboxes, not {sandboxes}", driver.name).into());
                }
                sleep(LOOK).await;
            }
        }
        self.until_calm().await
    }

    /// Waits until no driver has anything left to do: lines of watches that are still to be read would count as what is measured next.
    async fn until_calm(&self) -> Outcome<()> {
        let began = Instant::now();
        for driver in &self.drivers {
            loop {
                let before = driver.process.used()?;
                sleep(CALM).await;
                if driver.process.used()?.since(before).processor < AT_REST {
                    break;
                }
                if began.elapsed() > PATIENCE {
                    return Err(format!("{} never comes to rest", driver.name).into());
                }
            }
        }
        Ok(())
    }
}

fn launch(server: &Server, binary: &std::path::Path, name: &str) -> Launch {
    let mut launch = Launch::new(binary, server.address, &server.credentials, &socket(server.scratch.path(), name));
    launch.flags = flags(NAMESPACE);
    launch
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Measures everything that is asked.
///
/// # Errors
/// When something does not work; nothing is left out then.
pub async fn run(flags: Flags) -> Outcome<Report> {
    let server = Server::start(flags.api)?;
    let (floor, admin) = (server.floor().await?, server.admin().await?);
    let mut report = Report { conditions: conditions(&flags, &server), ..Report::default() };
    let requests = Requests::plan(NAMESPACE)?;

    say("starts with no sandbox");
    memory::starts(&flags, &server, 0, &mut report).await?;
    let mut ours = Driver::ready(&launch(&server, &flags.driver, "driver")).await?;
    let mut drivers = vec![Subject::connect(OURS, &ours.socket, Process(ours.pid().ok_or("the driver has ended")?)).await?];
    for (at, peer) in flags.peers.iter().enumerate() {
        drivers.push(Subject::connect(&format!("peer {}", at + 1), &peer.socket, Process(peer.pid)).await?);
    }
    let echo = Echo::start(server.scratch.path().join("echo.sock")).await?;
    let mut run = Run { flags, server, requests, floor, admin, echo, drivers, report, numbers: 200_000 };
    sleep(CALM).await;
    run.weigh(0)?;

    say("stops and starts");
    lives::play(&mut run).await?;
    run.server.let_controllers(Power::Stopped).await?;
    say("creates and deletes");
    calls::play(&mut run).await?;
    say("bytes");
    memory::bytes(&mut run).await?;

    let mut there = 0;
    for sandboxes in run.flags.sizes.clone() {
        say(&format!("{sandboxes} sandboxes are made"));
        run.server.fill(there..sandboxes).await?;
        there = sandboxes;
        run.until_listed(there).await?;
        run.weigh(there)?;
        say("reads");
        reads::play(&mut run, there).await?;
        say("everything is listed again");
        memory::relist(&mut run, there).await?;
    }
    say("events");
    lag::play(&mut run, there).await?;
    say("starts with many sandboxes");
    memory::starts(&run.flags, &run.server, there, &mut run.report).await?;
    run.until_calm().await?;
    say("nothing happens");
    idle::play(&mut run, there).await?;
    ours.signal("TERM").await?;
    ours.ended().await?;

    let mut report = run.report;
    report.budgets = budget::judge(&report);
    Ok(report)
}

fn conditions(flags: &Flags, server: &Server) -> Vec<String> {
    let binary: PathBuf = flags.driver.clone();
    let size = std::fs::metadata(&binary).map(|file| file.len()).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        format!("API server: {}; {processors} processors for everything together", server.described()),
        format!("driver: {}, {size} bytes", binary.display()),
        "the many sandboxes are objects with status and pod, written without a controller; creates and deletes are measured while none works".into(),
    ]
}

#[expect(clippy::print_stderr, reason = "what is being done, for who waits")]
fn say(what: &str) {
    eprintln!("bench: {what}");
}
