//! The Sandbox resource, as far as it is read: everything but the pod template.

use serde::{Deserialize, Serialize};

use super::meta::ObjectMeta;

/// A Sandbox as the API server sends it. Unknown fields are skipped, so that a newer controller's are no error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sandbox {
    /// Name, UID, versions, our labels and annotations.
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: SandboxSpec,
    /// What the controller has seen; absent until it has.
    #[serde(default)]
    pub status: Option<SandboxStatus>,
}

/// What is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SandboxSpec {
    /// Whether a pod is wanted (v1beta1).
    pub operating_mode: OperatingMode,
    /// How many pods are wanted, none or one (v1alpha1).
    pub replicas: Option<i64>,
}

impl SandboxSpec {
    /// Whether a pod is wanted, in whichever version that is said.
    #[must_use]
    pub fn mode(&self) -> OperatingMode {
        if self.replicas == Some(0) { OperatingMode::Suspended } else { self.operating_mode }
    }
}

/// `spec.operatingMode` (v1beta1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OperatingMode {
    /// A pod is wanted.
    #[default]
    Running,
    /// No pod is wanted; volumes stay.
    Suspended,
}

/// What the controller has seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SandboxStatus {
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// `metav1.Condition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about: `Ready`, `Suspended`, `Finished`, `PodScheduled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Truth,
    /// The `metadata.generation` it was found at.
    #[serde(default)]
    pub observed_generation: i64,
    /// When `status` changed last, RFC 3339.
    #[serde(default)]
    pub last_transition_time: String,
    /// Why, for programs.
    #[serde(default)]
    pub reason: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
}

/// `status` of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It is not known; also what a writer of nonsense is taken for.
    #[serde(other)]
    Unknown,
}
