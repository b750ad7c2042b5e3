//! The conditions of a Sandbox, by release.

use super::pod::Found;
use super::{Pass, is_suspended, owned_by};
use crate::cluster::Cluster;
use crate::object;
use crate::options::ControllerRelease;
use crate::time;
use serde_json::{Value, json};

/// A condition before it has a time.
struct Condition {
    kind: &'static str,
    status: String,
    reason: String,
    message: String,
}

impl Condition {
    fn new(kind: &'static str, status: &str, reason: &str, message: &str) -> Self {
        Self { kind, status: status.to_owned(), reason: reason.to_owned(), message: message.to_owned() }
    }
}

pub(super) fn multiple_pods(count: usize) -> String {
    format!("multiple Pods ({count}) are controlled by this Sandbox; refusing to choose or create a Pod")
}

impl Cluster {
    pub(super) fn set_conditions(&self, pass: &mut Pass, errors: &[String], found: &Found, service: Option<&Value>) {
        let release = self.options.release;
        let suspended = is_suspended(&pass.sandbox);
        let mut conditions = Vec::new();
        match release {
            ControllerRelease::V0_4_6 => {}
            ControllerRelease::V0_5_0 | ControllerRelease::V0_5_3 => {
                // Said too early, and never taken back.
                if suspended && errors.is_empty() {
                    conditions.push(Condition::new("Suspended", "True", "PodTerminated", "Pod has been terminated. Sandbox is suspended"));
                }
            }
            ControllerRelease::V0_5_4 | ControllerRelease::V0_5_6 => {
                conditions.push(suspension(&pass.sandbox, suspended, found));
            }
        }
        conditions.extend(finished(&pass.sandbox, release, found));
        if release >= ControllerRelease::V0_5_6 {
            conditions.extend(scheduling(&pass.sandbox, found));
        }
        conditions.push(readiness(&pass.sandbox, release, errors, found, service));
        for kind in ["Finished", "PodScheduled"] {
            if conditions.iter().all(|condition| condition.kind != kind) {
                remove(&mut pass.status, kind);
            }
        }
        let generation = object::generation(&pass.sandbox);
        for condition in conditions {
            set(&mut pass.status, &condition, generation, self.now_ms);
        }
    }

    /// Ready=False/SandboxExpired; the mirrored scheduling condition goes, `Finished` stays.
    pub(super) fn set_expired(&self, pass: &mut Pass) {
        let condition = Condition::new("Ready", "False", "SandboxExpired", "Sandbox has expired");
        set(&mut pass.status, &condition, object::generation(&pass.sandbox), self.now_ms);
        remove(&mut pass.status, "PodScheduled");
    }
}

/// Sets a condition in place or adds it; its time moves only when its status does.
fn set(status: &mut Value, condition: &Condition, generation: u64, now_ms: u64) {
    let list = object::map_mut(status).entry("conditions").or_insert_with(|| json!([]));
    let Value::Array(list) = list else { return };
    let mut written = json!({
        "type": condition.kind,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": time::rfc3339(now_ms),
    });
    match list.iter_mut().find(|held| held["type"] == condition.kind) {
        Some(held) => {
            if held["status"] == written["status"] {
                written["lastTransitionTime"] = held["lastTransitionTime"].clone();
            }
            *held = written;
        }
        None => list.push(written),
    }
}

fn remove(status: &mut Value, kind: &str) {
    if let Some(Value::Array(list)) = status.get_mut("conditions") {
        list.retain(|held| held["type"] != kind);
    }
}

fn suspension(sandbox: &Value, suspended: bool, found: &Found) -> Condition {
    let condition = |status, reason, message| Condition::new("Suspended", status, reason, message);
    if !suspended {
        return condition("False", "NotSuspended", "Sandbox is not suspended");
    }
    match found.pod() {
        None if found.error().is_some() || matches!(found, Found::Multiple(_)) => {
            condition("Unknown", "PodStateUnknown", "Pod state is unknown. Sandbox suspension cannot be confirmed")
        }
        None => condition("True", "PodTerminated", "Pod has been terminated. Sandbox is suspended"),
        Some(pod) if !owned_by(pod, sandbox) => {
            condition("False", "PodNotOwned", "Refused to delete pod because it is not owned by this sandbox")
        }
        Some(_) => condition("False", "PodTerminating", "Pod is terminating. Sandbox is suspending"),
    }
}

