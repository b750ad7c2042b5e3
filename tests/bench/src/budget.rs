//! What was promised, and whether it is kept: the budgets of docs/performance.md that a run can judge.

use serde::Serialize;

use crate::report::Report;

/// A promise, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// What was promised.
    pub what: &'static str,
    /// At most.
    pub limit: f64,
    /// Measured; nothing where the run was too small to say.
    pub measured: Option<f64>,
}

impl Verdict {
    /// Whether it is kept, for people.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.measured {
            None => "not measured",
            Some(measured) if measured <= self.limit => "kept",
            Some(_) => "NOT KEPT",
        }
    }
}

const OURS: &str = "driver";
const MIB: f64 = 1024.0 * 1024.0;

/// Judges a run.
#[must_use]
pub fn judge(report: &Report) -> Vec<Verdict> {
    let ratio = |what: &str, sandboxes, callers| report.row(what, sandboxes, callers, OURS)?.ratio;
    let fact = |what: &str, sandboxes| report.value(what, sandboxes, OURS);
    let each = {
        let first = report.facts.iter().find(|fact| fact.what == RESIDENT && fact.who == OURS);
        let last = report.facts.iter().rfind(|fact| fact.what == RESIDENT && fact.who == OURS);
        match (first, last) {
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            (Some(first), Some(last)) if last.sandboxes > first.sandboxes => {
                Some((last.value - first.value) * MIB / (last.sandboxes - first.sandboxes) as f64 / 1024.0)
            }
            _ => None,
        }
    };
    let verdict = |what, limit, measured| Verdict { what, limit, measured };
    vec![
        verdict("create: × a bare POST, p50, 16 callers", 1.05, ratio("create", None, 16)),
        verdict("create: requests", 1.0, report.row("create", None, 16, OURS).and_then(|row| row.requests)),
        verdict("get: × gRPC echo, p50, 1 caller", 2.0, ratio("get", None, 1)),
        verdict("get: requests", 0.0, report.row("get", None, 16, OURS).and_then(|row| row.requests)),
        verdict("list of 5,000: × encoding and sending, p50, 1 caller", 1.3, ratio("list", Some(5_000), 1)),
        verdict("list: requests", 0.0, report.row("list", None, 16, OURS).and_then(|row| row.requests)),
        verdict("event lag behind a raw watch, p99, ms", 1.0, report.row("event lag", None, 1, OURS).map(|row| row.p99_us / 1_000.0)),
        verdict("memory, idle, MiB", 12.0, fact(RESIDENT, Some(0))),
        verdict("memory for each further sandbox, KiB", 2.5, each),
        verdict("peak of memory while everything is listed again, ×", 1.5, fact("peak of a relist", None)),
        verdict("exec to ready with 0 sandboxes, ms", 50.0, report.row("start up", Some(0), 1, OURS).map(|row| row.p50_us / 1_000.0)),
    ]
}

/// What memory is called.
pub const RESIDENT: &str = "memory";
