//! `DeleteSandbox`: the object, its pod first, by UID. `deleted=false` makes the gateway forget the sandbox at once, so it is said only when the
//! API server has confirmed that there is none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::search::{Found, Purpose, Search};
use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::Status;
use crate::core::io::{Reply, Response};
use crate::core::kube::sandbox::Sandbox;
use crate::core::names::{SandboxId, Uid};
use crate::core::observe::Freshness;

/// A delete in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delete {
    search: Search,
    order: Order,
    /// Objects of this id whose deletion has been accepted.
    accepted: BTreeSet<Uid>,
    /// The object whose DELETE is out.
    target: Option<Uid>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Order {
    /// A create of the same sandbox is under way: what it makes is deleted.
    AwaitingCreate,
    /// Ours.
    Searching,
}

impl Delete {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::DeleteSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        let search = Search::new(id, Purpose::Delete);
        Ok(Self { search, order: Order::Searching, accepted: BTreeSet::new(), target: None })
    }

    /// Whether it waits for a create to end.
    #[must_use]
    pub fn waits_for_create(&self) -> bool {
        self.order == Order::AwaitingCreate
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.search.waits_for_versions()
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match self.order {
            Order::AwaitingCreate => "awaiting_create",
            Order::Searching => self.search.state_name(),
        };
        cx.turn.met("delete", state, event.name());
        let found = match (self.order, event) {
            (Order::Searching, Event::Begin) if cx.creating.contains_key(self.search.id()) => {
                self.order = Order::AwaitingCreate;
                self.search.hindered("its create has not ended");
                return Step::Wait;
            }
            (Order::Searching, Event::Begin) if cx.cluster.freshness(cx.turn) == Freshness::Fresh && self.delete(cx) => return Step::Wait,
            (Order::AwaitingCreate, Event::Roused) => {
                self.order = Order::Searching;
                self.search.look(cx)
            }
            // The gateway does not hang up on a delete; should it, what is out is out, and its sweep asks again.
            (_, event) => self.search.on(cx, event),
        };
        self.found(cx, found)
    }

    fn found(&mut self, cx: &mut Cx<'_, '_>, found: Found) -> Step {
        match found {
            Found::Nothing => Step::Wait,
            // Should the store know an object that the labels did not find, that one has only lost them.
            Found::Claimed | Found::Unclaimed if self.delete(cx) => Step::Wait,
            Found::Claimed | Found::Unclaimed if !self.accepted.is_empty() => self.answer(cx, Deleted::Accepted),
            Found::Claimed => {
                self.search.later(cx, "the object that has its id is not one of ours".into(), None);
                Step::Wait
            }
            Found::Unclaimed | Found::NoNamespace(_) => self.answer(cx, Deleted::WasAbsent),
            Found::Done(response) => {
                accepted(cx, &response);
                self.accepted.extend(self.target.take());
                if self.delete(cx) { Step::Wait } else { self.answer(cx, Deleted::Accepted) }
            }
            // Gone, or replaced by another object.
            Found::Moved(error) => {
                if let Some(known) = cx.cluster.find(self.search.id()).map(|observed| observed.object.clone()) {
                    cx.cluster.confirm(cx.turn, known);
                }
                self.search.look_again(cx, &error);
                Step::Wait
            }
            Found::Refused(status) => Step::Reply(Err(status)),
            Found::Abandoned => Step::Done,
        }
    }

    /// Sends the DELETE of an object the store has for this id, if it has one that is still to be deleted. Should somebody have copied the object,
    /// all of them are: otherwise the copy would speak for the id from now on, and nobody would hear that it is gone.
    fn delete(&mut self, cx: &mut Cx<'_, '_>) -> bool {
        let remaining = cx.cluster.claimants(self.search.id()).find(|observed| !self.accepted.contains(&observed.uid));
        let Some(observed) = remaining else { return false };
        let request = cx.cluster.api().delete(&observed.object, &observed.uid);
        self.target = Some(observed.uid.clone());
        self.search.ask(cx, request);
        true
    }

    /// Says that the sandbox is, or will be, gone; from now on nothing may come of its id.
    fn answer(&self, cx: &mut Cx<'_, '_>, deleted: Deleted) -> Step {
        cx.cluster.condemn(cx.turn, self.search.id().clone());
        if matches!(deleted, Deleted::WasAbsent) {
            cx.cluster.forestall(cx.turn, self.search.id().clone());
        }
        let deleted = matches!(deleted, Deleted::Accepted);
        Step::Reply(Ok(Reply::DeleteSandbox(pb::DeleteSandboxResponse { deleted })))
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
