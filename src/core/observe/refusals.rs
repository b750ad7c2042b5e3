//! What the agent-sandbox controller is refused, told as it happens. It writes no Event of it: a quota that is used up or a pod that admission does
//! not let in shows only in the message of its `Ready` condition.

use super::Cluster;
use super::platform_events::warning;
use super::sandbox::{Life, Observed};
use crate::contract::messages::compute as pb;
use crate::core::kube::sandbox::Truth;
use crate::core::territory::ObjectKey;
use crate::core::turn::Turn;

/// What an object says the controller was refused.
#[must_use]
pub fn refusal(observed: &Observed) -> Option<&str> {
    let refused = observed.conditions.iter().find(|condition| condition.kind == "Ready" && condition.reason == "ReconcilerError")?;
    (refused.status != Truth::True && observed.life == Life::Alive).then_some(refused.message.as_str())
}

/// What kind of refusal it is, by what the API server says in each.
#[must_use]
pub fn reason(message: &str) -> &'static str {
    if message.contains("exceeded quota") {
        "QuotaExceeded"
    } else if message.contains("violates PodSecurity") {
        "PodSecurity"
    } else if message.contains("admission webhook") || message.contains("is forbidden") {
        "AdmissionRefused"
    } else if message.contains("is invalid") {
        "PodInvalid"
    } else {
        "ReconcilerError"
    }
}

impl Cluster {
    /// Tells of a refusal that was not there before.
    pub(super) fn tell_refusal(&mut self, turn: &Turn<'_>, key: &ObjectKey, before: &str) {
        let Some(observed) = self.store.get(key) else { return };
        let Some(refused) = refusal(observed).filter(|refused| before != *refused) else { return };
        let event = warning(turn.now().wall, &observed.object, reason(refused), refused);
        let event = pb::WatchSandboxesPlatformEvent { sandbox_id: observed.id.as_str().into(), event: Some(event) };
        self.streams.happened(turn.now().mono, event);
    }
}
