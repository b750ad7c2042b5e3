//! Conditions as the gateway may see them (kubernetes.md §E.0, rule N).
//!
//! The gateway takes any `Ready=False` reason it does not know for a final failure, and any `Suspended=True` for a stopped sandbox, whatever
//! generation they were found at. So nothing of the controller's conditions goes out unexamined: what is outdated becomes `Starting` or
//! "terminating", what may heal becomes `DependenciesNotReady` with the cause in its message.

use std::time::Duration;

use super::pods::Sight;
use super::refusals;
use super::sandbox::Life;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::truncate;
use crate::core::kube::sandbox::{Condition, OperatingMode, Truth};
use crate::core::limits;

/// The condition that says whether a sandbox can be used.
pub(super) const READY: &str = "Ready";
/// The condition that says whether it is stopped.
pub(super) const SUSPENDED: &str = "Suspended";
const FINISHED: &str = "Finished";

/// The reasons of `Ready=False` that a gateway does not take for a final failure (gateway.md §3.2).
const TRANSIENT: [&str; 8] = [
    "ReconcilerError",
    "DependenciesNotReady",
    "SupervisorNotConnected",
    "Starting",
    "ContainerStarting",
    "ContainerCreated",
    "HealthCheckStarting",
    "InspectFailed",
];

/// Reasons of `Ready=False` that leave this driver.
mod reason {
    /// Not yet; may come by itself.
    pub const NOT_READY: &str = "DependenciesNotReady";
    /// Something failed and is tried again.
    pub const RECONCILER_ERROR: &str = "ReconcilerError";
    /// The controller has not caught up with a start.
    pub const STARTING: &str = "Starting";
    /// Final: its time was up.
    pub const EXPIRED: &str = "SandboxExpired";
    /// Of `Suspended=True`: stopped.
    pub const POD_TERMINATED: &str = "PodTerminated";
    /// Of `Suspended=False`: stopping.
    pub const POD_TERMINATING: &str = "PodTerminating";
    /// Final: it did not get ready in the time that an operator gave it, for no reason that has a name.
    pub const NOT_READY_IN_TIME: &str = "NotReadyInTime";
    /// The same: the controller has said nothing.
    pub const CONTROLLER_NOT_RESPONDING: &str = "ControllerNotResponding";
    /// What the controller calls a suspended sandbox's Ready.
    pub const SANDBOX_SUSPENDED: &str = "SandboxSuspended";
}

/// Whether `Ready=False` for this reason may become `True`. Every other reason that leaves this driver is final.
pub(super) fn may_heal(reason: &str) -> bool {
    matches!(reason, reason::NOT_READY | reason::RECONCILER_ERROR | reason::STARTING)
}

/// Whether a sandbox is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    /// A live look has shown that its pod has ended for good, and how.
    Proven(&'a str),
    /// It did not get ready in this time, which is all that an operator gives it.
    GivenUp(Duration),
    /// It has not.
    NotProven,
}

/// The conditions to send for an object of this generation, wanted in this mode, with these conditions of the controller's and this pod. None at
/// all while the controller has said nothing.
#[must_use]
pub fn normalise(generation: i64, mode: OperatingMode, conditions: &[Condition], pod: Sight<'_>, end: End<'_>) -> Vec<pb::DriverCondition> {
    let find = |kind: &str| conditions.iter().find(|condition| condition.kind == kind);
    let Some(ready) = find(READY) else {
        return match (mode, end) {
            (OperatingMode::Running, End::GivenUp(after)) => {
                let silent = send(READY, Truth::False, reason::STARTING, "the controller has said nothing of it", "");
                vec![given_up(silent, reason::CONTROLLER_NOT_RESPONDING, after)]
            }
            _ => Vec::new(),
        };
    };
    let fresh = |condition: &&Condition| condition.observed_generation >= generation;
    match mode {
        OperatingMode::Running => {
            let finished = find(FINISHED).filter(|finished| fresh(finished) && finished.status == Truth::True);
            let sent = running(ready, fresh(&ready), finished, pod, end);
            vec![match end {
                End::GivenUp(after) => given_up(sent, cause(ready, fresh(&ready), pod), after),
                End::Proven(_) | End::NotProven => sent,
            }]
        }
        OperatingMode::Suspended => {
            // Releases before v0.5.0 have no such condition; what they say of Ready shows at least that they have acted.
            let acted = find(SUSPENDED).map_or(Some(ready), Some).filter(fresh);
            let says_stopped = acted.is_some_and(|condition| condition.kind != SUSPENDED || condition.status == Truth::True);
            let since = &acted.unwrap_or(ready).last_transition_time;
            let is_stopped = says_stopped
                && !matches!(pod, Sight::Present(_))
                && (find(SUSPENDED).is_some() || matches!(pod, Sight::Absent | Sight::Gone));
            if is_stopped { stopped(since) } else { stopping(since, acted.filter(|condition| condition.kind == SUSPENDED)) }
        }
    }
}

