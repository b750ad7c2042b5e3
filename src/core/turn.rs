//! One turn: what a machine may use while it handles one input. And the books that outlive a turn: ids, who waits for what, timers, jitter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::io::{Aborted, CallId, ExchangeId, HttpRequest, Lane, Output, Outputs, WatchId};
use super::kube::kind::Kind;
use super::limits;
use super::names::SandboxId;
use super::note::Note;
use super::recording::state::pairs;
use super::territory::{ObjectKey, OurNamespace};
use super::time::{Mono, Now};

/// Who waits for an exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Waiter {
    /// A call.
    Call(CallId),
    /// A page of an informer's list.
    List(Kind),
    /// A look at one object.
    Lookup(Question, ObjectKey),
    /// The API server's version.
    ServerVersion,
    /// The versions of the resource it serves.
    Discovery,
    /// What follows a Sandbox.
    Follow(SandboxId),
    /// The Istio Gateway's domain.
    Domain,
    /// A token on its way into a Secret.
    Token(SandboxId),
    /// A namespace, for what it enforces.
    PodSecurity(OurNamespace),
    /// A namespace of a workspace, or something in it.
    Household(OurNamespace),
    /// A secret that is copied, by name.
    Source(String),
}

/// What a look at one object is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Question {
    /// Whether a Sandbox that disappeared is gone.
    IsGone,
    /// Whether the pod of a Sandbox that is said to be finished has really ended.
    HasEnded,
    /// Whether the API server takes the DELETE of a Sandbox that came after its own end.
    GoesNow,
    /// Whether it lets a Sandbox go whose deletion waits for a pod that the garbage collector has overlooked.
    LetsGo,
}

/// What is waited for, of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wait {
    /// That the controller says something about what is wanted of it.
    Controller,
    /// That it gets ready.
    Readiness,
    /// That the garbage collector finds the pod that its deletion waits for.
    Collector,
    /// That its deletion comes to an end.
    End,
}

impl Wait {
    /// Everything that is waited for.
    pub const ALL: [Self; 4] = [Self::Controller, Self::Readiness, Self::Collector, Self::End];
}

/// Every timer of the core. Each is set at most once at a time; setting it again moves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// A call has used up its time.
    CallDeadline(CallId),
    /// A call tries again.
    CallRetry(CallId),
    /// An informer starts, or tries again.
    Informer(Kind),
    /// A watch has been silent for too long.
    Silence(Kind),
    /// An object is looked at again.
    Lookup(Question, ObjectKey),
    /// Something should have come to an object by now.
    Overdue(Wait, ObjectKey),
    /// The API server's version is asked for again.
    ServerVersion,
    /// The versions of the resource it serves are asked for again.
    Discovery,
    /// The oldest tombstone is old enough.
    Tombstones,
    /// What pods wait for is said again.
    Births,
    /// A namespace is read for what it enforces.
    PodSecurity(OurNamespace),
    /// A namespace of a workspace is seen to again.
    Household(OurNamespace),
    /// The secrets that are copied are read again.
    Sources,
    /// What follows a Sandbox is tried again.
    Follow(SandboxId),
    /// The Istio Gateway's domain is asked for again.
    Domain,
    /// A token is stored again, or missed for too long.
    Token(SandboxId),
}

/// Where jitter comes from. What pods and Events draw does not shift when a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dice {
    /// For calls, Sandboxes and looks.
    Main,
    /// For the informer of another kind.
    Of(Kind),
    /// For namespaces.
    Namespaces,
}

/// The books.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ledger {
    exchanges: u64,
    watches: u64,
    waiters: BTreeMap<ExchangeId, Waiter>,
    /// The exchange of each call that has one; no call has two.
    by_call: BTreeMap<CallId, ExchangeId>,
    due: BTreeSet<(Mono, Timer)>,
    #[serde(with = "pairs")]
    set: BTreeMap<Timer, Mono>,
    wish: Option<Mono>,
    #[serde(with = "pairs")]
    dice: BTreeMap<Dice, u64>,
}

impl Ledger {
    /// Empty books; the seed is all the randomness there is, and only pauses depend on it.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let jitter = seed.chunks_exact(8).fold(0x9e37_79b9_7f4a_7c15, |mixed: u64, chunk| {
            let word = chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            (mixed ^ word).rotate_left(23).wrapping_mul(0xff51_afd7_ed55_8ccd)
        });
        let dice = [Dice::Main, Dice::Of(Kind::Pods), Dice::Of(Kind::Events)]
            .into_iter()
            .chain(Kind::FOLLOWING.map(Dice::Of))
            .chain([Dice::Namespaces, Dice::Of(Kind::Namespaces)]);
        let dice = dice.zip(0u64..).map(|(dice, at)| (dice, jitter ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        Self {
            exchanges: 0,
            watches: 0,
            waiters: BTreeMap::new(),
            by_call: BTreeMap::new(),
            due: BTreeSet::new(),
            set: BTreeMap::new(),
            wish: None,
            dice,
        }
    }
}

