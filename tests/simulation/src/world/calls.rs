//! Between a gateway and its driver: calls, replies, streams and their credit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::driver::contract::messages::compute as pb;
use crate::driver::core::grpc_status::Status;
use crate::driver::core::io::{CallId, Input, Reply};

use super::World;
use super::happening::{Happening, Life};
use super::processes::Door;
use super::words::{broken_connection, event_text, heard, request, tail, told};
use crate::books::{Excuse, bound_ms};
use crate::gateway::ask::{Ask, Code, Heard, Ticket};
use crate::gateway::{Act, Channel};
use crate::rules::Rule;

/// The longest a message on the socket takes.
const SOCKET_MS: u64 = 3;
/// How much later than its bound a reply may come: timers fire a little late.
const SLACK_MS: u64 = 1_000;

/// A call under way.
#[derive(Debug)]
pub struct Line {
    /// Whose call it is; `None` for the inspection's own.
    pub gateway: Option<usize>,
    /// The process it goes to.
    pub life: Life,
    /// What is asked.
    pub ask: Ask,
    stage: Stage,
    /// When it reached the driver.
    pub began_ms: u64,
    /// Of a stream.
    pub stream: Stream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    OnTheWay,
    Arrived(CallId),
    /// Answered, but not all of it has been read.
    Ended,
}

/// A stream's reader.
#[derive(Debug, Default)]
pub struct Stream {
    unread: VecDeque<Unread>,
    reading: Reading,
    read: u32,
    /// Events it can take.
    pub credit: u32,
    /// What it was told last of each sandbox.
    pub told: BTreeMap<String, pb::DriverSandbox>,
    /// What it was told to be gone.
    pub gone: BTreeSet<String>,
    /// When it was last told each thing that the driver itself says happened to a sandbox.
    pub happened: BTreeMap<(String, String, String), u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reading {
    #[default]
    Idle,
    Busy,
}

#[derive(Debug)]
enum Unread {
    Event(Box<pb::WatchSandboxesEvent>),
    End(Heard),
}

impl Line {
    /// Whether the driver has it and has not answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Arrived(_))
    }

    /// Whether it is a stream whose reader waits for more: whatever there was to tell has been told.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.ask == Ask::Watch && self.is_open() && self.stream.credit > 0
    }
}

impl World {
    /// Does what a gateway has done.
    pub(super) fn follow(&mut self, gateway: usize) {
        for act in self.gateways[gateway].take_acts() {
            match act {
                Act::Ask { ticket, ask, channel } => self.ask(gateway, ticket, ask, channel),
                Act::Cancel(ticket) => {
                    let gives_up = |line: &Line| matches!(line.ask, Ask::Create(_) | Ask::Validate(_));
                    if self.gateways[gateway].is_up() && self.lines.get(&ticket).is_some_and(gives_up) {
                        self.summary.fault("user gave up");
                    }
                    self.trace.say(self.now_ms, || format!("gateway {gateway} hangs up on {}", ticket.0));
                    let wait = self.chances.ties.below(SOCKET_MS);
                    self.after(wait, Happening::HangUp(ticket));
                }
                Act::Later { wait_ms, timer } => self.after(wait_ms, Happening::Alarm(gateway, timer)),
                Act::Exit => self.after(2_000, Happening::StartGateway(gateway)),
                Act::Removed { id, why } => {
                    self.trace.say(self.now_ms, || format!("gateway {gateway} removes the row of {}: {why:?}", tail(&id)));
                    self.books.row_removed(self.now_ms, (gateway, id), why);
                }
                Act::Told(about, code) => {
                    self.trace.say(self.now_ms, || format!("gateway {gateway} tells its user: {about} {code:?}"));
                }
            }
        }
    }

    fn ask(&mut self, gateway: usize, ticket: Ticket, ask: Ask, channel: Channel) {
        self.summary.calls += 1;
        let driver = match channel {
            Channel::Watcher => self.leases[gateway],
            Channel::User => {
                let ours: Vec<usize> = (0..self.seats.len()).filter(|driver| self.seats[*driver].plan.gateway == gateway).collect();
                *self.chances.users.pick(&ours)
            }
        };
        self.call(Some(gateway), driver, ticket, ask);
    }

