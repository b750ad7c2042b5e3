//! Facts for log, metrics and readiness. Typed, so that the shell can count them; without secrets, so that it can print them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::grpc_status::Code;
use super::io::{CallId, ExchangeId, Rpc, TraceParent, WatchId};
use super::kube::kind::Kind;
use super::names::{ObjectName, SandboxId};

/// How much a note matters to the person who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// For finding out what happened.
    Detail,
    /// A decision.
    Event,
    /// Something a person should look at.
    Warning,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Note {
    /// A call ended, or was given up by its caller.
    Called {
        /// The call.
        call: CallId,
        /// Its method.
        rpc: Rpc,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        millis: u64,
        /// The sandbox it was about, where it named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sandbox: Option<SandboxId>,
        /// The gateway's trace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<TraceParent>,
    },
    /// The store is whole: reads are served.
    Synced {
        /// Objects in it.
        objects: usize,
    },
    /// A kind of object cannot be observed, and why; tried again after a pause.
    NotObserving {
        /// Which kind.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
        /// What the API server, or the way to it, said.
        reason: String,
        /// How long until the next try.
        retry_millis: u64,
    },
    /// A watch's history is gone (410): everything is listed again.
    Relisting {
        /// What the API server said.
        reason: String,
    },
    /// The API server serves another version of the resource than was assumed.
    Speaking {
        /// The version spoken from now on.
        version: String,
    },
    /// A watch was silent for too long and was given up.
    WatchSilent {
        /// Which.
        watch: WatchId,
    },
    /// A watch line could not be read.
    BadLine {
        /// Why; never the line.
        reason: String,
    },
    /// An object carries our labels but no sandbox id: it is left alone.
    NoSandboxId {
        /// The object.
        object: ObjectName,
    },
    /// Two objects claim the same sandbox id; the older one speaks for it.
    SharedSandboxId {
        /// The id.
        sandbox: SandboxId,
        /// The object that speaks for it.
        chosen: ObjectName,
    },
    /// An object left our label selector but still exists: somebody edited its labels.
    Relabelled {
        /// The object.
        object: ObjectName,
    },
    /// A create met its own object, left by an earlier try, and took it.
    Adopted {
        /// The object.
        object: ObjectName,
    },
    /// A create whose caller was told that it failed was found and removed.
    Undone {
        /// The object.
        object: ObjectName,
    },
    /// A create whose caller was told that it failed may have left this object behind: it could not be found out.
    Stray {
        /// The object.
        object: ObjectName,
        /// Why it is not known.
        reason: String,
    },
    /// A sandbox has been listed sweep after sweep, and the gateway has never asked for it: it has no row of it.
    Unclaimed {
        /// The object.
        object: ObjectName,
        /// The sandbox.
        sandbox: SandboxId,
    },
    /// A reader fell too far behind and was sent away to start over.
    ReaderTooSlow {
        /// The stream.
        call: CallId,
    },
    /// An answer to an exchange that nobody waits for: aborted, or never asked.
    UnknownExchange {
        /// Its id.
        exchange: ExchangeId,
    },
    /// A line or the end of a watch that nobody waits for.
    UnknownWatch {
        /// Its id.
        watch: WatchId,
    },
    /// A cancel or credit for a call that has ended.
    UnknownCall {
        /// Its id.
        call: CallId,
    },
    /// A machine of `calls/` or `observe/` in this state met this. For transition coverage.
    Met {
        /// The machine.
        machine: Cow<'static, str>,
        /// Its state.
        state: Cow<'static, str>,
        /// What it met.
        met: Cow<'static, str>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
fn is_sandboxes(kind: &Kind) -> bool {
    *kind == Kind::Sandboxes
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a reply.
    Ok,
    /// With a status.
    Status(Code),
    /// The caller hung up.
    Cancelled,
}

impl Note {
    /// A stable name for this kind of fact, for log queries.
    #[must_use]
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Called { .. } => "called",
            Self::Synced { .. } => "synced",
            Self::NotObserving { .. } => "not_observing",
            Self::Relisting { .. } => "relisting",
            Self::Speaking { .. } => "speaking",
            Self::WatchSilent { .. } => "watch_silent",
            Self::BadLine { .. } => "bad_line",
            Self::NoSandboxId { .. } => "no_sandbox_id",
            Self::SharedSandboxId { .. } => "shared_sandbox_id",
            Self::Relabelled { .. } => "relabelled",
            Self::Adopted { .. } => "adopted",
            Self::Undone { .. } => "undone",
            Self::Stray { .. } => "stray",
            Self::Unclaimed { .. } => "unclaimed",
            Self::ReaderTooSlow { .. } => "reader_too_slow",
            Self::UnknownExchange { .. } => "unknown_exchange",
            Self::UnknownWatch { .. } => "unknown_watch",
            Self::UnknownCall { .. } => "unknown_call",
            Self::Met { .. } => "met",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Called { outcome: Outcome::Ok | Outcome::Cancelled, rpc: Rpc::GetSandbox | Rpc::ListSandboxes, .. }
            | Self::UnknownExchange { .. }
            | Self::UnknownWatch { .. }
            | Self::UnknownCall { .. }
            | Self::Met { .. } => Weight::Detail,
            Self::Called { .. }
            | Self::Synced { .. }
            | Self::Relisting { .. }
            | Self::Speaking { .. }
            | Self::Adopted { .. }
            | Self::Undone { .. } => Weight::Event,
            Self::NotObserving { .. }
            | Self::WatchSilent { .. }
            | Self::BadLine { .. }
            | Self::NoSandboxId { .. }
            | Self::SharedSandboxId { .. }
            | Self::Relabelled { .. }
            | Self::Stray { .. }
            | Self::Unclaimed { .. }
            | Self::ReaderTooSlow { .. } => Weight::Warning,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called { rpc, outcome, millis, .. } => match outcome {
                Outcome::Ok => write!(f, "{} answered after {millis} ms", rpc.name()),
                Outcome::Status(code) => write!(f, "{} refused with {code:?} after {millis} ms", rpc.name()),
                Outcome::Cancelled => write!(f, "{} given up by the gateway after {millis} ms", rpc.name()),
            },
            Self::Synced { objects } => write!(f, "every sandbox is known ({objects}); reads are served"),
            Self::NotObserving { kind, reason, retry_millis } => {
                write!(f, "{kind} cannot be observed: {reason}; trying again in {retry_millis} ms")
            }
            Self::Relisting { reason } => write!(f, "listing everything again: {reason}"),
            Self::Speaking { version } => write!(f, "agents.x-k8s.io/{version} is spoken from now on"),
            Self::WatchSilent { watch } => write!(f, "watch {} was silent for too long; opening another", watch.0),
            Self::BadLine { reason } => write!(f, "a watch line could not be read: {reason}; listing everything again"),
            Self::NoSandboxId { object } => {
                write!(f, "Sandbox {object} has our labels but no openshell.ai/sandbox-id; it is left alone")
            }
            Self::SharedSandboxId { sandbox, chosen } => {
                write!(f, "several Sandboxes claim the id {sandbox}; {chosen}, the oldest, speaks for it")
            }
            Self::Relabelled { object } => {
                write!(f, "Sandbox {object} lost the labels by which it is found, but exists; restore them or delete it")
            }
            Self::Adopted { object } => write!(f, "Sandbox {object} was already there from an earlier try of the same create"),
            Self::Undone { object } => write!(f, "Sandbox {object}, whose create had been reported as failed, was removed"),
            Self::Stray { object, reason } => write!(
                f,
                "Sandbox {object} may exist although its create was reported as failed: {reason}; look with kubectl get sandbox and delete it"
            ),
            Self::Unclaimed { object, sandbox } => write!(
                f,
                "Sandbox {object} is there, but the gateway does not know its sandbox {sandbox}; if you do not either: kubectl delete sandbox {object}"
            ),
            Self::ReaderTooSlow { call } => write!(f, "stream {} fell too far behind and was ended; the gateway opens another", call.0),
            Self::UnknownExchange { exchange } => write!(f, "an answer to exchange {}, which nobody waits for", exchange.0),
            Self::UnknownWatch { watch } => write!(f, "a line of watch {}, which nobody waits for", watch.0),
            Self::UnknownCall { call } => write!(f, "news for call {}, which has ended", call.0),
            Self::Met { machine, state, met } => write!(f, "{machine} in {state} met {met}"),
        }
    }
}
