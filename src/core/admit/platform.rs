//! `template.platform_config`: what the gateway passes on of a request that only Kubernetes understands.

use std::collections::BTreeMap;

use super::is_reserved;
use crate::contract::messages::protobuf::{Struct, Value, value::Kind};
use crate::core::admit::quantity::Quantity;
use crate::core::grpc_status::Status;
use crate::core::names::{ObjectName, is_qualified_name};

/// A checked `platform_config`.
#[derive(Debug, Clone, Default)]
pub struct Platform {
    /// `runtimeClassName`.
    pub runtime_class: Option<ObjectName>,
    /// Annotations for the pod.
    pub annotations: BTreeMap<String, String>,
    /// Whether the pod shares the node's user namespace.
    pub users: Users,
    /// Requests and limits beyond the typed ones.
    pub resources: RawResources,
}

/// `hostUsers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Users {
    /// The node's.
    #[default]
    Host,
    /// The pod's own.
    Namespaced,
}

/// `resources_raw`: what a container's `resources` would hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawResources {
    /// By resource name.
    pub requests: BTreeMap<String, Quantity>,
    /// By resource name.
    pub limits: BTreeMap<String, Quantity>,
}

const FIELD: &str = "template.platform_config";

impl Platform {
    /// Checks a `platform_config`; none at all is the default one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field. An unknown field is refused, because the caller would believe it heeded.
    pub fn check(config: Option<&Struct>) -> Result<Self, Status> {
        let mut platform = Self::default();
        let Some(config) = config else { return Ok(platform) };
        for (key, value) in &config.fields {
            let path = format!("{FIELD}.{key}");
            match key.as_str() {
                "runtime_class_name" => {
                    let name = text(&path, value)?;
                    if !name.is_empty() {
                        let parsed = ObjectName::parse(name).map_err(|error| refuse(&path, &error.to_string()))?;
                        platform.runtime_class = Some(parsed);
                    }
                }
                "annotations" => platform.annotations = annotations(&path, value)?,
                "host_users" => match value.kind {
                    Some(Kind::BoolValue(true)) => platform.users = Users::Host,
                    Some(Kind::BoolValue(false)) => platform.users = Users::Namespaced,
                    _ => return Err(refuse(&path, "must be true or false")),
                },
                "resources_raw" => platform.resources = resources(&path, value)?,
                _ => {
                    return Err(refuse(&path, "is not known; known are runtime_class_name, annotations, host_users and resources_raw"));
                }
            }
        }
        Ok(platform)
    }
}

fn annotations(path: &str, value: &Value) -> Result<BTreeMap<String, String>, Status> {
    object(path, value)?
        .iter()
        .map(|(key, value)| {
            let path = format!("{path}.{key}");
            if !is_qualified_name(key) {
                return Err(refuse(&path, "is not an annotation key"));
            }
            if is_reserved(key) {
                return Err(refuse(&path, "belongs to a domain that is not the caller's to set"));
            }
            Ok((key.clone(), text(&path, value)?.to_owned()))
        })
        .collect()
}

fn resources(path: &str, value: &Value) -> Result<RawResources, Status> {
    let mut raw = RawResources::default();
    for (section, amounts) in object(path, value)? {
        let path = format!("{path}.{section}");
        let target = match section.as_str() {
            "requests" => &mut raw.requests,
            "limits" => &mut raw.limits,
            _ => return Err(refuse(&path, "is not taken; only requests and limits are")),
        };
        for (resource, amount) in object(&path, amounts)? {
            let path = format!("{path}.{resource}");
            if !is_qualified_name(resource) {
                return Err(refuse(&path, "is not a resource's name"));
            }
            let written = match &amount.kind {
                Some(Kind::StringValue(text)) => text.clone(),
                Some(Kind::NumberValue(number)) => decimal(*number).ok_or_else(|| refuse(&path, "is not a quantity"))?,
                _ => return Err(refuse(&path, "must be a quantity")),
            };
            target.insert(resource.clone(), Quantity::parse(&written).map_err(|error| refuse(&path, &error))?);
        }
    }
    Ok(raw)
}

/// A protobuf number as Kubernetes writes it: numbers arrive as doubles, and `2.0` is no quantity a person wrote.
fn decimal(number: f64) -> Option<String> {
    (0.0..1e15).contains(&number).then(|| format!("{number}"))
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a BTreeMap<String, Value>, Status> {
    match &value.kind {
        Some(Kind::StructValue(object)) => Ok(&object.fields),
        _ => Err(refuse(path, "must be an object")),
    }
}

fn text<'a>(path: &str, value: &'a Value) -> Result<&'a str, Status> {
    match &value.kind {
        Some(Kind::StringValue(text)) => Ok(text),
        _ => Err(refuse(path, "must be a string")),
    }
}

fn refuse(path: &str, why: &str) -> Status {
    Status::invalid_argument(format!("{path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_double_is_written_as_an_integer() {
        assert_eq!(decimal(2.0).as_deref(), Some("2"));
        assert_eq!(decimal(0.5).as_deref(), Some("0.5"));
        assert_eq!(decimal(f64::NAN), None);
        assert_eq!(decimal(-1.0), None);
    }
}
