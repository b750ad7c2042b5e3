//! What one process has been shown by the API server, kept by other code than its own; and what it may say of it.
//!
//! At the end of a world everything is quiet, and what a driver says can be held against the cluster. While things happen it cannot: words are on
//! their way. What has arrived is known, though, so each snapshot is held against that: it must say what the last word of its object says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::driver::contract::messages::compute as pb;
use crate::gateway::row::{Phase, derive};
use crate::truth::Place;

/// How long after the last word of pods what is known of them is surely still believed.
const PODS_MS: u64 = 60_000;
/// How long it is surely remembered that the pod of a Sandbox is gone.
const BEREFT_MS: u64 = 100_000;

/// An object, as far as it decides what is said.
#[derive(Debug, Clone, Deserialize)]
pub struct Object {
    /// Its metadata.
    pub metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

/// Metadata, as far as it matters.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The UID.
    pub uid: String,
    resource_version: String,
    generation: i64,
    /// When it was created.
    pub creation_timestamp: String,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    owner_references: Vec<Owner>,
}

#[derive(Debug, Clone, Deserialize)]
struct Owner {
    uid: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    operating_mode: Option<String>,
    replicas: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: Option<String>,
    conditions: Vec<Condition>,
}

/// A condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    r#type: String,
    status: String,
    reason: String,
    observed_generation: i64,
}

impl Object {
    fn version(&self) -> u64 {
        self.metadata.resource_version.parse().unwrap_or_default()
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.metadata.namespace.clone(), self.metadata.name.clone())
    }

    /// Whether its deletion was asked for.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    fn said(&self, key: &str) -> Option<&str> {
        let Metadata { labels, annotations, .. } = &self.metadata;
        annotations.get(key).or_else(|| labels.get(key)).map(String::as_str)
    }

    /// The sandbox that a gateway sees in it, if it sees one.
    #[must_use]
    pub fn sandbox_of(&self, gateway_id: &str) -> Option<&str> {
        let labels = &self.metadata.labels;
        let has = |key: &str, value: &str| labels.get(key).is_some_and(|label| label == value);
        let ours = has("openshell.ai/managed-by", "openshell") && has("openshell.ai/gateway-id", gateway_id);
        (ours && labels.contains_key("openshell.ai/sandbox-id")).then(|| self.said("openshell.ai/sandbox-id")).flatten()
    }

    fn controller(&self) -> Option<&str> {
        self.metadata.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }

    fn pod_place(&self) -> Place {
        let annotation = self.metadata.annotations.get("agents.x-k8s.io/pod-name").filter(|name| !name.is_empty());
        let name = annotation.unwrap_or(&self.metadata.name);
        (self.metadata.namespace.clone(), name.clone())
    }

    /// Whether it is to have no pod.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.spec.operating_mode.as_deref() == Some("Suspended") || self.spec.replicas == Some(0)
    }

    /// Counts changes of what is wanted.
    #[must_use]
    pub const fn generation(&self) -> i64 {
        self.metadata.generation
    }

    /// Whether its controller has said anything about what is wanted now.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.status.conditions.iter().any(|condition| condition.observed_generation >= self.metadata.generation)
    }

    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.r#type == kind)
    }

    fn fresh(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|condition| condition.observed_generation >= self.metadata.generation)
    }

    fn is_true(&self, kind: &str) -> bool {
        self.fresh(kind).is_some_and(|condition| condition.status == "True")
    }

    /// Whether a pod has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_deref(), Some("Failed" | "Succeeded"))
    }

    /// Whether this is the pod that a Sandbox controls.
    #[must_use]
    pub fn is_pod_of(&self, sandbox: &Self) -> bool {
        self.controller() == Some(sandbox.metadata.uid.as_str())
    }
}

/// What is known of the pod of a Sandbox.
#[derive(Debug, Clone, Copy)]
enum Sight<'a> {
    /// Nothing for certain.
    Unsure,
    /// There is none.
    None,
    /// There was one, which is gone.
    Gone,
    /// This one.
    There(&'a Object),
}

