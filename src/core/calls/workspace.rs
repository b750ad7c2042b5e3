//! `EnsureWorkspace` and `DeleteWorkspace`.
//!
//! Where all workspaces share one namespace there is nothing to make and nothing to remove; the gateway deletes the sandboxes of a workspace
//! itself, and asks to delete workspaces nobody ensured. Where each has a namespace of its own, it is made and furnished, and deleted by UID with
//! everything in it. `NOT_FOUND` is never answered: the gateway would keep the workspace for ever.

use serde::{Deserialize, Serialize};

use super::patience::Patience;
use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::{Code, Status};
use crate::core::io::Reply;
use crate::core::kube::answer::{ApiError, Trouble, Verdict};
use crate::core::kube::furnishing;
use crate::core::kube::namespace::NamespaceObject;
use crate::core::names::{Uid, Workspace};
use crate::core::note::Note;
use crate::core::secret::Body;
use crate::core::territory::{OurNamespace, Territory};
use crate::core::workspaces::Standing;

/// Checks the name of a workspace for which there is nothing to do.
///
/// # Errors
/// `INVALID_ARGUMENT` when it could not be one.
pub fn check(workspace: &str) -> Result<Workspace, Status> {
    named("workspace", Workspace::parse(workspace))
}

/// A workspace that is being made ready.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ensure {
    workspace: Workspace,
    namespace: OurNamespace,
}

impl Ensure {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it could not be a workspace, or not one here; `PERMISSION_DENIED` when nobody has chosen a namespace for it.
    pub fn admit(territory: &Territory, request: &pb::EnsureWorkspaceRequest) -> Result<Self, Status> {
        let workspace = check(&request.workspace)?;
        let namespace = territory.home(&workspace).map_err(|status| match status.code {
            Code::FailedPrecondition => Status::permission_denied(status.message),
            _ => status,
        })?;
        Ok(Self { workspace, namespace })
    }

    /// Which namespace it waits for.
    #[must_use]
    pub const fn namespace(&self) -> &OurNamespace {
        &self.namespace
    }

    /// Takes a step.
    pub fn on(&self, cx: &mut Cx<'_, '_>, event: &Event) -> Step {
        cx.turn.met("ensure_workspace", "waiting", event.name());
        let standing = match (event, cx.cluster.workspaces()) {
            (_, None) => Standing::Ready,
            (Event::Begin, Some(workspaces)) => workspaces.want(cx.turn, &self.namespace, &self.workspace, cx.deadline),
            (_, Some(workspaces)) => workspaces.standing(&self.namespace),
        };
        match (event, standing) {
            // What has been begun is finished: the workspace may be asked for again.
            (Event::Cancelled, _) => Step::Done,
            (_, Standing::Ready) => Step::Reply(Ok(Reply::EnsureWorkspace(pb::EnsureWorkspaceResponse::default()))),
            (_, Standing::Refused(status)) => Step::Reply(Err(status)),
            (Event::Deadline, Standing::Pending(trouble)) => Step::Reply(Err(Status::unavailable(format!(
                "workspace {} could not be prepared in time: {trouble}; try again",
                self.workspace
            )))),
            (_, Standing::Pending(_)) => Step::Wait,
        }
    }
}

/// A workspace whose namespace is being deleted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delete {
    workspace: Workspace,
    namespace: OurNamespace,
    state: State,
    patience: Patience,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing is out; the namespace is read next.
    Pausing,
    /// It is being read: whose is it?
    Reading,
    /// The DELETE is out.
    Deleting,
}

impl Delete {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it could not be a workspace, or not one here.
    pub fn admit(territory: &Territory, request: &pb::DeleteWorkspaceRequest) -> Result<Self, Status> {
        let workspace = check(&request.workspace)?;
        let namespace = territory.home(&workspace)?;
        Ok(Self { workspace, namespace, state: State::Pausing, patience: Patience::default() })
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        let state = match self.state {
            State::Pausing => "pausing",
            State::Reading => "reading",
            State::Deleting => "deleting",
        };
        cx.turn.met("delete_workspace", state, event.name());
        match event {
            Event::Begin | Event::Retry => {
                self.state = State::Reading;
                cx.send(furnishing::namespace(&self.namespace));
                Step::Wait
            }
            Event::Answer(verdict) if self.state == State::Deleting => self.deleted(cx, verdict),
            Event::Answer(verdict) => self.read(cx, verdict),
            Event::Cancelled => Step::Done,
            Event::Deadline => Step::Reply(Err(Status::unavailable(format!(
                "namespace {} of workspace {} could not be deleted in time: {}; try again",
                self.namespace,
                self.workspace,
                self.patience.trouble()
            )))),
            Event::Roused => Step::Wait,
        }
    }

    fn read(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(response) => self.judge(cx, &response.body),
            Verdict::Absent(_) | Verdict::NoNamespace(_) => self.done(cx),
            other => self.failed(cx, "get", other),
        }
    }

    /// Only what is ours is deleted. What is not has nothing of this workspace in it, so the gateway may forget it.
    fn judge(&mut self, cx: &mut Cx<'_, '_>, body: &Body) -> Step {
        let Ok(read) = serde_json::from_slice::<NamespaceObject>(&body.0) else {
            return self.later(cx, Trouble::new("the API server's answer cannot be read"));
        };
        if let Some(owner) = read.foreign_to(&cx.config.gateway_id) {
            cx.turn.note(Note::WorkspaceForeign { namespace: self.namespace.to_string(), owner });
            return deleted();
        }
        if read.metadata.deletion_timestamp.is_some() {
            return self.done(cx);
        }
        self.state = State::Deleting;
        cx.send(furnishing::delete_namespace(&self.namespace, &Uid::new(read.metadata.uid)));
        Step::Wait
    }

    fn deleted(&mut self, cx: &mut Cx<'_, '_>, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Done(_) => {
                cx.turn.note(Note::WorkspaceDeleted { namespace: self.namespace.to_string() });
                self.done(cx)
            }
            Verdict::Absent(_) | Verdict::NoNamespace(_) => self.done(cx),
            // Another of the same name has taken its place: whose is that one?
            conflict @ Verdict::Conflict(_) => self.later(cx, conflict.trouble()),
            other => self.failed(cx, "delete", other),
        }
    }

    fn failed(&mut self, cx: &mut Cx<'_, '_>, verb: &str, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Refused(error) => Step::Reply(Err(self.refused(verb, &error))),
            other => self.later(cx, other.trouble()),
        }
    }

    fn refused(&self, verb: &str, error: &ApiError) -> Status {
        let message = format!("the API server refused to {verb} namespace {} of workspace {}: {error}", self.namespace, self.workspace);
        if error.lacks_right() {
            return Status::permission_denied(format!(
                "{message}; give the driver's service account its ClusterRole and check with: kubectl auth can-i {verb} namespaces --as system:serviceaccount:<namespace>:<name>"
            ));
        }
        Status::failed_precondition(message)
    }

    /// It is gone, or on its way.
    fn done(&self, cx: &mut Cx<'_, '_>) -> Step {
        if let Some(workspaces) = cx.cluster.workspaces() {
            workspaces.lost(&self.namespace);
        }
        deleted()
    }

    fn later(&mut self, cx: &mut Cx<'_, '_>, trouble: Trouble) -> Step {
        self.state = State::Pausing;
        self.patience.wait(cx, trouble)
    }
}

fn deleted() -> Step {
    Step::Reply(Ok(Reply::DeleteWorkspace(pb::DeleteWorkspaceResponse::default())))
}
