//! One namespace of ours and what is in it: made, labelled and furnished, one request after the other.

use serde::{Deserialize, Serialize};

use super::Standing;
use super::pieces::{Comparison, Piece, Pieces};
use super::sources::{Sources, Supply};
use crate::core::grpc_status::Status;
use crate::core::io::{ExchangeId, HttpRequest, Lane};
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::furnishing as path;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::namespace::NamespaceObject;
use crate::core::limits;
use crate::core::names::Workspace;
use crate::core::note::Note;
use crate::core::observe::pod_security;
use crate::core::recording::state::rendered;
use crate::core::secret::Body;
use crate::core::territory::OurNamespace;
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// A namespace that is seen to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Household {
    namespace: OurNamespace,
    workspace: Workspace,
    state: State,
    belief: Belief,
    /// With which edition of the sources everything was found or put in its place.
    furnished: Option<u64>,
    /// When that, or the last doubt of it, was.
    seen: Mono,
    /// Why the last try came to nothing.
    refusal: Option<Status>,
    /// When the try under way began.
    began: Mono,
    /// How long anybody waits for it.
    until: Mono,
    tries: u32,
    trouble: String,
}

/// What the namespace is taken for before it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Belief {
    /// Nothing of this name.
    Absent,
    /// Just made by us, and so empty.
    Empty,
    /// There, with something in it.
    There,
}

#[derive(Debug, Serialize, Deserialize)]
enum State {
    /// Nothing is to be done.
    Idle,
    /// A request is out.
    Asking(Step, ExchangeId),
    /// The step is taken when the timer fires.
    Pausing(Step),
    /// The step is taken when the source of its secret has been read.
    AwaitingSource(Step),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Step {
    ReadNamespace,
    CreateNamespace,
    LabelNamespace(ResourceVersion),
    /// The piece of this number is read.
    Read(usize),
    /// It is put in its place.
    Create(usize),
    /// It is brought up to date.
    Patch(usize, #[serde(with = "rendered")] Body),
}

impl Step {
    const fn name(&self) -> &'static str {
        match self {
            Self::ReadNamespace | Self::Read(_) => "reading",
            Self::CreateNamespace | Self::Create(_) => "creating",
            Self::LabelNamespace(_) | Self::Patch(..) => "patching",
        }
    }
}

/// What a household works with.
#[derive(Debug)]
pub struct Work<'a> {
    /// What is put into every namespace.
    pub pieces: &'a Pieces,
    /// What secrets are copied from.
    pub sources: &'a mut Sources,
}

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is.
    UnderWay,
    /// It is ready, or cannot be had, or nobody waits any more.
    Ended,
}

impl Household {
    /// A namespace that is probably not there.
    #[must_use]
    pub fn new(namespace: OurNamespace, workspace: Workspace) -> Self {
        Self {
            namespace,
            workspace,
            state: State::Idle,
            belief: Belief::Absent,
            furnished: None,
            seen: Mono::default(),
            refusal: None,
            began: Mono::default(),
            until: Mono::default(),
            tries: 0,
            trouble: "the API server did not answer".into(),
        }
    }

    /// A namespace in which a sandbox lives.
    #[must_use]
    pub fn inhabited(namespace: OurNamespace, workspace: Workspace) -> Self {
        Self { belief: Belief::There, ..Self::new(namespace, workspace) }
    }

    /// Whether it is there, with everything in it as of this edition of the sources.
    #[must_use]
    pub fn is_ready(&self, edition: u64) -> bool {
        self.furnished == Some(edition)
    }

    /// Whether it has ever been ready, and has not been lost since.
    #[must_use]
    pub const fn is_furnished(&self) -> bool {
        self.furnished.is_some()
    }

    /// Whether it is being seen to.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Whether it waits for a source.
    #[must_use]
    pub const fn awaits_source(&self) -> bool {
        matches!(self.state, State::AwaitingSource(_))
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, edition: u64) -> Standing {
        match (&self.state, &self.refusal) {
            _ if self.is_ready(edition) => Standing::Ready,
            (State::Idle, Some(refusal)) => Standing::Refused(refusal.clone()),
            _ => Standing::Pending(self.trouble.clone()),
        }
    }

