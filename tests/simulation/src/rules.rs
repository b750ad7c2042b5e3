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
    Truthful,
    Tombstones,
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
    DeletionEnds,
    Converged,
    Quiet,
    StopEnds,
    Fresh,
    Followed,
    Capacity,
    Obeys,
    GivesUp,
    CalmCalls,
    Panic,
}

impl Rule {
    /// The sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OneReply => "a call is answered exactly once, and not after its caller hung up",
            Self::InTime => "a call is answered within its bound",
            Self::OwnNamespace => "nothing is written outside the driver's namespaces, or to another resource than its settings ask for",
            Self::OwnObjects => "no object that is not this gateway's is changed or deleted, and none is deleted but by its UID",
            Self::AskedDeletions => "nothing is deleted that nobody asked to delete and no failed create left behind",
            Self::AskedCreations => "nothing is created but what a create asked for, and not again when it has come and gone",
            Self::AskedChanges => {
                "nothing is suspended or resumed that nobody asked for, or that is being deleted, and never without the version it was seen at"
            }
            Self::StartedIsStarted => "a start is OK only when the sandbox is to run, and stays",
            Self::StoppedIsStopped => "a stop is OK only when no pod of the sandbox is there, and its controller has acted",
            Self::NoFalseDeleted => "a Deleted event is sent only of a sandbox that was there and is gone",
            Self::NoFalseAbsence => {
                "NOT_FOUND and deleted=false are said only of a sandbox that was absent while the call was under way, and is not being created"
            }
            Self::WholeList => "a List has every sandbox there is, and none that has been gone for long",
            Self::NothingTwice => "a snapshot that says nothing new is not sent again on the same stream",
            Self::Truthful => "what is said of a sandbox is what its driver was shown of it last",
            Self::Tombstones => "a stream is told what is gone of all that its driver has told of",
            Self::Dated => "whatever is said to have happened has a time",
            Self::Counted => "once all is quiet, a driver counts what there is, and nothing waits in it",
            Self::Workspaces => "a workspace that is ensured has a place, and one that is deleted has none",
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
            Self::DeletionEnds => "a deletion comes to its end",
            Self::Converged => "once all is quiet, List, Get and every stream say what the cluster holds",
            Self::Quiet => "once all is quiet, nothing is in flight",
            Self::StopEnds => "a driver told to stop with nothing in flight at the API server ends",
            Self::Fresh => "nothing is said of sandboxes that have not been heard of for too long",
            Self::Followed => "once all is quiet, what exposes a sandbox is there, says so, and is there for nothing else",
            Self::Capacity => "GPUs are promised where a node has as many, and nowhere else",
            Self::Obeys => "what the API server wants to be asked later is asked later",
            Self::GivesUp => "a driver gives up only where it has been refused for as long as a server needs to come up",
            Self::CalmCalls => "in calm weather nobody is told to try again",
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
