//! What is made of what an informer heard, a kind at a time.

use super::informer::{Epoch, Heard};
use super::refusals::refusal;
use super::sandbox::Observed;
use super::{Cluster, view};
use crate::core::io::{ExitCode, Output};
use crate::core::kube::kind::Kind;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::pod::Pod;
use crate::core::kube::sandbox::Sandbox;
use crate::core::limits;
use crate::core::names::{ObjectName, Uid};
use crate::core::note::Note;
use crate::core::territory::ObjectKey;
use crate::core::time::Mono;
use crate::core::turn::{Timer, Turn};

impl Cluster {
    pub(super) fn heard_sandboxes(&mut self, turn: &mut Turn<'_>, heard: Heard<Sandbox>) {
        match heard {
            Heard::Nothing => {}
            Heard::VersionInDoubt => self.discovery.ask(turn),
            Heard::Changed(object) => match Observed::of(*object, &self.api) {
                Ok(observed) => {
                    self.confirmations.close(turn, &observed.object);
                    self.put(turn, observed);
                }
                Err(reason) => reason.note(turn),
            },
            Heard::Removed(object) => {
                let name = ObjectName::parse(&object.metadata.name).ok();
                let key = name.and_then(|name| self.api.territory().recognise(&object.metadata.namespace, name));
                if let Some(key) = key.filter(|key| self.store.get(key).is_some_and(|known| known.uid.as_str() == object.metadata.uid)) {
                    self.confirm(turn, key);
                }
            }
            Heard::Whole { objects, version, epoch } => self.whole(turn, objects, &version, epoch),
            Heard::Unfit(text) => turn.push(Output::Exit { code: ExitCode::Unfit, text }),
        }
    }

    fn whole(&mut self, turn: &mut Turn<'_>, objects: Vec<Sandbox>, version: &ResourceVersion, epoch: Epoch) {
        let mut listed = Vec::with_capacity(objects.len());
        let mut keys = Vec::with_capacity(objects.len());
        for object in objects {
            match Observed::of(object, &self.api) {
                Ok(observed) => {
                    self.changed.insert(observed.id.clone());
                    keys.push(observed.object.clone());
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
        for key in vanished {
            self.confirm(turn, key);
        }
        for key in keys {
            self.heed(&key);
            self.examine(turn, &key);
            self.execute(turn, &key);
            self.attend(turn, &key);
            self.inhabit(turn, &key);
            self.doubt_namespace(turn, &key);
        }
        // Now, and only once: their own timers take over.
        if self.pods.is_idle() && self.events.is_idle() {
            turn.set(Timer::Informer(Kind::Pods), Mono::default());
            turn.set(Timer::Informer(Kind::Events), Mono::default());
        }
    }

    pub(super) fn heard_pods(&mut self, turn: &mut Turn<'_>, heard: Heard<Pod>) {
        let now = turn.now().mono;
        let changed: Vec<ObjectKey> = match heard {
            Heard::Nothing | Heard::Unfit(_) | Heard::VersionInDoubt => {
                let heard_lately = self.pods.heard_at().is_some_and(|at| now.since(at) <= limits::STALE_AFTER);
                if heard_lately || !self.seen_pods.forget_all() {
                    return;
                }
                self.store.keys()
            }
            Heard::Changed(pod) => {
                let changed = self.seen_pods.put(self.api.territory(), &pod);
                changed.and_then(|key| self.sandbox_of(&key, pod.controller())).into_iter().collect()
            }
            Heard::Removed(pod) => {
                let gone = self.seen_pods.remove(self.api.territory(), now, &pod);
                gone.and_then(|(key, gone)| self.sandbox_of(&key, gone.controller.as_ref().map(Uid::as_str))).into_iter().collect()
            }
            Heard::Whole { objects, .. } => {
                self.seen_pods.replace(self.api.territory(), now, &objects);
                // Absence means something now, so every sandbox is looked at.
                self.store.keys()
            }
        };
        for key in changed {
            if let Some(observed) = self.store.get(&key) {
                self.changed.insert(observed.id.clone());
            }
            self.follow_birth(turn, &key);
            let touched = self.store.retell(&key, view!(self));
            self.tell(turn, touched);
            self.attend(turn, &key);
        }
        self.tell_waiting_events(turn);
    }

    /// Where the controller has noticed that a pod is gone, that we have is no news any more.
    fn heed(&mut self, key: &ObjectKey) {
        if let Some(observed) = self.store.get(key).filter(|observed| observed.is_unready()) {
            self.seen_pods.is_missed(&observed.uid);
        }
    }

    /// The Sandbox that controls a pod. Nearly always they have one name.
    pub(super) fn sandbox_of(&self, pod: &ObjectKey, controller: Option<&str>) -> Option<ObjectKey> {
        let controls = |observed: &&Observed| Some(observed.uid.as_str()) == controller;
        let namesake = self.store.get(pod).filter(controls);
        namesake.or_else(|| self.store.objects().find(controls)).map(|observed| observed.object.clone())
    }

    /// Takes an object that an answer to one of our own requests showed: a caller must read what it wrote.
    pub fn learn(&mut self, turn: &mut Turn<'_>, object: Sandbox) {
        match Observed::of(object, &self.api) {
            Ok(observed) => {
                let key = observed.object.clone();
                // An answer may be older than what the watch has said since. Of an object that is not known, that may have been its end.
                let heard = self.sandboxes.version();
                let is_news = self.store.get(&key).is_none() && heard.is_known() && !heard.older_than(&observed.version);
                self.sandboxes.seen(&observed.version);
                self.put(turn, observed);
                if is_news {
                    self.confirm(turn, key);
                }
            }
            Err(reason) => reason.note(turn),
        }
    }

    pub(super) fn put(&mut self, turn: &mut Turn<'_>, observed: Observed) {
        // Also what says nothing new to the gateway may be what a stop waits for.
        if self.departed.has(turn.now().mono, &observed.uid) {
            return;
        }
        self.changed.insert(observed.id.clone());
        let key = observed.object.clone();
        let before = self.store.get(&key).filter(|known| known.uid == observed.uid);
        let refused = before.map(|before| refusal(before).unwrap_or_default().to_owned());
        let touched = self.store.put(observed, view!(self));
        self.tell(turn, touched);
        self.heed(&key);
        self.follow_birth(turn, &key);
        if let Some(refused) = refused {
            self.tell_refusal(turn, &key, &refused);
        }
        self.examine(turn, &key);
        self.execute(turn, &key);
        self.attend(turn, &key);
        self.inhabit(turn, &key);
        self.doubt_namespace(turn, &key);
        self.tell_waiting_events(turn);
    }
}
