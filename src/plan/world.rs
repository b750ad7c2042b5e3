//! A cluster on which everything works at once: what is asked for is stored, what is suspended has lost its pod, what is deleted is gone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::core::io::{HttpRequest, Method, Response};
use crate::core::kube::path::keys;
use crate::core::kube::version::ServerVersion;
use crate::core::secret::Body;

/// Objects by collection and name.
#[derive(Debug)]
pub struct World {
    objects: BTreeMap<Place, Value>,
    server: ServerVersion,
    /// Counts writes; also what UIDs are made of.
    version: u64,
    changes: Vec<Change>,
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// `v1` or `group/version`.
    api: String,
    /// The plural.
    resource: String,
    /// Empty for an object that is in none.
    namespace: String,
    name: String,
}

/// A collection or an object, as a path names it.
#[derive(Debug)]
struct Target<'a> {
    api: &'a str,
    resource: &'a str,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
}

/// How far a sandbox that is made up has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its pod is ready.
    Ready,
    /// It is suspended, and its pod is gone.
    Stopped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "running",
            Self::Stopped => "stopped",
        })
    }
}

/// What a watch shows.
#[derive(Debug, Clone)]
pub struct Change {
    place: Place,
    kind: &'static str,
    object: Value,
}

impl Change {
    /// The line by which the watch that this request opened shows it.
    #[must_use]
    pub fn seen_by(&self, watch: &HttpRequest) -> Option<Body> {
        let (path, query) = watch.path.split_once('?')?;
        let target = Target::of(path)?;
        let seen = target.api == self.place.api
            && target.resource == self.place.resource
            && target.namespace.is_none_or(|namespace| namespace == self.place.namespace)
            && selects(query, &self.object);
        seen.then(|| Body::json(&json!({ "type": self.kind, "object": self.object })))
    }
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?;
        let mut parts = rest.split('/');
        let api = if path.starts_with("/apis/") {
            let group = parts.next()?;
            let version = parts.next()?;
            rest.get(..group.len() + 1 + version.len())?
        } else {
            parts.next()?
        };
        let parts: Vec<&str> = parts.collect();
        match *parts.as_slice() {
            ["namespaces", namespace, resource] => Some(Self { api, resource, namespace: Some(namespace), name: None }),
            ["namespaces", namespace, resource, name] => Some(Self { api, resource, namespace: Some(namespace), name: Some(name) }),
            [resource, name] => Some(Self { api, resource, namespace: None, name: Some(name) }),
            [resource] => Some(Self { api, resource, namespace: None, name: None }),
            _ => None,
        }
    }

    fn place(&self, name: &str) -> Place {
        let own = |text: &str| text.to_owned();
        Place { api: own(self.api), resource: own(self.resource), namespace: self.namespace.map(own).unwrap_or_default(), name: own(name) }
    }
}

impl World {
    /// A world that holds these Sandboxes.
    #[must_use]
    pub fn new(given: Vec<Value>, server: ServerVersion) -> Self {
        let mut world = Self { objects: BTreeMap::new(), server, version: 1, changes: Vec::new() };
        for mut object in given {
            world.version += 1;
            let text = |key: &str| object.pointer(&format!("/metadata/{key}")).and_then(Value::as_str).unwrap_or_default().to_owned();
            let place = Place {
                api: "agents.x-k8s.io/v1beta1".into(),
                resource: "sandboxes".into(),
                namespace: text("namespace"),
                name: text("name"),
            };
            if text("uid").is_empty() {
                world.stamp(&mut object);
            }
            world.objects.insert(place, object);
        }
        world
    }

