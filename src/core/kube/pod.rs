//! A pod, as far as it is read.

use serde::{Deserialize, Serialize};

use super::meta::ResourceVersion;
use crate::core::names::SandboxId;

/// A pod as the API server sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pod {
    /// Name, UID, owner.
    pub metadata: PodMeta,
    /// What kubelet and scheduler have seen.
    #[serde(default)]
    pub status: PodStatus,
}

/// `metadata` of a pod.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMeta {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The namespace.
    #[serde(default)]
    pub namespace: String,
    /// The UID.
    pub uid: String,
    /// The version.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// When it was created, RFC 3339.
    #[serde(default)]
    pub creation_timestamp: String,
    /// When its deletion was asked for; absent while it is not being deleted.
    #[serde(default)]
    pub deletion_timestamp: Option<String>,
    /// Who must agree before it is gone.
    #[serde(default)]
    pub finalizers: Vec<String>,
    /// Who owns it.
    #[serde(default)]
    pub owner_references: Vec<OwnerReference>,
    /// Whose supervisor it runs.
    #[serde(default)]
    pub annotations: PodAnnotations,
}

/// The one annotation that is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PodAnnotations {
    /// `openshell.io/sandbox-id`
    #[serde(rename = "openshell.io/sandbox-id", default)]
    pub sandbox_id: Option<String>,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnerReference {
    /// The owner's UID: names and versions may be another's.
    pub uid: String,
    /// Whether the owner is the one that controls it.
    #[serde(default)]
    pub controller: bool,
}

/// `status` of a pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// How far it is.
    pub phase: Phase,
    /// Why it failed as a whole, such as `Evicted`.
    pub reason: String,
    /// The same for people.
    pub message: String,
    /// `PodScheduled` and others.
    pub conditions: Vec<PodCondition>,
    /// Init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Containers.
    pub container_statuses: Vec<ContainerStatus>,
}

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers run.
    #[default]
    Pending,
    /// They do, or some have ended.
    Running,
    /// All have ended well.
    Succeeded,
    /// All have ended, one of them badly.
    Failed,
    /// The node does not say.
    #[serde(other)]
    Unknown,
}

/// A condition of a pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PodCondition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: String,
    /// Why, for programs.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

/// A container's state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ContainerState,
    /// What it did before it was restarted.
    pub last_state: ContainerState,
    /// Whether it is ready; of an init container, whether it is done or, where it runs on, ready.
    pub ready: bool,
}

/// What a container is doing; at most one is there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<Running>,
    /// It has ended.
    pub terminated: Option<Terminated>,
}

/// Why a container waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// For programs.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// That a container runs; since when is not read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Running {}

/// How a container ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// For programs, such as `OOMKilled`.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Its exit code.
    pub exit_code: i64,
}

impl Pod {
    /// The UID of the object that controls it.
    #[must_use]
    pub fn controller(&self) -> Option<&str> {
        self.metadata.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }

    /// Whether it runs the supervisor of this sandbox, whatever controls it.
    #[must_use]
    pub fn is_of(&self, sandbox: &SandboxId) -> bool {
        self.metadata.annotations.sandbox_id.as_deref() == Some(sandbox.as_str())
    }
}
