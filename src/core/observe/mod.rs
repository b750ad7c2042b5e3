//! What the cluster says: an informer a kind fills what is known, and every stream is told what changed in it.
//!
//! Nothing here outlives the process: a new one lists, and is whole. Sandboxes come first; pods and Events, which only say more about them, are
//! listed once those are known, and their failing holds nobody up.

pub mod conditions;
pub mod discovery;
pub mod informer;
pub mod lookups;
pub mod memory;
pub mod platform_events;
pub mod pods;
pub mod sandbox;
pub mod server;
pub mod snapshot;
pub mod store;
pub mod streams;

use std::collections::BTreeSet;
use std::time::Duration;

use self::discovery::Discovery;
use self::informer::{Epoch, Heard, Informer};
use self::lookups::{Finding, Lookups};
use self::memory::Memory;
use self::platform_events::platform_event;
use self::pods::Pods;
use self::sandbox::{Life, NotOurs, Observed};
use self::server::Server;
use self::snapshot::{Ended, View};
use self::store::{Store, Touched};
use self::streams::Streams;
use super::io::{CallId, ExitCode, Fault, Output, Response, WatchEnd, WatchId};
use super::kube::event::Event;
use super::kube::kind::Kind;
use super::kube::meta::ResourceVersion;
use super::kube::path::{ApiVersion, Sandboxes};
use super::kube::pod::{Phase, Pod};
use super::kube::sandbox::{OperatingMode, Sandbox};
use super::limits;
use super::names::{ObjectName, SandboxId, Uid};
use super::note::Note;
use super::secret::Body;
use super::time::Mono;
use super::turn::{Question, Timer, Turn};
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
#[derive(Debug)]
pub struct Cluster {
    api: Sandboxes,
    gateway_id: String,
    sandboxes: Informer<Sandbox>,
    pods: Informer<Pod>,
    events: Informer<Event>,
    store: Store,
    seen_pods: Pods,
    ended: Ended,
    heard_events: platform_events::Heard,
    streams: Streams,
    confirmations: Lookups,
    looks: Lookups,
    /// Deletes of what came after its own end.
    executions: Lookups,
    /// Objects that are gone: an answer that was on its way all the time must not bring them back.
    departed: Memory<Uid>,
    /// Sandboxes whose deletion the gateway asked for: a POST that was on its way all the time must not bring them back.
    condemned: Memory<SandboxId>,
    server: Server,
    discovery: Discovery,
    /// Sandboxes that have changed since somebody asked.
    changed: BTreeSet<SandboxId>,
}

/// What beside an object decides what is told of it. A macro, because it borrows some fields while others change.
macro_rules! view {
    ($cluster:expr) => {
        View { namespace: $cluster.api.namespace(), pods: &$cluster.seen_pods, ended: &$cluster.ended }
    };
}

impl Cluster {
    /// Nothing observed yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            api: Sandboxes::of(ApiVersion::V1Beta1, config.namespace.clone(), &config.gateway_id),
            gateway_id: config.gateway_id.clone(),
            sandboxes: Informer::default(),
            pods: Informer::default(),
            events: Informer::default(),
            store: Store::default(),
            seen_pods: Pods::default(),
            ended: Ended::new(),
            heard_events: platform_events::Heard::default(),
            streams: Streams::default(),
            confirmations: Lookups::new(Question::IsGone),
            looks: Lookups::new(Question::HasEnded),
            executions: Lookups::new(Question::GoesNow),
            departed: Memory::new(limits::DEPARTED_AGE, limits::DEPARTED_MAX),
            condemned: Memory::new(limits::CONDEMNED_AGE, limits::CONDEMNED_MAX),
            server: Server::new(config.pod.supervisor.sideload),
            discovery: Discovery::default(),
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
    pub fn all(&self) -> Vec<&pb::DriverSandbox> {
        self.store.all()
    }

    /// Takes an object that an answer to one of our own requests showed: a caller must read what it wrote.
    pub fn learn(&mut self, turn: &mut Turn<'_>, object: Sandbox) {
        match Observed::of(object, &self.gateway_id) {
            Ok(observed) => {
                let name = observed.object.clone();
                // An answer may be older than what the watch has said since. Of an object that is not known, that may have been its end.
                let heard = self.sandboxes.version();
                let is_news = self.store.get(&name).is_none() && heard.is_known() && !heard.older_than(&observed.version);
                self.put(turn, observed);
                if is_news {
                    self.confirm(turn, name);
                }
            }
            Err(reason) => reason.note(turn),
        }
    }

    /// The gateway has been told that a sandbox is, or will be, gone. Unless it asks for one of this id again, whatever still comes of it is deleted.
    pub fn condemn(&mut self, turn: &Turn<'_>, id: SandboxId) {
        self.condemned.add(turn.now().mono, id);
    }

