//! Whether the rules see a core that errs: each deliberate fault of `mutations.txt` must break one within its number of worlds.

use std::fmt::Write as _;

use crate::driver::mutation;
use crate::hunt::{self, Plan};
use crate::rules::Violation;
use crate::summary::Hashing;
use crate::trace::Telling;

/// A deliberate fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutation {
    /// Its name.
    pub name: &'static str,
    /// The file it is in, under `src/core`.
    pub file: &'static str,
    /// Worlds within which it must be found.
    pub worlds: u64,
    /// What is wrong.
    pub what: &'static str,
}

/// What came of one.
#[derive(Debug)]
pub struct Found {
    /// The fault.
    pub mutation: Mutation,
    /// How many worlds it took, and the rule that was broken; nothing if it was not found.
    pub by: Option<(u64, Violation)>,
}

/// Every fault there is.
#[must_use]
pub fn all() -> Vec<Mutation> {
    let mut all: Vec<Mutation> = Vec::new();
    for line in include_str!("../mutations.txt").lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (line.starts_with(' '), words.as_slice(), all.last_mut()) {
            (false, [name, file, worlds], _) => {
                all.push(Mutation { name, file, worlds: worlds.parse().unwrap_or_default(), what: "" });
            }
            (true, [first, ..], Some(last)) if last.what.is_empty() && !matches!(*first, "-" | "+") => last.what = line.trim(),
            _ => {}
        }
    }
    all
}

/// Plays seeds from 1 on against a core with this fault, until it is found or has had its worlds. On this thread.
#[must_use]
pub fn find(mutation: Mutation) -> Found {
    let plays = |name: &'static str, number: u64| {
        mutation::choose(name);
        let verdict = hunt::seed(&Plan::of(number), Telling::Nothing, Hashing::Off);
        mutation::choose("");
        verdict.violation
    };
    let by = (1..=mutation.worlds).find_map(|number| {
        let violation = plays(mutation.name, number)?;
        // What the sound core breaks, too, finds nothing.
        plays("", number).is_none().then_some((number, violation))
    });
    Found { mutation, by }
}

impl Found {
    /// A line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let Mutation { name, file, worlds, what } = self.mutation;
        let mut line = format!("{name:<32} {file:<28} ");
        // Writing to a String cannot fail.
        let _ = match &self.by {
            Some((world, violation)) => write!(line, "{world:>5} of {worlds:<5} {:?}", violation.rule),
            None => write!(line, "NOT FOUND in {worlds}: {what}"),
        };
        line
    }
}
