//! Reading a schema from its text. The text is ours and fixed: a fault in it is a bug and panics.
#![expect(clippy::panic, reason = "the text is compiled in, and any test that uses it would notice")]

use super::{Distinct, Field, Need, ObjectType, Schema, Shape};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn parse(text: &'static str) -> Schema {
    let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names: BTreeMap<&'static str, usize> =
        lines().filter_map(|line| line.strip_prefix("type ")).enumerate().map(|(at, name)| (name, at)).collect();
    let mut types: Vec<ObjectType> = Vec::with_capacity(names.len());
    for line in lines() {
        if line.starts_with("type ") {
            types.push(ObjectType::default());
            continue;
        }
        let (name, field) = field(line.trim(), &names);
        let fields = types.last_mut().map(|object_type| &mut object_type.fields);
        let twice = fields.is_none_or(|fields| fields.insert(name, field).is_some());
        assert!(!twice, "schema: '{line}' stands outside a type or twice in it");
    }
    Schema { types, names }
}

fn field(line: &'static str, names: &BTreeMap<&'static str, usize>) -> (&'static str, Field) {
    let (declaration, default) = match line.split_once(" = ") {
        Some((declaration, default)) => (declaration, Some(default)),
        None => (line, None),
    };
    let (name, shape) = declaration.split_once(' ').unwrap_or((declaration, ""));
    let (name, need) = match name.strip_suffix('!') {
        Some(name) => (name, Need::Required),
        None => (name, Need::Optional),
    };
    let default: Option<Value> = default.map(|text| match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => panic!("schema: the default in '{line}' is not JSON: {error}"),
    });
    (name, Field { shape: self::shape(shape, names), need, default })
}

fn shape(text: &'static str, names: &BTreeMap<&'static str, usize>) -> Shape {
    let argument = |head: &str| text.strip_prefix(head)?.strip_prefix('(')?.strip_suffix(')');
    match text {
        "string" => return Shape::Text { max: None },
        "int32" => return Shape::Integer { min: None, max: None, bits: 32 },
        "int64" => return Shape::Integer { min: None, max: None, bits: 64 },
        "bool" => return Shape::Truth,
        "quantity" => return Shape::Quantity,
        "intstr" => return Shape::IntegerOrText,
        "time" => return Shape::Time,
        "any" => return Shape::Any,
        _ => {}
    }
    if let Some(max) = argument("string") {
        return Shape::Text { max: max.parse().ok() };
    }
    for (head, bits) in [("int32", 32), ("int64", 64)] {
        if let Some((min, max)) = argument(head).and_then(|range| range.split_once("..")) {
            return Shape::Integer { min: min.parse().ok(), max: max.parse().ok(), bits };
        }
    }
    if let Some(choices) = argument("enum") {
        return Shape::Choice(choices.split('|').collect());
    }
    if let Some(item) = argument("map") {
        return Shape::Map(Box::new(shape(item, names)));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let (distinct, item) = match inner.split_once(' ') {
            None => (Distinct::Nothing, inner),
            Some(("set", item)) => (Distinct::Value, item),
            Some((fields, item)) => (Distinct::Fields(fields.split(',').collect()), item),
        };
        return Shape::List { item: Box::new(shape(item, names)), distinct };
    }
    match names.get(text) {
        Some(at) => Shape::Object(*at),
        None => panic!("schema: there is no type '{text}'"),
    }
}
