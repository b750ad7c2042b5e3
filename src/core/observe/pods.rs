//! Pods of Sandboxes, as far as they say more than their Sandbox does: that they are on their way out, and why they do not get anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::birth::Birth;
use super::memory::Memory;
use super::sandbox::Life;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::pod::{ContainerStatus, Phase, Pod, Terminated};
use crate::core::limits;
use crate::core::names::{ObjectName, Uid};
use crate::core::territory::{ObjectKey, Territory};
use crate::core::time::Mono;

/// Every pod observed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pods {
    // Boxed, as in the store.
    by_key: BTreeMap<ObjectKey, Box<SeenPod>>,
    knowledge: Knowledge,
    /// Sandboxes whose pod was there and has gone, until they have another, or their controller has noticed.
    bereft: Memory<Uid>,
}

impl Default for Pods {
    fn default() -> Self {
        let bereft = Memory::new(limits::DEPARTED_AGE, limits::DEPARTED_MAX);
        Self { by_key: BTreeMap::new(), knowledge: Knowledge::None, bereft }
    }
}

/// Whether absence means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Knowledge {
    /// Nothing has been listed, or nothing heard for too long.
    None,
    /// Everything has.
    Whole,
}

/// What is kept of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPod {
    /// Its UID.
    pub uid: Uid,
    /// The UID of the Sandbox that controls it.
    pub controller: Option<Uid>,
    /// Whether it is on its way out.
    pub life: Life,
    /// When it was created, RFC 3339.
    pub created: String,
    /// Of a pod on its way out: who must agree before it is gone.
    pub finalizers: Vec<String>,
    /// Why it does not get anywhere, or how it ended.
    pub trouble: Option<Trouble>,
    /// Why it is to go, where the one who wants it has said so.
    pub disruption: Option<String>,
    /// How far it is.
    pub birth: Birth,
    version: ResourceVersion,
}

/// What is known of the pod of a Sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// Pods are not observed.
    Unknown,
    /// It has none.
    Absent,
    /// It had one, which is gone.
    Gone,
    /// It has this one.
    Present(&'a SeenPod),
}

impl Pods {
    /// The pod of this name, if the Sandbox of this UID controls it.
    #[must_use]
    pub fn of(&self, key: &ObjectKey, sandbox: &Uid) -> Sight<'_> {
        match (self.by_key.get(key).filter(|pod| pod.controller.as_ref() == Some(sandbox)), self.knowledge) {
            (Some(pod), _) => Sight::Present(pod),
            (None, Knowledge::Whole) if self.bereft.holds(sandbox) => Sight::Gone,
            (None, Knowledge::Whole) => Sight::Absent,
            (None, Knowledge::None) => Sight::Unknown,
        }
    }

    /// A pod by its key.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&SeenPod> {
        self.by_key.get(key).map(|pod| &**pod)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Whether absence means anything.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.knowledge == Knowledge::Whole
    }

    /// Nothing has been heard for too long: what was known is not believed any more. Says whether anything was.
    pub fn forget_all(&mut self) -> bool {
        let knew = self.are_known();
        *self = Self::default();
        knew
    }

    /// Takes a pod, unless a later word of it is already here. Says which pod has changed in what we keep.
    pub fn put(&mut self, territory: &Territory, pod: &Pod) -> Option<ObjectKey> {
        let key = key(territory, pod)?;
        let seen = SeenPod::of(pod);
        if let Some(controller) = &seen.controller {
            self.bereft.remove(controller);
        }
        match self.by_key.get_mut(&key) {
            Some(known) if seen.version.older_than(&known.version) => None,
            Some(known) => {
                known.version.clone_from(&seen.version);
                let same = **known == seen;
                **known = seen;
                (!same).then_some(key)
            }
            None => {
                self.by_key.insert(key.clone(), Box::new(seen));
                Some(key)
            }
        }
    }

    /// The controller says that this Sandbox is not ready. When it calls it ready again, that is not about a pod of which it does not know that
    /// it is gone.
    pub fn is_missed(&mut self, sandbox: &Uid) {
        self.bereft.remove(sandbox);
    }

    /// Forgets a pod, unless another of the same name has taken its place. Says whose it was.
    pub fn remove(&mut self, territory: &Territory, now: Mono, pod: &Pod) -> Option<(ObjectKey, SeenPod)> {
        let key = key(territory, pod)?;
        self.by_key.get(&key).filter(|known| known.uid.as_str() == pod.metadata.uid)?;
        let gone = self.by_key.remove(&key)?;
        if let Some(controller) = &gone.controller {
            self.bereft.add(now, controller.clone());
        }
        Some((key, *gone))
    }

    /// Takes a whole list.
    pub fn replace(&mut self, territory: &Territory, now: Mono, listed: &[Pod]) {
        let before = std::mem::take(&mut self.by_key);
        self.knowledge = Knowledge::Whole;
        for pod in listed {
            self.put(territory, pod);
        }
        let with_pods: BTreeSet<&Uid> = self.by_key.values().filter_map(|pod| pod.controller.as_ref()).collect();
        for controller in before.into_values().filter_map(|pod| pod.controller).filter(|controller| !with_pods.contains(controller)) {
            self.bereft.add(now, controller);
        }
    }
}

