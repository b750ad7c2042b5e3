//! The sweep: a list, then a look at each sandbox known to both sides, then a look at each that the list lacks. What both say is absent, and is old
//! enough, is removed.

use std::collections::{BTreeSet, VecDeque};

use super::ask::{Ask, Heard, Said, Subject};
use super::row::{Applied, Lost, Phase};
use super::{Alarm, Channel, GRACE_MS, Gateway, Looked, Pending, Removal, SWEEP_MS, SWEEP_ROWS, looked};

/// How far a sweep has come.
#[derive(Debug)]
pub enum Sweep {
    /// None is under way.
    Idle,
    /// The list was asked for.
    Listing { began_ms: u64 },
    /// Sandboxes are looked at, one after the other.
    Looking { began_ms: u64, queue: VecDeque<Look> },
}

/// A sandbox to look at.
#[derive(Debug)]
pub struct Look {
    id: String,
    listed: Listed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    Yes,
    No,
}

impl Gateway {
    pub(super) fn begin_sweep(&mut self, now_ms: u64) {
        self.sweep = Sweep::Listing { began_ms: now_ms };
        self.ask(Ask::List, Channel::Watcher, Pending::SweepList);
    }

    fn end_sweep(&mut self) {
        self.sweep = Sweep::Idle;
        self.later(SWEEP_MS, Alarm::Sweep(self.reign));
    }

    pub(super) fn swept_list(&mut self, now_ms: u64, heard: Heard) {
        let Sweep::Listing { began_ms } = self.sweep else { return };
        let Ok(Said::Listed(listed)) = heard else { return self.end_sweep() };
        let there: BTreeSet<String> = listed.into_iter().map(|sandbox| sandbox.id).collect();
        let known = there.iter().filter(|id| self.rows.contains_key(*id));
        let mut queue: VecDeque<Look> = known.map(|id| Look { id: id.clone(), listed: Listed::Yes }).collect();
        let missing = self.rows.keys().take(SWEEP_ROWS).filter(|id| !there.contains(*id));
        queue.extend(missing.map(|id| Look { id: id.clone(), listed: Listed::No }));
        self.sweep = Sweep::Looking { began_ms, queue };
        self.look_at_next(now_ms);
    }

    fn look_at_next(&mut self, now_ms: u64) {
        loop {
            let Sweep::Looking { began_ms, queue } = &mut self.sweep else { return };
            let Some(look) = queue.front() else { return self.end_sweep() };
            let row = self.rows.get(&look.id).filter(|row| row.updated_ms <= *began_ms);
            let due = row.filter(|row| look.listed == Listed::Yes || now_ms.saturating_sub(row.created_ms) >= GRACE_MS);
            if let Some(row) = due {
                let subject = Subject { id: row.id.clone(), name: row.name.clone() };
                let id = subject.id.clone();
                self.ask(Ask::Get(subject), Channel::Watcher, Pending::SweepGet(id));
                return;
            }
            queue.pop_front();
        }
    }

    pub(super) fn swept_get(&mut self, now_ms: u64, id: String, heard: Heard) {
        let Sweep::Looking { began_ms, queue } = &mut self.sweep else { return };
        let Some(look) = queue.pop_front() else { return };
        let unchanged = self.rows.get_mut(&id).filter(|row| row.updated_ms <= *began_ms);
        match (looked(&id, heard), look.listed) {
            (Looked::Failed, _) => return self.end_sweep(),
            (Looked::There(snapshot), _) => {
                if let Some(row) = unchanged
                    && row.apply(&snapshot, now_ms) == Applied::NameChanged
                {
                    return self.end_sweep();
                }
            }
            (Looked::Absent, Listed::Yes) => {}
            (Looked::Absent, Listed::No) => {
                if let Some(row) = unchanged {
                    if matches!(row.phase, Phase::Stopping | Phase::Stopped | Phase::Starting) {
                        row.lost = Lost::ResourceMissing;
                        row.write(Phase::Error, now_ms);
                    } else {
                        self.remove(&id, Removal::Swept);
                    }
                }
            }
        }
        self.look_at_next(now_ms);
    }
}
