//! How objects leave the server: which version, whole or metadata only, with or without their kind.

use crate::cluster::Cluster;
use crate::convert;
use crate::failure::Failure;
use crate::object::Object;
use crate::resource::Kind;
use crate::route::Place;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Whole objects.
    Full,
    /// `PartialObjectMetadata` and its list.
    Metadata,
}

/// The media types the real server names; this one speaks the first.
pub(crate) const MEDIA: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

impl View {
    /// The first form in an `Accept` header that can be given. Tables cannot, nor anything but JSON.
    pub fn negotiate(place: &Place, accept: Option<&str>) -> Result<Self, Failure> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
            return Ok(Self::Full);
        };
        for clause in accept.split(',') {
            let mut parts = clause.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                continue;
            }
            let wanted = parts.find_map(|parameter| parameter.strip_prefix("as="));
            match wanted {
                None => return Ok(Self::Full),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                    return Ok(Self::Metadata);
                }
                Some(_) => {}
            }
        }
        Err(if place.kind.is_custom() { Failure::not_acceptable(MEDIA) } else { Failure::nothing_acceptable(place.name.is_empty()) })
    }
}

impl Cluster {
    /// The object in the version asked for.
    pub(crate) fn in_version(&self, kind: Kind, version: &str, object: &Object) -> Object {
        if kind == Kind::Sandbox && version != self.stored_version(kind) {
            Arc::new(convert::convert(object, version))
        } else {
            object.clone()
        }
    }

    /// The object's JSON as it stands alone.
    pub(crate) fn render(&self, kind: Kind, version: &str, view: View, object: &Object) -> String {
        let object = self.in_version(kind, version, object);
        match view {
            View::Full => serde_json::to_string(object.as_ref()),
            View::Metadata => serde_json::to_string(&metadata_only(&object)),
        }
        // A Value always serialises into memory.
        .unwrap_or_default()
    }

    /// Adds the object's JSON as an item of a list: built-in items leave out their kind.
    pub(crate) fn render_item(&self, out: &mut Vec<u8>, kind: Kind, version: &str, view: View, object: &Object) {
        let object = self.in_version(kind, version, object);
        let written = match view {
            View::Full if kind.is_custom() => serde_json::to_writer(out, object.as_ref()),
            View::Full => serde_json::to_writer(out, &WithoutKind(&object)),
            View::Metadata => serde_json::to_writer(out, &metadata_only(&object)),
        };
        debug_assert!(written.is_ok(), "a Value always serialises into memory");
    }
}

fn metadata_only(object: &Value) -> Value {
    json!({
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": object["metadata"],
    })
}

struct WithoutKind<'a>(&'a Value);

impl Serialize for WithoutKind<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Value::Object(fields) = self.0 {
            for (name, value) in fields {
                if name != "apiVersion" && name != "kind" {
                    map.serialize_entry(name, value)?;
                }
            }
        }
        map.end()
    }
}
