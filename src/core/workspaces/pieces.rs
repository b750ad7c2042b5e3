//! What every namespace of ours holds beside sandboxes, and whether what is there is that.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sources::{self, SecretObject};
use crate::config::Config;
use crate::core::kube::path::keys;
use crate::core::names::Workspace;
use crate::core::observe::pod_security::{ENFORCE, NEEDED};
use crate::core::render::network_policy;
use crate::core::secret::Body;
use crate::core::territory::OurNamespace;

/// The account that exists in every namespace.
pub const DEFAULT_ACCOUNT: &str = "default";

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// The service account of sandbox pods, by name.
    ServiceAccount(String),
    /// What those pods may reach: `spec` of the policy.
    NetworkPolicy(Value),
    /// The copy of a secret, by name.
    Copy(String),
}

impl Piece {
    /// Its resource: the group and version for its path, and the plural.
    #[must_use]
    pub const fn collection(&self) -> &'static str {
        match self {
            Self::ServiceAccount(_) => "serviceaccounts",
            Self::NetworkPolicy(_) => "networkpolicies",
            Self::Copy(_) => "secrets",
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ServiceAccount(name) | Self::Copy(name) => name,
            Self::NetworkPolicy(_) => network_policy::NAME,
        }
    }
}

/// What a look at an object shows.
#[derive(Debug)]
pub enum Comparison {
    /// It is as it should be.
    Same,
    /// This makes it so.
    Differs(Body),
    /// Somebody else made it.
    Foreign,
    /// The answer cannot be read.
    Unreadable,
}

/// Everything, in the order in which it is put there: the policy before anything that could run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pieces {
    gateway_id: String,
    pieces: Vec<Piece>,
}

impl Pieces {
    /// What the settings ask for.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let policy = config.network.as_ref().map(|rules| Piece::NetworkPolicy(network_policy::spec(rules, &config.gateway_id)));
        let account = &config.pod.service_account;
        let account = (account != DEFAULT_ACCOUNT).then(|| Piece::ServiceAccount(account.clone()));
        let copies = sources::names(config).map(|name| Piece::Copy(name.to_owned()));
        Self { gateway_id: config.gateway_id.clone(), pieces: policy.into_iter().chain(account).chain(copies).collect() }
    }

    /// Whose they are.
    #[must_use]
    pub fn gateway_id(&self) -> &str {
        &self.gateway_id
    }

    /// Whether any of them may have to be brought up to date.
    #[must_use]
    pub fn change(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::ServiceAccount(_)))
    }

    /// The piece of this number.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&Piece> {
        self.pieces.get(at)
    }

    /// What kubectl calls the piece of this number.
    #[must_use]
    pub fn describe(&self, at: usize) -> String {
        self.at(at).map(|piece| format!("{}/{}", piece.collection(), piece.name())).unwrap_or_default()
    }

    /// The namespace itself.
    #[must_use]
    pub fn namespace(&self, namespace: &OurNamespace, workspace: &Workspace) -> Body {
        Body::json(&json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace.as_str(),
                "labels": {
                    keys::MANAGED_BY: keys::MANAGED_BY_VALUE,
                    keys::GATEWAY_ID: self.gateway_id,
                    keys::SANDBOX_WORKSPACE: workspace,
                    ENFORCE: NEEDED,
                },
            },
        }))
    }

    /// A piece that has nothing secret in it.
    #[must_use]
    pub fn render(&self, namespace: &OurNamespace, piece: &Piece) -> Body {
        let (kind, version) = match piece {
            Piece::ServiceAccount(_) => ("ServiceAccount", "v1"),
            Piece::NetworkPolicy(_) => ("NetworkPolicy", "networking.k8s.io/v1"),
            Piece::Copy(_) => ("Secret", "v1"),
        };
        let mut object = self.skeleton(namespace, version, kind, piece.name());
        match piece {
            // Nothing in a sandbox talks to the API server.
            Piece::ServiceAccount(_) => put(&mut object, "automountServiceAccountToken", false.into()),
            Piece::NetworkPolicy(spec) => put(&mut object, "spec", spec.clone()),
            Piece::Copy(_) => {}
        }
        Body::json(&object)
    }

    /// The copy of a secret.
    #[must_use]
    pub fn copy(&self, namespace: &OurNamespace, source: &SecretObject) -> Body {
        let mut object = self.skeleton(namespace, "v1", "Secret", &source.metadata.name);
        put(&mut object, "type", source.kind.as_str().into());
        put(&mut object, "data", data(source));
        Body::json(&object)
    }

    fn skeleton(&self, namespace: &OurNamespace, version: &str, kind: &str, name: &str) -> Value {
        json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": namespace.as_str(),
                "labels": { keys::MANAGED_BY: keys::MANAGED_BY_VALUE, keys::GATEWAY_ID: self.gateway_id },
            },
        })
    }

    /// Whether what is there of a piece is what should be.
    #[must_use]
    pub fn compare(&self, piece: &Piece, body: &Body) -> Comparison {
        let Ok(there) = serde_json::from_slice::<Value>(&body.0) else { return Comparison::Unreadable };
        let Piece::NetworkPolicy(wanted) = piece else { return Comparison::Same };
        if !self.is_ours(|key| there.pointer(&format!("/metadata/labels/{}", key.replace('/', "~1"))).and_then(Value::as_str)) {
            return Comparison::Foreign;
        }
        match there.get("spec") {
            Some(spec) if spec == wanted => Comparison::Same,
            // A merge patch would keep fields of the old policy that the new one does not have.
            Some(spec) => Comparison::Differs(Body::json(&patch(&there, &json!({ "spec": replacement(spec, wanted) })))),
            None => Comparison::Unreadable,
        }
    }

    /// Whether what is there of a copy is what is in its source.
    #[must_use]
    pub fn compare_copy(&self, source: &SecretObject, body: &Body) -> Comparison {
        let Ok(there) = serde_json::from_slice::<SecretObject>(&body.0) else { return Comparison::Unreadable };
        if !self.is_ours(|key| there.metadata.labels.get(key).map(String::as_str)) {
            return Comparison::Foreign;
        }
        if there.kind == source.kind && there.data == source.data {
            return Comparison::Same;
        }
        let mut wanted = data(source);
        for gone in there.data.0.keys().filter(|key| !source.data.0.contains_key(*key)) {
            put(&mut wanted, gone, Value::Null);
        }
        let version = there.metadata.resource_version;
        Comparison::Differs(Body::json(&json!({ "metadata": { "resourceVersion": version }, "type": source.kind, "data": wanted })))
    }

    fn is_ours<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        label(keys::MANAGED_BY) == Some(keys::MANAGED_BY_VALUE) && label(keys::GATEWAY_ID) == Some(&self.gateway_id)
    }
}

/// A change of the version that was seen.
fn patch(there: &Value, change: &Value) -> Value {
    let mut change = change.clone();
    let version = there.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
    put(&mut change, "metadata", json!({ "resourceVersion": version }));
    change
}

/// What turns one object into another by a merge patch: what is wanted, and `null` for what is there beside it.
fn replacement(there: &Value, wanted: &Value) -> Value {
    let mut replacement = wanted.clone();
    if let (Some(there), Some(wanted)) = (there.as_object(), wanted.as_object()) {
        for gone in there.keys().filter(|key| !wanted.contains_key(*key)) {
            put(&mut replacement, gone, Value::Null);
        }
    }
    replacement
}

fn data(source: &SecretObject) -> Value {
    source.data.0.iter().map(|(key, value)| (key.clone(), Value::from(value.reveal()))).collect::<serde_json::Map<_, _>>().into()
}

fn put(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}
