//! GET of an object, and of a collection in pages of one consistent snapshot.

use crate::cluster::{Cluster, Reply};
use crate::failure::{Cause, Failure};
use crate::http::Target;
use crate::object::Object;
use crate::resource::Kind;
use crate::route::Place;
use crate::select::{FieldSelector, LabelSelector};
use crate::store::{Change, Key};
use crate::view::View;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;

/// Which objects of a collection are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Empty for all namespaces.
    pub namespace: String,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Selection {
    pub fn parse(place: &Place, target: &Target) -> Result<Self, Failure> {
        let labels = LabelSelector::parse(target.parameter("labelSelector").unwrap_or_default())?;
        let fields = target.parameter("fieldSelector").unwrap_or_default();
        let mut fields = FieldSelector::parse(place.kind, fields)?;
        if !place.name.is_empty() {
            let term = format!("metadata.name={}", place.name);
            fields = FieldSelector::parse(place.kind, &term)?;
        }
        Ok(Self { namespace: place.namespace.clone(), labels, fields })
    }

    pub fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    pub fn matches(&self, key: &Key, object: &Value) -> bool {
        (self.namespace.is_empty() || key.namespace == self.namespace)
            && self.fields.name().is_none_or(|name| name == key.name)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// Where a page ends: the snapshot's version, or 0 to go on in whatever is there, and the last key.
struct Token {
    version: u64,
    after: Key,
}

impl Token {
    fn encode(&self) -> String {
        let text = json!({
            "v": "meta.k8s.io/v1",
            "rv": self.version,
            "ns": self.after.namespace,
            "start": self.after.name,
        })
        .to_string();
        let mut token = String::with_capacity(text.len() * 2);
        for byte in text.bytes() {
            let _ = write!(token, "{byte:02x}");
        }
        token
    }

    fn decode(text: &str) -> Option<Self> {
        let nibble = |byte: u8| char::from(byte).to_digit(16);
        let mut bytes = Vec::with_capacity(text.len() / 2);
        for pair in text.as_bytes().chunks(2) {
            let [high, low] = pair else { return None };
            bytes.push(u8::try_from(nibble(*high)? * 16 + nibble(*low)?).ok()?);
        }
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        Some(Self { version: value["rv"].as_u64()?, after: Key::new(value["ns"].as_str()?, value["start"].as_str()?) })
    }
}

/// Which version of the collection a list shows.
enum Wanted {
    /// The present.
    Now,
    /// Whatever is at hand: never paged.
    Cached,
    /// This very version.
    Exactly(u64),
}

impl Cluster {
    pub(crate) fn get(&self, place: &Place, view: View) -> Result<Reply, Failure> {
        let object = self.find(place)?;
        if place.subresource == "scale" {
            return Ok(Reply::json(200, &scale_of(&self.in_version(place.kind, "v1alpha1", object))));
        }
        let body = self.render(place.kind, &place.version, view, object).into_bytes();
        Ok(Reply { status: 200, body, warnings: Vec::new() })
    }

    /// The object a path names, or a 404.
    pub(crate) fn find(&self, place: &Place) -> Result<&Object, Failure> {
        self.store.get(place.kind, &Key::new(&place.namespace, &place.name)).ok_or_else(|| Failure::not_found(place.kind, &place.name))
    }

    pub(crate) fn list(&self, place: &Place, target: &Target, view: View) -> Result<Reply, Failure> {
        let selection = Selection::parse(place, target)?;
        check_options(target)?;
        let (wanted, mut after) = self.wanted_version(target)?;
        let limit = match (&wanted, target.parameter("limit")) {
            (Wanted::Cached, _) | (_, None) => None,
            (_, Some(limit)) => page_limit(limit, self.options.page_items)?,
        };
        let version = match wanted {
            Wanted::Now | Wanted::Cached => self.store.version(),
            Wanted::Exactly(version) => version,
        };
        let past = self.past(place.kind, version).ok_or_else(|| match &after {
            Some(key) => Failure::expired_page(Token { version: 0, after: key.clone() }.encode()),
            None => Failure::expired("The resourceVersion for the provided list is too old."),
        })?;

        let mut items = Vec::new();
        let mut count = 0;
        let mut remaining = 0_u64;
        let mut last: Option<Key> = None;
        let start = after.take().unwrap_or_else(|| Key::new(&selection.namespace, ""));
        for (key, object) in self.as_of(place.kind, &past, &start) {
            if !selection.namespace.is_empty() && key.namespace != selection.namespace {
                break;
            }
            if !selection.matches(key, object) {
                continue;
            }
            if limit.is_some_and(|limit| count >= limit) {
                remaining += 1;
                continue;
            }
            if count > 0 {
                items.push(b',');
            }
            self.render_item(&mut items, place.kind, &place.version, view, object);
            count += 1;
            last = Some(key.clone());
        }

        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if place.kind.is_custom() && view == View::Full {
            metadata["continue"] = json!("");
        }
        if let (Some(after), true) = (last, remaining > 0) {
            metadata["continue"] = json!(Token { version, after }.encode());
            if selection.is_everything() {
                metadata["remainingItemCount"] = json!(remaining);
            }
        }
        let (api_version, kind) = match view {
            View::Full => (place.kind.api_version(&place.version), format!("{}List", place.kind.resource().kind)),
            View::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
        };
        let mut body = format!("{{\"apiVersion\":\"{api_version}\",\"items\":[").into_bytes();
        body.append(&mut items);
        body.extend_from_slice(format!("],\"kind\":\"{kind}\",\"metadata\":{metadata}}}").as_bytes());
        Ok(Reply { status: 200, body, warnings: Vec::new() })
    }

    fn wanted_version(&self, target: &Target) -> Result<(Wanted, Option<Key>), Failure> {
        let version = target.parameter("resourceVersion");
        let rule = target.parameter("resourceVersionMatch");
        if let Some(token) = target.parameter("continue") {
            if version.is_some_and(|version| version != "0") {
                return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
            }
            let token = Token::decode(token)
                .ok_or_else(|| Failure::bad_request("invalid continue token: continue key is not valid: it cannot be decoded"))?;
            let wanted = match token.version {
                0 => Wanted::Now,
                version => Wanted::Exactly(version),
            };
            return Ok((wanted, Some(token.after)));
        }
        let Some(version) = version else { return Ok((Wanted::Now, None)) };
        if version == "0" {
            return Ok((Wanted::Cached, None));
        }
        let number = parse_version(version).map_err(|why| Failure::bad_request(format!("invalid resource version: {why}")))?;
        if number > self.store.version() {
            return Err(Failure::version_too_large(number, self.store.version()));
        }
        let exact = match rule {
            Some("Exact") => true,
            Some(_) => false,
            None => target.parameter("limit").is_some_and(|limit| limit != "0"),
        };
        Ok((if exact { Wanted::Exactly(number) } else { Wanted::Now }, None))
    }

    /// What has to be undone to see a kind as of a version; `None` when that is forgotten.
    fn past(&self, kind: Kind, version: u64) -> Option<BTreeMap<Key, Option<Object>>> {
        let table = self.store.table(kind);
        let mut sequence = table.sequence_after(version).ok()?;
        let mut past = BTreeMap::new();
        while let Ok(Some(entry)) = table.entry(sequence) {
            past.entry(entry.key.clone()).or_insert_with(|| match &entry.change {
                Change::Added { .. } => None,
                Change::Modified { before, .. } | Change::Deleted { before, .. } => Some(before.clone()),
            });
            sequence += 1;
        }
        Some(past)
    }

    /// The objects of a kind with that past put back, in key order, after `start`.
    fn as_of<'a>(
        &'a self,
        kind: Kind,
        past: &'a BTreeMap<Key, Option<Object>>,
        start: &Key,
    ) -> impl Iterator<Item = (&'a Key, &'a Object)> {
        let range = (Bound::Excluded(start.clone()), Bound::Unbounded);
        let mut then = past.range(range.clone()).peekable();
        let mut now = self.store.table(kind).objects().range(range).peekable();
        std::iter::from_fn(move || {
            loop {
                let take_past = match (then.peek(), now.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => true,
                    (None, Some(_)) => false,
                    (Some((past_key, _)), Some((key, _))) => past_key <= key,
                };
                if !take_past {
                    return now.next();
                }
                let (key, object) = then.next()?;
                now.next_if(|(present, _)| *present == key);
                if let Some(object) = object {
                    return Some((key, object));
                }
            }
        })
    }
}

fn page_limit(limit: &str, most: Option<usize>) -> Result<Option<usize>, Failure> {
    if limit.starts_with('-') && limit.get(1..).is_some_and(|digits| digits.parse::<u64>().is_ok()) {
        return Ok(None);
    }
    let limit: usize = limit.parse().map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing \"{limit}\": invalid syntax")))?;
    let limit = Some(limit).filter(|limit| *limit > 0);
    Ok(limit.map(|limit| most.map_or(limit, |most| limit.min(most.max(1)))))
}

/// A resourceVersion as a number, or why it is none.
pub(crate) fn parse_version(version: &str) -> Result<u64, String> {
    version.parse().map_err(|_| {
        let quoted = json!(version);
        format!("resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax")
    })
}

/// The options of a list that contradict each other.
fn check_options(target: &Target) -> Result<(), Failure> {
    let field = "resourceVersionMatch";
    let version = target.parameter("resourceVersion");
    let mut causes = Vec::new();
    if let Some(rule) = target.parameter(field) {
        if version.is_none() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(field, why));
        }
        if target.parameter("continue").is_some() {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden(field, why));
        }
        if !matches!(rule, "Exact" | "NotOlderThan") {
            causes.push(Cause::unsupported(field, &json!(rule), &["Exact", "NotOlderThan", ""]));
        }
        if rule == "Exact" && version == Some("0") {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden(field, why));
        }
    }
    if target.parameter("sendInitialEvents").is_some() {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid_list_options(causes)) }
}

fn scale_of(alpha: &Value) -> Value {
    let metadata = &alpha["metadata"];
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": alpha["spec"]["replicas"] },
        "status": {
            "replicas": alpha["status"]["replicas"].as_u64().unwrap_or(0),
            "selector": alpha["status"]["selector"],
        },
    })
}
