//! The driver's core as the purity crate has it, with every fault of `tests/simulation/mutations.txt` compiled in. Which one is on is chosen at run
//! time, so that one build serves them all.
#![allow(warnings, reason = "the sources are checked where they are, and the faults are faults")]

include!(concat!(env!("OUT_DIR"), "/core.rs"));

/// The fault that is on.
pub mod mutation {
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<&'static str> = const { Cell::new("") };
    }

    /// Switches one on in this thread, and every other off.
    pub fn choose(name: &'static str) {
        ON.set(name);
    }

    /// Whether this one is on.
    pub fn is(name: &str) -> bool {
        ON.get() == name
    }
}
