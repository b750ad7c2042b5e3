//! From bound to ready, container by container.

use super::Step;
use super::containers::{self, Container, Role, set_condition};
use super::events::Said;
use crate::cluster::Cluster;
use crate::object;
use crate::options::{ImageCache, PodBehaviour};
use crate::resource::Kind;
use crate::store::Key;
use crate::time;
use serde_json::{Value, json};

/// The first wait after a failed pull; it doubles up to [`PULL_BACKOFF_MAX_MS`].
const PULL_BACKOFF_MS: u64 = 10_000;
const PULL_BACKOFF_MAX_MS: u64 = 300_000;
/// The most images a node keeps.
const IMAGES_MAX: usize = 4096;

impl Cluster {
    /// The kubelet has seen the pod: nothing runs yet.
    pub(super) fn accept(&mut self, pod: &Value) {
        let now = time::rfc3339(self.now_ms);
        let all = containers::all(pod);
        let has_init = all.iter().any(|container| container.role != Role::Main);
        let reason = if has_init { "PodInitializing" } else { "ContainerCreating" };
        let changed = self.change(Kind::Pod, &Key::of(pod), |pod| {
            pod["status"]["startTime"] = json!(now);
            pod["status"]["hostIP"] = json!("10.250.0.4");
            pod["status"]["hostIPs"] = json!([{ "ip": "10.250.0.4" }]);
            for list in ["initContainerStatuses", "containerStatuses"] {
                let statuses: Vec<Value> = all
                    .iter()
                    .filter(|container| container.statuses() == list)
                    .map(|container| containers::waiting(container, reason, ""))
                    .collect();
                if !statuses.is_empty() {
                    pod["status"][list] = Value::Array(statuses);
                }
            }
            set_condition(pod, "PodReadyToStartContainers", "False", None, &now);
            let incomplete = unready("ContainersNotInitialized", "incomplete", &all, |c| c.role == Role::Init);
            match &incomplete {
                Some((reason, message)) => {
                    set_condition(pod, "Initialized", "False", Some((reason, message)), &now);
                }
                None => set_condition(pod, "Initialized", "True", None, &now),
            }
            set_unready(pod, &all, &now);
        });
        if let Some(pod) = changed {
            self.pull_volumes(&pod);
            self.pod_task(&pod, 0, Step::Pull(0));
        }
    }

    fn pull_volumes(&mut self, pod: &Value) {
        let images: Vec<String> = object::items(&pod["spec"]["volumes"])
            .iter()
            .filter_map(|volume| volume["image"]["reference"].as_str().map(str::to_owned))
            .collect();
        for image in images {
            let pulling = format!("Pulling image \"{image}\"");
            self.emit_from_kubelet(pod, Said::normal("Pulling", &pulling));
            let pulled = self.pulled_message(&image);
            self.emit_from_kubelet(pod, Said::normal("Pulled", &pulled));
        }
    }

    pub(super) fn pull(&mut self, pod: &Value, index: usize) {
        let all = containers::all(pod);
        let Some(container) = all.get(index) else { return };
        if self.is_cached(container) {
            self.pulled(pod, index, 0);
            return;
        }
        let message = format!("Pulling image \"{}\"", container.image);
        let path = container.field_path();
        self.emit_from_kubelet(pod, Said::normal("Pulling", &message).of(&path));
        self.pod_task(pod, self.options.pace.pull_ms, Step::Pulled(index, 0));
    }

    fn is_cached(&self, container: &Container) -> bool {
        self.options.images == ImageCache::Keeps && !container.always_pulled && self.kubelet.images.contains(&container.image)
    }

    pub(super) fn pulled(&mut self, pod: &Value, index: usize, tries: u32) {
        let all = containers::all(pod);
        let Some(container) = all.get(index) else { return };
        let path = container.field_path();
        if self.behaviour(pod) == PodBehaviour::ImagePullBackOff && container.role == Role::Main {
            self.pull_failed(pod, container, index, tries);
            return;
        }
        let message = if self.is_cached(container) {
            format!("Container image \"{}\" already present on machine", container.image)
        } else {
            self.pulled_message(&container.image)
        };
        if self.options.images == ImageCache::Keeps && self.kubelet.images.len() < IMAGES_MAX {
            self.kubelet.images.insert(container.image.clone());
        }
        self.emit_from_kubelet(pod, Said::normal("Pulled", &message).of(&path));
        self.emit_from_kubelet(pod, Said::normal("Created", "Container created").of(&path));
        self.pod_task(pod, self.options.pace.start_ms, Step::Started(index));
    }

    /// What a kubelet says of an image it has pulled; the size hangs on the name alone.
    fn pulled_message(&self, image: &str) -> String {
        let weight = image.bytes().map(u64::from).sum::<u64>();
        let bytes = 20_000_000 + weight * 4_801;
        let ms = self.options.pace.pull_ms;
        let took = if ms < 1000 { format!("{ms}ms") } else { format!("{}.{:03}s", ms / 1000, ms % 1000) };
        format!(
            "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: \
             {bytes} bytes."
        )
    }

