//! A namespace, as far as it is read.

use serde::{Deserialize, Serialize};

use super::meta::ResourceVersion;
use super::path::keys;

/// A namespace as the API server sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NamespaceObject {
    /// Name, UID, version, labels.
    pub metadata: NamespaceMeta,
}

/// `metadata` of a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceMeta {
    /// The name.
    pub name: String,
    /// The UID.
    pub uid: String,
    /// The version.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// When its deletion was asked for; absent while it is not being deleted.
    #[serde(default)]
    pub deletion_timestamp: Option<String>,
    /// The labels that concern us.
    #[serde(default)]
    pub labels: NamespaceLabels,
}

/// The labels of a namespace that are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceLabels {
    /// The Pod Security level that it enforces.
    #[serde(rename = "pod-security.kubernetes.io/enforce")]
    pub enforce: Option<String>,
    /// `openshell.ai/managed-by`
    #[serde(rename = "openshell.ai/managed-by")]
    pub managed_by: Option<String>,
    /// `openshell.ai/gateway-id`
    #[serde(rename = "openshell.ai/gateway-id")]
    pub gateway_id: Option<String>,
    /// `openshell.ai/sandbox-workspace`
    #[serde(rename = "openshell.ai/sandbox-workspace")]
    pub workspace: Option<String>,
}

impl NamespaceObject {
    /// Whose it is, if it is not this gateway's.
    #[must_use]
    pub fn foreign_to(&self, gateway_id: &str) -> Option<String> {
        let labels = &self.metadata.labels;
        match (labels.managed_by.as_deref(), labels.gateway_id.as_deref()) {
            (Some(keys::MANAGED_BY_VALUE), Some(owner)) if owner == gateway_id => None,
            (Some(keys::MANAGED_BY_VALUE), Some(owner)) => Some(format!("gateway {owner}")),
            (Some(manager), _) if manager != keys::MANAGED_BY_VALUE => Some(manager.to_owned()),
            _ => Some("nobody we know".into()),
        }
    }
}