    /// Sees to it, unless that is being done.
    pub fn want(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, until: Mono) {
        self.until = self.until.max(until);
        if self.is_busy() {
            return;
        }
        self.refusal = None;
        self.tries = 0;
        self.began = turn.now().mono;
        let first = if self.belief == Belief::Absent { Step::CreateNamespace } else { Step::ReadNamespace };
        let _ = self.take(turn, work, first);
    }

    /// Something has shown that it is not as we left it. Says whether it should be seen to.
    pub fn doubt(&mut self, now: Mono) -> bool {
        let doubted = !self.is_busy() && now.since(self.seen) >= limits::POD_SECURITY_RECHECK;
        if doubted {
            self.seen = now;
            self.furnished = None;
        }
        doubted
    }

    /// It is gone, or is on its way out.
    pub fn lost(&mut self) {
        self.furnished = None;
        self.belief = Belief::There;
    }

    /// Its pause is over, or its source has been read.
    pub fn due(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>) -> Progress {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Pausing(step) | State::AwaitingSource(step) => self.take(turn, work, step),
            other => {
                self.state = other;
                Progress::UnderWay
            }
        }
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        if let State::Asking(_, exchange) = self.state {
            turn.abort_exchange(exchange);
        }
        turn.unset(&Timer::Household(self.namespace.clone()));
        self.state = State::Idle;
    }

    /// An exchange has ended.
    pub fn answered(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, verdict: Verdict) -> Progress {
        let State::Asking(step, _) = std::mem::replace(&mut self.state, State::Idle) else { return Progress::UnderWay };
        turn.met("household", step.name(), verdict.name());
        match (step, verdict) {
            (Step::CreateNamespace, Verdict::Done(_)) => {
                self.belief = Belief::Empty;
                turn.note(Note::WorkspaceCreated { namespace: self.namespace.to_string() });
                self.furnish(turn, work, 0)
            }
            (Step::ReadNamespace, Verdict::Done(response)) => self.read_namespace(turn, work, &response.body),
            (Step::ReadNamespace, Verdict::Absent(error) | Verdict::NoNamespace(error)) => {
                self.look(turn, work, Step::CreateNamespace, error.to_string())
            }
            (Step::LabelNamespace(_), Verdict::Done(_)) => self.furnish(turn, work, 0),
            (Step::CreateNamespace, Verdict::Exists(error) | Verdict::Conflict(error))
            | (Step::LabelNamespace(_), Verdict::Conflict(error) | Verdict::Absent(error) | Verdict::NoNamespace(error)) => {
                self.look(turn, work, Step::ReadNamespace, error.to_string())
            }
            (Step::Read(at), Verdict::Done(response)) => self.compare(turn, work, at, &response.body),
            (Step::Read(at), Verdict::Absent(error)) => self.look(turn, work, Step::Create(at), error.to_string()),
            (Step::Create(at) | Step::Patch(at, _), Verdict::Done(_)) => self.furnish(turn, work, at + 1),
            // A service account that is there will do, whoever made it.
            (Step::Create(at), Verdict::Exists(_)) if matches!(work.pieces.at(at), Some(Piece::ServiceAccount(_))) => {
                self.furnish(turn, work, at + 1)
            }
            // It may not be read, either.
            (Step::Create(at), Verdict::Conflict(error)) if matches!(work.pieces.at(at), Some(Piece::ServiceAccount(_))) => {
                self.later(turn, Step::Create(at), error.to_string(), None)
            }
            (Step::Create(at), Verdict::Exists(error) | Verdict::Conflict(error))
            | (Step::Patch(at, _), Verdict::Conflict(error) | Verdict::Absent(error)) => {
                self.look(turn, work, Step::Read(at), error.to_string())
            }
            (Step::Read(_) | Step::Create(_) | Step::Patch(..), Verdict::NoNamespace(error) | Verdict::Absent(error)) => {
                self.later(turn, Step::ReadNamespace, error.to_string(), error.retry_after)
            }
            (_, Verdict::Refused(error)) if error.is_terminating_namespace() => {
                let trouble = format!("namespace {} is still being deleted; wait until it is gone", self.namespace);
                self.later(turn, Step::ReadNamespace, trouble, None)
            }
            (step, Verdict::Refused(error)) => self.refuse(turn, self.refusal_of(work, &step, &error)),
            (step, other) => {
                let trouble = other.trouble();
                self.later(turn, step, trouble.why, trouble.retry_after)
            }
        }
    }

    fn read_namespace(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, body: &Body) -> Progress {
        let Ok(read) = serde_json::from_slice::<NamespaceObject>(&body.0) else {
            return self.later(turn, Step::ReadNamespace, "the API server's answer cannot be read".into(), None);
        };
        if let Some(owner) = read.foreign_to(work.pieces.gateway_id()) {
            let namespace = &self.namespace;
            return self.refuse(
                turn,
                Status::failed_precondition(format!(
                    "namespace {namespace} of workspace {} is there already and belongs to {owner}; it is not touched: look with kubectl get namespace {namespace} -o yaml, \
                     then delete it or give this gateway another --gateway-id",
                    self.workspace
                )),
            );
        }
        if read.metadata.deletion_timestamp.is_some() {
            self.furnished = None;
            let trouble =
                format!("namespace {} of workspace {} is still being deleted; wait until it is gone", self.namespace, self.workspace);
            return self.later(turn, Step::ReadNamespace, trouble, None);
        }
        self.belief = Belief::There;
        if pod_security::admits(&read.metadata.labels) {
            self.furnish(turn, work, 0)
        } else {
            self.take(turn, work, Step::LabelNamespace(read.metadata.resource_version))
        }
    }

    /// Goes on with the piece of this number; after the last, everything is in its place.
    fn furnish(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, at: usize) -> Progress {
        self.tries = 0;
        match work.pieces.at(at) {
            None => {
                let before = self.furnished.replace(work.sources.edition());
                self.seen = turn.now().mono;
                self.belief = Belief::There;
                self.state = State::Idle;
                if before.is_none() {
                    turn.note(Note::WorkspaceReady { namespace: self.namespace.to_string() });
                }
                Progress::Ended
            }
            // Nothing but its creation is ever asked about it.
            Some(Piece::ServiceAccount(_)) => self.take(turn, work, Step::Create(at)),
            Some(_) if self.belief == Belief::Empty => self.take(turn, work, Step::Create(at)),
            Some(_) => self.take(turn, work, Step::Read(at)),
        }
    }

    fn compare(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, at: usize, body: &Body) -> Progress {
        let comparison = match work.pieces.at(at) {
            None => return self.furnish(turn, work, at),
            Some(Piece::Copy(name)) => match work.sources.supply(turn, name, self.began) {
                Supply::Content(secret) => work.pieces.compare_copy(secret, body),
                Supply::Awaited => {
                    self.state = State::AwaitingSource(Step::Read(at));
                    return Progress::UnderWay;
                }
                Supply::Refused(status) => return self.refuse(turn, status),
            },
            Some(piece) => work.pieces.compare(piece, body),
        };
        match comparison {
            Comparison::Same => self.furnish(turn, work, at + 1),
            Comparison::Differs(patch) => self.take(turn, work, Step::Patch(at, patch)),
            Comparison::Foreign => {
                let (what, namespace) = (work.pieces.describe(at), self.namespace.to_string());
                self.refuse(
                    turn,
                    Status::failed_precondition(format!(
                        "{what} in namespace {namespace} is there already and was not made by this driver; it is not touched: delete it, or look with kubectl get {what} -n {namespace} -o yaml"
                    )),
                )
            }
            Comparison::Unreadable => self.later(turn, Step::Read(at), "the API server's answer cannot be read".into(), None),
        }
    }

    /// Takes a step: sends its request, or finds out that it must wait.
    fn take(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, step: Step) -> Progress {
        let request: HttpRequest = match &step {
            Step::ReadNamespace => path::namespace(&self.namespace),
            Step::CreateNamespace => path::create_namespace(work.pieces.namespace(&self.namespace, &self.workspace)),
            Step::LabelNamespace(version) => path::label_namespace(&self.namespace, version),
            Step::Read(at) => match work.pieces.at(*at) {
                None => return self.furnish(turn, work, *at),
                Some(piece) => path::read(&self.namespace, piece.collection(), piece.name()),
            },
            Step::Create(at) => match work.pieces.at(*at) {
                None => return self.furnish(turn, work, *at),
                Some(Piece::Copy(name)) => match work.sources.supply(turn, name, self.began) {
                    Supply::Content(secret) => path::create(&self.namespace, "secrets", work.pieces.copy(&self.namespace, secret)),
                    Supply::Awaited => {
                        self.state = State::AwaitingSource(step);
                        return Progress::UnderWay;
                    }
                    Supply::Refused(status) => return self.refuse(turn, status),
                },
                Some(piece) => path::create(&self.namespace, piece.collection(), work.pieces.render(&self.namespace, piece)),
            },
            Step::Patch(at, patch) => match work.pieces.at(*at) {
                None => return self.furnish(turn, work, *at),
                Some(piece) => path::patch(&self.namespace, piece.collection(), piece.name(), patch.clone()),
            },
        };
        let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
        let exchange = turn.exchange(Waiter::Household(self.namespace.clone()), Lane::Requests, request, deadline);
        self.state = State::Asking(step, exchange);
        Progress::UnderWay
    }

    /// What was found contradicts what was believed: another look. Once at once; then whoever contradicts himself is not hurried.
    fn look(&mut self, turn: &mut Turn<'_>, work: &mut Work<'_>, step: Step, trouble: String) -> Progress {
        if self.tries > 0 {
            return self.later(turn, step, trouble, None);
        }
        self.tries = 1;
        self.take(turn, work, step)
    }

    fn later(&mut self, turn: &mut Turn<'_>, step: Step, trouble: String, asked: Option<std::time::Duration>) -> Progress {
        self.trouble = trouble;
        if turn.now().mono >= self.until {
            turn.note(Note::WorkspaceRefused { namespace: self.namespace.to_string(), reason: self.trouble.clone() });
            self.state = State::Idle;
            return Progress::Ended;
        }
        self.tries = self.tries.saturating_add(1);
        let pause = turn.backoff(Dice::Namespaces, self.tries, limits::CALL_BACKOFF_MAX);
        let pause = asked.map_or(pause, |asked| asked.max(pause));
        turn.set(Timer::Household(self.namespace.clone()), turn.now().mono.after(pause));
        self.state = State::Pausing(step);
        Progress::UnderWay
    }

    fn refuse(&mut self, turn: &mut Turn<'_>, status: Status) -> Progress {
        turn.note(Note::WorkspaceRefused { namespace: self.namespace.to_string(), reason: status.message.clone() });
        self.trouble.clone_from(&status.message);
        self.refusal = Some(status);
        self.state = State::Idle;
        Progress::Ended
    }

    fn refusal_of(&self, work: &Work<'_>, step: &Step, error: &ApiError) -> Status {
        let (verb, what) = match step {
            Step::ReadNamespace => ("get", "namespaces".to_owned()),
            Step::CreateNamespace => ("create", "namespaces".to_owned()),
            Step::LabelNamespace(_) => ("patch", "namespaces".to_owned()),
            Step::Read(at) => ("get", work.pieces.describe(*at)),
            Step::Create(at) => ("create", work.pieces.describe(*at)),
            Step::Patch(at, _) => ("patch", work.pieces.describe(*at)),
        };
        let hint = if error.lacks_right() {
            let flag = if what == "namespaces" { String::new() } else { format!(" -n {}", self.namespace) };
            format!(
                "; give the driver's service account its ClusterRole and check with: kubectl auth can-i {verb} {what}{flag} --as system:serviceaccount:<namespace>:<name>"
            )
        } else {
            String::new()
        };
        Status::failed_precondition(format!(
            "workspace {} cannot be prepared in namespace {}: {verb} {what}: {error}{hint}",
            self.workspace, self.namespace
        ))
    }
}
