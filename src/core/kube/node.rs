//! What is read of a node: how much of something a pod on it could get.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::core::admit::quantity::Quantity;

/// A node, in part.
#[derive(Debug, Deserialize)]
pub struct Node {
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    allocatable: BTreeMap<String, String>,
}

impl Node {
    /// How many of a resource it has for pods; none while it is cordoned.
    #[must_use]
    pub fn count(&self, resource: &str) -> u64 {
        let written = self.status.allocatable.get(resource).filter(|_| !self.spec.unschedulable);
        written.and_then(|text| Quantity::parse(text).ok()).and_then(|amount| amount.whole()).unwrap_or(0)
    }
}
