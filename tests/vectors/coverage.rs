//! Which transitions of the core the vectors show.

use std::collections::BTreeSet;

use openshell_driver_kyma::core::transitions::all;

use crate::play::Played;

/// Transitions that some vector showed.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<[String; 3]>);

impl Seen {
    /// Adds those of one vector.
    pub fn add(&mut self, played: &Played) {
        self.0.extend(played.met.iter().cloned());
    }

    /// Those that the core lists and no vector shows, and those that a vector shows and the core does not list.
    pub fn compare(&self) -> (Vec<String>, Vec<String>) {
        let listed: BTreeSet<[String; 3]> = all().map(|parts| parts.map(str::to_owned)).collect();
        let line = |[machine, state, met]: &[String; 3]| format!("  {machine}: {state} meets {met}");
        (listed.difference(&self.0).map(line).collect(), self.0.difference(&listed).map(line).collect())
    }
}
