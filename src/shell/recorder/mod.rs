//! The flight recorder of a running driver: what is recorded is kept in memory, and written when somebody asks, when the core breaks, or at the end.

mod files;

use std::panic;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use self::files::Directory;
use super::limits;
use super::runtime::Core;
use crate::config::Config;
use crate::core::Driver;
use crate::core::io::{Input, Output, Outputs};
use crate::core::recording::{Bounds, Mask, Recorder};
use crate::core::time::Now;

/// What is recorded, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// A directory that can be written to.
    pub directory: PathBuf,
    /// Whether the last of every life is written.
    pub on_exit: OnExit,
}

/// Whether a recording is written at the end of the process, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExit {
    /// It is.
    Written,
    /// Only when something breaks, or somebody asks.
    Dropped,
}

/// The core of a driver, recorded if that is wanted.
#[derive(Debug)]
pub(super) struct Recorded {
    driver: Driver,
    recorder: Option<FlightRecorder>,
}

impl Recorded {
    pub(super) const fn new(driver: Driver, recorder: Option<FlightRecorder>) -> Self {
        Self { driver, recorder }
    }
}

impl Core for Recorded {
    fn handle(&mut self, now: Now, input: Input, out: &mut Outputs) {
        if let Some(recorder) = &self.recorder {
            recorder.input(&self.driver, now, &input);
        }
        self.driver.handle(now, input, out);
        if let Some(recorder) = &self.recorder {
            recorder.outputs(out);
        }
    }

    fn recorder(&self) -> Option<&FlightRecorder> {
        self.recorder.as_ref()
    }
}

/// The recorder. A copy of it is the same recorder.
#[derive(Debug, Clone)]
pub(super) struct FlightRecorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    recorder: Mutex<Recorder>,
    directory: Directory,
    config: Config,
    on_exit: OnExit,
}

impl FlightRecorder {
    /// A recorder of a driver with these settings. The key is drawn for this process alone.
    ///
    /// # Errors
    /// When the directory cannot be written to: what is wrong, and what mends it.
    pub(super) fn new(recording: Recording, config: Config, key: [u8; 32]) -> Result<Self, String> {
        let bounds = Bounds { bytes: limits::RECORDING_SEGMENT, entries: limits::RECORDING_ENTRIES, segments: limits::RECORDING_SEGMENTS };
        let directory = Directory::open(recording.directory)?;
        tracing::info!(event = "recording", directory = %directory.path().display(), "what goes in and comes out is recorded, for replay");
        let recorder = Mutex::new(Recorder::new(Mask::keyed(key), bounds));
        Ok(Self(Arc::new(Shared { recorder, directory, config, on_exit: recording.on_exit })))
    }

    /// The driver is about to be handed this.
    pub(super) fn input(&self, driver: &Driver, now: Now, input: &Input) {
        self.lock(|recorder| recorder.input(driver, now, input));
    }

    /// That came of it.
    pub(super) fn outputs(&self, outputs: &[Output]) {
        self.lock(|recorder| recorder.outputs(outputs));
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Recorder) -> T) -> T {
        act(&mut self.0.recorder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what is recorded now, beside the loop.
    pub(super) fn write_soon(&self, reason: &'static str) {
        let file = self.lock(|recorder| recorder.file(env!("CARGO_PKG_VERSION"), reason, &self.0.config));
        let recorder = self.clone();
        tokio::task::spawn_blocking(move || recorder.put(&file, reason));
    }

    /// Writes what has been recorded to the end, where that is wanted.
    pub(super) fn end(&self) {
        if self.0.on_exit == OnExit::Written {
            let file = self.lock(|recorder| recorder.file(env!("CARGO_PKG_VERSION"), "exit", &self.0.config));
            self.put(&file, "exit");
        }
    }

    /// From now on a panic writes what led to it, before the process ends. What the panic says is not written: it may quote anything.
    pub(super) fn watch_panics(&self) {
        let (recorder, before) = (self.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            before(info);
            let place = info.location().map_or_else(|| "nowhere".to_owned(), ToString::to_string);
            // A recorder that is itself what breaks cannot be asked.
            let Ok(kept) = recorder.0.recorder.try_lock() else { return };
            let file = kept.file(env!("CARGO_PKG_VERSION"), &format!("panic at {place}"), &recorder.0.config);
            drop(kept);
            recorder.put(&file, "panic");
        }));
    }

    fn put(&self, file: &[u8], reason: &'static str) {
        match self.0.directory.put(file) {
            Ok(path) => {
                tracing::info!(event = "recording_written", file = %path.display(), bytes = file.len(), reason, "what was recorded is written");
            }
            Err(error) => {
                tracing::error!(
                    event = "recording_failed",
                    reason,
                    "what was recorded cannot be written to {}: {error}",
                    self.0.directory.path().display()
                );
            }
        }
    }
}
