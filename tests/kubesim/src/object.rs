//! Reading and writing an object's metadata, whatever its kind.

use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A stored object: shared between the store, its history and open pages, never changed in place.
pub(crate) type Object = Arc<Value>;

pub(crate) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

pub(crate) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

pub(crate) fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

pub(crate) fn resource_version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default()
}

pub(crate) fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().unwrap_or(0)
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][key].as_str()
}

pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn owner_references(object: &Value) -> &[Value] {
    items(&object["metadata"]["ownerReferences"])
}

/// The owner reference that says `controller: true`.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    owner_references(object).iter().find(|owner| owner["controller"] == true)
}

pub(crate) fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    items(&object["metadata"]["finalizers"]).iter().any(|held| held == finalizer)
}

pub(crate) fn finalizer_count(object: &Value) -> usize {
    items(&object["metadata"]["finalizers"]).len()
}

/// The object's metadata, made if absent.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    map_mut(&mut object["metadata"])
}

/// The map at this place, made if something else stands there.
pub(crate) fn map_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

pub(crate) fn add_finalizer(object: &mut Value, finalizer: &str) {
    if has_finalizer(object, finalizer) {
        return;
    }
    let list = &mut object["metadata"]["finalizers"];
    match list {
        Value::Array(held) => held.push(json!(finalizer)),
        _ => *list = json!([finalizer]),
    }
}

/// Takes a finalizer away; an empty list disappears.
pub(crate) fn remove_finalizer(object: &mut Value, finalizer: &str) {
    let metadata = metadata_mut(object);
    if let Some(Value::Array(held)) = metadata.get_mut("finalizers") {
        held.retain(|other| other != finalizer);
        if held.is_empty() {
            metadata.remove("finalizers");
        }
    }
}

pub(crate) fn set_annotation(object: &mut Value, key: &str, value: &str) {
    map_mut(metadata_mut(object).entry("annotations").or_insert_with(|| json!({}))).insert(key.to_owned(), json!(value));
}

/// Takes an annotation away; an empty map disappears.
pub(crate) fn remove_annotation(object: &mut Value, key: &str) {
    let metadata = metadata_mut(object);
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(key);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}
