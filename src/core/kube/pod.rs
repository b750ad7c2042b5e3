//! A pod, as far as it is read.

use serde::Deserialize;

/// A pod as the API server sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct Pod {
    /// Name, UID, owner.
    pub metadata: PodMeta,
}

/// `metadata` of a pod.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMeta {
    /// The UID.
    pub uid: String,
    /// Who owns it.
    #[serde(default)]
    pub owner_references: Vec<OwnerReference>,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, Deserialize)]
pub struct OwnerReference {
    /// The owner's UID: names and versions may be another's.
    pub uid: String,
    /// Whether the owner is the one that controls it.
    #[serde(default)]
    pub controller: bool,
}

impl Pod {
    /// The UID of the object that controls it.
    #[must_use]
    pub fn controller(&self) -> Option<&str> {
        self.metadata.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }
}
