//! `EnsureWorkspace` and `DeleteWorkspace`. All workspaces share one namespace, so there is nothing to make and nothing to remove; the gateway
//! deletes the sandboxes of a workspace itself, and asks to delete workspaces nobody ensured.

use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::Status;
use crate::core::io::Reply;
use crate::core::names::Workspace;

/// Accepts a workspace.
///
/// # Errors
/// `INVALID_ARGUMENT` when it could not be one.
pub fn ensure(request: &pb::EnsureWorkspaceRequest) -> Result<Reply, Status> {
    named("workspace", Workspace::parse(&request.workspace))?;
    Ok(Reply::EnsureWorkspace(pb::EnsureWorkspaceResponse::default()))
}

/// Accepts its end.
///
/// # Errors
/// `INVALID_ARGUMENT` when it could not be one.
pub fn delete(request: &pb::DeleteWorkspaceRequest) -> Result<Reply, Status> {
    named("workspace", Workspace::parse(&request.workspace))?;
    Ok(Reply::DeleteWorkspace(pb::DeleteWorkspaceResponse::default()))
}