impl SeenPod {
    fn of(pod: &Pod) -> Self {
        let life = if pod.metadata.deletion_timestamp.is_some() { Life::Deleting } else { Life::Alive };
        Self {
            uid: Uid::new(pod.metadata.uid.clone()),
            controller: pod.controller().map(|uid| Uid::new(uid.to_owned())),
            life,
            created: pod.metadata.creation_timestamp.clone(),
            finalizers: if life == Life::Deleting { pod.metadata.finalizers.clone() } else { Vec::new() },
            trouble: trouble(pod),
            disruption: disruption(pod),
            birth: Birth::of(pod),
            version: pod.metadata.resource_version.clone(),
        }
    }
}

/// Where a pod is, if that is a namespace of ours.
fn key(territory: &Territory, pod: &Pod) -> Option<ObjectKey> {
    territory.recognise(&pod.metadata.namespace, ObjectName::parse(&pod.metadata.name).ok()?)
}

/// Why a pod does not get anywhere, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// For programs, such as `ImagePullBackOff`; empty where nobody gave one.
    pub reason: String,
    /// The whole of it, for people.
    pub told: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

/// Waiting for these is nothing out of the ordinary.
pub(super) const ORDINARY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The most telling thing a pod says about why it is not ready.
#[must_use]
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    let trouble = |reason: &str, told: String| Trouble { reason: reason.to_owned(), told };
    let status = &pod.status;
    if status.phase == Phase::Failed && !status.reason.is_empty() {
        return Some(trouble(&status.reason, sentence(&status.reason, &status.message)));
    }
    let containers = || status.init_container_statuses.iter().chain(&status.container_statuses);
    let waiting = |container: &ContainerStatus| {
        let waiting = container.state.waiting.as_ref().filter(|waiting| !ORDINARY.contains(&waiting.reason.as_str()))?;
        let before = container.last_state.terminated.as_ref().filter(|ended| ended.exit_code != 0);
        let before = before.map_or_else(String::new, |ended| format!("; before, {}", end_of(container, ended)));
        (!waiting.reason.is_empty()).then(|| trouble(&waiting.reason, sentence(&waiting.reason, &waiting.message) + &before))
    };
    let ended = |container: &ContainerStatus| {
        let ended = container.state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
        Some(trouble(&ended.reason, end_of(container, ended)))
    };
    let unscheduled = || {
        let condition = status.conditions.iter().find(|condition| condition.kind == "PodScheduled" && condition.status == "False")?;
        Some(trouble(&condition.reason, sentence(&condition.reason, &condition.message)))
    };
    // A sidecar whose mesh is not there runs and is never ready; an init container runs and is not ready until it is done.
    let late = || {
        let late = status.container_statuses.iter().find(|container| container.state.running.is_some() && !container.ready)?;
        let is_ready = status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
        (!is_ready).then(|| trouble("", format!("container {} runs, but is not ready", late.name)))
    };
    let sidecar = || {
        let sidecar = status.init_container_statuses.iter().find(|container| container.name == ISTIO_PROXY)?;
        (sidecar.state.running.is_some() && !sidecar.ready)
            .then(|| trouble("", "the sidecar istio-proxy is not ready: the pod waits for it before anything else is started".into()))
    };
    containers().find_map(waiting).or_else(|| containers().find_map(ended)).or_else(unscheduled).or_else(sidecar).or_else(late)
}

/// What Istio calls its sidecar.
const ISTIO_PROXY: &str = "istio-proxy";

fn end_of(container: &ContainerStatus, ended: &Terminated) -> String {
    let exit = format!("container {} ended with exit code {}", container.name, ended.exit_code);
    if ended.reason.is_empty() { exit } else { sentence(&ended.reason, &exit) }
}

/// Who wants the pod gone: the scheduler for another pod, the node, an eviction, a taint.
fn disruption(pod: &Pod) -> Option<String> {
    let target = pod.status.conditions.iter().find(|condition| condition.kind == "DisruptionTarget" && condition.status == "True")?;
    Some(sentence(&target.reason, &target.message))
}

pub(super) fn sentence(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}
