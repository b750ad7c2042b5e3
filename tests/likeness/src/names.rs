//! What is another each time an API server is asked gets a name that is the same each time.
//!
//! - A UID is called after its object, `<uid of Sandbox one>`; of a second object of that name, `<uid of Sandbox one (2)>`.
//! - A resourceVersion is counted for its object, `<version 2 of Sandbox one>`, so that a write that changes nothing is seen to change
//!   nothing; that of a list or a bookmark is `<version>`.
//! - Times are `<time>`, or `<microtime>` where they have microseconds; addresses `<ip>`; tokens `<token>`; where a list goes on
//!   `<continue>`; a generated name ends in `<suffix>`; `managedFields` are `<managed>`.
//! - Rules of a rules review, which come in any order, are sorted, and conditions by their type: where a controller puts a new one
//!   depends on when it looked.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whether an object's versions are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// Each is told from the others.
    #[default]
    Counted,
    /// They are all alike: how often controllers write is not the scenario's matter.
    Alike,
}

/// The names given in one scenario.
#[derive(Debug, Default)]
pub struct Names {
    versions: Versions,
    /// UID to its object's kind and name.
    objects: BTreeMap<String, String>,
    /// Object (by UID) to its versions in the order they were seen.
    seen: BTreeMap<String, Vec<String>>,
    /// Texts and what they are called, the longest first.
    called: Vec<(String, String)>,
}

impl Names {
    /// Names for a scenario.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How versions are treated from now on.
    pub fn versions(&mut self, versions: Versions) {
        self.versions = versions;
    }

    /// Calls a text something, wherever it occurs.
    pub fn call(&mut self, text: &str, name: &str) {
        if text.is_empty() || self.called.iter().any(|(known, _)| known == text) {
            return;
        }
        self.called.push((text.to_owned(), name.to_owned()));
        self.called.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Learns what occurs in a body, then puts the names in.
    pub fn replace(&mut self, body: &Value) -> Value {
        self.learn(body, "");
        self.renamed(body, "", "")
    }

    /// The same for text: what was learned before is put in.
    #[must_use]
    pub fn replace_text(&self, text: &str) -> String {
        self.named(text)
    }

    fn learn(&mut self, value: &Value, kind: &str) {
        let kind = match value["kind"].as_str() {
            Some(list) if list.ends_with("List") => list.trim_end_matches("List"),
            Some(other) => other,
            None => kind,
        };
        let metadata = &value["metadata"];
        if let (Some(uid), Some(name)) = (metadata["uid"].as_str(), metadata["name"].as_str()) {
            if let Some(prefix) = metadata["generateName"].as_str().filter(|prefix| name.starts_with(prefix)) {
                self.call(name, &format!("{prefix}<suffix>"));
            }
            self.learn_object(uid, kind, name);
            if let Some(version) = metadata["resourceVersion"].as_str() {
                let versions = self.seen.entry(uid.to_owned()).or_default();
                if !versions.iter().any(|known| known == version) {
                    versions.push(version.to_owned());
                }
            }
        }
        if let (Some(uid), Some(name), true) = (value["uid"].as_str(), value["name"].as_str(), value["kind"].is_string()) {
            self.learn_object(uid, kind, name);
        }
        if let Some(token) = value["status"]["token"].as_str() {
            self.call(token, "<token>");
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item, kind)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    // Whatever is below an object is not that object's kind, except a list's items and a watch event's object.
                    self.learn(field, if name == "items" { kind } else { "" });
                }
            }
            _ => {}
        }
    }

    fn learn_object(&mut self, uid: &str, kind: &str, name: &str) {
        if self.objects.contains_key(uid) || !is_shaped(uid, UID) {
            return;
        }
        // A Status names the resource, an owner reference the kind: one word for both.
        let kind = if kind.is_empty() || kind == "Status" { "object" } else { kind };
        let object = format!("{kind} {}", self.named(name));
        let same = self.objects.values().filter(|known| **known == object || known.starts_with(&format!("{object} ("))).count();
        let object = if same == 0 { object } else { format!("{object} ({})", same + 1) };
        self.call(uid, &format!("<uid of {object}>"));
        self.objects.insert(uid.to_owned(), object);
    }

    fn renamed(&self, value: &Value, key: &str, uid: &str) -> Value {
        match value {
            Value::Object(fields) => {
                let own = fields.get("uid").and_then(Value::as_str).unwrap_or_default();
                let renamed = fields.iter().map(|(name, field)| (self.named(name), self.renamed(field, name, own)));
                Value::Object(renamed.collect::<Map<_, _>>())
            }
            Value::Array(_) if key == "managedFields" => Value::from("<managed>"),
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.renamed(item, key, uid)).collect();
                if matches!(key, "nonResourceRules" | "resourceRules") {
                    items.sort_by_key(ToString::to_string);
                }
                if key == "conditions" && items.iter().all(|item| item["type"].is_string()) {
                    items.sort_by(|one, other| one["type"].as_str().cmp(&other["type"].as_str()));
                }
                Value::Array(items)
            }
            Value::String(text) => Value::from(self.renamed_text(text, key, uid)),
            other => other.clone(),
        }
    }

    fn renamed_text(&self, text: &str, key: &str, uid: &str) -> String {
        match key {
            "resourceVersion" if !text.is_empty() => return self.version(text, uid),
            "continue" if !text.is_empty() => return "<continue>".to_owned(),
            _ => {}
        }
        if is_shaped(text, "dddd-dd-ddTdd:dd:ddZ") {
            return "<time>".to_owned();
        }
        if is_shaped(text, "dddd-dd-ddTdd:dd:dd.ddddddZ") {
            return "<microtime>".to_owned();
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return "<ip>".to_owned();
        }
        self.named(text)
    }

    fn version(&self, version: &str, uid: &str) -> String {
        let place = self.seen.get(uid).and_then(|versions| versions.iter().position(|known| known == version));
        match (self.versions, place, self.objects.get(uid)) {
            (Versions::Counted, Some(place), Some(object)) => format!("<version {} of {object}>", place + 1),
            _ => "<version>".to_owned(),
        }
    }

    /// Text with every learned name put in, other UIDs, and versions where the server's sentences have them.
    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, name) in &self.called {
            if text.contains(known.as_str()) {
                text = text.replace(known.as_str(), name);
            }
        }
        for before in BEFORE_VERSIONS {
            text = without_number(&text, before);
        }
        text = without_bracketed_number(&text);
        without_uuids(&text)
    }
}

