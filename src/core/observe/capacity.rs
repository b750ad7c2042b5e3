//! How many GPUs one node has, as the nodes said a while ago.

use serde::{Deserialize, Serialize};

use crate::core::limits;
use crate::core::time::Mono;

/// The most that was found on one node, and when. Only what is there is remembered: what is not may have come since.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Capacity {
    found: Option<(u64, Mono)>,
}

impl Capacity {
    /// Whether a node is known to have as many.
    #[must_use]
    pub fn suffices(&self, count: u64, now: Mono) -> bool {
        self.found.is_some_and(|(most, at)| most >= count && now.since(at) <= limits::CAPACITY_AGE)
    }

    /// Nodes were read.
    pub fn learn(&mut self, most: u64, now: Mono) {
        self.found = Some((most, now));
    }
}
