//! Every target over what it begins with, and over some thousand inputs made from that.

#![allow(clippy::disallowed_methods, reason = "it reads the targets' files")]

use fastrand::Rng;
use fuzz_targets::mutation::mutated;
use fuzz_targets::{TARGETS, seeds};

/// Inputs made for each target; the same each time.
const INPUTS: usize = 2_000;

#[test]
fn every_target_stands_what_is_known_and_what_is_made_of_it() {
    for target in TARGETS {
        let corpus = seeds::of(target.name);
        for bytes in &corpus {
            (target.run)(bytes);
        }
        let mut dice = Rng::with_seed(1);
        for _ in 0..INPUTS {
            (target.run)(&mutated(&mut dice, &corpus));
        }
    }
}

#[test]
fn every_target_can_be_fuzzed_with_cargo_fuzz() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for target in TARGETS {
        let file = format!("{}/../../fuzz/fuzz_targets/{}.rs", env!("CARGO_MANIFEST_DIR"), target.name);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(text.contains(&format!("{}(", target.name)), "fuzz/fuzz_targets/{}.rs does not run it", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "fuzz/Cargo.toml does not have {}", target.name);
    }
}
