//! What the cluster says: an informer a kind fills what is known, and every stream is told what changed in it.
//!
//! Nothing here outlives the process: a new one lists, and is whole. Sandboxes come first; pods and Events, which only say more about them, are
//! listed once those are known, and their failing holds nobody up.

mod attention;
pub mod birth;
pub mod capacity;
mod chosen;
pub mod conditions;
mod counting;
pub mod discovery;
mod heard;
pub mod informer;
pub mod lookups;
pub mod memory;
pub mod overdue;
pub mod platform_events;
pub mod pod_security;
pub mod pods;
mod proofs;
pub mod refusals;
pub mod remarks;
pub mod sandbox;
pub mod server;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod streams;
pub mod sweeps;
mod telling;
pub mod waking;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::birth::Births;
use self::capacity::Capacity;
use self::discovery::Discovery;
use self::informer::Informer;
use self::lookups::Lookups;
use self::memory::Memory;
use self::overdue::Overdue;
use self::pod_security::{Changed, PodSecurity};
use self::pods::Pods;
use self::sandbox::Observed;
use self::server::Server;
use self::snapshot::{Ended, Remarks};
use self::store::Store;
use self::streams::Streams;
use self::sweeps::Sweeps;
use self::telling::Telling;
use super::io::{CallId, Fault, Response, WatchEnd, WatchId};
use super::kube::event::Event;
use super::kube::kind::Kind;
use super::kube::namespace::NamespaceObject;
use super::kube::path::{ApiVersion, Sandboxes};
use super::kube::pod::Pod;
use super::kube::sandbox::Sandbox;
use super::limits;
use super::names::{SandboxId, Uid};
use super::note::Note;
use super::secret::{Body, Secret};
use super::territory::{ObjectKey, OurNamespace, Scope, Territory};
use super::turn::{Question, Turn};
use super::workspaces::Workspaces;
use super::workspaces::sources::SecretData;
use crate::config::Config;
use crate::contract::messages::compute as pb;

/// How well the store knows the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing has been listed yet, for this reason.
    Cold(String),
    /// Whole, and heard of lately.
    Fresh,
    /// Whole once, but not heard of for so long, for this reason.
    Stale(Duration, String),
}

/// Everything observed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cluster {
    api: Sandboxes,
    sandboxes: Informer<Sandbox>,
    pods: Informer<Pod>,
    events: Informer<Event>,
    namespaces: Informer<NamespaceObject>,
    store: Store,
    seen_pods: Pods,
    ended: Ended,
    remarks: Remarks,
    /// Tokens of sandboxes that have just been created.
    entrusted: Vec<(SandboxId, Secret)>,
    heard_events: platform_events::Heard,
    births: Births,
    streams: Streams,
    confirmations: Lookups,
    looks: Lookups,
    /// Deletes of what came after its own end.
    executions: Lookups,
    /// Deletions that are let go because they wait for what the garbage collector has overlooked.
    releases: Lookups,
    overdue: Overdue,
    /// Objects that are gone: an answer that was on its way all the time must not bring them back.
    departed: Memory<Uid>,
    /// Sandboxes whose deletion the gateway asked for: a POST that was on its way all the time must not bring them back.
    condemned: Memory<SandboxId>,
    /// Sandboxes that the gateway had deleted before they were there: their create may have been overtaken.
    forestalled: Memory<SandboxId>,
    server: Server,
    capacity: Capacity,
    pod_security: PodSecurity,
    /// Namespaces of workspaces, where those are ours to make.
    workspaces: Option<Workspaces>,
    discovery: Discovery,
    sweeps: Sweeps,
    /// Sandboxes that have changed since somebody asked.
    changed: BTreeSet<SandboxId>,
}

/// What beside an object decides what is told of it. A macro, because it borrows some fields while others change.
macro_rules! view {
    ($cluster:expr) => {
        $crate::core::observe::snapshot::View {
            pods: &$cluster.seen_pods,
            ended: &$cluster.ended,
            remarks: &$cluster.remarks,
            overdue: &$cluster.overdue,
            pod_security: &$cluster.pod_security,
        }
    };
}
use view;

