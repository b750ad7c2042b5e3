//! Where sandboxes live, and whom they may talk to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::kube::peer::Peer;
use crate::core::kube::selector::Selector;
use crate::core::names::Namespace;

/// Where the sandboxes of a workspace live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkspaceMode {
    /// All in one namespace, with the workspace in the object's name.
    #[default]
    Shared,
    /// Each workspace in a namespace of its own, which the driver makes.
    Managed,
    /// Each workspace in the namespace of its name, which somebody else makes, and chooses.
    Operator(Choice),
}

/// How namespaces are chosen for workspaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// By their labels.
    Labelled(Selector),
    /// By a list in a file, which is read for the core.
    Listed,
}

/// Namespaces that a file may list.
const LISTED_MAX: usize = 5_000;

/// Reads a file that lists namespaces: a JSON array of names.
///
/// # Errors
/// Says what is wrong with it.
pub fn listed(text: &str) -> Result<BTreeSet<Namespace>, String> {
    let names: Vec<String> =
        serde_json::from_str(text).map_err(|error| format!("it is not a JSON array of names such as [\"team-a\", \"team-b\"]: {error}"))?;
    if names.len() > LISTED_MAX {
        return Err(format!("it lists {} namespaces; at most {LISTED_MAX} are taken", names.len()));
    }
    names.iter().map(|name| Namespace::parse(name).map_err(|error| error.to_string())).collect()
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