/// The end of a pod, as reason and message.
fn end_of(pod: &Value) -> Option<(&'static str, &'static str)> {
    match pod["status"]["phase"].as_str() {
        Some("Succeeded") => Some(("PodSucceeded", "Pod completed successfully")),
        Some("Failed") => Some(("PodFailed", "Pod failed")),
        _ => None,
    }
}

fn finished(sandbox: &Value, release: ControllerRelease, found: &Found) -> Option<Condition> {
    let pod = found.pod()?;
    if release >= ControllerRelease::V0_5_4 && !owned_by(pod, sandbox) {
        return None;
    }
    let (reason, message) = end_of(pod)?;
    Some(Condition::new("Finished", "True", reason, message))
}

fn scheduling(sandbox: &Value, found: &Found) -> Option<Condition> {
    let unknown = |message| Some(Condition::new("PodScheduled", "Unknown", "PodSchedulingUnknown", message));
    let Some(pod) = found.pod() else {
        if found.error().is_some() || matches!(found, Found::Multiple(_)) {
            return unknown("Pod state is unknown. Pod scheduling cannot be determined");
        }
        return None;
    };
    if !owned_by(pod, sandbox) {
        return None;
    }
    let held = object::items(&pod["status"]["conditions"]).iter().find(|condition| condition["type"] == "PodScheduled");
    let Some(held) = held else {
        return unknown("Pod has not reported a PodScheduled condition yet");
    };
    let status = held["status"].as_str().unwrap_or("Unknown");
    let reason = match held["reason"].as_str() {
        Some(reason) if !reason.is_empty() => reason,
        _ if status == "True" => "PodScheduled",
        _ => "PodSchedulingUnknown",
    };
    let message = held["message"].as_str().unwrap_or_default();
    Some(Condition::new("PodScheduled", status, reason, message))
}

fn readiness(sandbox: &Value, release: ControllerRelease, errors: &[String], found: &Found, service: Option<&Value>) -> Condition {
    let not_ready = |reason: &str, message: &str| Condition::new("Ready", "False", reason, message);
    if let Found::Multiple(count) = found {
        return not_ready("MultiplePods", &multiple_pods(*count));
    }
    if !errors.is_empty() {
        return not_ready("ReconcilerError", &format!("Error seen: {}", errors.join("\n")));
    }
    let suspended = is_suspended(sandbox);
    let pod = found.pod();
    if suspended && release >= ControllerRelease::V0_5_0 {
        let message = if pod.is_some() { "Sandbox is suspending" } else { "Sandbox is suspended" };
        return not_ready("SandboxSuspended", message);
    }
    if let Some((reason, message)) = pod.and_then(end_of)
        && release > ControllerRelease::V0_5_0
    {
        return not_ready(reason, message);
    }
    let (mut message, pod_ready) = match pod {
        Some(pod) => pod_readiness(pod),
        None if suspended => ("Pod does not exist, replicas is 0".to_owned(), true),
        None => ("Pod does not exist".to_owned(), false),
    };
    let service_required = sandbox["spec"]["service"].as_bool().unwrap_or(service.is_some());
    let service_ready = !service_required || service.is_some();
    if service_required {
        let found = service.is_some();
        message.push_str(if found { "; Service Exists" } else { "; Service does not exist" });
    }
    if pod_ready && service_ready {
        Condition::new("Ready", "True", "DependenciesReady", &message)
    } else {
        not_ready("DependenciesNotReady", &message)
    }
}

fn pod_readiness(pod: &Value) -> (String, bool) {
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    if phase != "Running" {
        return (format!("Pod exists with phase: {phase}"), false);
    }
    let ready =
        object::items(&pod["status"]["conditions"]).iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let addressed = !object::items(&pod["status"]["podIPs"]).is_empty();
    match (ready, addressed) {
        (true, true) => ("Pod is Ready".to_owned(), true),
        (true, false) => ("Pod is Ready but has no podIPs yet".to_owned(), false),
        (false, _) => ("Pod is Running but not Ready".to_owned(), false),
    }
}
