//! A model of the gateway: what it keeps of each sandbox, what it asks its driver and when, and what it does with each answer (gateway.md §1.4, §2
//! and §3, gateway-observed.md). It knows nothing of the core; only the messages are the contract's.
//!
//! Like everything here it does no I/O: time and answers come in, [`Act`]s go out.

pub mod ask;
mod lifecycle;
pub mod row;
mod sweep;
#[cfg(test)]
mod tests;
mod wishes;

use std::collections::BTreeMap;

use crate::driver::contract::messages::compute as pb;
use crate::driver::contract::messages::compute::watch_sandboxes_event::Payload;

use self::ask::{Ask, Code, Heard, Refusal, Said, Ticket};
use self::row::{Deletion, Row, Session};
use self::sweep::Sweep;
pub use self::wishes::Wish;

/// Between the end of a watch and the next.
const REOPEN_MS: u64 = 2_000;
/// Between the end of a sweep and the next.
const SWEEP_MS: u64 = 60_000;
/// The age a row must have before a sweep misses it.
const GRACE_MS: u64 = 300_000;
/// The rows a sweep looks at when it looks for missing ones.
const SWEEP_ROWS: usize = 500;

/// A gateway and its store. The store outlives the process.
#[derive(Debug)]
pub struct Gateway {
    /// Counts its processes.
    life: u32,
    /// Counts who held the lease.
    reign: u32,
    stage: Stage,
    lifecycle: Lifecycle,
    rows: BTreeMap<String, Row>,
    pending: BTreeMap<Ticket, Pending>,
    next_ticket: u64,
    sweep: Sweep,
    acts: Vec<Act>,
}

/// Whether the driver stops and starts sandboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// It answers `UNIMPLEMENTED`.
    CreateAndDelete,
    /// It does.
    StopAndStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Down,
    /// It asks who the driver is.
    Greeting,
    /// Interrupted transitions are taken up again.
    Recovering,
    Serving,
}

/// What an answer is waited for.
#[derive(Debug, Clone, PartialEq)]
enum Pending {
    Capabilities,
    Listeners,
    Validate(Box<pb::DriverSandbox>),
    Create(String),
    Delete(Before),
    DeleteRecovery(Before),
    Stop(Before),
    StopRecovery(Before),
    Start(Before),
    StartRecovery(Before),
    /// A transition that a dead gateway left behind.
    Resumed(String),
    SweepList,
    SweepGet(String),
    Stream,
    Workspace,
}

/// A row before a transition, and the version the transition gave it.
#[derive(Debug, Clone, PartialEq)]
struct Before {
    row: Row,
    version: u64,
}

/// Which driver of the gateway gets a call, where it has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The one of the replica that holds the lease.
    Watcher,
    /// That of any replica.
    User,
}

/// What the gateway does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// It calls its driver.
    Ask {
        /// Names the call.
        ticket: Ticket,
        /// The call.
        ask: Ask,
        /// Where to.
        channel: Channel,
    },
    /// It hangs up.
    Cancel(Ticket),
    /// It wants to be reminded.
    Later {
        /// When.
        wait_ms: u64,
        /// Of what.
        timer: Timer,
    },
    /// It gives up, since its driver will not do.
    Exit,
    /// A row is gone.
    Removed {
        /// Whose.
        id: String,
        /// Why.
        why: Removal,
    },
    /// A user hears this.
    Told(&'static str, Option<Code>),
}

/// Why a row was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Its create failed.
    CreateFailed,
    /// The driver said `deleted=false`.
    WasAbsent,
    /// A stream said so.
    DeletedEvent,
    /// A failed deletion was looked into, and there was nothing.
    AbsentAfterFailure,
    /// A sweep found it missing.
    Swept,
}

/// What a gateway waits for, besides answers. Good for one of its lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    life: u32,
    what: Alarm,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Alarm {
    /// Of the reign that this number names.
    Reopen(u32),
    Sweep(u32),
    /// The patience of the user who wants this sandbox ends.
    GiveUp(String),
}

impl Gateway {
    /// A gateway with an empty store, not running. `number` tells its tickets from those of others.
    #[must_use]
    pub fn new(number: u64, lifecycle: Lifecycle) -> Self {
        Self {
            life: 0,
            reign: 0,
            stage: Stage::Down,
            lifecycle,
            rows: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_ticket: number << 40,
            sweep: Sweep::Idle,
            acts: Vec::new(),
        }
    }

    /// What it has done since this was last asked.
    pub fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Its rows by id.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<String, Row> {
        &self.rows
    }

