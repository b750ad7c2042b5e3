//! The rules of the built-in kinds that clients of Sandboxes write: Secrets, Services, network policies, claims, Events.

use crate::failure::Cause;
use crate::object::{self, items};
use crate::resource::Kind;
use serde_json::{Map, Value, json};

/// What is wrong with an object of one of these kinds.
pub(crate) fn faults(kind: Kind, object: &Value) -> Vec<Cause> {
    match kind {
        Kind::Secret => secret(object),
        Kind::Service => service(&object["spec"]),
        Kind::NetworkPolicy => network_policy(&object["spec"]),
        Kind::PersistentVolumeClaim => claim(&object["spec"]),
        Kind::Event => event(object),
        _ => Vec::new(),
    }
}

/// What an update of one of these kinds must not do.
pub(crate) fn faults_of_change(kind: Kind, before: &Value, after: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !matches!(kind, Kind::Secret | Kind::ConfigMap) {
        return causes;
    }
    if kind == Kind::Secret && before["type"] != after["type"] {
        causes.push(Cause::invalid("type", &after["type"], "field is immutable"));
    }
    if before["immutable"] == true {
        let why = "field is immutable when `immutable` is set";
        if after["immutable"] != true {
            causes.push(Cause::forbidden("immutable", why));
        }
        if before.get("data") != after.get("data") {
            causes.push(Cause::forbidden("data", why));
        }
    }
    causes
}

fn secret(secret: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let data = secret["data"].as_object();
    for key in data.into_iter().flatten().map(|(key, _)| key) {
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
                       'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), why));
        }
    }
    let needed: &[&str] = match secret["type"].as_str() {
        Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
        Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| data.is_none_or(|data| !data.contains_key(**key))) {
        causes.push(Cause::required(format!("data[{key}]")));
    }
    causes
}

fn service(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let ports = items(&spec["ports"]);
    if ports.is_empty() && spec["clusterIP"] != "None" && spec["type"] != "ExternalName" {
        causes.push(Cause::required("spec.ports"));
    }
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if ports.len() > 1 && port["name"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{path}.name")));
        }
        for field in ["port", "targetPort"] {
            if port[field].as_i64().is_some_and(|number| !(1..=65_535).contains(&number)) {
                causes.push(Cause::invalid(format!("{path}.{field}"), &port[field], "must be between 1 and 65535, inclusive"));
            }
        }
    }
    causes
}

fn network_policy(spec: &Value) -> Vec<Cause> {
    let types = items(&spec["policyTypes"]).iter().enumerate();
    types
        .filter(|(_, word)| *word != "Ingress" && *word != "Egress")
        .map(|(index, word)| Cause::unsupported(format!("spec.policyTypes[{index}]"), word, &["Ingress", "Egress"]))
        .collect()
}

fn claim(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if items(&spec["accessModes"]).is_empty() {
        causes.push(Cause::required_because("spec.accessModes", "at least 1 access mode is required"));
    }
    if spec["resources"]["requests"].get("storage").is_none() {
        causes.push(Cause::required("spec.resources[storage]"));
    }
    causes
}

fn event(event: &Value) -> Vec<Cause> {
    let about = &event["involvedObject"]["namespace"];
    let elsewhere = about.as_str().is_some_and(|namespace| namespace != object::namespace(event));
    elsewhere.then(|| Cause::invalid("involvedObject.namespace", about, "does not match event.namespace")).into_iter().collect()
}

/// The defaults of these kinds' fields that are not the same for every object.
pub(crate) fn default_fields(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Service => default_ports(&mut object["spec"]),
        Kind::NetworkPolicy => default_policy(&mut object["spec"]),
        Kind::Event => {
            let fields = object::map_mut(object);
            for (name, value) in [("eventTime", Value::Null), ("reportingComponent", json!("")), ("reportingInstance", json!(""))] {
                fields.entry(name).or_insert(value);
            }
        }
        _ => {}
    }
}

fn default_ports(spec: &mut Value) {
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = port["port"].clone();
        let port = object::map_mut(port);
        port.entry("protocol").or_insert_with(|| json!("TCP"));
        port.entry("targetPort").or_insert(number);
    }
}

fn default_policy(spec: &mut Value) {
    let spec = object::map_mut(spec);
    for direction in ["ingress", "egress"] {
        for rule in spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                object::map_mut(port).entry("protocol").or_insert_with(|| json!("TCP"));
            }
        }
    }
    let egress = spec.get("egress").is_some_and(|rules| !items(rules).is_empty());
    let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    spec.entry("policyTypes").or_insert(types);
}

/// Why this cannot be the data of a `Secret` or a `ConfigMap` at all, if so: what a Go decoder says.
pub(crate) fn undecodable(kind: Kind, object: &Map<String, Value>) -> Option<String> {
    if !matches!(kind, Kind::Secret | Kind::ConfigMap) {
        return None;
    }
    let word = kind.resource().kind;
    for field in ["data", "stringData", "binaryData"] {
        let Some(value) = object.get(field).filter(|value| !value.is_null()) else { continue };
        let Some(fields) = value.as_object() else {
            return Some(format!(
                "json: cannot unmarshal {} into Go struct field {word}.{field} of type map[string]string",
                crate::create::go_type(value)
            ));
        };
        let bytes = kind == Kind::Secret && field == "data" || field == "binaryData";
        for value in fields.values() {
            match value {
                Value::Null => {}
                Value::String(text) if !bytes || is_base64(text) => {}
                Value::String(_) => return Some("illegal base64 data at input byte 0".to_owned()),
                other => {
                    let found = crate::create::go_type(other);
                    return Some(format!("json: cannot unmarshal {found} into Go struct field {word}.{field} of type string"));
                }
            }
        }
    }
    None
}

fn is_base64(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4) && text.len() - digits.len() <= 2 && digits.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_what_decodes() {
        for text in ["", "YQ==", "YWI=", "YWJj", "YWJj\nYWJj"] {
            assert!(is_base64(text), "{text:?}");
        }
        for text in ["a", "not base64!", "====", "YQ=a"] {
            assert!(!is_base64(text), "{text:?}");
        }
    }
}
