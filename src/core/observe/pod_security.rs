//! Whether namespaces let sandbox pods in.
//!
//! The supervisor in a sandbox needs capabilities that Pod Security Admission refuses below its level `privileged`. So the namespace of every
//! workspace is read once at the start: one that is known to be unfit will not become fit by waiting, and a driver that may not look would only
//! find out when a user's sandbox does not come. After that a namespace is read again when one of its pods has been refused, because somebody may
//! have changed it; then its sandboxes say so. No namespace that is not ours is ever labelled.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::waking::Waking;
use crate::core::io::{ExchangeId, ExitCode, Fault, Lane, Output, Response};
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::furnishing as path;
use crate::core::kube::namespace::{NamespaceLabels, NamespaceObject};
use crate::core::limits;
use crate::core::note::Note;
use crate::core::territory::OurNamespace;
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// The level that lets supervisors in.
pub const NEEDED: &str = "privileged";
/// The label by which a namespace says its level.
pub const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// What the message of a refused pod contains.
const REFUSED: &str = "violates PodSecurity";

/// What is known of namespaces.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PodSecurity {
    by_namespace: BTreeMap<OurNamespace, Examination>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Examination {
    standing: Standing,
    /// When it is read, if it is.
    asking: Option<ExchangeId>,
    /// When it was read last; the reading at the start, after which nothing was wrong, keeps nobody from looking again.
    asked: Option<Mono>,
    failures: u32,
    waking: Waking,
}

/// How a namespace stands to sandbox pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    /// It has not been read yet, and its first reading decides about the driver.
    Unread,
    /// It lets them in.
    Admits,
    /// It does not: the level it enforces, if it says one.
    Refuses(Option<String>),
    /// It cannot be read.
    Unknown,
}

impl PodSecurity {
    /// Reads a namespace that decides about the driver.
    pub fn begin(&mut self, turn: &mut Turn<'_>, namespace: OurNamespace) {
        self.by_namespace.insert(namespace.clone(), Examination::of(Standing::Unread));
        turn.note(Note::Examining { namespace: namespace.to_string() });
        turn.set(Timer::PodSecurity(namespace), Mono::default());
    }

    /// A pod was refused in this namespace: it is read again, unless that has just been done.
    pub fn doubt(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        let (asking, asked) = self.by_namespace.get(namespace).map_or((None, None), |known| (known.asking, known.asked));
        if asking.is_none() {
            let earliest = asked.map_or(turn.now().mono, |asked| asked.after(limits::POD_SECURITY_RECHECK));
            self.examine(turn, namespace.clone(), earliest);
        }
    }

    /// A namespace is to be used: it is read at that time, and decides about nothing but itself.
    pub fn examine(&mut self, turn: &mut Turn<'_>, namespace: OurNamespace, at: Mono) {
        self.by_namespace.entry(namespace.clone()).or_insert_with(|| Examination::of(Standing::Unknown));
        if at <= turn.now().mono {
            self.due(turn, &namespace);
        } else {
            turn.set(Timer::PodSecurity(namespace), at);
        }
    }

    /// A namespace is used no longer.
    pub fn forget(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        turn.unset(&Timer::PodSecurity(namespace.clone()));
        if let Some(Examination { asking: Some(exchange), .. }) = self.by_namespace.remove(namespace) {
            turn.abort_exchange(exchange);
        }
    }

    /// Its time has come.
    pub fn due(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        if let Some(examination) = self.by_namespace.get_mut(namespace).filter(|examination| examination.asking.is_none()) {
            let now = turn.now().mono;
            let waiter = Waiter::PodSecurity(namespace.clone());
            let exchange = turn.exchange(waiter, Lane::Lists, path::namespace(namespace), now.after(limits::EXCHANGE_TIMEOUT));
            examination.asking = Some(exchange);
            examination.asked = Some(now);
        }
    }

