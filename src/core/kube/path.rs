//! Requests to the API server, built so that they cannot name another namespace or resource.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kind::Kind;
use super::meta::ResourceVersion;
use super::sandbox::OperatingMode;
use crate::core::follow::settings::MeshGateway;
use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::limits;
use crate::core::names::{SandboxId, Uid};
use crate::core::secret::Body;
use crate::core::territory::{Chosen, ObjectKey, OurNamespace, Scope, Territory};

/// What the API server records as the writer of our fields.
pub(super) const FIELD_MANAGER: &str = "openshell-driver-kyma";

/// The served version of `agents.x-k8s.io` that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ApiVersion {
    /// `v1beta1`, from agent-sandbox v0.5.0 on.
    V1Beta1,
    /// `v1alpha1`: spoken only where nothing newer is served. A newer server copies the whole object, environment included, into an annotation of
    /// what is created this way.
    V1Alpha1,
}

impl ApiVersion {
    /// As it stands in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1Alpha1 => "v1alpha1",
        }
    }

    /// What says in this version whether a pod is wanted: the field of `spec` and its value.
    #[must_use]
    pub fn mode(self, mode: OperatingMode) -> (&'static str, serde_json::Value) {
        match (self, mode) {
            (Self::V1Beta1, OperatingMode::Running) => ("operatingMode", "Running".into()),
            (Self::V1Beta1, OperatingMode::Suspended) => ("operatingMode", "Suspended".into()),
            (Self::V1Alpha1, OperatingMode::Running) => ("replicas", 1.into()),
            (Self::V1Alpha1, OperatingMode::Suspended) => ("replicas", 0.into()),
        }
    }

    /// As it stands in an object's `apiVersion`.
    #[must_use]
    pub fn group_version(self) -> String {
        format!("agents.x-k8s.io/{}", self.as_str())
    }
}

/// Label and annotation keys that the gateway, upstream's driver and we agree on.
pub mod keys {
    /// Label and annotation: `openshell`.
    pub const MANAGED_BY: &str = "openshell.ai/managed-by";
    /// Label (or its digest) and annotation: the gateway's id of the sandbox.
    pub const SANDBOX_ID: &str = "openshell.ai/sandbox-id";
    /// Label and annotation: the user's name of the sandbox.
    pub const SANDBOX_NAME: &str = "openshell.ai/sandbox-name";
    /// Label and annotation: the workspace.
    pub const SANDBOX_WORKSPACE: &str = "openshell.ai/sandbox-workspace";
    /// Label: whose sandbox it is, where several gateways share a namespace.
    pub const GATEWAY_ID: &str = "openshell.ai/gateway-id";
    /// The value of [`MANAGED_BY`].
    pub const MANAGED_BY_VALUE: &str = "openshell";
    /// Pod annotation by which the gateway ties a pod's token to a sandbox. Its domain is `.io`.
    pub const POD_SANDBOX_ID: &str = "openshell.io/sandbox-id";
    /// Annotation of ours: a digest of the create request, to tell a repeated create from another one.
    pub const REQUEST_DIGEST: &str = "kyma.openshell.ai/request-digest";
    /// Annotation of ours on what follows a Sandbox: a digest of what was rendered.
    pub const RENDERED_DIGEST: &str = "kyma.openshell.ai/rendered-digest";
    /// Annotation of ours on a Sandbox whose token belongs into a Secret: `awaited`, then `stored`.
    pub const TOKEN: &str = "kyma.openshell.ai/token";
    /// Label of the agent-sandbox controller: on every pod it made, whoever made the Sandbox.
    pub const POD_OF_SANDBOX: &str = "agents.x-k8s.io/sandbox-name-hash";
    /// Annotation of the agent-sandbox controller: the pod's name, where it is not the Sandbox's.
    pub const POD_NAME: &str = "agents.x-k8s.io/pod-name";
}

/// The Sandboxes of one gateway, wherever they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sandboxes {
    version: ApiVersion,
    territory: Territory,
    gateway_id: String,
    selector: String,
}

impl Sandboxes {
    /// Those in `territory` with the labels of `gateway_id`.
    #[must_use]
    pub fn of(version: ApiVersion, territory: Territory, gateway_id: &str) -> Self {
        let selector = format!("{}={},{}={gateway_id},{}", keys::MANAGED_BY, keys::MANAGED_BY_VALUE, keys::GATEWAY_ID, keys::SANDBOX_ID);
        Self { version, territory, gateway_id: gateway_id.to_owned(), selector }
    }

    /// Where they are.
    #[must_use]
    pub const fn territory(&self) -> &Territory {
        &self.territory
    }

    /// The namespaces that somebody chooses, where somebody does.
    pub const fn chosen(&mut self) -> Option<&mut Chosen> {
        match &mut self.territory {
            Territory::Operator(chosen) => Some(chosen),
            Territory::Shared(_) | Territory::Managed(_) => None,
        }
    }

