//! What is to happen, and when.

use std::collections::BTreeMap;

/// Things to come, by time. What is due at the same moment comes in the order that `tie` decides.
#[derive(Debug)]
pub struct Schedule<E> {
    queue: BTreeMap<(u64, u64, u64), E>,
    entries: u64,
}

impl<E> Default for Schedule<E> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), entries: 0 }
    }
}

impl<E> Schedule<E> {
    /// Adds something at `at_ms`.
    pub fn add(&mut self, at_ms: u64, tie: u64, what: E) {
        self.entries += 1;
        self.queue.insert((at_ms, tie, self.entries), what);
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((at, ..), _)| *at)
    }

    /// Takes the next thing.
    pub fn take(&mut self) -> Option<(u64, E)> {
        self.queue.pop_first().map(|((at, ..), what)| (at, what))
    }
}
