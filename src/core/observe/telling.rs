//! What streams are told: sandboxes that have changed, and Events about them.

use super::Cluster;
use super::informer::Heard;
use super::platform_events::platform_event;
use super::store::Touched;
use crate::contract::messages::compute as pb;
use crate::core::kube::event::Event;
use crate::core::kube::meta::ResourceVersion;
use crate::core::names::{ObjectName, Uid};
use crate::core::note::Note;
use crate::core::turn::Turn;

impl Cluster {
    pub(super) fn tell(&mut self, turn: &mut Turn<'_>, touched: Touched) {
        for (sandbox, chosen) in touched.shared {
            turn.note(Note::SharedSandboxId { sandbox, chosen: chosen.name().clone() });
        }
        for id in touched.ids {
            self.changed.insert(id.clone());
            self.streams.touched(turn, &self.store, id);
        }
    }

    pub(super) fn heard_events(&mut self, turn: &mut Turn<'_>, heard: Heard<Event>, telling: &Telling) {
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
        let key = self.api.territory().recognise(&about.namespace, ObjectName::parse(name).ok()?)?;
        let sandbox = match about.kind.as_str() {
            "Pod" if self.seen_pods.are_known() => match self.seen_pods.get(&key) {
                Some(pod) if pod.uid.as_str() == about.uid => self.sandbox_of(&key, pod.controller.as_ref().map(Uid::as_str)),
                Some(_) => return None,
                // Not seen yet; an Event of a pod that is gone waits in vain, and is dropped.
                None => return Some(event),
            },
            "Sandbox" => self.store.get(&key).filter(|observed| observed.uid.as_str() == about.uid).map(|observed| observed.object.clone()),
            // Without the right to see pods their names must do.
            _ => Some(key.clone()),
        };
        let Some(observed) = sandbox.and_then(|sandbox| self.store.get(&sandbox)) else {
            // Another object of this name is there, or this one has not been seen yet.
            return self.store.get(&key).is_none().then_some(event);
        };
        self.streams.happened(pb::WatchSandboxesPlatformEvent {
            sandbox_id: observed.id.as_str().into(),
            event: Some(platform_event(observed.object.namespace().as_str(), &event)),
        });
        None
    }

    pub(super) fn tell_waiting_events(&mut self, turn: &Turn<'_>) {
        if !self.heard_events.is_waiting() {
            return;
        }
        for (since, event) in self.heard_events.take_waiting(turn.now().mono) {
            if let Some(event) = self.tell_event(event) {
                self.heard_events.keep_since(since, event);
            }
        }
    }
}

/// What is done with news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Telling {
    /// It happened before we looked: it is only remembered.
    Remembered,
    /// It is told.
    Told,
    /// It is told if it was written after this version.
    Since(ResourceVersion),
}
