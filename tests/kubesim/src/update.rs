//! PUT and PATCH, of objects and of their status.

use crate::cluster::{Cluster, Reply};
use crate::convert;
use crate::create::{Run, Unknown, check_shape, check_size, decode_object, go_type, json_fault, require_json, settle_place, tidy_metadata};
use crate::defaults::default_fields;
use crate::failure::{Cause, Failure};
use crate::http::{Request, Target};
use crate::object::{self, Object};
use crate::patch::{self, Unapplied};
use crate::resource::Kind;
use crate::route::Place;
use crate::store::Key;
use crate::validate::metadata_faults;
use crate::view::View;
use serde_json::{Value, json};

const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const PATCHES_OF_CUSTOM: &str = "application/json-patch+json, application/merge-patch+json, \
                                 application/apply-patch+yaml";

impl Cluster {
    pub(crate) fn update_from(&mut self, place: &Place, target: &Target, request: &Request) -> Result<Reply, Failure> {
        require_json(request)?;
        let unknown = Unknown::parse(target)?;
        let mut object = decode_object(place, &request.body)?;
        settle_place(place, &mut object)?;
        let named = object::name(&object);
        if !named.is_empty() && named != place.name {
            return Err(Failure::bad_request(format!(
                "the name of the object ({named}) does not match the name on the URL ({})",
                place.name
            )));
        }
        let warnings = Self::decode_fields(place, &mut object, unknown)?;
        let before = self.find(place)?.clone();
        if place.kind.is_custom() && object::resource_version(&object).is_empty() {
            let why = "must be specified for an update";
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), why);
            return Err(Failure::invalid_resource(place.kind, &place.name, vec![cause]));
        }
        let asked = object::uid(&object);
        if !place.kind.is_custom() && !asked.is_empty() && asked != object::uid(&before) {
            return Err(Failure::other_object(place.kind, &Key::new(&place.namespace, &place.name), asked, object::uid(&before)));
        }
        self.replace(place, target, &before, object, warnings)
    }

    pub(crate) fn patch_from(&mut self, place: &Place, target: &Target, request: &Request) -> Result<Reply, Failure> {
        let unknown = Unknown::parse(target)?;
        let media = request.content_type.as_deref().unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let custom = place.kind.is_custom();
        let known = match media {
            "application/json-patch+json" | "application/merge-patch+json" | "application/apply-patch+yaml" => true,
            "application/strategic-merge-patch+json" => !custom,
            _ => false,
        };
        if !known {
            return Err(if custom { Failure::unsupported_media(PATCHES_OF_CUSTOM) } else { Failure::unsupported_patch() });
        }
        if media == APPLY && target.parameter("fieldManager").is_none() {
            let cause = Cause::required_because("fieldManager", "is required for apply patch");
            return Err(Failure::invalid_options("PatchOptions", vec![cause]));
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {}", json_fault(&error))))?;
        if let Some(found) = misfit(&body, media) {
            let wanted = if media == JSON_PATCH { "[]handlers.jsonPatchOp" } else { "map[string]interface {}" };
            let why = format!("error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}");
            return Err(Failure::bad_request(why));
        }
        let before = match self.find(place) {
            Ok(before) => before.clone(),
            Err(_) if media == "application/apply-patch+yaml" && place.subresource.is_empty() => {
                return self.apply_new(place, target, body);
            }
            Err(failure) => return Err(failure),
        };
        let mut object = (*self.in_version(place.kind, &place.version, &before)).clone();
        if media == JSON_PATCH {
            patch::apply(&mut object, &body).map_err(|Unapplied| Failure::patch_failed())?;
        } else {
            patch::merge(&mut object, &body);
        }
        check_shape(place, &object).map_err(|why| Failure::invalid_patch(&object.to_string(), &why))?;
        check_patched(place, &object)?;
        let patched = (unknown == Unknown::Refused).then(|| object.to_string());
        let warnings = Self::decode_fields(place, &mut object, Unknown::Warned)?;
        if let (Some(patched), false) = (patched, warnings.is_empty()) {
            let why = format!("strict decoding error: {}", warnings.join(", "));
            return Err(Failure::invalid_patch(&patched, &why));
        }
        let warnings = if unknown == Unknown::Warned { warnings } else { Vec::new() };
        self.replace(place, target, &before, object, warnings)
    }

    /// Server-side apply of an object that is not there: a create.
    fn apply_new(&mut self, place: &Place, target: &Target, mut object: Value) -> Result<Reply, Failure> {
        check_shape(place, &object).map_err(Failure::bad_request)?;
        settle_place(place, &mut object)?;
        object::metadata_mut(&mut object).insert("name".into(), json!(place.name));
        let warnings = Self::decode_fields(place, &mut object, Unknown::parse(target)?)?;
        let created = self.create(place.kind, object, Run::parse(target)?)?;
        let body = self.render(place.kind, &place.version, View::Full, &created).into_bytes();
        Ok(Reply { status: 201, body, warnings })
    }

    /// Puts `wanted`, an object in the request's version, in the place of `before`.
    fn replace(
        &mut self,
        place: &Place,
        target: &Target,
        before: &Object,
        mut wanted: Value,
        warnings: Vec<String>,
    ) -> Result<Reply, Failure> {
        let kind = place.kind;
        let asked = object::resource_version(&wanted);
        if !asked.is_empty() && asked.parse::<u64>().is_err() {
            return Err(Failure::raw(format!("strconv.ParseUint: parsing {}: invalid syntax", json!(asked))));
        }
        if !asked.is_empty() && asked != object::resource_version(before) {
            return Err(Failure::stale(kind, &place.name));
        }
        let held = self.in_version(kind, &place.version, before);
        tidy_metadata(&mut wanted);
        let mut causes = immutable_metadata(&held, &wanted);
        // The real server checks metadata more than once, and says so each time.
        causes.extend(causes.clone());
        let more = if kind.is_custom() { 2 } else { 3 };
        let wrong = metadata_faults(kind, &wanted);
        causes.extend(std::iter::repeat_n(wrong, more).flatten());
        keep_server_fields(&held, &mut wanted);
        match place.subresource.as_str() {
            "" if kind.has_status() => keep(&held, &mut wanted, "status"),
            "status" => {
                let status = wanted["status"].take();
                wanted = (*held).clone();
                if !status.is_null() {
                    wanted["status"] = status;
                }
            }
            _ => {}
        }
        default_fields(kind, &mut wanted);
        causes.extend(self.faults_of(kind, &wanted));
        causes.extend(self.faults_of_change(kind, &place.version, &held, &wanted));
        if !causes.is_empty() {
            return Err(Failure::invalid(kind, &place.name, causes));
        }
        check_size(&wanted)?;
        if kind == Kind::Sandbox && wanted != *held {
            wanted = convert::convert(&wanted, self.stored_version(kind));
        } else if wanted == *held {
            wanted = (**before).clone();
        }
        if kind.has_generation() && place.subresource.is_empty() && differs(before, &wanted) {
            let next = object::generation(before) + 1;
            object::metadata_mut(&mut wanted).insert("generation".into(), json!(next));
        }
        let stored = match Run::parse(target)? {
            Run::Real => self.commit(kind, &Key::new(&place.namespace, &place.name), before, wanted),
            Run::Dry => Object::new(wanted),
        };
        let body = self.render(kind, &place.version, View::Full, &stored).into_bytes();
        Ok(Reply { status: 200, body, warnings })
    }

    /// Stores a changed object. Nothing changed means nothing written; a deleted object that lost
    /// its last finalizer is gone.
    pub(crate) fn commit(&mut self, kind: Kind, key: &Key, before: &Object, wanted: Value) -> Object {
        if **before == wanted {
            return before.clone();
        }
        let waits_for_kubelet = kind == Kind::Pod && wanted["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0) > 0;
        let emptying = kind == Kind::Namespace && !object::items(&wanted["spec"]["finalizers"]).is_empty();
        let done = object::is_deleting(&wanted) && object::finalizer_count(&wanted) == 0 && !waits_for_kubelet && !emptying;
        if done {
            // What was changed is answered and never stored: a watch is shown the object as it last was.
            self.store.remove(kind, key);
            return Object::new(wanted);
        }
        self.store.update(kind, key, wanted)
    }

    /// Changes an object as one of the cluster's own actors; `None` if it is not there.
    pub(crate) fn change(&mut self, kind: Kind, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Object> {
        let before = self.store.get(kind, key)?.clone();
        let mut wanted = (*before).clone();
        change(&mut wanted);
        Some(self.commit(kind, key, &before, wanted))
    }
}

/// Whether anything but metadata and status differs.
fn differs(before: &Value, after: &Value) -> bool {
    let parts = |object: &Value| -> Vec<(String, Value)> {
        object
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status" | "apiVersion"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    parts(before) != parts(after)
}

fn keep(held: &Value, wanted: &mut Value, field: &str) {
    match held.get(field) {
        Some(value) => wanted[field] = value.clone(),
        None => {
            if let Value::Object(fields) = wanted {
                fields.remove(field);
            }
        }
    }
}

/// What only the server sets stays as it is, whatever the client sent.
fn keep_server_fields(held: &Value, wanted: &mut Value) {
    let metadata = object::metadata_mut(wanted);
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        match held["metadata"].get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    metadata.remove("managedFields");
}

/// What a patch has made of an object must still be one, and the one the path names.
fn check_patched(place: &Place, object: &Value) -> Result<(), Failure> {
    let kind = object["kind"].as_str().unwrap_or_default();
    if kind != place.kind.resource().kind {
        return Err(Failure::wrong_kind(place.kind, kind, &place.name));
    }
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let expected = place.kind.api_version(&place.version);
    if version != expected {
        return Err(Failure::wrong_version(place.kind, version, &expected, &place.name));
    }
    let named = object::name(object);
    if named != place.name {
        return Err(Failure::bad_request(format!("the name of the object ({named}) does not match the name on the URL ({})", place.name)));
    }
    if object::namespace(object) != place.namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(why));
    }
    Ok(())
}

/// The JSON type of a patch that is not of the type it has to be.
fn misfit(patch: &Value, media: &str) -> Option<&'static str> {
    let fits = if media == JSON_PATCH { patch.is_array() } else { patch.is_object() };
    (!fits).then(|| go_type(patch))
}

fn immutable_metadata(held: &Value, wanted: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let asked = &wanted["metadata"]["uid"];
    if asked.as_str().is_some_and(|text| !text.is_empty()) && *asked != held["metadata"]["uid"] {
        causes.push(Cause::invalid("metadata.uid", asked, "field is immutable"));
    }
    if object::is_deleting(held) {
        let added: Vec<&str> = object::items(&wanted["metadata"]["finalizers"])
            .iter()
            .filter_map(Value::as_str)
            .filter(|finalizer| !object::has_finalizer(held, finalizer))
            .collect();
        if !added.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &why));
        }
    }
    causes
}
