//! What others do to the cluster: people with kubectl, nodes, controllers, quotas. Most of it is undone after a while, and all of it at the end of
//! the storm, but for what a driver must live with.

use kubesim::{ControllerRelease, Kind as ObjectKind, PodFailure, Power, Presence, Propagation, Rule};
use serde_json::{Value, json};

use super::World;
use super::happening::{Happening, Undo};
use crate::books::Excuse;
use crate::home::{Home, WORKSPACES};
use crate::scenario::{Kind, gateway_id, token};
use crate::truth::{Place, Sid};

/// The node every pod is on.
const NODE: &str = "node-1";
/// The name of the quota somebody sets.
const QUOTA: &str = "tight";
/// The releases of agent-sandbox, oldest first.
const RELEASES: [ControllerRelease; 5] =
    [ControllerRelease::V0_4_6, ControllerRelease::V0_5_0, ControllerRelease::V0_5_3, ControllerRelease::V0_5_4, ControllerRelease::V0_5_6];
/// Sandboxes that are deleted as soon as they are there.
const NEWBORN: u64 = 3;
/// How long one lives then, at most.
const NEWBORN_MS: u64 = 3_000;
/// How long a Sandbox is without its name: some sweeps.
const UNNAMED_MS: (u64, u64) = (60_000, 300_000);
/// Longest time until something is undone.
const UNDONE_MS: u64 = 60_000;

impl World {
    /// Somebody does something.
    pub(super) fn other(&mut self, kind: Kind) {
        if !self.storms() {
            return;
        }
        if kind != Kind::Pod {
            self.summary.fault(kind.name());
        }
        let place = self.some_sandbox();
        self.trace.say(self.now_ms, || format!("somebody else: {kind:?} {place:?}"));
        match kind {
            Kind::Touch => self.edit(place, &json!({ "metadata": { "annotations": { "example.com/touched": self.now_ms.to_string() } } })),
            Kind::Unlabel => self.unlabel(place),
            Kind::Unname => self.unname(place),
            Kind::Delete => self.delete_sandbox(place),
            Kind::Newborn => self.to_reap += NEWBORN,
            Kind::Pod => self.hurt_pod(place),
            Kind::Node => {
                self.cluster.lose_node(NODE);
                self.undo_later(Undo::Node);
            }
            Kind::Drain => {
                for place in self.truth.objects().keys().cloned().collect::<Vec<_>>() {
                    self.cluster.delete_pod(&place.0, &place.1);
                }
            }
            Kind::Rotation => {
                let driver = usize::try_from(self.chances.others.below(self.seats.len() as u64)).unwrap_or_default();
                self.seats[driver].locked_out_until_ms = self.now_ms + self.chances.others.between(1_000, 30_000);
            }
            Kind::Suspend => {
                if let Some(place) = place {
                    self.cluster.set_suspended(&place.0, &place.1, Power::Stopped);
                    self.undo_later(Undo::Resume(place));
                }
            }
            Kind::Controller => {
                self.cluster.set_controller(Power::Stopped);
                self.undo_later(Undo::Controller);
            }
            Kind::Collector => {
                self.cluster.set_garbage_collector(Power::Stopped);
                self.undo_later(Undo::Collector);
            }
            Kind::Rights => self.revoke(),
            Kind::Definition => {
                self.cluster.set_definition(Presence::Absent);
                self.definition_missing = true;
                self.undo_later(Undo::Definition);
            }
            Kind::Namespace => {
                let namespace = self.some_namespace();
                self.cluster.delete_object(ObjectKind::Namespace, "", &namespace, Propagation::Background);
                // What a driver makes itself nobody makes again.
                if self.given_namespaces().contains(&namespace) {
                    self.undo_later(Undo::Namespace(namespace));
                }
            }
            Kind::Squatter => self.squat(),
            Kind::Copy => self.copy(place),
            Kind::Quota => {
                let namespace = self.some_namespace();
                // A second quota of that name is not needed.
                let _ = self.cluster.add_quota(&namespace, QUOTA, &[("count/sandboxes.agents.x-k8s.io", "1")]);
                self.undo_later(Undo::Quota(namespace));
            }
            Kind::Expiry => {
                if let Some(sandbox) = place.as_ref().and_then(|place| self.owner(place)) {
                    self.books.excuse(Excuse::Misjudged, sandbox, "its time was up");
                }
                let policy = *self.chances.others.pick(&["Retain", "Delete"]);
                self.edit(place, &json!({ "spec": { "shutdownTime": "2026-08-21T10:00:00Z", "shutdownPolicy": policy } }));
            }
            Kind::Upgrade => {
                let newer: Vec<ControllerRelease> = RELEASES.into_iter().filter(|release| *release > self.release).collect();
                if !newer.is_empty() {
                    self.release = *self.chances.others.pick(&newer);
                    let release = self.release;
                    self.trace.say(self.now_ms, || format!("agent-sandbox is now {release:?}"));
                    self.cluster.set_release(release);
                }
            }
        }
        self.cluster_moved();
    }