/// What stands before a version in the server's sentences and in a query.
const BEFORE_VERSIONS: [&str; 6] = [
    "too old resource version: ",
    "Too large resource version: ",
    "current: ",
    "ResourceVersion in record (",
    "precondition (",
    "resourceVersion=",
];

/// The shape of a UID.
const UID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// Whether text has this shape, `d` standing for a digit and `x` for a hexadecimal one.
fn is_shaped(text: &str, shape: &str) -> bool {
    let fits = |byte: u8, wanted: u8| match wanted {
        b'd' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_hexdigit(),
        other => byte == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| fits(byte, wanted))
}

/// A number after these words is a version, unless it has one digit or very many: then a scenario chose it.
fn without_number(text: &str, before: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(before) {
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(head);
        out.push_str(before);
        let (number, after) = tail.split_at(digits);
        out.push_str(if (2..=11).contains(&digits) { "<version>" } else { number });
        rest = after;
    }
    out + rest
}

/// `too old resource version: 1 (523)`
fn without_bracketed_number(text: &str) -> String {
    match (text.starts_with("too old resource version: "), text.rsplit_once(" (")) {
        (true, Some((head, _))) => format!("{head} (<version>)"),
        _ => text.to_owned(),
    }
}

fn without_uuids(text: &str) -> String {
    let fits = |part: &[u8]| std::str::from_utf8(part).is_ok_and(|part| is_shaped(part, UID));
    let mut text = text.to_owned();
    while let Some(at) = text.as_bytes().windows(UID.len()).position(fits) {
        text.replace_range(at..at + UID.len(), "<uid>");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_known_again_by_its_uid_and_a_write_by_its_version() {
        let mut names = Names::new();
        let uid = "b2d55a1c-0000-4000-8000-000000000001";
        let object = json!({ "kind": "Sandbox", "metadata": { "name": "one", "uid": uid, "resourceVersion": "105" } });
        let named = names.replace(&object);
        assert_eq!(named["metadata"]["uid"], "<uid of Sandbox one>");
        assert_eq!(named["metadata"]["resourceVersion"], "<version 1 of Sandbox one>");
        let later = json!({ "metadata": { "name": "one", "uid": uid, "resourceVersion": "1107" } });
        assert_eq!(names.replace(&later)["metadata"]["resourceVersion"], "<version 2 of Sandbox one>");
        assert_eq!(names.replace(&object), named);
        let message = json!({ "message": format!("the UID is {uid}, not b2d55a1c-0000-4000-8000-00000000000f") });
        assert_eq!(names.replace(&message)["message"], "the UID is <uid of Sandbox one>, not <uid>");
    }

    #[test]
    fn conditions_come_in_the_order_of_their_types() {
        let with =
            |kinds: &[&str]| json!({ "status": { "conditions": kinds.iter().map(|kind| json!({ "type": kind })).collect::<Vec<_>>() } });
        assert_eq!(Names::new().replace(&with(&["Suspended", "Ready", "Finished"])), with(&["Finished", "Ready", "Suspended"]));
        let lines = json!({ "conditions": ["b", "a"] });
        assert_eq!(Names::new().replace(&lines), lines);
    }

    #[test]
    fn times_addresses_and_versions_in_sentences_have_names() {
        let mut names = Names::new();
        let odd = json!({
            "at": "2026-11-27T16:00:00Z", "near": "2026-11-27T16:00:00.000001Z", "podIP": "10.244.0.7",
            "message": "too old resource version: 1 (523)", "other": "Timeout: Too large resource version: 999999999999999999, current: 300",
        });
        let wanted = json!({
            "at": "<time>", "near": "<microtime>", "podIP": "<ip>",
            "message": "too old resource version: 1 (<version>)",
            "other": "Timeout: Too large resource version: 999999999999999999, current: <version>",
        });
        assert_eq!(names.replace(&odd), wanted);
    }
}
