//! The agent-sandbox controller: one reconcile at a time for each Sandbox, in the habits of its release.
//!
//! A reconcile takes two moments: at the first it looks, and creates or deletes what it must; at the
//! second it writes the status it has worked out. Whatever changes in between is looked at afterwards.

mod children;
mod conditions;
mod expiry;
mod pod;

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::object::{self, Object};
use crate::options::{ControllerRelease, Power};
use crate::resource::Kind;
use crate::store::{Change, Key, Touch};
use crate::timers::Task;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The label by which the controller finds what belongs to a Sandbox.
pub(crate) const HASH_LABEL: &str = "agents.x-k8s.io/sandbox-name-hash";
/// The annotation that names a Sandbox's pod.
pub(crate) const POD_NAME: &str = "agents.x-k8s.io/pod-name";

/// The first wait after a failed reconcile; it doubles up to [`BACKOFF_MAX_MS`].
const BACKOFF_MS: u64 = 5;
const BACKOFF_MAX_MS: u64 = 1_000_000;
/// The shortest wait for a shutdown time.
const EXPIRY_MIN_MS: u64 = 2_000;

/// What the controller keeps between reconciles.
#[derive(Debug)]
pub(crate) struct Controller {
    pub power: Power,
    queue: BTreeMap<Key, Turn>,
    failures: BTreeMap<Key, u32>,
    /// Counts the controller's lives: what one began, the next does not finish.
    life: u64,
}

/// Where a Sandbox is in the controller's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Waiting,
    /// Being reconciled; nothing new seen since.
    Busy,
    /// Being reconciled; must be looked at again.
    BusyAgain,
}

/// The end of a reconcile: the status to write, and what to do next.
#[derive(Clone, Debug)]
pub(crate) struct StatusWrite {
    key: Key,
    uid: String,
    /// `None` when there is nothing to write.
    status: Option<Value>,
    /// The resourceVersion the write insists on, in releases that replaced the whole object.
    insists_on: Option<String>,
    outcome: Outcome,
    life: u64,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// Look again then, in milliseconds.
    Again(u64),
    Failed,
}

/// What a reconcile works with: the Sandbox as last read, and its status in the making.
struct Pass {
    key: Key,
    sandbox: Object,
    status: Value,
}

impl Controller {
    pub fn new(power: Power) -> Self {
        Self { power, queue: BTreeMap::new(), failures: BTreeMap::new(), life: 0 }
    }

    pub fn forget_all(&mut self) {
        self.life += 1;
        self.queue.clear();
        self.failures.clear();
    }
}