    /// Whether a Sandbox of this id is there.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        let claims = |object: &Value| {
            let of = |map: &str| object.get("metadata").and_then(|metadata| metadata.get(map)?.get(keys::SANDBOX_ID)?.as_str());
            of("annotations").or_else(|| of("labels")) == Some(id)
        };
        self.objects.iter().any(|(place, object)| place.resource == "sandboxes" && claims(object))
    }

    /// The controller has done what it does.
    pub fn bring_to(&mut self, id: &str, state: State) {
        let ours = |object: &Value| object.pointer("/metadata/annotations").and_then(|map| map.get(keys::SANDBOX_ID)?.as_str()) == Some(id);
        let Some(place) =
            self.objects.iter().find(|(place, object)| place.resource == "sandboxes" && ours(object)).map(|(place, _)| place.clone())
        else {
            return;
        };
        let Some(mut object) = self.objects.get(&place).cloned() else { return };
        if state == State::Stopped {
            merge(&mut object, &json!({ "spec": { "operatingMode": "Suspended" } }));
        }
        self.store(place, object, "MODIFIED");
    }

    /// What has changed since the last time.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &HttpRequest) -> Response {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match path {
            "/version" => {
                return done(200, &json!({ "major": self.server.major.to_string(), "minor": self.server.minor.to_string() }));
            }
            "/apis/agents.x-k8s.io" => {
                let version = json!({ "groupVersion": "agents.x-k8s.io/v1beta1", "version": "v1beta1" });
                return done(
                    200,
                    &json!({ "kind": "APIGroup", "name": "agents.x-k8s.io", "versions": [version], "preferredVersion": version }),
                );
            }
            _ => {}
        }
        let Some(target) = Target::of(path) else { return absent("", path) };
        match (request.method, target.name) {
            (Method::Get, None) => self.list(&target, query),
            (Method::Get, Some(name)) => self.get(&target, name),
            (Method::Post, _) => self.create(&target, &request.body),
            (Method::Patch, Some(name)) => self.patch(&target, name, &request.body),
            (Method::Delete, Some(name)) => self.delete(&target, name),
            (Method::Patch | Method::Delete, None) => absent(target.resource, ""),
        }
    }

    fn list(&self, target: &Target<'_>, query: &str) -> Response {
        let here = |place: &Place| {
            place.api == target.api
                && place.resource == target.resource
                && target.namespace.is_none_or(|namespace| namespace == place.namespace)
        };
        let items: Vec<&Value> =
            self.objects.iter().filter(|(place, object)| here(place) && selects(query, object)).map(|(_, object)| object).collect();
        done(200, &json!({ "kind": "List", "metadata": { "resourceVersion": self.version.to_string() }, "items": items }))
    }

    fn get(&self, target: &Target<'_>, name: &str) -> Response {
        if let Some(object) = self.objects.get(&target.place(name)) {
            return done(200, object);
        }
        // The namespaces of the settings are as they should be; those of a workspace are still to be made.
        if target.resource == "namespaces" && !name.starts_with("openshell-") || name == "openshell-system" {
            let labels = json!({ "kubernetes.io/metadata.name": name, "pod-security.kubernetes.io/enforce": "privileged" });
            let metadata = json!({ "name": name, "uid": "00000000-0000-4000-8000-000000000000", "resourceVersion": "1", "labels": labels });
            return done(200, &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": { "phase": "Active" } }));
        }
        absent(target.resource, name)
    }

    fn create(&mut self, target: &Target<'_>, body: &Body) -> Response {
        let Ok(mut object) = serde_json::from_slice::<Value>(&body.0) else { return absent(target.resource, "") };
        let Some(name) = object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned) else {
            // A review is answered, not stored.
            merge(&mut object, &json!({ "status": { "allowed": true } }));
            return done(201, &object);
        };
        let place = target.place(&name);
        if self.objects.contains_key(&place) {
            let message = format!("{}: {name} already exists", target.resource);
            return failure(409, "AlreadyExists", &message, target.resource, &name);
        }
        self.stamp(&mut object);
        self.store(place.clone(), object, "ADDED");
        done(201, self.objects.get(&place).unwrap_or(&Value::Null))
    }

    fn patch(&mut self, target: &Target<'_>, name: &str, body: &Body) -> Response {
        let place = target.place(name);
        let Ok(patch) = serde_json::from_slice::<Value>(&body.0) else { return absent(target.resource, name) };
        let known = self.objects.get(&place).cloned();
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        let mut object = match known {
            Some(object) => object,
            // Applying makes what is not there; merging does not.
            None if patch.get("kind").is_some() => {
                let mut object = Value::Null;
                self.stamp(&mut object);
                object
            }
            None => return absent(target.resource, name),
        };
        merge(&mut object, &patch);
        self.store(place.clone(), object, kind);
        done(200, self.objects.get(&place).unwrap_or(&Value::Null))
    }

    fn delete(&mut self, target: &Target<'_>, name: &str) -> Response {
        let place = target.place(name);
        let Some(mut object) = self.objects.remove(&place) else { return absent(target.resource, name) };
        merge(&mut object, &json!({ "metadata": { "deletionTimestamp": CREATED } }));
        self.version += 1;
        self.changes.push(Change { place, kind: "DELETED", object: object.clone() });
        done(200, &object)
    }

    /// What the server adds to a new object.
    fn stamp(&mut self, object: &mut Value) {
        let uid = format!("00000000-0000-4000-8000-{:012}", self.version + 1);
        merge(object, &json!({ "metadata": { "uid": uid, "creationTimestamp": CREATED, "generation": 0 } }));
    }

    /// Stores an object under a new version, with the conditions that its controller would give it.
    fn store(&mut self, place: Place, mut object: Value, kind: &'static str) {
        self.version += 1;
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default() + 1;
        merge(&mut object, &json!({ "metadata": { "resourceVersion": self.version.to_string(), "generation": generation } }));
        if place.resource == "sandboxes" {
            let mode = object.pointer("/spec/operatingMode").and_then(Value::as_str);
            let conditions = if mode == Some("Suspended") {
                [("Ready", "False", "SandboxSuspended"), ("Suspended", "True", "PodTerminated")]
            } else {
                [("Ready", "True", "DependenciesReady"), ("Suspended", "False", "NotSuspended")]
            };
            let conditions = conditions.map(|(kind, status, reason)| {
                json!({ "type": kind, "status": status, "reason": reason, "message": "", "observedGeneration": generation, "lastTransitionTime": CREATED })
            });
            merge(&mut object, &json!({ "status": { "conditions": conditions } }));
        }
        self.changes.push(Change { place: place.clone(), kind, object: object.clone() });
        self.objects.insert(place, object);
    }
}

