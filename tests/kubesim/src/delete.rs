//! DELETE of an object or a collection: preconditions, propagation, grace.

use crate::cluster::{Cluster, Reply};
use crate::create::decode;
use crate::failure::{Cause, Failure};
use crate::http::{Request, Target};
use crate::list::Selection;
use crate::object::{self, Object};
use crate::resource::Kind;
use crate::route::Place;
use crate::store::Key;
use crate::time;
use crate::view::View;
use serde_json::{Value, json};

/// The finalizer of an object whose dependents go first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an object whose dependents are to stay.
pub(crate) const ORPHAN: &str = "orphan";

/// What happens to an object's dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They are collected after it is gone.
    Background,
    /// They go before it.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    pub propagation: Option<Propagation>,
    pub grace_seconds: Option<u64>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    /// The deprecated `orphanDependents: false`, which alone answers 202.
    pub cascades_asked: bool,
    /// Nothing is to be deleted, only answered.
    pub dry: bool,
}

/// What a deletion led to.
pub(crate) enum Deleted {
    /// The object stays for now, marked.
    Marked(Object),
    /// The object is gone; this was its last state.
    Gone(Object),
}

impl DeleteOptions {
    /// From the body if there is one, else from the query: never from both.
    fn parse(target: &Target, body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            let grace_seconds = target.parameter("gracePeriodSeconds").and_then(|text| text.parse().ok());
            let propagation = target.parameter("propagationPolicy").map(parse_policy).transpose()?;
            let dry = target.parameter("dryRun") == Some("All");
            return Ok(Self { propagation, grace_seconds, dry, ..Self::default() });
        }
        let body = decode(body)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let orphans = body["orphanDependents"].as_bool();
        if let (Some(policy), Some(_)) = (body["propagationPolicy"].as_str(), orphans) {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            let cause = Cause::invalid("propagationPolicy", &json!(policy), why);
            return Err(Failure::invalid_options("DeleteOptions", vec![cause]));
        }
        let propagation = match (body["propagationPolicy"].as_str(), orphans) {
            (Some(policy), _) => Some(parse_policy(policy)?),
            (None, Some(true)) => Some(Propagation::Orphan),
            (None, Some(false)) => Some(Propagation::Background),
            (None, None) => None,
        };
        Ok(Self {
            propagation,
            grace_seconds: body["gracePeriodSeconds"].as_u64(),
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            cascades_asked: orphans == Some(false),
            dry: object::items(&body["dryRun"]).iter().any(|stage| stage == "All"),
        })
    }

    pub fn in_background() -> Self {
        Self { propagation: Some(Propagation::Background), ..Self::default() }
    }
}

fn parse_policy(word: &str) -> Result<Propagation, Failure> {
    match word {
        "Background" => Ok(Propagation::Background),
        "Foreground" => Ok(Propagation::Foreground),
        "Orphan" => Ok(Propagation::Orphan),
        other => Err(Failure::invalid_options(
            "DeleteOptions",
            vec![Cause::unsupported("propagationPolicy", &json!(other), &["Foreground", "Background", "Orphan", "nil"])],
        )),
    }
}

