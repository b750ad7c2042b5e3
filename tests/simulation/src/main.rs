//! Plays simulated lives: a range of seeds on every core, or one seed with its whole account.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "worlds have no clock and no threads; what plays many of them has")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use simulation::hunt::{self, Verdict};
use simulation::progress::Progress;
use simulation::summary::Hashing;
use simulation::trace::Telling;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: simulate [--seeds COUNT] [--from SEED] [--jobs COUNT] [--keep-going]
       simulate --seed SEED [--trace]

  --seeds COUNT   how many worlds (10000)
  --from SEED     the first seed (1)
  --jobs COUNT    how many at a time (one for each core)
  --keep-going    do not end with the tenth seed that breaks a rule
  --seed SEED     one world, and what it broke
  --trace         with everything that happened in it";

struct Wanted {
    seeds: u64,
    from: u64,
    jobs: usize,
    failures_max: usize,
    seed: Option<u64>,
    telling: Telling,
}

fn main() -> ExitCode {
    let wanted = match parse() {
        Ok(Some(wanted)) => wanted,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match wanted.seed {
        Some(seed) => one(seed, wanted.telling),
        None => many(&wanted),
    }
}

fn parse() -> Result<Option<Wanted>, lexopt::Error> {
    use lexopt::prelude::*;
    let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut wanted = Wanted { seeds: 10_000, from: 1, jobs, failures_max: 10, seed: None, telling: Telling::Nothing };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seeds") => wanted.seeds = parser.value()?.parse()?,
            Long("from") => wanted.from = parser.value()?.parse()?,
            Long("jobs") => wanted.jobs = parser.value()?.parse()?,
            Long("keep-going") => wanted.failures_max = usize::MAX,
            Long("seed") => wanted.seed = Some(parser.value()?.parse()?),
            Long("trace") => wanted.telling = Telling::Everything,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(wanted))
}

fn one(seed: u64, telling: Telling) -> ExitCode {
    let verdict = hunt::seed(seed, telling, Hashing::On);
    for line in &verdict.lines {
        println!("{line}");
    }
    let summary = &verdict.summary;
    println!(
        "seed {seed}: {} steps, {} s simulated, {} calls, {} requests, hash {:016x}",
        summary.steps,
        summary.simulated_ms / 1_000,
        summary.calls,
        summary.requests,
        summary.hash.unwrap_or_default()
    );
    match verdict.violation {
        Some(violation) => {
            println!("seed {seed} breaks a rule {violation}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn many(wanted: &Wanted) -> ExitCode {
    let next = AtomicU64::new(0);
    let progress = Mutex::new(Progress::default());
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..wanted.jobs.max(1) {
            scope.spawn(|| work(wanted, &next, &progress));
        }
        scope.spawn(|| tell(wanted, &progress, began));
    });
    let progress = progress.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{}", progress.line(began.elapsed()));
    println!("{}", progress.coverage());
    for failure in progress.failures() {
        println!("\n{}", hunt::report(failure.seed, 60));
    }
    if progress.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays seeds until there are no more, or enough have failed.
fn work(wanted: &Wanted, next: &AtomicU64, progress: &Mutex<Progress>) {
    loop {
        let offset = next.fetch_add(1, Ordering::Relaxed);
        if offset >= wanted.seeds {
            return;
        }
        let verdict: Verdict = hunt::seed(wanted.from + offset, Telling::Nothing, Hashing::Off);
        let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(violation) = &verdict.violation {
            println!("seed {} breaks a rule {violation}", verdict.seed);
        }
        progress.add(verdict);
        if progress.failures().len() >= wanted.failures_max {
            next.store(wanted.seeds, Ordering::Relaxed);
            return;
        }
    }
}

/// A line every ten seconds.
fn tell(wanted: &Wanted, progress: &Mutex<Progress>, began: Instant) {
    let mut ticks = 0_u32;
    loop {
        thread::sleep(Duration::from_millis(100));
        ticks += 1;
        let progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if progress.seeds() >= wanted.seeds || progress.failures().len() >= wanted.failures_max {
            return;
        }
        if ticks.is_multiple_of(100) {
            eprintln!("{}", progress.line(began.elapsed()));
        }
    }
}
