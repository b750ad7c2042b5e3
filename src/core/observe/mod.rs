//! What the cluster says: one informer fills one store, and every stream is told what changed in it.
//!
//! Nothing here outlives the process: a new one lists, and is whole.

pub mod conditions;
pub mod confirm;
pub mod informer;
pub mod sandbox;
pub mod server;
pub mod store;
pub mod streams;

use std::collections::BTreeSet;
use std::time::Duration;

use self::confirm::{Confirmations, Finding};
use self::informer::{Heard, Informer};
use self::sandbox::Observed;
use self::server::Server;
use self::store::{Store, Touched};
use self::streams::Streams;
use super::io::{CallId, ExitCode, Fault, Output, Response, WatchEnd, WatchId};
use super::kube::path::{ApiVersion, Sandboxes};
use super::kube::sandbox::Sandbox;
use super::limits;
use super::names::{ObjectName, SandboxId};
use super::note::Note;
use super::secret::Body;
use super::turn::Turn;
use crate::config::Config;

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
    informer: Informer,
    store: Store,
    streams: Streams,
    confirmations: Confirmations,
    server: Server,
    /// Sandboxes that have changed since somebody asked.
    changed: BTreeSet<SandboxId>,
}

impl Cluster {
    /// Nothing observed yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            api: Sandboxes::of(ApiVersion::V1Beta1, config.namespace.clone(), &config.gateway_id),
            gateway_id: config.gateway_id.clone(),
            informer: Informer::default(),
            store: Store::default(),
            streams: Streams::default(),
            confirmations: Confirmations::default(),
            server: Server::new(config.pod.supervisor.sideload),
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
        match self.informer.heard_at() {
            None => Freshness::Cold(self.informer.trouble().to_owned()),
            Some(at) => {
                let age = turn.now().mono.since(at);
                if age > limits::STALE_AFTER { Freshness::Stale(age, self.informer.trouble().to_owned()) } else { Freshness::Fresh }
            }
        }
    }

    /// What is known of a sandbox.
    #[must_use]
    pub fn find(&self, id: &SandboxId) -> Option<&Observed> {
        self.store.find(id)
    }

    /// Every sandbox, by name and then id.
    #[must_use]
    pub fn all(&self) -> Vec<&Observed> {
        self.store.all()
    }

    /// Takes an object that an answer to one of our own requests showed: a caller must read what it wrote.
    pub fn learn(&mut self, turn: &mut Turn<'_>, object: Sandbox) {
        match Observed::of(object, &self.gateway_id) {
            Ok(observed) => {
                self.put(turn, observed);
            }
            Err(reason) => reason.note(turn),
        }
    }

    /// Asks whether an object still exists, and forgets it when it does not.
    pub fn confirm(&mut self, turn: &mut Turn<'_>, name: ObjectName) {
        if let Some(observed) = self.store.get(&name) {
            let uid = observed.uid.clone();
            self.confirmations.ask(turn, &self.api, name, uid);
        }
    }

    /// The Sandbox informer's timer: begin, or try again.
    pub fn inform(&mut self, turn: &mut Turn<'_>) {
        self.informer.due(turn, &self.api);
    }

    /// The watch has been silent for too long.
    pub fn silent(&mut self, turn: &mut Turn<'_>) {
        self.informer.silent(turn, &self.api);
    }

    /// A page of the list.
    pub fn page(&mut self, turn: &mut Turn<'_>, result: Result<Response, Fault>) {
        let heard = self.informer.page(turn, &self.api, result);
        self.heard(turn, heard);
    }

    /// A line of a watch.
    pub fn line(&mut self, turn: &mut Turn<'_>, watch: WatchId, line: &Body) {
        let heard = self.informer.line(turn, &self.api, watch, line);
        self.heard(turn, heard);
    }

    /// The end of a watch.
    pub fn closed(&mut self, turn: &mut Turn<'_>, watch: WatchId, end: WatchEnd) {
        let heard = self.informer.closed(turn, &self.api, watch, end);
        self.heard(turn, heard);
    }

    /// Ends the watch; nothing more is observed.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.informer.stop(turn);
        self.confirmations.stop(turn);
        self.server.stop(turn);
    }

    /// An answer about an object that may be gone.
    pub fn confirmed(&mut self, turn: &mut Turn<'_>, name: &ObjectName, result: Result<Response, Fault>) {
        match self.confirmations.answered(turn, &self.api, name, result) {
            Finding::Nothing => {}
            Finding::Gone(uid) => {
                let touched = self.store.remove(name, &uid);
                self.tell(turn, touched);
            }
            Finding::Alive { asked, object } => match Observed::of(*object, &self.gateway_id) {
                Ok(observed) => {
                    self.confirmations.forget(turn, &self.api, name);
                    self.put(turn, observed);
                }
                Err(sandbox::NotOurs { uid, .. }) if uid == asked => {
                    turn.note(Note::Relabelled { object: name.clone() });
                    self.confirmations.again_later(turn, name);
                }
                Err(_) => {
                    self.confirmations.forget(turn, &self.api, name);
                    let touched = self.store.remove(name, &asked);
                    self.tell(turn, touched);
                }
            },
        }
    }

    /// It is time to ask again about an object that may be gone.
    pub fn confirm_again(&mut self, turn: &mut Turn<'_>, name: &ObjectName) {
        self.confirmations.due(turn, &self.api, name);
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

    fn put(&mut self, turn: &mut Turn<'_>, observed: Observed) {
        // Also what says nothing new to the gateway may be what a stop waits for.
        self.changed.insert(observed.id.clone());
        let touched = self.store.put(observed);
        self.tell(turn, touched);
    }

    fn heard(&mut self, turn: &mut Turn<'_>, heard: Heard) {
        match heard {
            Heard::Nothing => {}
            Heard::Changed(object) => match Observed::of(*object, &self.gateway_id) {
                Ok(observed) => {
                    self.confirmations.forget(turn, &self.api, &observed.object);
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
            Heard::Whole { objects, epoch } => self.whole(turn, objects, epoch),
            Heard::Unfit(text) => turn.push(Output::Exit { code: ExitCode::Unfit, text }),
        }
    }

    fn whole(&mut self, turn: &mut Turn<'_>, objects: Vec<Sandbox>, epoch: informer::Epoch) {
        let mut listed = Vec::with_capacity(objects.len());
        for object in objects {
            match Observed::of(object, &self.gateway_id) {
                Ok(observed) => {
                    self.changed.insert(observed.id.clone());
                    listed.push(observed);
                }
                Err(reason) => reason.note(turn),
            }
        }
        let (touched, vanished) = self.store.replace(listed, epoch);
        turn.note(Note::Synced { objects: self.store.len() });
        self.tell(turn, touched);
        for name in vanished {
            self.confirm(turn, name);
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
