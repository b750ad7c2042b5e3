//! JSON merge patch (RFC 7396) and JSON patch (RFC 6902).

use serde_json::Value;

/// Merges `patch` into `target`: `null` removes, maps merge, anything else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    let fields = crate::object::map_mut(target);
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// A JSON patch that does not fit: the real server does not say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unapplied;

/// Applies a JSON patch; the target is undefined when it fails.
pub(crate) fn apply(target: &mut Value, operations: &Value) -> Result<(), Unapplied> {
    let Value::Array(operations) = operations else {
        return Err(Unapplied);
    };
    for step in operations {
        let word = |field: &str| step[field].as_str().ok_or(Unapplied);
        let path = pointer(word("path")?)?;
        let value = || step.get("value").cloned().unwrap_or(Value::Null);
        match word("op")? {
            "add" => insert(target, &path, value())?,
            "remove" => {
                take(target, &path)?;
            }
            "replace" => {
                let place = find_mut(target, &path).ok_or(Unapplied)?;
                *place = value();
            }
            "move" => {
                let moved = take(target, &pointer(word("from")?)?)?;
                insert(target, &path, moved)?;
            }
            "copy" => {
                let from = pointer(word("from")?)?;
                let copied = find_mut(target, &from).ok_or(Unapplied)?.clone();
                insert(target, &path, copied)?;
            }
            "test" => {
                let held = find_mut(target, &path).map_or(Value::Null, |held| held.clone());
                if held != value() {
                    return Err(Unapplied);
                }
            }
            _ => return Err(Unapplied),
        }
    }
    Ok(())
}

fn pointer(text: &str) -> Result<Vec<String>, Unapplied> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text.strip_prefix('/').ok_or(Unapplied)?;
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

fn index(step: &str, len: usize) -> Option<usize> {
    let number: usize = step.parse().ok()?;
    (number < len).then_some(number)
}

fn find_mut<'a>(target: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    let mut at = target;
    for step in path {
        at = match at {
            Value::Object(fields) => fields.get_mut(step)?,
            Value::Array(items) => {
                let index = index(step, items.len())?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    Some(at)
}

fn insert(target: &mut Value, path: &[String], value: Value) -> Result<(), Unapplied> {
    let Some((last, parents)) = path.split_last() else {
        *target = value;
        return Ok(());
    };
    match find_mut(target, parents).ok_or(Unapplied)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) => {
            let at = if last == "-" { Some(items.len()) } else { index(last, items.len() + 1) };
            items.insert(at.ok_or(Unapplied)?, value);
        }
        _ => return Err(Unapplied),
    }
    Ok(())
}

fn take(target: &mut Value, path: &[String]) -> Result<Value, Unapplied> {
    let (last, parents) = path.split_last().ok_or(Unapplied)?;
    match find_mut(target, parents).ok_or(Unapplied)? {
        Value::Object(fields) => fields.remove(last).ok_or(Unapplied),
        Value::Array(items) => {
            let at = index(last, items.len()).ok_or(Unapplied)?;
            Ok(items.remove(at))
        }
        _ => Err(Unapplied),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_merges_removes_and_replaces() {
        let mut target = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge(&mut target, &json!({ "a": { "b": null, "e": 3 }, "d": [2], "f": { "g": null } }));
        assert_eq!(target, json!({ "a": { "c": 2, "e": 3 }, "d": [2], "f": {} }));
    }

    #[test]
    fn a_json_patch_does_each_operation() {
        let mut target = json!({ "a": [1, 2], "b/c": { "d": 1 } });
        let patch = json!([
            { "op": "test", "path": "/a/0", "value": 1 },
            { "op": "add", "path": "/a/-", "value": 3 },
            { "op": "add", "path": "/a/0", "value": 0 },
            { "op": "remove", "path": "/a/1" },
            { "op": "replace", "path": "/b~1c/d", "value": 2 },
            { "op": "copy", "from": "/b~1c/d", "path": "/e" },
            { "op": "move", "from": "/e", "path": "/f" },
        ]);
        apply(&mut target, &patch).unwrap();
        assert_eq!(target, json!({ "a": [0, 2, 3], "b/c": { "d": 2 }, "f": 2 }));
        let failed = json!([{ "op": "test", "path": "/f", "value": 9 }]);
        assert_eq!(apply(&mut target, &failed), Err(Unapplied));
        let missing = json!([{ "op": "remove", "path": "/none" }]);
        assert_eq!(apply(&mut target, &missing), Err(Unapplied));
        assert_eq!(apply(&mut target, &json!({})), Err(Unapplied));
    }
}
