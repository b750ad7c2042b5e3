//! Runs targets over bytes that are made from what is known, for as long as asked. A plain machine will do.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it writes files and measures time")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, panic};

use fastrand::Rng;
use fuzz_targets::mutation::mutated;
use fuzz_targets::{TARGETS, seeds};

const USAGE: &str = "usage: fuzz SECONDS [TARGET]\n\nplays every target, or one, for so many seconds; what breaks one is kept in fuzz/corpus/TARGET and named";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (seconds, only) = match &arguments[..] {
        [seconds] => (seconds.parse(), None),
        [seconds, target] => (seconds.parse(), Some(target)),
        _ => (String::new().parse(), None),
    };
    let Ok(seconds) = seconds else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let chosen: Vec<_> = TARGETS.into_iter().filter(|target| only.is_none_or(|only| only == target.name)).collect();
    if chosen.is_empty() {
        eprintln!("there is no such target; there are {}", TARGETS.map(|target| target.name).join(", "));
        return ExitCode::from(2);
    }
    // Another seed each time, printed, so that a run can be looked into.
    let seed = u64::from(std::process::id());
    let mut broken = 0;
    for target in chosen {
        let corpus = seeds::of(target.name);
        let mut dice = Rng::with_seed(seed);
        let (began, mut inputs) = (Instant::now(), 0_u64);
        let mut failed = None;
        while began.elapsed() < Duration::from_secs(seconds) && failed.is_none() {
            let bytes = mutated(&mut dice, &corpus);
            inputs += 1;
            if panic::catch_unwind(|| (target.run)(&bytes)).is_err() {
                failed = Some(bytes);
            }
        }
        println!("{}: {inputs} inputs made from {} in {} s, seed {seed}", target.name, corpus.len(), began.elapsed().as_secs());
        if let Some(bytes) = failed {
            broken += 1;
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target.name);
            let file = folder.join(format!("seed-{seed}-{inputs}"));
            match fs::create_dir_all(&folder).and_then(|()| fs::write(&file, bytes)) {
                Ok(()) => println!("{} is broken by {}", target.name, file.display()),
                Err(error) => println!("{} is broken by input {inputs}, which cannot be kept: {error}", target.name),
            }
        }
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
