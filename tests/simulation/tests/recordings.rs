//! Whatever happens to a driver, its recording plays again, from any of its checkpoints, to the same outputs and the same state.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(not(feature = "mutations"))]

use simulation::driver::core::recording::replay::{Broken, replay};
use simulation::hunt::{self, Plan};
use simulation::recordings::Recording;
use simulation::summary::Hashing;
use simulation::trace::Telling;

/// Worlds whose every process is recorded.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=24;
/// Inputs of a segment: a number that keeps step with nothing.
const ENTRIES: usize = 37;

/// Recordings of a world, as its seed and the file.
fn recordings(seed: u64, segments: usize) -> Vec<(u64, String)> {
    let plan = Plan { recording: Recording::On { entries: ENTRIES, segments }, ..Plan::of(seed) };
    let verdict = hunt::seed(&plan, Telling::Nothing, Hashing::Off);
    assert!(verdict.violation.is_none(), "seed {seed}: {:?}", verdict.violation);
    verdict.recordings.into_iter().map(|recorded| (seed, recorded.file)).collect()
}

fn play(seed: u64, file: &str) -> u64 {
    replay(file).unwrap_or_else(|broken| match broken {
        Broken::Unreadable(why) => panic!("seed {seed}: {why}"),
        Broken::Differs(difference) => panic!(
            "seed {seed}: input {}: {:?}\n  recorded: {}\n  came:     {}",
            difference.number, difference.what, difference.recorded, difference.came
        ),
    })
}

#[test]
fn every_life_plays_again_to_the_same_outputs_and_states() {
    let (mut lives, mut inputs, mut checkpoints) = (0, 0, 0);
    for (seed, file) in SEEDS.flat_map(|seed| recordings(seed, usize::MAX)) {
        inputs += play(seed, &file);
        lives += 1;
        checkpoints += file.lines().filter(|line| line.starts_with("{\"before\"")).count();
    }
    assert!(lives > 40 && inputs > 10_000 && checkpoints > 300, "{lives} lives, {inputs} inputs, {checkpoints} checkpoints");
}

#[test]
fn what_is_left_of_a_long_life_plays_from_where_it_begins() {
    let mut begun_late = 0;
    for (seed, file) in (101..=106).flat_map(|seed| recordings(seed, 2)) {
        let first = file.lines().nth(1).expect("a checkpoint");
        begun_late += usize::from(!first.starts_with("{\"before\":1,"));
        assert!(file.lines().count() <= 3 + 2 * ENTRIES, "seed {seed}: more than two segments");
        play(seed, &file);
    }
    assert!(begun_late > 3, "{begun_late} recordings begin in the middle of a life");
}

/// A replay that could not differ would show nothing.
#[test]
fn a_recording_that_was_changed_is_caught_where_it_was_changed() {
    let (_, file) = recordings(7, usize::MAX).into_iter().next().expect("a life");
    let changed = file.replacen("\"wake_at\":5000", "\"wake_at\":5001", 1);
    let changed = if changed == file { file.replacen("\"deadline\":", "\"deadline\":1", 1) } else { changed };
    assert_ne!(changed, file, "nothing was changed");
    let number = |line: &str| line.split("\"n\":").nth(1).and_then(|rest| rest.split(',').next()?.parse::<u64>().ok());
    let at = file.lines().zip(changed.lines()).find(|(one, other)| one != other).and_then(|(line, _)| number(line));
    match replay(&changed) {
        Err(Broken::Differs(difference)) => assert_eq!(Some(difference.number), at),
        other => panic!("{other:?}"),
    }
}
