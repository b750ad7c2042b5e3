//! Acts of others: what people, nodes and operators do to a cluster while somebody uses it.

use crate::access::Rule;
use crate::cluster::Cluster;
use crate::convert;
use crate::create::Run;
use crate::delete::{DeleteOptions, Propagation};
use crate::object::{self, Object};
use crate::options::{ControllerRelease, NodeShape, PodBehaviour, PodFailure, Power, Presence, Termination};
use crate::patch;
use crate::resource::Kind;
use crate::store::Key;
use crate::timers::Task;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// From a node's loss to the eviction of its pods.
const EVICTION_MS: u64 = 300_000;

/// Why an act was not possible: the server's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A cluster's objects at one moment, to be put back later.
#[derive(Clone, Debug)]
pub struct Backup {
    version: u64,
    tables: BTreeMap<Kind, BTreeMap<Key, Object>>,
}

/// Objects.
impl Cluster {
    /// A copy of an object in its stored version; `namespace` is empty for objects of the cluster.
    #[must_use]
    pub fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.store.get(kind, &Key::new(namespace, name)).map(|object| (**object).clone())
    }

    /// Copies of all objects of a kind in a namespace, in name order; an empty namespace means all.
    #[must_use]
    pub fn objects(&self, kind: Kind, namespace: &str) -> Vec<Value> {
        self.store
            .table(kind)
            .objects()
            .iter()
            .filter(|(key, _)| namespace.is_empty() || key.namespace == namespace)
            .map(|(_, object)| (**object).clone())
            .collect()
    }

    /// Creates an object as an administrator would.
    ///
    /// # Errors
    /// When admission or validation refuses it.
    pub fn create_object(&mut self, kind: Kind, object: Value) -> Result<Value, Refused> {
        let mut object = object;
        if object["apiVersion"].is_null() {
            object["apiVersion"] = json!(kind.api_version(self.stored_version(kind)));
        }
        object["kind"] = json!(kind.resource().kind);
        let created = self.create(kind, object, Run::Real).map_err(|failure| Refused(failure.to_string()))?;
        self.settle();
        Ok((*created).clone())
    }

    /// Merges a patch into an object, without validation: labels, annotations, spec, even status.
    /// Says whether the object was there.
    pub fn edit_object(&mut self, kind: Kind, namespace: &str, name: &str, change: &Value) -> bool {
        let has_generation = kind.has_generation();
        let edited = self.change(kind, &Key::new(namespace, name), |object| {
            let before = object["spec"].clone();
            patch::merge(object, change);
            if has_generation && object["spec"] != before {
                let next = object::generation(object) + 1;
                object["metadata"]["generation"] = json!(next);
            }
        });
        self.settle();
        edited.is_some()
    }

    /// Deletes an object. Says whether it was there.
    pub fn delete_object(&mut self, kind: Kind, namespace: &str, name: &str, propagation: Propagation) -> bool {
        let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
        let deleted = self.delete(kind, &Key::new(namespace, name), &options).is_ok();
        self.settle();
        deleted
    }

    /// Suspends or resumes a Sandbox behind its owner's back.
    pub fn set_suspended(&mut self, namespace: &str, name: &str, wish: Power) -> bool {
        let suspended = wish == Power::Stopped;
        let spec = if self.options.release == ControllerRelease::V0_4_6 {
            json!({ "replicas": u8::from(!suspended) })
        } else {
            json!({ "operatingMode": if suspended { "Suspended" } else { "Running" } })
        };
        self.edit_object(Kind::Sandbox, namespace, name, &json!({ "spec": spec }))
    }

    /// Adds a namespace with these labels; one that is there already gets them.
    pub fn add_namespace(&mut self, name: &str, labels: &[(&str, &str)]) {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let object = json!({ "metadata": { "name": name, "labels": labels } });
        if self.create_object(Kind::Namespace, object).is_err() {
            let change = json!({ "metadata": { "labels": labels } });
            self.edit_object(Kind::Namespace, "", name, &change);
        }
    }

    /// Limits a namespace: `("count/sandboxes.agents.x-k8s.io", "3")`, `("pods", "3")`, `("limits.cpu", "4")`.
    ///
    /// # Errors
    /// When the namespace is not there, or has a quota of that name.
    pub fn add_quota(&mut self, namespace: &str, name: &str, hard: &[(&str, &str)]) -> Result<(), Refused> {
        let hard: BTreeMap<&str, &str> = hard.iter().copied().collect();
        let object = json!({
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "hard": hard },
        });
        self.create_object(Kind::ResourceQuota, object).map(|_| ())
    }
}