/// When everything here was made.
const CREATED: &str = "2026-08-21T10:00:00Z";

fn done(status: u16, body: &Value) -> Response {
    Response { status, content_type: Some("application/json".into()), body: Body::json(body), ..Response::default() }
}

fn absent(resource: &str, name: &str) -> Response {
    failure(404, "NotFound", &format!("{resource} \"{name}\" not found"), resource, name)
}

fn failure(status: u16, reason: &str, message: &str, resource: &str, name: &str) -> Response {
    let details = json!({ "name": name, "kind": resource });
    done(
        status,
        &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "details": details, "code": status }),
    )
}

/// Whether an object has the labels that a query asks for: `key=value` and `key`, which is all that this driver asks for.
fn selects(query: &str, object: &Value) -> bool {
    let Some(selector) = query.split('&').find_map(|part| part.strip_prefix("labelSelector=")) else { return true };
    let label = |key: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(key)?.as_str());
    decode(selector).split(',').all(|term| match term.split_once('=') {
        Some((key, value)) => label(key) == Some(value.trim_start_matches('=')),
        None => label(term).is_some(),
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or_default();
        let decoded = if byte == b'%' { digit(rest.next()) * 16 + digit(rest.next()) } else { byte.into() };
        bytes.push(u8::try_from(decoded).unwrap_or_default());
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// A merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else { return };
    for (key, value) in fields {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}
