//! What streams are told: sandboxes that have changed, and Events about them.

use super::informer::Heard;
use super::platform_events::platform_event;
use super::state::State;
use super::store::{Became, Touched};
use super::{Cluster, conditions};
use crate::contract::messages::compute as pb;
use crate::core::kube::event::Event;
use crate::core::kube::meta::ResourceVersion;
use crate::core::names::{ObjectName, Uid};
use crate::core::note::Note;
use crate::core::time::{Now, Wall};
use crate::core::turn::Turn;

impl Cluster {
    pub(super) fn tell(&mut self, turn: &mut Turn<'_>, touched: Touched) {
        for (sandbox, chosen) in touched.shared {
            turn.note(Note::SharedSandboxId { sandbox, chosen: (&chosen).into() });
        }
        for became in touched.became {
            turn.note(became.note(turn.now().wall));
        }
        for id in touched.ids {
            self.changed.insert(id.clone());
            self.streams.touched(turn, &self.store, id);
        }
    }

    pub(super) fn heard_events(&mut self, turn: &mut Turn<'_>, heard: Heard<Event>, telling: &Telling) {
        let events = match heard {
            Heard::Nothing | Heard::Unfit(_) | Heard::VersionInDoubt | Heard::Removed(_) => return,
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
            if self.heard_events.is_news(now, &event)
                && is_told
                && let Some(event) = self.tell_event(turn.now(), event)
            {
                self.heard_events.keep(now, event);
            }
        }
    }

    /// Tells the streams of an Event, or gives it back when what it is about has not been seen.
    fn tell_event(&mut self, now: Now, event: Event) -> Option<Event> {
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
        let event = platform_event(now.wall, observed.object.namespace(), &event);
        self.streams.happened(now.mono, pb::WatchSandboxesPlatformEvent { sandbox_id: observed.id.as_str().into(), event: Some(event) });
        None
    }

    pub(super) fn tell_waiting_events(&mut self, turn: &Turn<'_>) {
        if !self.heard_events.is_waiting() {
            return;
        }
        let now = turn.now();
        for (since, event) in self.heard_events.take_waiting(now.mono) {
            if let Some(event) = self.tell_event(now, event) {
                self.heard_events.keep_since(since, event);
            }
        }
    }
}

impl Became {
    /// The same as a fact for log and metrics.
    fn note(self, now: Wall) -> Note {
        let Self { id, name, object, before, now: shown } = self;
        let was = State::of(&before);
        let state = shown.as_deref().map(State::of);
        let ready = shown.as_deref().and_then(ready);
        // A change of state that `Ready` does not tell of has no time of its own.
        let told =
            ready.filter(|ready| self::ready(&before).map(|before| &before.last_transition_time) != Some(&ready.last_transition_time));
        let since = told.and_then(|ready| Wall::parse(&ready.last_transition_time));
        Note::Became {
            sandbox: id,
            name,
            object,
            was,
            state,
            why: ready.filter(|_| state == Some(State::Failed)).map(|ready| ready.message.clone()),
            after_millis: since.map(|since| u64::try_from(now.0.saturating_sub(since.0)).unwrap_or_default()),
        }
    }
}

/// `Ready` of a snapshot.
fn ready(shown: &pb::DriverSandbox) -> Option<&pb::DriverCondition> {
    shown.status.as_ref()?.conditions.iter().find(|condition| condition.r#type == conditions::READY)
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
