//! `CreateSandbox`: one POST, and certainty about what became of it.
//!
//! The gateway keeps a row only while this call says OK, and sends no delete for a create that failed. So a POST whose fate is unknown is read
//! back before anything is said; and where that cannot be done in time, the caller is told `UNAVAILABLE` and the object is looked for afterwards,
//! to be removed. A caller that hangs up keeps its row, and so its sandbox.
//!
//! * `meet`: what an object of the wanted name is to a create. `leftover`: looking for what one that failed may have made.

mod leftover;
mod meet;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::meet::Met;
use super::search::{Belief, doubt_version};
use super::{Cx, Event, Step, refusal};
use crate::config::Config;
use crate::contract::messages::compute as pb;
use crate::core::admit::Admitted;
use crate::core::grpc_status::{Code, Status};
use crate::core::io::Reply;
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::path::ApiVersion;
use crate::core::kube::sandbox::Sandbox;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::note::Note;
use crate::core::observe::Cluster;
use crate::core::render::sandbox::{self, Service};
use crate::core::render::supervisor::Delivery;
use crate::core::secret::{Body, Secret};
use crate::core::territory::{ObjectKey, OurNamespace};
use crate::core::time::Mono;
use crate::core::turn::{Timer, Turn};
use crate::core::workspaces::Standing;

/// A create in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Create {
    id: SandboxId,
    object: ObjectKey,
    #[serde(rename = "request_digest")]
    digest: String,
    began: Mono,
    before: Before,
    admitted: Admitted,
    /// The gateway's token, where it is to be stored; it comes once.
    token: Option<Secret>,
    rendered: Rendered,
    belief: Belief,
    state: State,
    fate: Fate,
    caller: Caller,
    tries: u32,
    /// How often a search has not found it.
    absences: u32,
    /// What went wrong last, for the caller whose time runs out.
    trouble: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// The POST is out.
    Posting,
    /// A GET is out: the name is taken, or the POST's fate is unknown.
    Reading,
    /// Nothing is out; this comes next.
    Pausing(Next),
    /// The namespace of the workspace is being made or furnished; the POST comes next.
    AwaitingNamespace,
    /// The caller has been told that it failed, or has hung up; a GET looks for what may be there all the same.
    Searching,
    /// It was there; a DELETE is out.
    Removing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Next {
    Post,
    Read,
    Search,
}

/// The object as it was rendered last, and for whom.
#[derive(Debug, Serialize, Deserialize)]
struct Rendered {
    body: Body,
    version: ApiVersion,
    service: Service,
}

/// Whether a POST of ours may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Fate {
    /// Each was refused, or never arrived.
    Nothing,
    /// One may have been.
    Possible,
}

/// Whether the sandbox was there when its create arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Before {
    /// It was, for all we know.
    There,
    /// It was not.
    Absent,
}

/// Who hears of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Caller {
    /// The gateway waits.
    Waiting,
    /// It hung up; its row, and so the sandbox, stays.
    HungUp,
    /// It was told `UNAVAILABLE` and has dropped its row.
    Refused,
}

impl Create {
    /// Checks a request and renders its object. Its digest is given where it comes from a recording.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` for whatever Validate refuses: the gateway would make `INTERNAL` of anything else.
    pub fn admit(
        config: &Config,
        cluster: &Cluster,
        turn: &Turn<'_>,
        request: &pb::CreateSandboxRequest,
        digest: Option<String>,
    ) -> Result<Self, Status> {
        let precondition = |status: Status| match status.code {
            Code::Unavailable => status,
            _ => Status { code: Code::FailedPrecondition, ..status },
        };
        let mut admitted = Admitted::check(config, cluster.api().territory(), request.sandbox.as_ref()).map_err(precondition)?;
        if let Some(digest) = digest {
            admitted.digest = digest;
        }
        cluster.lets_in(admitted.object.namespace())?;
        if cluster.is_forestalled(turn, &admitted.id) {
            // The gateway never gives an id twice, and has dropped the row of this one.
            return Err(Status::failed_precondition(format!(
                "sandbox {} was deleted before its create arrived; create another one",
                admitted.id
            )));
        }
        let token = token(config, request)?;
        let body = render(config, cluster, &admitted, Service::Declined)?;
        Ok(Self {
            id: admitted.id.clone(),
            object: admitted.object.clone(),
            digest: admitted.digest.clone(),
            began: turn.now().mono,
            before: if cluster.find(&admitted.id).is_some() { Before::There } else { Before::Absent },
            admitted,
            token,
            rendered: Rendered { body, version: cluster.api().version(), service: Service::Declined },
            belief: Belief::Assumed,
            state: State::Pausing(Next::Post),
            fate: Fate::Nothing,
            caller: Caller::Waiting,
            tries: 0,
            absences: 0,
            trouble: "the API server did not answer".into(),
        })
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        cx.turn.met("create", self.state_name(), event.name());
        match event {
            Event::Begin | Event::Retry => {
                self.belief.waited();
                self.go_on(cx)
            }
            Event::Answer(verdict) => match self.state {
                State::Posting => self.posted(cx, verdict),
                State::Reading => self.read(cx, verdict),
                State::Searching => self.searched(cx, verdict),
                State::Removing => self.removed(cx, verdict),
                State::Pausing(_) | State::AwaitingNamespace => Step::Wait,
            },
            Event::Cancelled => {
                self.caller = Caller::HungUp;
                Step::Wait
            }
            Event::Deadline => self.out_of_time(cx),
            Event::Roused if self.state == State::AwaitingNamespace => self.settled(cx),
            Event::Roused => {
                self.belief = Belief::Answered;
                cx.turn.unset(&Timer::CallRetry(cx.call));
                self.go_on(cx)
            }
        }
    }

