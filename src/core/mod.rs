//! The core: a synchronous state machine that decides everything and touches nothing.
//!
//! Data flows one way. A gateway's call is [`admit`]ted, becomes a machine in [`calls`], which [`render`]s objects and asks for exchanges. What
//! the cluster says is [`observe`]d, stored, and told to every stream. [`io`] is the whole interface on one page.

pub mod admit;
pub mod calls;
pub mod digest;
pub mod follow;
pub mod grpc_status;
pub mod io;
pub mod kube;
pub mod layout;
pub mod limits;
pub mod names;
pub mod note;
pub mod observe;
pub mod recording;
pub mod render;
pub mod secret;
pub mod survey;
pub mod territory;
pub mod time;
pub mod transitions;
pub mod turn;
pub mod workspaces;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::calls::{Arrival, Calls};
use self::follow::Follow;
use self::io::{Input, Output, Outputs};
use self::kube::kind::Kind;
use self::note::Note;
use self::observe::{Cluster, Freshness};
use self::recording::Mask;
use self::survey::Survey;
use self::time::{Mono, Now};
use self::turn::{Ledger, Timer, Turn, Waiter};
use self::workspaces::sources::SecretData;
use crate::config::Config;

/// The driver. [`Driver::handle`] is its only door.
#[derive(Debug, Serialize)]
pub struct Driver {
    #[serde(skip)]
    config: Config,
    ledger: Ledger,
    cluster: Cluster,
    calls: Calls,
    follow: Follow,
    stage: Stage,
}

/// What a recording has of a driver. A secret in the state is masked by its type; what the core compares has a mask that can be compared.
#[derive(Debug, Serialize)]
pub struct Checkpoint<'a> {
    state: &'a Driver,
    /// The secrets that workspaces have copies of, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    copies: BTreeMap<&'a str, BTreeMap<&'a str, String>>,
}

/// The same, read.
#[derive(Deserialize)]
struct Resumed {
    state: State,
    #[serde(default)]
    copies: BTreeMap<String, SecretData>,
}

/// What a [`Driver`] is beside its settings.
#[derive(Deserialize)]
struct State {
    ledger: Ledger,
    cluster: Cluster,
    calls: Calls,
    follow: Follow,
    stage: Stage,
}

/// Where in its life the driver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Made, but not woken.
    New,
    /// At work.
    Running,
    /// Told to stop; something is still in flight.
    Draining,
    /// Nothing is in flight any more.
    Drained,
}

