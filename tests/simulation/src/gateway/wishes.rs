//! What users wish: to create, to delete, to stop and to start; and that they give up.

use crate::driver::contract::messages::compute as pb;

use super::ask::{Ask, Existed, Heard, Said, Subject};
use super::row::{Lost, Phase, Row};
use super::{Act, Alarm, Before, Channel, Gateway, Lifecycle, Looked, Pending, Removal, looked};

/// What a user asks of a gateway.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// A new sandbox. The id is new each time.
    Create {
        /// As the gateway writes it.
        sandbox: Box<pb::DriverSandbox>,
        /// When the user gives up, if ever.
        patience_ms: Option<u64>,
    },
    /// An end of a sandbox.
    Delete(String),
    /// A pause of a sandbox.
    Stop(String),
    /// The end of a pause.
    Start(String),
    /// A provider in a workspace.
    EnsureWorkspace(String),
    /// The end of a workspace.
    DeleteWorkspace(String),
}

impl Gateway {
    /// A user asks for something. Nobody hears a gateway that does not serve.
    pub fn wish(&mut self, now_ms: u64, wish: Wish) {
        if !self.serves() {
            return;
        }
        match wish {
            Wish::Create { sandbox, patience_ms } => {
                let mut checked = sandbox.clone();
                if let Some(spec) = &mut checked.spec {
                    spec.sandbox_token.clear();
                }
                if let Some(patience_ms) = patience_ms {
                    self.later(patience_ms, Alarm::GiveUp(sandbox.id.clone()));
                }
                self.ask(Ask::Validate(checked), Channel::User, Pending::Validate(sandbox));
            }
            Wish::Delete(id) => self.delete(now_ms, &id),
            Wish::Stop(id) if self.lifecycle == Lifecycle::StopAndStart => self.stop(now_ms, &id),
            Wish::Start(id) if self.lifecycle == Lifecycle::StopAndStart => self.start_sandbox(now_ms, &id),
            Wish::Stop(_) | Wish::Start(_) => {}
            Wish::EnsureWorkspace(workspace) => {
                self.ask(Ask::EnsureWorkspace(workspace), Channel::User, Pending::Workspace);
            }
            Wish::DeleteWorkspace(workspace) => {
                self.ask(Ask::DeleteWorkspace(workspace), Channel::User, Pending::Workspace);
            }
        }
    }

    pub(super) fn validated(&mut self, now_ms: u64, sandbox: Box<pb::DriverSandbox>, heard: Heard) {
        self.tell("validate", &heard);
        let taken = self.rows.values().any(|row| row.name == sandbox.name && row.workspace == sandbox.workspace);
        if heard.is_err() || taken {
            return;
        }
        let row = Row::new(&sandbox, now_ms);
        let id = sandbox.id.clone();
        self.rows.insert(id.clone(), row);
        self.ask(Ask::Create(sandbox), Channel::User, Pending::Create(id));
    }

    pub(super) fn created(&mut self, id: &str, heard: Heard) {
        self.tell("create", &heard);
        if heard.is_err() {
            self.remove(id, Removal::CreateFailed);
        }
    }

    /// A user's patience is at an end: whichever of Validate and Create is in flight is cancelled; a row that is there stays.
    pub(super) fn give_up(&mut self, id: &str) {
        let is_it = |pending: &Pending| match pending {
            Pending::Validate(sandbox) => sandbox.id == id,
            Pending::Create(created) => created == id,
            _ => false,
        };
        let in_flight = self.pending.iter().find(|(_, pending)| is_it(pending)).map(|(ticket, _)| *ticket);
        if let Some(ticket) = in_flight {
            self.pending.remove(&ticket);
            self.acts.push(Act::Cancel(ticket));
        }
    }

    fn delete(&mut self, now_ms: u64, id: &str) {
        let Some(row) = self.rows.get_mut(id).filter(|row| row.phase != Phase::Deleting) else { return };
        let before = row.clone();
        row.write(Phase::Deleting, now_ms);
        let before = Before { row: before, version: row.version };
        let subject = Subject { id: row.id.clone(), name: row.name.clone() };
        self.ask(Ask::Delete(subject), Channel::User, Pending::Delete(before));
    }

    pub(super) fn deleted(&mut self, before: Before, heard: Heard) {
        self.tell("delete", &heard);
        match heard {
            Ok(Said::Deleted(Existed::No)) => self.remove(&before.row.id, Removal::WasAbsent),
            Ok(_) => {}
            Err(_) => {
                let subject = Subject { id: before.row.id.clone(), name: before.row.name.clone() };
                self.ask(Ask::Get(subject), Channel::User, Pending::DeleteRecovery(before));
            }
        }
    }

    pub(super) fn delete_recovered(&mut self, now_ms: u64, before: Before, heard: Heard) {
        let id = before.row.id.clone();
        match looked(&id, heard) {
            Looked::There(snapshot) if snapshot.status.is_some() => {
                if let Some(row) = self.rows.get_mut(&id) {
                    row.recover(&snapshot, now_ms);
                }
            }
            Looked::Absent => self.remove(&id, Removal::AbsentAfterFailure),
            Looked::There(_) | Looked::Failed => self.restore(now_ms, &before),
        }
    }

    /// Puts a row back as it was before a transition, unless something else was written meanwhile.
    pub(super) fn restore(&mut self, now_ms: u64, before: &Before) {
        if let Some(row) = self.rows.get_mut(&before.row.id).filter(|row| row.version == before.version) {
            row.lost = if before.row.phase == Phase::Error { before.row.lost } else { Lost::No };
            row.write(before.row.phase, now_ms);
        }
    }
}