    /// Which namespace it waits for, if it does.
    #[must_use]
    pub const fn awaits(&self) -> Option<&OurNamespace> {
        match self.state {
            State::AwaitingNamespace => Some(self.object.namespace()),
            _ => None,
        }
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.belief == Belief::Questioned && matches!(self.state, State::Pausing(Next::Post | Next::Read))
    }

    const fn state_name(&self) -> &'static str {
        match self.state {
            State::Posting => "posting",
            State::Reading => "reading",
            State::Pausing(Next::Post) => "pausing_to_post",
            State::Pausing(Next::Read) => "pausing_to_read",
            State::Pausing(Next::Search) => "pausing_to_search",
            State::Searching => "searching",
            State::Removing => "removing",
            State::AwaitingNamespace => "awaiting_namespace",
        }
    }

    /// Sends what comes next.
    fn go_on(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        let State::Pausing(next) = self.state else { return Step::Wait };
        if next == Next::Post && self.is_over(cx) {
            return self.lost(cx);
        }
        if next == Next::Post
            && let Some(workspaces) = cx.cluster.workspaces()
        {
            match workspaces.want(cx.turn, self.object.namespace(), &self.admitted.workspace, cx.deadline) {
                Standing::Ready => {}
                Standing::Pending(_) => {
                    self.state = State::AwaitingNamespace;
                    return Step::Wait;
                }
                Standing::Refused(status) => return self.refuse(cx, status),
            }
        }
        let request = match next {
            Next::Post => match self.body(cx) {
                Ok(body) => cx.cluster.api().create(self.object.namespace(), body),
                Err(status) => return self.refuse(cx, status),
            },
            Next::Read | Next::Search => cx.cluster.api().get(&self.object),
        };
        self.state = match next {
            Next::Post => State::Posting,
            Next::Read => State::Reading,
            Next::Search => State::Searching,
        };
        cx.send(request);
        Step::Wait
    }

    /// The namespace is ready, or cannot be had.
    fn settled(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        let standing = cx.cluster.workspaces().map_or(Standing::Ready, |workspaces| workspaces.standing(self.object.namespace()));
        match standing {
            Standing::Ready => self.at_once(cx, Next::Post),
            Standing::Pending(_) => Step::Wait,
            Standing::Refused(status) => self.refuse(cx, status),
        }
    }

    /// The object in the version that is spoken now.
    fn body(&mut self, cx: &Cx<'_, '_>) -> Result<Body, Status> {
        let version = cx.cluster.api().version();
        if self.rendered.version != version {
            self.rendered.body = render(cx.config, cx.cluster, &self.admitted, self.rendered.service)?;
            self.rendered.version = version;
        }
        Ok(self.rendered.body.clone())
    }

    /// The version that was spoken is not there: another one may be, or none.
    fn no_api(&mut self, cx: &mut Cx<'_, '_>, next: Next) -> Step {
        if self.belief != Belief::Assumed {
            return self.refuse(cx, Status::failed_precondition(refusal::no_api()));
        }
        self.belief = Belief::Questioned;
        cx.cluster.discover(cx.turn);
        self.later(cx, next, refusal::no_api(), Some(limits::DISCOVERY_PATIENCE))
    }

    fn posted(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(_) if self.is_over(cx) => self.lost(cx),
            Verdict::Done(response) => {
                self.entrust(cx);
                // The object was stored whatever the body looks like; a caller reads its own write where the body shows it.
                if let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0) {
                    cx.cluster.learn(cx.turn, object);
                }
                created()
            }
            Verdict::Exists(error) => {
                self.trouble = error.to_string();
                self.at_once(cx, Next::Read)
            }
            Verdict::Unsure(why) => {
                doubt_version(cx);
                self.fate = Fate::Possible;
                self.trouble = why;
                self.at_once(cx, Next::Read)
            }
            Verdict::Absent(error) | Verdict::NoNamespace(error) => self.lost_namespace(cx, &error).unwrap_or_else(|| {
                let status = no_namespace(&self.object, &error.to_string());
                self.refuse(cx, status)
            }),
            Verdict::NoApi(_) => self.no_api(cx, Next::Post),
            // Releases before v0.4.6 make a Service always, and do not know the field that declines it.
            Verdict::Refused(error) if self.rendered.service == Service::Declined && error.message.contains("spec.service") => {
                let (version, service) = (cx.cluster.api().version(), Service::Unsaid);
                match render(cx.config, cx.cluster, &self.admitted, service) {
                    Ok(body) => {
                        self.rendered = Rendered { body, version, service };
                        self.at_once(cx, Next::Post)
                    }
                    Err(status) => self.refuse(cx, status),
                }
            }
            Verdict::Refused(error) => {
                let lost = error.is_terminating_namespace().then(|| self.lost_namespace(cx, &error)).flatten();
                lost.unwrap_or_else(|| {
                    let status = refusal::of_create(&self.object, &error);
                    self.refuse(cx, status)
                })
            }
            Verdict::Conflict(error) | Verdict::Unauthorized(error) | Verdict::Busy(error) => {
                self.later(cx, Next::Post, error.to_string(), error.retry_after)
            }
            Verdict::NotSent(why) => self.later(cx, Next::Post, format!("the API server cannot be reached: {why}"), None),
        }
    }

    /// A namespace of ours is gone, or on its way out, though it was ready: it is made again.
    fn lost_namespace(&mut self, cx: &mut Cx<'_, '_>, error: &ApiError) -> Option<Step> {
        cx.cluster.workspaces()?.lost(self.object.namespace());
        Some(self.later(cx, Next::Post, error.to_string(), error.retry_after))
    }

    fn read(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => match self.meet(cx, &response.body) {
                Met::Ours(_) if self.is_over(cx) => self.lost(cx),
                Met::Ours(object) => {
                    if self.fate == Fate::Nothing {
                        cx.turn.note(Note::Adopted { object: (&self.object).into() });
                    }
                    self.entrust(cx);
                    cx.cluster.learn(cx.turn, *object);
                    created()
                }
                Met::Leaving => {
                    let trouble = format!("an earlier Sandbox {} is still being deleted; wait until it is gone", self.object.name());
                    self.later(cx, Next::Post, trouble, None)
                }
                Met::Lost => self.lost(cx),
                Met::Other(status) => self.refuse(cx, status),
                Met::Unreadable => self.later(cx, Next::Read, "the API server's answer cannot be read".into(), None),
            },
            // Its end may have been told, and its row dropped: another one would be nobody's.
            Verdict::Absent(_) if cx.cluster.has_come_and_gone(cx.turn, &self.object, &self.id, self.began) => self.lost(cx),
            // Not there, or not there yet: the POST is sent again, and meets the first one if that still arrives.
            Verdict::Absent(error) => self.later(cx, Next::Post, error.to_string(), None),
            Verdict::NoNamespace(error) => {
                let status = no_namespace(&self.object, &error.to_string());
                self.refuse(cx, status)
            }
            Verdict::NoApi(_) => self.no_api(cx, Next::Read),
            Verdict::Refused(error) if self.fate == Fate::Nothing => {
                let refused = refusal::of("get", cx.cluster.api().scope(), &error);
                self.refuse(cx, Status { code: Code::FailedPrecondition, ..refused })
            }
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Unauthorized(error)
            | Verdict::Refused(error)
            | Verdict::Busy(error) => self.later(cx, Next::Read, error.to_string(), error.retry_after),
            Verdict::Unsure(why) => {
                doubt_version(cx);
                self.later(cx, Next::Read, why, None)
            }
            Verdict::NotSent(why) => self.later(cx, Next::Read, why, None),
        }
    }

    /// Whether an earlier POST of this call was carried out, and what it made has come to its end: the gateway was told, and has dropped the row.
    fn is_over(&self, cx: &Cx<'_, '_>) -> bool {
        self.fate == Fate::Possible && cx.cluster.was_told_gone(&self.id, self.began)
    }

    /// It was created, and somebody has deleted it since.
    fn lost(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        let status = Status::unavailable(format!(
            "Sandbox {} was created, but somebody deleted it before that was known here; create another one",
            self.object
        ));
        self.refuse(cx, status)
    }

    /// The caller's time is up, or a search's.
    fn out_of_time(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        if self.state == State::Posting {
            self.fate = Fate::Possible;
        }
        match self.caller {
            Caller::HungUp if self.fate == Fate::Possible && !self.is_searching() => {
                // Until a POST that is still on its way has arrived or cannot any more, the sandbox is being created: whoever asked for it now
                // would hear that it does not exist, and forget it.
                self.search(cx);
                Step::GoOn
            }
            Caller::HungUp => Step::Done,
            Caller::Waiting if self.state == State::AwaitingNamespace => {
                let standing = cx.cluster.workspaces().map(|workspaces| workspaces.standing(self.object.namespace()));
                if let Some(Standing::Pending(trouble)) = standing {
                    self.trouble = trouble;
                }
                let status = Status::unavailable(format!(
                    "namespace {} of workspace {} could not be prepared in time: {}; try again",
                    self.object.namespace(),
                    self.admitted.workspace,
                    self.trouble
                ));
                self.refuse(cx, status)
            }
            Caller::Refused => {
                self.abandon(cx.turn);
                Step::Done
            }
            Caller::Waiting => {
                let status = Status::unavailable(format!(
                    "Sandbox {} could not be created in time: {}; try again",
                    self.object.name(),
                    self.trouble
                ));
                self.refuse(cx, status)
            }
        }
    }

    /// Tells the caller that it failed; and if a POST may have been carried out all the same, goes on to look for what it made.
    fn refuse(&mut self, cx: &mut Cx<'_, '_>, status: Status) -> Step {
        // A proxy may have sent a POST twice, and what was refused is the second one: what the first has made would have no row. Where that is in
        // doubt anyway it is looked for below.
        let alone = cx.creating.get(&self.id).is_none_or(|calls| calls.len() == 1);
        let certain = self.fate == Fate::Nothing && status.code != Code::AlreadyExists;
        if certain && self.before == Before::Absent && alone && self.caller == Caller::Waiting {
            cx.cluster.disown(cx.turn, &self.object, &self.id);
        }
        if self.fate == Fate::Nothing || self.caller != Caller::Waiting {
            return Step::Reply(Err(status));
        }
        self.caller = Caller::Refused;
        self.search(cx);
        Step::ReplyAndGoOn(status)
    }

    /// The Sandbox is there: its token is handed on, to be stored.
    fn entrust(&mut self, cx: &mut Cx<'_, '_>) {
        if let Some(token) = self.token.take() {
            cx.cluster.entrust(self.id.clone(), token);
        }
    }

    fn at_once(&mut self, cx: &mut Cx<'_, '_>, next: Next) -> Step {
        self.state = State::Pausing(next);
        self.go_on(cx)
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, next: Next, trouble: String, asked: Option<Duration>) -> Step {
        self.trouble = trouble;
        self.tries = self.tries.saturating_add(1);
        self.state = State::Pausing(next);
        cx.pause(self.tries, asked);
        Step::Wait
    }
}

