//! Validation against a schema, worded as the API server words it.

use super::{Distinct, Need, Root, Schema, Shape};
use crate::failure::Cause;
use crate::time::parse_rfc3339;
use serde_json::{Value, json};

const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

impl Root {
    /// What is wrong with the object: fields first, then duplicate list items.
    pub fn check(self, object: &Value) -> Vec<Cause> {
        let mut causes = Vec::new();
        self.schema.check_object(self.at, object, "", &mut causes);
        self.schema.distinct_object(self.at, object, "", &mut causes);
        causes
    }
}

impl Schema {
    fn check_object(&self, at: usize, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        let Value::Object(fields) = value else {
            causes.push(mistyped(path, value, "object"));
            return;
        };
        for (name, field) in &self.types[at].fields {
            let below = join(path, name);
            match fields.get(*name) {
                Some(value) => self.check(&field.shape, value, &below, causes),
                None if field.need == Need::Required => causes.push(Cause::required(below)),
                None => {}
            }
        }
    }

    fn check(&self, shape: &Shape, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        match shape {
            Shape::Any => {}
            Shape::Object(at) => self.check_object(*at, value, path, causes),
            Shape::Map(item) => match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        self.check(item, value, &join(path, name), causes);
                    }
                }
                _ => causes.push(mistyped(path, value, "object")),
            },
            Shape::List { item, .. } => match value {
                Value::Array(items) => {
                    for (index, value) in items.iter().enumerate() {
                        self.check(item, value, &format!("{path}[{index}]"), causes);
                    }
                }
                _ => causes.push(mistyped(path, value, "array")),
            },
            Shape::Text { max } => match (value.as_str(), max) {
                (None, _) => causes.push(mistyped(path, value, "string")),
                (Some(text), Some(max)) if text.chars().count() > *max => {
                    causes.push(Cause::too_long(path, &format!("may not be more than {max} bytes")));
                }
                _ => {}
            },
            Shape::Truth if value.is_boolean() => {}
            Shape::Truth => causes.push(mistyped(path, value, "boolean")),
            Shape::Integer { min, max, bits } => check_integer(value, (*min, *max), *bits, path, causes),
            Shape::IntegerOrText if value.is_string() || value.is_i64() || value.is_u64() => {}
            Shape::IntegerOrText => causes.push(mistyped(path, value, "integer,string")),
            Shape::Quantity => check_quantity(value, path, causes),
            Shape::Time => match value.as_str() {
                None => causes.push(mistyped(path, value, "string")),
                Some(text) if parse_rfc3339(text).is_none() => {
                    causes.push(Cause::wrong_type(path, text, &format!("{path} in body must be of type date-time: {}", json!(text))));
                }
                Some(_) => {}
            },
            Shape::Choice(choices) => match value.as_str() {
                Some(text) if choices.contains(&text) => {}
                Some(_) => causes.push(Cause::unsupported(path, value, choices)),
                None => {
                    causes.push(mistyped(path, value, "string"));
                    causes.push(Cause::unsupported(path, value, choices));
                }
            },
        }
    }

    fn distinct_object(&self, at: usize, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Some(field) = self.types[at].fields.get(name.as_str()) {
                self.distinct(&field.shape, value, &join(path, name), causes);
            }
        }
    }

    fn distinct(&self, shape: &Shape, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        match shape {
            Shape::Object(at) => self.distinct_object(*at, value, path, causes),
            Shape::List { item, distinct } => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                for (index, value) in items.iter().enumerate() {
                    let place = format!("{path}[{index}]");
                    let identity = identity(distinct, value);
                    let seen = identity.as_ref().is_some_and(|identity| {
                        items.iter().take(index).any(|earlier| self::identity(distinct, earlier).as_ref() == Some(identity))
                    });
                    if let (Some(identity), true) = (identity, seen) {
                        causes.push(Cause::duplicate(place.clone(), &identity));
                    }
                    self.distinct(item, value, &place, causes);
                }
            }
            _ => {}
        }
    }
}

/// What sets a list's item apart, `None` where nothing has to.
fn identity(distinct: &Distinct, item: &Value) -> Option<Value> {
    match distinct {
        Distinct::Nothing => None,
        Distinct::Value => Some(item.clone()),
        Distinct::Fields(names) => {
            let mut identity = json!({});
            for name in names {
                if let Some(value) = item.get(*name) {
                    identity[*name] = value.clone();
                }
            }
            Some(identity)
        }
    }
}

