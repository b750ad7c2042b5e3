//! Facts for log, metrics and readiness. Typed, so that the shell can count them; without secrets, so that it can print them.
//!
//! [`cause`]: why something is listed or watched. [`weight`]: how much a fact matters. `sentence`: its words. [`event`]: its name.

pub mod cause;
pub mod event;
mod sentence;
pub mod weight;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::cause::Cause;
pub use self::weight::Weight;
use super::grpc_status::Code;
use super::io::{CallId, ExchangeId, Rpc, TraceParent, WatchId};
use super::kube::kind::Kind;
use super::names::{NamespacedName, SandboxId, SandboxName};
use super::observe::state::State;
use super::survey::Survey;

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
        /// The user's name of that sandbox, where the call said it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SandboxName>,
        /// The gateway's trace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace: Option<TraceParent>,
    },
    /// A sandbox that was known does something else now.
    Became {
        /// Which.
        sandbox: SandboxId,
        /// The user's name of it.
        name: SandboxName,
        /// The object that speaks for it.
        object: NamespacedName,
        /// What it did before.
        was: State,
        /// What it does now; absent when it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        /// Why it is lost, when it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// How long ago the controller said so, by its clock and ours: it writes whole seconds. Absent where its `Ready` did not change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_millis: Option<u64>,
    },
    /// A sandbox is listed, but the gateway has not asked for it in several sweeps: it does not know it. It is left alone.
    Unclaimed {
        /// Which.
        sandbox: SandboxId,
        /// The user's name of it.
        name: SandboxName,
        /// The object that speaks for it.
        object: NamespacedName,
        /// Whole sweeps in which it was not asked for.
        sweeps: u32,
    },
    /// The gateway asks again for a sandbox that was thought to be unknown to it.
    Claimed {
        /// Which.
        sandbox: SandboxId,
    },
    /// A kind of object is listed from the beginning.
    Listing {
        /// Which kind.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
        /// Why.
        because: Cause,
    },
    /// A watch of a kind of object is opened.
    Watching {
        /// Which kind.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
        /// Why.
        because: Cause,
    },
    /// How much there is of everything, for who asked with [`Input::Survey`](super::io::Input::Survey).
    Surveyed(Box<Survey>),
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
        /// Which kind is watched.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
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
        /// Which kind is watched.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
        /// Which.
        watch: WatchId,
    },
    /// A watch line could not be read.
    BadLine {
        /// Which kind is watched.
        #[serde(default, skip_serializing_if = "is_sandboxes")]
        kind: Kind,
        /// Why; never the line.
        reason: String,
    },
    /// An object carries our labels but no sandbox id: it is left alone.
    NoSandboxId {
        /// The object.
        object: NamespacedName,
    },
    /// Two objects claim the same sandbox id; the older one speaks for it.
    SharedSandboxId {
        /// The id.
        sandbox: SandboxId,
        /// The object that speaks for it.
        chosen: NamespacedName,
    },
    /// An object left our label selector but still exists: somebody edited its labels.
    Relabelled {
        /// The object.
        object: NamespacedName,
    },
    /// A create met its own object, left by an earlier try, and took it.
    Adopted {
        /// The object.
        object: NamespacedName,
    },
    /// A create whose caller was told that it failed was found and removed.
    Undone {
        /// The object.
        object: NamespacedName,
    },
    /// The gateway was told that this object is not there, or will not be, and yet it may be: it could not be found out.
    Stray {
        /// The object.
        object: NamespacedName,
        /// Why it is not known.
        reason: String,
    },
    /// Events of a stream had to wait until its reader could take them.
    ReaderWaitedFor {
        /// The stream.
        call: CallId,
        /// How many.
        events: u64,
        /// How long the one that waited longest did.
        millis: u64,
    },
    /// Sandboxes are exposed, and nobody is asked who they are.
    OpenToAnybody {
        /// What routes to them.
        kind: Kind,
    },
    /// Sandboxes are to be shut in by a network policy, and whoever made their namespace must write it.
    PolicyNotWritten {
        /// Where it belongs.
        place: String,
    },
    /// A sandbox's token could not be stored, or is lost.
    TokenNotStored {
        /// Which.
        sandbox: SandboxId,
        /// Why.
        reason: String,
    },
    /// A sandbox is not reached from outside, and somebody must do something.
    NotExposed {
        /// Which.
        sandbox: SandboxId,
        /// Why, and what.
        reason: String,
    },
    /// Something that should have happened has not: streams are told as well.
    Overdue {
        /// The object.
        object: NamespacedName,
        /// What, in one word.
        reason: Cow<'static, str>,
        /// The same for a person, with the command that shows more.
        message: String,
    },
    /// A sandbox did not get ready in the time that the operator gives it: the gateway is told that it is lost.
    GivenUp {
        /// The object.
        object: NamespacedName,
        /// How long it had.
        seconds: u64,
    },
    /// A deletion that waited for a pod which the garbage collector had overlooked was let go: the collector finds the pod without an owner.
    Released {
        /// The object.
        object: NamespacedName,
    },
    /// The namespace of a workspace was created.
    WorkspaceCreated {
        /// Which.
        namespace: String,
    },
    /// The namespace of a workspace is there, with everything in it.
    WorkspaceReady {
        /// Which.
        namespace: String,
    },
    /// The namespace of a workspace cannot be prepared, or brought up to date.
    WorkspaceRefused {
        /// Which.
        namespace: String,
        /// Why.
        reason: String,
    },
    /// The deletion of a workspace's namespace was accepted.
    WorkspaceDeleted {
        /// Which.
        namespace: String,
    },
    /// A workspace was to be deleted whose namespace is somebody else's: it is left alone.
    WorkspaceForeign {
        /// Which.
        namespace: String,
        /// Whose it is.
        owner: String,
    },
    /// A secret that is copied cannot be read.
    SourceUnread {
        /// Which: its namespace and name.
        secret: String,
        /// Why.
        reason: String,
    },
    /// Other namespaces are chosen for workspaces than before.
    NamespacesChosen {
        /// How many there are now.
        count: usize,
        /// Those that have come.
        added: Vec<String>,
        /// Those that are chosen no longer.
        removed: Vec<String>,
    },
    /// The file that lists namespaces cannot be used; what was read before stays.
    NamespacesUnread {
        /// Why.
        reason: String,
    },
    /// A namespace is read for the first time, whether it lets sandbox pods in; the gateway waits for what is found.
    Examining {
        /// Which.
        namespace: String,
    },
    /// A namespace lets sandbox pods in.
    Admits {
        /// Which.
        namespace: String,
    },
    /// A namespace refuses sandbox pods.
    Refuses {
        /// Which.
        namespace: String,
        /// The Pod Security level it enforces; empty where it has no label that says one.
        level: String,
    },
    /// It cannot be read whether a namespace lets sandbox pods in; tried again after a pause.
    AdmissionUnknown {
        /// Which.
        namespace: String,
        /// What the API server, or the way to it, said.
        reason: String,
        /// How long until the next try.
        retry_millis: u64,
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