/// Pods and nodes.
impl Cluster {
    /// What a pod of that name does from now on; a waiting one tries again at once.
    pub fn set_pod_behaviour(&mut self, namespace: &str, name: &str, behaviour: PodBehaviour) {
        let key = Key::new(namespace, name);
        self.kubelet.behaviours.insert(key.clone(), behaviour);
        if let Some(pod) = self.store.get(Kind::Pod, &key).cloned() {
            self.nudge(&pod);
        }
    }

    /// What every pod does from now on that has no behaviour of its own.
    pub fn set_default_behaviour(&mut self, behaviour: PodBehaviour) {
        self.options.pods = behaviour;
        let pods: Vec<Object> = self.store.table(Kind::Pod).objects().values().cloned().collect();
        for pod in pods {
            self.nudge(&pod);
        }
    }

    fn nudge(&mut self, pod: &Value) {
        use crate::kubelet::Step;
        let bound = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
        if !bound {
            self.pod_task(pod, 1, Step::Schedule);
        } else if pod["status"]["phase"] == "Running" {
            self.pod_task(pod, 1, Step::Ready);
        }
    }

    /// How a pod of that name ends when asked.
    pub fn set_pod_termination(&mut self, namespace: &str, name: &str, termination: Termination) {
        self.kubelet.terminations.insert(Key::new(namespace, name), termination);
    }

    /// A running pod ends by itself. Says whether there was one.
    pub fn fail_pod(&mut self, namespace: &str, name: &str, failure: PodFailure) -> bool {
        let Some(pod) = self.store.get(Kind::Pod, &Key::new(namespace, name)).cloned() else {
            return false;
        };
        let running = pod["status"]["phase"] == "Running";
        self.fail(&pod, failure);
        self.settle();
        running
    }

    /// Deletes a pod the way a drain does, within its grace period.
    pub fn delete_pod(&mut self, namespace: &str, name: &str) -> bool {
        self.delete_object(Kind::Pod, namespace, name, Propagation::Background)
    }

    /// Deletes a pod object at once, whatever runs.
    pub fn force_delete_pod(&mut self, namespace: &str, name: &str) -> bool {
        let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::in_background() };
        let deleted = self.delete(Kind::Pod, &Key::new(namespace, name), &options).is_ok();
        self.settle();
        deleted
    }

    /// Adds a node.
    pub fn add_node(&mut self, node: &NodeShape) {
        let mut labels = json!({
            "kubernetes.io/hostname": node.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        });
        for (key, value) in &node.labels {
            labels[key.as_str()] = json!(value);
        }
        let mut amounts = json!({ "cpu": "8", "memory": "32Gi", "pods": "110" });
        if node.gpus > 0 {
            amounts["nvidia.com/gpu"] = json!(node.gpus.to_string());
        }
        let object = json!({
            "metadata": { "name": node.name, "labels": labels },
            "status": {
                "capacity": amounts,
                "allocatable": amounts,
                "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
            },
        });
        let object = self.mint(Kind::Node, object);
        if self.store.get(Kind::Node, &Key::of(&object)).is_none() {
            self.store.create(Kind::Node, object);
        }
        self.settle();
    }

    /// A node is not heard from any more: its pods lose readiness now, and are evicted in five minutes.
    pub fn lose_node(&mut self, name: &str) {
        self.kubelet.lost.insert(name.to_owned());
        self.set_node_ready(name, "Unknown", "NodeStatusUnknown");
        let there: Vec<Key> = self
            .store
            .table(Kind::Pod)
            .objects()
            .iter()
            .filter(|(_, pod)| pod["spec"]["nodeName"] == name)
            .map(|(key, _)| key.clone())
            .collect();
        for key in there {
            self.change(Kind::Pod, &key, |pod| {
                for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
                    if condition["type"] == "Ready" {
                        condition["status"] = json!("False");
                        condition["reason"] = json!("NodeNotReady");
                    }
                }
            });
        }
        self.after(EVICTION_MS, Task::EvictLost { node: name.to_owned() });
        self.settle();
    }

    /// The node is back: what was to end there ends, what ran is ready again.
    pub fn recover_node(&mut self, name: &str) {
        use crate::kubelet::Step;
        self.kubelet.lost.remove(name);
        self.set_node_ready(name, "True", "KubeletReady");
        let there: Vec<Object> =
            self.store.table(Kind::Pod).objects().values().filter(|pod| pod["spec"]["nodeName"] == name).cloned().collect();
        for pod in there {
            let step = if object::is_deleting(&pod) {
                Step::Stop
            } else if pod["status"]["phase"] == "Running" {
                Step::Ready
            } else {
                Step::Accept
            };
            self.pod_task(&pod, 1, step);
        }
        self.settle();
    }

    fn set_node_ready(&mut self, name: &str, status: &str, reason: &str) {
        let conditions = json!([{ "type": "Ready", "status": status, "reason": reason }]);
        let change = json!({ "status": { "conditions": conditions } });
        self.edit_object(Kind::Node, "", name, &change);
    }
}

