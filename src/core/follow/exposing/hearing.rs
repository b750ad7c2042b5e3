//! What the watches of objects that follow say.

use super::Exposing;
use crate::core::io::{Fault, Response, WatchEnd, WatchId};
use crate::core::kube::dependent::{Dependent, Follows};
use crate::core::kube::kind::Kind;
use crate::core::observe::Cluster;
use crate::core::observe::informer::Heard;
use crate::core::secret::Body;
use crate::core::turn::Turn;

/// Does something with the informer of a kind that follows.
macro_rules! informer {
    ($exposing:expr, $kind:expr, $informer:ident => $do:expr) => {
        match $kind {
            Kind::ApiRules => {
                let $informer = &mut $exposing.api_rules;
                $do
            }
            Kind::VirtualServices => {
                let $informer = &mut $exposing.virtual_services;
                $do
            }
            Kind::NetworkPolicies => {
                let $informer = &mut $exposing.network_policies;
                $do
            }
            Kind::Services | Kind::Sandboxes | Kind::Pods | Kind::Events | Kind::Namespaces => {
                let $informer = &mut $exposing.services;
                $do
            }
        }
    };
}
pub(super) use informer;

impl Exposing {
    /// See [`super::Follow::inform`].
    pub fn inform(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, kind: Kind) {
        informer!(self, kind, informer => informer.due(turn, cluster.api()));
    }

    /// See [`super::Follow::silent`].
    pub fn silent(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, kind: Kind) {
        informer!(self, kind, informer => informer.silent(turn, cluster.api()));
    }

    /// See [`super::Follow::page`].
    pub fn page(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, result: Result<Response, Fault>) {
        informer!(self, kind, informer => {
            let heard = informer.page(turn, cluster.api(), result);
            self.heard(turn, cluster, heard);
        });
    }

    /// See [`super::Follow::watches`].
    #[must_use]
    pub fn watches(&self, watch: WatchId) -> Option<Kind> {
        Kind::FOLLOWING.into_iter().find(|kind| match kind {
            Kind::ApiRules => self.api_rules.owns(watch),
            Kind::VirtualServices => self.virtual_services.owns(watch),
            Kind::NetworkPolicies => self.network_policies.owns(watch),
            Kind::Services | Kind::Sandboxes | Kind::Pods | Kind::Events | Kind::Namespaces => self.services.owns(watch),
        })
    }

    /// See [`super::Follow::line`].
    pub fn line(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, watch: WatchId, line: &Body) {
        informer!(self, kind, informer => {
            let heard = informer.line(turn, cluster.api(), watch, line);
            self.heard(turn, cluster, heard);
        });
    }

    /// See [`super::Follow::closed`].
    pub fn closed(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, kind: Kind, watch: WatchId, end: WatchEnd) {
        informer!(self, kind, informer => {
            informer.closed(turn, cluster.api(), watch, end);
        });
    }

    fn heard<K: Follows>(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, heard: Heard<Dependent<K>>) {
        let key = match heard {
            Heard::Changed(object) => self.known.put(cluster.api().territory(), K::KIND, &object),
            Heard::Removed(object) => self.known.remove(cluster.api().territory(), K::KIND, &object),
            Heard::Whole { objects, version, epoch } => {
                self.known.replace(cluster.api().territory(), K::KIND, &objects, &version, epoch);
                return self.consider_all(turn, cluster);
            }
            // Before the first list, why there is none is what is told.
            Heard::Nothing | Heard::VersionInDoubt | Heard::Unfit(_) if self.trouble_of(K::KIND).is_some() => {
                return self.consider_all(turn, cluster);
            }
            Heard::Nothing | Heard::VersionInDoubt | Heard::Unfit(_) => return,
        };
        if let Some(id) = key.and_then(|key| self.by_key.get(&key).cloned()) {
            self.consider(turn, cluster, &id);
        }
    }

    /// Why nothing is known of a kind yet; `None` once something is.
    pub(super) fn trouble_of(&self, kind: Kind) -> Option<&str> {
        let (heard, trouble) = match kind {
            Kind::ApiRules => (self.api_rules.heard_at(), self.api_rules.trouble()),
            Kind::VirtualServices => (self.virtual_services.heard_at(), self.virtual_services.trouble()),
            Kind::NetworkPolicies => (self.network_policies.heard_at(), self.network_policies.trouble()),
            Kind::Services | Kind::Sandboxes | Kind::Pods | Kind::Events | Kind::Namespaces => {
                (self.services.heard_at(), self.services.trouble())
            }
        };
        heard.is_none().then_some(trouble)
    }
}
