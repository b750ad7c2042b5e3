//! The world: drivers, gateways, a cluster, what is between them, and one clock that goes from one thing that is due to the next.

mod calls;
mod channels;
pub mod happening;
mod inspection;
mod judgement;
mod others;
mod processes;
mod server;
mod setup;
mod surroundings;
mod telling;
mod users;
mod wire;
mod words;

use std::collections::BTreeMap;

use crate::driver::core::io::WatchId;
use kubesim::{Backup, Cluster, ControllerRelease};

use self::calls::Line;
use self::channels::Channel;
use self::happening::{Happening, Life};
use self::processes::Seat;
use crate::books::Books;
use crate::gateway::Gateway;
use crate::gateway::ask::Ticket;
use crate::random::Random;
use crate::recordings::Recorded;
use crate::rules::{Rule, Violation};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::summary::Summary;
use crate::trace::{Telling, Trace};
use crate::truth::Truth;

/// The cluster's clock when the world begins: 2026-08-21T10:00:00Z.
const EPOCH_MS: u64 = 1_787_306_400_000;
/// Between the end of all faults and the inspection: a search for what a failed create left behind (300 s), a row's age before a sweep misses it
/// (300 s), the longest pause of an informer, silence of a watch, and a few sweeps.
const QUIET_MS: u64 = 900_000;
/// How long the inspection's questions may take.
const INSPECTION_MS: u64 = 30_000;
/// The most things that may happen in a world: more means that something runs hot.
const STEPS_MAX: u64 = 2_000_000;

/// Weather as it is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    /// Things go wrong.
    Storm,
    /// No more.
    Calm,
}

/// Streams of chance, each for its own matter.
#[derive(Debug)]
struct Chances {
    wire: Random,
    watches: Random,
    users: Random,
    others: Random,
    processes: Random,
    ties: Random,
}

/// A world.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    now_ms: u64,
    weather: Now,
    calm_since: Option<u64>,
    steps: u64,
    schedule: Schedule<Happening>,
    chances: Chances,
    cluster: Cluster,
    server_up: bool,
    backup: Option<Backup>,
    truth: Truth,
    seats: Vec<Seat>,
    gateways: Vec<Gateway>,
    /// The driver of each gateway's watching replica.
    leases: Vec<usize>,
    lines: BTreeMap<Ticket, Line>,
    channels: BTreeMap<(Life, WatchId), Channel>,
    /// Ids of sandboxes given out so far.
    sandboxes: u64,
    squatters: u64,
    /// Sandboxes still to be created that somebody will delete at once.
    to_reap: u64,
    definition_missing: bool,
    release: ControllerRelease,
    probes: inspection::Probes,
    books: Books,
    trace: Trace,
    violation: Option<Violation>,
    summary: Summary,
    ended: bool,
    recordings: Vec<Recorded>,
}

/// What came of a world.
#[derive(Debug)]
pub struct Played {
    /// What happened in it, counted.
    pub summary: Summary,
    /// The first rule that was broken.
    pub violation: Option<Violation>,
    /// The account, where one was wanted.
    pub lines: Vec<String>,
    /// What the flight recorders of its processes have.
    pub recordings: Vec<Recorded>,
}

impl World {
    /// Lets everything happen, until the end or the first broken rule.
    #[must_use]
    pub fn play(mut self) -> Played {
        while self.violation.is_none() && !self.ended {
            self.step();
        }
        self.save_recordings();
        self.summary.steps = self.steps;
        self.summary.simulated_ms = self.now_ms;
        Played { summary: self.summary, violation: self.violation, lines: self.trace.into_lines(), recordings: self.recordings }
    }

