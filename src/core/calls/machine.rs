//! What a machine meets, what it may use, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::create::Create;
use super::delete::Delete;
use super::get::Get;
use super::start::Start;
use super::stop::Stop;
use super::validate::Validate;
use super::{list, watch, workspace};
use crate::config::Config;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, HttpRequest, Lane, Reply};
use crate::core::kube::answer::Verdict;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::observe::Cluster;
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// What a machine of this module meets.
#[derive(Debug)]
pub enum Event {
    /// The call begins.
    Begin,
    /// The exchange it sent has ended.
    Answer(Verdict),
    /// The pause it asked for is over.
    Retry,
    /// Its time is up.
    Deadline,
    /// Its caller has hung up.
    Cancelled,
    /// What it waits for may have come: the store has become whole, a create of the same sandbox has ended, the sandbox has changed, it is known
    /// which versions are served, the namespace of its workspace is ready.
    Roused,
}

impl Event {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Answer(verdict) => verdict.name(),
            Self::Retry => "retry",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Roused => "roused",
        }
    }
}

/// What becomes of a call.
#[derive(Debug)]
pub enum Step {
    /// It waits.
    Wait,
    /// It is answered, and done.
    Reply(Result<Reply, Status>),
    /// Its caller is answered, but there is still something to do.
    ReplyAndGoOn(Status),
    /// Its time is up and its caller has gone, but there is still something to do.
    GoOn,
    /// It is done; its caller has been answered or has gone.
    Done,
}

/// What a machine may use.
#[derive(Debug)]
pub struct Cx<'a, 't> {
    /// Its call.
    pub call: CallId,
    /// When its caller must have an answer.
    pub deadline: Mono,
    /// Outputs, timers, time.
    pub turn: &'a mut Turn<'t>,
    /// What is observed.
    pub cluster: &'a mut Cluster,
    /// The settings.
    pub config: &'a Config,
    /// Sandboxes being created, and by which calls.
    pub creating: &'a BTreeMap<SandboxId, BTreeSet<CallId>>,
}

impl Cx<'_, '_> {
    /// Sends a request; its end comes as [`Event::Answer`]. It never waits longer than the caller does.
    pub fn send(&mut self, request: HttpRequest) {
        let deadline = self.turn.now().mono.after(limits::EXCHANGE_TIMEOUT).min(self.deadline);
        self.turn.exchange(Waiter::Call(self.call), Lane::Requests, request, deadline);
    }

    /// Sends a request whose answer is a long list.
    pub fn send_list(&mut self, request: HttpRequest) {
        let deadline = self.turn.now().mono.after(limits::LIST_EXCHANGE_TIMEOUT).min(self.deadline);
        self.turn.exchange(Waiter::Call(self.call), Lane::Lists, request, deadline);
    }

    /// Asks for [`Event::Retry`] after a pause that grows with `tries`, or after what the server asked for when that is longer.
    pub fn pause(&mut self, tries: u32, asked: Option<std::time::Duration>) {
        let pause = self.turn.backoff(Dice::Main, tries, limits::CALL_BACKOFF_MAX);
        let pause = asked.map_or(pause, |asked| asked.max(pause));
        self.turn.set(Timer::CallRetry(self.call), self.turn.now().mono.after(pause));
    }
}

/// A call's machine.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Machine {
    Create(Box<Create>),
    Get(Get),
    Delete(Delete),
    Stop(Box<Stop>),
    Start(Start),
    Validate(Validate),
    EnsureWorkspace(workspace::Ensure),
    DeleteWorkspace(workspace::Delete),
    /// A `ListSandboxes` that waits for the store to become whole.
    List,
    /// A `WatchSandboxes` that waits for the store to become whole.
    WatchWaiting,
    /// An open stream.
    Watching,
}

impl Machine {
    /// Whether it waits to hear which versions of the resource are served.
    pub(super) fn waits_for_versions(&self) -> bool {
        match self {
            Self::Create(create) => create.waits_for_versions(),
            Self::Get(get) => get.waits_for_versions(),
            Self::Delete(delete) => delete.waits_for_versions(),
            Self::Stop(stop) => stop.waits_for_versions(),
            Self::Start(start) => start.waits_for_versions(),
            Self::Validate(_) | Self::EnsureWorkspace(_) | Self::DeleteWorkspace(_) | Self::List | Self::WatchWaiting | Self::Watching => {
                false
            }
        }
    }

    pub(super) fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        match self {
            Self::Create(create) => create.on(cx, event),
            Self::Get(get) => get.on(cx, event),
            Self::Delete(delete) => delete.on(cx, event),
            Self::Stop(stop) => stop.on(cx, event),
            Self::Start(start) => start.on(cx, event),
            Self::Validate(validate) => validate.on(cx, event),
            Self::EnsureWorkspace(ensure) => ensure.on(cx, &event),
            Self::DeleteWorkspace(delete) => delete.on(cx, event),
            Self::List => list::on(cx, &event),
            Self::WatchWaiting | Self::Watching => {
                let step = watch::on(cx, &event);
                if matches!((&step, &event), (Step::Wait, Event::Begin | Event::Roused)) && watch::is_open(cx) {
                    *self = Self::Watching;
                }
                step
            }
        }
    }
}
