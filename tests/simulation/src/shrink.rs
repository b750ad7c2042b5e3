//! A failing world made small: faults, actors and time are taken out of it one by one, as long as it still breaks the same rule.

use crate::gateway::Lifecycle;
use crate::hunt::{self, Plan};
use crate::rules::Rule;
use crate::scenario::{Kind, ProcessOdds, Reading, Scenario, ServerPlan, WireOdds};
use crate::summary::Hashing;
use crate::trace::Telling;

/// Worlds played to make one small.
const PLAYS_MAX: usize = 300;

/// Something that can be taken out of a world.
pub struct Switch {
    /// What it is called after `--without`.
    pub name: String,
    off: Box<dyn Fn(&mut Scenario)>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Switch {
    /// Takes it out.
    pub fn off(&self, scenario: &mut Scenario) {
        (self.off)(scenario);
    }
}

fn switch(name: &str, off: impl Fn(&mut Scenario) + 'static) -> Switch {
    Switch { name: name.to_owned(), off: Box::new(off) }
}

fn half(number: &mut u64) {
    *number /= 2;
}

/// Whatever can be taken out: whole groups first, then what is in them, then time and numbers, by half.
#[must_use]
pub fn switches() -> Vec<Switch> {
    let mut all = vec![
        switch("wire", |s| s.wire = WireOdds { latency_ms: s.wire.latency_ms, ..WireOdds::default() }),
        switch("processes", |s| {
            s.processes = ProcessOdds { away_ms: s.processes.away_ms, recording: s.processes.recording, ..ProcessOdds::default() }
        }),
        switch("server", |s| s.server = ServerPlan::default()),
        switch("others", |s| s.others.acts = 0),
        switch("replicas", |s| s.drivers.truncate(s.gateways)),
        switch("slow", |s| s.wire.slow = 0),
        switch("not-sent", |s| s.wire.not_sent = 0),
        switch("request-lost", |s| s.wire.request_lost = 0),
        switch("answer-lost", |s| s.wire.answer_lost = 0),
        switch("held", |s| s.wire.held = 0),
        switch("repeated", |s| s.wire.repeated = 0),
        switch("refused", |s| s.wire.refused = 0),
        switch("failed-after", |s| s.wire.failed_after = 0),
        switch("mangled", |s| s.wire.mangled = 0),
        switch("too-large", |s| s.wire.too_large = 0),
        switch("trickle", |s| s.wire.trickle = 0),
        switch("after-abort", |s| s.wire.after_abort = 0),
        switch("watch-refused", |s| s.wire.watch_refused = 0),
        switch("watch-cut", |s| s.wire.watch_cut = 0),
        switch("watch-hung", |s| s.wire.watch_hung = 0),
        switch("watch-garbage", |s| s.wire.watch_garbage = 0),
        switch("watch-gone", |s| s.wire.watch_gone = 0),
        switch("watch-error", |s| s.wire.watch_error = 0),
        switch("crash", |s| s.processes.crash = 0),
        switch("stops", |s| s.processes.stops = 0),
        switch("gateway-deaths", |s| s.processes.gateway_deaths = 0),
        switch("lease-changes", |s| s.processes.lease_changes = 0),
        switch("clock-jumps", |s| s.processes.clock_jumps = 0),
        switch("restarts", |s| s.server.restarts = 0),
        switch("compactions", |s| s.server.compactions = 0),
        switch("restores", |s| s.server.restores = 0),
        switch("outages", |s| s.server.outages = 0),
        switch("impatience", |s| s.users.impatient = 0),
        switch("settled", |s| s.users.settled = 0),
        switch("stop-and-start", |s| s.lifecycle = Lifecycle::CreateAndDelete),
        switch("pages", |s| s.cluster.page = None),
        switch("short-history", |s| s.cluster.history = 1_000),
        switch("slow-reading", |s| s.reading = Reading { credit: 64, batch: 16, event_ms: 5 }),
        switch("latency", |s| s.wire.latency_ms = 2),
    ];
    all.extend(Kind::ALL.into_iter().map(|kind| {
        let name = format!("{kind:?}").to_lowercase();
        switch(&name, move |s| {
            s.others.kinds.retain(|other| *other != kind);
            if s.others.kinds.is_empty() {
                s.others.acts = 0;
            }
        })
    }));
    all.push(switch("half-the-storm", |s| half(&mut s.storm_ms)));
    all.push(switch("half-the-wishes", |s| half(&mut s.users.wishes)));
    all.push(switch("half-the-acts", |s| half(&mut s.others.acts)));
    all
}

/// The plan that breaks the same rule with the least in it that was found.
#[must_use]
pub fn shrink(plan: &Plan, rule: Rule) -> Plan {
    let switches = switches();
    let mut best = plan.clone();
    let mut plays = 0;
    loop {
        let mut kept = false;
        for switch in &switches {
            let mut smaller = best.clone();
            smaller.without.push(switch.name.clone());
            if format!("{:?}", smaller.scenario()) == format!("{:?}", best.scenario()) {
                continue;
            }
            if plays >= PLAYS_MAX {
                return best;
            }
            plays += 1;
            let verdict = hunt::seed(&smaller, Telling::Nothing, Hashing::Off);
            if verdict.violation.is_some_and(|violation| violation.rule == rule) {
                best = smaller;
                kept = true;
            }
        }
        if !kept {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_switches_have_one_name() {
        let mut names: Vec<String> = switches().into_iter().map(|switch| switch.name).collect();
        names.sort();
        let number = names.len();
        names.dedup();
        assert_eq!(names.len(), number);
    }

    #[test]
    fn with_everything_switched_off_a_world_is_as_good_as_calm() {
        let without = ["wire", "processes", "server", "others"].map(str::to_owned).to_vec();
        let scenario = Plan { without, ..Plan::of(4) }.scenario();
        assert_eq!(scenario.wire.refused + scenario.processes.crash + scenario.server.outages + scenario.others.acts, 0);
    }
}
