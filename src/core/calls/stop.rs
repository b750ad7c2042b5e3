//! `StopSandbox`: says OK when the pod is really gone. On OK the gateway calls the sandbox stopped at once, and some releases of the controller
//! call it suspended while its pod is still ending; so two things must agree: a condition as young as the wish, which says that the controller
//! has acted on it (before, there may not even have been a pod), and a live read that finds no pod of this sandbox.

use serde::{Deserialize, Serialize};

use super::mode::{Progress, SetMode, Target};
use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::Status;
use crate::core::io::Reply;
use crate::core::kube::answer::{Trouble, Verdict};
use crate::core::kube::pod::Pod;
use crate::core::kube::sandbox::{OperatingMode, Truth};
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::observe::sandbox::Life;

/// A stop in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stop {
    id: SandboxId,
    state: State,
    tries: u32,
    trouble: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum State {
    /// The object is being told.
    Suspending(SetMode),
    /// It has been told. Nothing is out: it is looked at when something of it changes, and now and then.
    Waiting(Target),
    /// The pod is being read.
    Looking(Target),
}

/// What is known of the object.
enum Sight {
    /// The controller has not acted on the wish yet.
    NotSeen,
    /// It has; whether the pod is gone is another question.
    Seen,
    /// There is no more to wait for.
    Over(Status),
}

impl Stop {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::StopSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        let suspend = SetMode::new(id.clone(), OperatingMode::Suspended);
        Ok(Self { id, state: State::Suspending(suspend), tries: 0, trouble: "the API server did not say whether its pod is gone".into() })
    }

    /// Whether the object has been told, so that all that remains is to see its pod go.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        !matches!(self.state, State::Suspending(_))
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        matches!(&self.state, State::Suspending(suspend) if suspend.waits_for_versions())
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match &self.state {
            State::Suspending(suspend) => suspend.state_name(),
            State::Waiting(_) => "waiting",
            State::Looking(_) => "looking",
        };
        cx.turn.met("stop", state, event.name());
        match (&mut self.state, event) {
            (State::Suspending(suspend), event) => match suspend.on(cx, event) {
                Progress::Waiting => Step::Wait,
                Progress::Set(target) => self.look(cx, target),
                Progress::Refused(status) => Step::Reply(Err(status)),
                Progress::Abandoned => Step::Done,
            },
            (_, Event::Cancelled) => Step::Done,
            (_, Event::Deadline) => Step::Reply(Err(Status::deadline_exceeded(format!(
                "sandbox {} has been told to stop, but not stopped in time: {}; it stops as soon as that is mended",
                self.id, self.trouble
            )))),
            (State::Looking(target), Event::Answer(verdict)) => {
                let target = target.clone();
                self.looked(cx, target, verdict)
            }
            (State::Waiting(target), Event::Roused | Event::Retry) => {
                let target = target.clone();
                self.look(cx, target)
            }
            (State::Waiting(_) | State::Looking(_), _) => Step::Wait,
        }
    }

    /// Reads the pod, if the controller has acted on the wish.
    fn look(&mut self, cx: &mut Cx<'_, '_>, target: Target) -> Step {
        match self.sight(cx, &target) {
            Sight::Over(status) => Step::Reply(Err(status)),
            Sight::NotSeen => self.wait(cx, target, Trouble::new("the agent-sandbox controller has not acted on it")),
            Sight::Seen => {
                let request = cx.cluster.api().pod(&target.pod);
                self.state = State::Looking(target);
                cx.send(request);
                Step::Wait
            }
        }
    }

    fn sight(&self, cx: &Cx<'_, '_>, target: &Target) -> Sight {
        let Some(observed) = cx.cluster.find(&self.id).filter(|observed| observed.uid == target.uid) else {
            return Sight::Over(Status::not_found(format!("sandbox {} was deleted while it was being stopped", self.id)));
        };
        if observed.life == Life::Deleting {
            return Sight::Over(Status::failed_precondition(format!("sandbox {} was deleted while it was being stopped", self.id)));
        }
        if observed.mode != OperatingMode::Suspended {
            return Sight::Over(Status::aborted(format!("sandbox {} was started again while it was being stopped", self.id)));
        }
        let not_owned = observed
            .conditions
            .iter()
            .find(|condition| condition.kind == "Suspended" && condition.status == Truth::False && condition.reason == "PodNotOwned");
        if let Some(condition) = not_owned.filter(|condition| condition.observed_generation >= target.generation) {
            return Sight::Over(Status::failed_precondition(format!(
                "sandbox {} cannot be stopped: {}; look with: kubectl get pod {} -n {} -o yaml",
                self.id,
                condition.message,
                target.pod.name(),
                target.pod.namespace()
            )));
        }
        if observed.conditions.iter().any(|condition| condition.observed_generation >= target.generation) {
            Sight::Seen
        } else {
            Sight::NotSeen
        }
    }

    fn looked(&mut self, cx: &mut Cx<'_, '_>, target: Target, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Absent(_) | Verdict::NoNamespace(_) => self.gone(cx, &target),
            Verdict::Done(response) => match serde_json::from_slice::<Pod>(&response.body.0) {
                // Also the pod of an earlier object of the same sandbox: its supervisor runs.
                Ok(pod) if pod.controller() == Some(target.uid.as_str()) || pod.is_of(&self.id) => {
                    let why = format!("pod {} is still there", target.pod.name());
                    self.wait(cx, target, Trouble::new(why))
                }
                Ok(_) => self.gone(cx, &target),
                Err(_) => self.wait(cx, target, Trouble::new("the pod cannot be read")),
            },
            Verdict::Refused(error) if error.status == 403 => Step::Reply(Err(Status::permission_denied(format!(
                "sandbox {} has been told to stop, but the driver may not see whether its pod is gone: {error}; check with: kubectl auth can-i get pods -n {} --as system:serviceaccount:<namespace>:<name>",
                self.id,
                target.pod.namespace()
            )))),
            other => self.wait(cx, target, other.trouble()),
        }
    }

    /// There is no pod of this sandbox; unless somebody has just wished for one again, it is stopped.
    fn gone(&self, cx: &Cx<'_, '_>, target: &Target) -> Step {
        match self.sight(cx, target) {
            Sight::Over(status) => Step::Reply(Err(status)),
            Sight::Seen | Sight::NotSeen => Step::Reply(Ok(Reply::StopSandbox(pb::StopSandboxResponse::default()))),
        }
    }

    fn wait(&mut self, cx: &mut Cx<'_, '_>, target: Target, trouble: Trouble) -> Step {
        self.trouble = trouble.why;
        self.tries = self.tries.saturating_add(1).min(limits::STOP_LOOK_TRIES_MAX);
        self.state = State::Waiting(target);
        cx.pause(self.tries, trouble.retry_after);
        Step::Wait
    }
}
