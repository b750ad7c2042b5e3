//! Facts for log, metrics and readiness. Typed, so that the shell can count them; without secrets, so that it can print them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::grpc_status::Code;
use super::io::{CallId, ExchangeId, Rpc, TraceParent, WatchId};
use super::kube::kind::Kind;
use super::names::{NamespacedName, SandboxId, SandboxName};
use super::observe::state::State;
use super::survey::Survey;

/// Names that one line of the log has.
const NAMED_MAX: usize = 10;

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

/// Why everything is listed, or a watch opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The driver has begun to observe this kind.
    Start,
    /// The list before it is whole.
    Listed,
    /// The watch before it came to its end in good order.
    CleanEnd,
    /// The watch before it ended as soon as it had begun.
    EarlyEnd,
    /// The watch before it broke.
    Broken,
    /// A watch was refused.
    Refused,
    /// The history from which a watch would go on is gone (410).
    Expired,
    /// The watch said that it cannot go on.
    ErrorLine,
    /// A line of the watch could not be read.
    BadLine,
    /// The watch was silent for too long.
    Silence,
    /// The list before it failed.
    Failed,
    /// Another version of the resource is spoken.
    Version,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Listed,
        Self::CleanEnd,
        Self::EarlyEnd,
        Self::Broken,
        Self::Refused,
        Self::Expired,
        Self::ErrorLine,
        Self::BadLine,
        Self::Silence,
        Self::Failed,
        Self::Version,
    ];

    /// Its name, in log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Listed => "listed",
            Self::CleanEnd => "clean_end",
            Self::EarlyEnd => "early_end",
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::ErrorLine => "error_line",
            Self::BadLine => "bad_line",
            Self::Silence => "silence",
            Self::Failed => "failed",
            Self::Version => "version",
        }
    }
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
    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Called { outcome: Outcome::Ok | Outcome::Cancelled, rpc: Rpc::GetSandbox | Rpc::ListSandboxes, .. }
            | Self::Listing { .. }
            | Self::Watching { .. }
            | Self::Surveyed(_)
            | Self::Examining { .. }
            | Self::ReaderWaitedFor { .. }
            | Self::UnknownExchange { .. }
            | Self::UnknownWatch { .. }
            | Self::UnknownCall { .. }
            | Self::Met { .. } => Weight::Detail,
            Self::Called { .. }
            | Self::Became {
                state: None | Some(State::Provisioning | State::Ready | State::Stopping | State::Stopped | State::Deleting),
                ..
            }
            | Self::Claimed { .. }
            | Self::Synced { .. }
            | Self::Relisting { .. }
            | Self::Speaking { .. }
            | Self::Adopted { .. }
            | Self::Undone { .. }
            | Self::Released { .. }
            | Self::WorkspaceCreated { .. }
            | Self::WorkspaceReady { .. }
            | Self::WorkspaceDeleted { .. }
            | Self::NamespacesChosen { .. }
            | Self::Admits { .. } => Weight::Event,
            Self::Became { state: Some(State::Failed), .. }
            | Self::Unclaimed { .. }
            | Self::NotObserving { .. }
            | Self::WatchSilent { .. }
            | Self::BadLine { .. }
            | Self::NoSandboxId { .. }
            | Self::SharedSandboxId { .. }
            | Self::Relabelled { .. }
            | Self::Stray { .. }
            | Self::OpenToAnybody { .. }
            | Self::PolicyNotWritten { .. }
            | Self::NotExposed { .. }
            | Self::TokenNotStored { .. }
            | Self::Overdue { .. }
            | Self::GivenUp { .. }
            | Self::WorkspaceRefused { .. }
            | Self::WorkspaceForeign { .. }
            | Self::SourceUnread { .. }
            | Self::NamespacesUnread { .. }
            | Self::Refuses { .. }
            | Self::AdmissionUnknown { .. }
            | Self::ReaderTooSlow { .. } => Weight::Warning,
        }
    }
}

