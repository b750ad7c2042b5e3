//! What a preflight found, for a person or a program.

use std::fmt::Write as _;

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name, for programs.
    pub name: &'static str,
    /// What was looked at, for people.
    pub title: String,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Pass {
        /// What it is.
        detail: String,
    },
    /// The driver runs, but something is less than it could be.
    Warn {
        /// What is wrong.
        detail: String,
        /// The command, or the change, that mends it.
        mend: String,
    },
    /// The driver would not do its work.
    Fail {
        /// What is wrong.
        detail: String,
        /// The command, or the change, that mends it.
        mend: String,
    },
    /// It could not be seen, or makes no sense before something else is mended.
    Unknown {
        /// Why.
        detail: String,
    },
}

impl Outcome {
    /// As it should be.
    pub fn pass(detail: impl Into<String>) -> Self {
        Self::Pass { detail: detail.into() }
    }

    /// Less than it could be.
    pub fn warn(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Warn { detail: detail.into(), mend: mend.into() }
    }

    /// Wrong.
    pub fn fail(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Fail { detail: detail.into(), mend: mend.into() }
    }

    /// Not known.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown { detail: detail.into() }
    }

    const fn mark(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "✓",
            Self::Warn { .. } => "!",
            Self::Fail { .. } => "✗",
            Self::Unknown { .. } => "?",
        }
    }

    const fn parts(&self) -> (&String, Option<&String>) {
        match self {
            Self::Pass { detail } | Self::Unknown { detail } => (detail, None),
            Self::Warn { detail, mend } | Self::Fail { detail, mend } => (detail, Some(mend)),
        }
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A list with a mark each.
    Text,
    /// One JSON object.
    Json,
}

/// Everything that was looked at, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which they were looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, name: &'static str, title: impl Into<String>, outcome: Outcome) {
        self.findings.push(Finding { name, title: title.into(), outcome });
    }

    /// Whether the driver would do its work.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding.outcome, Outcome::Fail { .. }))
    }

    /// The report in this format, ending with a newline.
    #[must_use]
    pub fn print(&self, format: Format) -> String {
        match format {
            Format::Text => self.as_text(),
            Format::Json => {
                serde_json::to_string_pretty(&serde_json::json!({ "fit": self.is_fit(), "findings": self.findings })).unwrap_or_default()
                    + "\n"
            }
        }
    }

    fn as_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for finding in &self.findings {
            let (detail, mend) = finding.outcome.parts();
            let _ = writeln!(text, "{} {}: {detail}", finding.outcome.mark(), finding.title);
            for line in mend.into_iter().flat_map(|mend| mend.lines()) {
                let _ = writeln!(text, "    {line}");
            }
        }
        let of = |is: fn(&Outcome) -> bool| self.findings.iter().filter(|finding| is(&finding.outcome)).count();
        let failed = of(|outcome| matches!(outcome, Outcome::Fail { .. }));
        let unknown = of(|outcome| matches!(outcome, Outcome::Unknown { .. }));
        let verdict = match (failed, unknown) {
            (0, 0) => "the driver would run here".to_owned(),
            (0, unknown) => format!("nothing speaks against running the driver here; {unknown} could not be seen"),
            (failed, _) => format!("the driver would not do its work here: {failed} to mend"),
        };
        let _ = writeln!(text, "\n{verdict}");
        text
    }
}