impl Cluster {
    pub(crate) fn delete_from(&mut self, place: &Place, target: &Target, request: &Request) -> Result<Reply, Failure> {
        let options = DeleteOptions::parse(target, &request.body)?;
        let deleted = self.delete(place.kind, &Key::new(&place.namespace, &place.name), &options)?;
        let returns_object =
            matches!(place.kind, Kind::Pod | Kind::Service | Kind::PersistentVolumeClaim | Kind::ServiceAccount | Kind::ResourceQuota);
        let (status, last) = match &deleted {
            Deleted::Gone(last) if !returns_object => (200, last),
            Deleted::Marked(object) | Deleted::Gone(object) => {
                let marked = matches!(deleted, Deleted::Marked(_));
                let status = if marked && options.cascades_asked { 202 } else { 200 };
                let body = self.render(place.kind, &place.version, View::Full, object).into_bytes();
                return Ok(Reply { status, body, warnings: Vec::new() });
            }
        };
        let mut details = json!({
            "name": place.name,
            "kind": place.kind.resource().plural,
            "uid": object::uid(last),
        });
        if !place.kind.resource().group.is_empty() {
            details["group"] = json!(place.kind.resource().group);
        }
        let body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        });
        Ok(Reply::json(status, &body))
    }

    pub(crate) fn delete_collection(&mut self, place: &Place, target: &Target, request: &Request) -> Result<Reply, Failure> {
        let options = DeleteOptions::parse(target, &request.body)?;
        let selection = Selection::parse(place, target)?;
        let selected: Vec<(Key, Object)> = self
            .store
            .table(place.kind)
            .objects()
            .iter()
            .filter(|(key, object)| selection.matches(key, object))
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        let mut items = Vec::new();
        for (index, (key, object)) in selected.iter().enumerate() {
            self.delete(place.kind, key, &options)?;
            if index > 0 {
                items.push(b',');
            }
            self.render_item(&mut items, place.kind, &place.version, View::Full, object);
        }
        let metadata = json!({ "resourceVersion": self.store.version().to_string() });
        let mut body = format!("{{\"apiVersion\":\"{}\",\"items\":[", place.kind.api_version(&place.version)).into_bytes();
        body.append(&mut items);
        let kind = place.kind.resource().kind;
        body.extend_from_slice(format!("],\"kind\":\"{kind}List\",\"metadata\":{metadata}}}").as_bytes());
        Ok(Reply { status: 200, body, warnings: Vec::new() })
    }

    /// Deletes an object, or marks it as being deleted when something must happen first.
    pub(crate) fn delete(&mut self, kind: Kind, key: &Key, options: &DeleteOptions) -> Result<Deleted, Failure> {
        let before = self.store.get(kind, key).cloned().ok_or_else(|| Failure::not_found(kind, &key.name))?;
        check_preconditions(kind, &before, options)?;
        let mut wanted = (*before).clone();
        match options.propagation {
            Some(Propagation::Background) => {
                object::remove_finalizer(&mut wanted, FOREGROUND);
                object::remove_finalizer(&mut wanted, ORPHAN);
            }
            Some(Propagation::Foreground) => {
                object::remove_finalizer(&mut wanted, ORPHAN);
                object::add_finalizer(&mut wanted, FOREGROUND);
            }
            Some(Propagation::Orphan) => {
                object::remove_finalizer(&mut wanted, FOREGROUND);
                object::add_finalizer(&mut wanted, ORPHAN);
            }
            None => {}
        }
        let grace = if kind == Kind::Pod { pod_grace(&before, options) } else { 0 };
        if kind == Kind::Namespace {
            wanted["status"]["phase"] = json!("Terminating");
        }
        let emptying = kind == Kind::Namespace && !object::items(&wanted["spec"]["finalizers"]).is_empty();
        if grace == 0 && object::finalizer_count(&wanted) == 0 && !emptying {
            let last = if options.dry { before } else { self.store.remove_as(kind, key, wanted) };
            return Ok(Deleted::Gone(last));
        }
        let first = !object::is_deleting(&before);
        let held_grace = before["metadata"]["deletionGracePeriodSeconds"].as_u64();
        if first || held_grace.is_some_and(|held| grace < held) {
            let metadata = object::metadata_mut(&mut wanted);
            let when = time::rfc3339(self.now_ms + grace * 1000);
            metadata.insert("deletionTimestamp".into(), json!(when));
            if kind != Kind::Namespace {
                metadata.insert("deletionGracePeriodSeconds".into(), json!(grace));
            }
        }
        if first && kind.has_generation() {
            let next = object::generation(&before) + 1;
            object::metadata_mut(&mut wanted).insert("generation".into(), json!(next));
        }
        Ok(Deleted::Marked(if options.dry { Object::new(wanted) } else { self.commit(kind, key, &before, wanted) }))
    }
}

fn check_preconditions(kind: Kind, object: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let name = object::name(object);
    if let Some(asked) = &options.uid
        && asked != object::uid(object)
    {
        if kind == Kind::Namespace {
            return Err(Failure::precondition_in_store(kind, name, asked, object::uid(object)));
        }
        let why = format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({}). The object \
             might have been deleted and then recreated",
            object::uid(object)
        );
        return Err(Failure::precondition(kind, name, &why));
    }
    if let Some(asked) = &options.resource_version
        && asked != object::resource_version(object)
    {
        let why = format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion \
             in record ({}). The object might have been modified",
            object::resource_version(object)
        );
        return Err(Failure::precondition(kind, name, &why));
    }
    Ok(())
}

/// Seconds a pod gets: none if nothing of it runs, else what was asked, else its own wish.
fn pod_grace(pod: &Value, options: &DeleteOptions) -> u64 {
    let unbound = pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty);
    let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if unbound || over {
        return 0;
    }
    let wish = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    let asked = options.grace_seconds.unwrap_or(wish);
    match pod["metadata"]["deletionGracePeriodSeconds"].as_u64() {
        Some(held) => asked.min(held),
        None => asked,
    }
}