/// The token a create brings, where it is to be stored.
fn token(config: &Config, request: &pb::CreateSandboxRequest) -> Result<Option<Secret>, Status> {
    if !config.pod.credential.is_secret() {
        return Ok(None);
    }
    let token = request.sandbox.as_ref().and_then(|sandbox| sandbox.spec.as_deref()).map(|spec| spec.sandbox_token.as_str());
    match token {
        Some(token) if !token.is_empty() => Ok(Some(Secret::new(token.to_owned()))),
        _ => Err(Status::failed_precondition(
            "spec.sandbox_token is empty, but sandboxes are to prove themselves by it: have the gateway issue tokens (gateway_jwt), or start the driver with --sandbox-credential projected",
        )),
    }
}

/// The object of an admitted sandbox.
///
/// # Errors
/// `FAILED_PRECONDITION` when it is too large to be stored.
pub fn render(config: &Config, cluster: &Cluster, admitted: &Admitted, service: Service) -> Result<Body, Status> {
    let delivery = Delivery::choose(config.pod.supervisor.sideload, cluster.server().version());
    sandbox::sandbox(config, cluster.api(), admitted, delivery, service)
}

fn created() -> Step {
    Step::Reply(Ok(Reply::CreateSandbox(pb::CreateSandboxResponse::default())))
}

fn no_namespace(object: &ObjectKey, error: &str) -> Status {
    let namespace = object.namespace();
    Status::failed_precondition(format!(
        "namespace {namespace} does not exist ({error}); create it: kubectl create namespace {namespace} && kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=privileged"
    ))
}
