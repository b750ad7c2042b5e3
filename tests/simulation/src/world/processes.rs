//! Processes of drivers: they start, are told things, do what the core says, and die anywhere in between.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::driver::config::Config;
use crate::driver::core::Driver;
use crate::driver::core::io::{Aborted, CallId, ExchangeId, Fault, Input, Output, Outputs, Response};
use crate::driver::core::note::Note;
use crate::driver::core::time::{Mono, Now as CoreNow, Wall};
use bytes::Bytes;
use serde_json::json;

use super::happening::{Happening, Life};
use super::{EPOCH_MS, World};
use crate::books::Excuse;
use crate::gateway::ask::Ticket;
use crate::home::{CHOSEN, Home, Route};
use crate::random::Random;
use crate::recordings::Tape;
use crate::rules::Rule;
use crate::scenario::{DriverPlan, gateway_id};
use crate::shown::{Kind, Shown};

/// When the socket is opened without a first sync.
const BIND_MS: u64 = 5_000;
/// How long a driver may not have noticed what has come: its watch is silent, and then it lists.
const UNSEEN_MS: u64 = 150_000;
/// The longest that a driver lets itself be told to wait.
const RETRY_AFTER_MS: u64 = 60_000;
/// How long a server that has just come up may refuse everybody.
const COMING_UP_MS: u64 = 10_000;
/// How long a stop may take before the process leaves what is in flight.
const STOP_MS: u64 = 8_000;

/// A place for a driver's process.
#[derive(Debug)]
pub struct Seat {
    /// What it is.
    pub plan: DriverPlan,
    seeds: Random,
    lives: u32,
    wall_offset_ms: i64,
    /// Until when the token it shows is not valid.
    pub locked_out_until_ms: u64,
    /// The process, while there is one.
    pub process: Option<Process>,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    driver: Driver,
    tape: Option<Tape>,
    number: u32,
    born_ms: u64,
    /// Whether gateways can connect.
    pub door: Door,
    wake: Option<u64>,
    /// Exchanges that are not answered.
    pub exchanges: BTreeMap<ExchangeId, Sent>,
    /// What the API server has shown it.
    pub shown: Shown,
    /// Requests that the API server wants later, and when: what is told apart by path and body.
    pub deferred: BTreeMap<(String, Bytes), u64>,
    /// How it fares with what it cannot do without: the list of Sandboxes, and its namespace.
    pub needs: BTreeMap<Need, Refusals>,
    /// When it first told of each sandbox.
    pub announced: BTreeMap<String, u64>,
    /// Calls that are not answered.
    pub calls: BTreeMap<CallId, Ticket>,
    next_call: u64,
    /// When a create of each sandbox came.
    pub creates: BTreeMap<String, u64>,
    /// Sandboxes whose create this process has told the gateway it failed, and when.
    pub refused_creates: BTreeMap<String, u64>,
    /// Sandboxes this process was asked to delete.
    pub asked_deletes: BTreeSet<String>,
    /// Sandboxes this process has created and said so.
    pub created: BTreeSet<String>,
}

/// A request that is not answered.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When its time is up.
    pub deadline_ms: u64,
    /// What it asks for.
    pub path: String,
    /// What is sent with it.
    pub body: Bytes,
}

/// What a driver cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The list of Sandboxes.
    Sandboxes,
    /// The namespace they live in.
    Namespace,
}

impl Need {
    fn of(path: &str) -> Option<Self> {
        let is_list = Kind::of(path) == Some(Kind::Sandboxes) && path.contains("limit=") && !path.contains("sandbox-id%3D");
        let is_namespace = path.strip_prefix("/api/v1/namespaces/").is_some_and(|name| !name.contains('/'));
        is_list.then_some(Self::Sandboxes).or_else(|| is_namespace.then_some(Self::Namespace))
    }
}

/// How it fares with one of those.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Since when it is refused the right to it, without another answer between.
    since: Option<u64>,
    trouble: Trouble,
}