impl Sight<'_> {
    fn words(self) -> String {
        match self {
            Self::Unsure => "or without a pod".into(),
            Self::None => "no pod".into(),
            Self::Gone => "a pod that is gone".into(),
            Self::There(pod) => format!("pod v{}{}", pod.metadata.resource_version, if pod.is_leaving() { ", leaving" } else { "" }),
        }
    }
}

/// The kinds that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sandboxes.
    Sandboxes,
    /// Pods.
    Pods,
}

impl Kind {
    /// The kind of a collection that is listed or watched.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let collection = path.split('?').next().unwrap_or_default();
        match collection.rsplit('/').next() {
            Some("sandboxes") => Some(Self::Sandboxes),
            Some("pods") => Some(Self::Pods),
            _ => None,
        }
    }
}

/// What is known of a Sandbox.
#[derive(Debug, Default)]
struct Known {
    /// From a watch or a whole list, which a driver always believes.
    heard: Option<Object>,
    /// From answers to other requests, where they are newer: the driver may leave each aside.
    answered: Vec<Object>,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Presence {
    #[default]
    Sure,
    /// A watch or a list says that it is gone; whether it is has to be asked.
    Doubtful,
}

impl Known {
    fn versions(&self) -> impl Iterator<Item = &Object> {
        self.heard.iter().chain(&self.answered)
    }
}

/// What a process has been shown.
#[derive(Debug, Default)]
pub struct Shown {
    gateway_id: String,
    sandboxes: BTreeMap<Place, Known>,
    /// UIDs of what was found to be gone: late words of them count for nothing.
    departed: BTreeSet<String>,
    pods: BTreeMap<Place, Object>,
    /// When something was last heard of pods.
    pods_at: Option<u64>,
    /// Sandboxes, by UID, whose pod is gone, and when that was heard.
    bereft: BTreeMap<String, u64>,
    /// Sandboxes, by UID, whose pod was seen to have ended when it was looked at.
    ended: BTreeSet<String>,
    /// When something was last heard of Sandboxes.
    heard_at: Option<u64>,
    /// When an answer to another request last showed an object of each sandbox.
    answered_at: BTreeMap<String, u64>,
    /// What the pages of a list have had so far.
    pages: BTreeMap<Kind, Vec<Object>>,
}

#[derive(Deserialize)]
struct Line<T> {
    r#type: String,
    object: T,
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    items: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: String,
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

impl Shown {
    /// Nothing yet.
    #[must_use]
    pub fn new(gateway_id: String) -> Self {
        Self { gateway_id, ..Self::default() }
    }

    /// A line of a watch that is listened to. Gives the sandbox it is about.
    pub fn line(&mut self, now_ms: u64, kind: Kind, line: &[u8]) -> Option<String> {
        let event = match read::<Line<IgnoredAny>>(line)?.r#type.as_str() {
            "ADDED" | "MODIFIED" => LineKind::There,
            "DELETED" => LineKind::Gone,
            "BOOKMARK" => LineKind::Bookmark,
            _ => return None,
        };
        match kind {
            Kind::Pods => self.pods_at = Some(now_ms),
            Kind::Sandboxes => self.heard_at = Some(now_ms),
        }
        if event == LineKind::Bookmark {
            return None;
        }
        let object = read::<Line<Object>>(line)?.object;
        match (kind, event) {
            (Kind::Sandboxes, LineKind::There) => self.hear(object),
            (Kind::Sandboxes, _) => {
                let known = self.sandboxes.get_mut(&object.place())?;
                if known.versions().any(|version| version.metadata.uid == object.metadata.uid) {
                    known.presence = Presence::Doubtful;
                }
                None
            }
            (Kind::Pods, LineKind::There) => {
                self.see_pod(object.clone());
                self.sandbox_of_pod(&object)
            }
            (Kind::Pods, _) => {
                self.pods.get(&object.place()).filter(|known| known.metadata.uid == object.metadata.uid)?;
                self.pods.remove(&object.place());
                if let Some(controller) = object.controller() {
                    self.bereft.insert(controller.to_owned(), now_ms);
                }
                self.sandbox_of_pod(&object)
            }
        }
    }

