//! What the loop keeps for those who run the driver: numbers, readiness, and what the next line of the log needs.

use tokio::time::Instant;

use crate::contract::messages::compute::WatchSandboxesEvent;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, Reply};
use crate::core::note::Note;
use crate::shell::log::fact;
use crate::shell::ops::metrics::Metrics;
use crate::shell::ops::readiness::Readiness;

/// What the loop keeps for those who run the driver.
pub(super) struct Records {
    pub(super) metrics: Metrics,
    pub(super) readiness: Readiness,
    /// When the news was read that the core is being told, if it is news of the API server's.
    pub(super) cause: Option<Instant>,
    /// What the gateway was told last, when that was a refusal: the note that the call has ended follows it.
    refusal: Option<(CallId, Status)>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self { metrics: Metrics::new(), readiness: Readiness::default(), cause: None, refusal: None }
    }

    /// Takes a fact of the core's.
    pub(super) fn note(&mut self, note: &Note) {
        fact::tell(note, self.refusal.as_ref());
        self.metrics.note(note);
        self.readiness.note(note);
    }

    /// A call is answered.
    pub(super) fn reply(&mut self, call: CallId, reply: &Result<Reply, Status>) {
        self.refusal = reply.as_ref().err().map(|status| (call, status.clone()));
    }

    /// A stream is given an event.
    pub(super) fn event(&mut self, event: &WatchSandboxesEvent) {
        self.metrics.event(event, self.cause.map(|at| at.elapsed()));
    }
}