/// Whether something has failed before for want of something else than a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Trouble {
    #[default]
    None,
    Met,
}

impl Refusals {
    fn answered(&mut self, now_ms: u64, result: &Result<Response, Fault>) {
        match result {
            Ok(response) if response.status == 403 => drop(self.since.get_or_insert(now_ms)),
            Ok(response) if response.status == 200 => self.since = None,
            _ => (self.since, self.trouble) = (None, Trouble::Met),
        }
    }

    /// Whether waiting will not change it, for all anybody can know.
    fn are_final(&self, now_ms: u64) -> bool {
        self.since.is_some_and(|since| self.trouble == Trouble::None || since + COMING_UP_MS <= now_ms)
    }
}

/// Whether gateways can connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Not yet.
    Unbound,
    /// They can.
    Open,
    /// The process was told to stop.
    Stopping,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Killed in the middle of something.
    Crash,
    /// By itself: the cluster is not fit.
    Unfit,
    /// It was told to stop, and had nothing in flight any more.
    Drained,
    /// It was told to stop, and left what was in flight.
    Left,
}

impl Seat {
    /// An empty seat.
    #[must_use]
    pub fn new(plan: DriverPlan, seed: u64) -> Self {
        Self { plan, seeds: Random::new(seed), lives: 0, wall_offset_ms: 0, locked_out_until_ms: 0, process: None }
    }

    /// The process of this life, if it lives.
    pub fn living(&mut self, life: Life) -> Option<&mut Process> {
        self.process.as_mut().filter(|process| process.number == life.number)
    }

    #[expect(clippy::expect_used, reason = "a configuration of ours, which every world reads")]
    fn config(&self) -> Config {
        let mut config = json!({
            "namespace": self.plan.namespace,
            "gateway_id": gateway_id(self.plan.gateway),
            "gateway_endpoint": "http://gateway.example:8080",
            "stop_timeout_secs": 30,
            "pod": {
                "image": "registry.example/sandbox:1",
                "service_account": "openshell-sandbox",
                "token_ttl_secs": 3_600,
                "supervisor": {
                    "image": "registry.example/supervisor:1",
                    "binary_path": "/openshell-sandbox",
                    "mount_path": "/opt/openshell/bin",
                    "sideload": self.plan.sideload,
                },
                "workspace": { "size": "2Gi" },
                "default_resources": {
                    "cpu": "2", "cpu_request": "250m", "memory": "4Gi", "memory_request": "512Mi",
                    "ephemeral_storage": "8Gi", "ephemeral_storage_request": "1Gi",
                },
            },
        });
        match self.plan.home {
            Home::Shared => {}
            Home::Managed => config["workspaces"] = json!("managed"),
            Home::Operator => config["workspaces"] = json!({ "operator": { "labelled": format!("{}={}", CHOSEN.0, CHOSEN.1) } }),
        }
        if let Some(route) = self.plan.route {
            config["exposure"] = json!({
                "gateway": "kyma-system/kyma-gateway",
                "domain": "c-1a2b3c4.kyma.example.com",
                "port": 8080,
                "route": match route {
                    Route::ApiRule => json!({ "api_rule": { "ext_auth": { "authorizers": ["oauth2-proxy"] } } }),
                    Route::VirtualService => json!("virtual_service"),
                },
            });
        }
        serde_json::from_value(config).expect("the simulation's own configuration")
    }
}

