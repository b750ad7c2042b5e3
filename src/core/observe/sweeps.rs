//! Sandboxes that the gateway does not know. Its sweep lists everything and then asks for each sandbox that it has a row of; so what is listed
//! sweep after sweep, and never asked for, has none: its create was cut by the death of a driver or of a gateway, or it came back with a backup.
//! A person is told, once. It is never deleted unasked: the gateway's store may be the one that was set back.

use std::collections::BTreeMap;

use super::store::Store;
use crate::core::limits;
use crate::core::names::{ObjectName, SandboxId};
use crate::core::note::Note;
use crate::core::observe::sandbox::Life;
use crate::core::turn::Turn;

/// The sweep that is under way, and what the ones before it have left out.
#[derive(Debug, Default)]
pub struct Sweeps {
    /// For each sandbox that was listed and has not been asked for since: the sweeps that did so.
    missed: BTreeMap<SandboxId, u32>,
    course: Course,
}

/// How a sweep goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Course {
    /// None has begun.
    #[default]
    Idle,
    /// So far it has asked for whatever it knows.
    Whole,
    /// One of its questions got no answer, and the gateway gives up a sweep then.
    Broken,
}

impl Sweeps {
    /// The gateway names a sandbox: it knows it.
    pub fn named(&mut self, id: &SandboxId) {
        self.missed.remove(id);
    }

    /// A question of the gateway could not be answered.
    pub fn broken(&mut self) {
        self.course = Course::Broken;
    }

    /// The gateway gets a list: a sweep begins, and the one before is over.
    pub fn listed(&mut self, turn: &mut Turn<'_>, store: &Store) {
        let before = std::mem::replace(&mut self.course, Course::Whole);
        let mut missed = std::mem::take(&mut self.missed);
        for id in store.ids() {
            let Some(observed) = store.find(id).filter(|observed| observed.life == Life::Alive) else { continue };
            let sweeps = match (missed.remove(id), before) {
                (Some(sweeps), Course::Whole) => sweeps.saturating_add(1),
                (sweeps, _) => sweeps.unwrap_or_default(),
            };
            if sweeps == limits::SWEEPS_UNNAMED && before == Course::Whole {
                note(turn, observed.object.name(), id);
            }
            self.missed.insert(id.clone(), sweeps);
        }
    }
}

fn note(turn: &mut Turn<'_>, object: &ObjectName, sandbox: &SandboxId) {
    turn.note(Note::Unclaimed { object: object.clone(), sandbox: sandbox.clone() });
}
