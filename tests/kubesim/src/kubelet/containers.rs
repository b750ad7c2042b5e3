//! The parts of a pod's status: conditions and container statuses.

use crate::object;
use serde_json::{Value, json};

/// A container among all of a pod's, init containers first.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub name: String,
    pub image: String,
    pub role: Role,
    pub always_pulled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs to its end before the next begins.
    Init,
    /// An init container that keeps running.
    Sidecar,
    Main,
}

impl Container {
    /// `spec.containers{name}`
    pub fn field_path(&self) -> String {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        format!("spec.{list}{{{}}}", self.name)
    }

    pub fn statuses(&self) -> &'static str {
        if self.role == Role::Main { "containerStatuses" } else { "initContainerStatuses" }
    }
}

pub(super) fn all(pod: &Value) -> Vec<Container> {
    let make = |container: &Value, role: Role| Container {
        name: container["name"].as_str().unwrap_or_default().to_owned(),
        image: container["image"].as_str().unwrap_or_default().to_owned(),
        role,
        always_pulled: container["imagePullPolicy"] == "Always",
    };
    let init = object::items(&pod["spec"]["initContainers"]).iter().map(|container| {
        let stays = container["restartPolicy"] == "Always";
        make(container, if stays { Role::Sidecar } else { Role::Init })
    });
    let main = object::items(&pod["spec"]["containers"]).iter();
    init.chain(main.map(|container| make(container, Role::Main))).collect()
}

/// Sets a pod condition; its time moves only with its status.
pub(super) fn set_condition(pod: &mut Value, kind: &str, status: &str, why: Option<(&str, &str)>, now: &str) {
    let conditions = object::map_mut(&mut pod["status"]).entry("conditions").or_insert_with(|| json!([]));
    let Value::Array(list) = conditions else { return };
    let mut written = json!({
        "type": kind,
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    if let Some((reason, message)) = why {
        written["reason"] = json!(reason);
        if !message.is_empty() {
            written["message"] = json!(message);
        }
    }
    match list.iter_mut().find(|held| held["type"] == kind) {
        Some(held) => {
            if held["status"] == written["status"] {
                written["lastTransitionTime"] = held["lastTransitionTime"].clone();
            }
            *held = written;
        }
        None => list.push(written),
    }
}

/// A container that has not started, and why.
pub(super) fn waiting(container: &Container, reason: &str, message: &str) -> Value {
    let mut state = json!({ "reason": reason });
    if !message.is_empty() {
        state["message"] = json!(message);
    }
    json!({
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "ready": false,
        "started": false,
        "restartCount": 0,
        "lastState": {},
        "state": { "waiting": state },
    })
}

/// Changes one container's status.
pub(super) fn update(pod: &mut Value, container: &Container, change: impl FnOnce(&mut Value)) {
    let list = &mut pod["status"][container.statuses()];
    if let Some(status) = list.as_array_mut().into_iter().flatten().find(|status| status["name"] == container.name.as_str()) {
        change(status);
    }
}

pub(super) fn running(status: &mut Value, container: &Container, uid: &str, now: &str) {
    let id = format!("containerd://{}-{}", uid, container.name);
    status["containerID"] = json!(id);
    status["imageID"] = json!(container.image);
    status["started"] = json!(true);
    status["state"] = json!({ "running": { "startedAt": now } });
}

pub(super) fn terminated(status: &mut Value, exit_code: u8, reason: &str, now: &str) {
    let started = status["state"]["running"]["startedAt"].clone();
    let id = status["containerID"].clone();
    status["ready"] = json!(false);
    status["started"] = json!(false);
    status["state"] = json!({ "terminated": {
        "exitCode": exit_code,
        "reason": reason,
        "startedAt": started,
        "finishedAt": now,
        "containerID": id,
    } });
}
