//! What is proven by a live look before it is believed, and what follows from the proof.

use super::lookups::Finding;
use super::sandbox::{Life, NotOurs, Observed};
use super::{Cluster, pods, view};
use crate::core::io::{Fault, Response};
use crate::core::kube::pod::{Phase, Pod};
use crate::core::kube::sandbox::{OperatingMode, Sandbox};
use crate::core::names::{SandboxId, Uid};
use crate::core::note::Note;
use crate::core::territory::ObjectKey;
use crate::core::time::Mono;
use crate::core::turn::{Question, Turn, Wait};

impl Cluster {
    /// An answer about one object.
    pub fn looked(&mut self, turn: &mut Turn<'_>, question: Question, key: &ObjectKey, result: Result<Response, Fault>) {
        match question {
            Question::IsGone => self.confirmed(turn, key, result),
            Question::HasEnded => self.seen_ended(turn, key, result),
            Question::GoesNow => self.executed(turn, key, result),
            Question::LetsGo => self.released(turn, key, result),
        }
    }

    /// It is time to look at an object again.
    pub fn look_again(&mut self, turn: &mut Turn<'_>, question: Question, key: &ObjectKey) {
        match question {
            Question::IsGone => self.confirmations.due(turn, key),
            Question::HasEnded => self.looks.due(turn, key),
            Question::GoesNow => self.executions.due(turn, key),
            Question::LetsGo => self.releases.due(turn, key),
        }
    }

    /// Asks whether an object still exists, and forgets it when it does not.
    pub fn confirm(&mut self, turn: &mut Turn<'_>, key: ObjectKey) {
        // Once stopped, nobody waits for the answer.
        if self.sandboxes.is_idle() {
            return;
        }
        if let Some(observed) = self.store.get(&key) {
            let (uid, request) = (observed.uid.clone(), self.api.get(&key));
            self.confirmations.ask(turn, key, uid, request);
        }
    }

