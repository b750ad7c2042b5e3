//! Plays simulated lives: a range of seeds on every core, or one seed with its whole account.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "worlds have no clock and no threads; what plays many of them has")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use simulation::cost;
use simulation::hunt::{self, Plan, Verdict};
use simulation::progress::Progress;
use simulation::recordings::{Recorded, Recording};
use simulation::shrink;
use simulation::summary::Hashing;
use simulation::trace::Telling;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: simulate [--seeds COUNT] [--from SEED] [--jobs COUNT] [--keep-going] [--every-fault]
       simulate --crash-everywhere SEED [--seeds COUNT]
       simulate --seed SEED [--without NAME,…] [--crash-after OUTPUTS] [--trace] [--record DIRECTORY]
       simulate --recording-cost
       simulate --mutations [NAME]       (built with the feature mutations)

  --seeds COUNT            how many worlds (10000)
  --from SEED              the first seed (1)
  --jobs COUNT             how many at a time (one for each core)
  --keep-going             do not end with the tenth seed that breaks a rule
  --every-fault            fail, too, when some kind of fault has not been met
  --crash-everywhere SEED  worlds of a seed in which the first driver dies after each of its outputs in turn; with --seeds of as many seeds
  --seed SEED              one world, and what it broke
  --without NAME,…         with this taken out of it: faults, actors, time; a failing seed says which
  --crash-after OUTPUTS    in which the first driver dies after so many outputs
  --trace                  with everything that happened in it
  --recording-cost         what the flight recorder costs a core
  --record DIRECTORY       with the flight recording of each of its processes: openshell-driver-kyma replay plays them";

/// Failing worlds that are made small and shown: it takes seconds each.
const SHOWN: usize = 3;
/// Lines of the account that a failure shows.
const LAST: usize = 60;
/// Inputs between two checkpoints of a recording.
const SEGMENT: usize = 10_000;

struct Wanted {
    mode: Mode,
    seeds: Option<u64>,
    from: u64,
    jobs: usize,
    failures_max: usize,
    faults: Faults,
    telling: Telling,
    record: Option<PathBuf>,
}

enum Mode {
    Many,
    One(Plan),
    CrashEverywhere(u64),
    RecordingCost,
    #[cfg(feature = "mutations")]
    Mutations(Option<String>),
}

/// Which kinds of fault must be met.
#[derive(PartialEq, Eq)]
enum Faults {
    Any,
    Every,
}

impl Wanted {
    fn count(&self) -> u64 {
        self.seeds.unwrap_or(10_000)
    }
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
    match &wanted.mode {
        Mode::One(plan) => one(plan, wanted.telling, wanted.record.as_deref()),
        Mode::CrashEverywhere(seed) => crash_everywhere(*seed, wanted.seeds.unwrap_or(1)),
        #[cfg(feature = "mutations")]
        Mode::Mutations(name) => mutations(name.as_deref(), wanted.jobs),
        Mode::RecordingCost => {
            println!("{}", cost::measure());
            ExitCode::SUCCESS
        }
        Mode::Many => many(&wanted),
    }
}

fn parse() -> Result<Option<Wanted>, lexopt::Error> {
    use lexopt::prelude::*;
    let jobs = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mode, faults, telling) = (Mode::Many, Faults::Any, Telling::Nothing);
    let mut wanted = Wanted { mode, seeds: None, from: 1, jobs, failures_max: 10, faults, telling, record: None };
    let (mut without, mut crash_after) = (Vec::new(), None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seeds") => wanted.seeds = Some(parser.value()?.parse()?),
            Long("from") => wanted.from = parser.value()?.parse()?,
            Long("jobs") => wanted.jobs = parser.value()?.parse()?,
            Long("keep-going") => wanted.failures_max = usize::MAX,
            Long("every-fault") => wanted.faults = Faults::Every,
            Long("crash-everywhere") => wanted.mode = Mode::CrashEverywhere(parser.value()?.parse()?),
            #[cfg(feature = "mutations")]
            Long("mutations") => wanted.mode = Mode::Mutations(parser.optional_value().map(|name| name.string()).transpose()?),
            Long("seed") => wanted.mode = Mode::One(Plan::of(parser.value()?.parse()?)),
            Long("without") => without = parser.value()?.string()?.split(',').map(str::to_owned).collect(),
            Long("crash-after") => crash_after = Some(parser.value()?.parse()?),
            Long("trace") => wanted.telling = Telling::Everything,
            Long("recording-cost") => wanted.mode = Mode::RecordingCost,
            Long("record") => wanted.record = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    if let Some(name) = without.iter().find(|name| !shrink::switches().iter().any(|switch| switch.name == **name)) {
        return Err(format!("there is nothing called {name} to leave out").into());
    }
    if let Mode::One(plan) = &mut wanted.mode {
        (plan.without, plan.crash_after) = (without, crash_after);
        if wanted.record.is_some() {
            plan.recording = Recording::On { entries: SEGMENT, segments: usize::MAX };
        }
    }
    Ok(Some(wanted))
}

