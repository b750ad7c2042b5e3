//! What follows a Sandbox and cannot stand in its object: the Service and the route that expose it, and the gateway's token as a Secret.
//!
//! A reconciler apart from the gateway's calls: a create is answered when its Sandbox is stored, and what follows is made, kept and told of
//! afterwards. Everything is owned by the Sandbox and goes with it. Where nothing is to follow, nothing is asked.

pub mod condition;
pub mod credential;
pub mod domain;
pub mod exposing;
pub mod known;
pub mod naming;
pub mod render;
pub mod settings;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::credential::Credentials;
use self::exposing::Exposing;
use self::settings::{Access, Route};
use super::io::{Fault, Response, WatchEnd, WatchId};
use super::kube::kind::Kind;
use super::names::SandboxId;
use super::note::Note;
use super::observe::Cluster;
use super::secret::Body;
use super::turn::Turn;
use crate::config::Config;

/// Which jitter paces questions about the domain.
const ROUTES: Kind = Kind::ApiRules;

/// What is to follow, and how far it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Follow {
    exposing: Option<Exposing>,
    credentials: Credentials,
}

impl Follow {
    /// Nothing done yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { exposing: config.exposure.clone().map(Exposing::new), credentials: Credentials::default() }
    }

    /// The driver starts: what an operator should be reminded of.
    pub fn warn(&self, turn: &mut Turn<'_>) {
        if let Some(exposing) = &self.exposing {
            let route = &exposing.exposure().route;
            if matches!(route, Route::VirtualService | Route::ApiRule(Access::Anybody)) {
                turn.note(Note::OpenToAnybody { kind: route.kind() });
            }
        }
    }

    /// Every Sandbox is known: what follows them is looked at.
    pub fn begin(&mut self, turn: &mut Turn<'_>) {
        if let Some(exposing) = &mut self.exposing {
            exposing.begin(turn);
        }
    }

    /// Sandboxes have changed, and tokens have come with some.
    pub fn changed(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, ids: &BTreeSet<SandboxId>) {
        for (id, token) in cluster.take_entrusted() {
            self.credentials.entrust(turn, cluster, &id, token);
        }
        for id in ids {
            self.credentials.consider(turn, cluster, id);
        }
        if let Some(exposing) = &mut self.exposing {
            for id in ids {
                exposing.consider(turn, cluster, id);
            }
        }
    }

    /// An informer's timer: begin, or try again.
    pub fn inform(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, kind: Kind) {
        if let Some(exposing) = &mut self.exposing {
            exposing.inform(turn, cluster, kind);
        }
    }

    /// A watch has been silent for too long.
    pub fn silent(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, kind: Kind) {
        if let Some(exposing) = &mut self.exposing {
            exposing.silent(turn, cluster, kind);
        }
    }

    /// A page of a list.
    pub fn page(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, result: Result<Response, Fault>) {
        if let Some(exposing) = &mut self.exposing {
            exposing.page(turn, cluster, kind, result);
        }
    }

    /// Of which kind a watch is, if it is one of these.
    #[must_use]
    pub fn watches(&self, watch: WatchId) -> Option<Kind> {
        self.exposing.as_ref()?.watches(watch)
    }

    /// A line of a watch.
    pub fn line(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, watch: WatchId, line: &Body) {
        if let Some(exposing) = &mut self.exposing {
            exposing.line(turn, cluster, kind, watch, line);
        }
    }

    /// The end of a watch.
    pub fn closed(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, watch: WatchId, end: WatchEnd) {
        if let Some(exposing) = &mut self.exposing {
            exposing.closed(turn, cluster, kind, watch, end);
        }
    }

    /// An answer about what exposes a sandbox.
    pub fn answered(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, result: Result<Response, Fault>) {
        if let Some(exposing) = &mut self.exposing {
            exposing.answered(turn, cluster, id, result);
        }
    }

    /// The pause of a sandbox is over.
    pub fn retry(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        if let Some(exposing) = &mut self.exposing {
            exposing.retry(turn, cluster, id);
        }
    }

    /// The Istio Gateway's answer.
    pub fn domain(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, result: Result<Response, Fault>) {
        if let Some(exposing) = &mut self.exposing {
            exposing.domain(turn, cluster, result);
        }
    }

    /// The Istio Gateway is asked again.
    pub fn ask_domain(&mut self, turn: &mut Turn<'_>) {
        if let Some(exposing) = &mut self.exposing {
            exposing.ask_domain(turn);
        }
    }

    /// An answer about a token.
    pub fn token(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, result: Result<Response, Fault>) {
        self.credentials.answered(turn, cluster, id, result);
    }

    /// A token's time has come.
    pub fn token_due(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        self.credentials.due(turn, cluster, id);
    }

    /// Whether nothing is left that only this process has.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.credentials.are_stored()
    }

    /// Nothing more is done.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.credentials.stop(turn);
        if let Some(exposing) = &mut self.exposing {
            exposing.stop(turn);
        }
    }
}