impl Cluster {
    /// Nothing observed yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            api: Sandboxes::of(ApiVersion::V1Beta1, Territory::of(config), &config.gateway_id),
            sandboxes: Informer::default(),
            pods: Informer::default(),
            events: Informer::default(),
            namespaces: Informer::default(),
            store: Store::default(),
            seen_pods: Pods::default(),
            ended: Ended::new(),
            remarks: Remarks::new(),
            entrusted: Vec::new(),
            heard_events: platform_events::Heard::default(),
            births: Births::default(),
            streams: Streams::default(),
            confirmations: Lookups::new(Question::IsGone),
            looks: Lookups::new(Question::HasEnded),
            executions: Lookups::new(Question::GoesNow),
            releases: Lookups::new(Question::LetsGo),
            overdue: Overdue::new(config.terminal_after()),
            departed: Memory::new(limits::DEPARTED_AGE, limits::DEPARTED_MAX),
            condemned: Memory::new(limits::CONDEMNED_AGE, limits::CONDEMNED_MAX),
            forestalled: Memory::new(limits::FORESTALLED_AGE, limits::CONDEMNED_MAX),
            capacity: Capacity::default(),
            server: Server::new(config.pod.supervisor.sideload),
            pod_security: PodSecurity::default(),
            workspaces: Workspaces::of(config),
            discovery: Discovery::default(),
            sweeps: Sweeps::default(),
            changed: BTreeSet::new(),
        }
    }

    /// How to ask for Sandboxes.
    #[must_use]
    pub const fn api(&self) -> &Sandboxes {
        &self.api
    }

    /// What is known of the API server itself.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// What is remembered of nodes.
    pub const fn capacity(&mut self) -> &mut Capacity {
        &mut self.capacity
    }

    /// The streams, for the call that opens one.
    pub const fn streams(&mut self) -> &mut Streams {
        &mut self.streams
    }

    /// How well the store knows the cluster at this moment.
    #[must_use]
    pub fn freshness(&self, turn: &Turn<'_>) -> Freshness {
        match self.sandboxes.heard_at() {
            None => Freshness::Cold(self.sandboxes.trouble().to_owned()),
            Some(at) => {
                let age = turn.now().mono.since(at);
                if age > limits::STALE_AFTER { Freshness::Stale(age, self.sandboxes.trouble().to_owned()) } else { Freshness::Fresh }
            }
        }
    }

    /// What is known of a sandbox.
    #[must_use]
    pub fn find(&self, id: &SandboxId) -> Option<&Observed> {
        self.store.find(id)
    }

    /// Every object that claims an id.
    pub fn claimants(&self, id: &SandboxId) -> impl Iterator<Item = &Observed> {
        self.store.claimants(id)
    }

    /// What the gateway is told of a sandbox.
    #[must_use]
    pub fn shown(&self, id: &SandboxId) -> Option<&pb::DriverSandbox> {
        self.store.shown(id).map(|shown| &**shown)
    }

    /// What the gateway is told of every sandbox, by name and then id.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<pb::DriverSandbox>> {
        self.store.all()
    }

    /// The gateway asks about a sandbox, so it has a row of it.
    pub fn named(&mut self, turn: &mut Turn<'_>, id: &SandboxId) {
        self.sweeps.named(turn, id);
    }

    /// The gateway is given everything there is.
    pub fn listed(&mut self, turn: &mut Turn<'_>) {
        self.sweeps.listed(turn, &self.store);
    }

    /// A question that a sweep may have asked is left without an answer.
    pub fn sweep_broken(&mut self) {
        self.sweeps.broken();
    }

    /// An informer's timer: begin, or try again.
    pub fn inform(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        match kind {
            Kind::Sandboxes => self.sandboxes.due(turn, &self.api),
            Kind::Pods => self.pods.due(turn, &self.api),
            Kind::Events => self.events.due(turn, &self.api),
            Kind::Namespaces => self.namespaces.due(turn, &self.api),
            // Followed elsewhere: core/follow.
            Kind::Services | Kind::ApiRules | Kind::VirtualServices | Kind::NetworkPolicies => {}
        }
    }

    /// A watch has been silent for too long.
    pub fn silent(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        match kind {
            Kind::Sandboxes => self.sandboxes.silent(turn, &self.api),
            Kind::Pods => self.pods.silent(turn, &self.api),
            Kind::Events => self.events.silent(turn, &self.api),
            Kind::Namespaces => self.namespaces.silent(turn, &self.api),
            // Followed elsewhere: core/follow.
            Kind::Services | Kind::ApiRules | Kind::VirtualServices | Kind::NetworkPolicies => {}
        }
    }

    /// A page of a list.
    pub fn page(&mut self, turn: &mut Turn<'_>, kind: Kind, result: Result<Response, Fault>) {
        match kind {
            Kind::Sandboxes => {
                let heard = self.sandboxes.page(turn, &self.api, result);
                self.heard_sandboxes(turn, heard);
            }
            Kind::Pods => {
                let heard = self.pods.page(turn, &self.api, result);
                self.heard_pods(turn, heard);
            }
            Kind::Events => {
                let telling = match self.events.heard_at() {
                    None => Telling::Remembered,
                    Some(_) => Telling::Since(self.events.version().clone()),
                };
                let heard = self.events.page(turn, &self.api, result);
                self.heard_events(turn, heard, &telling);
            }
            Kind::Namespaces => {
                let heard = self.namespaces.page(turn, &self.api, result);
                self.heard_namespaces(turn, heard);
            }
            // Followed elsewhere: core/follow.
            Kind::Services | Kind::ApiRules | Kind::VirtualServices | Kind::NetworkPolicies => {}
        }
    }

    /// A line of a watch.
    pub fn line(&mut self, turn: &mut Turn<'_>, watch: WatchId, line: &Body) {
        if self.pods.owns(watch) {
            let heard = self.pods.line(turn, &self.api, watch, line);
            self.heard_pods(turn, heard);
        } else if self.events.owns(watch) {
            let heard = self.events.line(turn, &self.api, watch, line);
            self.heard_events(turn, heard, &Telling::Told);
        } else if self.namespaces.owns(watch) {
            let heard = self.namespaces.line(turn, &self.api, watch, line);
            self.heard_namespaces(turn, heard);
        } else {
            let heard = self.sandboxes.line(turn, &self.api, watch, line);
            self.heard_sandboxes(turn, heard);
        }
    }

    /// The end of a watch.
    pub fn closed(&mut self, turn: &mut Turn<'_>, watch: WatchId, end: WatchEnd) {
        if self.pods.owns(watch) {
            self.pods.closed(turn, &self.api, watch, end);
        } else if self.events.owns(watch) {
            self.events.closed(turn, &self.api, watch, end);
        } else if self.namespaces.owns(watch) {
            self.namespaces.closed(turn, &self.api, watch, end);
        } else {
            self.sandboxes.closed(turn, &self.api, watch, end);
        }
    }

    /// Ends the watches; nothing more is observed.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.sandboxes.stop(turn);
        self.pods.stop(turn);
        self.events.stop(turn);
        self.namespaces.stop(turn);
        self.confirmations.stop(turn);
        self.looks.stop(turn);
        for key in self.executions.stop(turn) {
            turn.note(Note::Stray { object: (&key).into(), reason: "the driver is shutting down before it was deleted".into() });
        }
        self.releases.stop(turn);
        self.overdue.stop(turn);
        self.server.stop(turn);
        self.pod_security.stop(turn);
        if let Some(workspaces) = &mut self.workspaces {
            workspaces.stop(turn);
        }
        self.discovery.stop(turn);
    }

    /// Asks which version of the resource to speak: the one that is spoken is not there, or may be outdated.
    pub fn discover(&mut self, turn: &mut Turn<'_>) {
        self.discovery.ask(turn);
    }

    /// Whether the API server is being asked which versions it serves.
    #[must_use]
    pub const fn is_discovering(&self) -> bool {
        self.discovery.is_asking()
    }

    /// The versions served, or none. What is known stays: the objects are the same in every version.
    pub fn discovered(&mut self, turn: &mut Turn<'_>, result: Result<Response, Fault>) {
        let spoken = self.api.version();
        if let Some(version) = self.discovery.answered(turn, spoken, result).filter(|version| *version != spoken) {
            turn.note(Note::Speaking { version: version.as_str().into() });
            self.api.speak(version);
            self.sandboxes.restart(turn, &self.api);
        }
    }

    /// Begins with what is looked at beside the informers: whether the namespace that everything hangs on lets sandboxes in.
    pub fn begin(&mut self, turn: &mut Turn<'_>, config: &Config) {
        if config.network.is_some() && self.workspaces.is_none() {
            let place = match self.api.scope() {
                Scope::Namespace(namespace) => format!("namespace {namespace}"),
                Scope::Cluster => "namespaces that somebody else makes".into(),
            };
            turn.note(Note::PolicyNotWritten { place });
        }
        if let Scope::Namespace(namespace) = self.api.scope() {
            self.pod_security.begin(turn, namespace.clone());
        }
        if let Some(workspaces) = &self.workspaces {
            workspaces.begin(turn);
        }
        self.begin_choice(turn);
    }

    /// It is time to read what a namespace enforces.
    pub fn read_namespace(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        self.pod_security.due(turn, namespace);
    }

    /// What a namespace enforces has been read, or not.
    pub fn namespace_read(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, result: Result<Response, Fault>) {
        if self.pod_security.answered(turn, namespace, result) == Changed::Sandboxes {
            let refused = |observed: &&Observed| observed.object.namespace() == namespace && observed.is_refused_admission();
            let refused: Vec<ObjectKey> = self.store.objects().filter(refused).map(|observed| observed.object.clone()).collect();
            for key in refused {
                let touched = self.store.retell(&key, view!(self));
                self.tell(turn, touched);
            }
        }
    }

    /// Does something with the namespaces of workspaces, where those are ours to make.
    pub fn with_workspaces(&mut self, act: impl FnOnce(&mut Workspaces)) {
        if let Some(workspaces) = &mut self.workspaces {
            act(workspaces);
        }
    }

    /// Namespaces of workspaces that have become ready, or turned out not to be had, since the last time.
    pub fn take_settled(&mut self) -> BTreeSet<OurNamespace> {
        self.workspaces.as_mut().map(Workspaces::take_settled).unwrap_or_default()
    }

    /// The secrets that workspaces have copies of, as far as they are known.
    pub fn copies(&self) -> impl Iterator<Item = (&str, &SecretData)> {
        self.workspaces.iter().flat_map(Workspaces::copies)
    }

    /// Takes one of those from a recording.
    pub fn put_back(&mut self, name: &str, data: SecretData) {
        self.with_workspaces(|workspaces| workspaces.put_back(name, data));
    }

    /// The namespaces of workspaces, where those are ours to make.
    pub const fn workspaces(&mut self) -> Option<&mut Workspaces> {
        self.workspaces.as_mut()
    }

    /// The API server's version, or the time to ask for it.
    pub const fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// Opens a stream: everything there is, then what has been deleted lately, then what changes.
    pub fn subscribe(&mut self, call: CallId) {
        self.streams.open(call, &self.store);
    }

    /// Which sandboxes have changed since the last time.
    pub fn take_changed(&mut self) -> BTreeSet<SandboxId> {
        std::mem::take(&mut self.changed)
    }

    /// Sends what readers can take.
    pub fn flush(&mut self, turn: &mut Turn<'_>) -> Vec<CallId> {
        self.streams.flush(turn, &self.store)
    }
}
