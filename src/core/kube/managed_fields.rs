//! Who manages which field: half of what a watch line says, and nothing that is read.

/// What comes before it in every object that an API server writes.
const KEY: &str = "\"managedFields\":[";

/// The same object with `null` in place of `managedFields`, where there is such a list and its end can be told at a glance.
///
/// It is the next `]` after which another key follows, in the same object or the one around it. A string cannot show the same bytes: its quotes are
/// escaped, and no letter follows its last one. Between the brackets there are objects only, as `FieldsV1` has them. Should there be another list
/// all the same, what is left has one bracket too many and cannot be read; so whoever uses this reads the whole object when that fails.
#[must_use]
pub fn left_out(text: &str) -> Option<String> {
    let begin = text.find(KEY)? + KEY.len();
    let fields = text.get(begin..)?;
    let end = fields.match_indices(']').map(|(at, _)| at).find(|at| fields.get(at + 1..).is_some_and(begins_a_key))?;
    let (before, after) = (text.get(..begin - 1)?, fields.get(end + 1..)?);
    let mut left = String::with_capacity(before.len() + NOTHING.len() + after.len());
    left.push_str(before);
    left.push_str(NOTHING);
    left.push_str(after);
    Some(left)
}

const NOTHING: &str = "null";

/// Whether this is the end of an object or not, then a comma and a key.
fn begins_a_key(rest: &str) -> bool {
    let rest = rest.strip_prefix('}').unwrap_or(rest);
    rest.strip_prefix(",\"").is_some_and(|key| key.starts_with(|first: char| first.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What is left, or nothing where it cannot be read.
    fn left(text: &str) -> Option<Value> {
        serde_json::from_str(&left_out(text)?).ok()
    }

    #[test]
    fn everything_else_stays() {
        for (around, inner) in [
            (r#"{"metadata":{"managedFields":FIELDS,"name":"a"},"status":{}}"#, r#"[{"fieldsV1":{"f:spec":{".":{}}},"time":"t"},{}]"#),
            (r#"{"metadata":{"name":"a","managedFields":FIELDS},"spec":{"x":[1,2]}}"#, r#"[{"fieldsV1":{"k:{\"name\":\"x],\"}":{}}}]"#),
            (r#"{"metadata":{"managedFields":FIELDS,"note":"],\"name\":[]"}}"#, r#"[{"fieldsV1":{"f:a]":{},"f:],":{},"f:]}":{}}}]"#),
            (r#"{"note":"\"managedFields\":[","metadata":{"managedFields":FIELDS,"name":"a"}}"#, "[]"),
        ] {
            let wanted: Option<Value> = serde_json::from_str(&around.replace("FIELDS", NOTHING)).ok();
            assert!(wanted.is_some() && left(&around.replace("FIELDS", inner)) == wanted, "{around} {inner}");
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_cannot_be_read_and_is_not_mistaken() {
        for text in [
            r#"{"metadata":{"managedFields":[{"list":[1],"of":2}],"name":"a"}}"#,
            r#"{"metadata":{"managedFields":[["a"],"b"],"name":"a"}}"#,
            r#"{"metadata":{"managedFields":[{"a":[{"b":1}],"c":"],"}],"name":"a"}}"#,
        ] {
            assert!(serde_json::from_str::<Value>(text).is_ok());
            assert_eq!(left(text), None, "{text}");
        }
    }

    #[test]
    fn where_there_is_none_nothing_is_left_out() {
        for text in ["", "{}", r#"{"managedFields":null}"#, r#"{"managedFields":["#, r#"{"managedFields":[]}"#, r#"{"a":"managedFields"}"#]
        {
            assert_eq!(left_out(text), None, "{text}");
        }
    }
}
