//! Where sandboxes live, and whom they may talk to.

use serde::{Deserialize, Serialize};

use crate::core::kube::peer::Peer;

/// Where the sandboxes of a workspace live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkspaceMode {
    /// All in one namespace, with the workspace in the object's name.
    #[default]
    Shared,
    /// Each workspace in a namespace of its own, which the driver makes.
    Managed,
}

impl WorkspaceMode {
    /// Whether there is one namespace.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        *self == Self::Shared
    }
}

/// What sandboxes may reach, and what may reach them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRules {
    /// Where the gateway is, if it is not among what is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Peer>,
    /// What sandboxes may reach beside it and DNS.
    #[serde(default)]
    pub egress: Vec<Peer>,
    /// What may reach sandboxes.
    #[serde(default)]
    pub ingress: Vec<Peer>,
}
