//! Many seeds, or one looked at closely.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::rules::{Rule, Violation};
use crate::scenario::Scenario;
use crate::summary::{Hashing, Summary};
use crate::trace::Telling;
use crate::world::{Played, play};

/// What came of a seed.
#[derive(Debug)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// What happened, counted.
    pub summary: Summary,
    /// The rule it broke, if it did.
    pub violation: Option<Violation>,
    /// The account, where one was wanted.
    pub lines: Vec<String>,
}

/// Plays one seed. Where panics unwind, one counts as a broken rule.
#[must_use]
pub fn seed(seed: u64, telling: Telling, hashing: Hashing) -> Verdict {
    let played = catch_unwind(AssertUnwindSafe(|| play(Scenario::of(seed), telling, hashing)));
    let Played { summary, violation, lines } = played.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
        let violation = Violation { rule: Rule::Panic, at_ms: 0, detail: text.unwrap_or("without a word").to_owned() };
        Played { summary: Summary::new(hashing), violation: Some(violation), lines: Vec::new() }
    });
    Verdict { seed, summary, violation, lines }
}

/// Plays a seed twice and says whether every output was the same.
#[must_use]
pub fn is_deterministic(number: u64) -> bool {
    let hash = || seed(number, Telling::Nothing, Hashing::On).summary.hash;
    hash() == hash()
}

/// The seed, the rule it broke and the last that happened before, for a person.
#[must_use]
pub fn report(number: u64, last: usize) -> String {
    let verdict = seed(number, Telling::Everything, Hashing::Off);
    let from = verdict.lines.len().saturating_sub(last);
    let shown = verdict.lines.get(from..).unwrap_or_default().join("\n");
    let broken = verdict.violation.map_or_else(|| "broke nothing when played again".to_owned(), |violation| violation.to_string());
    format!("seed {number}: {broken}\n{shown}\nagain: cargo run --profile simulation -p simulation -- --seed {number} --trace")
}