    /// Asks whether an object still exists, and forgets it when it does not.
    pub fn confirm(&mut self, turn: &mut Turn<'_>, name: ObjectName) {
        // Once stopped, nobody waits for the answer.
        if self.sandboxes.is_idle() {
            return;
        }
        if let Some(observed) = self.store.get(&name) {
            let (uid, request) = (observed.uid.clone(), self.api.get(&name));
            self.confirmations.ask(turn, name, uid, request);
        }
    }

    /// The gateway wants this sandbox, whatever it wanted of the same id before.
    pub fn pardon(&mut self, id: &SandboxId) {
        self.condemned.remove(id);
    }

    /// An informer's timer: begin, or try again.
    pub fn inform(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        match kind {
            Kind::Sandboxes => self.sandboxes.due(turn, &self.api),
            Kind::Pods => self.pods.due(turn, &self.api),
            Kind::Events => self.events.due(turn, &self.api),
        }
    }

    /// A watch has been silent for too long.
    pub fn silent(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        match kind {
            Kind::Sandboxes => self.sandboxes.silent(turn, &self.api),
            Kind::Pods => self.pods.silent(turn, &self.api),
            Kind::Events => self.events.silent(turn, &self.api),
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
        } else {
            self.sandboxes.closed(turn, &self.api, watch, end);
        }
    }