    /// What somebody did is over.
    pub(super) fn undo(&mut self, undo: Undo) {
        self.trace.say(self.now_ms, || format!("undone: {undo:?}"));
        match undo {
            Undo::Relabel(place, uid, labels) => {
                let (namespace, name) = &place;
                if self.truth.objects().get(&place).is_none_or(|seen| seen.uid != uid) {
                    return;
                }
                self.cluster.edit_object(ObjectKind::Sandbox, namespace, name, &json!({ "metadata": { "labels": labels } }));
            }
            Undo::Rename((namespace, name), uid, metadata) => {
                if self.truth.at(&namespace, &name).is_some_and(|seen| seen.uid == uid) {
                    self.cluster.edit_object(ObjectKind::Sandbox, &namespace, &name, &json!({ "metadata": metadata }));
                }
            }
            Undo::Resume((namespace, name)) => {
                self.cluster.set_suspended(&namespace, &name, Power::Running);
            }
            Undo::Rights => self.cluster.restore_permissions(),
            Undo::Controller => self.cluster.set_controller(Power::Running),
            Undo::Collector => self.cluster.set_garbage_collector(Power::Running),
            Undo::Node => self.cluster.recover_node(NODE),
            Undo::Definition => {
                if self.definition_missing {
                    self.definition_missing = false;
                    self.cluster.set_definition(Presence::Present);
                }
            }
            Undo::Namespace(namespace) => {
                if self
                    .cluster
                    .object(ObjectKind::Namespace, "", &namespace)
                    .is_some_and(|object| object["status"]["phase"] == "Terminating")
                {
                    // Not gone yet: it is made again when it is.
                    self.after(1_000, Happening::Undo(Box::new(Undo::Namespace(namespace))));
                } else {
                    super::setup::settle(&mut self.cluster, &namespace);
                }
            }
            Undo::Quota(namespace) => {
                self.cluster.delete_object(ObjectKind::ResourceQuota, &namespace, QUOTA, Propagation::Background);
            }
        }
        self.cluster_moved();
    }

    fn undo_later(&mut self, undo: Undo) {
        let wait = self.chances.others.between(100, UNDONE_MS);
        self.after(wait, Happening::Undo(Box::new(undo)));
    }

    fn some_namespace(&mut self) -> String {
        let index = usize::try_from(self.chances.others.below(self.seats.len() as u64)).unwrap_or_default();
        let plan = self.seats[index].plan.clone();
        if plan.home == Home::Shared {
            return plan.namespace;
        }
        let homes = WORKSPACES.map(|workspace| plan.home_of(workspace));
        self.chances.others.pick(&homes).clone()
    }

    fn some_sandbox(&mut self) -> Option<Place> {
        let places: Vec<Place> = self.truth.objects().keys().cloned().collect();
        if places.is_empty() { None } else { Some(self.chances.others.pick(&places).clone()) }
    }

    fn owner(&self, place: &Place) -> Option<Sid> {
        self.truth.objects().get(place)?.sandbox.clone()
    }

    fn edit(&mut self, place: Option<Place>, change: &Value) {
        if let Some((namespace, name)) = place {
            self.cluster.edit_object(ObjectKind::Sandbox, &namespace, &name, change);
        }
    }

    fn unlabel(&mut self, place: Option<Place>) {
        let Some(place) = place else { return };
        let Some(object) = self.cluster.object(ObjectKind::Sandbox, &place.0, &place.1) else { return };
        let key = *self.chances.others.pick(&["openshell.ai/managed-by", "openshell.ai/gateway-id", "openshell.ai/sandbox-id"]);
        if let Some(sandbox) = self.owner(&place) {
            self.books.excuse(Excuse::LeftBehind, sandbox, "somebody took away a label by which it is found");
        }
        self.edit(Some(place.clone()), &json!({ "metadata": { "labels": { key: null } } }));
        if self.chances.others.happens(600) {
            let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
            self.undo_later(Undo::Relabel(place, uid, json!({ key: object["metadata"]["labels"][key] })));
        }
    }

    /// The driver can only say that something is wrong with it, so the gateway's sweeps break off where they come to it.
    fn unname(&mut self, place: Option<Place>) {
        const KEY: &str = "openshell.ai/sandbox-name";
        let Some(place) = place else { return };
        let Some(object) = self.cluster.object(ObjectKind::Sandbox, &place.0, &place.1) else { return };
        let metadata = &object["metadata"];
        if metadata["annotations"][KEY].is_null() {
            return;
        }
        let uid = metadata["uid"].as_str().unwrap_or_default().to_owned();
        let before = json!({ "annotations": { KEY: metadata["annotations"][KEY] }, "labels": { KEY: metadata["labels"][KEY] } });
        self.edit(Some(place.clone()), &json!({ "metadata": { "annotations": { KEY: null }, "labels": { KEY: null } } }));
        let wait = self.chances.others.between(UNNAMED_MS.0, UNNAMED_MS.1);
        self.after(wait, Happening::Undo(Box::new(Undo::Rename(place, uid, before))));
    }

