//! What a refusal of the API server means to the gateway's user, with the command that mends it.

use crate::core::grpc_status::Status;
use crate::core::kube::answer::ApiError;
use crate::core::territory::{ObjectKey, Scope};

/// A refused write. The gateway passes only `FAILED_PRECONDITION` on from a create with its message, so whatever a person must act on is that.
#[must_use]
pub fn of_create(object: &ObjectKey, error: &ApiError) -> Status {
    let namespace = object.namespace();
    let hint = if error.is_terminating_namespace() {
        format!("namespace {namespace} is being deleted: wait until it is gone, create it again, or point --namespace to another")
    } else if error.status == 403 && error.message.contains("exceeded quota") {
        format!("free some of the quota, or raise it: kubectl describe resourcequota -n {namespace}")
    } else if error.lacks_right() {
        format!(
            "give the driver's service account its Role; check with: kubectl auth can-i create sandboxes.agents.x-k8s.io -n {namespace} --as system:serviceaccount:<namespace>:<name>"
        )
    } else {
        "change the request accordingly, or update agent-sandbox when it does not know a field".to_owned()
    };
    Status::failed_precondition(format!("creating Sandbox {object} was refused: {error}; {hint}"))
}

/// A refused read or delete.
#[must_use]
pub fn of(verb: &str, scope: Scope<'_>, error: &ApiError) -> Status {
    let message = format!("the API server refused to {verb} Sandboxes in {scope}: {error}");
    if error.status == 403 {
        Status::permission_denied(format!(
            "{message}; check with: kubectl auth can-i {verb} sandboxes.agents.x-k8s.io {} --as system:serviceaccount:<namespace>:<name>",
            scope.flag()
        ))
    } else {
        Status::internal(message)
    }
}

/// A refused list of nodes, in which GPUs were to be looked for.
#[must_use]
pub fn of_nodes(resource: &str, error: &ApiError) -> Status {
    let rule = "a ClusterRole with the rule apiGroups [\"\"], resources [nodes], verbs [list]";
    Status::failed_precondition(format!(
        "whether a node has {resource} cannot be said, because the API server refused to list nodes: {error}; give the driver's service account \
         {rule} (check with: kubectl auth can-i list nodes --as system:serviceaccount:<namespace>:<name>), or start the driver with --gpu-scale-from-zero true, \
         which looks at no nodes"
    ))
}

/// The resource is not served.
#[must_use]
pub fn no_api() -> String {
    "the API server does not serve agents.x-k8s.io: install agent-sandbox v0.5.0 or later; check with: kubectl get crd sandboxes.agents.x-k8s.io".into()
}
