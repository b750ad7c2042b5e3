//! How far a hunt has come: seeds, their speed, what of the core they reached, and those that broke a rule.

use std::fmt::Write as _;
use std::time::Duration;

use crate::driver::core::transitions;

use crate::hunt::Verdict;
use crate::summary::{FAULTS, Hashing, Summary};

/// What came of all seeds so far.
#[derive(Debug)]
pub struct Progress {
    seeds: u64,
    sum: Summary,
    failures: Vec<Verdict>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { seeds: 0, sum: Summary::new(Hashing::Off), failures: Vec::new() }
    }
}

impl Progress {
    /// Adds a seed.
    pub fn add(&mut self, mut verdict: Verdict) {
        self.seeds += 1;
        let summary = std::mem::replace(&mut verdict.summary, Summary::new(Hashing::Off));
        self.sum.add(summary);
        if verdict.violation.is_some() {
            self.failures.push(verdict);
        }
    }

    /// How many seeds.
    #[must_use]
    pub const fn seeds(&self) -> u64 {
        self.seeds
    }

    /// Those that broke a rule.
    #[must_use]
    pub fn failures(&self) -> &[Verdict] {
        &self.failures
    }

    /// One line.
    #[must_use]
    pub fn line(&self, took: Duration) -> String {
        let all = transitions::all().count();
        let met = transitions::all().filter(|transition| self.sum.met.contains_key(transition)).count();
        let per_second = self.seeds * 1_000 / u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        format!(
            "{} seeds, {per_second} a second; {} h simulated; {} calls, {} requests; {met} of {all} transitions; {} of {} kinds of fault; {} failures",
            self.seeds,
            self.sum.simulated_ms / 3_600_000,
            self.sum.calls,
            self.sum.requests,
            self.sum.faults.len(),
            FAULTS.len(),
            self.failures.len()
        )
    }

    /// Kinds of fault that no world has met.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        FAULTS.into_iter().filter(|fault| !self.sum.faults.contains_key(fault))
    }

    /// What went wrong how often, and which transitions were not met.
    #[must_use]
    pub fn coverage(&self) -> String {
        let mut text = String::new();
        for (fault, count) in &self.sum.faults {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{count:>10}  {fault}");
        }
        let missed: Vec<String> =
            transitions::all().filter(|transition| !self.sum.met.contains_key(transition)).map(|t| t.join("/")).collect();
        let _ = write!(text, "not met: {}", missed.join(", "));
        text
    }
}
