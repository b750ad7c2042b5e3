//! Where two JSON values first differ.

use serde_json::Value;

/// The place, as a path, and what stands there in each; nothing where they are equal. What is missing is `null`.
#[must_use]
pub fn first(one: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let (mut one, mut other) = (one, other);
    if one == other {
        return None;
    }
    let mut path = String::from("$");
    loop {
        let (step, inner) = match (one, other) {
            (Value::Object(a), Value::Object(b)) => {
                let key = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key))?;
                (format!(".{key}"), (a.get(key), b.get(key)))
            }
            (Value::Array(a), Value::Array(b)) => {
                let at = (0..a.len().max(b.len())).find(|at| a.get(*at) != b.get(*at))?;
                (format!("[{at}]"), (a.get(at), b.get(at)))
            }
            _ => return Some((path, one.clone(), other.clone())),
        };
        path.push_str(&step);
        (one, other) = match inner {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return Some((path, a.cloned().unwrap_or_default(), b.cloned().unwrap_or_default())),
        };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_goes_as_deep_as_both_go() {
        let one = json!({ "a": [1, { "b": "x" }], "c": 0 });
        assert_eq!(first(&one, &one), None);
        assert_eq!(first(&one, &json!({ "a": [1, { "b": "y" }], "c": 1 })), Some(("$.a[1].b".into(), json!("x"), json!("y"))));
        assert_eq!(first(&one, &json!({ "a": [1], "c": 0 })), Some(("$.a[1]".into(), json!({ "b": "x" }), Value::Null)));
        assert_eq!(first(&one, &json!([])), Some(("$".into(), one.clone(), json!([]))));
    }
}
