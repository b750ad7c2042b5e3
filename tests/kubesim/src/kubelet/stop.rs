//! How a pod ends: by itself, by its owner's wish, or with its node.

use super::Step;
use super::containers::{self, Role, set_condition};
use super::events::Said;
use super::start::set_unready;
use crate::cluster::Cluster;
use crate::delete::DeleteOptions;
use crate::object;
use crate::options::{PodFailure, Termination};
use crate::resource::Kind;
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};

/// From the last process's end to the object's.
const LETS_GO_MS: u64 = 20;
/// The exit codes of a process that heeded SIGTERM, and of one that did not.
const TERMINATED: u8 = 143;
const KILLED: u8 = 137;

impl Cluster {
    /// A container of a running pod ends, or the kubelet evicts the pod.
    pub(crate) fn fail(&mut self, pod: &Value, failure: PodFailure) {
        if pod["status"]["phase"] != "Running" {
            return;
        }
        let (code, reason) = match failure {
            PodFailure::Evicted => return self.evict_by_kubelet(pod),
            PodFailure::OutOfMemory => (KILLED, "OOMKilled"),
            PodFailure::Exited(0) => (0, "Completed"),
            PodFailure::Exited(code) => (code, "Error"),
        };
        let policy = pod["spec"]["restartPolicy"].as_str().unwrap_or("Always");
        let restarts = policy == "Always" || (policy == "OnFailure" && code != 0);
        if restarts {
            self.restart_containers(pod, code, reason);
        } else {
            self.end_containers(pod, code, reason);
        }
    }

    fn restart_containers(&mut self, pod: &Value, code: u8, reason: &str) {
        let now = time::rfc3339(self.now_ms);
        let all = containers::all(pod);
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            for container in all.iter().filter(|container| container.role == Role::Main) {
                containers::update(pod, container, |status| {
                    let count = status["restartCount"].as_u64().unwrap_or(0) + 1;
                    containers::terminated(status, code, reason, &now);
                    status["lastState"] = status["state"].take();
                    status["state"] = json!({ "running": { "startedAt": now } });
                    status["started"] = json!(true);
                    status["restartCount"] = json!(count);
                });
            }
            set_unready(pod, &all, &now);
        });
        self.pod_task(pod, self.options.pace.ready_ms, Step::Ready);
    }

    /// Every main container has ended: the pod is over.
    fn end_containers(&mut self, pod: &Value, code: u8, reason: &str) {
        let now = time::rfc3339(self.now_ms);
        let all = containers::all(pod);
        let (phase, why) = if code == 0 { ("Succeeded", "PodCompleted") } else { ("Failed", "PodFailed") };
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            pod["status"]["phase"] = json!(phase);
            for container in all.iter().filter(|container| container.role != Role::Init) {
                containers::update(pod, container, |status| {
                    containers::terminated(status, code, reason, &now);
                });
            }
            for kind in ["Ready", "ContainersReady"] {
                set_condition(pod, kind, "False", Some((why, "")), &now);
            }
        });
    }

    fn evict_by_kubelet(&mut self, pod: &Value) {
        let message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: \
                       63Mi. Container agent was using 912Mi, request is 256Mi, has larger consumption \
                       of memory. ";
        self.emit_from_kubelet(pod, Said::warning("Evicted", message));
        let now = time::rfc3339(self.now_ms);
        let all = containers::all(pod);
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            pod["status"]["phase"] = json!("Failed");
            pod["status"]["reason"] = json!("Evicted");
            pod["status"]["message"] = json!(message);
            for container in all.iter().filter(|container| container.role != Role::Init) {
                containers::update(pod, container, |status| {
                    containers::terminated(status, KILLED, "Error", &now);
                });
            }
            set_condition(pod, "DisruptionTarget", "True", Some(("TerminationByKubelet", message)), &now);
            for kind in ["Ready", "ContainersReady"] {
                set_condition(pod, kind, "False", Some(("PodFailed", "")), &now);
            }
        });
    }

    /// The pod is asked to end, or to end sooner.
    pub(super) fn stop(&mut self, pod: &Value) {
        let grace_ms = pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0).saturating_mul(1000);
        let running = pod["status"]["phase"] == "Running";
        if running {
            for container in containers::all(pod) {
                if container.role == Role::Main {
                    let message = format!("Stopping container {}", container.name);
                    let path = container.field_path();
                    self.emit_from_kubelet(pod, Said::normal("Killing", &message).of(&path));
                }
            }
        }
        let (wait, forced) = match self.termination(pod) {
            _ if !running => (LETS_GO_MS, false),
            Termination::After(ms) if ms <= grace_ms => (ms, false),
            Termination::After(_) | Termination::FullGrace => (grace_ms, true),
            Termination::Never => return,
        };
        self.pod_task(pod, wait, Step::Stopped { forced });
    }

    pub(super) fn stopped(&mut self, pod: &Value, forced: bool) {
        if pod["status"]["phase"] == "Running" {
            let code = if forced { KILLED } else { TERMINATED };
            self.end_containers(pod, code, "Error");
        }
        self.pod_task(pod, LETS_GO_MS, Step::Gone);
    }

    pub(super) fn gone(&mut self, pod: &Value) {
        if !object::is_deleting(pod) {
            return;
        }
        let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::default() };
        // It may be gone already, which is what is wanted.
        let _ = self.delete(Kind::Pod, &Key::of(pod), &options);
    }

    /// Pods on a node that stays away are asked to go; nobody there hears it.
    pub(crate) fn evict_lost(&mut self, node: &str) {
        if !self.kubelet.lost.contains(node) {
            return;
        }
        let there: Vec<Key> = self
            .store
            .table(Kind::Pod)
            .objects()
            .iter()
            .filter(|(_, pod)| pod["spec"]["nodeName"] == node && !object::is_deleting(pod))
            .map(|(key, _)| key.clone())
            .collect();
        for key in there {
            let _ = self.delete(Kind::Pod, &key, &DeleteOptions::default());
        }
    }
}
