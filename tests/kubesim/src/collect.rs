//! The garbage collector, the namespace controller and the claim controllers.

use crate::cluster::Cluster;
use crate::defaults::CLAIM_PROTECTION;
use crate::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation};
use crate::object::{self, Object};
use crate::options::{Attention, Power};
use crate::resource::Kind;
use crate::store::{Change, Key, Touch};
use crate::timers::Task;
use serde_json::{Value, json};

/// How long a volume takes to be there.
const BIND_CLAIM_MS: u64 = 10;

impl Cluster {
    /// Notices what a write means for owners and dependents.
    pub(crate) fn notice_for_collection(&mut self, touch: &Touch) {
        if self.options.garbage_collector == Power::Stopped {
            return;
        }
        let (object, deleted) = match &touch.change {
            Change::Added { object } | Change::Modified { object, .. } => (object, false),
            Change::Deleted { before, .. } => (before, true),
        };
        if deleted {
            for (kind, key) in self.store.dependents_of(object::uid(object)) {
                self.collect_soon(kind, &key);
            }
            for owner in object::owner_references(object) {
                self.collect_owner_soon(owner);
            }
            return;
        }
        let held_back = object::has_finalizer(object, FOREGROUND) || object::has_finalizer(object, ORPHAN);
        if object::is_deleting(object) && held_back {
            self.collect_soon(touch.kind, &touch.key);
        }
        let owners = object::owner_references(object);
        let owners_gone_or_going = owners.iter().any(|owner| match self.owner(&touch.key, owner) {
            None => true,
            Some(owner) => {
                object::is_deleting(owner) && object::has_finalizer(owner, FOREGROUND) && !self.is_overlooked(touch.kind, object, owner)
            }
        });
        if owners_gone_or_going && !object::is_deleting(object) {
            self.collect_soon(touch.kind, &touch.key);
        }
    }

    fn collect_soon(&mut self, kind: Kind, key: &Key) {
        let Some(object) = self.store.get(kind, key) else { return };
        let uid = object::uid(object).to_owned();
        self.after(self.options.pace.collect_ms, Task::Collect { kind, key: key.clone(), uid });
    }

    fn collect_owner_soon(&mut self, owner: &Value) {
        let uid = owner["uid"].as_str().unwrap_or_default();
        if let Some((kind, key)) = self.store.by_uid(uid).cloned() {
            let going = self.store.get(kind, &key).is_some_and(|owner| object::is_deleting(owner));
            if going {
                self.collect_soon(kind, &key);
            }
        }
    }

    /// The object an owner reference means: by UID, in the dependent's namespace or in none.
    fn owner(&self, dependent: &Key, owner: &Value) -> Option<&Object> {
        let (kind, key) = self.store.by_uid(owner["uid"].as_str()?)?;
        let right_kind = owner["kind"] == kind.resource().kind;
        let right_place = key.namespace.is_empty() || key.namespace == dependent.namespace;
        if right_kind && right_place && owner["name"] == key.name { self.store.get(*kind, key) } else { None }
    }

    pub(crate) fn collect(&mut self, kind: Kind, key: &Key, uid: &str) {
        if self.options.garbage_collector == Power::Stopped {
            return;
        }
        let Some(object) = self.store.get(kind, key).filter(|object| object::uid(object) == uid) else {
            return;
        };
        let object = object.clone();
        if object::is_deleting(&object) {
            if object::has_finalizer(&object, FOREGROUND) {
                self.collect_foreground(kind, key, &object);
            } else if object::has_finalizer(&object, ORPHAN) {
                self.collect_orphans(kind, key, &object);
            }
            return;
        }
        let owners = object::owner_references(&object);
        if owners.is_empty() {
            return;
        }
        let mut solid = Vec::new();
        let mut waiting = 0;
        for owner in owners {
            match self.owner(key, owner) {
                None => {}
                Some(held) if object::is_deleting(held) && object::has_finalizer(held, FOREGROUND) => {
                    waiting += 1;
                }
                Some(_) => solid.push(owner.clone()),
            }
        }
        if !solid.is_empty() {
            if solid.len() < owners.len() {
                self.change(kind, key, |object| {
                    object["metadata"]["ownerReferences"] = Value::Array(solid);
                });
            }
            return;
        }
        let has_dependents = !self.store.dependents_of(uid).is_empty();
        let propagation = if waiting > 0 && has_dependents { Propagation::Foreground } else { Propagation::Background };
        let options = DeleteOptions { propagation: Some(propagation), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
        // Whoever was quicker has done what was wanted.
        let _ = self.delete(kind, key, &options);
    }

    /// Whether a dependent is not seen because it was made when the collector had looked already.
    fn is_overlooked(&self, kind: Kind, dependent: &Value, owner: &Value) -> bool {
        let second = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let made = second(&dependent["metadata"]["creationTimestamp"]);
        self.options.attention == Attention::Late && kind == Kind::Pod && made >= second(&owner["metadata"]["deletionTimestamp"])
    }

    /// Dependents are asked to go; when none blocks any more, the owner goes.
    fn collect_foreground(&mut self, kind: Kind, key: &Key, owner: &Object) {
        let uid = object::uid(owner);
        let mut blocked = false;
        for (dependent_kind, dependent_key) in self.store.dependents_of(uid) {
            let Some(dependent) = self.store.get(dependent_kind, &dependent_key) else { continue };
            if dependent_key.namespace != key.namespace && !key.namespace.is_empty() {
                continue;
            }
            let blocks = object::owner_references(dependent)
                .iter()
                .any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true);
            let going = object::is_deleting(dependent);
            blocked |= blocks;
            if !going && !self.is_overlooked(dependent_kind, dependent, owner) {
                self.collect_soon(dependent_kind, &dependent_key);
            }
        }
        if !blocked {
            self.change(kind, key, |owner| object::remove_finalizer(owner, FOREGROUND));
        }
    }