    fn confirmed(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, result: Result<Response, Fault>) {
        let (asked, response) = match self.confirmations.answered(turn, key, result) {
            Finding::Nothing => return,
            Finding::Absent(uid) => {
                self.forget(turn, key, &uid);
                return;
            }
            Finding::Present(uid, response) => (uid, response),
        };
        let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0) else {
            self.confirmations.try_again(turn, key);
            return;
        };
        match Observed::of(object, &self.api) {
            Ok(observed) => {
                self.confirmations.close(turn, key);
                self.put(turn, observed);
            }
            Err(NotOurs { uid, .. }) if uid == asked => {
                turn.note(Note::Relabelled { object: key.into() });
                self.confirmations.now_and_then(turn, key);
            }
            Err(_) => {
                self.confirmations.close(turn, key);
                self.forget(turn, key, &asked);
            }
        }
    }

    /// Has a live look taken at the pod of a Sandbox that is said to be finished.
    pub(super) fn examine(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        let Some(observed) = self.store.get(key) else { return };
        if !observed.is_finished() || observed.mode != OperatingMode::Running || observed.life == Life::Deleting {
            self.ended.remove(key);
            self.looks.close(turn, key);
        } else if self.ended.get(key).is_none_or(|(uid, _)| *uid != observed.uid) {
            let request = self.api.pod(&observed.pod);
            let uid = observed.uid.clone();
            self.looks.ask(turn, key.clone(), uid, request);
        }
    }

    /// A look at the pod of a Sandbox that is said to be finished. Only a pod that has ended and is not being deleted stays as it is.
    fn seen_ended(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, result: Result<Response, Fault>) {
        let Finding::Present(sandbox, response) = self.looks.answered(turn, key, result) else { return };
        let Ok(pod) = serde_json::from_slice::<Pod>(&response.body.0) else {
            self.looks.try_again(turn, key);
            return;
        };
        self.looks.close(turn, key);
        let ended = matches!(pod.status.phase, Phase::Failed | Phase::Succeeded) && pod.metadata.deletion_timestamp.is_none();
        if ended && pod.controller() == Some(sandbox.as_str()) {
            let how = pods::trouble(&pod)
                .map_or_else(|| "the pod has ended; it is not replaced while it exists".into(), |trouble| trouble.to_string());
            self.ended.insert(key.clone(), (sandbox, how));
            let touched = self.store.retell(key, view!(self));
            self.tell(turn, touched);
        }
    }

    /// The gateway has been told that a sandbox is, or will be, gone. Unless it asks for one of this id again, whatever still comes of it is deleted.
    pub fn condemn(&mut self, turn: &Turn<'_>, id: SandboxId) {
        self.condemned.add(turn.now().mono, id);
    }

    /// The gateway has been told that a sandbox was not created: should it have been, or still be, it is deleted.
    pub fn disown(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, id: &SandboxId) {
        self.condemn(turn, id.clone());
        if self.store.get(key).is_some_and(|known| known.id == *id) {
            self.execute(turn, key);
        }
    }

    /// The gateway wants this sandbox, whatever it wanted of the same id before.
    pub fn pardon(&mut self, id: &SandboxId) {
        self.condemned.remove(id);
    }

    /// The gateway has been told that there is no sandbox of this id, and there has been none.
    pub fn forestall(&mut self, turn: &Turn<'_>, id: SandboxId) {
        self.forestalled.add(turn.now().mono, id);
    }

    /// Whether a create of this id comes too late: its delete has overtaken it.
    #[must_use]
    pub fn is_forestalled(&self, turn: &Turn<'_>, id: &SandboxId) -> bool {
        self.forestalled.has(turn.now().mono, id)
    }

    /// Whether an object of this name and id has been there since, though the API server has none any more. One that the store still has is asked
    /// about.
    pub fn has_come_and_gone(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, id: &SandboxId, since: Mono) -> bool {
        if self.store.get(key).is_some_and(|known| known.id == *id) {
            self.confirm(turn, key.clone());
            return true;
        }
        self.was_told_gone(id, since)
    }

    /// Whether the gateway has been told since that there is no such sandbox any more: it has dropped its row.
    #[must_use]
    pub fn was_told_gone(&self, id: &SandboxId, since: Mono) -> bool {
        self.streams.gone_at(id).is_some_and(|at| at >= since)
    }

    /// Deletes an object whose sandbox the gateway has had deleted already.
    pub(super) fn execute(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        let Some(observed) = self.store.get(key) else { return };
        if observed.life == Life::Deleting || !self.condemned.has(turn.now().mono, &observed.id) {
            self.executions.close(turn, key);
            return;
        }
        let request = self.api.delete(&observed.object, &observed.uid);
        let uid = observed.uid.clone();
        self.executions.ask(turn, key.clone(), uid, request);
    }

    fn executed(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, result: Result<Response, Fault>) {
        match self.executions.answered(turn, key, result) {
            Finding::Nothing => {}
            Finding::Absent(_) => self.confirm(turn, key.clone()),
            Finding::Present(_, response) => {
                turn.note(Note::Undone { object: key.into() });
                self.executions.close(turn, key);
                if let Ok(object) = serde_json::from_slice(&response.body.0) {
                    self.learn(turn, object);
                }
            }
        }
    }

    /// A pod that was refused admission makes its namespace be read again: somebody may have changed it.
    pub(super) fn doubt_namespace(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        if self.store.get(key).is_some_and(|observed| observed.life == Life::Alive && observed.is_refused_admission()) {
            match &mut self.workspaces {
                // The label is ours to keep.
                Some(workspaces) => workspaces.doubt(turn, key.namespace()),
                None => self.pod_security.doubt(turn, key.namespace()),
            }
        }
    }

    /// A sandbox makes the copies in its namespace be kept up to date.
    pub(super) fn inhabit(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        if let (Some(workspaces), Some(observed)) = (&mut self.workspaces, self.store.get(key))
            && let Some(workspace) = &observed.workspace
        {
            workspaces.inhabited(turn, key.namespace(), workspace);
        }
    }

    pub(super) fn forget(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, uid: &Uid) {
        self.departed.add(turn.now().mono, uid.clone());
        self.ended.remove(key);
        self.looks.close(turn, key);
        self.executions.close(turn, key);
        self.releases.close(turn, key);
        for wait in Wait::ALL {
            self.overdue.end(turn, wait, key);
        }
        let touched = self.store.remove(key, uid, view!(self));
        self.tell(turn, touched);
    }
}
