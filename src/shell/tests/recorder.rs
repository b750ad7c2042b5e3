//! A core that breaks: what led to it is written before the process ends.

use std::fs;
use std::process::Command;

use super::house::{SLOW, nowhere};
use super::{Scratch, soon};
use crate::config::Config;
use crate::core::Driver;
use crate::core::io::{Input, Outputs};
use crate::core::time::Now;
use crate::replay;
use crate::shell::recorder::{FlightRecorder, OnExit, Recording};
use crate::shell::runtime::{self, Core};
use crate::shell::socket::Place;
use tokio::sync::mpsc;

/// Where the process that breaks finds its directory.
const DIRECTORY: &str = "OPENSHELL_TEST_RECORDINGS";

/// The core, but for one input that it does not survive.
struct Fragile {
    driver: Driver,
    recorder: FlightRecorder,
}

impl Core for Fragile {
    fn handle(&mut self, now: Now, input: Input, out: &mut Outputs) {
        self.recorder.input(&self.driver, now, &input);
        assert!(!matches!(input, Input::Stop), "as secret as anything");
        self.driver.handle(now, input, out);
        self.recorder.outputs(out);
    }

    fn recorder(&self) -> Option<&FlightRecorder> {
        Some(&self.recorder)
    }
}

fn config() -> Config {
    serde_json::from_str(include_str!("../../../vectors/config.json")).unwrap()
}

/// Run by the test below, in a process of its own: its panic hook is everybody's.
#[tokio::test]
#[ignore = "breaks on purpose: what_led_to_a_panic_is_written runs it"]
async fn a_core_that_breaks() {
    let directory = std::env::var_os(DIRECTORY).expect("run by the test below");
    let recording = Recording { directory: directory.into(), on_exit: OnExit::Dropped };
    let recorder = FlightRecorder::new(recording, config(), [1; 32]).unwrap();
    recorder.watch_panics();
    let scratch = Scratch::new();
    let place = Place::take(&scratch.path("s/driver.sock"), &[]).await.unwrap();
    let (signals, signalled) = mpsc::channel(2);
    signals.send("SIGTERM").await.unwrap();
    let fragile = Fragile { driver: Driver::new(config(), [2; 32]), recorder };
    let run = runtime::run(fragile, &place, None, nowhere(), None, signalled, SLOW);
    let _ = soon(Box::pin(run)).await;
}

#[test]
fn what_led_to_a_panic_is_written() {
    let scratch = Scratch::new();
    let directory = scratch.path("recordings");
    fs::create_dir(&directory).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "shell::tests::recorder::a_core_that_breaks"])
        .env(DIRECTORY, &directory)
        .output()
        .unwrap();
    assert!(!output.status.success(), "it did not break");
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}: {}", String::from_utf8_lossy(&output.stdout)) };
    let text = fs::read_to_string(file).unwrap();
    let header = text.lines().next().unwrap();
    assert!(header.contains("panic at src/shell/tests/recorder.rs:") && !text.contains("as secret as anything"), "{header}");

    let (report, last) = replay::compare(&text).unwrap();
    assert!(report.is_same(), "{report}");
    let last = last.expect("the input that it did not survive");
    assert!(text.lines().last().unwrap().contains("\"input\":\"stop\"") && last.number > 1);
    assert!(!last.play().is_empty(), "this core survives it, and stops");
}
