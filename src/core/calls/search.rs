//! Finding the object of a sandbox id, and asking something of it: the part that `GetSandbox`, `DeleteSandbox`, `StopSandbox` and
//! `StartSandbox` share. What an answer of the API server means is decided here, once; what is asked of the object, and what follows when there
//! is none, is each call's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cx, Event, refusal};
use crate::core::grpc_status::Status;
use crate::core::io::{HttpRequest, Response};
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::list::Page;
use crate::core::kube::path::ApiVersion;
use crate::core::kube::sandbox::Sandbox;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::observe::sandbox::either;
use crate::core::secret::Body;
use crate::core::turn::Timer;

/// A search in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Search {
    id: SandboxId,
    purpose: Purpose,
    state: State,
    belief: Belief,
    tries: u32,
    /// What went wrong last, for the caller whose time runs out.
    trouble: String,
}

/// What the object is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To be read; nothing is asked of it.
    Read,
    /// To be deleted.
    Delete,
    /// To be resumed.
    Start,
    /// To be suspended.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing is out; the sandbox is looked for next.
    Pausing,
    /// The API server is asked which object it is.
    Finding,
    /// What is wanted of the object is out.
    Acting,
}

/// What stands behind the version of the resource that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Belief {
    /// Nothing has said otherwise.
    Assumed,
    /// The server said that it is not there, and is being asked what is.
    Questioned,
    /// It has said what is there.
    Answered,
}

/// What an event comes to.
#[derive(Debug)]
pub enum Found {
    /// Nothing yet: the search goes on by itself.
    Nothing,
    /// There are objects with this id, and the store has taken those that are ours.
    Claimed,
    /// There is no object with this id's labels.
    Unclaimed,
    /// What was asked of the object has been done.
    Done(Response),
    /// The object is gone, or is not what it was when it was asked.
    Moved(ApiError),
    /// The namespace is not there, and so nothing in it.
    NoNamespace(ApiError),
    /// It cannot be, or not in time.
    Refused(Status),
    /// Nobody waits any more.
    Abandoned,
}

impl Belief {
    /// It is asked again what the answer was waited for: from now on it is not waited for any more.
    pub fn waited(&mut self) {
        if *self == Self::Questioned {
            *self = Self::Answered;
        }
    }
}

impl Purpose {
    /// The verb of what is asked of the object, as RBAC has it.
    const fn verb(self) -> &'static str {
        match self {
            Self::Read => "get",
            Self::Delete => "delete",
            Self::Start | Self::Stop => "patch",
        }
    }

    /// What the caller wanted done.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Delete => "deleted",
            Self::Start => "started",
            Self::Stop => "stopped",
        }
    }
}

impl Search {
    /// A search that has not begun.
    #[must_use]
    pub fn new(id: SandboxId, purpose: Purpose) -> Self {
        let trouble = "the API server did not answer".into();
        Self { id, purpose, state: State::Pausing, belief: Belief::Assumed, tries: 0, trouble }
    }

    /// What is looked for.
    #[must_use]
    pub const fn id(&self) -> &SandboxId {
        &self.id
    }

    /// What it is looked for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Says what it waits for while nothing of it is out.
    pub fn hindered(&mut self, by: &str) {
        self.trouble = by.into();
    }