impl fmt::Display for Note {
    #[expect(clippy::too_many_lines, reason = "a sentence for each")]
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
            Self::Became { name, was, state, why, .. } => match (state, why) {
                (Some(state), Some(why)) => write!(f, "sandbox {name} was {was} and is {state}: {why}"),
                (Some(state), None) => write!(f, "sandbox {name} was {was} and is {state}"),
                (None, _) => write!(f, "sandbox {name} was {was} and is gone"),
            },
            Self::Unclaimed { sandbox, name, object, sweeps } => write!(
                f,
                "the gateway has not asked for sandbox {name} ({sandbox}) in {sweeps} sweeps: it does not know it, and it is left alone; look with kubectl get sandbox {} -o yaml, and delete it if it is not wanted",
                object.arguments()
            ),
            Self::Claimed { sandbox } => write!(f, "the gateway asks for sandbox {sandbox} again"),
            Self::Listing { kind, because } => write!(f, "listing all {kind} ({})", because.name()),
            Self::Watching { kind, because } => write!(f, "watching {kind} ({})", because.name()),
            Self::Surveyed(_) => f.write_str("counted everything"),
            Self::Relisting { kind, reason } => write!(f, "listing all {kind} again: {reason}"),
            Self::Speaking { version } => write!(f, "agents.x-k8s.io/{version} is spoken from now on"),
            Self::WatchSilent { kind, .. } => write!(f, "the watch of {kind} was silent for too long; listing everything again"),
            Self::BadLine { kind, reason } => {
                write!(f, "a line of the watch of {kind} could not be read: {reason}; listing everything again")
            }
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
                "Sandbox {object} may exist although the gateway was told that it does not: {reason}; look with kubectl get sandbox {} and delete it",
                object.arguments()
            ),
            Self::ReaderWaitedFor { call, events, millis } => {
                write!(f, "{events} events of stream {} had to wait for its reader, up to {millis} ms", call.0)
            }
            Self::OpenToAnybody { kind } => write!(
                f,
                "every sandbox is exposed by {kind}, and this driver has nobody asked who they are: whoever can reach the cluster's ingress reaches every sandbox"
            ),
            Self::PolicyNotWritten { place } => write!(
                f,
                "the driver writes no network policy in {place}: sandboxes are shut in only if somebody else has written it, as the chart does; openshell-driver-kyma check with these flags says whether it is there, and prints it"
            ),
            Self::TokenNotStored { sandbox, reason } => write!(f, "the token of sandbox {sandbox} is not in its Secret: {reason}"),
            Self::NotExposed { sandbox, reason } => write!(f, "sandbox {sandbox} is not exposed: {reason}"),
            Self::Overdue { message, .. } => f.write_str(message),
            Self::GivenUp { object, seconds } => {
                write!(f, "Sandbox {object} did not get ready in {seconds} s and is given up (--terminal-after-secs); it is not deleted")
            }
            Self::Released { object } => {
                write!(f, "the deletion of Sandbox {object} waited for a pod that the garbage collector had overlooked; it is let go")
            }
            Self::WorkspaceCreated { namespace } => write!(f, "namespace {namespace} was created"),
            Self::WorkspaceReady { namespace } => write!(f, "namespace {namespace} is ready for sandboxes"),
            Self::WorkspaceRefused { namespace, reason } => write!(f, "namespace {namespace} is not ready for sandboxes: {reason}"),
            Self::WorkspaceDeleted { namespace } => write!(f, "namespace {namespace} is being deleted, as its workspace was"),
            Self::WorkspaceForeign { namespace, owner } => {
                write!(f, "namespace {namespace} belongs to {owner}; it is not deleted with the workspace of that name")
            }
            Self::SourceUnread { secret, reason } => {
                write!(f, "Secret {secret}, which workspaces have copies of, cannot be read: {reason}")
            }
            Self::NamespacesChosen { count, added, removed } => {
                let few = |names: &[String]| match names {
                    [] => "none".to_owned(),
                    names if names.len() > NAMED_MAX => format!("{} of them", names.len()),
                    names => names.join(", "),
                };
                write!(f, "{count} namespaces are chosen for workspaces; new: {}, gone: {}", few(added), few(removed))
            }
            Self::NamespacesUnread { reason } => {
                write!(f, "the file that lists namespaces cannot be used, and those it listed before stay: {reason}")
            }
            Self::Examining { namespace } => write!(f, "reading whether namespace {namespace} lets sandbox pods in"),
            Self::Admits { namespace } => write!(f, "namespace {namespace} lets sandbox pods in"),
            Self::Refuses { namespace, level } if level.is_empty() => {
                write!(f, "namespace {namespace} has no label pod-security.kubernetes.io/enforce=privileged, and refuses sandbox pods")
            }
            Self::Refuses { namespace, level } => {
                write!(f, "namespace {namespace} enforces the Pod Security level {level}, and refuses sandbox pods")
            }
            Self::AdmissionUnknown { namespace, reason, retry_millis } => {
                write!(
                    f,
                    "it cannot be read whether namespace {namespace} lets sandbox pods in: {reason}; trying again in {retry_millis} ms"
                )
            }
            Self::ReaderTooSlow { call } => write!(f, "stream {} fell too far behind and was ended; the gateway opens another", call.0),
            Self::UnknownExchange { exchange } => write!(f, "an answer to exchange {}, which nobody waits for", exchange.0),
            Self::UnknownWatch { watch } => write!(f, "a line of watch {}, which nobody waits for", watch.0),
            Self::UnknownCall { call } => write!(f, "news for call {}, which has ended", call.0),
            Self::Met { machine, state, met } => write!(f, "{machine} in {state} met {met}"),
        }
    }
}

