//! The log: one line a decision on standard error, as JSON, or as text for a person at a terminal.
//!
//! * [`line`]: an event of tracing as a line, in either form. [`fact`]: a note of the core as an event.
//! * [`reference`]: every event's name, and the document about them.
//!
//! `--log-level` says how much; `RUST_LOG` (`level`, or `target=level` with commas between) says it instead. Whatever either asks, crates
//! that are not this one are heard from `WARN` upwards only: at their lower levels h2 and hyper print headers, and a header carries the token.
//!
//! A line that cannot be written (the disk behind standard error is full, its reader has gone) is lost and counted; the driver goes on.

pub(super) mod fact;
mod line;
pub mod reference;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;

pub(super) use self::line::Form;
use self::line::Line;
use crate::core::grpc_status::Status;
use crate::core::io::CallId;
use crate::core::note::Note;

/// The target under which this crate logs.
const OWN: &str = env!("CARGO_CRATE_NAME");

/// Lines that were lost, in this process.
static WRITE_ERRORS: AtomicU64 = AtomicU64::new(0);

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, otherwise JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    fn form(self, terminal: bool) -> Form {
        match (self, terminal) {
            (Self::Json, _) | (Self::Auto, false) => Form::Json,
            (Self::Text, false) => Form::Text,
            (Self::Text | Self::Auto, true) => Form::Coloured,
        }
    }
}

/// Sends the log of this process to standard error.
pub(super) fn start(level: LevelFilter, format: LogFormat, rust_log: Option<&str>) {
    let (targets, complaint) = targets(level, rust_log);
    let log = Log { targets, form: format.form(io::stderr().is_terminal()), write: to_standard_error };
    if tracing::subscriber::set_global_default(log).is_err() {
        tracing::debug!(event = "log_already_set_up", "somebody else has set up the log");
    }
    if let Some(complaint) = complaint {
        tracing::warn!(event = "rust_log_ignored", "{complaint}");
    }
}

fn to_standard_error(line: &[u8]) -> io::Result<()> {
    io::stderr().lock().write_all(line)
}

/// The line about a note and what the gateway was told with it, in every form. For tests of what must never stand in one.
#[must_use]
pub fn lines(note: &Note, refusal: Option<&(CallId, Status)>) -> Vec<String> {
    let mut all = Vec::new();
    for form in [Form::Json, Form::Text, Form::Coloured] {
        let (sender, written) = channel();
        let write = move |line: &[u8]| {
            // The receiver outlives it.
            let _ = sender.send(String::from_utf8_lossy(line).into_owned());
            Ok(())
        };
        let log = Log { targets: Targets::new().with_default(LevelFilter::TRACE), form, write };
        tracing::subscriber::with_default(log, || fact::tell(note, refusal));
        all.extend(written.try_iter());
    }
    all
}

/// How many lines were lost because they could not be written.
pub(super) fn write_errors() -> u64 {
    WRITE_ERRORS.load(Ordering::Relaxed)
}

/// What is heard, and what is wrong with `RUST_LOG`.
fn targets(level: LevelFilter, rust_log: Option<&str>) -> (Targets, Option<String>) {
    match rust_log.filter(|text| !text.trim().is_empty()).map(str::parse) {
        None => (Targets::new().with_default(level), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (
            Targets::new().with_default(level),
            Some(format!(
                "RUST_LOG is not understood ({error}) and is ignored; it takes a level such as debug, or target=level with commas between"
            )),
        ),
    }
}

/// Writes what passes. There are no spans here: a line stands for itself.
struct Log<W> {
    targets: Targets,
    form: Form,
    write: W,
}

impl<W: Fn(&[u8]) -> io::Result<()> + 'static> Subscriber for Log<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && may_be_heard(metadata) && self.targets.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let named = self.targets.iter().map(|(_, level)| level);
        named.chain(self.targets.default_level()).max()
    }

    fn event(&self, event: &Event<'_>) {
        let line = Line::of(event).write(self.form);
        if (self.write)(line.as_bytes()).is_err() {
            WRITE_ERRORS.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Own lines at every level, others' from `WARN` upwards.
fn may_be_heard(metadata: &Metadata<'_>) -> bool {
    is_own(metadata.target()) || *metadata.level() <= tracing::Level::WARN
}

fn is_own(target: &str) -> bool {
    target.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
pub(super) mod tests;
