//! What is due when: the only thing that makes time pass in the model.

use crate::controller::StatusWrite;
use crate::kubelet::Step;
use crate::resource::Kind;
use crate::store::Key;
use crate::watch::WatchId;
use std::collections::BTreeMap;

/// Something one of the cluster's own actors will do.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// The controller looks at a Sandbox.
    Reconcile(Key),
    /// The controller puts a Sandbox back into its queue.
    Wake(Key),
    /// The controller ends a reconcile by writing what it found.
    WriteStatus(Box<StatusWrite>),
    /// The scheduler or a kubelet takes a pod's next step.
    Pod { key: Key, uid: String, step: Step, life: u64 },
    /// A node that was lost has its pods evicted.
    EvictLost { node: String },
    /// Kyma's API gateway looks at a rule.
    JudgeApiRule(Key),
    /// The volume binder looks at a claim.
    BindClaim(Key),
    /// The garbage collector looks at an object.
    Collect { kind: Kind, key: Key, uid: String },
    /// The namespace controller empties a namespace.
    EmptyNamespace(String),
    /// The oldest events' time is over.
    ForgetEvents,
    /// A watch is told how far it has come.
    Bookmark(WatchId),
    /// A watch's time is over.
    EndWatch(WatchId),
}

/// Tasks by time, and by order of asking within a millisecond.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<(u64, u64), Task>,
    asked: u64,
}

impl Timers {
    pub fn at(&mut self, when_ms: u64, task: Task) {
        self.asked += 1;
        self.due.insert((when_ms, self.asked), task);
    }

    pub fn next_at(&self) -> Option<u64> {
        self.due.keys().next().map(|(when_ms, _)| *when_ms)
    }

    /// The first task due by `now_ms`, with its time.
    pub fn take_due(&mut self, now_ms: u64) -> Option<(u64, Task)> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now_ms).then(|| {
            let ((when_ms, _), task) = first.remove_entry();
            (when_ms, task)
        })
    }
}
