//! `WatchSandboxes` streams: every reader hears of everything, at its own pace.
//!
//! A stream begins with the full set, then what was deleted lately, then what changes. A sandbox that changes again before its reader takes the
//! event is sent once, as it is then; a deletion is never left out. A snapshot that says nothing new on this stream is not sent: each costs the
//! gateway a database write.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::store::Store;
use crate::contract::messages::compute as pb;
use crate::contract::messages::compute::watch_sandboxes_event::Payload;
use crate::core::io::{CallId, Output};
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::note::Note;
use crate::core::survey::Survey;
use crate::core::time::Mono;
use crate::core::turn::{Timer, Turn};

/// All streams, and the deletions that streams still to come must hear of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Streams {
    open: BTreeMap<CallId, Stream>,
    tombstones: Memory<SandboxId>,
    /// Streams with something to send and a reader to take it.
    ready: BTreeSet<CallId>,
    /// Snapshots that were not sent: a later one was waiting, or the reader knew what they say.
    coalesced: u64,
}

/// Whether a stream has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Stage {
    /// It waits for the store to become whole; credit is kept for it.
    #[default]
    Waiting,
    /// It has been given the full set.
    Begun,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stream {
    stage: Stage,
    credit: u32,
    queue: VecDeque<Next>,
    /// For each sandbox with a snapshot in the queue, which entry of the queue is the one to send.
    waiting: BTreeMap<SandboxId, u64>,
    entries: u64,
    deletions: usize,
    happenings: usize,
    coalesced: u64,
    /// What the reader was told last of each sandbox.
    sent: BTreeMap<SandboxId, Arc<pb::DriverSandbox>>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Next {
    Snapshot { id: SandboxId, entry: u64, since: Since },
    Deleted { id: SandboxId, since: Since },
    Happened { event: Arc<pb::WatchSandboxesPlatformEvent>, since: Since },
}

/// Since when something waits for its reader. What a stream begins with is no news, and has no such time.
type Since = Option<Mono>;

impl Default for Streams {
    fn default() -> Self {
        let tombstones = Memory::new(limits::TOMBSTONE_AGE, limits::TOMBSTONES_MAX);
        Self { open: BTreeMap::new(), tombstones, ready: BTreeSet::new(), coalesced: 0 }
    }
}

impl Streams {
    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Opens a stream with everything the store holds.
    pub fn open(&mut self, call: CallId, store: &Store) {
        let stream = self.open.entry(call).or_default();
        stream.stage = Stage::Begun;
        for id in store.ids() {
            stream.changed(id.clone(), None);
        }
        for id in self.tombstones.keys() {
            stream.queue.push_back(Next::Deleted { id: id.clone(), since: None });
        }
        self.ready.insert(call);
    }

    /// The reader can take more. Credit that comes before the stream is open is kept for it.
    pub fn credit(&mut self, call: CallId, events: u32) {
        let stream = self.open.entry(call).or_default();
        stream.credit = stream.credit.saturating_add(events);
        self.ready.insert(call);
    }

    /// The reader is gone.
    pub fn close(&mut self, call: CallId) {
        self.open.remove(&call);
        self.ready.remove(&call);
    }

    /// Something about this id has changed in the store, or it is gone from it.
    pub fn touched(&mut self, turn: &mut Turn<'_>, store: &Store, id: SandboxId) {
        let since = Some(turn.now().mono);
        if store.shown(&id).is_some() {
            self.tombstones.remove(&id);
            for (call, stream) in self.open.iter_mut().filter(|(_, stream)| stream.stage == Stage::Begun) {
                stream.changed(id.clone(), since);
                self.ready.insert(*call);
            }
            return;
        }
        for (call, stream) in self.open.iter_mut().filter(|(_, stream)| stream.stage == Stage::Begun) {
            stream.gone(id.clone(), since);
            self.ready.insert(*call);
        }
        self.tombstones.add(turn.now().mono, id);
        self.expire(turn);
    }

    /// When this id was last told to be gone, if it has not been there since.
    #[must_use]
    pub fn gone_at(&self, id: &SandboxId) -> Option<Mono> {
        self.tombstones.since(id)
    }

    /// Something happened to a sandbox. A reader that is far behind misses some: unlike a state, they are only told to whoever looks on.
    pub fn happened(&mut self, now: Mono, event: pb::WatchSandboxesPlatformEvent) {
        let event = Arc::new(event);
        for (call, stream) in self.open.iter_mut().filter(|(_, stream)| stream.stage == Stage::Begun) {
            if stream.happenings < limits::STREAM_HAPPENINGS_MAX {
                stream.happenings += 1;
                stream.queue.push_back(Next::Happened { event: Arc::clone(&event), since: Some(now) });
                self.ready.insert(*call);
            }
        }
    }

    /// Counts what waits and what did not have to be sent.
    pub fn survey(&self, survey: &mut Survey) {
        survey.events_waiting = self.open.values().map(|stream| stream.queue.len()).sum();
        survey.tombstones = self.tombstones.keys().count();
        survey.coalesced = self.coalesced;
    }

    /// Forgets deletions that are old enough, and asks to be called for the next.
    pub fn expire(&mut self, turn: &mut Turn<'_>) {
        match self.tombstones.expire(turn.now().mono) {
            Some(at) => turn.set(Timer::Tombstones, at),
            None => turn.unset(&Timer::Tombstones),
        }
    }

    /// Sends what readers can take. Says which readers are too far behind to go on.
    pub fn flush(&mut self, turn: &mut Turn<'_>, store: &Store) -> Vec<CallId> {
        let mut behind = Vec::new();
        for call in std::mem::take(&mut self.ready) {
            let Some(stream) = self.open.get_mut(&call) else { continue };
            let (now, mut late, mut longest) = (turn.now().mono, 0, 0);
            while stream.credit > 0
                && let Some((payload, since)) = stream.next(store)
            {
                stream.credit -= 1;
                turn.push(Output::Event { call, event: pb::WatchSandboxesEvent { payload: Some(payload) } });
                if let Some(since) = since.filter(|since| *since < now) {
                    late += 1;
                    longest = longest.max(u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX));
                }
            }
            self.coalesced += std::mem::take(&mut stream.coalesced);
            if late > 0 {
                turn.note(Note::ReaderWaitedFor { call, events: late, millis: longest });
            }
            if stream.deletions > limits::STREAM_QUEUE_MAX {
                turn.note(Note::ReaderTooSlow { call });
                behind.push(call);
            }
        }
        behind
    }
}

