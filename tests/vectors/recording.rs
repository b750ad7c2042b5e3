//! Every vector is recorded as a driver is, in segments of a few inputs: what is recorded plays again, and holds no secret.

use std::collections::BTreeSet;
use std::path::PathBuf;

use openshell_driver_kyma::core::recording::mask::text;
use openshell_driver_kyma::core::recording::replay::{Broken, replay};
use openshell_driver_kyma::replay::{Range, vector};

use crate::PLAYED;
use crate::format::VectorFile;
use crate::library::Library;
use crate::play::{broken_rules, differences, play};
use crate::secrets::{TELLING, of};

#[test]
fn what_is_recorded_plays_again_from_every_checkpoint() {
    let (mut inputs, mut failures) = (0, Vec::new());
    for (file, played) in PLAYED.iter() {
        match replay(&played.recording) {
            Ok(played) => inputs += played,
            Err(Broken::Differs(difference)) => failures.push(format!(
                "{}: input {}: {:?}\n  recorded: {}\n  came:     {}",
                file.name, difference.number, difference.what, difference.recorded, difference.came
            )),
            Err(Broken::Unreadable(why)) => failures.push(format!("{}: {why}", file.name)),
        }
    }
    assert!(failures.is_empty(), "{} recordings:\n{}", failures.len(), failures.join("\n"));
    assert!(inputs > 5_000, "only {inputs} inputs");
}

/// One of so many is sliced.
const SLICED: usize = 10;

#[test]
fn a_slice_of_a_recording_is_a_vector_that_holds() {
    let library = Library::read();
    let mut sliced = 0;
    for (file, played) in PLAYED.iter().step_by(SLICED) {
        let last = played.recording.lines().filter(|line| line.starts_with("{\"n\":")).count();
        let range = format!("{}..{last}", last.saturating_sub(file.vector.steps.len()) + 1);
        let text = vector(&played.recording, &Range::parse(&range).unwrap()).unwrap_or_else(|why| panic!("{}: {why}", file.name));
        let vector = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", file.name));
        let made = VectorFile { name: format!("{}, {range}", file.name), path: PathBuf::new(), vector };
        let again = play(&made, &library);
        let differences = differences(&made, &again, &library);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        assert!(broken_rules(&made, &again, &library).is_empty(), "{}", broken_rules(&made, &again, &library).join("\n"));
        assert!(!made.vector.must.is_empty() || !made.vector.must_not.is_empty(), "{} has no rule", made.name);
        sliced += 1;
    }
    assert!(sliced > 50, "{sliced} vectors");
}

#[test]
fn no_recording_holds_a_secret() {
    let mut known = 0;
    for (file, played) in PLAYED.iter() {
        let found: BTreeSet<String> =
            of(&file.vector).into_iter().filter(|secret| secret.len() >= TELLING && text(secret) != **secret).collect();
        known += found.len();
        for secret in found {
            let written = serde_json::Value::from(secret.as_str()).to_string();
            let written = written.trim_matches('"');
            // Some values are words of the format, which stand before a colon.
            let recording = played.recording.replace(&format!("\"{written}\":"), "");
            assert!(!recording.contains(written), "{}: {secret:?} is in its recording", file.name);
        }
    }
    assert!(known > 100, "{known} secrets");
}