    /// An answer came. Says whether what is told of the namespace's sandboxes may have changed.
    pub fn answered(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, result: Result<Response, Fault>) -> Changed {
        let Some(examination) = self.by_namespace.get_mut(namespace) else { return Changed::Nothing };
        examination.asking = None;
        let verdict = Verdict::of(result);
        turn.met("pod_security", if examination.standing == Standing::Unread { "reading" } else { "reading_again" }, verdict.name());
        let standing = match verdict {
            Verdict::Done(response) => match serde_json::from_slice::<NamespaceObject>(&response.body.0) {
                Ok(read) if admits(&read.metadata.labels) => Standing::Admits,
                Ok(read) => Standing::Refuses(read.metadata.labels.enforce),
                Err(_) => return examination.fail(turn, namespace, "the API server's answer cannot be read".into()),
            },
            Verdict::Refused(error) if error.status == 403 && examination.standing == Standing::Unread => {
                if !examination.waking.is_over(turn.now().mono, &mut examination.failures) {
                    return examination.fail(turn, namespace, error.to_string());
                }
                turn.push(Output::Exit { code: ExitCode::Unfit, text: forbidden(namespace, &error) });
                return Changed::Nothing;
            }
            other => {
                examination.waking.forget();
                return examination.fail(turn, namespace, other.trouble().why);
            }
        };
        examination.failures = 0;
        match &standing {
            Standing::Refuses(level) if examination.standing == Standing::Unread => {
                turn.push(Output::Exit { code: ExitCode::Unfit, text: unfit(namespace, level.as_deref()) });
                return Changed::Nothing;
            }
            Standing::Refuses(level) => {
                turn.note(Note::Refuses { namespace: namespace.to_string(), level: level.clone().unwrap_or_default() });
                // Until somebody mends it.
                turn.set(Timer::PodSecurity(namespace.clone()), turn.now().mono.after(limits::POD_SECURITY_RECHECK));
            }
            Standing::Admits if examination.standing != Standing::Admits => turn.note(Note::Admits { namespace: namespace.to_string() }),
            Standing::Admits | Standing::Unread | Standing::Unknown => {}
        }
        if examination.standing == standing {
            return Changed::Nothing;
        }
        if examination.standing == Standing::Unread {
            examination.asked = None;
        }
        examination.standing = standing;
        Changed::Sandboxes
    }

    /// What the users of a refused pod should know, where the namespace is the reason.
    #[must_use]
    pub fn explanation(&self, namespace: &OurNamespace) -> Option<String> {
        match &self.by_namespace.get(namespace)?.standing {
            Standing::Refuses(level) => Some(format!(
                "namespace {namespace} {}, and sandboxes need {NEEDED}; an administrator of the cluster mends it with: {}",
                enforces(level.as_deref()),
                command(namespace)
            )),
            Standing::Unread | Standing::Admits | Standing::Unknown => None,
        }
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        for (namespace, examination) in &mut self.by_namespace {
            if let Some(exchange) = examination.asking.take() {
                turn.abort_exchange(exchange);
            }
            turn.unset(&Timer::PodSecurity(namespace.clone()));
        }
    }
}

/// What an answer has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Nothing that anybody is told.
    Nothing,
    /// What is told of the namespace's sandboxes.
    Sandboxes,
}

/// Whether the controller says that the pod was refused by Pod Security Admission.
#[must_use]
pub fn is_refusal(message: &str) -> bool {
    message.contains(REFUSED)
}

impl Examination {
    fn of(standing: Standing) -> Self {
        Self { standing, asking: None, asked: None, failures: 0, waking: Waking::default() }
    }

    fn fail(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, reason: String) -> Changed {
        self.failures = self.failures.saturating_add(1);
        let pause = turn.backoff(Dice::Namespaces, self.failures, limits::INFORMER_BACKOFF_MAX);
        let retry_millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        turn.note(Note::AdmissionUnknown { namespace: namespace.to_string(), reason, retry_millis });
        turn.set(Timer::PodSecurity(namespace.clone()), turn.now().mono.after(pause));
        Changed::Nothing
    }
}

/// Whether a namespace with these labels lets sandbox pods in.
#[must_use]
pub fn admits(labels: &NamespaceLabels) -> bool {
    labels.enforce.as_deref() == Some(NEEDED)
}

/// What a namespace enforces, said of it.
#[must_use]
pub fn enforces(level: Option<&str>) -> String {
    level.map_or_else(|| format!("has no label {ENFORCE}"), |level| format!("enforces the Pod Security level {level}"))
}

/// What lets them in.
#[must_use]
pub fn command(namespace: impl fmt::Display) -> String {
    format!("kubectl label namespace {namespace} {ENFORCE}={NEEDED} --overwrite")
}

fn unfit(namespace: &OurNamespace, level: Option<&str>) -> String {
    format!(
        "namespace {namespace} {}: a sandbox's supervisor needs the capabilities SYS_ADMIN, NET_ADMIN, SYS_PTRACE and SYSLOG, which only the \
         level {NEEDED} lets in. The driver does not label a namespace that is not its own. Set it, then start the driver again:\n  {}",
        enforces(level),
        command(namespace)
    )
}

fn forbidden(namespace: &OurNamespace, error: &ApiError) -> String {
    format!(
        "the driver may not read namespace {namespace}, so it cannot tell whether sandbox pods are let in: {error}\n\
         Add this rule to the driver's Role in {namespace}:\n  \
         {{apiGroups: [\"\"], resources: [namespaces], resourceNames: [{namespace}], verbs: [get]}}\n\
         then check with:\n  \
         kubectl auth can-i get namespaces/{namespace} -n {namespace} --as system:serviceaccount:<namespace>:<driver's service account>"
    )
}
