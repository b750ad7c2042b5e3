//! The objects that expose a sandbox, as they are wished for. Facts: kyma.md.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::settings::{Access, Exposure, Jwt, Route};
use crate::core::kube::kind::Kind;
use crate::core::kube::path::{Sandboxes, keys};
use crate::core::names::{ObjectName, fnv128};
use crate::core::observe::sandbox::Observed;
use crate::core::territory::ObjectKey;

/// Pods of Kyma's ingress gateway, and where they are.
const INGRESS_NAMESPACE: &str = "istio-system";
const INGRESS_LABEL: (&str, &str) = ("istio", "ingressgateway");
/// Methods that are let through. CONNECT and TRACE are for proxies and for attackers.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
/// The name of the port; its beginning tells the mesh what is spoken.
const PORT_NAME: &str = "http";

impl Route {
    /// What exposes a sandbox this way, in the order in which it is made: nothing is routed before it is guarded.
    #[must_use]
    pub const fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::ApiRule(_) => &[Kind::Services, Kind::ApiRules],
            Self::VirtualService => &[Kind::Services, Kind::NetworkPolicies, Kind::VirtualServices],
        }
    }

    /// The one that routes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ApiRule(_) => Kind::ApiRules,
            Self::VirtualService => Kind::VirtualServices,
        }
    }
}

/// The host of a sandbox, as the route is told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// What users type.
    pub full: String,
    /// What an `APIRule` is told: the first label alone where it takes the domain from the Gateway.
    pub ruled: String,
}

/// One object.
#[must_use]
pub fn object(kind: Kind, exposure: &Exposure, api: &Sandboxes, observed: &Observed, key: &ObjectKey, host: &Host) -> Value {
    let name = key.name();
    let (api_version, spec) = match kind {
        Kind::Services => ("v1", service(exposure, observed)),
        Kind::NetworkPolicies => ("networking.k8s.io/v1", network_policy(exposure, observed)),
        Kind::VirtualServices => ("networking.istio.io/v1", virtual_service(exposure, name, host)),
        Kind::ApiRules | Kind::Sandboxes | Kind::Pods | Kind::Events | Kind::Namespaces => {
            ("gateway.kyma-project.io/v2", api_rule(exposure, name, host))
        }
    };
    let mut object = json!({
        "apiVersion": api_version,
        "kind": kind.object_kind(),
        "metadata": metadata(api, observed, key),
        "spec": spec,
    });
    let digest = digest(&object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("annotations".into(), json!({ keys::RENDERED_DIGEST: digest }));
    }
    object
}

/// What tells one rendering from another.
fn digest(object: &Value) -> String {
    format!("{:032x}", fnv128(object.to_string().as_bytes()))
}

/// What [`object`] wrote into an object.
#[must_use]
pub fn rendered_digest(object: &Value) -> String {
    let digest = object.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(keys::RENDERED_DIGEST)?.as_str());
    digest.unwrap_or_default().to_owned()
}

/// Name, labels by which it is found again, and the owner with which it goes.
#[must_use]
pub fn metadata(api: &Sandboxes, observed: &Observed, key: &ObjectKey) -> Map<String, Value> {
    let mut labels = json!({
        keys::MANAGED_BY: keys::MANAGED_BY_VALUE,
        keys::SANDBOX_ID: observed.id.label_value(),
        keys::SANDBOX_NAME: observed.name,
        keys::GATEWAY_ID: api.gateway_id(),
    });
    if let (Some(labels), Some(workspace)) = (labels.as_object_mut(), &observed.workspace) {
        labels.insert(keys::SANDBOX_WORKSPACE.into(), workspace.as_str().into());
    }
    let metadata = json!({
        "name": key.name(),
        "namespace": key.namespace().as_str(),
        "labels": labels,
        "ownerReferences": [{
            "apiVersion": api.version().group_version(),
            "kind": "Sandbox",
            "name": observed.object.name(),
            "uid": observed.uid,
            "controller": false,
            "blockOwnerDeletion": false,
        }],
    });
    match metadata {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    }
}

/// The label that no template can overwrite, and no other pod has.
fn pod_selector(observed: &Observed) -> Value {
    json!({ keys::SANDBOX_ID: observed.id.label_value() })
}

fn service(exposure: &Exposure, observed: &Observed) -> Value {
    json!({
        "type": "ClusterIP",
        "selector": pod_selector(observed),
        "ports": [{ "name": PORT_NAME, "port": exposure.port, "targetPort": exposure.port, "protocol": "TCP" }],
    })
}

/// Nobody but the ingress gateway gets in: without a sidecar nothing else guards the port.
fn network_policy(exposure: &Exposure, observed: &Observed) -> Value {
    json!({
        "podSelector": { "matchLabels": pod_selector(observed) },
        "policyTypes": ["Ingress"],
        "ingress": [{
            "from": [{
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": INGRESS_NAMESPACE } },
                "podSelector": { "matchLabels": { INGRESS_LABEL.0: INGRESS_LABEL.1 } },
            }],
            "ports": [{ "protocol": "TCP", "port": exposure.port }],
        }],
    })
}

fn virtual_service(exposure: &Exposure, name: &ObjectName, host: &Host) -> Value {
    json!({
        "hosts": [host.full],
        "gateways": [exposure.gateway],
        "http": [{ "route": [{ "destination": { "host": name, "port": { "number": exposure.port } } }] }],
    })
}

fn api_rule(exposure: &Exposure, name: &ObjectName, host: &Host) -> Value {
    let mut rule = json!({ "path": "/*", "methods": METHODS });
    let access = match &exposure.route {
        Route::ApiRule(Access::Jwt(jwt)) => ("jwt", tokens(jwt)),
        Route::ApiRule(Access::ExtAuth { authorizers }) => ("extAuth", json!({ "authorizers": authorizers })),
        Route::ApiRule(Access::Anybody) | Route::VirtualService => ("noAuth", true.into()),
    };
    if let Some(rule) = rule.as_object_mut() {
        rule.insert(access.0.into(), access.1);
    }
    json!({
        "gateway": exposure.gateway,
        "hosts": [host.ruled],
        "service": { "name": name, "port": exposure.port },
        "rules": [rule],
    })
}

fn tokens(jwt: &Jwt) -> Value {
    let mut rule = json!({ "authentications": [{ "issuer": jwt.issuer, "jwksUri": jwt.jwks_uri }] });
    let mut wanted = Map::new();
    if !jwt.scopes.is_empty() {
        wanted.insert("requiredScopes".into(), json!(jwt.scopes));
    }
    if !jwt.audiences.is_empty() {
        wanted.insert("audiences".into(), json!(jwt.audiences));
    }
    if let (Some(rule), false) = (rule.as_object_mut(), wanted.is_empty()) {
        rule.insert("authorizations".into(), json!([wanted]));
    }
    rule
}
