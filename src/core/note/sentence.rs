//! What a note says to the person who reads the log.

use std::fmt;

use super::{Note, Outcome};

/// Names that one line of the log has.
const NAMED_MAX: usize = 10;

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