    /// One page of the namespaces with the labels by which they are chosen.
    #[must_use]
    pub fn list_namespaces(&self, page: Option<&str>) -> HttpRequest {
        paged(&format!("/api/v1/namespaces?labelSelector={}", encode(self.territory.selector())), limits::LIST_PAGE, page)
    }

    /// Every change of those after `from`.
    #[must_use]
    pub fn watch_namespaces(&self, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        watched("/api/v1/namespaces", Some(self.territory.selector()), from, seconds)
    }

    /// Whose they are.
    #[must_use]
    pub fn gateway_id(&self) -> &str {
        &self.gateway_id
    }

    /// What is listed and watched.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        self.territory.scope()
    }

    /// Speaks another version from now on.
    pub const fn speak(&mut self, version: ApiVersion) {
        self.version = version;
    }

    /// The version spoken.
    #[must_use]
    pub const fn version(&self) -> ApiVersion {
        self.version
    }

    fn everywhere(&self) -> String {
        collection(&format!("/apis/agents.x-k8s.io/{}", self.version.as_str()), self.scope(), "sandboxes")
    }

    fn of_namespace(&self, namespace: &OurNamespace) -> String {
        collection(&format!("/apis/agents.x-k8s.io/{}", self.version.as_str()), Scope::Namespace(namespace), "sandboxes")
    }

    fn object(&self, key: &ObjectKey) -> String {
        format!("{}/{}", self.of_namespace(key.namespace()), key.name())
    }

    /// Creates `object` in its namespace. Strict: a field the installed resource does not know is an error, not silently lost.
    #[must_use]
    pub fn create(&self, namespace: &OurNamespace, object: Body) -> HttpRequest {
        post(&self.of_namespace(namespace), object)
    }

    /// Reads one object.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> HttpRequest {
        get(self.object(key))
    }

    /// Sets what is wanted of the object of this version. Strict: a field that the served version does not have would be dropped in silence.
    #[must_use]
    pub fn set_mode(&self, key: &ObjectKey, version: &ResourceVersion, mode: OperatingMode) -> HttpRequest {
        let (field, value) = self.version.mode(mode);
        let patch = json!({ "metadata": { "resourceVersion": version.as_str() }, "spec": { field: value } });
        merge_patch(&self.object(key), Body::json(&patch))
    }

    /// One page of the pods that the agent-sandbox controller made.
    #[must_use]
    pub fn list_pods(&self, page: Option<&str>) -> HttpRequest {
        paged(&format!("{}?labelSelector={}", self.core("pods"), encode(keys::POD_OF_SANDBOX)), limits::LIST_PAGE, page)
    }

    /// Every change of those after `from`.
    #[must_use]
    pub fn watch_pods(&self, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        watched(&self.core("pods"), Some(keys::POD_OF_SANDBOX), from, seconds)
    }

    /// One page of the Events.
    #[must_use]
    pub fn list_events(&self, page: Option<&str>) -> HttpRequest {
        paged(&format!("{}?", self.core("events")), limits::LIST_PAGE, page)
    }

    /// Every Event after `from`.
    #[must_use]
    pub fn watch_events(&self, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        watched(&self.core("events"), None, from, seconds)
    }

    /// Reads the pod of a sandbox.
    #[must_use]
    pub fn pod(&self, key: &ObjectKey) -> HttpRequest {
        get(format!("{}/{}", collection("/api/v1", Scope::Namespace(key.namespace()), "pods"), key.name()))
    }

    fn core(&self, plural: &str) -> String {
        collection("/api/v1", self.scope(), plural)
    }

    /// The path of an object that follows a Sandbox.
    #[must_use]
    pub fn dependent(&self, kind: Kind, key: &ObjectKey) -> String {
        format!("{}/{}", collection(kind.group_path(), Scope::Namespace(key.namespace()), kind.plural()), key.name())
    }

    /// One page of the objects of a kind that follow our Sandboxes.
    #[must_use]
    pub fn list_dependents(&self, kind: Kind, page: Option<&str>) -> HttpRequest {
        let collection = collection(kind.group_path(), self.scope(), kind.plural());
        paged(&format!("{collection}?labelSelector={}", encode(&self.selector)), limits::LIST_PAGE, page)
    }

    /// Every change of those after `from`.
    #[must_use]
    pub fn watch_dependents(&self, kind: Kind, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        watched(&collection(kind.group_path(), self.scope(), kind.plural()), Some(&self.selector), from, seconds)
    }

    /// Reads one of them.
    #[must_use]
    pub fn get_dependent(&self, kind: Kind, key: &ObjectKey) -> HttpRequest {
        get(self.dependent(kind, key))
    }

    /// Creates one of them.
    #[must_use]
    pub fn create_dependent(&self, kind: Kind, namespace: &OurNamespace, object: Body) -> HttpRequest {
        post(&collection(kind.group_path(), Scope::Namespace(namespace), kind.plural()), object)
    }

    /// Creates a Secret.
    #[must_use]
    pub fn create_secret(&self, namespace: &OurNamespace, secret: Body) -> HttpRequest {
        post(&collection("/api/v1", Scope::Namespace(namespace), "secrets"), secret)
    }

    /// Writes an annotation on the object of this UID.
    #[must_use]
    pub fn annotate(&self, key: &ObjectKey, uid: &Uid, annotation: &str, value: &str) -> HttpRequest {
        let patch = json!({ "metadata": { "uid": uid.as_str(), "annotations": { annotation: value } } });
        merge_patch(&self.object(key), Body::json(&patch))
    }

    /// Deletes the object of this UID and everything it owns, its pod first.
    #[must_use]
    pub fn delete(&self, key: &ObjectKey, uid: &Uid) -> HttpRequest {
        self.delete_with("Foreground", key, uid)
    }

    /// Lets the object of this UID, which is being deleted, go before what it owns. The API server takes the finalizer off that waits for those.
    #[must_use]
    pub fn release(&self, key: &ObjectKey, uid: &Uid) -> HttpRequest {
        self.delete_with("Background", key, uid)
    }

    fn delete_with(&self, policy: &str, key: &ObjectKey, uid: &Uid) -> HttpRequest {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": uid.as_str() },
            "propagationPolicy": policy,
        });
        HttpRequest { method: Method::Delete, path: self.object(key), content_type: Some(ContentType::Json), body: Body::json(&options) }
    }

    /// Finds the objects of one sandbox id, whatever they are called.
    #[must_use]
    pub fn find(&self, id: &SandboxId) -> HttpRequest {
        let selector = format!("{}={}", self.selector, id.label_value());
        get(format!("{}?labelSelector={}&limit={}", self.everywhere(), encode(&selector), limits::LIST_PAGE))
    }

    /// One page of all objects; `page` is the `continue` token of the page before.
    #[must_use]
    pub fn list(&self, page: Option<&str>) -> HttpRequest {
        paged(&format!("{}?labelSelector={}", self.everywhere(), encode(&self.selector)), limits::LIST_PAGE, page)
    }

    /// Every change after `from`, for about `seconds`.
    #[must_use]
    pub fn watch(&self, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        watched(&self.everywhere(), Some(&self.selector), from, seconds)
    }
}

