//! Objects that several vectors speak of, and short forms for what is long.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::format::{folder, json_files, read};

/// Objects that several vectors speak of, and the configuration all start from.
#[derive(Debug)]
pub struct Library {
    /// By file name without `.json`.
    pub objects: BTreeMap<String, Value>,
    /// `config.json`.
    pub config: Value,
}

/// Stands for an object of the library.
const REFERENCE: &str = "$object";
/// Stands for a text that many times.
const REPEATED: &str = "$repeat";
/// Stands for that many elements of a list.
const COPIES: &str = "$copies";
/// In each copy, its number in five digits.
const NUMBER: &str = "#####";
/// Shorter texts are written out.
const REPEATED_MIN: usize = 1_000;
/// Shorter lists are written out.
const COPIES_MIN: usize = 100;

impl Library {
    /// Reads `vectors/objects` and `vectors/config.json`.
    pub fn read() -> Self {
        let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
        let objects = json_files(&folder().join("objects")).iter().map(|path| (name(path), read(path))).collect();
        Self { objects, config: read(&folder().join("config.json")) }
    }

    /// Writes every short form out.
    pub fn expand(&self, value: &mut Value) {
        match value {
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.expand(item);
                }
                *items = std::mem::take(items).into_iter().flat_map(copies).collect();
            }
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.expand(field));
                if let Some(name) = fields.remove(REFERENCE) {
                    let name = name.as_str().unwrap();
                    let mut object = self.objects.get(name).unwrap_or_else(|| panic!("no vectors/objects/{name}.json")).clone();
                    self.expand(&mut object);
                    merge(&mut object, &Value::Object(std::mem::take(fields)));
                    *value = object;
                } else if let Some(text) = fields.get(REPEATED) {
                    let times = usize::try_from(fields.get("times").and_then(Value::as_u64).unwrap()).unwrap();
                    *value = text.as_str().unwrap().repeat(times).into();
                }
            }
            _ => {}
        }
    }

    /// Uses every short form that makes `value` shorter.
    pub fn contract(&self, value: &mut Value) {
        if let Some(short) = self.reference(value) {
            *value = short;
            return;
        }
        match value {
            Value::Array(items) => {
                let mut rest = std::mem::take(items);
                while let Some(item) = rest.first() {
                    let numbered = run_of_copies(item, &rest);
                    let short = if numbered >= COPIES_MIN {
                        let template = template(item);
                        rest.drain(..numbered);
                        json!({ COPIES: numbered, "of": serde_json::from_str::<Value>(&template).unwrap() })
                    } else {
                        let mut item = rest.remove(0);
                        self.contract(&mut item);
                        item
                    };
                    items.push(short);
                }
            }
            Value::Object(fields) => fields.values_mut().for_each(|field| self.contract(field)),
            Value::String(text) if text.len() >= REPEATED_MIN => {
                let first = text.chars().next().unwrap_or_default();
                if text.chars().all(|c| c == first) {
                    *value = json!({ REPEATED: first, "times": text.chars().count() });
                }
            }
            _ => {}
        }
    }

    /// The shortest reference for an object that is one of the library's, or nearly one.
    fn reference(&self, value: &Value) -> Option<Value> {
        let kind = value.get("kind")?;
        let whole = value.to_string().len();
        let near = self.objects.iter().filter(|(_, object)| object.get("kind") == Some(kind)).filter_map(|(name, object)| {
            let mut short = patch(object, value)?;
            let mut again = object.clone();
            merge(&mut again, &short);
            if again != *value {
                return None;
            }
            short.as_object_mut()?.insert(REFERENCE.into(), name.as_str().into());
            let length = short.to_string().len();
            (length * 2 < whole).then_some((length, short))
        });
        near.min_by_key(|(length, _)| *length).map(|(_, short)| short)
    }
}

/// The elements that one element of a list stands for.
fn copies(element: Value) -> Vec<Value> {
    let Some(count) = element.get(COPIES).map(|count| count.as_u64().unwrap()) else { return vec![element] };
    let template = element.get("of").unwrap().to_string();
    (0..count).map(|number| serde_json::from_str(&template.replace(NUMBER, &format!("{number:05}"))).unwrap()).collect()
}

/// The text of an element in whose place its number is open.
fn template(first: &Value) -> String {
    first.to_string().replace("00000", NUMBER)
}

/// How many elements of `rest`, from its first on, differ from it only in their number.
fn run_of_copies(first: &Value, rest: &[Value]) -> usize {
    let template = template(first);
    if !template.contains(NUMBER) {
        return 0;
    }
    let is_copy = |(number, item): &(usize, &Value)| item.to_string() == template.replace(NUMBER, &format!("{number:05}"));
    rest.iter().enumerate().take_while(is_copy).count()
}

/// A merge patch (RFC 7386): `null` removes, objects merge, everything else replaces. Beyond the RFC, a list is patched by an object whose keys
/// are positions.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if let Value::Array(items) = target {
        for (position, value) in patch {
            let position: usize = position.parse().unwrap_or_else(|_| panic!("{position:?} is no position in a list"));
            merge(items.get_mut(position).unwrap_or_else(|| panic!("a list has no position {position}")), value);
        }
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let fields = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What [`merge`] needs to make `after` of `before`, where it can be said: a `null` in `after`, or an object in place of a list, cannot.
fn patch(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut changes = Map::new();
            for (key, after) in after {
                match before.get(key) {
                    Some(before) if before == after => {}
                    Some(before) => drop(changes.insert(key.clone(), patch(before, after)?)),
                    None => drop(changes.insert(key.clone(), patch(&Value::Null, after)?)),
                }
            }
            changes.extend(before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null)));
            Some(Value::Object(changes))
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let differ = before.iter().zip(after).enumerate().filter(|(_, (before, after))| before != after);
            let changes: Option<Map<_, _>> =
                differ.map(|(position, (before, after))| Some((position.to_string(), patch(before, after)?))).collect();
            Some(Value::Object(changes?))
        }
        (_, Value::Null) => None,
        _ => Some(after.clone()),
    }
}
