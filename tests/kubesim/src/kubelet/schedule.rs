//! The scheduler: a node that is ready, fits the selector and has the GPUs, or the reason there is none.

use super::Step;
use super::containers::set_condition;
use super::events::Said;
use crate::cluster::Cluster;
use crate::object;
use crate::options::PodBehaviour;
use crate::pods;
use crate::resource::Kind;
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};

const GPU: &str = "nvidia.com/gpu";
/// How long until a pod nothing fits is tried again.
const RETRY_MS: u64 = 30_000;

impl Cluster {
    pub(super) fn schedule(&mut self, pod: &Value) {
        match self.node_for(pod) {
            Ok(node) => {
                let name = format!("{}/{}", object::namespace(pod), object::name(pod));
                let message = format!("Successfully assigned {name} to {node}");
                self.bind(pod, &node);
                self.emit_from_scheduler(pod, Said::normal("Scheduled", &message));
            }
            Err(why) => {
                let now = time::rfc3339(self.now_ms);
                self.change(Kind::Pod, &Key::of(pod), |pod| {
                    set_condition(pod, "PodScheduled", "False", Some(("Unschedulable", &why)), &now);
                });
                self.emit_from_scheduler(pod, Said::warning("FailedScheduling", &why));
                self.pod_task(pod, RETRY_MS, Step::Schedule);
            }
        }
    }

    /// Assigns the pod to a node.
    pub(crate) fn bind(&mut self, pod: &Value, node: &str) {
        let now = time::rfc3339(self.now_ms);
        self.kubelet.bound = self.kubelet.bound.wrapping_add(1);
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            pod["spec"]["nodeName"] = json!(node);
            set_condition(pod, "PodScheduled", "True", None, &now);
        });
    }

    fn node_for(&self, pod: &Value) -> Result<String, String> {
        if self.behaviour(pod) == PodBehaviour::Unschedulable {
            return Err("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are \
                        available: 1 No preemption victims found for incoming pod."
                .to_owned());
        }
        for volume in object::items(&pod["spec"]["volumes"]) {
            let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() else { continue };
            let key = Key::new(object::namespace(pod), claim);
            if self.store.get(Kind::PersistentVolumeClaim, &key).is_none() {
                return Err(format!("persistentvolumeclaim \"{claim}\" not found"));
            }
        }
        let nodes: Vec<&str> = self.store.table(Kind::Node).objects().keys().map(|key| key.name.as_str()).collect();
        let mut reasons: Vec<&'static str> = Vec::new();
        let turn = usize::try_from(self.kubelet.bound).unwrap_or(0);
        for offset in 0..nodes.len() {
            let Some(name) = nodes.get((turn + offset) % nodes.len()) else { continue };
            match self.unfit(name, pod) {
                None => return Ok((*name).to_owned()),
                Some(reason) => reasons.push(reason),
            }
        }
        reasons.sort_unstable();
        let mut told: Vec<String> = Vec::new();
        for reason in &reasons {
            let count = reasons.iter().filter(|other| other == &reason).count();
            let sentence = format!("{count} {reason}");
            if !told.contains(&sentence) {
                told.push(sentence);
            }
        }
        let all = nodes.len();
        Err(format!(
            "0/{all} nodes are available: {}. preemption: 0/{all} nodes are available: {all} Preemption \
             is not helpful for scheduling.",
            told.join(", ")
        ))
    }

    fn unfit(&self, name: &str, pod: &Value) -> Option<&'static str> {
        let node = self.store.get(Kind::Node, &Key::new("", name))?;
        if self.kubelet.lost.contains(name) {
            return Some("node(s) had untolerated taint(s)");
        }
        if node["spec"]["unschedulable"] == true {
            return Some("node(s) were unschedulable");
        }
        let selector = pod["spec"]["nodeSelector"].as_object().into_iter().flatten();
        for (key, wanted) in selector {
            if object::label(node, key) != wanted.as_str() {
                return Some("node(s) didn't match Pod's node affinity/selector");
            }
        }
        let wanted = gpus(pod);
        if wanted > 0.0 {
            let there = pods::amount(&node["status"]["allocatable"][GPU]).unwrap_or(0.0);
            let objects = self.store.table(Kind::Pod).objects();
            let taken: f64 = objects
                .values()
                .filter(|other| other["spec"]["nodeName"] == name)
                .filter(|other| !matches!(other["status"]["phase"].as_str(), Some("Succeeded" | "Failed")))
                .map(|other| gpus(other))
                .sum();
            if taken + wanted > there {
                return Some("Insufficient nvidia.com/gpu");
            }
        }
        None
    }
}

fn gpus(pod: &Value) -> f64 {
    object::items(&pod["spec"]["containers"]).iter().filter_map(|container| pods::amount(&container["resources"]["limits"][GPU])).sum()
}
