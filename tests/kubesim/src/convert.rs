//! The two versions of a Sandbox and the way from one to the other.

use crate::object;
use crate::options::ControllerRelease;
use serde_json::{Value, json};

/// Where the conversion keeps the `v1alpha1` form of an object.
pub(crate) const STATE_ANNOTATION: &str = "api.agents.x-k8s.io/v1alpha1-sandbox-state";

/// What a client is told about `v1alpha1` where `v1beta1` is served too.
pub(crate) const DEPRECATION: &str = "agents.x-k8s.io/v1alpha1 Sandbox is deprecated; use agents.x-k8s.io/v1beta1 Sandbox instead";

/// The versions of the Sandbox a release serves, the preferred one first.
pub(crate) fn served(release: ControllerRelease) -> &'static [&'static str] {
    match release {
        ControllerRelease::V0_4_6 => &["v1alpha1"],
        _ => &["v1beta1", "v1alpha1"],
    }
}

/// The version a release stores.
pub(crate) fn stored(release: ControllerRelease) -> &'static str {
    served(release)[0]
}

/// The object in the version asked for, from the version it is in.
pub(crate) fn convert(object: &Value, version: &str) -> Value {
    match (object["apiVersion"].as_str(), version) {
        (Some("agents.x-k8s.io/v1alpha1"), "v1beta1") => to_beta(&spelt_out(object)),
        (Some("agents.x-k8s.io/v1beta1"), "v1alpha1") => to_alpha(&spelt_out(object)),
        _ => object.clone(),
    }
}

/// What a Go program writes of an object it has read: structures that may not be left out are there, and empty.
fn spelt_out(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(template) = object["spec"].get_mut("podTemplate").and_then(Value::as_object_mut) {
        template.entry("metadata").or_insert_with(|| json!({}));
        for list in ["initContainers", "containers"] {
            let containers = template.get_mut("spec").and_then(|spec| spec.get_mut(list)).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                object::map_mut(container).entry("resources").or_insert_with(|| json!({}));
            }
        }
    }
    object
}

fn to_beta(alpha: &Value) -> Value {
    let mut state = alpha.clone();
    object::remove_annotation(&mut state, STATE_ANNOTATION);
    object::metadata_mut(&mut state).remove("resourceVersion");
    let mut beta = alpha.clone();
    beta["apiVersion"] = json!("agents.x-k8s.io/v1beta1");
    let spec = object::map_mut(&mut beta["spec"]);
    let suspended = spec.remove("replicas") == Some(json!(0));
    spec.insert("operatingMode".into(), json!(if suspended { "Suspended" } else { "Running" }));
    if let Some(Value::Object(status)) = beta.get_mut("status") {
        status.remove("replicas");
        status.remove("nodeName");
    }
    object::set_annotation(&mut beta, STATE_ANNOTATION, &state.to_string());
    beta
}

fn to_alpha(beta: &Value) -> Value {
    let mut alpha = beta.clone();
    alpha["apiVersion"] = json!("agents.x-k8s.io/v1alpha1");
    let state: Value = object::annotation(beta, STATE_ANNOTATION).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    object::remove_annotation(&mut alpha, STATE_ANNOTATION);
    let spec = object::map_mut(&mut alpha["spec"]);
    let suspended = spec.remove("operatingMode") == Some(json!("Suspended"));
    spec.insert("replicas".into(), json!(u8::from(!suspended)));
    // The count is the one of the last write through v1alpha1, however old.
    let replicas = match &state {
        Value::Null => json!(u8::from(!suspended)),
        state => state["status"]["replicas"].as_u64().unwrap_or(0).into(),
    };
    let status = object::map_mut(&mut alpha["status"]);
    status.remove("nodeName");
    status.insert("replicas".into(), replicas);
    alpha
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspension_travels_both_ways_and_the_replica_count_goes_stale() {
        let alpha = json!({
            "apiVersion": "agents.x-k8s.io/v1alpha1",
            "kind": "Sandbox",
            "metadata": { "name": "a" },
            "spec": { "replicas": 1 },
        });
        let mut beta = convert(&alpha, "v1beta1");
        assert_eq!(beta["spec"], json!({ "operatingMode": "Running" }));
        assert!(object::annotation(&beta, STATE_ANNOTATION).unwrap().contains("\"replicas\":1"));
        beta["spec"]["operatingMode"] = json!("Suspended");
        let back = convert(&beta, "v1alpha1");
        assert_eq!(back["spec"]["replicas"], 0);
        assert_eq!(back["status"]["replicas"], 0);
        assert!(object::annotation(&back, STATE_ANNOTATION).is_none());
        beta["spec"]["operatingMode"] = json!("Running");
        assert_eq!(convert(&beta, "v1alpha1")["status"]["replicas"], 0);
    }
}
