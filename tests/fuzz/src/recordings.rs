//! Flight recordings: what somebody hands to `replay`, and what becomes of whatever the API server says.

use openshell_driver_kyma::core::recording::Replay;
use openshell_driver_kyma::core::recording::replay::{Broken, Met, replay};

use crate::answers::{Stage, listed};

/// Bytes as a file that is played; or, after a first byte of 128 and more, as answers to a driver that is recorded.
pub fn recordings(data: &[u8]) {
    match data.split_first() {
        Some((128.., answers)) => recorded(answers),
        Some((_, file)) => played(&String::from_utf8_lossy(file)),
        None => {}
    }
}

/// Whatever a file says, it is read to its end, or refused with a reason. Its inputs are played as long as its checkpoints are a driver's own: a
/// state that no driver was ever in promises nothing.
fn played(file: &str) {
    let Ok(mut recording) = Replay::open(file) else { return };
    let genuine = Stage::recorded_start();
    let checkpoint = genuine.lines().nth(1).unwrap_or_default();
    let is_genuine = file.lines().filter(|line| line.contains("\"checkpoint\"")).all(|line| line == checkpoint);
    while let Some(met) = recording.next() {
        match met {
            Ok(Met::Entry(entry)) if is_genuine && entry.outputs.is_some() => drop(recording.play(entry)),
            Ok(_) | Err(Broken::Differs(_)) => {}
            Err(Broken::Unreadable(why)) => {
                assert!(!why.to_string().is_empty());
                return;
            }
        }
    }
}

/// Whatever the API server says, what is recorded of it can be played; and where that is JSON, to the same outputs and states. Of a body that is JSON
/// only to some place, a recording does not keep to which, and so not how the driver puts it that it cannot be read.
fn recorded(answers: &[u8]) {
    let mut stage = Stage::recorded();
    listed(&mut stage, answers);
    let file = stage.file();
    let is_json = answers.get(1..).is_some_and(|body| serde_json::from_slice::<serde_json::Value>(body).is_ok());
    match replay(&file) {
        Err(Broken::Differs(difference)) if is_json => panic!("{difference:?}"),
        Err(Broken::Unreadable(why)) => panic!("{why}"),
        Ok(_) | Err(Broken::Differs(_)) => {}
    }
}
