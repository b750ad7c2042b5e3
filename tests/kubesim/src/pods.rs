//! The rules a pod must keep that a Sandbox need not: the ones templates break in practice.

use crate::failure::Cause;
use crate::names;
use crate::object::items;
use crate::schema::is_quantity;
use serde_json::{Value, json};

/// Every container of a pod spec with its path, init containers first.
pub(crate) fn containers(spec: &Value) -> impl Iterator<Item = (String, &Value)> {
    ["initContainers", "containers"].into_iter().flat_map(move |list| {
        items(&spec[list]).iter().enumerate().map(move |(index, container)| (format!("spec.{list}[{index}]"), container))
    })
}

const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];

/// What is wrong with a pod's spec.
pub(crate) fn faults(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let volumes: Vec<&str> = items(&spec["volumes"]).iter().filter_map(|v| v["name"].as_str()).collect();
    for (index, volume) in items(&spec["volumes"]).iter().enumerate() {
        let path = format!("spec.volumes[{index}]");
        match volume["name"].as_str() {
            None | Some("") => causes.push(Cause::required(format!("{path}.name"))),
            Some(name) => {
                if let Some(why) = names::label_fault(name) {
                    causes.push(Cause::invalid(format!("{path}.name"), &volume["name"], why));
                }
                if volumes.iter().take(index).any(|earlier| *earlier == name) {
                    causes.push(Cause::duplicate(format!("{path}.name"), &volume["name"]));
                }
            }
        }
    }
    if let Some(policy) = spec["restartPolicy"].as_str().filter(|policy| !RESTART_POLICIES.contains(policy)) {
        causes.push(Cause::unsupported("spec.restartPolicy", &json!(policy), &RESTART_POLICIES));
    }
    if items(&spec["containers"]).is_empty() {
        causes.push(Cause::required("spec.containers"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (path, container) in containers(spec) {
        container_faults(&path, container, &volumes, &mut causes);
        if let Some(name) = container["name"].as_str() {
            if seen.contains(&name) {
                causes.push(Cause::duplicate(format!("{path}.name"), &container["name"]));
            }
            seen.push(name);
        }
    }
    causes
}

fn container_faults(path: &str, container: &Value, volumes: &[&str], causes: &mut Vec<Cause>) {
    match container["name"].as_str() {
        None | Some("") => causes.push(Cause::required(format!("{path}.name"))),
        Some(name) => {
            if let Some(why) = names::label_fault(name) {
                causes.push(Cause::invalid(format!("{path}.name"), &container["name"], why));
            }
        }
    }
    match container["image"].as_str() {
        None | Some("") => causes.push(Cause::required(format!("{path}.image"))),
        Some(image) if image.trim() != image => {
            let why = "must not have leading or trailing whitespace";
            causes.push(Cause::invalid(format!("{path}.image"), &container["image"], why));
        }
        Some(_) => {}
    }
    for (index, variable) in items(&container["env"]).iter().enumerate() {
        if variable["name"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{path}.env[{index}].name")));
        }
    }
    let mut mounted: Vec<&str> = Vec::new();
    for (index, mount) in items(&container["volumeMounts"]).iter().enumerate() {
        let place = format!("{path}.volumeMounts[{index}]");
        let name = mount["name"].as_str().unwrap_or_default();
        if !volumes.contains(&name) {
            causes.push(Cause::not_found(format!("{place}.name"), name));
        }
        let at = mount["mountPath"].as_str().unwrap_or_default();
        if mounted.contains(&at) {
            let why = "must be unique";
            causes.push(Cause::invalid(format!("{place}.mountPath"), &mount["mountPath"], why));
        }
        mounted.push(at);
    }
    resource_faults(path, &container["resources"], causes);
}

fn resource_faults(path: &str, resources: &Value, causes: &mut Vec<Cause>) {
    for list in ["limits", "requests"] {
        for (name, value) in resources[list].as_object().into_iter().flatten() {
            let place = format!("{path}.resources.{list}[{name}]");
            if amount(value).is_some_and(|amount| amount < 0.0) {
                let why = "must be greater than or equal to 0";
                causes.push(Cause::invalid(place, value, why));
            }
        }
    }
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name.as_str()];
        if let (Some(asked), Some(most)) = (amount(request), amount(limit))
            && asked > most
        {
            let why = format!(
                "must be less than or equal to {name} limit of {}",
                limit.as_str().map_or_else(|| limit.to_string(), str::to_owned)
            );
            causes.push(Cause::invalid(format!("{path}.resources.requests"), request, &why));
        }
    }
}

/// A quantity as a number, near enough to compare.
pub(crate) fn amount(quantity: &Value) -> Option<f64> {
    let text = match quantity {
        Value::Number(number) => return number.as_f64(),
        Value::String(text) if is_quantity(text) => text.as_str(),
        _ => return None,
    };
    if let Ok(number) = text.parse::<f64>() {
        return Some(number);
    }
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, suffix) = text.split_at(split);
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// Whether a pod's spec may change that way: images, deadline and tolerations only.
pub(crate) fn may_become(before: &Value, after: &Value) -> bool {
    let frozen = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["initContainers", "containers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = json!("");
            }
        }
        for free in ["activeDeadlineSeconds", "tolerations"] {
            if let Value::Object(fields) = &mut spec {
                fields.remove(free);
            }
        }
        for list in ["initContainers", "containers"] {
            if spec[list].is_null()
                && let Value::Object(fields) = &mut spec
            {
                fields.remove(list);
            }
        }
        spec
    };
    frozen(before) == frozen(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: &Value) -> Vec<String> {
        faults(spec).into_iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn what_a_template_may_get_wrong() {
        let spec = json!({ "containers": [{
            "name": "agent",
            "image": "a",
            "volumeMounts": [{ "name": "data", "mountPath": "/d" }],
            "resources": { "limits": { "cpu": "500m" }, "requests": { "cpu": "1" } },
        }] });
        assert_eq!(
            told(&spec),
            [
                "spec.containers[0].volumeMounts[0].name: Not found: \"data\"",
                "spec.containers[0].resources.requests: Invalid value: \"1\": must be less than or \
                 equal to cpu limit of 500m",
            ]
        );
        assert_eq!(told(&json!({ "containers": [{ "name": "a" }] })), ["spec.containers[0].image: Required value"]);
        assert_eq!(told(&json!({})), ["spec.containers: Required value"]);
    }
}
