//! What every process of a world leaves in its flight recorder.

use crate::driver::config::Config;
use crate::driver::core::Driver;
use crate::driver::core::io::{Input, Output};
use crate::driver::core::recording::{Bounds, Mask, Recorder};
use crate::driver::core::time::Now;
use crate::world::happening::Life;

/// Whether processes are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recording {
    /// They are not.
    #[default]
    Off,
    /// In segments of so many inputs, of which so many are kept.
    On {
        /// Inputs of a segment.
        entries: usize,
        /// Segments.
        segments: usize,
    },
}

/// The recording of a process that has ended, or of the end of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose it is.
    pub life: Life,
    /// The file.
    pub file: String,
}

/// Records one process.
#[derive(Debug)]
pub struct Tape {
    recorder: Recorder,
    config: Config,
}

impl Tape {
    /// For a process with these settings, where it is recorded at all.
    #[must_use]
    pub fn of(recording: Recording, config: &Config) -> Option<Self> {
        let Recording::On { entries, segments } = recording else { return None };
        let bounds = Bounds { bytes: usize::MAX, entries, segments };
        Some(Self { recorder: Recorder::new(Mask::keyed([3; 32]), bounds), config: config.clone() })
    }

    /// The process is about to be handed this.
    pub fn input(&mut self, driver: &Driver, now: Now, input: &Input) {
        self.recorder.input(driver, now, input);
    }

    /// That came of it.
    pub fn outputs(&mut self, outputs: &[Output]) {
        self.recorder.outputs(outputs);
    }

    /// The file.
    #[must_use]
    pub fn file(&self, life: Life, reason: &str) -> Recorded {
        let file = self.recorder.file(env!("CARGO_PKG_VERSION"), reason, &self.config);
        Recorded { life, file: String::from_utf8_lossy(&file).into_owned() }
    }
}
