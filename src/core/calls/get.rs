//! `GetSandbox`: from the store; a negative answer only after the API server has confirmed it, because the gateway deletes rows on it.

use serde::{Deserialize, Serialize};

use super::list::{cold, stale};
use super::search::{Found, Purpose, Search};
use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::{Code, Status};
use crate::core::io::Reply;
use crate::core::names::SandboxId;
use crate::core::observe::Freshness;
use crate::core::observe::sandbox::NameSource;

/// A read in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Get(Search);

impl Get {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::GetSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        Ok(Self(Search::new(id, Purpose::Read)))
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.0.waits_for_versions()
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        cx.turn.met("get", self.0.state_name(), event.name());
        let step = self.step(cx, event);
        let is_answer = |status: &Status| status.code == Code::NotFound;
        if matches!(&step, Step::Done) || matches!(&step, Step::Reply(Err(status)) if !is_answer(status)) {
            cx.cluster.sweep_broken();
        }
        step
    }

    fn step(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        if matches!(event, Event::Begin)
            && cx.cluster.freshness(cx.turn) == Freshness::Fresh
            && let Some(step) = self.known(cx)
        {
            return step;
        }
        match self.0.on(cx, event) {
            // Nothing is asked of the object, so nothing is done with it.
            Found::Nothing | Found::Done(_) | Found::Moved(_) => Step::Wait,
            Found::Claimed => self.known(cx).unwrap_or_else(|| self.foreign(cx)),
            Found::Unclaimed => self.absent(cx),
            // The gateway would forget every sandbox of a namespace that somebody is about to restore.
            Found::NoNamespace(error) => {
                self.0.later(cx, error.to_string(), error.retry_after);
                Step::Wait
            }
            Found::Refused(status) => Step::Reply(Err(status)),
            Found::Abandoned => Step::Done,
        }
    }

    /// The answer, if the store has one.
    fn known(&self, cx: &Cx<'_, '_>) -> Option<Step> {
        let id = self.0.id();
        let observed = cx.cluster.find(id)?;
        Some(Step::Reply(match observed.source {
            NameSource::Metadata => Ok(found(cx.cluster.shown(id)?.clone())),
            NameSource::Object => Err(Status::internal(format!(
                "Sandbox {object} of sandbox id {id} has lost the annotation openshell.ai/sandbox-name; restore it: kubectl annotate sandbox {object} -n {namespace} openshell.ai/sandbox-name=<name>",
                object = observed.object.name(),
                namespace = observed.object.namespace(),
            ))),
        }))
    }

    /// There is an object with this id's label, and it is not ours.
    fn foreign(&self, cx: &Cx<'_, '_>) -> Step {
        let id = self.0.id();
        Step::Reply(Err(Status::internal(format!(
            "an object with the sandbox id {id} is there, but its annotations say that it is not ours; look with: kubectl get sandbox {flag} -l openshell.ai/sandbox-id={label} -o yaml",
            flag = cx.cluster.api().scope().flag(),
            label = id.label_value(),
        ))))
    }

    /// Nothing has this id's label. Should the store know an object all the same, that one may only have lost its labels; and one that is being
    /// created is no sandbox that does not exist.
    fn absent(&self, cx: &mut Cx<'_, '_>) -> Step {
        let id = self.0.id();
        let Some(known) = cx.cluster.find(id).map(|observed| observed.object.clone()) else {
            if cx.creating.contains_key(id) {
                return Step::Reply(Err(Status::unavailable(format!("sandbox {id} is still being created; try again"))));
            }
            return Step::Reply(Err(Status::not_found(format!("sandbox {id} does not exist"))));
        };
        cx.cluster.confirm(cx.turn, known);
        match cx.cluster.freshness(cx.turn) {
            Freshness::Fresh => self.known(cx).unwrap_or(Step::Wait),
            Freshness::Stale(age, why) => Step::Reply(Err(stale(age, &why))),
            Freshness::Cold(why) => Step::Reply(Err(cold(&why))),
        }
    }
}

fn found(sandbox: pb::DriverSandbox) -> Reply {
    Reply::GetSandbox(pb::GetSandboxResponse { sandbox: Some(sandbox) })
}
