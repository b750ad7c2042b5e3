//! `ValidateSandboxCreate`: at once, from the request alone; but for GPUs, which some node must have.
//!
//! The gateway calls this before every create, so the create itself need not look at nodes again, and stays one request.

use serde::{Deserialize, Serialize};

use super::patience::Patience;
use super::{Cx, Event, Step, refusal};
use crate::config::{Config, GpuSupply};
use crate::contract::messages::compute as pb;
use crate::core::admit::Admitted;
use crate::core::grpc_status::Status;
use crate::core::io::Reply;
use crate::core::kube::answer::{Trouble, Verdict};
use crate::core::kube::list::Page;
use crate::core::kube::node::Node;
use crate::core::kube::path;
use crate::core::limits;

/// A search for a node with enough GPUs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Validate {
    resource: String,
    wanted: u64,
    state: State,
    /// The most that a node of this search has.
    most: u64,
    /// Nodes this search has seen.
    seen: usize,
    /// The next page; the first where there is none.
    page: Option<String>,
    patience: Patience,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing has been asked yet, or is asked again soon.
    Pausing,
    /// A page of nodes has been asked for.
    Asking,
}

impl Validate {
    /// The search that a request needs, if it needs one.
    #[must_use]
    pub fn of(config: &Config, admitted: &Admitted) -> Option<Self> {
        let gpus = &config.pod.gpus;
        let wanted = admitted.resources.count(&gpus.resource);
        (wanted > 0 && gpus.supply == GpuSupply::Counted).then(|| Self {
            resource: gpus.resource.clone(),
            wanted,
            state: State::Pausing,
            most: 0,
            seen: 0,
            page: None,
            patience: Patience::default(),
        })
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match self.state {
            State::Pausing => "pausing",
            State::Asking => "asking",
        };
        cx.turn.met("validate", state, event.name());
        match event {
            Event::Begin if cx.cluster.capacity().suffices(self.wanted, cx.turn.now().mono) => accepted(),
            Event::Begin | Event::Retry => self.ask(cx),
            Event::Answer(verdict) => self.answered(cx, verdict),
            Event::Cancelled => Step::Done,
            Event::Deadline => Step::Reply(Err(Status::unavailable(format!(
                "nodes could not be looked through for {}: {}",
                self.resource,
                self.patience.trouble()
            )))),
            Event::Roused => Step::Wait,
        }
    }

    fn ask(&mut self, cx: &mut Cx<'_, '_>) -> Step {
        self.state = State::Asking;
        cx.send_list(path::list_nodes(self.page.as_deref()));
        Step::Wait
    }

    fn answered(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => match Page::<Node>::parse(&response.body) {
                Ok(page) => self.read(cx, page),
                Err(why) => self.later(cx, Trouble::new(why)),
            },
            Verdict::Refused(error) if error.is_expired() => {
                // The nodes of the page after have changed too much: the search begins again.
                (self.page, self.most, self.seen) = (None, 0, 0);
                self.later(cx, Trouble::new(error.to_string()))
            }
            Verdict::Refused(error) => Step::Reply(Err(refusal::of_nodes(&self.resource, &error))),
            other => self.later(cx, other.trouble()),
        }
    }

    fn read(&mut self, cx: &mut Cx<'_, '_>, page: Page<Node>) -> Step {
        self.seen = self.seen.saturating_add(page.items.len());
        self.most = page.items.iter().map(|node| node.count(&self.resource)).fold(self.most, u64::max);
        if self.most >= self.wanted {
            cx.cluster.capacity().learn(self.most, cx.turn.now().mono);
            return accepted();
        }
        if page.metadata.continue_token.is_empty() {
            return Step::Reply(Err(self.none()));
        }
        if self.seen >= limits::NODES_MAX {
            return Step::Reply(Err(Status::failed_precondition(format!(
                "none of the first {} nodes has {} {}, and no more are looked at; the driver's operator can switch the search off with --gpu-scale-from-zero true",
                self.seen, self.wanted, self.resource
            ))));
        }
        self.page = Some(page.metadata.continue_token);
        self.ask(cx)
    }

    /// No node has so many.
    fn none(&self) -> Status {
        let Self { resource, wanted, most, seen, .. } = self;
        Status::failed_precondition(format!(
            "no node has {wanted} {resource}: of {seen} the best has {most} (kubectl get nodes -o custom-columns='NAME:.metadata.name,GPUS:.status.allocatable.{}'); where \
             nodes are added when they are asked for, the driver's operator can say so with --gpu-scale-from-zero true",
            resource.replace('.', "\\.")
        ))
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: Trouble) -> Step {
        self.state = State::Pausing;
        self.patience.wait(cx, trouble)
    }
}

/// There is nothing against it.
#[must_use]
pub fn accepted() -> Step {
    Step::Reply(Ok(reply()))
}

/// The reply that there is nothing against it.
#[must_use]
pub fn reply() -> Reply {
    Reply::ValidateSandboxCreate(pb::ValidateSandboxCreateResponse::default())
}