    /// A good answer to what was asked at this path. Gives the sandboxes it is about.
    pub fn answer(&mut self, now_ms: u64, path: &str, body: &[u8]) -> Vec<String> {
        match Kind::of(path) {
            Some(Kind::Sandboxes) if path.contains("sandbox-id%3D") => {
                let Some(page) = read::<Page>(body) else { return Vec::new() };
                for object in page.items {
                    self.be_answered(now_ms, object);
                }
                Vec::new()
            }
            Some(kind) if path.contains("limit=") => self.page(now_ms, kind, path, body),
            Some(_) => {
                // What a create made.
                if let Some(object) = read::<Object>(body) {
                    self.be_answered(now_ms, object);
                }
                Vec::new()
            }
            None => {
                let Some(object) = read::<Object>(body) else { return Vec::new() };
                if path.contains("/sandboxes/") {
                    self.be_answered(now_ms, object);
                } else if path.contains("/pods/") && object.has_ended() && !object.is_leaving() {
                    self.ended.extend(object.controller().map(str::to_owned));
                }
                Vec::new()
            }
        }
    }

    /// Nothing is at this path.
    pub fn absent(&mut self, path: &str) {
        let Some((namespace, rest)) = path.split_once("/namespaces/").and_then(|(_, rest)| rest.split_once('/')) else { return };
        let Some(name) = rest.strip_prefix("sandboxes/") else { return };
        let place = (namespace.to_owned(), name.split('?').next().unwrap_or_default().to_owned());
        let Some(known) = self.sandboxes.get_mut(&place) else { return };
        if known.presence == Presence::Sure {
            // Whether the driver makes anything of it hangs on why it asked.
            known.presence = Presence::Doubtful;
        } else if let Some(gone) = self.sandboxes.remove(&place) {
            self.departed.extend(gone.versions().map(|object| object.metadata.uid.clone()));
        }
    }

    /// When anything was last heard of Sandboxes.
    #[must_use]
    pub const fn heard_at(&self) -> Option<u64> {
        self.heard_at
    }

    /// When an answer last showed an object of this sandbox.
    #[must_use]
    pub fn answered_at(&self, id: &str) -> Option<u64> {
        self.answered_at.get(id).copied()
    }

    fn page(&mut self, now_ms: u64, kind: Kind, path: &str, body: &[u8]) -> Vec<String> {
        let mut all = self.pages.remove(&kind).filter(|_| path.contains("&continue=")).unwrap_or_default();
        let Some(page) = read::<Page>(body) else { return Vec::new() };
        all.extend(page.items);
        if !page.metadata.next.is_empty() {
            self.pages.insert(kind, all);
            return Vec::new();
        }
        match kind {
            Kind::Sandboxes => self.whole(now_ms, all, page.metadata.resource_version.parse().unwrap_or_default()),
            Kind::Pods => self.all_pods(now_ms, all),
        }
    }

    fn whole(&mut self, now_ms: u64, all: Vec<Object>, version: u64) -> Vec<String> {
        self.heard_at = Some(now_ms);
        let there: BTreeSet<Place> = all.iter().map(Object::place).collect();
        for (place, known) in &mut self.sandboxes {
            if !there.contains(place) && known.versions().all(|object| object.version() <= version) {
                known.presence = Presence::Doubtful;
            }
        }
        for object in &all {
            self.departed.remove(&object.metadata.uid);
        }
        all.into_iter().filter_map(|object| self.hear(object)).collect()
    }