impl Process {
    /// It is shown an answer. Gives the sandboxes that this says something of.
    pub fn show(&mut self, now_ms: u64, sent: &Sent, result: &Result<Response, Fault>) -> Vec<String> {
        if let Ok(Response { status: 429, retry_after: Some(wait), .. }) = result {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or_default().min(RETRY_AFTER_MS);
            self.deferred.insert((sent.path.clone(), sent.body.clone()), now_ms + wait_ms);
        }
        if let Some(need) = Need::of(&sent.path) {
            self.needs.entry(need).or_default().answered(now_ms, result);
        }
        match result {
            Ok(response) if (200..300).contains(&response.status) => self.shown.answer(now_ms, &sent.path, &response.body.0),
            Ok(response) if response.status == 404 => {
                let status: serde_json::Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                if status["reason"] == "NotFound" {
                    self.shown.absent(&sent.path);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// When it began.
    #[must_use]
    pub const fn born_ms(&self) -> u64 {
        self.born_ms
    }

    /// A time of its clock as the world has it.
    #[must_use]
    pub const fn at(&self, at: Mono) -> u64 {
        self.born_ms.saturating_add(at.0)
    }
}

impl World {
    pub(super) fn start_driver(&mut self, driver: usize) {
        let (now_ms, seat) = (self.now_ms, &mut self.seats[driver]);
        if seat.process.is_some() {
            return;
        }
        seat.lives += 1;
        let mut seed = [0; 32];
        for chunk in seed.chunks_exact_mut(8) {
            chunk.copy_from_slice(&seat.seeds.any().to_le_bytes());
        }
        let config = seat.config();
        let process = Process {
            tape: Tape::of(self.scenario.processes.recording, &config),
            driver: Driver::new(config, seed),
            number: seat.lives,
            born_ms: now_ms,
            door: Door::Unbound,
            wake: None,
            exchanges: BTreeMap::new(),
            shown: Shown::new(gateway_id(seat.plan.gateway)),
            deferred: BTreeMap::new(),
            needs: BTreeMap::new(),
            announced: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            creates: BTreeMap::new(),
            refused_creates: BTreeMap::new(),
            asked_deletes: BTreeSet::new(),
            created: BTreeSet::new(),
        };
        let life = Life { driver, number: seat.lives };
        seat.process = Some(process);
        self.trace.say(now_ms, || format!("{life} starts"));
        self.after(BIND_MS, Happening::Bind(life));
        self.feed(life, Input::Wake);
    }

    pub(super) fn bind(&mut self, life: Life) {
        if let Some(process) = self.seats[life.driver].living(life)
            && process.door == Door::Unbound
        {
            process.door = Door::Open;
            self.trace.say(self.now_ms, || format!("{life} opens its socket"));
        }
    }

    pub(super) fn wake(&mut self, life: Life, wish: u64) {
        if let Some(process) = self.seats[life.driver].living(life)
            && process.wake == Some(wish)
        {
            process.wake = None;
            self.feed(life, Input::Wake);
        }
    }

    /// The next call's id in a process.
    pub(super) fn next_call(&mut self, life: Life) -> Option<CallId> {
        let process = self.seats[life.driver].living(life)?;
        process.next_call += 1;
        Some(CallId(process.next_call))
    }

    /// Tells a process something, and carries out what follows, to the end or to its death.
    pub(super) fn feed(&mut self, life: Life, input: Input) {
        let (now_ms, seat) = (self.now_ms, &mut self.seats[life.driver]);
        let wall = i64::try_from(EPOCH_MS + now_ms).unwrap_or_default() + seat.wall_offset_ms;
        let Some(process) = seat.living(life) else { return };
        let now = CoreNow { mono: Mono(now_ms - process.born_ms), wall: Wall(wall) };
        let mut out = Outputs::new();
        if let Some(tape) = &mut process.tape {
            tape.input(&process.driver, now, &input);
        }
        process.driver.handle(now, input, &mut out);
        if let Some(tape) = &mut process.tape {
            tape.outputs(&out);
        }
        let odds = self.scenario.processes.crash;
        let dies = (self.weather == super::Now::Storm && self.chances.processes.happens(odds)).then(|| {
            let last = out.iter().filter(|output| !matches!(output, Output::Note(_))).count() as u64;
            self.chances.processes.below(last + 1)
        });
        let mut done = 0;
        let is_first = life == Life { driver: 0, number: 1 };
        for output in out {
            // The inspection looks at what has become of it, and is not part of it.
            if is_first && !matches!(output, Output::Note(_)) && !self.probes.have_begun() {
                if self.scenario.processes.crash_after == Some(self.summary.first_life) {
                    return self.end_process(life, End::Crash);
                }
                self.summary.first_life += 1;
            }
            if dies == Some(done) && !matches!(output, Output::Note(_)) {
                return self.end_process(life, End::Crash);
            }
            done += u64::from(!matches!(output, Output::Note(_)));
            self.summary.output(&output);
            self.carry_out(life, output);
            if self.seats[life.driver].living(life).is_none() || self.violation.is_some() {
                return;
            }
        }
        if dies.is_some() {
            self.end_process(life, End::Crash);
        }
    }

    fn carry_out(&mut self, life: Life, output: Output) {
        match output {
            Output::Exchange { exchange, request, deadline, .. } => self.send(life, exchange, request, deadline),
            Output::Watch { watch, request } => self.send_watch(life, watch, request),
            Output::Abort(Aborted::Exchange(exchange)) => {
                if let Some(process) = self.seats[life.driver].living(life) {
                    process.exchanges.remove(&exchange);
                }
            }
            Output::Abort(Aborted::Watch(watch)) => self.abort_watch(life, watch),
            Output::Reply { call, reply } => self.reply(life, call, reply),
            Output::Event { call, event } => self.push_event(life, call, event),
            Output::WakeAt(at) => {
                if let Some(process) = self.seats[life.driver].living(life) {
                    let wish = process.at(at);
                    process.wake = Some(wish);
                    let late = if self.storms() { self.chances.processes.below(20) } else { 0 };
                    let wait = wish.saturating_sub(self.now_ms) + late;
                    self.after(wait, Happening::Wake(life, wish));
                }
            }
            Output::Note(note) => self.note(life, note),
            Output::Drained => self.end_process(life, End::Drained),
            Output::Exit { text, .. } => {
                self.trace.say(self.now_ms, || format!("{life} gives up: {text}"));
                if let Some(process) = &self.seats[life.driver].process
                    && !process.needs.values().any(|refusals| refusals.are_final(self.now_ms))
                {
                    let needs = format!("{:?}", process.needs);
                    return self.broken(Rule::GivesUp, || format!("{life}: {needs}: {text}"));
                }
                self.end_process(life, End::Unfit);
            }
        }
    }

    fn note(&mut self, life: Life, note: Note) {
        if let Note::Met { machine: Cow::Borrowed(machine), state: Cow::Borrowed(state), met: Cow::Borrowed(met) } = note {
            *self.summary.met.entry([machine, state, met]).or_default() += 1;
            return;
        }
        self.trace.say(self.now_ms, || format!("{life} notes: {note}"));
        // What the log prints of it is its text and some of its parts.
        if self.books.leaks(&note.to_string()) || self.books.leaks(&serde_json::to_string(&note).unwrap_or_default()) {
            return self.broken(Rule::Secrets, || format!("{life} notes: {note}"));
        }
        match note {
            Note::Synced { .. } => self.bind(life),
            Note::Surveyed(survey) => self.judge_survey(life, &survey),
            Note::Stray { object, .. } => {
                let (namespace, name) = object.as_str().split_once('/').unwrap_or_default();
                self.books.stray(namespace.to_owned(), name.to_owned());
            }
            Note::Unclaimed { sandbox, .. } => {
                let sandbox = (self.seats[life.driver].plan.gateway, sandbox.as_str().to_owned());
                if self.gateways[sandbox.0].rows().contains_key(&sandbox.1) {
                    return self.broken(Rule::NoFalseStray, || format!("{life} reports {}, which has a row", sandbox.1));
                }
                self.books.unclaimed(sandbox);
            }
            _ => {}
        }
    }

    pub(super) fn leave(&mut self, life: Life) {
        let Some(process) = self.seats[life.driver].living(life) else { return };
        if process.exchanges.is_empty() && process.wake.is_none() {
            return self.broken(Rule::StopEnds, || format!("{life} was told to stop {STOP_MS} ms ago and waits for nothing"));
        }
        self.end_process(life, End::Left);
    }

    pub(super) fn stop_some_driver(&mut self) {
        let driver = usize::try_from(self.chances.processes.below(self.seats.len() as u64)).unwrap_or_default();
        let Some(process) = &mut self.seats[driver].process else { return };
        if process.door == Door::Stopping {
            return;
        }
        let life = Life { driver, number: process.number };
        process.door = Door::Stopping;
        self.summary.fault("driver told to stop");
        self.trace.say(self.now_ms, || format!("{life} is told to stop"));
        self.after(STOP_MS, Happening::Leave(life));
        self.feed(life, Input::Stop);
    }

    /// A process is gone: calls break, requests that are on their way still arrive.
    pub(super) fn end_process(&mut self, life: Life, end: End) {
        let Some(process) = self.seats[life.driver].process.take() else { return };
        self.save(life, &process, &format!("the process ended: {end:?}"));
        self.trace.say(self.now_ms, || format!("{life} is gone ({end:?})"));
        self.summary.fault(match end {
            End::Crash => "driver killed",
            End::Unfit => "driver gave up",
            End::Drained => "driver drained",
            End::Left => "driver left calls behind",
        });
        let gateway = self.seats[life.driver].plan.gateway;
        let died_ms = self.now_ms;
        for (id, _) in process.refused_creates.iter().filter(|(_, at)| died_ms - **at <= 330_000) {
            let sandbox = (gateway, id.clone());
            // One that drains has ended its searches; but a request that the wire doubled may have made what it has not seen yet.
            let unseen = self.truth.living(&sandbox).since().is_some_and(|since| since + UNSEEN_MS >= died_ms);
            if end != End::Drained || unseen {
                self.books.excuse(Excuse::LeftBehind, sandbox, "the driver died while it searched for what a failed create left behind");
            }
        }
        for id in process.asked_deletes {
            // It knew that what comes late must go; nobody else does.
            let sandbox = (gateway, id);
            let since = self.truth.living(&sandbox).since().unwrap_or(self.now_ms);
            if since + UNSEEN_MS >= self.now_ms {
                self.books.excuse(Excuse::LeftBehind, sandbox.clone(), "the driver that was asked to delete it has ended");
                self.books.excuse(Excuse::Misjudged, sandbox, "the driver that was asked to delete it has ended");
            }
        }
        for ticket in process.calls.into_values() {
            self.break_call(ticket);
        }
        self.drop_channels(life);
        let away = if self.storms() { self.chances.processes.between(50, self.scenario.processes.away_ms) } else { 500 };
        let away = if end == End::Unfit { away.max(2_000) } else { away };
        self.after(away, Happening::StartDriver(life.driver));
    }

    /// Keeps what the recorder of a process has; nothing of it may be secret.
    fn save(&mut self, life: Life, process: &Process, reason: &str) {
        let Some(recorded) = process.tape.as_ref().map(|tape| tape.file(life, reason)) else { return };
        if self.books.leaks(&recorded.file) {
            self.broken(Rule::Secrets, || format!("the recording of {life} has one"));
        }
        self.recordings.push(recorded);
    }

    /// Keeps what the recorders of those have that still live.
    pub(super) fn save_recordings(&mut self) {
        for driver in 0..self.seats.len() {
            if let Some(process) = self.seats[driver].process.take() {
                self.save(Life { driver, number: process.number }, &process, "the world ended");
                self.seats[driver].process = Some(process);
            }
        }
    }

    pub(super) fn jump_clock(&mut self) {
        let driver = usize::try_from(self.chances.processes.below(self.seats.len() as u64)).unwrap_or_default();
        let jump = *self.chances.processes.pick(&[-86_400_000, -3_600_000, -1_000, 1_000, 3_600_000, 31_536_000_000]);
        self.seats[driver].wall_offset_ms += jump;
        self.summary.fault("wall clock jumped");
        self.trace.say(self.now_ms, || format!("the wall clock of driver {driver} jumps by {jump} ms"));
    }
}
