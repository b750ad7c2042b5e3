//! How far the pod of a sandbox is on its way into life.
//!
//! The user's command gives up when it has heard of no progress for five minutes (gateway.md §3.9), and much of what a pod waits for takes longer
//! without an Event in between: a node that is bought, a large image. So while a pod waits for what comes by itself, that is said again every
//! minute; and where Events cannot be seen at all, each step is told as the pod's status shows it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Cluster;
use super::pods::{ORDINARY, Sight, sentence};
use super::sandbox::{Life, Observed};
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::truncate;
use crate::core::kube::pod::{ContainerStatus, Phase, Pod};
use crate::core::kube::sandbox::OperatingMode;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::territory::ObjectKey;
use crate::core::time::{Mono, Wall};
use crate::core::turn::{Timer, Turn};

/// Steps of a sandbox's birth, as the gateway names them.
pub mod step {
    /// Until a node is found.
    pub const REQUESTING: &str = "requesting_sandbox";
    /// Volumes, images, init containers.
    pub const PULLING: &str = "pulling_image";
    /// The main container runs, and is not ready.
    pub const STARTING: &str = "starting_sandbox";
}

/// Metadata keys of progress, as the gateway names them.
pub mod progress {
    /// A step that is over.
    pub const COMPLETE_STEP: &str = "openshell.progress.complete_step";
    /// What is shown of it.
    pub const COMPLETE_LABEL: &str = "openshell.progress.complete_label";
    /// The step that has begun.
    pub const ACTIVE_STEP: &str = "openshell.progress.active_step";
    /// What is shown beside it.
    pub const ACTIVE_DETAIL: &str = "openshell.progress.active_detail";
}

/// The container that is the sandbox.
const MAIN: &str = "agent";

/// How far a pod is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Birth {
    /// It waits for a node.
    Unscheduled(String),
    /// It waits for its volumes and images, or for an init container.
    Preparing(String),
    /// Its main container runs, but not everything in it is ready.
    Starting(String),
    /// It does not wait for anything that comes by itself: it is ready, has ended, is on its way out, or something must be mended.
    Settled,
}

impl Birth {
    /// Reads it from a pod's status.
    #[must_use]
    pub fn of(pod: &Pod) -> Self {
        let status = &pod.status;
        let condition = |kind: &str| status.conditions.iter().find(|condition| condition.kind == kind);
        let is = |kind: &str, wanted: &str| condition(kind).is_some_and(|condition| condition.status == wanted);
        if pod.metadata.deletion_timestamp.is_some() || !matches!(status.phase, Phase::Pending | Phase::Running) || is("Ready", "True") {
            return Self::Settled;
        }
        if !is("PodScheduled", "True") {
            let why = condition("PodScheduled").map(|condition| sentence(&condition.reason, &condition.message));
            return Self::Unscheduled(why.filter(|why| !why.is_empty()).unwrap_or_else(|| "waiting for the scheduler".into()));
        }
        let stuck = |container: &ContainerStatus| {
            let waits = container.state.waiting.as_ref().is_some_and(|waiting| !ORDINARY.contains(&waiting.reason.as_str()));
            waits || container.state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
        };
        if status.init_container_statuses.iter().chain(&status.container_statuses).any(stuck) {
            return Self::Settled;
        }
        if status.container_statuses.iter().any(|container| container.name == MAIN && container.state.running.is_some()) {
            let all = status.init_container_statuses.iter().chain(&status.container_statuses);
            let late = all.filter(|container| container.state.running.is_some() && !container.ready).map(|container| &*container.name);
            let late: Vec<&str> = late.collect();
            return Self::Starting(match late.as_slice() {
                [] => "waiting for the pod to become ready".into(),
                late => format!("waiting for {} to become ready", late.join(" and ")),
            });
        }
        // A native sidecar is an init container that runs on; once it is ready the next one's turn has come.
        let running = status.init_container_statuses.iter().find(|container| container.state.running.is_some() && !container.ready);
        Self::Preparing(running.map_or_else(
            || "attaching volumes and pulling images".into(),
            |container| format!("init container {} is running", container.name),
        ))
    }

    const fn step(&self) -> Option<&'static str> {
        match self {
            Self::Unscheduled(_) => Some(step::REQUESTING),
            Self::Preparing(_) => Some(step::PULLING),
            Self::Starting(_) => Some(step::STARTING),
            Self::Settled => None,
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::Unscheduled(detail) | Self::Preparing(detail) | Self::Starting(detail) => detail,
            Self::Settled => "",
        }
    }

    /// What is over when this step has begun, and what is shown of it.
    const fn completes(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Preparing(_) => Some((step::REQUESTING, "Sandbox allocated")),
            Self::Starting(_) => Some((step::PULLING, "Image pulled")),
            Self::Unscheduled(_) | Self::Settled => None,
        }
    }
}

/// Why progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// Another step has begun.
    Begun,
    /// It is still the same.
    Lasting,
}

/// Sandboxes on their way into life.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Births(BTreeMap<SandboxId, Waiting>);

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    step: Cow<'static, str>,
    since: Mono,
}

