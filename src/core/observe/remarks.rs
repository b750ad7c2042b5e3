//! What other machines have to say of a sandbox: conditions beside the controller's, and what happened.

use super::{Cluster, view};
use crate::contract::messages::compute as pb;
use crate::core::names::SandboxId;
use crate::core::secret::Secret;
use crate::core::turn::Turn;

impl Cluster {
    /// Says something of a sandbox from now on, or no more.
    pub fn remark(&mut self, turn: &mut Turn<'_>, id: &SandboxId, kind: &'static str, condition: Option<pb::DriverCondition>) {
        let remarks = self.remarks.entry(id.clone()).or_default();
        let is_news = remarks.get(kind) != condition.as_ref();
        match condition {
            Some(condition) => drop(remarks.insert(kind.into(), condition)),
            None => drop(remarks.remove(kind)),
        }
        if remarks.is_empty() {
            self.remarks.remove(id);
        }
        if !is_news {
            return;
        }
        if let Some(name) = self.store.find(id).map(|observed| observed.object.clone()) {
            let touched = self.store.retell(&name, view!(self));
            for id in touched.ids {
                self.streams.touched(turn, &self.store, id);
            }
        }
    }

    /// Takes the token of a sandbox that has just been created, for whoever stores it.
    pub fn entrust(&mut self, id: SandboxId, token: Secret) {
        self.entrusted.push((id, token));
    }

    /// Hands out what has been entrusted since the last time.
    pub fn take_entrusted(&mut self) -> Vec<(SandboxId, Secret)> {
        std::mem::take(&mut self.entrusted)
    }

    /// Something happened to a sandbox.
    pub fn happened(&mut self, turn: &Turn<'_>, event: pb::WatchSandboxesPlatformEvent) {
        self.streams.happened(turn.now().mono, event);
    }
}