    fn all_pods(&mut self, now_ms: u64, all: Vec<Object>) -> Vec<String> {
        if self.pods_at.is_none_or(|at| at + PODS_MS < now_ms) {
            // They may have been forgotten since.
            self.bereft.values_mut().for_each(|at| *at = 0);
        }
        self.pods_at = Some(now_ms);
        let before = std::mem::take(&mut self.pods);
        for pod in all {
            self.see_pod(pod);
        }
        let with: BTreeSet<&str> = self.pods.values().filter_map(Object::controller).collect();
        let without: Vec<String> =
            before.values().filter_map(Object::controller).filter(|uid| !with.contains(uid)).map(str::to_owned).collect();
        self.bereft.extend(without.into_iter().map(|uid| (uid, now_ms)));
        Vec::new()
    }

    fn see_pod(&mut self, pod: Object) {
        if let Some(controller) = pod.controller() {
            self.bereft.remove(controller);
        }
        if self.pods.get(&pod.place()).is_none_or(|known| known.version() <= pod.version()) {
            self.pods.insert(pod.place(), pod);
        }
    }

    fn sandbox_of_pod(&self, pod: &Object) -> Option<String> {
        let known = self.sandboxes.values().flat_map(Known::versions).find(|object| pod.is_pod_of(object))?;
        known.sandbox_of(&self.gateway_id).map(str::to_owned)
    }

    fn hear(&mut self, object: Object) -> Option<String> {
        let id = object.sandbox_of(&self.gateway_id)?.to_owned();
        if self.departed.contains(&object.metadata.uid) {
            return None;
        }
        let known = self.sandboxes.entry(object.place()).or_default();
        if known.heard.as_ref().is_some_and(|heard| heard.version() > object.version()) {
            return None;
        }
        known.answered.retain(|answered| answered.version() > object.version());
        // What the controller says of readiness from now on is not about a pod that is gone.
        if object.fresh("Ready").is_some_and(|ready| ready.status != "True") {
            self.bereft.remove(&object.metadata.uid);
        }
        known.presence = Presence::Sure;
        known.heard = Some(object);
        Some(id)
    }

    fn be_answered(&mut self, now_ms: u64, object: Object) {
        let Some(id) = object.sandbox_of(&self.gateway_id) else { return };
        self.answered_at.insert(id.to_owned(), now_ms);
        if self.departed.contains(&object.metadata.uid) {
            return;
        }
        let known = self.sandboxes.entry(object.place()).or_default();
        if known.heard.as_ref().is_none_or(|heard| heard.version() < object.version()) {
            // As of what is heard; but whether the driver made anything of this is not certain.
            if let Some(at) = self.bereft.get_mut(&object.metadata.uid)
                && object.fresh("Ready").is_some_and(|ready| ready.status != "True")
            {
                *at = 0;
            }
            known.answered.push(object);
        }
    }

    fn claimants(&self, id: &str) -> impl Iterator<Item = &Known> {
        self.sandboxes.values().filter(move |known| known.versions().any(|object| object.sandbox_of(&self.gateway_id) == Some(id)))
    }

    /// The objects one of which must be what a snapshot of this sandbox shows; nothing where that is not certain.
    fn candidates(&self, id: &str) -> Option<Vec<&Object>> {
        let all: Vec<&Known> = self.claimants(id).collect();
        if all.iter().any(|known| known.presence == Presence::Doubtful) {
            return None;
        }
        if let [one] = all.as_slice() {
            return Some(one.versions().collect());
        }
        // Of several the oldest that stays speaks, where it is certain how each is.
        let single: Option<Vec<&Object>> = all.iter().map(|known| known.heard.as_ref().filter(|_| known.answered.is_empty())).collect();
        let speaks =
            single?.into_iter().min_by_key(|object| (object.is_leaving(), object.metadata.creation_timestamp.clone(), object.place()))?;
        Some(vec![speaks])
    }

