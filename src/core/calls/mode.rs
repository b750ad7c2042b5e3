//! Suspending and resuming a Sandbox: the part that `StopSandbox` and `StartSandbox` share. Finds the object, and patches what is wanted of it
//! with the version it was seen at, so that nobody's change is undone unseen.

use serde::{Deserialize, Serialize};

use super::search::{Found, Purpose, Search};
use super::{Cx, Event};
use crate::core::grpc_status::Status;
use crate::core::io::Response;
use crate::core::kube::sandbox::{OperatingMode, Sandbox};
use crate::core::names::{SandboxId, Uid};
use crate::core::observe::Freshness;
use crate::core::observe::sandbox::{Life, Observed};
use crate::core::territory::ObjectKey;

/// A change of mode in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetMode {
    search: Search,
    wanted: OperatingMode,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
        let purpose = match wanted {
            OperatingMode::Running => Purpose::Start,
            OperatingMode::Suspended => Purpose::Stop,
        };
        Self { search: Search::new(id, purpose), wanted }
    }

    /// Its state, for transition coverage.
    #[must_use]
    pub const fn state_name(&self) -> &'static str {
        self.search.state_name()
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.search.waits_for_versions()
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Progress {
        if matches!(event, Event::Begin)
            && cx.cluster.freshness(cx.turn) == Freshness::Fresh
            && let Some(progress) = self.remembered(cx)
        {
            return progress;
        }
        match self.search.on(cx, event) {
            Found::Nothing => Progress::Waiting,
            Found::Claimed | Found::Unclaimed => self.known(cx).unwrap_or_else(|| self.absent()),
            Found::NoNamespace(_) => self.absent(),
            Found::Done(response) => self.patched(cx, &response),
            // Somebody changed it, or it is gone.
            Found::Moved(error) => {
                self.search.look_again(cx, &error);
                Progress::Waiting
            }
            Found::Refused(status) => Progress::Refused(status),
            Found::Abandoned => Progress::Abandoned,
        }
    }

    fn absent(&self) -> Progress {
        Progress::Refused(Status::not_found(format!("sandbox {} does not exist", self.search.id())))
    }

    /// What the store suffices for: a change is sent with the version it knows, and a deletion is not taken back. That nothing is to be done is
    /// asked of the API server: what another driver of this gateway has just changed may not have been heard of here.
    fn remembered(&mut self, cx: &mut Cx<'_, '_>) -> Option<Progress> {
        let observed = cx.cluster.find(self.search.id())?;
        if observed.life != Life::Deleting && observed.mode == self.wanted {
            return None;
        }
        self.known(cx)
    }

    /// What to do about the object that the store has for this id, if it has one.
    fn known(&mut self, cx: &mut Cx<'_, '_>) -> Option<Progress> {
        let id = self.search.id();
        let observed = cx.cluster.find(id)?;
        if observed.life == Life::Deleting {
            return Some(Progress::Refused(Status::failed_precondition(format!(
                "sandbox {id} is being deleted and cannot be {}",
                self.search.purpose().done()
            ))));
        }
        if observed.mode == self.wanted {
            return Some(Progress::Set(Target::of(observed)));
        }
        let request = cx.cluster.api().set_mode(&observed.object, &observed.version, self.wanted);
        self.search.ask(cx, request);
        Some(Progress::Waiting)
    }

    fn patched(&mut self, cx: &mut Cx<'_, '_>, response: &Response) -> Progress {
        // The controller takes the pod's name off the object when it suspends it: what it was before is remembered.
        let pod = cx.cluster.find(self.search.id()).map(|observed| observed.pod.clone());
        let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0) else {
            return self.later(cx, "the API server's answer cannot be read");
        };
        cx.cluster.learn(cx.turn, object);
        match cx.cluster.find(self.search.id()).map(|observed| (observed.mode == self.wanted, Target::of(observed))) {
            Some((true, target)) => Progress::Set(Target { pod: pod.unwrap_or(target.pod), ..target }),
            // Stored, but not as asked: somebody on the way changes it back, or already has.
            Some((false, _)) => self.later(cx, "the API server took the change, but the object is not as it was asked to be"),
            None => self.later(cx, "the object is not one of ours any more"),
        }
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: &str) -> Progress {
        self.search.later(cx, trouble.into(), None);
        Progress::Waiting
    }
}
