//! What is wrong with an object: metadata for every kind, then the kind's own rules.

use crate::builtin;
use crate::cluster::Cluster;
use crate::failure::Cause;
use crate::names;
use crate::object;
use crate::options::ControllerRelease;
use crate::pods;
use crate::resource::Kind;
use crate::schema;
use crate::select::{label_value_faults, qualified_name_fault};
use serde_json::{Value, json};

/// The most bytes of all annotations together.
const ANNOTATION_BYTES: usize = 256 * 1024;

/// Removes what the schema of that version does not know, and says so in the server's words.
pub(crate) fn prune_sandbox(version: &str, object: &mut Value) -> Vec<String> {
    let schema = schema::sandbox(version);
    let removed = schema.prune(object);
    schema.drop_nulls(object);
    removed.into_iter().map(|path| format!("unknown field \"{path}\"")).collect()
}

impl Cluster {
    pub(crate) fn faults_of(&self, kind: Kind, object: &Value) -> Vec<Cause> {
        let mut causes = metadata_faults(kind, object);
        match kind {
            Kind::Sandbox => {
                let version = object["apiVersion"].as_str().unwrap_or_default();
                let version = version.rsplit('/').next().unwrap_or_default();
                causes.extend(schema::sandbox(version).check(object));
                if self.has_rules(version) && causes.iter().any(Cause::blocks_rules) {
                    let why = "some validation rules were not checked because the object was invalid; \
                               correct the existing errors to complete validation";
                    causes.push(Cause::invalid("<nil>", &Value::Null, why));
                }
            }
            Kind::Pod => causes.extend(pods::faults(&object["spec"])),
            other => causes.extend(builtin::faults(other, object)),
        }
        causes
    }

    /// Whether the definition carries validation rules besides its schema.
    fn has_rules(&self, version: &str) -> bool {
        version == "v1beta1" && self.options.release >= ControllerRelease::V0_5_3
    }

    /// What an update must not do. Both objects are in the request's version.
    pub(crate) fn faults_of_change(&self, kind: Kind, version: &str, before: &Value, after: &Value) -> Vec<Cause> {
        let mut causes = Vec::new();
        if kind == Kind::Sandbox && self.has_rules(version) {
            let field = "volumeClaimTemplates";
            if before["spec"].get(field) != after["spec"].get(field) {
                let why = "volumeClaimTemplates is immutable";
                causes.push(Cause::broken_rule("spec", why));
            }
        }
        causes.extend(builtin::faults_of_change(kind, before, after));
        if kind == Kind::Pod && !pods::may_become(&before["spec"], &after["spec"]) {
            let why = "pod updates may not change fields other than \
                       `spec.containers[*].image`,`spec.initContainers[*].image`,\
                       `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
                       tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 \
                       if it was previously negative)";
            causes.push(Cause::forbidden("spec", why));
        }
        causes
    }
}

/// What is wrong with an object's metadata.
pub(crate) fn metadata_faults(kind: Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::name(object);
    let fault = match kind {
        _ if name.is_empty() => {
            let why = "name or generateName is required";
            causes.push(Cause::required_because("metadata.name", why));
            None
        }
        Kind::Namespace | Kind::Service => names::label_fault(name),
        _ => names::subdomain_fault(name),
    };
    if let Some(why) = fault {
        causes.push(Cause::invalid("metadata.name", &json!(name), why));
    }
    let metadata = &object["metadata"];
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        if let Some(why) = qualified_name_fault(key) {
            causes.push(Cause::invalid("metadata.labels", &json!(key), why));
        }
        for why in label_value_faults(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid("metadata.labels", value, why));
        }
    }
    let mut bytes = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        if let Some(why) = qualified_name_fault(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &json!(key), why));
        }
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > ANNOTATION_BYTES {
        let why = format!("may not be more than {ANNOTATION_BYTES} bytes");
        causes.push(Cause::too_long("metadata.annotations", &why));
    }
    for finalizer in object::items(&metadata["finalizers"]) {
        if let Some(why) = qualified_name_fault(finalizer.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid("metadata.finalizers", finalizer, why));
        }
    }
    for owner in object::owner_references(object) {
        if (owner["apiVersion"].as_str(), owner["kind"].as_str()) == (Some("v1"), Some("Event")) {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            causes.push(Cause::invalid("metadata.ownerReferences", owner, why));
        }
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().is_none_or(str::is_empty) {
                let path = format!("metadata.ownerReferences.{field}");
                let why = if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.push(Cause::invalid(path, &json!(""), why));
            }
        }
    }
    causes
}
