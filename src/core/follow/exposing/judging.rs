//! What should exist for a sandbox, and how what does differs from it.

use super::Exposing;
use super::hint;
use super::track::{Act, Next, Plan, Track};
use crate::core::follow::condition::Exposed;
use crate::core::follow::naming;
use crate::core::follow::render::{self, Host};
use crate::core::kube::kind::Kind;
use crate::core::names::SandboxId;
use crate::core::observe::Cluster;
use crate::core::observe::sandbox::{Life, Observed};

impl Exposing {
    /// Brings the plan for a living sandbox up to date, and begins a track where there is none.
    pub(super) fn plan(&mut self, cluster: &Cluster, id: &SandboxId) {
        let Some(observed) = cluster.find(id) else { return };
        if !self.tracks.contains_key(id) {
            let Some(name) = naming::exposing(observed.object.name()) else { return };
            let key = observed.object.sibling(name);
            self.by_key.insert(key.clone(), id.clone());
            self.tracks.insert(id.clone(), Track::new(observed.uid.clone(), key));
        }
        let host = self.host(cluster, observed);
        let Some(track) = self.tracks.get_mut(id) else { return };
        match host {
            Ok(host) => {
                let version = cluster.api().version();
                if track.plan.as_ref().is_none_or(|plan| plan.host != host || plan.version != version) {
                    let rendered = |kind: &Kind| {
                        let object = render::object(*kind, &self.exposure, cluster.api(), observed, &track.key, &host);
                        (*kind, render::rendered_digest(&object))
                    };
                    let digests = self.exposure.route.kinds().iter().map(rendered).collect();
                    track.plan = Some(Plan { host, version, digests });
                }
            }
            Err(_) => track.plan = None,
        }
    }

    fn host(&self, cluster: &Cluster, observed: &Observed) -> Result<Host, String> {
        let workspace = observed.workspace.as_ref().ok_or_else(|| {
            format!("Sandbox {} does not say which workspace it is of, so it has no host: restore its annotation openshell.ai/sandbox-workspace", observed.object)
        })?;
        let label = naming::host_label(workspace, &observed.name, cluster.api().gateway_id());
        self.domain.host(&label).map_err(str::to_owned)
    }

    /// What comes next, and how far it is.
    pub(super) fn judge(&self, cluster: &Cluster, track: &Track) -> (Next, Exposed) {
        let Some(plan) = &track.plan else {
            let observed = self.by_key.get(&track.key).and_then(|id| cluster.find(id));
            let why = observed.and_then(|observed| self.host(cluster, observed).err()).unwrap_or_default();
            return (Next::Nothing, Exposed::pending(format!("the host is not known: {why}")));
        };
        let (key, name, namespace) = (&track.key, track.key.name(), track.key.namespace());
        let mut status = None;
        for (kind, digest) in &plan.digests {
            if let Some(trouble) = self.trouble_of(*kind) {
                let why =
                    if trouble.is_empty() { String::new() } else { format!(": {trouble}{}", hint("list", *kind, cluster.api().scope())) };
                return (Next::Nothing, Exposed::pending(format!("{kind} have not been listed yet{why}")));
            }
            let object = kind.object_kind();
            let Some(seen) = self.known.get(*kind, key) else {
                let exposed = track.trouble.clone().unwrap_or_else(|| Exposed::pending(format!("{object} {name} is being made")));
                return (Next::Do(*kind, Act::Post), exposed);
            };
            if !seen.is_owned_by(&track.uid) {
                let exposed = Exposed::refused(
                    "NameTaken",
                    format!(
                        "{object} {namespace}/{name} is there already and belongs to {owner}; it is not touched: look with kubectl get {resource} {name} -n {namespace} -o yaml, and delete it if nobody needs it",
                        owner = seen.owner(),
                        resource = kind.qualified(),
                    ),
                );
                return (Next::LookAgain(*kind), exposed);
            }
            if seen.life == Life::Deleting {
                return (Next::Nothing, Exposed::pending(format!("{object} {name} is being deleted; it is made again when it is gone")));
            }
            if seen.digest.as_ref() != Some(digest) {
                let exposed = track.trouble.clone().unwrap_or_else(|| Exposed::pending(format!("{object} {name} is being changed")));
                return (Next::Do(*kind, Act::Patch), exposed);
            }
            if *kind == self.exposure.route.kind() {
                status = Some(&seen.status);
            }
        }
        let exposed = status.map(|status| Exposed::routed(self.exposure.route.kind(), name, &plan.host, status));
        (Next::Nothing, exposed.unwrap_or_else(|| Exposed::pending("nothing is to be made")))
    }
}
