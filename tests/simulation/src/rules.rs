//! What must be true, each rule a sentence. docs/simulation.md says what each means exactly.

use std::fmt;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each rule's sentence is below, once")]
pub enum Rule {
    OneReply,
    InTime,
    OwnNamespace,
    OwnObjects,
    AskedDeletions,
    AskedCreations,
    AskedChanges,
    StoppedIsStopped,
    StartedIsStarted,
    NoFalseDeleted,
    NoFalseAbsence,
    WholeList,
    NothingTwice,
    Dated,
    Counted,
    Workspaces,
    Credit,
    Secrets,
    Rate,
    CalmCost,
    NoOrphan,
    StrayReported,
    NoFalseStray,
    NoGhost,
    NoStickyError,
    NoLostDeletion,
    Converged,
    Quiet,
    StopEnds,
    Panic,
}

impl Rule {
    /// The sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OneReply => "a call is answered exactly once, and not after its caller hung up",
            Self::InTime => "a call is answered within its bound",
            Self::OwnNamespace => "nothing is written outside the driver's namespace, or to another resource than Sandboxes",
            Self::OwnObjects => "no object that is not this gateway's is changed or deleted",
            Self::AskedDeletions => "nothing is deleted that nobody asked to delete and no failed create left behind",
            Self::AskedCreations => "nothing is created but what a create asked for",
            Self::AskedChanges => "nothing is suspended or resumed that nobody asked for, and never without the version it was seen at",
            Self::StartedIsStarted => "a start is OK only when the sandbox is to run",
            Self::StoppedIsStopped => "a stop is OK only when no pod of the sandbox is there",
            Self::NoFalseDeleted => "a Deleted event is sent only of a sandbox that was there and is gone",
            Self::NoFalseAbsence => "NOT_FOUND and deleted=false are said only of a sandbox that was absent while the call was under way",
            Self::WholeList => "a List has every sandbox there is, and none that has been gone for long",
            Self::NothingTwice => "a snapshot that says nothing new is not sent again on the same stream",
            Self::Dated => "whatever is said to have happened has a time",
            Self::Counted => "once all is quiet, a driver counts what there is, and nothing waits in it",
            Self::Workspaces => "a namespace that is shared has a place for every workspace",
            Self::Credit => "a stream gets no more events than it has credit for",
            Self::Secrets => "no token and no environment value leaves the driver but in the object that needs it",
            Self::Rate => "the API server is not asked more often than there is reason to",
            Self::CalmCost => "in calm weather a create is one POST, a delete one DELETE, and nothing is asked twice",
            Self::NoOrphan => "once all is quiet there is no sandbox without a row",
            Self::StrayReported => "what the gateway does not know is reported within a few of its sweeps, whatever left it behind",
            Self::NoFalseStray => "nothing is reported as unknown to the gateway that it knows",
            Self::NoGhost => "once all is quiet there is no row without a sandbox",
            Self::NoStickyError => "a sandbox that is well is not in Error for ever",
            Self::NoLostDeletion => "a deletion that was accepted happens",
            Self::Converged => "once all is quiet, List, Get and every stream say what the cluster holds",
            Self::Quiet => "once all is quiet, nothing is in flight",
            Self::StopEnds => "a driver told to stop with nothing in flight at the API server ends",
            Self::Panic => "the core does not panic",
        }
    }
}

/// A rule broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When, in milliseconds of the world.
    pub at_ms: u64,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}.{:03} s: {}: {}", self.at_ms / 1_000, self.at_ms % 1_000, self.rule.sentence(), self.detail)
    }
}
