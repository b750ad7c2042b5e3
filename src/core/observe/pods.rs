//! Pods of Sandboxes, as far as they say more than their Sandbox does: that they are on their way out, and why they do not get anywhere.

use std::collections::BTreeMap;

use super::sandbox::Life;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::pod::{ContainerStatus, Phase, Pod};
use crate::core::names::{ObjectName, Uid};

/// Every pod observed.
#[derive(Debug, Default)]
pub struct Pods {
    by_name: BTreeMap<ObjectName, SeenPod>,
    knowledge: Knowledge,
}

/// Whether absence means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Knowledge {
    /// Nothing has been listed.
    #[default]
    None,
    /// Everything has.
    Whole,
}

/// What is kept of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPod {
    /// Its UID.
    pub uid: Uid,
    /// The UID of the Sandbox that controls it.
    pub controller: Option<Uid>,
    /// Whether it is on its way out.
    pub life: Life,
    /// Why it does not get anywhere, or how it ended.
    pub trouble: Option<String>,
    version: ResourceVersion,
}

/// What is known of the pod of a Sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// Pods are not observed.
    Unknown,
    /// It has none.
    Absent,
    /// It has this one.
    Present(&'a SeenPod),
}

impl Pods {
    /// The pod of this name, if the Sandbox of this UID controls it.
    #[must_use]
    pub fn of(&self, name: &ObjectName, sandbox: &Uid) -> Sight<'_> {
        match (self.by_name.get(name).filter(|pod| pod.controller.as_ref() == Some(sandbox)), self.knowledge) {
            (Some(pod), _) => Sight::Present(pod),
            (None, Knowledge::Whole) => Sight::Absent,
            (None, Knowledge::None) => Sight::Unknown,
        }
    }

    /// A pod by its name.
    #[must_use]
    pub fn get(&self, name: &ObjectName) -> Option<&SeenPod> {
        self.by_name.get(name)
    }

    /// Takes a pod, unless a later word of it is already here. Says whether anything we keep has changed.
    pub fn put(&mut self, pod: &Pod) -> Option<ObjectName> {
        let name = ObjectName::parse(&pod.metadata.name).ok()?;
        let seen = SeenPod::of(pod);
        match self.by_name.get_mut(&name) {
            Some(known) if seen.version.older_than(&known.version) => None,
            Some(known) => {
                let same = SeenPod { version: known.version.clone(), ..seen.clone() } == *known;
                *known = seen;
                (!same).then_some(name)
            }
            None => {
                self.by_name.insert(name.clone(), seen);
                Some(name)
            }
        }
    }

    /// Forgets a pod, unless another of the same name has taken its place.
    pub fn remove(&mut self, pod: &Pod) -> Option<ObjectName> {
        let name = ObjectName::parse(&pod.metadata.name).ok()?;
        self.by_name.get(&name).filter(|known| known.uid.as_str() == pod.metadata.uid)?;
        self.by_name.remove(&name);
        Some(name)
    }

    /// Takes a whole list, and says which pods have changed or are gone.
    pub fn replace(&mut self, listed: &[Pod]) -> Vec<ObjectName> {
        let before = std::mem::take(&mut self.by_name);
        self.knowledge = Knowledge::Whole;
        let mut changed: Vec<ObjectName> = listed.iter().filter_map(|pod| self.put(pod)).collect();
        changed.retain(|name| before.get(name) != self.by_name.get(name));
        changed.extend(before.into_keys().filter(|name| !self.by_name.contains_key(name)));
        changed
    }
}

impl SeenPod {
    fn of(pod: &Pod) -> Self {
        Self {
            uid: Uid::new(pod.metadata.uid.clone()),
            controller: pod.controller().map(|uid| Uid::new(uid.to_owned())),
            life: if pod.metadata.deletion_timestamp.is_some() { Life::Deleting } else { Life::Alive },
            trouble: trouble(pod),
            version: pod.metadata.resource_version.clone(),
        }
    }
}

/// Waiting for these is nothing out of the ordinary.
const ORDINARY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The most telling thing a pod says about why it is not ready.
#[must_use]
pub fn trouble(pod: &Pod) -> Option<String> {
    let status = &pod.status;
    if status.phase == Phase::Failed && !status.reason.is_empty() {
        return Some(sentence(&status.reason, &status.message));
    }
    let containers = || status.init_container_statuses.iter().chain(&status.container_statuses);
    let waiting = |container: &ContainerStatus| {
        let waiting = container.state.waiting.as_ref().filter(|waiting| !ORDINARY.contains(&waiting.reason.as_str()))?;
        (!waiting.reason.is_empty()).then(|| sentence(&waiting.reason, &waiting.message))
    };
    let ended = |container: &ContainerStatus| {
        let ended = container.state.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
        let exit = format!("container {} ended with exit code {}", container.name, ended.exit_code);
        Some(if ended.reason.is_empty() { exit } else { sentence(&ended.reason, &exit) })
    };
    let unscheduled = || {
        let condition = status.conditions.iter().find(|condition| condition.kind == "PodScheduled" && condition.status == "False")?;
        Some(sentence(&condition.reason, &condition.message))
    };
    containers().find_map(waiting).or_else(|| containers().find_map(ended)).or_else(unscheduled)
}

fn sentence(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}
