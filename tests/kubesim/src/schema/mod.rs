//! A structural schema: which fields exist, what they default to, and what may stand in them.

mod check;
mod text;

pub(crate) use check::is_quantity;

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// The Sandbox's schema in both versions.
static SANDBOX: LazyLock<Schema> = LazyLock::new(|| text::parse(include_str!("sandbox.schema")));

/// Named types, found by their place.
#[derive(Debug)]
pub(crate) struct Schema {
    types: Vec<ObjectType>,
    names: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Default)]
struct ObjectType {
    fields: BTreeMap<&'static str, Field>,
}

#[derive(Debug)]
struct Field {
    shape: Shape,
    need: Need,
    default: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Optional,
    Required,
}

#[derive(Debug)]
enum Shape {
    Text { max: Option<usize> },
    Integer { min: Option<i64>, max: Option<i64>, bits: u8 },
    Truth,
    Quantity,
    IntegerOrText,
    Time,
    Choice(Vec<&'static str>),
    Map(Box<Shape>),
    List { item: Box<Shape>, distinct: Distinct },
    Object(usize),
    Any,
}

/// By what the items of a list must differ.
#[derive(Debug)]
enum Distinct {
    Nothing,
    Value,
    Fields(Vec<&'static str>),
}

/// The root type of a Sandbox in a version.
pub(crate) fn sandbox(version: &str) -> Root {
    let name = if version == "v1alpha1" { "Sandbox.v1alpha1" } else { "Sandbox.v1beta1" };
    Root { schema: &SANDBOX, at: SANDBOX.names[name] }
}

/// A schema with the type an object starts at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    schema: &'static Schema,
    at: usize,
}

impl Root {
    /// Removes what the schema does not know and returns the paths removed, in the object's order.
    pub fn prune(self, object: &mut Value) -> Vec<String> {
        let mut removed = Vec::new();
        let mut path = String::new();
        self.schema.prune_object(self.at, object, &mut path, &mut removed);
        removed
    }

    /// Removes `null` where nothing may be null and no default would take its place.
    pub fn drop_nulls(self, object: &mut Value) {
        self.schema.drop_nulls_object(self.at, object);
    }

    /// Fills in defaults where a parent is there and the field is not.
    pub fn default(self, object: &mut Value) {
        self.schema.default_object(self.at, object);
    }
}

impl Schema {
    fn prune(&self, shape: &Shape, value: &mut Value, path: &mut String, removed: &mut Vec<String>) {
        match shape {
            Shape::Object(at) => self.prune_object(*at, value, path, removed),
            Shape::List { item, .. } => {
                for (index, value) in value.as_array_mut().into_iter().flatten().enumerate() {
                    let length = path.len();
                    let _ = write!(path, "[{index}]");
                    self.prune(item, value, path, removed);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn prune_object(&self, at: usize, value: &mut Value, path: &mut String, removed: &mut Vec<String>) {
        let Value::Object(fields) = value else { return };
        let known = &self.types[at].fields;
        fields.retain(|name, value| {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            let field = known.get(name.as_str());
            if let Some(field) = field {
                self.prune(&field.shape, value, path, removed);
            } else {
                removed.push(path.clone());
            }
            path.truncate(length);
            field.is_some()
        });
    }

    fn drop_nulls(&self, shape: &Shape, value: &mut Value) {
        match (shape, value) {
            (Shape::Object(at), value) => self.drop_nulls_object(*at, value),
            (Shape::List { item, .. }, Value::Array(values)) => {
                for value in values {
                    self.drop_nulls(item, value);
                }
            }
            (Shape::Map(_), Value::Object(fields)) => fields.retain(|_, value| !value.is_null()),
            _ => {}
        }
    }

    fn drop_nulls_object(&self, at: usize, value: &mut Value) {
        let Value::Object(fields) = value else { return };
        let known = &self.types[at].fields;
        fields.retain(|name, value| match known.get(name.as_str()) {
            Some(field) if value.is_null() => field.default.is_some() || matches!(field.shape, Shape::Any),
            Some(field) => {
                self.drop_nulls(&field.shape, value);
                true
            }
            None => true,
        });
    }

    fn default(&self, shape: &Shape, value: &mut Value) {
        match shape {
            Shape::Object(at) => self.default_object(*at, value),
            Shape::List { item, .. } => {
                for value in value.as_array_mut().into_iter().flatten() {
                    self.default(item, value);
                }
            }
            _ => {}
        }
    }

    fn default_object(&self, at: usize, value: &mut Value) {
        let Value::Object(fields) = value else { return };
        let known = &self.types[at].fields;
        for (name, field) in known {
            if let Some(default) = &field.default
                && fields.get(*name).is_none_or(Value::is_null)
            {
                fields.insert((*name).to_owned(), default.clone());
            }
        }
        self.default_known(known, fields);
    }

    fn default_known(&self, known: &BTreeMap<&'static str, Field>, fields: &mut Map<String, Value>) {
        for (name, value) in fields.iter_mut() {
            if let Some(field) = known.get(name.as_str()) {
                self.default(&field.shape, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_go_at_every_level_and_are_named() {
        let mut object = json!({
            "spec": {
                "bogus": 1,
                "podTemplate": {
                    "spec": { "containers": [{ "name": "a", "imgae": "x" }, { "name": "b" }] },
                },
            },
        });
        let removed = sandbox("v1beta1").prune(&mut object);
        assert_eq!(removed, ["spec.bogus", "spec.podTemplate.spec.containers[0].imgae"]);
        assert_eq!(object["spec"], json!({ "podTemplate": { "spec": { "containers": [{ "name": "a" }, { "name": "b" }] } } }));
    }

    #[test]
    fn each_version_defaults_its_own_switch() {
        let mut object = json!({ "spec": {
            "podTemplate": { "spec": { "containers": [{ "name": "a", "ports": [{ "containerPort": 1 }] }] } },
        } });
        let mut old = object.clone();
        sandbox("v1beta1").default(&mut object);
        assert_eq!(object["spec"]["operatingMode"], "Running");
        assert_eq!(object["spec"]["shutdownPolicy"], "Retain");
        let port = &object["spec"]["podTemplate"]["spec"]["containers"][0]["ports"][0];
        assert_eq!(port["protocol"], "TCP");
        sandbox("v1alpha1").default(&mut old);
        assert_eq!(old["spec"]["replicas"], 1);
        assert!(old["spec"].get("operatingMode").is_none());
    }
}