    fn step(&mut self) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return self.broken(Rule::Rate, || format!("{STEPS_MAX} things have happened"));
        }
        let cluster_at = self.cluster.next_event_at().map(|at| at.saturating_sub(EPOCH_MS));
        match (self.schedule.next_at(), cluster_at) {
            (Some(ours), Some(theirs)) if theirs < ours => self.let_cluster(theirs),
            (Some(_), _) => {
                if let Some((at, happening)) = self.schedule.take() {
                    self.now_ms = self.now_ms.max(at);
                    self.happen(happening);
                }
            }
            (None, Some(theirs)) => self.let_cluster(theirs),
            (None, None) => self.ended = true,
        }
    }

    fn let_cluster(&mut self, at_ms: u64) {
        self.now_ms = self.now_ms.max(at_ms);
        self.cluster.advance(EPOCH_MS + self.now_ms);
        self.cluster_moved();
    }

    /// What was written is seen by the observer and by watches.
    fn cluster_moved(&mut self) {
        self.truth.look(&mut self.cluster, self.now_ms);
        for news in self.truth.take_news() {
            self.supervisor_news(news);
        }
        self.pump_channels();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::StartDriver(driver) => self.start_driver(driver),
            Happening::Bind(life) => self.bind(life),
            Happening::Wake(life, wish) => self.wake(life, wish),
            Happening::Leave(life) => self.leave(life),
            Happening::Reach(life, exchange, errand) => self.reach(life, exchange, &errand),
            Happening::Land(life, exchange, result) => self.land(life, exchange, *result),
            Happening::OpenWatch(life, watch, request) => self.open_watch(life, watch, &request),
            Happening::WatchItem(life, watch) => self.watch_item(life, watch),
            Happening::Arrive(ticket) => self.arrive(ticket),
            Happening::HangUp(ticket) => self.hang_up(ticket),
            Happening::Overdue(ticket) => self.overdue(ticket),
            Happening::Answer(ticket, heard) => self.answer(ticket, *heard),
            Happening::Read(ticket) => self.read(ticket),
            Happening::Credit(life, call, events) => self.credit(life, call, events),
            Happening::Alarm(gateway, timer) => {
                self.gateways[gateway].timer(self.now_ms, timer);
                self.follow(gateway);
            }
            Happening::StartGateway(gateway) => self.start_gateway(gateway),
            Happening::KillGateway(gateway) => self.kill_gateway(gateway),
            Happening::MoveLease(gateway) => self.move_lease(gateway),
            Happening::Supervisor { pod, sandbox } => self.supervisor(&pod, &sandbox),
            Happening::Wish => self.wish(),
            Happening::Follow(gateway, wish) => self.wish_of(gateway, *wish),
            Happening::StopDriver => self.stop_some_driver(),
            Happening::JumpClock => self.jump_clock(),
            Happening::Survey => self.survey(),
            Happening::Server(act) => self.server(act),
            Happening::Other(kind) => self.other(kind),
            Happening::Reap(place) => {
                self.delete_sandbox(Some(place));
                self.cluster_moved();
            }
            Happening::Undo(undo) => self.undo(*undo),
            Happening::Calm => self.calm(),
            Happening::Inspect => self.inspect(),
            Happening::End => self.conclude(),
        }
    }

    /// Adds something that is due after `wait_ms`.
    fn after(&mut self, wait_ms: u64, what: Happening) {
        let tie = self.chances.ties.any();
        self.schedule.add(self.now_ms.saturating_add(wait_ms), tie, what);
    }

    /// A rule is broken; only the first counts.
    fn broken(&mut self, rule: Rule, detail: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let violation = Violation { rule, at_ms: self.now_ms, detail: detail() };
            self.trace.say(self.now_ms, || format!("BROKEN: {violation}"));
            self.violation = Some(violation);
        }
    }

    fn storms(&self) -> bool {
        self.weather == Now::Storm
    }
}

/// Plays a scenario.
#[must_use]
pub fn play(scenario: Scenario, telling: Telling, hashing: crate::summary::Hashing) -> Played {
    World::new(scenario, telling, hashing).play()
}
