//! `replay`: a flight recording played through this program's core, and slices of it as golden vectors.

mod difference;
mod range;
mod vector;

use std::fmt;

use serde_json::Value;

pub use self::difference::first as first_difference;
pub use self::range::Range;
pub use self::vector::{NoVector, vector};
use crate::core::io::{Input, Outputs};
use crate::core::recording::replay::{Broken, Difference, Entry, Met, Replay, Unreadable, What};
use crate::core::time::{Mono, Now};

/// What came of a replay.
#[derive(Debug)]
pub struct Report {
    /// Which version of the driver was recorded.
    program: String,
    /// Why it was written.
    reason: String,
    /// The numbers of the first and the last input, and when they came.
    span: Option<[(u64, Mono); 2]>,
    checkpoints: usize,
    /// The first difference, and the input that led to it.
    difference: Option<(Difference, Option<Input>)>,
}

/// The input that the recorded process did not survive.
#[derive(Debug)]
pub struct LastInput<'a> {
    /// Its number.
    pub number: u64,
    now: Now,
    input: Input,
    replay: Replay<'a>,
}

impl LastInput<'_> {
    /// Hands it to the core again, which may break again: that ends this process, too.
    #[must_use]
    pub fn play(mut self) -> Outputs {
        self.replay.handle(self.now, self.input)
    }
}

impl Report {
    /// Whether everything was as recorded.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.difference.is_none()
    }
}

/// Plays a recording to its end, or to the first difference. An input that the process did not survive is not handed over yet.
///
/// # Errors
/// When the file is no recording of this version, or is damaged.
pub fn compare(file: &str) -> Result<(Report, Option<LastInput<'_>>), Unreadable> {
    let mut replay = Replay::open(file)?;
    let header = replay.header();
    let (program, reason) = (header.program.clone(), header.reason.clone());
    let mut report = Report { program, reason, span: None, checkpoints: 0, difference: None };
    while let Some(met) = replay.next() {
        let entry = match met {
            Ok(Met::Checkpoint) => {
                report.checkpoints += 1;
                continue;
            }
            Ok(Met::Entry(entry)) => entry,
            Err(Broken::Unreadable(why)) => return Err(why),
            Err(Broken::Differs(difference)) => {
                report.difference = Some((*difference, None));
                break;
            }
        };
        let Entry { number, now, ref input, outputs } = entry;
        let first = report.span.map_or((number, now.mono), |[first, _]| first);
        report.span = Some([first, (number, now.mono)]);
        let input = input.clone();
        if outputs.is_none() {
            return Ok((report, Some(LastInput { number, now, input, replay })));
        }
        if let Err(difference) = replay.play(entry) {
            report.difference = Some((*difference, Some(input)));
            break;
        }
    }
    Ok((report, None))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a recording of version {}, written because of: {}", self.program, self.reason)?;
        match self.span {
            None => writeln!(f, "it has no input")?,
            Some([(first, from), (last, to)]) => writeln!(
                f,
                "inputs {first} to {last}, from {} to {} after the start of the process; {} checkpoints",
                seconds(from),
                seconds(to),
                self.checkpoints
            )?,
        }
        let Some((difference, input)) = &self.difference else {
            return writeln!(f, "everything is as it was recorded");
        };
        let Difference { number, at, what, recorded, came } = difference;
        match what {
            What::Outputs => writeln!(f, "input {number}, at {}: something else comes of it", seconds(*at)),
            What::State => {
                writeln!(f, "before input {number}, at {}: the state is another, although all outputs were the same", seconds(*at))
            }
        }?;
        let parse = |json: &str| serde_json::from_str::<Value>(json).unwrap_or_default();
        match first_difference(&parse(recorded), &parse(came)) {
            Some((place, recorded, came)) => writeln!(f, "  at {place}\n  recorded: {recorded}\n  came:     {came}")?,
            None => writeln!(f, "  only in the order of keys, or of white space")?,
        }
        if let Some(input) = input {
            let input = serde_json::to_value(input).unwrap_or_default();
            writeln!(f, "the input:\n{input:#}\nall that was recorded of it:\n{:#}", parse(recorded))?;
        }
        Ok(())
    }
}

fn seconds(at: Mono) -> String {
    format!("{}.{:03} s", at.0 / 1_000, at.0 % 1_000)
}