impl Driver {
    /// A driver that has seen nothing. It begins to work when it is first handed [`Input::Wake`]. The seed decides nothing but the jitter of
    /// pauses.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let cluster = Cluster::new(&config);
        let follow = Follow::new(&config);
        Self { config, ledger: Ledger::new(seed), cluster, calls: Calls::default(), follow, stage: Stage::New }
    }

    /// Everything the driver knows, for a recording.
    #[must_use]
    pub fn checkpoint(&self, mask: &Mask) -> Checkpoint<'_> {
        Checkpoint { state: self, copies: self.cluster.copies().map(|(name, data)| (name, data.stand_ins(mask))).collect() }
    }

    /// A driver that goes on from a checkpoint: handed the same inputs, it does the same.
    ///
    /// # Errors
    /// When it is not the state of a driver of this version.
    pub fn resume(config: Config, checkpoint: &str) -> serde_json::Result<Self> {
        let Resumed { state, copies } = serde_json::from_str(checkpoint)?;
        let State { ledger, mut cluster, calls, follow, stage } = state;
        for (name, data) in copies {
            cluster.put_back(&name, data);
        }
        Ok(Self { config, ledger, cluster, calls, follow, stage })
    }

    /// Takes one input and pushes everything that follows from it onto `out`, to be carried out in order before the next input. The same seed
    /// and the same inputs give the same outputs, byte for byte. Time must not go back.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Outputs) {
        let mut turn = Turn::new(now, &mut self.ledger, out);
        let is_survey = matches!(input, Input::Survey);
        let cold = matches!(self.cluster.freshness(&turn), Freshness::Cold(_));
        if self.stage == Stage::New {
            self.stage = Stage::Running;
            turn.set(Timer::Informer(Kind::Sandboxes), Mono::default());
            turn.set(Timer::ServerVersion, Mono::default());
            self.follow.warn(&mut turn);
            self.cluster.begin(&mut turn, &self.config);
        }
        let (cluster, calls, follow, config) = (&mut self.cluster, &mut self.calls, &mut self.follow, &self.config);
        // What was due before this input came is done before it.
        while let Some(timer) = turn.due() {
            match timer {
                Timer::CallDeadline(call) => calls.deadline(&mut turn, cluster, config, call),
                Timer::CallRetry(call) => calls.retry(&mut turn, cluster, config, call),
                Timer::Informer(kind) if kind.follows() => follow.inform(&mut turn, cluster, kind),
                Timer::Silence(kind) if kind.follows() => follow.silent(&mut turn, cluster, kind),
                Timer::Informer(kind) => cluster.inform(&mut turn, kind),
                Timer::Silence(kind) => cluster.silent(&mut turn, kind),
                Timer::Follow(id) => follow.retry(&mut turn, cluster, &id),
                Timer::Domain => follow.ask_domain(&mut turn),
                Timer::Token(id) => follow.token_due(&mut turn, cluster, &id),
                Timer::Lookup(question, name) => cluster.look_again(&mut turn, question, &name),
                Timer::Overdue(wait, name) => cluster.is_due(&mut turn, wait, &name),
                Timer::Discovery => cluster.discover(&mut turn),
                Timer::ServerVersion => cluster.server_mut().ask(&mut turn),
                Timer::Tombstones => cluster.streams().expire(&mut turn),
                Timer::Births => cluster.tell_births(&mut turn),
                Timer::PodSecurity(namespace) => cluster.read_namespace(&mut turn, &namespace),
                Timer::Household(namespace) => cluster.with_workspaces(|workspaces| workspaces.due(&mut turn, &namespace)),
                Timer::Sources => cluster.with_workspaces(|workspaces| workspaces.sources_due(&mut turn)),
            }
        }
        match input {
            Input::Call { call, request, deadline, trace, digest } => {
                calls.begin(&mut turn, cluster, config, Arrival { call, deadline, trace, digest }, request);
            }
            Input::Cancel { call } => calls.cancel(&mut turn, cluster, config, call),
            Input::Credit { call, events } => calls.credit(&mut turn, cluster, call, events),
            Input::Answer { exchange, result } => match turn.answered(exchange) {
                Some(Waiter::Call(call)) => calls.answered(&mut turn, cluster, config, call, result),
                Some(Waiter::List(kind)) if kind.follows() => follow.page(&mut turn, cluster, kind, result),
                Some(Waiter::Follow(id)) => follow.answered(&mut turn, cluster, &id, result),
                Some(Waiter::Token(id)) => follow.token(&mut turn, cluster, &id, result),
                Some(Waiter::Domain) => follow.domain(&mut turn, cluster, result),
                Some(Waiter::List(kind)) => cluster.page(&mut turn, kind, result),
                Some(Waiter::Lookup(question, name)) => cluster.looked(&mut turn, question, &name, result),
                Some(Waiter::Discovery) => {
                    cluster.discovered(&mut turn, result);
                    calls.discovered(&mut turn, cluster, config);
                }
                Some(Waiter::ServerVersion) => cluster.server_mut().answered(&mut turn, result),
                Some(Waiter::PodSecurity(namespace)) => cluster.namespace_read(&mut turn, &namespace, result),
                Some(Waiter::Household(namespace)) => {
                    cluster.with_workspaces(|workspaces| workspaces.answered(&mut turn, &namespace, result));
                }
                Some(Waiter::Source(name)) => cluster.with_workspaces(|workspaces| workspaces.source_answered(&mut turn, &name, result)),
                None => turn.note(Note::UnknownExchange { exchange }),
            },
            Input::Line { watch, line } => match follow.watches(watch) {
                Some(kind) => follow.line(&mut turn, cluster, kind, watch, &line),
                None => cluster.line(&mut turn, watch, &line),
            },
            Input::Closed { watch, end } => match follow.watches(watch) {
                Some(kind) => follow.closed(&mut turn, cluster, kind, watch, end),
                None => cluster.closed(&mut turn, watch, end),
            },
            Input::Namespaces { names } => cluster.listed_in_file(&mut turn, names),
            Input::Wake | Input::Survey => {}
            Input::Stop => {
                self.stage = Stage::Draining;
                cluster.stop(&mut turn);
                follow.stop(&mut turn);
                calls.stop(&mut turn, cluster);
            }
        }
        if cold && !matches!(cluster.freshness(&turn), Freshness::Cold(_)) {
            calls.synced(&mut turn, cluster, config);
            follow.begin(&mut turn);
        }
        let settled = cluster.take_settled();
        calls.settled(&mut turn, cluster, config, &settled);
        // A stop that looks again may learn something, but nothing that another stop waits for.
        let changed = cluster.take_changed();
        calls.changed(&mut turn, cluster, config, &changed);
        follow.changed(&mut turn, cluster, &changed);
        for call in cluster.flush(&mut turn) {
            calls.sent_away(&mut turn, cluster, call);
        }
        if is_survey {
            let mut survey = Survey { exchanges: turn.exchanges_in_flight(), ..Survey::default() };
            cluster.survey(&turn, &mut survey);
            calls.survey(&mut survey);
            turn.note(Note::Surveyed(Box::new(survey)));
        }
        if self.stage == Stage::Draining && calls.is_empty() && follow.is_done() {
            self.stage = Stage::Drained;
            turn.push(Output::Drained);
        }
        turn.end();
    }
}