/// The same conditions, with a cause that the controller does not know before what it says of `Ready`.
#[must_use]
pub fn explained(mut conditions: Vec<pb::DriverCondition>, why: &str) -> Vec<pb::DriverCondition> {
    for ready in conditions.iter_mut().filter(|condition| condition.r#type == READY) {
        ready.message = format!("{why} ({})", ready.message);
        truncate(&mut ready.message, limits::CONDITION_MESSAGE_MAX);
    }
    conditions
}

/// The conditions to send for an object that is being deleted: the controller says no more, and what it said last is of another generation.
#[must_use]
pub fn leaving(conditions: &[Condition]) -> Vec<pb::DriverCondition> {
    let ready = conditions.iter().find(|condition| condition.kind == READY);
    ready
        .map(|ready| send(READY, Truth::False, reason::NOT_READY, "the sandbox is being deleted", &ready.last_transition_time))
        .into_iter()
        .collect()
}

fn stopped(since: &str) -> Vec<pb::DriverCondition> {
    vec![
        send(READY, Truth::False, reason::NOT_READY, "the sandbox is stopped", since),
        send(SUSPENDED, Truth::True, reason::POD_TERMINATED, "the pod is gone", since),
    ]
}

fn stopping(since: &str, suspended: Option<&Condition>) -> Vec<pb::DriverCondition> {
    let message = suspended.filter(|condition| condition.status != Truth::True).map_or("the pod is being stopped", |c| c.message.as_str());
    vec![
        send(READY, Truth::False, reason::NOT_READY, "the sandbox is being stopped", since),
        send(SUSPENDED, Truth::False, reason::POD_TERMINATING, message, since),
    ]
}

/// `Ready` of a sandbox that should run.
fn running(ready: &Condition, is_fresh: bool, finished: Option<&Condition>, pod: Sight<'_>, end: End<'_>) -> pb::DriverCondition {
    let since = &ready.last_transition_time;
    if !is_fresh || ready.reason == reason::SANDBOX_SUSPENDED {
        return send(READY, Truth::False, reason::STARTING, "the change has not been acted on yet", since);
    }
    if let (Some(finished), End::Proven(how)) = (finished, end) {
        return send(READY, Truth::False, &finished.reason, how, &finished.last_transition_time);
    }
    let trouble = match pod {
        Sight::Present(pod) if pod.life == Life::Deleting => {
            // The controller says Ready until the pod object is gone.
            let by_whom = pod.disruption.as_deref().unwrap_or("drained, evicted or deleted by hand");
            let message = format!("the pod is being deleted ({by_whom}); another one follows");
            return send(READY, Truth::False, reason::NOT_READY, &message, since);
        }
        Sight::Present(pod) => pod.trouble.as_ref().map(ToString::to_string),
        Sight::Gone if ready.status == Truth::True => {
            return send(READY, Truth::False, reason::NOT_READY, "the pod is gone; another one follows", since);
        }
        Sight::Gone | Sight::Absent | Sight::Unknown => None,
    };
    match (ready.status, ready.reason.as_str()) {
        (Truth::True | Truth::Unknown, _) | (Truth::False, reason::RECONCILER_ERROR | reason::EXPIRED) => {
            send(READY, ready.status, &ready.reason, &ready.message, since)
        }
        (Truth::False, reason::NOT_READY) => {
            send(READY, Truth::False, reason::NOT_READY, trouble.as_deref().unwrap_or(&ready.message), since)
        }
        (Truth::False, _) => {
            let message = trouble.as_deref().unwrap_or(&ready.message);
            let message = if ready.reason.is_empty() { message.to_owned() } else { format!("{}: {message}", ready.reason) };
            send(READY, Truth::False, reason::NOT_READY, &message, since)
        }
    }
}

/// Why a sandbox does not get ready, in one word that the gateway takes for an end.
fn cause<'a>(ready: &'a Condition, is_fresh: bool, pod: Sight<'a>) -> &'a str {
    if !is_fresh {
        return reason::CONTROLLER_NOT_RESPONDING;
    }
    let trouble = match pod {
        Sight::Present(pod) => pod.trouble.as_ref().map(|trouble| trouble.reason.as_str()),
        Sight::Gone | Sight::Absent | Sight::Unknown => None,
    };
    let is_telling = |reason: &&str| !reason.is_empty() && !TRANSIENT.iter().any(|transient| transient.eq_ignore_ascii_case(reason));
    let said = if ready.reason == reason::RECONCILER_ERROR { refusals::reason(&ready.message) } else { ready.reason.as_str() };
    trouble.filter(is_telling).or(Some(said).filter(is_telling)).unwrap_or(reason::NOT_READY_IN_TIME)
}

