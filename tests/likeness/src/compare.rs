//! What differs between what was recorded and what was answered.

use kubesim::differences::{Difference, Seen};
use serde_json::Value;
use std::collections::BTreeSet;

/// One place in which two accounts of a scenario differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// A JSON pointer into the account: `/3/answer/body/metadata/name`.
    pub at: String,
    /// What the record has there; `None` for nothing.
    pub recorded: Option<Value>,
    /// What was answered.
    pub answered: Option<Value>,
}

/// Every place in which they differ, as deep down as possible.
#[must_use]
pub fn deviations(recorded: &Value, answered: &Value) -> Vec<Deviation> {
    let mut found = Vec::new();
    descend(String::new(), Some(recorded), Some(answered), &mut found);
    found
}

fn descend(at: String, recorded: Option<&Value>, answered: Option<&Value>, found: &mut Vec<Deviation>) {
    if recorded == answered {
        return;
    }
    match (recorded, answered) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                descend(format!("{at}/{escaped}"), left.get(name), right.get(name), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() || at.is_empty() => {
            for index in 0..left.len().max(right.len()) {
                descend(format!("{at}/{index}"), left.get(index), right.get(index), found);
            }
        }
        _ => found.push(Deviation { at, recorded: recorded.cloned(), answered: answered.cloned() }),
    }
}

/// Takes off what the model knowingly does otherwise, and notes in `met` which entries of the list that was.
pub fn unexplained(scenario: &str, deviations: Vec<Deviation>, list: &[Difference], met: &mut BTreeSet<(usize, String)>) -> Vec<Deviation> {
    let explained = |deviation: &Deviation, met: &mut BTreeSet<(usize, String)>| {
        let mut any = false;
        for (number, difference) in list.iter().enumerate() {
            if let Some(place) = explains(difference, scenario, &deviation.at) {
                met.insert((number, place.to_owned()));
                any = true;
            }
        }
        any
    };
    deviations.into_iter().filter(|deviation| !explained(deviation, met)).collect()
}

/// The entries of the list, and their places, that nothing has met: what they say is not so any more.
#[must_use]
pub fn outlived(list: &[Difference], met: &BTreeSet<(usize, String)>) -> Vec<String> {
    let mut outlived = Vec::new();
    for (number, difference) in list.iter().enumerate() {
        let Seen::In(places) = difference.seen else { continue };
        for place in places {
            if !met.contains(&(number, (*place).to_owned())) {
                outlived.push(format!("{place}: {}", difference.what));
            }
        }
    }
    outlived
}

/// The place of a difference that covers this one.
fn explains(difference: &Difference, scenario: &str, at: &str) -> Option<&'static str> {
    let Seen::In(places) = difference.seen else { return None };
    places.iter().copied().find(|place| {
        let (of, pointer) = place.split_once('/').unwrap_or((place, ""));
        (of == "*" || of == scenario) && covers(&pointer.split('/').collect::<Vec<_>>(), &at.split('/').skip(1).collect::<Vec<_>>())
    })
}

/// Whether a pattern covers a pointer: `*` is any one step, `**` any number of them; what is below a covered place is covered.
fn covers(pattern: &[&str], pointer: &[&str]) -> bool {
    match (pattern, pointer) {
        ([], _) => true,
        (["**", rest @ ..], _) => (0..=pointer.len()).any(|skipped| pointer.get(skipped..).is_some_and(|left| covers(rest, left))),
        ([_, ..], []) => false,
        ([first, rest @ ..], [step, left @ ..]) => (*first == "*" || first == step) && covers(rest, left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LIST: &[Difference] = &[
        Difference { what: "it keeps no such list", seen: Seen::In(&["*/**/managedFields", "one/1/answer"]) },
        Difference { what: "it cannot be seen", seen: Seen::Nowhere },
    ];

    #[test]
    fn differences_are_found_where_they_are() {
        let recorded = json!([{ "answer": { "status": 201, "body": { "a": [1, 2], "b": { "c/d": 1 } } } }]);
        let answered = json!([{ "answer": { "status": 200, "body": { "a": [1], "b": { "c/d": 2, "e": null } } } }, { "answer": {} }]);
        let places: Vec<String> = deviations(&recorded, &answered).into_iter().map(|found| found.at).collect();
        assert_eq!(places, ["/0/answer/body/a", "/0/answer/body/b/c~1d", "/0/answer/body/b/e", "/0/answer/status", "/1"]);
        assert_eq!(deviations(&recorded, &recorded), []);
    }

    #[test]
    fn what_is_listed_is_taken_off_and_what_is_listed_in_vain_is_told() {
        let deviation = |at: &str| Deviation { at: at.to_owned(), recorded: None, answered: None };
        let mut met = BTreeSet::new();
        let left =
            unexplained("two", vec![deviation("/0/answer/body/metadata/managedFields"), deviation("/1/answer/status")], LIST, &mut met);
        assert_eq!(left, [deviation("/1/answer/status")]);
        assert_eq!(outlived(LIST, &met), ["one/1/answer: it keeps no such list"]);
        assert_eq!(unexplained("one", vec![deviation("/1/answer/status")], LIST, &mut met), []);
        assert_eq!(outlived(LIST, &met), [""; 0]);
    }
}
