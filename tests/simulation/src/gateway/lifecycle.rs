//! Stop and start, and what a gateway that died in the middle of one does when it is back.

use super::ask::{Ask, Heard, Subject};
use super::row::{Applied, Phase, Row, derive};
use super::{Before, Channel, Gateway, Lifecycle, Looked, Pending, Stage, looked};

impl Gateway {
    pub(super) fn stop(&mut self, now_ms: u64, id: &str) {
        let Some(before) = self.transition(now_ms, id, &[Phase::Ready, Phase::Stopping], Phase::Stopping) else { return };
        let ask = Ask::Stop(subject(&before.row));
        self.ask(ask, Channel::User, Pending::Stop(before));
    }

    pub(super) fn start_sandbox(&mut self, now_ms: u64, id: &str) {
        let Some(before) = self.transition(now_ms, id, &[Phase::Stopped, Phase::Starting], Phase::Starting) else { return };
        let ask = Ask::Start(subject(&before.row));
        self.ask(ask, Channel::User, Pending::Start(before));
    }

    /// Writes a transition; none is begun while another of the same sandbox is under way.
    fn transition(&mut self, now_ms: u64, id: &str, from: &[Phase], to: Phase) -> Option<Before> {
        let busy = self.pending.values().any(|pending| match pending {
            Pending::Stop(before) | Pending::StopRecovery(before) | Pending::Start(before) | Pending::StartRecovery(before) => {
                before.row.id == id
            }
            _ => false,
        });
        let row = self.rows.get_mut(id).filter(|row| !busy && from.contains(&row.phase))?;
        let before = row.clone();
        row.write(to, now_ms);
        Some(Before { row: before, version: row.version })
    }

    pub(super) fn stopped(&mut self, now_ms: u64, before: Before, heard: Heard) {
        self.tell("stop", &heard);
        if heard.is_ok() {
            self.settle(now_ms, &before.row.id, Phase::Stopping, Phase::Stopped);
        } else {
            let ask = Ask::Get(subject(&before.row));
            self.ask(ask, Channel::User, Pending::StopRecovery(before));
        }
    }

    pub(super) fn started(&mut self, before: Before, heard: Heard) {
        self.tell("start", &heard);
        if heard.is_err() {
            let ask = Ask::Get(subject(&before.row));
            self.ask(ask, Channel::User, Pending::StartRecovery(before));
        }
    }

    pub(super) fn lifecycle_recovered(&mut self, now_ms: u64, before: Before, heard: Heard) {
        let Looked::There(snapshot) = looked(&before.row.id, heard) else { return };
        let Some(status) = &snapshot.status else { return };
        let Some(row) = self.rows.get_mut(&before.row.id).filter(|row| row.version == before.version) else { return };
        let going = |c: &crate::driver::contract::messages::compute::DriverCondition| {
            c.r#type == "Suspended" && c.status == "False" && ["PodTerminating", "PodNotTerminated"].contains(&c.reason.as_str())
        };
        if row.phase == Phase::Stopping && status.conditions.iter().any(going) {
            return;
        }
        let found = derive(Some(status));
        let was_stopping = row.phase == Phase::Stopping;
        if found == Phase::Error || (found == Phase::Stopped) == was_stopping {
            let _: Applied = row.apply(&snapshot, now_ms);
        } else {
            self.restore(now_ms, &before);
        }
    }

    /// After the greeting: transitions that were interrupted are asked for again, one after the other.
    pub(super) fn recover(&mut self, now_ms: u64) {
        self.stage = Stage::Recovering;
        self.resume_after(None, now_ms);
    }

    pub(super) fn resumed(&mut self, now_ms: u64, id: &str, heard: Heard) {
        if heard.is_ok() {
            self.settle(now_ms, id, Phase::Stopping, Phase::Stopped);
        }
        self.resume_after(Some(id.to_owned()), now_ms);
    }

    fn resume_after(&mut self, id: Option<String>, now_ms: u64) {
        let interrupted = |row: &&Row| matches!(row.phase, Phase::Stopping | Phase::Starting);
        let next = self.rows.values().filter(interrupted).find(|row| id.as_ref().is_none_or(|id| row.id > *id));
        let Some(row) = next.filter(|_| self.lifecycle == Lifecycle::StopAndStart) else {
            return self.serve(now_ms);
        };
        let (id, subject) = (row.id.clone(), subject(row));
        let ask = if row.phase == Phase::Stopping { Ask::Stop(subject) } else { Ask::Start(subject) };
        self.ask(ask, Channel::Watcher, Pending::Resumed(id));
    }

    fn settle(&mut self, now_ms: u64, id: &str, from: Phase, to: Phase) {
        if let Some(row) = self.rows.get_mut(id).filter(|row| row.phase == from) {
            row.write(to, now_ms);
        }
    }
}

fn subject(row: &Row) -> Subject {
    Subject { id: row.id.clone(), name: row.name.clone() }
}
