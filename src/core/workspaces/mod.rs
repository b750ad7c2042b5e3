//! The namespaces of workspaces, where each workspace has one of its own (`--workspace-mode managed`).
//!
//! The gateway does not say when a workspace begins, so a create makes its namespace, and a service account, a network policy and copies of the
//! secrets that pods need in it. That is done by one [`household`] a namespace, for whoever waits for it; afterwards a create costs one request
//! again. The copies follow their sources, also those of workspaces in which nothing has been created since we started.

pub mod household;
pub mod pieces;
pub mod sources;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::household::{Household, Progress, Work};
use self::pieces::Pieces;
use self::sources::{SecretData, Sources};
use super::grpc_status::Status;
use super::io::{Fault, Response};
use super::kube::answer::Verdict;
use super::limits;
use super::names::Workspace;
use super::territory::OurNamespace;
use super::time::Mono;
use super::turn::{Timer, Turn};
use crate::config::{Config, WorkspaceMode};

/// Every namespace we look after.
#[derive(Debug, Serialize, Deserialize)]
pub struct Workspaces {
    pieces: Pieces,
    sources: Sources,
    households: BTreeMap<OurNamespace, Household>,
    /// Those that are to be seen to, though nobody waits for them.
    untended: BTreeSet<OurNamespace>,
    /// Those that have come to an end since somebody asked.
    settled: BTreeSet<OurNamespace>,
}

/// How a namespace stands to whoever wants to create in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is there, with everything in it.
    Ready,
    /// It is being seen to; this is what keeps it.
    Pending(String),
    /// It cannot be had.
    Refused(Status),
}

impl Workspaces {
    /// None yet; `None` where namespaces are not ours to make.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        (config.workspaces == WorkspaceMode::Managed).then(|| Self {
            pieces: Pieces::of(config),
            sources: Sources::of(config),
            households: BTreeMap::new(),
            untended: BTreeSet::new(),
            settled: BTreeSet::new(),
        })
    }

    /// The secrets that are copied, as far as they are known.
    pub fn copies(&self) -> impl Iterator<Item = (&str, &SecretData)> {
        self.sources.known()
    }

    /// Takes one of those from a recording.
    pub fn put_back(&mut self, name: &str, data: SecretData) {
        self.sources.put_back(name, data);
    }

    /// Begins to follow the secrets that are copied.
    pub fn begin(&self, turn: &mut Turn<'_>) {
        if !self.sources.is_empty() {
            turn.set(Timer::Sources, Mono::default());
        }
    }

    /// Has a namespace made and furnished for somebody who waits until `until`; says how far it is.
    pub fn want(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, workspace: &Workspace, until: Mono) -> Standing {
        let household = self.households.entry(namespace.clone()).or_insert_with(|| Household::new(namespace.clone(), workspace.clone()));
        if household.is_ready(self.sources.edition()) {
            return Standing::Ready;
        }
        self.untended.remove(namespace);
        household.want(turn, &mut Work { pieces: &self.pieces, sources: &mut self.sources }, until);
        self.standing(namespace)
    }

    /// How a namespace stands that somebody has wanted.
    #[must_use]
    pub fn standing(&self, namespace: &OurNamespace) -> Standing {
        let pending = || Standing::Pending("nothing is known of its namespace yet".into());
        self.households.get(namespace).map_or_else(pending, |household| household.standing(self.sources.edition()))
    }

    /// A sandbox of ours is in a namespace: what was put there with it is kept up to date.
    pub fn inhabited(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, workspace: &Workspace) {
        if !self.pieces.change() || self.households.contains_key(namespace) {
            return;
        }
        self.households.insert(namespace.clone(), Household::inhabited(namespace.clone(), workspace.clone()));
        self.untended.insert(namespace.clone());
        self.tend(turn);
    }

    /// Something has shown that a namespace is not as we left it.
    pub fn doubt(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        if let Some(household) = self.households.get_mut(namespace)
            && household.doubt(turn.now().mono)
        {
            self.untended.insert(namespace.clone());
            self.tend(turn);
        }
    }

    /// The namespace is gone, or is on its way out.
    pub fn lost(&mut self, namespace: &OurNamespace) {
        if let Some(household) = self.households.get_mut(namespace) {
            household.lost();
        }
    }

    /// An exchange of a namespace has ended.
    pub fn answered(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, result: Result<Response, Fault>) {
        let Some(household) = self.households.get_mut(namespace) else { return };
        let mut work = Work { pieces: &self.pieces, sources: &mut self.sources };
        let progress = household.answered(turn, &mut work, Verdict::of(result));
        self.went(turn, namespace, progress);
    }

    /// A pause is over.
    pub fn due(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace) {
        let Some(household) = self.households.get_mut(namespace) else { return };
        let progress = household.due(turn, &mut Work { pieces: &self.pieces, sources: &mut self.sources });
        self.went(turn, namespace, progress);
    }

    /// It is time to look at the sources again.
    pub fn sources_due(&mut self, turn: &mut Turn<'_>) {
        self.sources.read_all(turn);
    }

    /// A source has been read, or not.
    pub fn source_answered(&mut self, turn: &mut Turn<'_>, name: &str, result: Result<Response, Fault>) {
        let before = self.sources.edition();
        self.sources.answered(turn, name, result);
        let waiting: Vec<OurNamespace> =
            self.households.iter().filter(|(_, household)| household.awaits_source()).map(|(namespace, _)| namespace.clone()).collect();
        for namespace in waiting {
            self.due(turn, &namespace);
        }
        if self.sources.edition() != before {
            self.untended.extend(self.households.iter().filter(|(_, household)| household.is_furnished()).map(|(at, _)| at.clone()));
            self.tend(turn);
        }
    }

    /// Namespaces that have come to an end since the last time.
    pub fn take_settled(&mut self) -> BTreeSet<OurNamespace> {
        std::mem::take(&mut self.settled)
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.untended.clear();
        for household in self.households.values_mut() {
            household.stop(turn);
        }
        self.sources.stop(turn);
    }

    fn went(&mut self, turn: &mut Turn<'_>, namespace: &OurNamespace, progress: Progress) {
        if progress == Progress::Ended {
            self.settled.insert(namespace.clone());
            self.tend(turn);
        }
    }

    /// Sees to namespaces that nobody waits for, a few at a time.
    fn tend(&mut self, turn: &mut Turn<'_>) {
        let mut busy = self.households.values().filter(|household| household.is_busy()).count();
        while busy < limits::HOUSEHOLDS_TENDED {
            let Some(namespace) = self.untended.pop_first() else { return };
            let Some(household) = self.households.get_mut(&namespace) else { continue };
            let until = turn.now().mono.after(limits::TEND_TIMEOUT);
            household.want(turn, &mut Work { pieces: &self.pieces, sources: &mut self.sources }, until);
            busy += 1;
        }
    }
}
