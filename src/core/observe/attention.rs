//! What follows when something is overdue: it is told; and where it can be mended without doing anything that nobody asked for, it is mended.

use super::lookups::Finding;
use super::platform_events::warning;
use super::pods::{SeenPod, Sight};
use super::sandbox::{Life, Observed};
use super::{Cluster, view};
use crate::contract::messages::compute as pb;
use crate::core::io::{Fault, Response};
use crate::core::kube::meta::FOREGROUND_DELETION;
use crate::core::kube::sandbox::OperatingMode;
use crate::core::limits;
use crate::core::note::Note;
use crate::core::territory::ObjectKey;
use crate::core::time::Wall;
use crate::core::turn::{Turn, Wait};

impl Cluster {
    /// Waits for what the state of an object makes one wait for, and for nothing else.
    pub(super) fn attend(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        let Some(observed) = self.store.get(key) else { return };
        let uid = observed.uid.clone();
        for (wait, is_awaited) in Wait::ALL.map(|wait| (wait, self.is_awaited(wait, observed))) {
            if is_awaited {
                self.overdue.begin(turn, wait, key, &uid);
            } else {
                self.overdue.end(turn, wait, key);
                if wait == Wait::Collector {
                    self.releases.close(turn, key);
                }
            }
        }
    }

    fn is_awaited(&self, wait: Wait, observed: &Observed) -> bool {
        let is_alive = observed.life == Life::Alive;
        match wait {
            Wait::Controller => is_alive && observed.is_unheard(),
            Wait::Readiness => is_alive && observed.mode == OperatingMode::Running && !self.is_shown_ready(observed),
            Wait::Collector => self.overlooked_pod(observed).is_some(),
            Wait::End => !is_alive,
        }
    }

    fn is_shown_ready(&self, observed: &Observed) -> bool {
        let status = self.store.shown(&observed.id).and_then(|shown| shown.status.as_ref());
        status.is_some_and(|status| status.conditions.iter().any(|condition| condition.r#type == "Ready" && condition.status == "True"))
    }

    /// The pod that a deletion waits for in vain. A pod that is made in the moment its Sandbox is deleted can escape the garbage collector, which
    /// looks at what a Sandbox owns once, when the deletion begins. An older pod has not escaped: then no collector is running, and letting the
    /// Sandbox go would leave the pod running where nobody sees it.
    fn overlooked_pod(&self, observed: &Observed) -> Option<&SeenPod> {
        let ending =
            observed.ending.as_ref().filter(|ending| ending.finalizers.iter().any(|finalizer| finalizer == FOREGROUND_DELETION))?;
        let Sight::Present(pod) = self.seen_pods.of(&observed.pod, &observed.uid) else { return None };
        let (made, asked) = (Wall::parse(&pod.created)?, Wall::parse(&ending.asked)?);
        (pod.life == Life::Alive && made.0.saturating_add(limits::COLLECTOR_LAG_MILLIS) >= asked.0).then_some(pod)
    }

    /// The time for something is up.
    pub fn is_due(&mut self, turn: &mut Turn<'_>, wait: Wait, key: &ObjectKey) {
        // What cannot be seen at the moment may have come long ago.
        if !self.sandboxes.is_watching() || (wait == Wait::Collector && !self.pods.is_watching()) {
            return self.overdue.postpone(turn, wait, key);
        }
        let Some(waited) = self.overdue.due(turn, wait, key) else { return };
        let Some(observed) = self.store.get(key) else { return };
        let seconds = waited.as_secs();
        match wait {
            Wait::Controller => {
                let why = format!(
                    "the agent-sandbox controller has not acted on Sandbox {key} for {seconds} s; look whether it runs: kubectl get pods -n agent-sandbox-system"
                );
                self.warn(turn, key, "ControllerNotResponding", why);
            }
            Wait::Readiness => {
                let touched = self.store.retell(key, view!(self));
                if !touched.ids.is_empty() {
                    turn.note(Note::GivenUp { object: key.into(), seconds });
                }
                self.tell(turn, touched);
            }
            Wait::Collector => {
                let request = self.api.release(key, &observed.uid);
                let uid = observed.uid.clone();
                self.releases.ask(turn, key.clone(), uid, request);
            }
            Wait::End => {
                let hindrance = self.hindrance(observed);
                let why = format!("the deletion of Sandbox {key} has not come to an end for {seconds} s: {hindrance}");
                self.warn(turn, key, "DeletionStuck", why);
            }
        }
    }

    /// The answer to letting a Sandbox go.
    pub(super) fn released(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, result: Result<Response, Fault>) {
        match self.releases.answered(turn, key, result) {
            Finding::Nothing => {}
            Finding::Absent(_) => self.confirm(turn, key.clone()),
            Finding::Present(..) => {
                turn.note(Note::Released { object: key.into() });
                self.releases.close(turn, key);
                self.confirm(turn, key.clone());
            }
        }
    }

    /// What a deletion waits for, as far as it can be known, and how to look at it.
    fn hindrance(&self, observed: &Observed) -> String {
        let (namespace, object, pod) = (observed.object.namespace(), observed.object.name(), observed.pod.name());
        let finalizers = observed.ending.iter().flat_map(|ending| &ending.finalizers);
        let foreign: Vec<&str> = finalizers.map(String::as_str).filter(|finalizer| *finalizer != FOREGROUND_DELETION).collect();
        if !foreign.is_empty() {
            return format!(
                "its finalizers are {}; find out who is to remove them: kubectl get sandbox {object} -n {namespace} -o yaml",
                foreign.join(", ")
            );
        }
        match self.seen_pods.of(&observed.pod, &observed.uid) {
            Sight::Present(seen) if seen.life == Life::Alive => format!(
                "nobody has told pod {pod} to end, which is the garbage collector's business; look whether kube-controller-manager runs, and at: kubectl get pod {pod} -n {namespace} -o yaml"
            ),
            Sight::Present(seen) if !seen.finalizers.is_empty() => format!(
                "pod {pod} has the finalizers {}; find out who is to remove them: kubectl get pod {pod} -n {namespace} -o yaml",
                seen.finalizers.join(", ")
            ),
            Sight::Present(_) => {
                format!("pod {pod} has been told to end and does not; look at its node: kubectl get pod {pod} -n {namespace} -o wide")
            }
            Sight::Gone | Sight::Absent => format!(
                "its pod is gone, so it is something else that it owns; look at its volume: kubectl get pvc workspace-{object} -n {namespace} -o yaml"
            ),
            Sight::Unknown => format!("look at its pod and its volume: kubectl get pod/{pod} pvc/workspace-{object} -n {namespace}"),
        }
    }

    /// Tells the log and every stream of something that a person should look at.
    fn warn(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, reason: &'static str, message: String) {
        let Some(observed) = self.store.get(key) else { return };
        let event = warning(turn.now().wall, key, reason, &message);
        let sandbox_id = observed.id.as_str().into();
        self.streams.happened(turn.now().mono, pb::WatchSandboxesPlatformEvent { sandbox_id, event: Some(event) });
        turn.note(Note::Overdue { object: key.into(), reason: reason.into(), message });
    }
}