/// The control plane.
impl Cluster {
    /// Forgets all history: watches from the past are told 410, pages of old lists too.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    /// The API server is restarted: every watch is cut, nothing is lost.
    pub fn restart_server(&mut self) {
        self.drop_watches();
    }

    /// A copy of everything stored.
    #[must_use]
    pub fn backup(&self) -> Backup {
        let tables = Kind::ALL.into_iter().map(|kind| (kind, self.store.table(kind).objects().clone()));
        Backup { version: self.store.version(), tables: tables.collect() }
    }

    /// The store is set back to a backup: objects, and the resourceVersion with them. Watches are cut.
    pub fn restore(&mut self, backup: &Backup) {
        self.drop_watches();
        for (kind, objects) in &backup.tables {
            self.store.restore(*kind, objects.clone());
        }
        self.store.roll_back(backup.version);
        self.controller.forget_all();
        self.enqueue_all();
        self.collect_everything();
        self.remember_events();
        self.kubelet.life += 1;
        let pods: Vec<Object> = self.store.table(Kind::Pod).objects().values().cloned().collect();
        for pod in pods {
            self.resume_pod(&pod);
        }
    }

    fn resume_pod(&mut self, pod: &Value) {
        use crate::kubelet::Step;
        let bound = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
        let step = match (bound, object::is_deleting(pod), pod["status"]["phase"].as_str()) {
            (false, _, _) => Step::Schedule,
            (true, true, _) => Step::Stop,
            (true, false, Some("Running")) => Step::Ready,
            (true, false, _) => Step::Accept,
        };
        self.pod_task(pod, 1, step);
    }

    /// Installs or removes the Sandbox definition. Removing it removes every Sandbox.
    pub fn set_definition(&mut self, presence: Presence) {
        if presence == Presence::Absent {
            let keys: Vec<Key> = self.store.table(Kind::Sandbox).objects().keys().cloned().collect();
            for key in keys {
                let _ = self.delete(Kind::Sandbox, &key, &DeleteOptions::in_background());
                // Whatever held it back goes with its definition.
                self.change(Kind::Sandbox, &key, |sandbox| {
                    object::metadata_mut(sandbox).remove("finalizers");
                });
            }
        }
        self.settle();
        self.options.definition = presence;
        self.end_watches_of(Kind::Sandbox);
    }

    /// Installs another agent-sandbox release: its definition and its controller. Watches of Sandboxes end.
    pub fn set_release(&mut self, release: ControllerRelease) {
        self.end_watches_of(Kind::Sandbox);
        self.options.release = release;
        let version = convert::stored(release);
        self.store.rewrite(Kind::Sandbox, |sandbox| convert::convert(sandbox, version));
        self.store.compact_kind(Kind::Sandbox);
        self.controller.forget_all();
        self.enqueue_all();
    }

    /// Starts or stops the agent-sandbox controller.
    pub fn set_controller(&mut self, power: Power) {
        self.controller.power = power;
        self.controller.forget_all();
        if power == Power::Running {
            self.enqueue_all();
        }
    }

    /// Whether the conversion webhook answers; without it `v1alpha1` beside `v1beta1` is a 500.
    pub fn set_webhook(&mut self, power: Power) {
        self.webhook = power;
    }

    /// Starts or stops the garbage collector.
    pub fn set_garbage_collector(&mut self, power: Power) {
        self.options.garbage_collector = power;
        if power == Power::Running {
            self.collect_everything();
        }
    }

    /// Whether watches may ask for `sendInitialEvents`.
    pub fn set_streaming_lists(&mut self, presence: Presence) {
        self.options.streaming_lists = presence;
    }
}

/// Permissions.
impl Cluster {
    /// Gives a permission, besides those of the options. No effect where everyone may do everything.
    pub fn grant(&mut self, rule: Rule) {
        self.options.access.grant(rule);
    }

    /// Takes a permission away from everyone, or from the rule's user.
    pub fn revoke(&mut self, rule: Rule) {
        self.options.access.deny(rule);
    }

    /// Gives back everything [`revoke`](Self::revoke) took.
    pub fn restore_permissions(&mut self) {
        self.options.access.allow_again();
    }

    /// Accepts a token for a user from now on. No effect where any token is accepted.
    pub fn accept_token(&mut self, token: &str, user: &str) {
        self.options.access.accept(token, user);
    }

    /// Accepts a token no longer: 401.
    pub fn reject_token(&mut self, token: &str) {
        self.options.access.reject(token);
    }
}