    /// Whether its process runs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.stage != Stage::Down
    }

    /// Whether users are served.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// Its process begins.
    pub fn start(&mut self) {
        self.life += 1;
        self.stage = Stage::Greeting;
        self.sweep = Sweep::Idle;
        self.ask(Ask::Capabilities, Channel::Watcher, Pending::Capabilities);
    }

    /// Its process dies: what was in flight is cut, the store stays as it is.
    pub fn die(&mut self) {
        self.stage = Stage::Down;
        for (ticket, pending) in std::mem::take(&mut self.pending) {
            if let Pending::Delete(before) | Pending::DeleteRecovery(before) = pending
                && let Some(row) = self.rows.get_mut(&before.row.id)
            {
                row.deletion = Deletion::CutShort;
            }
            self.acts.push(Act::Cancel(ticket));
        }
        for row in self.rows.values_mut() {
            row.session = Session::None;
        }
    }

    /// Another replica holds the lease: it watches and sweeps from now on.
    pub fn move_lease(&mut self, now_ms: u64) {
        if !self.serves() {
            return;
        }
        self.reign += 1;
        let watching = |pending: &Pending| matches!(pending, Pending::Stream | Pending::SweepList | Pending::SweepGet(_));
        let theirs: Vec<Ticket> = self.pending.iter().filter(|(_, pending)| watching(pending)).map(|(ticket, _)| *ticket).collect();
        for ticket in theirs {
            self.pending.remove(&ticket);
            self.acts.push(Act::Cancel(ticket));
        }
        self.serve(now_ms);
    }

    /// A timer fires.
    pub fn timer(&mut self, now_ms: u64, timer: Timer) {
        if timer.life != self.life || self.stage == Stage::Down {
            return;
        }
        match timer.what {
            Alarm::Reopen(reign) if reign == self.reign => self.open_stream(),
            Alarm::Sweep(reign) if reign == self.reign => self.begin_sweep(now_ms),
            Alarm::Reopen(_) | Alarm::Sweep(_) => {}
            Alarm::GiveUp(id) => self.give_up(&id),
        }
    }

    /// An answer comes, or the end of a stream.
    pub fn answered(&mut self, now_ms: u64, ticket: Ticket, heard: Heard) {
        let Some(pending) = self.pending.remove(&ticket) else { return };
        match pending {
            Pending::Capabilities if heard.is_ok() => {
                self.ask(Ask::Listeners, Channel::Watcher, Pending::Listeners);
            }
            Pending::Listeners if heard.is_ok() || code(&heard) == Some(Code::Unimplemented) => self.recover(now_ms),
            Pending::Capabilities | Pending::Listeners => {
                self.die();
                self.acts.push(Act::Exit);
            }
            Pending::Validate(sandbox) => self.validated(now_ms, sandbox, heard),
            Pending::Create(id) => self.created(&id, heard),
            Pending::Delete(before) => self.deleted(before, heard),
            Pending::DeleteRecovery(before) => self.delete_recovered(now_ms, before, heard),
            Pending::Stop(before) => self.stopped(now_ms, before, heard),
            Pending::Start(before) => self.started(before, heard),
            Pending::StopRecovery(before) | Pending::StartRecovery(before) => self.lifecycle_recovered(now_ms, before, heard),
            Pending::Resumed(id) => self.resumed(now_ms, &id, heard),
            Pending::SweepList => self.swept_list(now_ms, heard),
            Pending::SweepGet(id) => self.swept_get(now_ms, id, heard),
            Pending::Stream => self.later(REOPEN_MS, Alarm::Reopen(self.reign)),
            Pending::Workspace => self.tell("workspace", &heard),
        }
    }

    /// An event of a stream comes.
    pub fn event(&mut self, now_ms: u64, ticket: Ticket, event: pb::WatchSandboxesEvent) {
        if self.pending.get(&ticket) != Some(&Pending::Stream) {
            return;
        }
        match event.payload {
            Some(Payload::Sandbox(event)) => {
                if let Some(snapshot) = event.sandbox
                    && let Some(row) = self.rows.get_mut(&snapshot.id)
                {
                    row.apply(&snapshot, now_ms);
                }
            }
            Some(Payload::Deleted(event)) => self.remove(&event.sandbox_id, Removal::DeletedEvent),
            Some(Payload::PlatformEvent(_)) | None => {}
        }
    }

    /// A supervisor comes or goes.
    pub fn supervisor(&mut self, now_ms: u64, id: &str, session: Session) {
        if self.serves()
            && let Some(row) = self.rows.get_mut(id)
        {
            row.supervisor(session, now_ms);
        }
    }

    fn serve(&mut self, now_ms: u64) {
        self.stage = Stage::Serving;
        self.open_stream();
        self.begin_sweep(now_ms);
    }

    fn open_stream(&mut self) {
        self.ask(Ask::Watch, Channel::Watcher, Pending::Stream);
    }

    fn ask(&mut self, ask: Ask, channel: Channel, pending: Pending) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.pending.insert(ticket, pending);
        self.acts.push(Act::Ask { ticket, ask, channel });
        ticket
    }

    fn later(&mut self, wait_ms: u64, what: Alarm) {
        self.acts.push(Act::Later { wait_ms, timer: Timer { life: self.life, what } });
    }

    fn remove(&mut self, id: &str, why: Removal) {
        if self.rows.remove(id).is_some() {
            self.acts.push(Act::Removed { id: id.to_owned(), why });
        }
    }

    fn tell(&mut self, about: &'static str, heard: &Heard) {
        self.acts.push(Act::Told(about, code(heard)));
    }
}

fn code(heard: &Heard) -> Option<Code> {
    heard.as_ref().err().map(|refusal| refusal.code)
}

/// What `GetSandbox` comes to: an answer without a sandbox is an absence, and one about another sandbox is an error.
enum Looked {
    There(Box<pb::DriverSandbox>),
    Absent,
    Failed,
}

fn looked(id: &str, heard: Heard) -> Looked {
    match heard {
        Ok(Said::Got(Some(sandbox))) if sandbox.id == id => Looked::There(sandbox),
        Ok(Said::Got(None)) | Err(Refusal { code: Code::NotFound, .. }) => Looked::Absent,
        Ok(_) | Err(_) => Looked::Failed,
    }
}
