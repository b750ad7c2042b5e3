//! `GetSandbox`: from the store; a negative answer only after the API server has confirmed it, because the gateway deletes rows on it.

use super::list::stale;
use super::{Cx, Event, Step, refusal};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::{Code, Status};
use crate::core::io::Reply;
use crate::core::kube::answer::Verdict;
use crate::core::kube::list::Page;
use crate::core::kube::sandbox::Sandbox;
use crate::core::names::SandboxId;
use crate::core::observe::Freshness;
use crate::core::observe::sandbox::{NameSource, either};
use crate::core::secret::Body;

/// A read in progress.
#[derive(Debug)]
pub struct Get {
    id: SandboxId,
    state: State,
    tries: u32,
    trouble: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has been asked yet, or is asked again soon.
    Pausing,
    /// The API server has been asked.
    Asking,
}

impl Get {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::GetSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        Ok(Self { id, state: State::Pausing, tries: 0, trouble: "the API server did not answer".into() })
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match self.state {
            State::Pausing => "pausing",
            State::Asking => "asking",
        };
        cx.turn.met("get", state, event.name());
        let step = self.step(cx, event);
        let is_answer = |status: &Status| status.code == Code::NotFound;
        if matches!(&step, Step::Done) || matches!(&step, Step::Reply(Err(status)) if !is_answer(status)) {
            cx.cluster.sweep_broken();
        }
        step
    }

    fn step(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        match event {
            Event::Begin if cx.cluster.freshness(cx.turn) == Freshness::Fresh => self.known(cx).unwrap_or_else(|| self.ask(cx)),
            Event::Begin | Event::Retry => self.ask(cx),
            Event::Answer(verdict) => self.answered(cx, verdict),
            Event::Cancelled => Step::Done,
            Event::Deadline => Step::Reply(Err(Status::unavailable(format!("sandbox {} could not be read: {}", self.id, self.trouble)))),
            Event::Roused => Step::Wait,
        }
    }

    /// The answer, if the store has one.
    fn known(&self, cx: &Cx<'_, '_>) -> Option<Step> {
        let observed = cx.cluster.find(&self.id)?;
        Some(Step::Reply(match observed.source {
            NameSource::Metadata => Ok(found(cx.cluster.shown(&self.id)?.clone())),
            NameSource::Object => Err(Status::internal(format!(
                "Sandbox {object} of sandbox id {id} has lost the annotation openshell.ai/sandbox-name; restore it: kubectl annotate sandbox {object} -n {namespace} openshell.ai/sandbox-name=<name>",
                object = observed.object.name(),
                id = self.id,
                namespace = observed.object.namespace(),
            ))),
        }))
    }

    fn ask(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        self.state = State::Asking;
        let find = cx.cluster.api().find(&self.id);
        cx.send(find);
        Step::Wait
    }

    fn answered(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => match learn(cx, &response.body) {
                Ok(found) if found.contains(&self.id) => self.known(cx).unwrap_or_else(|| {
                    Step::Reply(Err(Status::internal(format!(
                        "an object with the sandbox id {id} is there, but its annotations say that it is not ours; look with: kubectl get sandbox {flag} -l openshell.ai/sandbox-id={label} -o yaml",
                        id = self.id,
                        flag = cx.cluster.api().scope().flag(),
                        label = self.id.label_value(),
                    ))))
                }),
                Ok(_) => self.absent(cx),
                Err(why) => self.later(cx, why, None),
            },
            Verdict::NoApi(_) => {
                cx.cluster.discover(cx.turn);
                Step::Reply(Err(Status::unavailable(refusal::no_api())))
            }
            Verdict::Refused(error) => Step::Reply(Err(refusal::of("list", cx.cluster.api().scope(), &error))),
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Absent(error)
            | Verdict::NoNamespace(error)
            | Verdict::Unauthorized(error)
            | Verdict::Busy(error) => self.later(cx, error.to_string(), error.retry_after),
            Verdict::Unsure(why) | Verdict::NotSent(why) => self.later(cx, why, None),
        }
    }

    /// Nothing has this id's label. Should the store know an object all the same, that one may only have lost its labels; and one that is being
    /// created is no sandbox that does not exist.
    fn absent(&self, cx: &mut Cx<'_, '_>) -> Step {
        let Some(known) = cx.cluster.find(&self.id).map(|observed| observed.object.clone()) else {
            if cx.creating.contains_key(&self.id) {
                return Step::Reply(Err(Status::unavailable(format!("sandbox {} is still being created; try again", self.id))));
            }
            return Step::Reply(Err(Status::not_found(format!("sandbox {} does not exist", self.id))));
        };
        cx.cluster.confirm(cx.turn, known);
        match cx.cluster.freshness(cx.turn) {
            Freshness::Fresh => self.known(cx).unwrap_or(Step::Wait),
            Freshness::Stale(age, why) => Step::Reply(Err(stale(age, &why))),
            Freshness::Cold(why) => Step::Reply(Err(super::list::cold(&why))),
        }
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: String, asked: Option<std::time::Duration>) -> Step {
        self.trouble = trouble;
        self.tries = self.tries.saturating_add(1);
        self.state = State::Pausing;
        cx.pause(self.tries, asked);
        Step::Wait
    }
}

/// Takes the objects of an answer into the store, and says which sandbox ids they have.
///
/// # Errors
/// When the answer cannot be read.
pub fn learn(cx: &mut Cx<'_, '_>, body: &Body) -> Result<Vec<SandboxId>, String> {
    let page = Page::<Sandbox>::parse(body)?;
    let mut ids = Vec::new();
    for object in page.items {
        let (annotations, labels) = (&object.metadata.annotations, &object.metadata.labels);
        ids.extend(either(annotations.sandbox_id.as_deref(), labels.sandbox_id.as_deref(), SandboxId::parse));
        cx.cluster.learn(cx.turn, object);
    }
    Ok(ids)
}

fn found(sandbox: pb::DriverSandbox) -> Reply {
    Reply::GetSandbox(pb::GetSandboxResponse { sandbox: Some(sandbox) })
}