    /// Its state, for transition coverage.
    #[must_use]
    pub const fn state_name(&self) -> &'static str {
        match (self.state, self.purpose) {
            (State::Pausing, _) => "pausing",
            (State::Finding, _) => "finding",
            (State::Acting, Purpose::Read) => "reading",
            (State::Acting, Purpose::Delete) => "deleting",
            (State::Acting, Purpose::Start | Purpose::Stop) => "patching",
        }
    }

    /// Whether it waits to hear which versions of the resource are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.state == State::Pausing && self.belief == Belief::Questioned
    }

    /// Takes an event.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Found {
        match event {
            Event::Begin | Event::Retry => {
                self.belief.waited();
                self.look(cx)
            }
            Event::Roused if self.waits_for_versions() && !cx.cluster.is_discovering() => {
                self.belief = Belief::Answered;
                cx.turn.unset(&Timer::CallRetry(cx.call));
                self.look(cx)
            }
            Event::Roused => Found::Nothing,
            Event::Answer(verdict) => self.answered(cx, verdict),
            Event::Cancelled => Found::Abandoned,
            Event::Deadline => Found::Refused(Status::unavailable(format!(
                "sandbox {} could not be {} in time: {}; try again",
                self.id,
                self.purpose.done(),
                self.trouble
            ))),
        }
    }

    /// Asks which objects have the id.
    pub fn look(&mut self, cx: &mut Cx<'_, '_>) -> Found {
        self.state = State::Finding;
        let find = cx.cluster.api().find(&self.id);
        cx.send(find);
        Found::Nothing
    }

    /// Asks something of the object that was found.
    pub fn ask(&mut self, cx: &mut Cx<'_, '_>, request: HttpRequest) {
        self.state = State::Acting;
        cx.send(request);
    }

    /// Looks again which object it is: the first time at once; then whoever always answers so is not hurried.
    pub fn look_again(&mut self, cx: &mut Cx<'_, '_>, error: &ApiError) -> Found {
        if self.tries > 0 {
            return self.later(cx, error.to_string(), None);
        }
        self.tries = 1;
        self.look(cx)
    }

    /// Looks again after a pause.
    pub fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: String, asked: Option<Duration>) -> Found {
        self.trouble = trouble;
        self.tries = self.tries.saturating_add(1);
        self.state = State::Pausing;
        cx.pause(self.tries, asked);
        Found::Nothing
    }

    fn answered(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Found {
        let is_acting = self.state == State::Acting;
        match verdict {
            Verdict::Done(response) if is_acting => Found::Done(response),
            Verdict::Done(response) => match learn(cx, &response.body) {
                Ok(ids) if ids.contains(&self.id) => Found::Claimed,
                Ok(_) => Found::Unclaimed,
                Err(why) => self.later(cx, why, None),
            },
            Verdict::Absent(error) | Verdict::Conflict(error) if is_acting => Found::Moved(error),
            Verdict::NoNamespace(error) => Found::NoNamespace(error),
            Verdict::NoApi(_) if self.belief == Belief::Assumed => {
                self.belief = Belief::Questioned;
                cx.cluster.discover(cx.turn);
                self.later(cx, refusal::no_api(), Some(limits::DISCOVERY_PATIENCE))
            }
            Verdict::NoApi(_) => Found::Refused(Status::failed_precondition(refusal::no_api())),
            Verdict::Refused(error) => {
                let verb = if is_acting { self.purpose.verb() } else { "list" };
                Found::Refused(refusal::of(verb, cx.cluster.api().scope(), &error))
            }
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Absent(error)
            | Verdict::Unauthorized(error)
            | Verdict::Busy(error) => self.later(cx, error.to_string(), error.retry_after),
            Verdict::Unsure(why) => {
                doubt_version(cx);
                self.later(cx, why, None)
            }
            Verdict::NotSent(why) => self.later(cx, why, None),
        }
    }
}

/// On a server that has been brought up to date, the old version fails whenever what converts it does.
pub fn doubt_version(cx: &mut Cx<'_, '_>) {
    if cx.cluster.api().version() == ApiVersion::V1Alpha1 {
        cx.cluster.discover(cx.turn);
    }
}

/// Takes the objects of an answer into the store, and says which sandbox ids they have.
fn learn(cx: &mut Cx<'_, '_>, body: &Body) -> Result<Vec<SandboxId>, String> {
    let page = Page::<Sandbox>::parse(body)?;
    let mut ids = Vec::new();
    for object in page.items {
        let (annotations, labels) = (&object.metadata.annotations, &object.metadata.labels);
        ids.extend(either(annotations.sandbox_id.as_deref(), labels.sandbox_id.as_deref(), SandboxId::parse));
        cx.cluster.learn(cx.turn, object);
    }
    Ok(ids)
}
