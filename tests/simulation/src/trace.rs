//! What happened, readable. Kept only for a seed that is looked at: writing sentences costs more than simulating.

use std::fmt::Write as _;

/// The account of one world.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
}

/// Whether an account is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// It is.
    Everything,
    /// It is not.
    Nothing,
}

impl Trace {
    /// An empty account.
    #[must_use]
    pub fn new(telling: Telling) -> Self {
        Self { lines: (telling == Telling::Everything).then(Vec::new) }
    }

    /// Adds a sentence, if an account is wanted.
    pub fn say(&mut self, at_ms: u64, sentence: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let mut line = String::new();
            // Writing to a String cannot fail.
            let _ = write!(line, "{:>5}.{:03}  ", at_ms / 1_000, at_ms % 1_000);
            line.push_str(&sentence());
            lines.push(line);
        }
    }

    /// The whole account.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