impl Cluster {
    /// Follows the pod of a sandbox, which may have changed.
    pub(super) fn follow_birth(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        let Some(observed) = self.store.get(key) else { return };
        let birth = match self.seen_pods.of(&observed.pod, &observed.uid) {
            Sight::Present(pod) if observed.life == Life::Alive && observed.mode == OperatingMode::Running => &pod.birth,
            _ => &Birth::Settled,
        };
        let Some(step) = birth.step() else {
            self.births.0.remove(&observed.id);
            return;
        };
        let now = turn.now();
        if self.births.0.get(&observed.id).is_some_and(|waiting| waiting.step == step) {
            return;
        }
        let is_first = self.births.0.is_empty();
        self.births.0.insert(observed.id.clone(), Waiting { step: step.into(), since: now.mono });
        if is_first {
            turn.set(Timer::Births, now.mono.after(limits::PROGRESS_EVERY));
        }
        // Where Events are seen, they say this better.
        if self.events.heard_at().is_none() {
            let event = told(birth, Occasion::Begun, now.wall, observed);
            self.streams.happened(now.mono, event);
        }
    }

    /// Says again what the waiting wait for.
    pub fn tell_births(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now();
        let ids: Vec<SandboxId> = self.births.0.keys().cloned().collect();
        for id in ids {
            let lasting = self.births.0.get(&id).is_some_and(|waiting| now.mono.since(waiting.since) < limits::PROGRESS_PATIENCE);
            let observed = self.store.find(&id);
            let (Some(observed), true) = (observed, lasting) else {
                self.births.0.remove(&id);
                continue;
            };
            if let Sight::Present(pod) = self.seen_pods.of(&observed.pod, &observed.uid)
                && pod.birth.step().is_some()
            {
                let event = told(&pod.birth, Occasion::Lasting, now.wall, observed);
                self.streams.happened(now.mono, event);
            }
        }
        if !self.births.0.is_empty() {
            turn.set(Timer::Births, now.mono.after(limits::PROGRESS_EVERY));
        }
    }
}

/// Progress as the gateway takes it.
fn told(birth: &Birth, occasion: Occasion, now: Wall, observed: &Observed) -> pb::WatchSandboxesPlatformEvent {
    let mut detail = birth.detail().to_owned();
    truncate(&mut detail, limits::PROGRESS_DETAIL_MAX);
    let mut metadata = BTreeMap::from([
        ("involved_kind".to_owned(), "Pod".to_owned()),
        ("involved_name".to_owned(), observed.pod.name().as_str().to_owned()),
        (progress::ACTIVE_STEP.to_owned(), birth.step().unwrap_or_default().to_owned()),
        (progress::ACTIVE_DETAIL.to_owned(), detail.clone()),
    ]);
    if let (Occasion::Begun, Some((step, label))) = (occasion, birth.completes()) {
        metadata.insert(progress::COMPLETE_STEP.to_owned(), step.to_owned());
        metadata.insert(progress::COMPLETE_LABEL.to_owned(), label.to_owned());
    }
    let event = pb::DriverPlatformEvent {
        timestamp_ms: now.0,
        event_time: None,
        source: SOURCE.into(),
        r#type: "Normal".into(),
        reason: match occasion {
            Occasion::Begun => "Progress",
            Occasion::Lasting => "StillWaiting",
        }
        .into(),
        message: detail,
        metadata,
    };
    pb::WatchSandboxesPlatformEvent { sandbox_id: observed.id.as_str().into(), event: Some(event) }
}

/// Who says what no Event of Kubernetes says.
pub const SOURCE: &str = "openshell-driver-kyma";

#[cfg(test)]
mod tests {
    use super::*;

    fn birth(status: &str) -> Result<Birth, serde_json::Error> {
        let pod: Pod = serde_json::from_str(&format!(r#"{{"metadata":{{"name":"p","uid":"u"}},"status":{status}}}"#))?;
        Ok(Birth::of(&pod))
    }

    const SCHEDULED: &str = r#"{"type":"PodScheduled","status":"True"}"#;

    #[test]
    fn a_pod_waits_for_a_node_then_for_images_then_for_its_containers() -> Result<(), serde_json::Error> {
        let unscheduled = r#"{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes"}]}"#;
        assert_eq!(birth(unscheduled)?, Birth::Unscheduled("Unschedulable: 0/3 nodes".into()));
        let creating = format!(
            r#"{{"conditions":[{SCHEDULED}],"containerStatuses":[{{"name":"agent","state":{{"waiting":{{"reason":"ContainerCreating"}}}}}}]}}"#
        );
        assert!(matches!(birth(&creating)?, Birth::Preparing(_)));
        let starting = format!(
            r#"{{"phase":"Running","conditions":[{SCHEDULED}],"containerStatuses":[{{"name":"agent","ready":true,"state":{{"running":{{}}}}}},
                {{"name":"istio-proxy","ready":false,"state":{{"running":{{}}}}}}]}}"#
        );
        assert_eq!(birth(&starting)?, Birth::Starting("waiting for istio-proxy to become ready".into()));
        Ok(())
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_no_progress() -> Result<(), serde_json::Error> {
        let stuck = format!(
            r#"{{"conditions":[{SCHEDULED}],"containerStatuses":[{{"name":"agent","state":{{"waiting":{{"reason":"ImagePullBackOff"}}}}}}]}}"#
        );
        assert_eq!(birth(&stuck)?, Birth::Settled);
        Ok(())
    }
}
