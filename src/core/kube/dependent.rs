//! Objects that follow a Sandbox, as far as they are read.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Kind, Watched};
use super::meta::ResourceVersion;
use super::path::{self, Sandboxes};
use crate::core::io::HttpRequest;
use crate::core::secret::Body;
use crate::core::territory::ObjectKey;

/// An object of one of the kinds that follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dependent<K> {
    /// Name, version, owners.
    pub metadata: DependentMeta,
    /// What became of it.
    #[serde(default)]
    pub status: RouteStatus,
    #[serde(skip)]
    kind: PhantomData<K>,
}

/// `metadata` of such an object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DependentMeta {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The UID.
    pub uid: String,
    /// The version.
    pub resource_version: ResourceVersion,
    /// When its deletion was asked for; absent while it is not being deleted.
    pub deletion_timestamp: Option<String>,
    /// Who owns it.
    pub owner_references: Vec<Owner>,
    /// Whose it is, by its labels.
    pub labels: WhoseLabels,
    /// How it was rendered.
    pub annotations: RenderedAnnotations,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's UID.
    pub uid: String,
}

/// The labels that say who made it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhoseLabels {
    /// `openshell.ai/gateway-id`
    #[serde(rename = "openshell.ai/gateway-id")]
    pub gateway_id: Option<String>,
    /// `app.kubernetes.io/managed-by`, which most others set.
    #[serde(rename = "app.kubernetes.io/managed-by")]
    pub managed_by: Option<String>,
}

/// The annotation that says how it was rendered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RenderedAnnotations {
    /// [`path::keys::RENDERED_DIGEST`]
    #[serde(rename = "kyma.openshell.ai/rendered-digest")]
    pub digest: Option<String>,
}

/// `status` of an `APIRule`; of the others nothing is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteStatus {
    /// `Ready`, `Processing`, `Warning`, `Error`, `Deleting`; empty while nobody has looked at it.
    pub state: String,
    /// Why, for people.
    pub description: String,
}

/// A kind that follows.
pub trait Follows: Clone + std::fmt::Debug {
    /// Which.
    const KIND: Kind;
}

macro_rules! follows {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub enum $name {}

        impl Follows for $name {
            const KIND: Kind = Kind::$name;
        }
    )*};
}

follows! {
    /// `v1` `services`
    Services,
    /// `gateway.kyma-project.io/v2` `apirules`
    ApiRules,
    /// `networking.istio.io/v1` `virtualservices`
    VirtualServices,
    /// `networking.k8s.io/v1` `networkpolicies`
    NetworkPolicies,
}

impl<K: Follows> Watched for Dependent<K> {
    const KIND: Kind = K::KIND;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_dependents(K::KIND, page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_dependents(K::KIND, from, seconds)
    }
}

/// A kind whose name is not known when it is read: what is common to all.
pub type AnyDependent = Dependent<Services>;

/// The change that makes an object what is wished for, if nobody has written to it since this version.
#[must_use]
pub fn patch(api: &Sandboxes, kind: Kind, key: &ObjectKey, version: &ResourceVersion, wished: Value) -> HttpRequest {
    let mut wished = wished;
    if let Some(metadata) = wished.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".into(), json!(version.as_str()));
    }
    path::merge_patch(&api.dependent(kind, key), Body::json(&wished))
}