fn crash_everywhere(from: u64, seeds: u64) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for seed in from..from + seeds {
        let (worlds, broken) = hunt::crash_everywhere(seed);
        println!(
            "seed {seed}: {worlds} worlds, in each of which the first driver dies after another output; {} break a rule",
            broken.len()
        );
        for verdict in broken.iter().take(SHOWN) {
            println!("\n{}", hunt::report(&verdict.plan, LAST));
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// The table of deliberate faults and of what found them; with what the sound core breaks in as many worlds as any of them had.
#[cfg(feature = "mutations")]
fn mutations(name: Option<&str>, jobs: usize) -> ExitCode {
    use simulation::mutations::{all, find};
    let all: Vec<_> = all().into_iter().filter(|mutation| name.is_none_or(|name| name == mutation.name)).collect();
    let (next, missed) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(mutation) = all.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX)) {
                    let found = find(*mutation);
                    println!("{}", found.line());
                    missed.fetch_add(u64::from(found.by.is_none()), Ordering::Relaxed);
                }
            });
        }
    });
    let missed = missed.into_inner();
    println!("{} deliberate faults, {missed} not found", all.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(plan: &Plan, telling: Telling, record: Option<&Path>) -> ExitCode {
    let seed = plan.seed;
    let verdict = hunt::seed(plan, telling, Hashing::On);
    for line in &verdict.lines {
        println!("{line}");
    }
    if let Some(directory) = record
        && let Err(error) = write(directory, &verdict)
    {
        eprintln!("{}: {error}", directory.display());
        return ExitCode::from(2);
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

/// A file for each process.
fn write(directory: &Path, verdict: &Verdict) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for Recorded { life, file } in &verdict.recordings {
        let path = directory.join(format!("seed-{}-driver-{}-life-{}.jsonl", verdict.plan.seed, life.driver, life.number));
        fs::write(&path, file)?;
        println!("{}", path.display());
    }
    Ok(())
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
    for failure in progress.failures().iter().take(SHOWN) {
        println!("\n{}", hunt::report(&failure.plan, LAST));
    }
    let missing: Vec<&str> = if wanted.faults == Faults::Every { progress.missing().collect() } else { Vec::new() };
    if !missing.is_empty() {
        println!("no world has met: {}", missing.join(", "));
    }
    if progress.failures().is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays seeds until there are no more, or enough have failed.
fn work(wanted: &Wanted, next: &AtomicU64, progress: &Mutex<Progress>) {
    loop {
        let offset = next.fetch_add(1, Ordering::Relaxed);
        if offset >= wanted.count() {
            return;
        }
        let verdict: Verdict = hunt::seed(&Plan::of(wanted.from + offset), Telling::Nothing, Hashing::Off);
        let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(violation) = &verdict.violation {
            println!("seed {} breaks a rule {violation}", verdict.plan.seed);
        }
        progress.add(verdict);
        if progress.failures().len() >= wanted.failures_max {
            next.store(wanted.count(), Ordering::Relaxed);
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
        if progress.seeds() >= wanted.count() || progress.failures().len() >= wanted.failures_max {
            return;
        }
        if ticks.is_multiple_of(100) {
            eprintln!("{}", progress.line(began.elapsed()));
        }
    }
}
