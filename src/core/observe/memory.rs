//! What must be remembered of things that are over: answers and requests that were on their way all the time arrive after the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::time::Mono;

/// Keys remembered for a while, the oldest forgotten first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Deserialize<'de> + Ord"))]
pub struct Memory<K> {
    by_key: BTreeMap<K, Mono>,
    by_age: BTreeSet<(Mono, K)>,
    age: Duration,
    most: usize,
}

impl<K: Ord + Clone> Memory<K> {
    /// Remembers a key for `age`, and at most `most` of them.
    #[must_use]
    pub const fn new(age: Duration, most: usize) -> Self {
        Self { by_key: BTreeMap::new(), by_age: BTreeSet::new(), age, most }
    }

    /// Remembers a key from now on.
    pub fn add(&mut self, now: Mono, key: K) {
        self.remove(&key);
        self.by_key.insert(key.clone(), now);
        self.by_age.insert((now, key));
        self.expire(now);
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) {
        if let Some(at) = self.by_key.remove(key) {
            self.by_age.remove(&(at, key.clone()));
        }
    }

    /// Whether a key is remembered.
    #[must_use]
    pub fn has(&self, now: Mono, key: &K) -> bool {
        self.by_key.get(key).is_some_and(|at| now.since(*at) < self.age)
    }

    /// Whether a key is remembered, be it past its age.
    #[must_use]
    pub fn holds(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    /// Since when a key is remembered, be it past its age.
    #[must_use]
    pub fn since(&self, key: &K) -> Option<Mono> {
        self.by_key.get(key).copied()
    }

    /// The keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.by_age.iter().map(|(_, key)| key)
    }

    /// Forgets what is old enough or too much; says when the oldest of the rest will be.
    pub fn expire(&mut self, now: Mono) -> Option<Mono> {
        while let Some((at, key)) = self.by_age.first().cloned() {
            if now.since(at) < self.age && self.by_age.len() <= self.most {
                return Some(at.after(self.age));
            }
            self.remove(&key);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_by_age_and_by_number() {
        let mut memory = Memory::new(Duration::from_millis(100), 2);
        for (at, key) in [(0, "a"), (10, "b"), (20, "c")] {
            memory.add(Mono(at), key);
        }
        assert_eq!(memory.keys().copied().collect::<Vec<_>>(), ["b", "c"]);
        assert!(memory.has(Mono(109), &"b") && !memory.has(Mono(110), &"b"));
        assert_eq!(memory.expire(Mono(115)), Some(Mono(120)));
        memory.remove(&"c");
        assert_eq!(memory.expire(Mono(115)), None);
    }
}