    fn sight(&self, now_ms: u64, sandbox: &Object) -> Sight<'_> {
        if self.pods_at.is_none_or(|at| at + PODS_MS < now_ms) {
            return Sight::Unsure;
        }
        match self.pods.get(&sandbox.pod_place()) {
            Some(pod) if pod.is_pod_of(sandbox) => Sight::There(pod),
            // It may have been its, and somebody has taken it away.
            Some(_) => Sight::Unsure,
            None => match self.bereft.get(&sandbox.metadata.uid) {
                Some(at) if *at > 0 && at + BEREFT_MS >= now_ms => Sight::Gone,
                // It may be forgotten by now.
                Some(_) => Sight::Unsure,
                None => Sight::None,
            },
        }
    }

    /// What is wrong with a snapshot, by what this process was shown last.
    #[must_use]
    pub fn contradicts(&self, now_ms: u64, snapshot: &pb::DriverSandbox) -> Option<String> {
        let candidates = self.candidates(&snapshot.id)?;
        let said = derive(snapshot.status.as_ref());
        let agrees = |object: &&Object| {
            let object_name = snapshot.status.as_ref().map_or(object.metadata.name.as_str(), |status| status.sandbox_name.as_str());
            let workspace = object.said("openshell.ai/sandbox-workspace").unwrap_or_default();
            object_name == object.metadata.name
                && snapshot.namespace == object.metadata.namespace
                && snapshot.workspace == workspace
                && object.said("openshell.ai/sandbox-name").is_none_or(|name| name == snapshot.name)
                && self.allowed(now_ms, object).contains(&said)
        };
        if candidates.is_empty() || candidates.iter().any(agrees) {
            return None;
        }
        let right = |object: &&Object| {
            let (metadata, allowed) = (&object.metadata, self.allowed(now_ms, object));
            format!("{} v{} with {} {allowed:?}", metadata.name, metadata.resource_version, self.sight(now_ms, object).words())
        };
        let right: Vec<String> = candidates.iter().map(right).collect();
        Some(format!("{said:?}, where {} was shown last", right.join(" or ")))
    }

    /// What may be said of an object.
    fn allowed(&self, now_ms: u64, object: &Object) -> Vec<Phase> {
        if object.is_leaving() {
            return vec![Phase::Deleting];
        }
        let Some(ready) = object.condition("Ready") else { return vec![Phase::Unknown] };
        let sight = self.sight(now_ms, object);
        if object.is_suspended() {
            // Releases before v0.5.0 have no such condition.
            let acted = object.condition("Suspended").map_or(object.fresh("Ready"), |_| object.fresh("Suspended"));
            let says_so = acted.is_some_and(|condition| condition.r#type != "Suspended" || condition.status == "True");
            return match (says_so, sight) {
                (true, Sight::None | Sight::Gone) => vec![Phase::Stopped],
                (true, Sight::Unsure) => vec![Phase::Stopped, Phase::Provisioning],
                (true, Sight::There(_)) | (false, _) => vec![Phase::Provisioning],
            };
        }
        let is_fresh = object.fresh("Ready").is_some();
        if !is_fresh || ready.reason == "SandboxSuspended" {
            return vec![Phase::Provisioning];
        }
        let mut allowed = match (ready.status.as_str(), sight) {
            ("True", Sight::There(pod)) if pod.is_leaving() => vec![Phase::Provisioning],
            ("True", Sight::Gone) => vec![Phase::Provisioning],
            ("True", Sight::Unsure) => vec![Phase::Ready, Phase::Provisioning],
            ("True", _) => vec![Phase::Ready],
            ("False", Sight::There(pod)) if ready.reason == "SandboxExpired" && pod.is_leaving() => vec![Phase::Provisioning],
            ("False", Sight::Unsure) if ready.reason == "SandboxExpired" => vec![Phase::Error, Phase::Provisioning],
            ("False", _) if ready.reason == "SandboxExpired" => vec![Phase::Error],
            _ => vec![Phase::Provisioning],
        };
        // Its pod has ended for good, which is said once the pod has been looked at.
        if object.is_true("Finished") && self.ended.contains(&object.metadata.uid) {
            allowed.push(Phase::Error);
        }
        allowed
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    There,
    Gone,
    Bookmark,
}