impl Stream {
    fn changed(&mut self, id: SandboxId, since: Since) {
        if self.waiting.contains_key(&id) {
            self.coalesced += 1;
            return;
        }
        self.entries += 1;
        self.waiting.insert(id.clone(), self.entries);
        self.queue.push_back(Next::Snapshot { id, entry: self.entries, since });
    }

    /// A snapshot that is still queued must not go out after the deletion, should the id come back: it is disowned, and a new one queued then.
    fn gone(&mut self, id: SandboxId, since: Since) {
        self.waiting.remove(&id);
        self.sent.remove(&id);
        self.deletions += 1;
        self.queue.push_back(Next::Deleted { id, since });
    }

    fn next(&mut self, store: &Store) -> Option<(Payload, Since)> {
        loop {
            match self.queue.pop_front()? {
                Next::Happened { event, since } => {
                    self.happenings = self.happenings.saturating_sub(1);
                    return Some((Payload::PlatformEvent(Arc::unwrap_or_clone(event)), since));
                }
                Next::Deleted { id, since } => {
                    self.deletions = self.deletions.saturating_sub(1);
                    return Some((Payload::Deleted(pb::WatchSandboxesDeletedEvent { sandbox_id: id.as_str().into() }), since));
                }
                Next::Snapshot { id, entry, since } => {
                    if self.waiting.get(&id) != Some(&entry) {
                        continue;
                    }
                    self.waiting.remove(&id);
                    let Some(shown) = store.shown(&id) else { continue };
                    let before = self.sent.insert(id, Arc::clone(shown));
                    if before.is_none_or(|before| before != *shown) {
                        let sandbox = Some(pb::DriverSandbox::clone(shown));
                        return Some((Payload::Sandbox(pb::WatchSandboxesSandboxEvent { sandbox }), since));
                    }
                    self.coalesced += 1;
                }
            }
        }
    }
}
