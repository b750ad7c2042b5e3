//! The `Sandbox` object.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::metadata;
use super::pod;
use super::supervisor::Delivery;
use super::volumes;
use crate::config::Config;
use crate::core::admit::Admitted;
use crate::core::grpc_status::Status;
use crate::core::kube::path::{Sandboxes, keys};
use crate::core::kube::sandbox::OperatingMode;
use crate::core::limits;
use crate::core::observe::sandbox::Token;
use crate::core::secret::Body;

/// Whether the object says that no Service is wanted. Supervisors dial out; a Service would cost an object and two requests a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Service {
    /// It says so.
    Declined,
    /// It says nothing: the installed resource does not have the field.
    Unsaid,
}

/// The object to create for a sandbox. Its labels and annotations are how the gateway, upstream's driver and we find and know it.
///
/// # Errors
/// `FAILED_PRECONDITION` when it is larger than etcd takes.
pub fn sandbox(config: &Config, api: &Sandboxes, admitted: &Admitted, delivery: Delivery, service: Service) -> Result<Body, Status> {
    let (field, value) = api.version().mode(OperatingMode::Running);
    let mut object = json!({
        "apiVersion": api.version().group_version(),
        "kind": "Sandbox",
        "metadata": {
            "name": admitted.object.name(),
            "namespace": admitted.object.namespace().as_str(),
            "labels": metadata::labels(config, admitted),
            "annotations": {
                keys::SANDBOX_ID: admitted.id,
                keys::SANDBOX_NAME: admitted.name,
                keys::SANDBOX_WORKSPACE: admitted.workspace,
                keys::REQUEST_DIGEST: admitted.digest,
            },
        },
        "spec": {
            field: value,
            "podTemplate": pod::template(config, admitted, delivery),
        },
    });
    if config.pod.credential.is_secret()
        && let Some(annotations) = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"))
    {
        put_some(annotations, keys::TOKEN, Some(Token::AWAITED.into()));
    }
    if let Some(spec) = object.get_mut("spec") {
        let claims = volumes::has_workspace(admitted).then(|| json!([volumes::workspace_claim(&config.pod.workspace)]));
        put_some(spec, "volumeClaimTemplates", claims);
        put_some(spec, "service", (service == Service::Declined).then(|| false.into()));
    }
    let body = Body::json(&object);
    if body.len() > limits::OBJECT_MAX {
        return Err(Status::failed_precondition(format!(
            "the Sandbox object of {} would have {} bytes; the API server stores at most about {}: shorten environment or command",
            admitted.name,
            body.len(),
            limits::OBJECT_MAX
        )));
    }
    Ok(body)
}

/// An optional field: absent rather than null.
pub fn put_some(object: &mut Value, field: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(field.to_owned(), value);
    }
}