fn check_integer(value: &Value, (min, max): (Option<i64>, Option<i64>), bits: u8, path: &str, causes: &mut Vec<Cause>) {
    let Some(number) = value.as_i64() else {
        causes.push(mistyped(path, value, "integer"));
        return;
    };
    if bits == 32 && i32::try_from(number).is_err() {
        let why = format!("Checked value must be of type integer with format int32 in {path}");
        causes.push(Cause::invalid("<nil>", &json!(""), &why));
    }
    if let Some(min) = min.filter(|min| number < *min) {
        let why = format!("{path} in body should be greater than or equal to {min}");
        causes.push(Cause::invalid(path, value, &why));
    }
    if let Some(max) = max.filter(|max| number > *max) {
        let why = format!("{path} in body should be less than or equal to {max}");
        causes.push(Cause::invalid(path, value, &why));
    }
}

fn check_quantity(value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::String(text) if is_quantity(text) => {}
        Value::String(_) => {
            let why = format!("{path} in body should match '{QUANTITY}'");
            causes.push(Cause::invalid(path, value, &why));
        }
        Value::Number(number) if number.is_i64() || number.is_u64() => {}
        _ => {
            causes.push(mistyped(path, value, "integer,string"));
            let why = format!("\"{path}\" must validate at least one schema (anyOf)");
            causes.push(Cause::invalid("<nil>", &json!(""), &why));
            causes.push(mistyped(path, value, "integer"));
            if value.is_number() {
                let why = format!("Checked value must be of type integer (default format) in {path}");
                causes.push(Cause::invalid("<nil>", &json!(""), &why));
            }
        }
    }
}

/// Whether the text is a quantity, such as `500m`, `2Gi` or `1e3`.
pub(crate) fn is_quantity(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(rest) = after_decimal(text) else { return false };
    if let Some(exponent) = rest.strip_prefix(['e', 'E'])
        && !exponent.is_empty()
    {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return after_decimal(exponent) == Some("");
    }
    let decimal = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E"];
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    decimal.contains(&rest) || binary.contains(&rest)
}

/// What follows a decimal number at the start of the text; `None` if there is none.
fn after_decimal(text: &str) -> Option<&str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let rest = text.get(whole..)?;
    match rest.strip_prefix('.') {
        Some(fraction) => {
            let count = digits(fraction);
            (whole + count > 0).then(|| fraction.get(count..)).flatten()
        }
        None => (whole > 0).then_some(rest),
    }
}

fn mistyped(path: &str, value: &Value, wanted: &str) -> Cause {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let place = if path.is_empty() { "" } else { path };
    let why = format!("{place} in body must be of type {wanted}: {}", json!(found));
    Cause::wrong_type(path, found, &why)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::super::sandbox;
    use super::*;

    fn with_container(container: &Value) -> Value {
        json!({ "spec": { "podTemplate": { "spec": { "containers": [container] } } } })
    }

    fn fields_and_reasons(object: &Value) -> Vec<(String, &'static str)> {
        let causes = sandbox("v1beta1").check(object);
        causes.into_iter().map(|cause| (cause.field, cause.reason)).collect()
    }

    #[test]
    fn each_rule_names_the_field_it_is_broken_in() {
        let base = "spec.podTemplate.spec.containers[0]";
        for (container, field, reason) in [
            (json!({}), format!("{base}.name"), "FieldValueRequired"),
            (json!({ "name": 1 }), format!("{base}.name"), "FieldValueTypeInvalid"),
            (json!({ "name": "a", "env": [{ "name": "A" }, { "name": "A" }] }), format!("{base}.env[1]"), "FieldValueDuplicate"),
            (
                json!({ "name": "a", "volumeMounts": [
                    { "name": "x", "mountPath": "/m" }, { "name": "y", "mountPath": "/m" },
                ] }),
                format!("{base}.volumeMounts[1]"),
                "FieldValueDuplicate",
            ),
            (
                json!({ "name": "a", "resources": { "limits": { "cpu": "1 core" } } }),
                format!("{base}.resources.limits.cpu"),
                "FieldValueInvalid",
            ),
        ] {
            assert_eq!(fields_and_reasons(&with_container(&container)), [(field, reason)]);
        }
        assert_eq!(fields_and_reasons(&with_container(&json!({ "name": "a" }))), []);
    }

    #[test]
    fn a_bad_enum_names_the_choices() {
        let mut object = with_container(&json!({ "name": "a" }));
        object["spec"]["operatingMode"] = json!("Paused");
        let causes = sandbox("v1beta1").check(&object);
        assert_eq!(causes[0].message, "Unsupported value: \"Paused\": supported values: \"Running\", \"Suspended\"");
    }

    #[test]
    fn quantities() {
        for good in ["1", "0.5", ".5", "1.", "500m", "2Gi", "1e3", "1E-3", "-1", "+1k", "1E"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "x", "1 Gi", "1gi", "Gi", ".", "1e", "1.2.3", "--1", "1Kib"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }
}
