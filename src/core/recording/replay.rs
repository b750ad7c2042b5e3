//! Plays a recording through a core, and finds the first difference.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::mask::Mask;
use super::segments::{checkpoint, put_outputs};
use crate::config::Config;
use crate::core::Driver;
use crate::core::io::{Input, Outputs};
use crate::core::time::{Mono, Now, Wall};

/// The form that recordings have.
pub const FORMAT: u32 = 1;

/// The first line of a recording.
#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    /// The form of what follows: [`FORMAT`].
    pub recording: u32,
    /// Which version of the driver was recorded.
    pub program: String,
    /// Why it was written.
    pub reason: String,
    /// The driver's settings.
    pub config: Config,
}

/// Any other line: a checkpoint, or an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    before: Option<u64>,
    #[serde(borrow)]
    checkpoint: Option<&'a RawValue>,
    n: Option<u64>,
    mono: Option<Mono>,
    wall: Option<Wall>,
    input: Option<Input>,
    #[serde(borrow)]
    outputs: Option<&'a RawValue>,
}

/// An input and what was recorded of it.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its number, from 1, in the life of the process.
    pub number: u64,
    /// When it came.
    pub now: Now,
    /// The input.
    pub input: Input,
    /// What came of it, as it stands in the file; nothing where the process did not survive the input.
    pub outputs: Option<&'a str>,
}

/// What a step of a replay meets.
#[derive(Debug)]
pub enum Met<'a> {
    /// A checkpoint: the replay goes on from there.
    Checkpoint,
    /// An input. The core has not been handed it yet.
    Entry(Entry<'a>),
}

/// Where a replay came to differ from what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The input, or the one before which the checkpoint was taken.
    pub number: u64,
    /// When it came.
    pub at: Mono,
    /// What differs: the outputs, or the state.
    pub what: What,
    /// What was recorded, as JSON.
    pub recorded: String,
    /// What came, as JSON.
    pub came: String,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// What came of an input.
    Outputs,
    /// The state at a checkpoint.
    State,
}

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin as a recording does.
    NoRecording(String),
    /// It has another form.
    Form(u32),
    /// A line of it, from 1, is none of a recording's.
    Line(usize, String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecording(why) => write!(f, "it is no recording: its first line should say with which settings the driver ran ({why})"),
            Self::Form(form) => write!(
                f,
                "it is a recording of form {form}, and this program plays form {FORMAT}: play it with the version of the driver that wrote it"
            ),
            Self::Line(number, why) => write!(
                f,
                "line {number} cannot be read ({why}): the file was cut, or another version of the driver wrote it, whose state is another"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

/// A recording that is being played.
#[derive(Debug)]
pub struct Replay<'a> {
    header: Header,
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    driver: Option<Driver>,
    /// When the last input came.
    at: Mono,
    mask: Mask,
}

impl<'a> Replay<'a> {
    /// Opens a recording.
    ///
    /// # Errors
    /// When it is none.
    pub fn open(file: &'a str) -> Result<Self, Unreadable> {
        /// Enough of a header to tell which form it has.
        #[derive(Deserialize)]
        struct Form {
            recording: u32,
        }
        let mut lines = file.lines().enumerate();
        let first = lines.next().map(|(_, line)| line).unwrap_or_default();
        let wrong = |error: serde_json::Error| Unreadable::NoRecording(error.to_string());
        let Form { recording } = serde_json::from_str(first).map_err(wrong)?;
        if recording != FORMAT {
            return Err(Unreadable::Form(recording));
        }
        let header = serde_json::from_str(first).map_err(wrong)?;
        Ok(Self { header, lines, driver: None, at: Mono::default(), mask: Mask::kept() })
    }

    /// How it was recorded.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The state of the core now, as a recording has it; nothing before the first checkpoint.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        self.driver.as_ref().map(|driver| checkpoint(driver, &self.mask))
    }

    fn read(&mut self, number: usize, line: &'a str) -> Result<Met<'a>, Broken> {
        let unreadable = |why: String| Broken::Unreadable(Unreadable::Line(number, why));
        let line: Line<'a> = serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))?;
        match line {
            Line { before: Some(before), checkpoint: Some(recorded), .. } => {
                if let Some(came) = self.state().filter(|came| came != recorded.get()) {
                    let recorded = recorded.get().to_owned();
                    return Err(Broken::Differs(Box::new(Difference { number: before, at: self.at, what: What::State, recorded, came })));
                }
                let driver = Driver::resume(self.header.config.clone(), recorded.get()).map_err(|error| unreadable(error.to_string()))?;
                self.driver = Some(driver);
                Ok(Met::Checkpoint)
            }
            Line { n: Some(number), mono: Some(mono), wall: Some(wall), input: Some(input), outputs, .. } => {
                self.at = mono;
                Ok(Met::Entry(Entry { number, now: Now { mono, wall }, input, outputs: outputs.map(RawValue::get) }))
            }
            _ => Err(unreadable("it is neither a checkpoint nor an entry".into())),
        }
    }

    /// Hands the core an input.
    pub fn handle(&mut self, now: Now, input: Input) -> Outputs {
        let mut outputs = Outputs::new();
        if let Some(driver) = &mut self.driver {
            driver.handle(now, input, &mut outputs);
        }
        outputs
    }

    /// Hands the core the input of an entry, and compares what comes of it.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn play(&mut self, entry: Entry<'a>) -> Result<Outputs, Box<Difference>> {
        let Entry { number, now, input, outputs: recorded } = entry;
        let outputs = self.handle(now, input);
        let mut came = Vec::new();
        put_outputs(&outputs, &self.mask, &mut came);
        match recorded {
            Some(recorded) if recorded.as_bytes() != came => Err(Box::new(Difference {
                number,
                at: now.mono,
                what: What::Outputs,
                recorded: recorded.to_owned(),
                came: String::from_utf8(came).unwrap_or_default(),
            })),
            _ => Ok(outputs),
        }
    }
}

/// Reads on. At a checkpoint the state is compared, and taken from there; an input is for whoever plays to hand over.
impl<'a> Iterator for Replay<'a> {
    type Item = Result<Met<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, line) = self.lines.next()?;
        Some(self.read(number + 1, line))
    }
}

/// Why a replay does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The file cannot be read further.
    Unreadable(Unreadable),
    /// The state at a checkpoint is another.
    Differs(Box<Difference>),
}

impl From<Box<Difference>> for Broken {
    fn from(difference: Box<Difference>) -> Self {
        Self::Differs(difference)
    }
}

/// Plays a recording to its end, and says how many inputs it has. The last one is not handed over where the process did not survive it.
///
/// # Errors
/// At the first difference, or where the file cannot be read.
pub fn replay(file: &str) -> Result<u64, Broken> {
    let mut replay = Replay::open(file).map_err(Broken::Unreadable)?;
    let mut inputs = 0;
    while let Some(met) = replay.next() {
        match met? {
            Met::Checkpoint => {}
            Met::Entry(entry) => {
                inputs += 1;
                if entry.outputs.is_some() {
                    replay.play(entry)?;
                }
            }
        }
    }
    Ok(inputs)
}
