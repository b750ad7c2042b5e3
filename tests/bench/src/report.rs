//! What is said of a run: a table for people, JSON for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::budget::Verdict;

/// A run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What it was run on, a sentence each.
    pub conditions: Vec<String>,
    /// Times.
    pub rows: Vec<Row>,
    /// What is counted or weighed.
    pub facts: Vec<Fact>,
    /// What was promised, and what came of it.
    pub budgets: Vec<Verdict>,
}

/// How long something takes somebody.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which operation.
    pub what: &'static str,
    /// How many sandboxes there are.
    pub sandboxes: usize,
    /// Callers at the same time.
    pub callers: usize,
    /// Who does it: `floor`, `driver`, or a peer.
    pub who: String,
    /// How often it was done.
    pub times: usize,
    /// The middle time, in microseconds.
    pub p50_us: f64,
    /// The time that one in a hundred exceeds, in microseconds.
    pub p99_us: f64,
    /// The middle one of the rounds' ratios to the floor's median.
    pub ratio: Option<f64>,
    /// Milliseconds of processor time that a thousand cost the driver's process.
    pub processor_ms_per_1000: Option<f64>,
    /// Requests to the API server for each.
    pub requests: Option<f64>,
}

/// Something counted or weighed.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// What.
    pub what: &'static str,
    /// How many sandboxes there are.
    pub sandboxes: usize,
    /// Of whom.
    pub who: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
}

impl Report {
    /// Notes a fact.
    pub fn fact(&mut self, what: &'static str, sandboxes: usize, who: &str, value: f64, unit: &'static str) {
        self.facts.push(Fact { what, sandboxes, who: who.into(), value, unit });
    }

    /// The row of an operation at the most sandboxes it was measured with.
    #[must_use]
    pub fn row(&self, what: &str, sandboxes: Option<usize>, callers: usize, who: &str) -> Option<&Row> {
        let is_it = |row: &&Row| {
            row.what == what && row.callers == callers && row.who == who && sandboxes.is_none_or(|sandboxes| row.sandboxes == sandboxes)
        };
        self.rows.iter().rfind(is_it)
    }

    /// A fact about somebody, at this many sandboxes, or at the most it was measured with.
    #[must_use]
    pub fn value(&self, what: &str, sandboxes: Option<usize>, who: &str) -> Option<f64> {
        let is_it = |fact: &&Fact| fact.what == what && fact.who == who && sandboxes.is_none_or(|sandboxes| fact.sandboxes == sandboxes);
        self.facts.iter().rfind(is_it).map(|fact| fact.value)
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        for condition in &self.conditions {
            let _ = writeln!(text, "{condition}");
        }
        let _ = writeln!(
            text,
            "\n{:<12} {:>9} {:>7} {:<10} {:>6} {:>12} {:>12} {:>8} {:>12} {:>9}",
            "operation", "sandboxes", "callers", "who", "times", "p50 µs", "p99 µs", "× floor", "cpu ms/1000", "requests"
        );
        let number = |value: Option<f64>, decimals| value.map_or_else(|| "–".to_owned(), |value: f64| format!("{value:.decimals$}"));
        for row in &self.rows {
            let _ = writeln!(
                text,
                "{:<12} {:>9} {:>7} {:<10} {:>6} {:>12.0} {:>12.0} {:>8} {:>12} {:>9}",
                row.what,
                row.sandboxes,
                row.callers,
                row.who,
                row.times,
                row.p50_us,
                row.p99_us,
                number(row.ratio, 2),
                number(row.processor_ms_per_1000, 1),
                number(row.requests, 2)
            );
        }
        let _ = writeln!(text, "\n{:<34} {:>9} {:<10} {:>14}", "what", "sandboxes", "who", "");
        for fact in &self.facts {
            let _ = writeln!(text, "{:<34} {:>9} {:<10} {:>14.2} {}", fact.what, fact.sandboxes, fact.who, fact.value, fact.unit);
        }
        let _ = writeln!(text, "\n{:<62} {:>10} {:>10}", "budget", "at most", "measured");
        for verdict in &self.budgets {
            let measured = number(verdict.measured, 2);
            let _ = writeln!(text, "{:<62} {:>10.2} {:>10} {}", verdict.what, verdict.limit, measured, verdict.word());
        }
        text
    }
}
