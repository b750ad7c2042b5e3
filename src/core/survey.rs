//! How much there is of everything: what a person looks at when something is full or slow. Counted when asked for, never in passing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::io::Rpc;
use super::kube::kind::Kind;
use super::observe::state::State;

/// How much there is of everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Survey {
    /// Sandboxes the gateway is told of, by what they are doing.
    pub sandboxes: BTreeMap<State, usize>,
    /// Of these, those the gateway has not asked for in several sweeps.
    pub unclaimed: usize,
    /// Objects kept, by kind.
    pub objects: BTreeMap<Kind, usize>,
    /// Milliseconds since a kind was last heard of; a kind of which nothing has been heard yet is missing.
    pub heard_millis: BTreeMap<Kind, u64>,
    /// Calls in flight. A create that goes on after its caller was answered is one.
    pub calls: BTreeMap<Rpc, usize>,
    /// Exchanges under way.
    pub exchanges: usize,
    /// Live looks at single objects that wait for one of those under way.
    pub lookups_waiting: usize,
    /// Entries of all streams that wait for their readers.
    pub events_waiting: usize,
    /// Kubernetes Events that wait for what they are about to be seen.
    pub happenings_waiting: usize,
    /// Deletions remembered for streams still to come.
    pub tombstones: usize,
    /// Observations, since the start, that changed nothing of what the gateway is told.
    pub unchanged: u64,
    /// Snapshots, since the start, that were not sent because a later one was waiting or the reader knew them.
    pub coalesced: u64,
}
