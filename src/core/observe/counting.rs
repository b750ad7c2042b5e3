//! How much there is of everything.

use super::Cluster;
use super::lookups::Lookups;
use crate::core::kube::kind::Kind;
use crate::core::survey::Survey;
use crate::core::turn::Turn;

impl Cluster {
    /// Counts everything observed.
    pub fn survey(&self, turn: &Turn<'_>, survey: &mut Survey) {
        survey.sandboxes = self.store.states();
        survey.unclaimed = self.sweeps.strays(&self.store);
        survey.objects = [(Kind::Sandboxes, self.store.len()), (Kind::Pods, self.seen_pods.len())].into();
        let heard =
            [(Kind::Sandboxes, self.sandboxes.heard_at()), (Kind::Pods, self.pods.heard_at()), (Kind::Events, self.events.heard_at())];
        let age = |at| u64::try_from(turn.now().mono.since(at).as_millis()).unwrap_or(u64::MAX);
        survey.heard_millis = heard.into_iter().filter_map(|(kind, at)| Some((kind, age(at?)))).collect();
        survey.lookups_waiting = [&self.confirmations, &self.looks, &self.executions].into_iter().map(Lookups::waiting).sum();
        survey.happenings_waiting = self.heard_events.waiting();
        survey.unchanged = self.store.unchanged();
        self.streams.survey(survey);
    }
}