/// The path of the objects of a kind.
fn collection(group_version: &str, scope: Scope<'_>, plural: &str) -> String {
    match scope {
        Scope::Namespace(namespace) => format!("{group_version}/namespaces/{namespace}/{plural}"),
        Scope::Cluster => format!("{group_version}/{plural}"),
    }
}

/// A page of a collection, after the query that selects it.
fn paged(collection: &str, size: u32, page: Option<&str>) -> HttpRequest {
    let separator = if collection.ends_with('?') { "" } else { "&" };
    let mut path = format!("{collection}{separator}limit={size}");
    if let Some(token) = page {
        // Writing to a String cannot fail.
        let _ = write!(path, "&continue={}", encode(token));
    }
    get(path)
}

fn watched(collection: &str, selector: Option<&str>, from: &ResourceVersion, seconds: u64) -> HttpRequest {
    let selector = selector.map(|selector| format!("&labelSelector={}", encode(selector))).unwrap_or_default();
    get(format!(
        "{collection}?allowWatchBookmarks=true{selector}&resourceVersion={}&timeoutSeconds={seconds}&watch=true",
        encode(from.as_str()),
    ))
}

/// Reads an Istio Gateway. The only request that leaves our namespaces: it is read, and never written.
#[must_use]
pub fn mesh_gateway(gateway: &MeshGateway) -> HttpRequest {
    get(format!("/apis/networking.istio.io/v1/namespaces/{}/gateways/{}", gateway.namespace, gateway.name))
}

/// Creates an object. Strict: a field the server does not know is an error, not silently lost.
fn post(collection: &str, object: Body) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: format!("{collection}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict"),
        content_type: Some(ContentType::Json),
        body: object,
    }
}

/// Changes an object, as strictly.
pub(super) fn merge_patch(object: &str, patch: Body) -> HttpRequest {
    HttpRequest {
        method: Method::Patch,
        path: format!("{object}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict"),
        content_type: Some(ContentType::MergePatch),
        body: patch,
    }
}

/// Asks the API server which versions of the resource it serves.
#[must_use]
pub fn served_versions() -> HttpRequest {
    get("/apis/agents.x-k8s.io".into())
}

/// One page of the cluster's nodes.
#[must_use]
pub fn list_nodes(page: Option<&str>) -> HttpRequest {
    paged("/api/v1/nodes?", limits::NODES_PAGE, page)
}

/// Asks the API server for its version.
#[must_use]
pub fn server_version() -> HttpRequest {
    get("/version".into())
}

pub(super) const fn get(path: String) -> HttpRequest {
    HttpRequest { method: Method::Get, path, content_type: None, body: Body::EMPTY }
}

/// Percent-encodes a query value: everything but RFC 3986's unreserved characters.
fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len() + 16);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_cannot_add_a_parameter() {
        assert_eq!(encode("a&b=c d/é"), "a%26b%3Dc%20d%2F%C3%A9");
    }
}