/// FNV-1a over the name, as eight hexadecimal digits.
pub(crate) fn name_hash(name: &str) -> String {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// Whether the Sandbox's spec asks for no pod.
pub(crate) fn is_suspended(sandbox: &Value) -> bool {
    sandbox["spec"]["operatingMode"] == "Suspended" || sandbox["spec"]["replicas"] == 0
}

impl Cluster {
    /// Puts a Sandbox in the controller's queue.
    pub(crate) fn enqueue(&mut self, key: &Key) {
        self.enqueue_after(key, self.options.pace.reconcile_ms.max(1));
    }

    fn enqueue_after(&mut self, key: &Key, delay_ms: u64) {
        if self.controller.power == Power::Stopped {
            return;
        }
        match self.controller.queue.get_mut(key) {
            Some(Turn::Waiting | Turn::BusyAgain) => {}
            Some(turn @ Turn::Busy) => *turn = Turn::BusyAgain,
            None => {
                self.controller.queue.insert(key.clone(), Turn::Waiting);
                self.after(delay_ms, Task::Reconcile(key.clone()));
            }
        }
    }

    /// A labelled pod or Service brings its owner to the queue, found by name.
    pub(crate) fn enqueue_owner(&mut self, touch: &Touch) {
        let states = match &touch.change {
            Change::Added { object } => [Some(object), None],
            Change::Modified { before, object } => [Some(before), Some(object)],
            Change::Deleted { before, .. } => [Some(before), None],
        };
        for object in states.into_iter().flatten() {
            if object::label(object, HASH_LABEL).is_none() {
                continue;
            }
            let Some(owner) = object::controller_of(object) else { continue };
            if owner["kind"] == "Sandbox"
                && let Some(name) = owner["name"].as_str()
            {
                self.enqueue(&Key::new(&touch.key.namespace, name));
            }
        }
    }

    /// Puts every Sandbox in the queue, as a controller does that has just started.
    pub(crate) fn enqueue_all(&mut self) {
        let keys: Vec<Key> = self.store.table(Kind::Sandbox).objects().keys().cloned().collect();
        for key in keys {
            self.enqueue(&key);
        }
    }

    pub(crate) fn reconcile(&mut self, key: &Key) {
        if self.controller.power == Power::Stopped || self.controller.queue.get(key) != Some(&Turn::Waiting) {
            return;
        }
        let sandbox = match self.store.get(Kind::Sandbox, key) {
            Some(sandbox) if !object::is_deleting(sandbox) => sandbox.clone(),
            _ => {
                self.controller.queue.remove(key);
                self.controller.failures.remove(key);
                return;
            }
        };
        self.controller.queue.insert(key.clone(), Turn::Busy);
        let status = sandbox["status"].clone();
        let mut pass = Pass { key: key.clone(), sandbox, status };
        let outcome = self.pass(&mut pass);
        let write = self.finish_pass(pass, outcome);
        self.after(self.options.pace.status_ms, Task::WriteStatus(Box::new(write)));
    }

    fn pass(&mut self, pass: &mut Pass) -> Outcome {
        let expiry = expiry::of(&pass.sandbox);
        if expiry.is_some_and(|when_ms| when_ms <= self.now_ms) {
            return self.expire(pass);
        }
        let failed = self.reconcile_children(pass);
        match (failed, expiry) {
            (true, _) => Outcome::Failed,
            (false, Some(when_ms)) => Outcome::Again((when_ms - self.now_ms).max(EXPIRY_MIN_MS)),
            (false, None) => Outcome::Done,
        }
    }

    /// Claims, pod, Service, conditions; whether anything failed so that it must be tried again.
    fn reconcile_children(&mut self, pass: &mut Pass) -> bool {
        let hash = name_hash(&pass.key.name);
        let mut errors: Vec<String> = Vec::new();
        if let Err(why) = self.reconcile_claims(pass, &hash) {
            errors.push(why);
        }
        let found = self.reconcile_pod(pass, &hash);
        self.note_pod(pass, &found, &hash);
        let mut retry = !errors.is_empty();
        let mut service = None;
        match &found {
            pod::Found::Multiple(count) => self.record_multiple_pods(pass, *count),
            other => {
                if let Some(why) = other.error() {
                    errors.push(why.to_owned());
                    retry = true;
                }
                match self.reconcile_service(pass, &hash) {
                    Ok(found) => service = found,
                    Err(why) => {
                        errors.push(why);
                        retry = true;
                    }
                }
            }
        }
        self.set_conditions(pass, &errors, &found, service.as_deref());
        retry
    }

    /// What the pod says goes into the status.
    fn note_pod(&self, pass: &mut Pass, found: &pod::Found, hash: &str) {
        let release = self.options.release;
        let status = object::map_mut(&mut pass.status);
        status.remove("podIPs");
        status.remove("nodeName");
        if release == ControllerRelease::V0_4_6 {
            status.insert("replicas".into(), json!(u8::from(found.pod().is_some())));
        }
        let Some(pod) = found.pod() else { return };
        status.insert("selector".into(), json!(format!("{HASH_LABEL}={hash}")));
        if release >= ControllerRelease::V0_5_4 && !owned_by(pod, &pass.sandbox) {
            return;
        }
        let addresses: Vec<&str> = object::items(&pod["status"]["podIPs"]).iter().filter_map(|ip| ip["ip"].as_str()).collect();
        if !addresses.is_empty() {
            status.insert("podIPs".into(), json!(addresses));
        }
        if let Some(node) = pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty())
            && release >= ControllerRelease::V0_5_0
        {
            status.insert("nodeName".into(), json!(node));
        }
    }

    fn record_multiple_pods(&mut self, pass: &Pass, count: usize) {
        let known = object::items(&pass.status["conditions"])
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["reason"] == "MultiplePods");
        if !known {
            let message = conditions::multiple_pods(count);
            self.emit_from_controller(&pass.sandbox, "Warning", "MultiplePods", &message);
        }
    }

    fn finish_pass(&self, pass: Pass, outcome: Outcome) -> StatusWrite {
        let before = &pass.sandbox["status"];
        let release = self.options.release;
        let ready =
            object::items(&pass.status["conditions"]).iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        // The node alone is not worth a write before the Sandbox is ready.
        let only_node = release >= ControllerRelease::V0_5_3 && !ready && {
            let mut rest = pass.status.clone();
            match before.get("nodeName") {
                Some(node) => rest["nodeName"] = node.clone(),
                None => {
                    object::map_mut(&mut rest).remove("nodeName");
                }
            }
            rest == *before
        };
        let unchanged = pass.status == *before || only_node;
        let insists = release < ControllerRelease::V0_5_4;
        StatusWrite {
            uid: object::uid(&pass.sandbox).to_owned(),
            insists_on: insists.then(|| object::resource_version(&pass.sandbox).to_owned()),
            key: pass.key,
            status: (!unchanged).then_some(pass.status),
            outcome,
            life: self.controller.life,
        }
    }

    pub(crate) fn write_status(&mut self, write: StatusWrite) {
        if self.controller.power == Power::Stopped || write.life != self.controller.life {
            return;
        }
        let mut outcome = write.outcome;
        let current = self.store.get(Kind::Sandbox, &write.key).cloned();
        if let (Some(status), Some(current)) = (write.status, current)
            && object::uid(&current) == write.uid
        {
            let stale = write.insists_on.is_some_and(|version| version != object::resource_version(&current));
            if stale {
                outcome = Outcome::Failed;
            } else {
                self.change(Kind::Sandbox, &write.key, |sandbox| sandbox["status"] = status);
            }
        }
        self.settle();
        let again = self.controller.queue.remove(&write.key) == Some(Turn::BusyAgain);
        match outcome {
            Outcome::Failed => {
                let count = self.controller.failures.entry(write.key.clone()).or_insert(0);
                let delay = BACKOFF_MS.saturating_mul(1 << (*count).min(20)).min(BACKOFF_MAX_MS);
                *count += 1;
                // A change brings it back at once; otherwise it waits out its backoff.
                if again {
                    self.enqueue(&write.key);
                } else {
                    self.enqueue_later(&write.key, delay);
                }
            }
            Outcome::Done | Outcome::Again(_) => {
                self.controller.failures.remove(&write.key);
                if again {
                    self.enqueue(&write.key);
                }
                if let Outcome::Again(delay) = outcome {
                    self.enqueue_later(&write.key, delay);
                }
            }
        }
    }

    /// A wake-up that does not stand in the way of an earlier one.
    fn enqueue_later(&mut self, key: &Key, delay_ms: u64) {
        self.after(delay_ms, Task::Wake(key.clone()));
    }
}

/// Whether the object's controller is this Sandbox, by UID.
fn owned_by(object: &Value, sandbox: &Value) -> bool {
    object::controller_of(object).is_some_and(|owner| owner["uid"] == sandbox["metadata"]["uid"])
}

/// The owner reference a Sandbox puts on what it creates.
fn owner_reference(sandbox: &Value) -> Value {
    json!({
        "apiVersion": sandbox["apiVersion"],
        "kind": "Sandbox",
        "name": object::name(sandbox),
        "uid": object::uid(sandbox),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// `pod "x" is owned by Kind/name (UID: …), not by sandbox "y"`.
fn foreign(what: &str, object: &Value, sandbox: &Value) -> Option<String> {
    let owner = object::controller_of(object)?;
    let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    Some(format!(
        "{what} \"{}\" is owned by {}/{} (UID: {}), not by sandbox \"{}\"",
        object::name(object),
        text("kind"),
        text("name"),
        text("uid"),
        object::name(sandbox)
    ))
}

/// How a Go client prints the failure.
fn sentence(failure: &Failure) -> String {
    failure.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(name_hash(""), "811c9dc5");
        assert_eq!(name_hash("a"), "e40c292c");
        assert_eq!(name_hash("foobar"), "bf9cf968");
    }
}
