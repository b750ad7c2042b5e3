//! `metadata`: the parts every object has and we read.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// `metadata.resourceVersion`. Two versions of one object compare as integers; of anything else only equality means something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceVersion(String);

impl ResourceVersion {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the server gave one.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.0.is_empty() && self.0 != "0"
    }

    /// How this version relates to another **of the same object**; `None` where one of them is no integer and they are not equal.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        Some(self.0.parse::<u64>().ok()?.cmp(&other.0.parse::<u64>().ok()?))
    }

    /// Whether this version is known to be older than another of the same object.
    #[must_use]
    pub fn older_than(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Less)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The finalizer of an object that is deleted after what it owns.
pub const FOREGROUND_DELETION: &str = "foregroundDeletion";

/// `metadata` of an object. Labels and annotations are those that concern us; the others are skipped unread.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMeta {
    /// The name.
    pub name: String,
    /// The namespace.
    #[serde(default)]
    pub namespace: String,
    /// The UID.
    pub uid: String,
    /// The version.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// Counts changes of the specification.
    #[serde(default)]
    pub generation: i64,
    /// When it was created, RFC 3339.
    #[serde(default)]
    pub creation_timestamp: String,
    /// When its deletion was asked for; absent while it is not being deleted.
    #[serde(default)]
    pub deletion_timestamp: Option<String>,
    /// Who must agree before it is gone.
    #[serde(default)]
    pub finalizers: Vec<String>,
    /// Our labels.
    #[serde(default)]
    pub labels: OurKeys,
    /// Our annotations.
    #[serde(default)]
    pub annotations: OurKeys,
}

/// The labels or annotations we read. Their names are constants of [`super::path::keys`]; a test holds the two together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OurKeys {
    /// `openshell.ai/managed-by`
    #[serde(rename = "openshell.ai/managed-by")]
    pub managed_by: Option<String>,
    /// `openshell.ai/sandbox-id`
    #[serde(rename = "openshell.ai/sandbox-id")]
    pub sandbox_id: Option<String>,
    /// `openshell.ai/sandbox-name`
    #[serde(rename = "openshell.ai/sandbox-name")]
    pub sandbox_name: Option<String>,
    /// `openshell.ai/sandbox-workspace`
    #[serde(rename = "openshell.ai/sandbox-workspace")]
    pub sandbox_workspace: Option<String>,
    /// `openshell.ai/gateway-id`
    #[serde(rename = "openshell.ai/gateway-id")]
    pub gateway_id: Option<String>,
    /// `kyma.openshell.ai/request-digest`
    #[serde(rename = "kyma.openshell.ai/request-digest")]
    pub request_digest: Option<String>,
    /// `kyma.openshell.ai/token`
    #[serde(rename = "kyma.openshell.ai/token")]
    pub token: Option<String>,
    /// `agents.x-k8s.io/pod-name`
    #[serde(rename = "agents.x-k8s.io/pod-name")]
    pub pod_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kube::path::keys;

    fn version(text: &str) -> ResourceVersion {
        ResourceVersion(text.into())
    }

    #[test]
    fn versions_of_one_object_compare_as_numbers() {
        assert!(version("9").older_than(&version("10")));
        assert!(!version("10").older_than(&version("9")));
        assert_eq!(version("x").compare(&version("x")), Some(Ordering::Equal));
        assert_eq!(version("x").compare(&version("10")), None);
        assert!(!version("").is_known() && !version("0").is_known() && version("1").is_known());
    }

    #[test]
    fn the_keys_read_are_the_keys_written() -> Result<(), serde_json::Error> {
        let names = [
            keys::MANAGED_BY,
            keys::SANDBOX_ID,
            keys::SANDBOX_NAME,
            keys::SANDBOX_WORKSPACE,
            keys::GATEWAY_ID,
            keys::REQUEST_DIGEST,
            keys::TOKEN,
            keys::POD_NAME,
        ];
        let written: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), (*name).into())).collect();
        let read: OurKeys = serde_json::from_value(written.into())?;
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            read,
            OurKeys {
                managed_by: some(keys::MANAGED_BY),
                sandbox_id: some(keys::SANDBOX_ID),
                sandbox_name: some(keys::SANDBOX_NAME),
                sandbox_workspace: some(keys::SANDBOX_WORKSPACE),
                gateway_id: some(keys::GATEWAY_ID),
                request_digest: some(keys::REQUEST_DIGEST),
                token: some(keys::TOKEN),
                pod_name: some(keys::POD_NAME),
            }
        );
        Ok(())
    }
}
