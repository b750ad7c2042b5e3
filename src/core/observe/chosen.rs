//! Which namespaces somebody has chosen for workspaces, where the driver makes none (`--workspace-mode operator`): by their labels, which are watched,
//! or by a file, which is read for us. Each is looked at, whether it lets sandbox pods in; nothing is ever written to one.

use std::collections::BTreeSet;

use super::Cluster;
use super::informer::Heard;
use crate::core::grpc_status::Status;
use crate::core::kube::kind::Kind;
use crate::core::kube::namespace::NamespaceObject;
use crate::core::limits;
use crate::core::names::Namespace;
use crate::core::note::Note;
use crate::core::territory::{OurNamespace, Territory};
use crate::core::time::Mono;
use crate::core::turn::{Timer, Turn};

impl Cluster {
    /// Begins to look who is chosen.
    pub(super) fn begin_choice(&mut self, turn: &mut Turn<'_>) {
        if self.api.chosen().is_some_and(|chosen| chosen.is_labelled()) {
            turn.set(Timer::Informer(Kind::Namespaces), Mono::default());
        }
    }

    /// The file that lists namespaces has been read, or not.
    pub fn listed_in_file(&mut self, turn: &mut Turn<'_>, names: Result<BTreeSet<Namespace>, String>) {
        match names {
            Ok(names) => self.choose(turn, "read", names),
            Err(reason) => {
                self.met_choice(turn, "unread");
                turn.note(Note::NamespacesUnread { reason: reason.clone() });
                if let Some(chosen) = self.api.chosen() {
                    chosen.doubt(&reason);
                }
            }
        }
    }

    pub(super) fn heard_namespaces(&mut self, turn: &mut Turn<'_>, heard: Heard<NamespaceObject>) {
        let known = || self.api.territory().chosen_names().cloned().unwrap_or_default();
        match heard {
            Heard::Whole { objects, .. } => {
                let names = objects.iter().filter_map(usable).collect();
                self.choose(turn, "listed", names);
            }
            Heard::Changed(object) => {
                let mut names = known();
                match usable(&object) {
                    Some(name) => drop(names.insert(name)),
                    None => names.retain(|name| name.as_str() != object.metadata.name),
                }
                self.choose(turn, "changed", names);
            }
            Heard::Removed(object) => {
                let mut names = known();
                names.retain(|name| name.as_str() != object.metadata.name);
                self.choose(turn, "removed", names);
            }
            Heard::Nothing | Heard::VersionInDoubt | Heard::Unfit(_) => {
                let trouble = self.namespaces.trouble();
                if !trouble.is_empty()
                    && let Some(chosen) = self.api.chosen()
                {
                    chosen.doubt(trouble);
                }
            }
        }
    }

    fn choose(&mut self, turn: &mut Turn<'_>, met: &'static str, names: BTreeSet<Namespace>) {
        self.met_choice(turn, met);
        let Some(chosen) = self.api.chosen() else { return };
        let is_first = chosen.names().is_none();
        let count = names.len();
        let changes = chosen.replace(names);
        if !is_first && changes.added.is_empty() && changes.removed.is_empty() {
            return;
        }
        for namespace in &changes.removed {
            self.pod_security.forget(turn, namespace);
        }
        // One after the other: there may be hundreds.
        let mut at = turn.now().mono;
        for namespace in &changes.added {
            self.pod_security.examine(turn, namespace.clone(), at);
            at = at.after(limits::NAMESPACE_LOOK_EVERY);
        }
        let names = |of: &[OurNamespace]| of.iter().map(ToString::to_string).collect();
        turn.note(Note::NamespacesChosen { count, added: names(&changes.added), removed: names(&changes.removed) });
    }

    fn met_choice(&self, turn: &mut Turn<'_>, met: &'static str) {
        let state = if self.api.territory().chosen_names().is_some() { "known" } else { "unknown" };
        turn.met("chosen", state, met);
    }

    /// Whether sandbox pods are let into a namespace that was chosen, as far as is known.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with what an administrator must do.
    pub fn lets_in(&self, namespace: &OurNamespace) -> Result<(), Status> {
        if !matches!(self.api.territory(), Territory::Operator(_)) {
            return Ok(());
        }
        self.pod_security.explanation(namespace).map_or(Ok(()), |text| Err(Status::failed_precondition(text)))
    }
}

/// The name of a namespace in which something can be created.
fn usable(object: &NamespaceObject) -> Option<Namespace> {
    let stays = object.metadata.deletion_timestamp.is_none();
    Namespace::parse(&object.metadata.name).ok().filter(|_| stays)
}
