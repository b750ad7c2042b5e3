//! Sandboxes that the gateway does not know. Its sweep lists everything and then asks for each sandbox that it has a row of; so what is listed
//! sweep after sweep, and never asked for, has none: its create was cut by the death of a driver or of a gateway, or it came back with a backup.
//! A person is told, once. It is never deleted unasked: the gateway's store may be the one that was set back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sandbox::{Life, Observed};
use super::store::Store;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::note::Note;
use crate::core::time::Mono;
use crate::core::turn::Turn;

/// The sweep that is under way, and what the ones before it have left out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sweeps {
    /// Each sandbox that was listed and has not been asked for since.
    missed: BTreeMap<SandboxId, Missed>,
    course: Course,
    began: Option<Mono>,
}

/// A sandbox that sweeps have left out.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Missed {
    /// How many.
    sweeps: u32,
    reported: Reported,
}

/// Whether a person has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Reported {
    #[default]
    No,
    Yes,
}

/// How a sweep goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// The gateway names a sandbox: it knows it. What was reported is taken back.
    pub fn named(&mut self, turn: &mut Turn<'_>, id: &SandboxId) {
        if self.missed.remove(id).is_some_and(|missed| missed.reported == Reported::Yes) {
            turn.note(Note::Claimed { sandbox: id.clone() });
        }
    }

    /// A question of the gateway could not be answered.
    pub const fn broken(&mut self) {
        self.course = Course::Broken;
    }

    /// The gateway gets a list: a sweep begins, and the one before is over. A list that comes soon after the one before is not the gateway's sweep
    /// but somebody who looks. No more are reported at once than a log can bear, the others with the next sweep.
    pub fn listed(&mut self, turn: &mut Turn<'_>, store: &Store) {
        let now = turn.now().mono;
        if self.began.is_some_and(|began| now.since(began) < limits::SWEEP_MIN) {
            return;
        }
        self.began = Some(now);
        let before = std::mem::replace(&mut self.course, Course::Whole);
        let mut missed = std::mem::take(&mut self.missed);
        let mut reports = 0;
        for id in store.ids() {
            let Some(observed) = store.find(id).filter(|observed| observed.life == Life::Alive) else { continue };
            let mut missed = match (missed.remove(id), before) {
                (Some(missed), Course::Whole) => Missed { sweeps: missed.sweeps.saturating_add(1), ..missed },
                (missed, _) => missed.unwrap_or_default(),
            };
            if missed.is_stray() && missed.reported == Reported::No && reports < limits::STRAYS_REPORTED_MAX {
                reports += 1;
                missed.reported = Reported::Yes;
                turn.note(unclaimed(observed, missed.sweeps));
            }
            self.missed.insert(id.clone(), missed);
        }
    }

    /// How many sandboxes the gateway does not know.
    #[must_use]
    pub fn strays(&self, store: &Store) -> usize {
        self.missed.iter().filter(|(id, missed)| missed.is_stray() && store.find(id).is_some()).count()
    }
}

impl Missed {
    const fn is_stray(&self) -> bool {
        self.sweeps >= limits::SWEEPS_UNNAMED
    }
}

fn unclaimed(observed: &Observed, sweeps: u32) -> Note {
    let object = (&observed.object).into();
    Note::Unclaimed { object, sandbox: observed.id.clone(), name: observed.name.clone(), sweeps }
}