    fn pull_failed(&mut self, pod: &Value, container: &Container, index: usize, tries: u32) {
        let image = &container.image;
        let path = container.field_path();
        let why = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": \
             {image}: not found"
        );
        let (reason, text) = if tries.is_multiple_of(2) {
            let failed = format!("Failed to pull image \"{image}\": {why}");
            self.emit_from_kubelet(pod, Said::warning("Failed", &failed).of(&path));
            self.emit_from_kubelet(pod, Said::warning("Failed", "Error: ErrImagePull").of(&path));
            ("ErrImagePull", why)
        } else {
            let backing_off = format!("Back-off pulling image \"{image}\"");
            self.emit_from_kubelet(pod, Said::normal("BackOff", &backing_off).of(&path));
            self.emit_from_kubelet(pod, Said::warning("Failed", "Error: ImagePullBackOff").of(&path));
            ("ImagePullBackOff", format!("{backing_off}: ErrImagePull: {why}"))
        };
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            containers::update(pod, container, |status| {
                status["state"] = json!({ "waiting": { "reason": reason, "message": text } });
            });
        });
        let wait =
            if tries.is_multiple_of(2) { 1_000 } else { PULL_BACKOFF_MS.saturating_mul(1 << (tries / 2).min(10)).min(PULL_BACKOFF_MAX_MS) };
        self.pod_task(pod, wait, Step::Pulled(index, tries.saturating_add(1)));
    }

    pub(super) fn started(&mut self, pod: &Value, index: usize) {
        let all = containers::all(pod);
        let Some(container) = all.get(index) else { return };
        let path = container.field_path();
        self.emit_from_kubelet(pod, Said::normal("Started", "Container started").of(&path));
        let now = time::rfc3339(self.now_ms);
        let uid = object::uid(pod).to_owned();
        if container.role != Role::Main {
            self.change(Kind::Pod, &Key::of(pod), |pod| {
                containers::update(pod, container, |status| {
                    containers::running(status, container, &uid, &now);
                });
                set_condition(pod, "PodReadyToStartContainers", "True", None, &now);
            });
            let runs = if container.role == Role::Init { self.options.pace.start_ms } else { 0 };
            self.pod_task(pod, runs, Step::Initialized(index));
            return;
        }
        if index + 1 < all.len() {
            self.pod_task(pod, 0, Step::Pull(index + 1));
            return;
        }
        self.all_started(pod, &all, &uid, &now);
    }

    fn next_address(&mut self) -> String {
        self.kubelet.addresses = self.kubelet.addresses.wrapping_add(1);
        let number = self.kubelet.addresses;
        format!("100.64.{}.{}", number / 250 % 250, number % 250 + 2)
    }

    /// All containers have started: the pod is Running, with an address, and not ready yet.
    fn all_started(&mut self, pod: &Value, all: &[Container], uid: &str, now: &str) {
        let address = self.next_address();
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            pod["status"]["phase"] = json!("Running");
            pod["status"]["podIP"] = json!(address);
            pod["status"]["podIPs"] = json!([{ "ip": address }]);
            set_condition(pod, "PodReadyToStartContainers", "True", None, now);
            set_condition(pod, "Initialized", "True", None, now);
            for container in all.iter().filter(|container| container.role == Role::Main) {
                containers::update(pod, container, |status| {
                    containers::running(status, container, uid, now);
                });
            }
            set_unready(pod, all, now);
        });
        if self.behaviour(pod) != PodBehaviour::NeverReady {
            self.pod_task(pod, self.options.pace.ready_ms, Step::Ready);
        }
    }

    pub(super) fn initialized(&mut self, pod: &Value, index: usize) {
        let all = containers::all(pod);
        let Some(container) = all.get(index) else { return };
        let now = time::rfc3339(self.now_ms);
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            containers::update(pod, container, |status| {
                if container.role == Role::Init {
                    containers::terminated(status, 0, "Completed", &now);
                }
                status["ready"] = json!(true);
            });
            let left =
                |other: &Container| other.role == Role::Init && all.iter().position(|c| c.name == other.name).is_some_and(|at| at > index);
            match unready("ContainersNotInitialized", "incomplete", &all, left) {
                Some((reason, message)) => {
                    set_condition(pod, "Initialized", "False", Some((reason, &message)), &now);
                }
                None => set_condition(pod, "Initialized", "True", None, &now),
            }
        });
        self.pod_task(pod, 0, Step::Pull(index + 1));
    }

    pub(super) fn make_ready(&mut self, pod: &Value) {
        if self.behaviour(pod) == PodBehaviour::NeverReady || pod["status"]["phase"] != "Running" {
            return;
        }
        let now = time::rfc3339(self.now_ms);
        let all = containers::all(pod);
        self.change(Kind::Pod, &Key::of(pod), |pod| {
            for container in all.iter().filter(|container| container.role == Role::Main) {
                containers::update(pod, container, |status| status["ready"] = json!(true));
            }
            set_condition(pod, "ContainersReady", "True", None, &now);
            set_condition(pod, "Ready", "True", None, &now);
        });
        if let PodBehaviour::FailsAfter { ready_ms, failure } = self.behaviour(pod) {
            self.pod_task(pod, ready_ms, Step::Fail(failure));
        }
    }
}

/// `Ready` and `ContainersReady` are False, naming the main containers.
pub(super) fn set_unready(pod: &mut Value, all: &[Container], now: &str) {
    let why = unready("ContainersNotReady", "unready", all, |container| container.role == Role::Main);
    for kind in ["Ready", "ContainersReady"] {
        let why = why.as_ref().map(|(reason, message)| (*reason, message.as_str()));
        set_condition(pod, kind, "False", why, now);
    }
}

fn unready(reason: &'static str, word: &str, all: &[Container], meant: impl Fn(&Container) -> bool) -> Option<(&'static str, String)> {
    let names: Vec<&str> = all.iter().filter(|container| meant(container)).map(|container| container.name.as_str()).collect();
    (!names.is_empty()).then(|| (reason, format!("containers with {word} status: [{}]", names.join(" "))))
}