    /// Dependents lose the owner; then the owner goes.
    fn collect_orphans(&mut self, kind: Kind, key: &Key, owner: &Object) {
        let uid = object::uid(owner);
        for (dependent_kind, dependent_key) in self.store.dependents_of(uid) {
            self.change(dependent_kind, &dependent_key, |dependent| {
                let metadata = object::metadata_mut(dependent);
                if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
                    owners.retain(|reference| reference["uid"] != uid);
                    if owners.is_empty() {
                        metadata.remove("ownerReferences");
                    }
                }
            });
        }
        self.change(kind, key, |owner| object::remove_finalizer(owner, ORPHAN));
    }

    /// Looks at everything anew, as a collector does that has just started.
    pub(crate) fn collect_everything(&mut self) {
        for kind in Kind::ALL {
            let keys: Vec<Key> = self
                .store
                .table(kind)
                .objects()
                .iter()
                .filter(|(_, object)| object::is_deleting(object) || !object::owner_references(object).is_empty())
                .map(|(key, _)| key.clone())
                .collect();
            for key in keys {
                self.collect_soon(kind, &key);
            }
        }
    }

    pub(crate) fn notice_namespace(&mut self, touch: &Touch) {
        match &touch.change {
            Change::Added { object } => {
                let account = json!({
                    "metadata": { "name": "default", "namespace": object::name(object) },
                });
                let account = self.mint(Kind::ServiceAccount, account);
                self.store.create(Kind::ServiceAccount, account);
            }
            Change::Modified { object, .. } if object::is_deleting(object) => {
                let delay = self.options.pace.collect_ms.max(1);
                self.after(delay, Task::EmptyNamespace(touch.key.name.clone()));
            }
            _ => {}
        }
    }

    /// Deletes what is in the namespace; when nothing is left, the namespace goes.
    pub(crate) fn empty_namespace(&mut self, name: &str) {
        let key = Key::new("", name);
        let going = self.store.get(Kind::Namespace, &key).is_some_and(|it| object::is_deleting(it));
        if !going {
            return;
        }
        let mut left = false;
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_namespaced()) {
            let keys: Vec<(Key, bool)> =
                self.store.in_namespace(kind, name).map(|object| (Key::of(object), object::is_deleting(object))).collect();
            for (key, going) in keys {
                if !going {
                    let _ = self.delete(kind, &key, &DeleteOptions::in_background());
                }
                left |= self.store.get(kind, &key).is_some();
            }
        }
        if left {
            self.after(1_000, Task::EmptyNamespace(name.to_owned()));
        } else {
            self.change(Kind::Namespace, &key, |namespace| {
                namespace["spec"]["finalizers"] = json!([]);
            });
        }
    }

    pub(crate) fn notice_claim(&mut self, touch: &Touch) {
        match &touch.change {
            Change::Added { .. } => self.after(BIND_CLAIM_MS, Task::BindClaim(touch.key.clone())),
            Change::Modified { object, .. } if object::is_deleting(object) => {
                self.release_claims(&touch.key.namespace);
            }
            _ => {}
        }
    }

    pub(crate) fn bind_claim(&mut self, key: &Key) {
        self.change(Kind::PersistentVolumeClaim, key, |claim| {
            if claim["status"]["phase"] == "Pending" {
                let volume = format!("pvc-{}", object::uid(claim));
                claim["spec"]["volumeName"] = json!(volume);
                let capacity = claim["spec"]["resources"]["requests"].clone();
                claim["status"] = json!({
                    "phase": "Bound",
                    "accessModes": claim["spec"]["accessModes"],
                    "capacity": capacity,
                });
            }
        });
    }

    /// Claims being deleted that no pod uses any more are let go.
    pub(crate) fn release_claims(&mut self, namespace: &str) {
        let waiting: Vec<Key> = self
            .store
            .in_namespace(Kind::PersistentVolumeClaim, namespace)
            .filter(|claim| object::is_deleting(claim) && object::has_finalizer(claim, CLAIM_PROTECTION))
            .map(|claim| Key::of(claim))
            .collect();
        for key in waiting {
            let used = self.store.in_namespace(Kind::Pod, namespace).any(|pod| {
                object::items(&pod["spec"]["volumes"])
                    .iter()
                    .any(|volume| volume["persistentVolumeClaim"]["claimName"] == key.name.as_str())
            });
            if !used {
                self.change(Kind::PersistentVolumeClaim, &key, |claim| {
                    object::remove_finalizer(claim, CLAIM_PROTECTION);
                });
            }
        }
    }
}
