//! What the agent-sandbox controller is refused, told as it happens. It writes no Event of it: a quota that is used up or a pod that admission does
//! not let in shows only in the message of its `Ready` condition.

use std::collections::BTreeMap;

use super::Cluster;
use super::birth::SOURCE;
use super::sandbox::{Life, Observed};
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::truncate;
use crate::core::kube::sandbox::Truth;
use crate::core::limits;
use crate::core::territory::ObjectKey;
use crate::core::turn::Turn;

/// What an object says the controller was refused.
#[must_use]
pub fn refusal(observed: &Observed) -> Option<&str> {
    let refused = observed.conditions.iter().find(|condition| condition.kind == "Ready" && condition.reason == "ReconcilerError")?;
    (refused.status != Truth::True && observed.life == Life::Alive).then_some(refused.message.as_str())
}

/// What kind of refusal it is, by what the API server says in each.
fn reason(message: &str) -> &'static str {
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
        let mut message = refused.to_owned();
        truncate(&mut message, limits::CONDITION_MESSAGE_MAX);
        let event = pb::DriverPlatformEvent {
            timestamp_ms: turn.now().wall.0,
            event_time: None,
            source: SOURCE.into(),
            r#type: "Warning".into(),
            reason: reason(&message).into(),
            message,
            metadata: BTreeMap::from([
                ("involved_kind".to_owned(), "Sandbox".to_owned()),
                ("involved_name".to_owned(), observed.object.name().as_str().to_owned()),
            ]),
        };
        let event = pb::WatchSandboxesPlatformEvent { sandbox_id: observed.id.as_str().into(), event: Some(event) };
        self.streams.happened(turn.now().mono, event);
    }
}