/// What a machine may use while it handles one input.
#[derive(Debug)]
pub struct Turn<'a> {
    now: Now,
    ledger: &'a mut Ledger,
    out: &'a mut Outputs,
}

impl<'a> Turn<'a> {
    /// Begins a turn.
    pub const fn new(now: Now, ledger: &'a mut Ledger, out: &'a mut Outputs) -> Self {
        Self { now, ledger, out }
    }

    /// The time of this input.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Exchanges under way.
    #[must_use]
    pub fn exchanges_in_flight(&self) -> usize {
        self.ledger.waiters.len()
    }

    /// Pushes an output that needs no book-keeping.
    pub fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    /// Pushes a note.
    pub fn note(&mut self, note: Note) {
        self.out.push(Output::Note(note));
    }

    /// Records that a machine in this state met this.
    pub fn met(&mut self, machine: &'static str, state: &'static str, met: &'static str) {
        self.note(Note::Met { machine: machine.into(), state: state.into(), met: met.into() });
    }

    /// Sends a request; `waiter` gets the answer.
    pub fn exchange(&mut self, waiter: Waiter, lane: Lane, request: HttpRequest, deadline: Mono) -> ExchangeId {
        self.ledger.exchanges += 1;
        let exchange = ExchangeId(self.ledger.exchanges);
        if let Waiter::Call(call) = waiter {
            let before = self.ledger.by_call.insert(call, exchange);
            debug_assert!(before.is_none(), "call {} has two exchanges", call.0);
        }
        self.ledger.waiters.insert(exchange, waiter);
        self.out.push(Output::Exchange { exchange, lane, request, deadline });
        exchange
    }

    /// Opens a watch.
    pub fn watch(&mut self, request: HttpRequest) -> WatchId {
        self.ledger.watches += 1;
        let watch = WatchId(self.ledger.watches);
        self.out.push(Output::Watch { watch, request });
        watch
    }

    /// Takes an answered exchange off the books and says who waits for it.
    pub fn answered(&mut self, exchange: ExchangeId) -> Option<Waiter> {
        let waiter = self.ledger.waiters.remove(&exchange)?;
        if let Waiter::Call(call) = waiter {
            self.ledger.by_call.remove(&call);
        }
        Some(waiter)
    }

    /// Gives up an exchange: its answer, should it still come, is nobody's.
    pub fn abort_exchange(&mut self, exchange: ExchangeId) {
        if self.answered(exchange).is_some() {
            self.out.push(Output::Abort(Aborted::Exchange(exchange)));
        }
    }

    /// Gives up the exchange of a call, if it has one.
    pub fn abort_call(&mut self, call: CallId) {
        if let Some(exchange) = self.ledger.by_call.get(&call).copied() {
            self.abort_exchange(exchange);
        }
    }

    /// Gives up a watch.
    pub fn abort_watch(&mut self, watch: WatchId) {
        self.out.push(Output::Abort(Aborted::Watch(watch)));
    }

    /// Sets a timer, or moves it.
    pub fn set(&mut self, timer: Timer, at: Mono) {
        if let Some(before) = self.ledger.set.insert(timer.clone(), at) {
            self.ledger.due.remove(&(before, timer.clone()));
        }
        self.ledger.due.insert((at, timer));
    }

    /// Unsets a timer, if it is set.
    pub fn unset(&mut self, timer: &Timer) {
        if let Some(before) = self.ledger.set.remove(timer) {
            self.ledger.due.remove(&(before, timer.clone()));
        }
    }

    /// The next timer whose time has come; it is unset.
    pub fn due(&mut self) -> Option<Timer> {
        let (at, _) = self.ledger.due.first()?;
        if *at > self.now.mono {
            return None;
        }
        let (_, timer) = self.ledger.due.pop_first()?;
        self.ledger.set.remove(&timer);
        Some(timer)
    }

    /// The pause before try number `tries` (the first failure is 1): doubled each time up to `max`, then between half of it and all of it, so
    /// that replicas do not retry in step.
    pub fn backoff(&mut self, dice: Dice, tries: u32, max: Duration) -> Duration {
        let doubled = limits::BACKOFF_MIN.saturating_mul(1u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX));
        let whole = u64::try_from(doubled.min(max).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(whole / 2 + self.random(dice) % (whole / 2 + 1))
    }

    /// A number below `bound`, for jitter.
    pub fn jitter(&mut self, dice: Dice, bound: u64) -> u64 {
        self.random(dice) % bound.max(1)
    }

    /// `SplitMix64`: enough for jitter, and the same everywhere.
    fn random(&mut self, dice: Dice) -> u64 {
        let state = self.ledger.dice.entry(dice).or_default();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Ends the turn: says when to be woken, if that has changed.
    pub fn end(self) {
        let wish = self.ledger.due.first().map(|(at, _)| *at);
        if wish != self.ledger.wish {
            self.ledger.wish = wish;
            if let Some(at) = wish {
                self.out.push(Output::WakeAt(at));
            }
        }
    }
}