/// What is sent of a sandbox that has had all its time: an end, unless it is ready or has ended in another way.
fn given_up(sent: pb::DriverCondition, cause: &str, after: Duration) -> pb::DriverCondition {
    let may_come = sent.status == "Unknown" || TRANSIENT.iter().any(|transient| transient.eq_ignore_ascii_case(&sent.reason));
    if sent.status == "True" || !may_come {
        return sent;
    }
    let message = format!("not ready in {} s, which is all it is given: {}", after.as_secs(), sent.message);
    send(READY, Truth::False, cause, &message, &sent.last_transition_time)
}

fn send(kind: &str, status: Truth, reason: &str, message: &str, since: &str) -> pb::DriverCondition {
    let mut message = message.to_owned();
    truncate(&mut message, limits::CONDITION_MESSAGE_MAX);
    pb::DriverCondition {
        r#type: kind.into(),
        status: match status {
            Truth::True => "True",
            Truth::False => "False",
            Truth::Unknown => "Unknown",
        }
        .into(),
        reason: reason.into(),
        message,
        last_transition_time: since.into(),
        transition_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(kind: &str, status: Truth, reason: &str, generation: i64) -> Condition {
        Condition {
            kind: kind.into(),
            status,
            observed_generation: generation,
            last_transition_time: "2026-08-21T10:00:00Z".into(),
            reason: reason.into(),
            message: "why".into(),
        }
    }

    #[test]
    fn only_an_expired_sandbox_is_lost() {
        for why in [
            "",
            "Novel",
            "MultiplePods",
            "Unschedulable",
            "PodFailed",
            "PodSucceeded",
            "ReconcilerError",
            "SandboxSuspended",
            "SandboxExpired",
        ] {
            let sent = normalise(1, OperatingMode::Running, &[condition("Ready", Truth::False, why, 1)], Sight::Unknown, End::NotProven);
            let lost = sent.iter().any(|c| c.r#type == "Ready" && c.status == "False" && !TRANSIENT.contains(&c.reason.as_str()));
            assert_eq!(lost, why == "SandboxExpired", "{why}");
        }
    }

    #[test]
    fn a_sandbox_that_is_given_up_is_lost_unless_it_is_ready() {
        let after = End::GivenUp(Duration::from_secs(600));
        for status in [Truth::True, Truth::False, Truth::Unknown] {
            for why in TRANSIENT.into_iter().chain(["", "MultiplePods", "starting", "SandboxSuspended"]) {
                for generation in [1, 2] {
                    let sent = normalise(generation, OperatingMode::Running, &[condition("Ready", status, why, 1)], Sight::Unknown, after);
                    let is_transient = |reason: &str| TRANSIENT.iter().any(|transient| transient.eq_ignore_ascii_case(reason));
                    let is_lost = sent.iter().all(|c| c.status == "False" && !c.reason.is_empty() && !is_transient(&c.reason));
                    let is_ready = status == Truth::True && generation == 1 && why != "SandboxSuspended";
                    assert_eq!((sent.len(), is_lost), (1, !is_ready), "{sent:?}");
                }
            }
        }
    }

    #[test]
    fn a_running_sandbox_is_never_called_suspended() {
        let sticky = [condition("Suspended", Truth::True, "PodTerminated", 2), condition("Ready", Truth::True, "DependenciesReady", 3)];
        assert!(normalise(3, OperatingMode::Running, &sticky, Sight::Unknown, End::NotProven).iter().all(|c| c.r#type != "Suspended"));
    }

    #[test]
    fn an_outdated_ready_is_not_passed_on() {
        for mode in [OperatingMode::Running, OperatingMode::Suspended] {
            let sent = normalise(4, mode, &[condition("Ready", Truth::True, "DependenciesReady", 3)], Sight::Unknown, End::NotProven);
            assert!(sent.iter().all(|c| !(c.r#type == "Ready" && c.status == "True")), "{mode:?}");
        }
    }

    #[test]
    fn stopped_is_said_only_of_a_suspension_the_controller_has_seen() {
        let stopped = |generation| {
            let conditions =
                [condition("Ready", Truth::False, "SandboxSuspended", 3), condition("Suspended", Truth::True, "PodTerminated", 3)];
            normalise(generation, OperatingMode::Suspended, &conditions, Sight::Absent, End::NotProven)
                .iter()
                .any(|c| c.r#type == "Suspended" && c.status == "True")
        };
        assert!(stopped(3) && !stopped(4));
    }
}
