//! What should be over by now: a controller that says nothing, a sandbox that does not get ready, a deletion that does not come to an end.
//!
//! Each is counted from when this process first saw it so, on the clock that never goes back: nobody's wrong clock makes it too early, and a
//! restart makes it later.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::limits;
use crate::core::names::Uid;
use crate::core::territory::ObjectKey;
use crate::core::time::Mono;
use crate::core::turn::{Timer, Turn, Wait};

/// What is waited for, of each object.
#[derive(Debug, Serialize, Deserialize)]
pub struct Overdue {
    /// How long a sandbox may take to get ready; for ever where unset.
    readiness: Option<Duration>,
    objects: BTreeMap<ObjectKey, BTreeMap<Wait, Waiting>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    uid: Uid,
    since: Mono,
    /// How often it has been found to be overdue.
    found: u32,
}

impl Overdue {
    /// Nothing is waited for yet.
    #[must_use]
    pub const fn new(readiness: Option<Duration>) -> Self {
        Self { readiness, objects: BTreeMap::new() }
    }

    const fn patience(&self, wait: Wait) -> Option<Duration> {
        match wait {
            Wait::Controller => Some(limits::CONTROLLER_PATIENCE),
            Wait::Readiness => self.readiness,
            Wait::Collector => Some(limits::COLLECTOR_PATIENCE),
            Wait::End => Some(limits::DELETION_PATIENCE),
        }
    }

    /// From now on this is waited for, if it is not already.
    pub fn begin(&mut self, turn: &mut Turn<'_>, wait: Wait, key: &ObjectKey, uid: &Uid) {
        let Some(patience) = self.patience(wait) else { return };
        let waits = self.objects.entry(key.clone()).or_default();
        if waits.get(&wait).is_some_and(|waiting| waiting.uid == *uid) {
            return;
        }
        let since = turn.now().mono;
        waits.insert(wait, Waiting { uid: uid.clone(), since, found: 0 });
        turn.set(Timer::Overdue(wait, key.clone()), since.after(patience));
    }

    /// It has come, or is of no interest any more.
    pub fn end(&mut self, turn: &mut Turn<'_>, wait: Wait, key: &ObjectKey) {
        let Some(waits) = self.objects.get_mut(key) else { return };
        if waits.remove(&wait).is_some() {
            turn.unset(&Timer::Overdue(wait, key.clone()));
        }
        if waits.is_empty() {
            self.objects.remove(key);
        }
    }

    /// The time for it is up: says how long it has been waited for, and finds so again after twice as long.
    pub fn due(&mut self, turn: &mut Turn<'_>, wait: Wait, key: &ObjectKey) -> Option<Duration> {
        let patience = self.patience(wait)?;
        let now = turn.now().mono;
        let waiting = self.objects.get_mut(key)?.get_mut(&wait)?;
        waiting.found = waiting.found.saturating_add(1);
        let pause = patience.saturating_mul(1u32.checked_shl(waiting.found).unwrap_or(u32::MAX)).min(limits::OVERDUE_PAUSE_MAX);
        turn.set(Timer::Overdue(wait, key.clone()), now.after(pause));
        Some(now.since(waiting.since))
    }

    /// The time for it is up, but nothing can be said about it now.
    pub fn postpone(&self, turn: &mut Turn<'_>, wait: Wait, key: &ObjectKey) {
        turn.set(Timer::Overdue(wait, key.clone()), turn.now().mono.after(limits::OVERDUE_RECHECK));
    }

    /// How long a sandbox had, if it did not get ready in that time.
    #[must_use]
    pub fn given_up(&self, key: &ObjectKey, uid: &Uid) -> Option<Duration> {
        let waiting = self.objects.get(key)?.get(&Wait::Readiness)?;
        self.readiness.filter(|_| waiting.found > 0 && waiting.uid == *uid)
    }

    /// Nothing more is waited for.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        for (key, waits) in std::mem::take(&mut self.objects) {
            for wait in waits.into_keys() {
                turn.unset(&Timer::Overdue(wait, key.clone()));
            }
        }
    }
}