macro_rules! events {
    ($($variant:ident => $name:literal,)*) => {
        impl Note {
            /// The names of every kind of fact.
            pub const EVENTS: &'static [&'static str] = &[$($name),*];

            /// A stable name for this kind of fact, for log queries.
            #[must_use]
            pub const fn event(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name),* }
            }
        }
    };
}

events! {
    Called => "called",
    Became => "became",
    Unclaimed => "unclaimed",
    Claimed => "claimed",
    Listing => "listing",
    Watching => "watching",
    Surveyed => "surveyed",
    Synced => "synced",
    NotObserving => "not_observing",
    Relisting => "relisting",
    Speaking => "speaking",
    WatchSilent => "watch_silent",
    BadLine => "bad_line",
    NoSandboxId => "no_sandbox_id",
    SharedSandboxId => "shared_sandbox_id",
    Relabelled => "relabelled",
    Adopted => "adopted",
    Undone => "undone",
    Stray => "stray",
    ReaderWaitedFor => "reader_waited_for",
    OpenToAnybody => "open_to_anybody",
    PolicyNotWritten => "policy_not_written",
    NotExposed => "not_exposed",
    TokenNotStored => "token_not_stored",
    Overdue => "overdue",
    GivenUp => "given_up",
    Released => "released",
    WorkspaceCreated => "workspace_created",
    WorkspaceReady => "workspace_ready",
    WorkspaceRefused => "workspace_refused",
    WorkspaceDeleted => "workspace_deleted",
    WorkspaceForeign => "workspace_foreign",
    SourceUnread => "source_unread",
    NamespacesChosen => "namespaces_chosen",
    NamespacesUnread => "namespaces_unread",
    Examining => "examining",
    Admits => "admits",
    Refuses => "refuses",
    AdmissionUnknown => "admission_unknown",
    ReaderTooSlow => "reader_too_slow",
    UnknownExchange => "unknown_exchange",
    UnknownWatch => "unknown_watch",
    UnknownCall => "unknown_call",
    Met => "met",
}
