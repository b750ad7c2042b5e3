//! Many seeds, or one looked at closely.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::recordings::{Recorded, Recording};
use crate::rules::{Rule, Violation};
use crate::scenario::Scenario;
use crate::shrink;
use crate::summary::{Hashing, Summary};
use crate::trace::Telling;
use crate::world::{Played, play};

/// A world to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its seed.
    pub seed: u64,
    /// What is taken out of it, in this order.
    pub without: Vec<String>,
    /// After how many outputs the first process of the first driver dies, if it does so by plan.
    pub crash_after: Option<u64>,
    /// Whether its processes are recorded.
    pub recording: Recording,
}

impl Plan {
    /// The whole world of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self { seed, without: Vec::new(), crash_after: None, recording: Recording::Off }
    }

    /// What is in it.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::of(self.seed);
        if !self.without.is_empty() {
            let switches = shrink::switches();
            for name in &self.without {
                if let Some(switch) = switches.iter().find(|switch| switch.name == *name) {
                    switch.off(&mut scenario);
                }
            }
        }
        if let Some(after) = self.crash_after {
            scenario.processes.crash = 0;
            scenario.processes.crash_after = Some(after);
        }
        scenario.processes.recording = self.recording;
        scenario
    }

    /// The arguments that play it again.
    #[must_use]
    pub fn arguments(&self) -> String {
        let mut text = format!("--seed {}", self.seed);
        if !self.without.is_empty() {
            text.push_str(" --without ");
            text.push_str(&self.without.join(","));
        }
        if let Some(after) = self.crash_after {
            text.push_str(" --crash-after ");
            text.push_str(&after.to_string());
        }
        text
    }
}

/// What came of a world.
#[derive(Debug)]
pub struct Verdict {
    /// The world.
    pub plan: Plan,
    /// What happened, counted.
    pub summary: Summary,
    /// The rule it broke, if it did.
    pub violation: Option<Violation>,
    /// The account, where one was wanted.
    pub lines: Vec<String>,
    /// What the flight recorders of its processes have.
    pub recordings: Vec<Recorded>,
}

/// Plays one world. Where panics unwind, one counts as a broken rule.
#[must_use]
pub fn seed(plan: &Plan, telling: Telling, hashing: Hashing) -> Verdict {
    let played = catch_unwind(AssertUnwindSafe(|| play(plan.scenario(), telling, hashing)));
    let Played { summary, violation, lines, recordings } = played.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
        let violation = Violation { rule: Rule::Panic, at_ms: 0, detail: text.unwrap_or("without a word").to_owned() };
        Played { summary: Summary::new(hashing), violation: Some(violation), lines: Vec::new(), recordings: Vec::new() }
    });
    Verdict { plan: plan.clone(), summary, violation, lines, recordings }
}

/// Plays a seed twice and says whether every output was the same.
#[must_use]
pub fn is_deterministic(number: u64) -> bool {
    let hash = || seed(&Plan::of(number), Telling::Nothing, Hashing::On).summary.hash;
    hash() == hash()
}

/// Worlds of one seed in which the first process of the first driver dies after each of its outputs in turn, from before the first to after the
/// last. Gives what broke a rule, and how many worlds there were.
#[must_use]
pub fn crash_everywhere(number: u64) -> (u64, Vec<Verdict>) {
    let never = Plan { crash_after: Some(u64::MAX), ..Plan::of(number) };
    let outputs = seed(&never, Telling::Nothing, Hashing::Off).summary.first_life;
    let plans = (0..=outputs).map(|after| Plan { crash_after: Some(after), ..Plan::of(number) });
    let verdicts = plans.map(|plan| seed(&plan, Telling::Nothing, Hashing::Off));
    (outputs + 1, verdicts.filter(|verdict| verdict.violation.is_some()).collect())
}

/// The world, the rule it broke, the smallest world found that breaks it too, and the last that happened there, for a person.
#[must_use]
pub fn report(plan: &Plan, last: usize) -> String {
    let verdict = seed(plan, Telling::Nothing, Hashing::Off);
    let Some(violation) = verdict.violation else {
        return format!("{}: broke nothing when played again", plan.arguments());
    };
    let small = shrink::shrink(plan, violation.rule);
    let verdict = seed(&small, Telling::Everything, Hashing::Off);
    let from = verdict.lines.len().saturating_sub(last);
    let shown = verdict.lines.get(from..).unwrap_or_default().join("\n");
    let again = |plan: &Plan| format!("cargo run --profile simulation -p simulation -- {} --trace", plan.arguments());
    format!("seed {}: {violation}\nagain: {}\nsmall: {}\n{shown}", plan.seed, again(plan), again(&small))
}
