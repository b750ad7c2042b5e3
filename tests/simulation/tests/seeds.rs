//! A small part of the seeds, and those that once found something, with every test run. `make simulate` plays as many as there is time for.
#![expect(clippy::disallowed_methods, reason = "worlds have no threads; what plays many of them has")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::thread;

use simulation::hunt::{self, Plan, report};
use simulation::summary::Hashing;
use simulation::trace::Telling;

/// Seeds of each of two threads.
const SEEDS: u64 = 80;
/// Lines of the account that a failure shows.
const LAST: usize = 60;

/// The seeds of these that break a rule.
fn broken(seeds: impl IntoIterator<Item = u64>) -> Vec<u64> {
    seeds.into_iter().filter(|number| hunt::seed(&Plan::of(*number), Telling::Nothing, Hashing::Off).violation.is_some()).collect()
}

fn check(seeds: &[u64]) {
    assert!(seeds.is_empty(), "{seeds:?} break rules; the first of them:\n{}", report(&Plan::of(seeds[0]), LAST));
}

#[test]
fn no_seed_breaks_a_rule() {
    let other = thread::spawn(|| broken(SEEDS + 1..=2 * SEEDS));
    let mut seeds = broken(1..=SEEDS);
    seeds.extend(other.join().expect("a world's panic counts as a broken rule"));
    check(&seeds);
}

#[test]
fn no_seed_that_once_did_breaks_a_rule_again() {
    let lines = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#'));
    let seeds = lines.map(|line| line.split(' ').next().and_then(|number| number.parse().ok()).expect("a line begins with its seed"));
    check(&broken(seeds));
}

#[test]
fn a_seed_is_the_same_world_each_time() {
    for number in 1..=4 {
        assert!(hunt::is_deterministic(number), "seed {number} was another world the second time");
    }
}
