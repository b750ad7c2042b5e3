//! Suspending and resuming a Sandbox: the part that `StopSandbox` and `StartSandbox` share. Finds the object, and patches what is wanted of it
//! with the version it was seen at, so that nobody's change is undone unseen.

use std::time::Duration;

use super::get::learn;
use super::{Cx, Event, refusal};
use crate::core::grpc_status::Status;
use crate::core::kube::answer::Verdict;
use crate::core::kube::sandbox::{OperatingMode, Sandbox};
use crate::core::names::{SandboxId, Uid};
use crate::core::observe::Freshness;
use crate::core::observe::sandbox::{Life, Observed};
use crate::core::territory::ObjectKey;

/// A change of mode in progress.
#[derive(Debug)]
pub struct SetMode {
    id: SandboxId,
    wanted: OperatingMode,
    state: State,
    tries: u32,
    trouble: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is out; the sandbox is looked for next.
    Pausing,
    /// The API server is asked which object it is.
    Finding,
    /// The PATCH is out.
    Patching,
}

/// What became of a change.
#[derive(Debug)]
pub enum Progress {
    /// It is under way.
    Waiting,
    /// The object is as wanted; nothing was sent, or the server has taken it.
    Set(Target),
    /// It cannot be.
    Refused(Status),
    /// Nobody waits any more.
    Abandoned,
}

/// The object whose mode was set, as it was then.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub object: ObjectKey,
    /// Its UID.
    pub uid: Uid,
    /// Where its pod is.
    pub pod: ObjectKey,
    /// The generation that wants this mode.
    pub generation: i64,
}

impl Target {
    fn of(observed: &Observed) -> Self {
        Self { object: observed.object.clone(), uid: observed.uid.clone(), pod: observed.pod.clone(), generation: observed.generation }
    }
}

impl SetMode {
    /// A change that has not begun.
    #[must_use]
    pub fn new(id: SandboxId, wanted: OperatingMode) -> Self {
        Self { id, wanted, state: State::Pausing, tries: 0, trouble: "the API server did not answer".into() }
    }

    /// Its state, for transition coverage.
    #[must_use]
    pub const fn state_name(&self) -> &'static str {
        match self.state {
            State::Pausing => "pausing",
            State::Finding => "finding",
            State::Patching => "patching",
        }
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Progress {
        match event {
            Event::Begin if cx.cluster.freshness(cx.turn) == Freshness::Fresh => self.known(cx).unwrap_or_else(|| self.find(cx)),
            Event::Begin | Event::Retry => self.find(cx),
            Event::Answer(verdict) if self.state == State::Patching => self.patched(cx, verdict),
            Event::Answer(verdict) => self.found(cx, verdict),
            Event::Cancelled => Progress::Abandoned,
            Event::Deadline => {
                let what = self.what();
                Progress::Refused(Status::unavailable(format!(
                    "sandbox {} could not be {what} in time: {}; try again",
                    self.id, self.trouble
                )))
            }
            Event::Roused => Progress::Waiting,
        }
    }

    const fn what(&self) -> &'static str {
        match self.wanted {
            OperatingMode::Running => "started",
            OperatingMode::Suspended => "stopped",
        }
    }

    /// What to do about the object that the store has for this id, if it has one.
    fn known(&mut self, cx: &mut Cx<'_, '_>) -> Option<Progress> {
        let observed = cx.cluster.find(&self.id)?;
        if observed.life == Life::Deleting {
            return Some(Progress::Refused(Status::failed_precondition(format!(
                "sandbox {} is being deleted and cannot be {}",
                self.id,
                self.what()
            ))));
        }
        if observed.mode == self.wanted {
            return Some(Progress::Set(Target::of(observed)));
        }
        let request = cx.cluster.api().set_mode(&observed.object, &observed.version, self.wanted);
        self.state = State::Patching;
        cx.send(request);
        Some(Progress::Waiting)
    }

    fn find(&mut self, cx: &mut Cx<'_, '_>) -> Progress {
        self.state = State::Finding;
        let find = cx.cluster.api().find(&self.id);
        cx.send(find);
        Progress::Waiting
    }

    fn found(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Progress {
        match verdict {
            Verdict::Done(response) => match learn(cx, &response.body) {
                Ok(_) => {
                    let absent = Progress::Refused(Status::not_found(format!("sandbox {} does not exist", self.id)));
                    self.known(cx).unwrap_or(absent)
                }
                Err(why) => self.later(cx, why, None),
            },
            other => self.failed(cx, other),
        }
    }

    fn patched(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Progress {
        match verdict {
            Verdict::Done(response) => {
                // The controller takes the pod's name off the object when it suspends it: what it was before is remembered.
                let pod = cx.cluster.find(&self.id).map(|observed| observed.pod.clone());
                match serde_json::from_slice::<Sandbox>(&response.body.0) {
                    Ok(object) => cx.cluster.learn(cx.turn, object),
                    Err(_) => return self.later(cx, "the API server's answer cannot be read".into(), None),
                }
                match cx.cluster.find(&self.id).map(|observed| (observed.mode == self.wanted, Target::of(observed))) {
                    Some((true, target)) => Progress::Set(Target { pod: pod.unwrap_or(target.pod), ..target }),
                    // Stored, but not as asked: somebody on the way changes it back, or already has.
                    Some((false, _)) => {
                        self.later(cx, "the API server took the change, but the object is not as it was asked to be".into(), None)
                    }
                    None => self.later(cx, "the object is not one of ours any more".into(), None),
                }
            }
            // Somebody changed it, or it is gone: look again what it is. Once at once; then nobody is hurried.
            Verdict::Conflict(error) | Verdict::Absent(error) => {
                if self.tries > 0 {
                    return self.later(cx, error.to_string(), None);
                }
                self.tries = 1;
                self.find(cx)
            }
            other => self.failed(cx, other),
        }
    }

    fn failed(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Progress {
        match verdict {
            Verdict::Done(_) => Progress::Waiting,
            Verdict::NoApi(_) => {
                cx.cluster.discover(cx.turn);
                self.later(cx, refusal::no_api(), None)
            }
            Verdict::NoNamespace(_) => Progress::Refused(Status::not_found(format!("sandbox {} does not exist", self.id))),
            Verdict::Refused(error) => {
                let verb = if self.state == State::Patching { "patch" } else { "list" };
                Progress::Refused(refusal::of(verb, cx.cluster.api().scope(), &error))
            }
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Absent(error)
            | Verdict::Unauthorized(error)
            | Verdict::Busy(error) => self.later(cx, error.to_string(), error.retry_after),
            Verdict::Unsure(why) | Verdict::NotSent(why) => self.later(cx, why, None),
        }
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: String, asked: Option<Duration>) -> Progress {
        self.trouble = trouble;
        self.tries = self.tries.saturating_add(1);
        self.state = State::Pausing;
        cx.pause(self.tries, asked);
        Progress::Waiting
    }
}
