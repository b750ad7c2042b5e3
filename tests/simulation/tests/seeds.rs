//! A small part of the seeds, with every test run. `make simulate` plays as many as there is time for.
#![expect(clippy::disallowed_methods, reason = "worlds have no threads; what plays many of them has")]

use std::thread;

use simulation::hunt::{self, report};
use simulation::summary::Hashing;
use simulation::trace::Telling;

/// Seeds of each of two threads.
const SEEDS: u64 = 60;
/// Lines of the account that a failure shows.
const LAST: usize = 60;

/// The seeds from here on that break a rule.
fn broken(from: u64) -> Vec<u64> {
    (from..from + SEEDS).filter(|number| hunt::seed(*number, Telling::Nothing, Hashing::Off).violation.is_some()).collect()
}

#[test]
fn no_seed_breaks_a_rule() {
    let other = thread::spawn(|| broken(1 + SEEDS));
    let mut seeds = broken(1);
    seeds.extend(other.join().unwrap_or_default());
    let first = seeds.first().map(|seed| report(*seed, LAST));
    assert!(first.is_none(), "{seeds:?} break rules; the first of them:\n{}", first.unwrap_or_default());
}

#[test]
fn a_seed_is_the_same_world_each_time() {
    for number in 1..=4 {
        assert!(hunt::is_deterministic(number), "seed {number} was another world the second time");
    }
}