    /// A call to a driver; where nobody listens it fails at once.
    pub(super) fn call(&mut self, gateway: Option<usize>, driver: usize, ticket: Ticket, ask: Ask) {
        let wait = self.chances.ties.below(SOCKET_MS);
        let seat = &self.seats[driver];
        let listening = seat.process.as_ref().is_some_and(|process| process.door != Door::Unbound);
        if !listening {
            self.trace.say(self.now_ms, || format!("gateway {gateway:?} asks driver {driver} {}: nobody listens", ask.name()));
            self.after(wait, Happening::Answer(ticket, Box::new(Err(broken_connection(Code::Unavailable)))));
            if let Some(gateway) = gateway {
                self.lines.insert(ticket, Line::new(Some(gateway), Life { driver, number: 0 }, ask, Stage::Ended));
            }
            return;
        }
        let life = Life { driver, number: seat.process.as_ref().map_or(0, super::processes::Process::number) };
        self.lines.insert(ticket, Line::new(gateway, life, ask, Stage::OnTheWay));
        self.after(wait, Happening::Arrive(ticket));
    }

    pub(super) fn arrive(&mut self, ticket: Ticket) {
        let Some(line) = self.lines.get(&ticket) else { return };
        let life = line.life;
        let Some(call) = self.next_call(life) else { return self.break_call(ticket) };
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        line.stage = Stage::Arrived(call);
        line.began_ms = self.now_ms;
        let ask = line.ask.clone();
        self.trace.say(self.now_ms, || {
            format!("{life} is asked {} {} (call {})", ask.name(), ask.sandbox().map(tail).unwrap_or_default(), call.0)
        });
        let gateway = self.seats[life.driver].plan.gateway;
        self.books.asked(gateway, &ask);
        self.books.called(self.now_ms, life.driver);
        if let Some(process) = self.seats[life.driver].living(life) {
            process.calls.insert(call, ticket);
            if let Ask::Delete(subject) = &ask {
                process.asked_deletes.insert(subject.id.clone());
            }
            if let Ask::Create(sandbox) = &ask {
                process.creates.insert(sandbox.id.clone(), self.now_ms);
            }
        }
        if ask != Ask::Watch {
            let bound = bound_ms(self.seats[life.driver].plan.home, &ask);
            self.after(bound + SLACK_MS, Happening::Overdue(ticket));
        }
        self.feed(life, Input::Call { call, request: request(&ask), deadline: None, trace: None, digest: None });
        if ask == Ask::Watch && self.lines.get(&ticket).is_some_and(Line::is_open) {
            let credit = self.scenario.reading.credit;
            if let Some(line) = self.lines.get_mut(&ticket) {
                line.stream.credit += credit;
            }
            self.feed(life, Input::Credit { call, events: credit });
        }
    }

    pub(super) fn hang_up(&mut self, ticket: Ticket) {
        let Some(line) = self.lines.remove(&ticket) else { return };
        let Stage::Arrived(call) = line.stage else { return };
        if let Some(process) = self.seats[line.life.driver].living(line.life) {
            process.calls.remove(&call);
            self.feed(line.life, Input::Cancel { call });
        }
    }

    pub(super) fn overdue(&mut self, ticket: Ticket) {
        if let Some(line) = self.lines.get(&ticket).filter(|line| line.is_open()) {
            let (life, name, began) = (line.life, line.ask.name(), line.began_ms);
            let now_ms = self.now_ms;
            self.broken(Rule::InTime, || format!("{life} has not answered {name} for {} ms", now_ms - began));
        }
    }

    /// The connection of a call broke: its process is gone.
    pub(super) fn break_call(&mut self, ticket: Ticket) {
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        let arrived = line.is_open();
        line.stage = Stage::Ended;
        let (life, gateway) = (line.life, line.gateway);
        if let (Ask::Create(sandbox), Some(gateway), true) = (&line.ask, gateway, arrived) {
            self.books.excuse(Excuse::LeftBehind, (gateway, sandbox.id.clone()), "its create was cut by the driver's own death");
        }
        self.trace.say(self.now_ms, || format!("a call to {life} breaks"));
        let code = if self.chances.ties.below(2) == 0 { Code::Unavailable } else { Code::Unknown };
        self.end_line(ticket, Err(broken_connection(code)));
    }

    /// An answer goes on its way; on a stream, behind what is unread.
    fn end_line(&mut self, ticket: Ticket, heard: Heard) {
        let wait = self.chances.ties.below(SOCKET_MS);
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        if line.ask == Ask::Watch {
            line.stream.unread.push_back(Unread::End(heard));
            self.read_on(ticket);
        } else {
            self.after(wait, Happening::Answer(ticket, Box::new(heard)));
        }
    }

