//! A scheduler and kubelets, as far as a pod's owner can see them.

mod containers;
mod events;
mod schedule;
mod start;
mod stop;

use crate::cluster::Cluster;
use crate::object;
use crate::options::{PodBehaviour, PodFailure, Termination};
use crate::resource::Kind;
use crate::store::{Change, Key, Touch};
use crate::timers::Task;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the kubelets and the scheduler remember.
#[derive(Debug, Default)]
pub(crate) struct Kubelet {
    /// What pods of that name do, instead of the default.
    pub behaviours: BTreeMap<Key, PodBehaviour>,
    /// How pods of that name end, instead of the default.
    pub terminations: BTreeMap<Key, Termination>,
    /// Counts the kubelets' lives: what one began, the next does not finish.
    pub life: u64,
    /// Nodes that are not heard from.
    pub lost: BTreeSet<String>,
    /// Events that are counted instead of said again, by object and text.
    said: BTreeMap<(String, String), Key>,
    images: BTreeSet<String>,
    addresses: u32,
    bound: u32,
}

/// A pod's next step. Containers are counted in their order, init containers first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The scheduler looks for a node.
    Schedule,
    /// The kubelet takes notice.
    Accept,
    /// Pulling a container's image begins.
    Pull(usize),
    /// The image is there, or is not.
    Pulled(usize, u32),
    /// A container has started.
    Started(usize),
    /// An init container has ended well.
    Initialized(usize),
    /// The readiness probe has succeeded.
    Ready,
    /// It ends by itself.
    Fail(PodFailure),
    /// It is asked to end.
    Stop,
    /// Its processes are gone.
    Stopped { forced: bool },
    /// The kubelet lets go of the object.
    Gone,
}

impl Cluster {
    pub(crate) fn notice_pod(&mut self, touch: &Touch) {
        let node = |pod: &Value| pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned();
        let (before, pod) = match &touch.change {
            Change::Added { object } => (None, object),
            Change::Modified { before, object } => (Some(before), object),
            Change::Deleted { .. } => {
                self.release_claims(&touch.key.namespace);
                return;
            }
        };
        let was_bound = before.is_some_and(|before| !node(before).is_empty());
        let deleting = object::is_deleting(pod);
        let pace = self.options.pace;
        if node(pod).is_empty() {
            if before.is_none() {
                self.pod_task(pod, pace.schedule_ms, Step::Schedule);
            }
        } else if !was_bound && !deleting {
            self.pod_task(pod, 2, Step::Accept);
        }
        let grace = |pod: &Value| pod["metadata"]["deletionGracePeriodSeconds"].as_u64();
        if deleting && before.is_none_or(|before| grace(before) != grace(pod)) {
            self.pod_task(pod, 1, Step::Stop);
        }
    }

    pub(crate) fn pod_task(&mut self, pod: &Value, delay_ms: u64, step: Step) {
        let task = Task::Pod { key: Key::of(pod), uid: object::uid(pod).to_owned(), step, life: self.kubelet.life };
        self.after(delay_ms, task);
    }

    pub(crate) fn pod_step(&mut self, key: &Key, uid: &str, step: Step) {
        let Some(pod) = self.store.get(Kind::Pod, key).filter(|pod| object::uid(pod) == uid) else {
            return;
        };
        let pod = pod.clone();
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if self.kubelet.lost.contains(node) {
            return;
        }
        let ending = object::is_deleting(&pod) || over;
        match step {
            Step::Schedule if node.is_empty() && !ending => self.schedule(&pod),
            Step::Accept if !ending => self.accept(&pod),
            Step::Pull(index) if !ending => self.pull(&pod, index),
            Step::Pulled(index, tries) if !ending => self.pulled(&pod, index, tries),
            Step::Started(index) if !ending => self.started(&pod, index),
            Step::Initialized(index) if !ending => self.initialized(&pod, index),
            Step::Ready if !ending => self.make_ready(&pod),
            Step::Fail(failure) if !ending => self.fail(&pod, failure),
            Step::Stop => self.stop(&pod),
            Step::Stopped { forced } => self.stopped(&pod, forced),
            Step::Gone => self.gone(&pod),
            _ => {}
        }
    }

    pub(crate) fn behaviour(&self, pod: &Value) -> PodBehaviour {
        self.kubelet.behaviours.get(&Key::of(pod)).unwrap_or(&self.options.pods).clone()
    }

    fn termination(&self, pod: &Value) -> Termination {
        self.kubelet.terminations.get(&Key::of(pod)).copied().unwrap_or(self.options.termination)
    }
}
