//! `DeleteSandbox`: the object, its pod first, by UID. `deleted=false` makes the gateway forget the sandbox at once, so it is said only when the
//! API server has confirmed that there is none.

use std::collections::BTreeSet;

use super::get::learn;
use super::{Cx, Event, Step, refusal};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::Status;
use crate::core::io::{Reply, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::sandbox::Sandbox;
use crate::core::names::{SandboxId, Uid};
use crate::core::observe::Freshness;

/// A delete in progress.
#[derive(Debug)]
pub struct Delete {
    id: SandboxId,
    state: State,
    tries: u32,
    trouble: String,
    /// Objects of this id whose deletion has been accepted.
    accepted: BTreeSet<Uid>,
    /// The object whose DELETE is out.
    target: Option<Uid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A create of the same sandbox is under way: what it makes is deleted.
    AwaitingCreate,
    /// Nothing is out; the sandbox is looked for next.
    Pausing,
    /// The API server is asked which object it is.
    Finding,
    /// The DELETE is out.
    Deleting,
}

impl Delete {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::DeleteSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        Ok(Self {
            id,
            state: State::Pausing,
            tries: 0,
            trouble: "the API server did not answer".into(),
            accepted: BTreeSet::new(),
            target: None,
        })
    }

    /// Whether it waits for a create to end.
    #[must_use]
    pub fn waits_for_create(&self) -> bool {
        self.state == State::AwaitingCreate
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match self.state {
            State::AwaitingCreate => "awaiting_create",
            State::Pausing => "pausing",
            State::Finding => "finding",
            State::Deleting => "deleting",
        };
        cx.turn.met("delete", state, event.name());
        match event {
            Event::Begin if cx.creating.contains_key(&self.id) => {
                self.state = State::AwaitingCreate;
                self.trouble = "its create has not ended".into();
                Step::Wait
            }
            Event::Begin => {
                let fresh = cx.cluster.freshness(cx.turn) == Freshness::Fresh;
                if fresh && self.delete(cx) { Step::Wait } else { self.find(cx) }
            }
            Event::Retry | Event::Roused => self.find(cx),
            Event::Answer(verdict) if self.state == State::Finding => self.found(cx, verdict),
            Event::Answer(verdict) => self.deleted(cx, verdict),
            // The gateway does not hang up on a delete; should it, what is out is out, and its sweep asks again.
            Event::Cancelled => Step::Done,
            Event::Deadline => Step::Reply(Err(Status::unavailable(format!(
                "sandbox {} could not be deleted in time: {}; try again",
                self.id, self.trouble
            )))),
        }
    }

    /// Sends the DELETE of an object the store has for this id, if it has one that is still to be deleted. Should somebody have copied the object,
    /// all of them are: otherwise the copy would speak for the id from now on, and nobody would hear that it is gone.
    fn delete(&mut self, cx: &mut Cx<'_, '_>) -> bool {
        let remaining = cx.cluster.claimants(&self.id).find(|observed| !self.accepted.contains(&observed.uid));
        let Some(observed) = remaining else { return false };
        let request = cx.cluster.api().delete(&observed.object, &observed.uid);
        self.target = Some(observed.uid.clone());
        self.state = State::Deleting;
        cx.send(request);
        true
    }

    fn find(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        self.state = State::Finding;
        let find = cx.cluster.api().find(&self.id);
        cx.send(find);
        Step::Wait
    }

    fn found(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => match learn(cx, &response.body) {
                // Should the store know an object that the labels did not find, that one has only lost them.
                Ok(_) if self.delete(cx) => Step::Wait,
                Ok(_) if !self.accepted.is_empty() => self.answer(cx, Deleted::Accepted),
                Ok(ids) if ids.contains(&self.id) => self.later(cx, "the object that has its id is not one of ours".into(), None),
                Ok(_) => self.answer(cx, Deleted::WasAbsent),
                Err(why) => self.later(cx, why, None),
            },
            other => self.failed(cx, other),
        }
    }

    fn deleted(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => {
                accepted(cx, &response);
                self.accepted.extend(self.target.take());
                if self.delete(cx) { Step::Wait } else { self.answer(cx, Deleted::Accepted) }
            }
            // Gone, or replaced by another object: look again which one it is. Once at once; then whoever answers so is not hurried.
            Verdict::Absent(error) | Verdict::Conflict(error) => {
                if let Some(known) = cx.cluster.find(&self.id).map(|observed| observed.object.clone()) {
                    cx.cluster.confirm(cx.turn, known);
                }
                if self.tries > 0 {
                    return self.later(cx, error.to_string(), None);
                }
                self.tries = 1;
                self.find(cx)
            }
            other => self.failed(cx, other),
        }
    }

    fn failed(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(_) => Step::Wait,
            Verdict::NoApi(_) => {
                cx.cluster.discover(cx.turn);
                self.later(cx, refusal::no_api(), None)
            }
            Verdict::Refused(error) => {
                let verb = if self.state == State::Deleting { "delete" } else { "list" };
                Step::Reply(Err(refusal::of(verb, cx.cluster.api().scope(), &error)))
            }
            Verdict::NoNamespace(_) => self.answer(cx, Deleted::WasAbsent),
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::Absent(error)
            | Verdict::Unauthorized(error)
            | Verdict::Busy(error) => self.later(cx, error.to_string(), error.retry_after),
            Verdict::Unsure(why) | Verdict::NotSent(why) => self.later(cx, why, None),
        }
    }

    /// Says that the sandbox is, or will be, gone; from now on nothing may come of its id.
    fn answer(&self, cx: &mut Cx<'_, '_>, deleted: Deleted) -> Step {
        cx.cluster.condemn(cx.turn, self.id.clone());
        if matches!(deleted, Deleted::WasAbsent) {
            cx.cluster.forestall(cx.turn, self.id.clone());
        }
        let deleted = matches!(deleted, Deleted::Accepted);
        Step::Reply(Ok(Reply::DeleteSandbox(pb::DeleteSandboxResponse { deleted })))
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: String, asked: Option<std::time::Duration>) -> Step {
        self.trouble = trouble;
        self.tries = self.tries.saturating_add(1);
        self.state = State::Pausing;
        cx.pause(self.tries, asked);
        Step::Wait
    }
}

/// What the gateway is told.
#[derive(Clone, Copy)]
enum Deleted {
    Accepted,
    WasAbsent,
}

/// A foreground delete answers with the object as it now is, others with a `Status`; either will do.
fn accepted(cx: &mut Cx<'_, '_>, response: &Response) {
    if let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0)
        && object.metadata.deletion_timestamp.is_some()
    {
        cx.cluster.learn(cx.turn, object);
    }
}