    /// The core answers a call.
    pub(super) fn reply(&mut self, life: Life, call: CallId, reply: Result<Reply, Status>) {
        let ticket = self.seats[life.driver].living(life).and_then(|process| process.calls.remove(&call));
        let Some(ticket) = ticket else {
            return self.broken(Rule::OneReply, || format!("{life} answers call {}, which has ended: {reply:?}", call.0));
        };
        let Some(line) = self.lines.get_mut(&ticket) else {
            return self.broken(Rule::OneReply, || format!("{life} answers call {} after its caller hung up", call.0));
        };
        line.stage = Stage::Ended;
        let (ask, began_ms, gateway) = (line.ask.clone(), line.began_ms, line.gateway);
        let heard = heard(reply);
        self.trace.say(self.now_ms, || format!("{life} answers call {}: {}", call.0, told(&heard)));
        let bound = bound_ms(self.seats[life.driver].plan.home, &ask);
        if self.now_ms > began_ms + bound + SLACK_MS && ask != Ask::Watch {
            let took = self.now_ms - began_ms;
            return self.broken(Rule::InTime, || format!("{life} took {took} ms for {}", ask.name()));
        }
        if let Err(refusal) = &heard
            && self.books.leaks(&refusal.message)
        {
            return self.broken(Rule::Secrets, || format!("{life} answers {}", ask.name()));
        }
        if let (Ask::Create(sandbox), Some(_)) = (&ask, gateway)
            && let Some(process) = self.seats[life.driver].living(life)
        {
            if heard.is_ok() {
                process.created.insert(sandbox.id.clone());
            } else {
                process.refused_creates.insert(sandbox.id.clone(), self.now_ms);
                self.books.create_refused((self.seats[life.driver].plan.gateway, sandbox.id.clone()));
            }
        }
        self.judge_reply(life, began_ms, &ask, &heard);
        self.end_line(ticket, heard);
    }

    /// The core has an event for a stream.
    pub(super) fn push_event(&mut self, life: Life, call: CallId, event: pb::WatchSandboxesEvent) {
        let ticket = self.seats[life.driver].living(life).and_then(|process| process.calls.get(&call).copied());
        let Some(ticket) = ticket else {
            return self.broken(Rule::OneReply, || format!("{life} sends an event on call {}, which has ended", call.0));
        };
        self.judge_event(life, ticket, &event);
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        if line.stream.credit == 0 {
            return self.broken(Rule::Credit, || format!("{life} sends an event without credit"));
        }
        line.stream.credit -= 1;
        self.trace.say(self.now_ms, || format!("{life} tells its stream: {}", event_text(&event)));
        line.stream.unread.push_back(Unread::Event(Box::new(event)));
        self.read_on(ticket);
    }

    fn read_on(&mut self, ticket: Ticket) {
        let event_ms = self.scenario.reading.event_ms;
        let wait = 1 + self.chances.ties.below(if self.storms() { event_ms } else { event_ms.min(50) });
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        if line.stream.reading == Reading::Idle && !line.stream.unread.is_empty() {
            line.stream.reading = Reading::Busy;
            self.after(wait, Happening::Read(ticket));
        }
    }

    /// A gateway takes the next event.
    pub(super) fn read(&mut self, ticket: Ticket) {
        let batch = self.scenario.reading.batch;
        let Some(line) = self.lines.get_mut(&ticket) else { return };
        line.stream.reading = Reading::Idle;
        let Some(unread) = line.stream.unread.pop_front() else { return };
        match unread {
            Unread::End(heard) => return self.answer(ticket, heard),
            Unread::Event(event) => {
                let (gateway, life) = (line.gateway, line.life);
                line.stream.read += 1;
                if let Stage::Arrived(call) = line.stage
                    && line.stream.read >= batch
                {
                    let events = std::mem::take(&mut line.stream.read);
                    let wait = self.chances.ties.below(SOCKET_MS);
                    self.after(wait, Happening::Credit(life, call, events));
                }
                if let Some(gateway) = gateway {
                    self.gateways[gateway].event(self.now_ms, ticket, *event);
                    self.follow(gateway);
                }
            }
        }
        self.read_on(ticket);
    }

    pub(super) fn credit(&mut self, life: Life, call: CallId, events: u32) {
        let ticket = self.seats[life.driver].living(life).and_then(|process| process.calls.get(&call).copied());
        let Some(line) = ticket.and_then(|ticket| self.lines.get_mut(&ticket)) else { return };
        line.stream.credit += events;
        self.feed(life, Input::Credit { call, events });
    }

    /// An answer reaches whoever asked.
    pub(super) fn answer(&mut self, ticket: Ticket, heard: Heard) {
        let Some(line) = self.lines.remove(&ticket) else { return };
        match line.gateway {
            Some(gateway) => {
                self.gateways[gateway].answered(self.now_ms, ticket, heard);
                self.follow(gateway);
            }
            None => self.probed(line.life, &line.ask, heard),
        }
    }
}

impl Line {
    fn new(gateway: Option<usize>, life: Life, ask: Ask, stage: Stage) -> Self {
        Self { gateway, life, ask, stage, began_ms: 0, stream: Stream::default() }
    }
}
