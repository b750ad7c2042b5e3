//! What the gateway is told of a sandbox.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::conditions::{self, End};
use super::overdue::Overdue;
use super::pod_security::PodSecurity;
use super::pods::{Pods, Sight};
use super::sandbox::{Life, Observed};
use crate::contract::messages::compute as pb;
use crate::core::names::{SandboxId, Uid};
use crate::core::territory::ObjectKey;

/// Sandboxes of which a live look has shown that their pod has ended for good: the object's key, its UID, and how the pod ended.
pub type Ended = BTreeMap<ObjectKey, (Uid, String)>;

/// What else is to be said of sandboxes: a condition each, by its type.
pub type Remarks = BTreeMap<SandboxId, BTreeMap<Cow<'static, str>, pb::DriverCondition>>;

/// The remark that says that a sandbox's token is lost.
pub const TOKEN: &str = "Token";

/// What beside the object itself decides what is told.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Pods.
    pub pods: &'a Pods,
    /// Sandboxes that are lost.
    pub ended: &'a Ended,
    /// What else is to be said.
    pub remarks: &'a Remarks,
    /// Sandboxes that did not get ready in time.
    pub overdue: &'a Overdue,
    /// What namespaces enforce.
    pub pod_security: &'a PodSecurity,
}

impl View<'_> {
    /// What the gateway is told of a sandbox.
    #[must_use]
    pub fn snapshot(&self, observed: &Observed) -> pb::DriverSandbox {
        let sight = self.pods.of(&observed.pod, &observed.uid);
        let end = match self.ended.get(&observed.object) {
            Some((uid, how)) if *uid == observed.uid => End::Proven(how),
            _ => self.overdue.given_up(&observed.object, &observed.uid).map_or(End::NotProven, End::GivenUp),
        };
        let deleting = observed.life == Life::Deleting;
        let conditions = if deleting {
            conditions::leaving(&observed.conditions)
        } else {
            let mut conditions = conditions::normalise(observed.generation, observed.mode, &observed.conditions, sight, end);
            let refused = observed.is_refused_admission();
            if let Some(why) = refused.then(|| self.pod_security.explanation(observed.object.namespace())).flatten() {
                conditions = conditions::explained(conditions, &why);
            }
            // A remark alone would be a status without Ready, from which the gateway would derive a phase.
            if let (Some(remarks), false) = (self.remarks.get(&observed.id), conditions.is_empty()) {
                // Of a pod that waits for a Secret that will never come, kubelet and controller say only that it waits.
                let waits = !matches!(sight, Sight::Present(pod) if pod.trouble.is_some());
                if let (Some(lost), true) = (remarks.get(TOKEN), waits)
                    && let Some(ready) = conditions.iter_mut().find(|it| it.r#type == "Ready" && it.reason == "DependenciesNotReady")
                {
                    ready.message.clone_from(&lost.message);
                }
                conditions.extend(remarks.values().cloned());
            }
            conditions
        };
        pb::DriverSandbox {
            id: observed.id.as_str().into(),
            name: observed.name.as_str().into(),
            namespace: observed.object.namespace().as_str().into(),
            workspace: observed.workspace.as_ref().map(|workspace| workspace.as_str().into()).unwrap_or_default(),
            spec: None,
            // Without conditions the gateway keeps the phase it has, which is right for an object the controller has not seen; but a deletion is
            // never kept from it.
            status: (deleting || !conditions.is_empty()).then(|| pb::DriverSandboxStatus {
                sandbox_name: observed.object.name().as_str().into(),
                instance_id: observed.pod.name().as_str().into(),
                conditions,
                deleting,
                ..pb::DriverSandboxStatus::default()
            }),
        }
    }

    /// Whether the pod of a sandbox is there, and is not on its way out.
    #[must_use]
    pub fn has_living_pod(&self, observed: &Observed) -> bool {
        matches!(self.pods.of(&observed.pod, &observed.uid), Sight::Present(pod) if pod.life == Life::Alive)
    }
}