    /// Ends the watches; nothing more is observed.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.sandboxes.stop(turn);
        self.pods.stop(turn);
        self.events.stop(turn);
        self.confirmations.stop(turn);
        self.looks.stop(turn);
        self.executions.stop(turn);
        self.server.stop(turn);
        self.discovery.stop(turn);
    }

    /// Asks which version of the resource to speak: the one that is spoken is not there, or may be outdated.
    pub fn discover(&mut self, turn: &mut Turn<'_>) {
        self.discovery.ask(turn);
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

    /// An answer about one object.
    pub fn looked(&mut self, turn: &mut Turn<'_>, question: Question, name: &ObjectName, result: Result<Response, Fault>) {
        match question {
            Question::IsGone => self.confirmed(turn, name, result),
            Question::HasEnded => self.seen_ended(turn, name, result),
            Question::GoesNow => self.executed(turn, name, result),
        }
    }

    /// It is time to look at an object again.
    pub fn look_again(&mut self, turn: &mut Turn<'_>, question: Question, name: &ObjectName) {
        match question {
            Question::IsGone => self.confirmations.due(turn, name),
            Question::HasEnded => self.looks.due(turn, name),
            Question::GoesNow => self.executions.due(turn, name),
        }
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

    fn confirmed(&mut self, turn: &mut Turn<'_>, name: &ObjectName, result: Result<Response, Fault>) {
        let (asked, response) = match self.confirmations.answered(turn, name, result) {
            Finding::Nothing => return,
            Finding::Absent(uid) => {
                self.forget(turn, name, &uid);
                return;
            }
            Finding::Present(uid, response) => (uid, response),
        };
        let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0) else {
            self.confirmations.try_again(turn, name);
            return;
        };
        match Observed::of(object, &self.gateway_id) {
            Ok(observed) => {
                self.confirmations.close(turn, name);
                self.put(turn, observed);
            }
            Err(NotOurs { uid, .. }) if uid == asked => {
                turn.note(Note::Relabelled { object: name.clone() });
                self.confirmations.now_and_then(turn, name);
            }
            Err(_) => {
                self.confirmations.close(turn, name);
                self.forget(turn, name, &asked);
            }
        }
    }

    /// A look at the pod of a Sandbox that is said to be finished. Only a pod that has ended and is not being deleted stays as it is.
    fn seen_ended(&mut self, turn: &mut Turn<'_>, name: &ObjectName, result: Result<Response, Fault>) {
        let Finding::Present(sandbox, response) = self.looks.answered(turn, name, result) else { return };
        let Ok(pod) = serde_json::from_slice::<Pod>(&response.body.0) else {
            self.looks.try_again(turn, name);
            return;
        };
        self.looks.close(turn, name);
        let ended = matches!(pod.status.phase, Phase::Failed | Phase::Succeeded) && pod.metadata.deletion_timestamp.is_none();
        if ended && pod.controller() == Some(sandbox.as_str()) {
            let how = pods::trouble(&pod).unwrap_or_else(|| "the pod has ended; it is not replaced while it exists".into());
            self.ended.insert(name.clone(), (sandbox, how));
            let touched = self.store.retell(name, view!(self));
            self.tell(turn, touched);
        }
    }

    fn put(&mut self, turn: &mut Turn<'_>, observed: Observed) {
        // Also what says nothing new to the gateway may be what a stop waits for.
        if self.departed.has(turn.now().mono, &observed.uid) {
            return;
        }
        self.changed.insert(observed.id.clone());
        let name = observed.object.clone();
        let touched = self.store.put(observed, view!(self));
        self.tell(turn, touched);
        self.examine(turn, &name);
        self.execute(turn, &name);
        self.tell_waiting_events(turn);
    }

    /// Deletes an object whose sandbox the gateway has had deleted already.
    fn execute(&mut self, turn: &mut Turn<'_>, name: &ObjectName) {
        let Some(observed) = self.store.get(name) else { return };
        if observed.life == Life::Deleting || !self.condemned.has(turn.now().mono, &observed.id) {
            self.executions.close(turn, name);
            return;
        }
        let request = self.api.delete(&observed.object, &observed.uid);
        let uid = observed.uid.clone();
        self.executions.ask(turn, name.clone(), uid, request);
    }

    fn executed(&mut self, turn: &mut Turn<'_>, name: &ObjectName, result: Result<Response, Fault>) {
        match self.executions.answered(turn, name, result) {
            Finding::Nothing => {}
            Finding::Absent(_) => self.confirm(turn, name.clone()),
            Finding::Present(_, response) => {
                turn.note(Note::Undone { object: name.clone() });
                self.executions.close(turn, name);
                if let Ok(object) = serde_json::from_slice(&response.body.0) {
                    self.learn(turn, object);
                }
            }
        }
    }

    /// Has a live look taken at the pod of a Sandbox that is said to be finished.
    fn examine(&mut self, turn: &mut Turn<'_>, name: &ObjectName) {
        let Some(observed) = self.store.get(name) else { return };
        if !observed.is_finished() || observed.mode != OperatingMode::Running || observed.life == Life::Deleting {
            self.ended.remove(name);
            self.looks.close(turn, name);
        } else if self.ended.get(name).is_none_or(|(uid, _)| *uid != observed.uid) {
            let request = self.api.pod(&observed.pod);
            let uid = observed.uid.clone();
            self.looks.ask(turn, name.clone(), uid, request);
        }
    }

    fn forget(&mut self, turn: &mut Turn<'_>, name: &ObjectName, uid: &Uid) {
        self.departed.add(turn.now().mono, uid.clone());
        self.ended.remove(name);
        self.looks.close(turn, name);
        self.executions.close(turn, name);
        let touched = self.store.remove(name, uid, view!(self));
        self.tell(turn, touched);
    }

    fn heard_sandboxes(&mut self, turn: &mut Turn<'_>, heard: Heard<Sandbox>) {
        match heard {
            Heard::Nothing => {}
            Heard::NoApi => self.discovery.ask(turn),
            Heard::Changed(object) => match Observed::of(*object, &self.gateway_id) {
                Ok(observed) => {
                    self.confirmations.close(turn, &observed.object);
                    self.put(turn, observed);
                }
                Err(reason) => reason.note(turn),
            },
            Heard::Removed(object) => {
                if let Ok(name) = ObjectName::parse(&object.metadata.name)
                    && self.store.get(&name).is_some_and(|known| known.uid.as_str() == object.metadata.uid)
                {
                    self.confirm(turn, name);
                }
            }
            Heard::Whole { objects, version, epoch } => self.whole(turn, objects, &version, epoch),
            Heard::Unfit(text) => turn.push(Output::Exit { code: ExitCode::Unfit, text }),
        }
    }

    fn whole(&mut self, turn: &mut Turn<'_>, objects: Vec<Sandbox>, version: &ResourceVersion, epoch: Epoch) {
        let mut listed = Vec::with_capacity(objects.len());
        let mut names = Vec::with_capacity(objects.len());
        for object in objects {
            match Observed::of(object, &self.gateway_id) {
                Ok(observed) => {
                    self.changed.insert(observed.id.clone());
                    names.push(observed.object.clone());
                    // A restore can bring back what was gone.
                    self.departed.remove(&observed.uid);
                    listed.push(observed);
                }
                Err(reason) => reason.note(turn),
            }
        }
        let (touched, vanished) = self.store.replace(listed, version, epoch, view!(self));
        turn.note(Note::Synced { objects: self.store.len() });
        self.tell(turn, touched);
        for name in vanished {
            self.confirm(turn, name);
        }
        for name in names {
            self.examine(turn, &name);
            self.execute(turn, &name);
        }
        // Now, and only once: their own timers take over.
        if self.pods.is_idle() && self.events.is_idle() {
            turn.set(Timer::Informer(Kind::Pods), Mono::default());
            turn.set(Timer::Informer(Kind::Events), Mono::default());
        }
    }

    fn heard_pods(&mut self, turn: &mut Turn<'_>, heard: Heard<Pod>) {
        let now = turn.now().mono;
        let changed: Vec<ObjectName> = match heard {
            Heard::Nothing | Heard::Unfit(_) | Heard::NoApi => {
                let heard_lately = self.pods.heard_at().is_some_and(|at| now.since(at) <= limits::STALE_AFTER);
                if heard_lately || !self.seen_pods.forget_all() {
                    return;
                }
                self.store.names()
            }
            Heard::Changed(pod) => {
                let changed = self.seen_pods.put(&pod);
                changed.and_then(|name| self.sandbox_of(&name, pod.controller())).into_iter().collect()
            }
            Heard::Removed(pod) => {
                let gone = self.seen_pods.remove(now, &pod);
                gone.and_then(|(name, gone)| self.sandbox_of(&name, gone.controller.as_ref().map(Uid::as_str))).into_iter().collect()
            }
            Heard::Whole { objects, .. } => {
                self.seen_pods.replace(now, &objects);
                // Absence means something now, so every sandbox is looked at.
                self.store.names()
            }
        };
        for name in changed {
            if let Some(observed) = self.store.get(&name) {
                self.changed.insert(observed.id.clone());
            }
            let touched = self.store.retell(&name, view!(self));
            self.tell(turn, touched);
        }
        self.tell_waiting_events(turn);
    }

    /// The Sandbox that controls a pod. Nearly always they have one name.
    fn sandbox_of(&self, pod: &ObjectName, controller: Option<&str>) -> Option<ObjectName> {
        let controls = |observed: &&Observed| Some(observed.uid.as_str()) == controller;
        let namesake = self.store.get(pod).filter(controls);
        namesake.or_else(|| self.store.objects().find(controls)).map(|observed| observed.object.clone())
    }

    fn heard_events(&mut self, turn: &mut Turn<'_>, heard: Heard<Event>, telling: &Telling) {
        let events = match heard {
            Heard::Nothing | Heard::Unfit(_) | Heard::NoApi | Heard::Removed(_) => return,
            Heard::Changed(event) => vec![*event],
            Heard::Whole { objects, .. } => objects,
        };
        let now = turn.now().mono;
        for event in events {
            let is_told = match telling {
                Telling::Remembered => false,
                Telling::Told => true,
                Telling::Since(version) => version.compare(&event.metadata.resource_version).is_none_or(std::cmp::Ordering::is_lt),
            };
            if self.heard_events.is_news(&event)
                && is_told
                && let Some(event) = self.tell_event(event)
            {
                self.heard_events.keep(now, event);
            }
        }
    }

    /// Tells the streams of an Event, or gives it back when what it is about has not been seen.
    fn tell_event(&mut self, event: Event) -> Option<Event> {
        let about = &event.involved_object;
        let name = match about.kind.as_str() {
            "Sandbox" | "Pod" => about.name.as_str(),
            // The controller names a claim after its template and its Sandbox.
            "PersistentVolumeClaim" => about.name.strip_prefix("workspace-")?,
            _ => return None,
        };
        let name = ObjectName::parse(name).ok()?;
        let sandbox = match about.kind.as_str() {
            "Pod" if self.seen_pods.are_known() => match self.seen_pods.get(&name) {
                Some(pod) if pod.uid.as_str() == about.uid => self.sandbox_of(&name, pod.controller.as_ref().map(Uid::as_str)),
                Some(_) => return None,
                // Not seen yet; an Event of a pod that is gone waits in vain, and is dropped.
                None => return Some(event),
            },
            "Sandbox" => {
                self.store.get(&name).filter(|observed| observed.uid.as_str() == about.uid).map(|observed| observed.object.clone())
            }
            // Without the right to see pods their names must do.
            _ => Some(name.clone()),
        };
        let Some(observed) = sandbox.and_then(|sandbox| self.store.get(&sandbox)) else {
            // Another object of this name is there, or this one has not been seen yet.
            return self.store.get(&name).is_none().then_some(event);
        };
        self.streams.happened(pb::WatchSandboxesPlatformEvent {
            sandbox_id: observed.id.as_str().into(),
            event: Some(platform_event(self.api.namespace().as_str(), &event)),
        });
        None
    }

    fn tell_waiting_events(&mut self, turn: &Turn<'_>) {
        if !self.heard_events.is_waiting() {
            return;
        }
        for (since, event) in self.heard_events.take_waiting(turn.now().mono) {
            if let Some(event) = self.tell_event(event) {
                self.heard_events.keep_since(since, event);
            }
        }
    }

    fn tell(&mut self, turn: &mut Turn<'_>, touched: Touched) {
        for (sandbox, chosen) in touched.shared {
            turn.note(Note::SharedSandboxId { sandbox, chosen });
        }
        for id in touched.ids {
            self.changed.insert(id.clone());
            self.streams.touched(turn, &self.store, id);
        }
    }
}

/// What is done with news.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Telling {
    /// It happened before we looked: it is only remembered.
    Remembered,
    /// It is told.
    Told,
    /// It is told if it was written after this version.
    Since(ResourceVersion),
}
