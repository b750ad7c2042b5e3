//! Requests about the namespace of a workspace and what is put into it.

use serde_json::json;

use super::meta::ResourceVersion;
use super::path::{FIELD_MANAGER, get};
use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::names::{Namespace, Uid};
use crate::core::observe::pod_security::{ENFORCE, NEEDED};
use crate::core::secret::Body;
use crate::core::territory::OurNamespace;

const NAMESPACES: &str = "/api/v1/namespaces";

/// Reads a namespace.
#[must_use]
pub fn namespace(namespace: &OurNamespace) -> HttpRequest {
    get(format!("{NAMESPACES}/{namespace}"))
}

/// Creates a namespace.
#[must_use]
pub fn create_namespace(object: Body) -> HttpRequest {
    write(Method::Post, NAMESPACES, object)
}

/// Gives the namespace of this version the label that lets sandbox pods in.
#[must_use]
pub fn label_namespace(namespace: &OurNamespace, version: &ResourceVersion) -> HttpRequest {
    let patch = json!({ "metadata": { "resourceVersion": version.as_str(), "labels": { ENFORCE: NEEDED } } });
    write(Method::Patch, &format!("{NAMESPACES}/{namespace}"), Body::json(&patch))
}

/// Deletes the namespace of this UID with everything in it.
#[must_use]
pub fn delete_namespace(namespace: &OurNamespace, uid: &Uid) -> HttpRequest {
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid.as_str() } });
    let path = format!("{NAMESPACES}/{namespace}");
    HttpRequest { method: Method::Delete, path, content_type: Some(ContentType::Json), body: Body::json(&options) }
}

/// Reads a secret that is copied. Its namespace is the driver's own; nothing there is written.
#[must_use]
pub fn source(namespace: &Namespace, name: &str) -> HttpRequest {
    get(format!("{NAMESPACES}/{namespace}/secrets/{name}"))
}

/// Reads an object in a namespace of ours.
#[must_use]
pub fn read(namespace: &OurNamespace, plural: &str, name: &str) -> HttpRequest {
    get(format!("{}/{name}", collection(namespace, plural)))
}

/// Creates an object there.
#[must_use]
pub fn create(namespace: &OurNamespace, plural: &str, object: Body) -> HttpRequest {
    write(Method::Post, &collection(namespace, plural), object)
}

/// Changes an object there.
#[must_use]
pub fn patch(namespace: &OurNamespace, plural: &str, name: &str, patch: Body) -> HttpRequest {
    write(Method::Patch, &format!("{}/{name}", collection(namespace, plural)), patch)
}

fn collection(namespace: &OurNamespace, plural: &str) -> String {
    let group = if plural == "networkpolicies" { "/apis/networking.k8s.io/v1/namespaces" } else { NAMESPACES };
    format!("{group}/{namespace}/{plural}")
}

/// Strict: a field that the server does not know is an error, not silently lost.
fn write(method: Method, path: &str, body: Body) -> HttpRequest {
    let content_type = if method == Method::Patch { ContentType::MergePatch } else { ContentType::Json };
    let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict");
    HttpRequest { method, path, content_type: Some(content_type), body }
}