    /// A Sandbox has been created, and may be one that somebody deletes at once.
    pub(super) fn reap(&mut self, place: Place) {
        if self.storms() && self.to_reap > 0 {
            self.to_reap -= 1;
            let wait = self.chances.others.below(NEWBORN_MS);
            self.after(wait, Happening::Reap(place));
        }
    }

    pub(super) fn delete_sandbox(&mut self, place: Option<Place>) {
        let propagation = *self.chances.others.pick(&[Propagation::Foreground, Propagation::Background, Propagation::Orphan]);
        let Some(place) = place else { return };
        if propagation == Propagation::Orphan
            && let Some(sandbox) = self.owner(&place)
        {
            self.books.excuse(Excuse::PodOfItsOwn, sandbox, "somebody deleted it and let its pod run on");
        }
        if let Some(sandbox) = self.owner(&place)
            && self.is_being_created(&sandbox, None)
        {
            // A replica that hears of the deletion tells of it; the one that creates may not hear of it, and create another.
            self.books.excuse(Excuse::Misjudged, sandbox, "somebody deleted it while it was still being created");
        }
        self.cluster.delete_object(ObjectKind::Sandbox, &place.0, &place.1, propagation);
    }

    fn hurt_pod(&mut self, place: Option<Place>) {
        let Some(place) = place else { return };
        if let Some(sandbox) = self.owner(&place) {
            self.books.excuse(Excuse::Misjudged, sandbox, "its pod failed, and may have been deleted since");
        }
        let (namespace, name) = place;
        let act = self.chances.others.below(3);
        self.summary.fault(if act < 2 { "a pod was deleted" } else { "a pod was evicted, or failed" });
        match act {
            0 => self.cluster.delete_pod(&namespace, &name),
            1 => self.cluster.force_delete_pod(&namespace, &name),
            _ => {
                let failure = *self.chances.others.pick(&[PodFailure::OutOfMemory, PodFailure::Evicted, PodFailure::Exited(0)]);
                self.cluster.fail_pod(&namespace, &name, failure)
            }
        };
    }

    fn revoke(&mut self) {
        let driver = usize::try_from(self.chances.others.below(self.seats.len() as u64)).unwrap_or_default();
        let verb = *self.chances.others.pick(&["get", "list", "watch", "create", "delete", "*"]);
        self.trace.say(self.now_ms, || format!("driver {driver} may not {verb}"));
        self.cluster.revoke(Rule::new("agents.x-k8s.io", &["sandboxes"], &[verb]).for_user(&token(driver)));
        self.undo_later(Undo::Rights);
    }

    /// An object of a name users like: nobody's, of a gateway that is not here, or of another gateway in a namespace where it has no driver.
    fn squat(&mut self) {
        self.squatters += 1;
        let namespace = self.some_namespace();
        let user_name = format!("box-{}", self.chances.others.below(self.scenario.users.names));
        let name = self.seats[0].plan.object_name("default", &user_name);
        let labels = match self.chances.others.below(3) {
            0 => json!({}),
            1 => json!({ "openshell.ai/managed-by": "openshell", "openshell.ai/gateway-id": "elsewhere", "openshell.ai/sandbox-id": "x" }),
            _ => json!({ "openshell.ai/managed-by": "openshell", "openshell.ai/gateway-id": gateway_id(0) }),
        };
        let object = json!({
            "apiVersion": "agents.x-k8s.io/v1beta1",
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "spec": { "podTemplate": { "spec": { "containers": [{ "name": "main", "image": "example/main:1" }] } } },
        });
        // The name may be taken.
        let _ = self.cluster.create_object(ObjectKind::Sandbox, object);
    }

    /// Somebody copies a Sandbox under another name, labels, annotations and all.
    fn copy(&mut self, place: Option<Place>) {
        let Some(place) = place else { return };
        let Some(mut object) = self.cluster.object(ObjectKind::Sandbox, &place.0, &place.1) else { return };
        if object["metadata"]["annotations"]["openshell.ai/sandbox-name"].is_null() {
            // Nobody would give the copy its name back.
            return;
        }
        self.squatters += 1;
        let metadata = &object["metadata"];
        object["metadata"] = json!({
            "name": format!("copy-{}", self.squatters),
            "namespace": place.0,
            "labels": metadata["labels"],
            "annotations": metadata["annotations"],
        });
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if let Some(sandbox) = self.owner(&place) {
            let why = "somebody copied it";
            for excuse in [Excuse::LeftBehind, Excuse::Misjudged, Excuse::PodOfItsOwn, Excuse::Copied] {
                self.books.excuse(excuse, sandbox.clone(), why);
            }
        }
        // The namespace may be going.
        let _ = self.cluster.create_object(ObjectKind::Sandbox, object);
    }
}
