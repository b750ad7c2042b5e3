//! One line of the log.

use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::is_own;
use crate::core::time::Wall;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Form {
    /// A JSON object.
    Json,
    /// Text.
    Text,
    /// Text whose level has a colour.
    Coloured,
}

/// An event with its fields in the order in which they were given.
pub(super) struct Line {
    level: Level,
    /// Where it comes from, when it is not from this crate.
    target: Option<&'static str>,
    event: Option<String>,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Line {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let target = Some(metadata.target()).filter(|target| !is_own(target));
        let mut line = Self { level: *metadata.level(), target, event: None, message: String::new(), fields: Vec::new() };
        event.record(&mut line);
        line
    }

    /// The line with its end.
    pub(super) fn write(self, form: Form) -> String {
        let time = now();
        match form {
            Form::Json => self.json(&time),
            Form::Text => self.text(&time, self.level.as_str()),
            Form::Coloured => self.text(&time, &format!("\u{1b}[{}m{}\u{1b}[0m", colour(self.level), self.level)),
        }
    }

    fn json(self, time: &str) -> String {
        let mut text = String::with_capacity(256);
        let known = [
            ("time", Some(time.into())),
            ("level", Some(self.level.as_str().into())),
            ("event", self.event.map(Value::from)),
            ("message", Some(self.message.into())),
            ("target", self.target.map(Value::from)),
        ];
        let known = known.into_iter().filter_map(|(key, value)| Some((key, value?)));
        for (key, value) in known.chain(self.fields) {
            text.push(if text.is_empty() { '{' } else { ',' });
            // Writing to a text cannot fail.
            let _ = write!(text, "{}:{value}", Value::from(key));
        }
        text.push_str("}\n");
        text
    }

    fn text(&self, time: &str, level: &str) -> String {
        let mut text = format!("{time} {level:>5} ");
        if let Some(target) = self.target {
            let _ = write!(text, "{target}: ");
        }
        plain(&mut text, &self.message);
        let event = self.event.iter().map(|event| ("event", Value::from(event.as_str())));
        for (key, value) in event.chain(self.fields.iter().map(|(key, value)| (*key, value.clone()))) {
            let _ = write!(text, " {key}=");
            match value {
                Value::String(value) if value.is_empty() || value.contains([' ', '"', '=']) => {
                    let _ = write!(text, "{}", Value::String(value));
                }
                Value::String(value) => plain(&mut text, &value),
                value => {
                    let _ = write!(text, "{value}");
                }
            }
        }
        text.push('\n');
        text
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("event", Value::String(text)) => self.event = Some(text),
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            let _ = write!(text, ": {error}");
            source = error.source();
        }
        self.put(field, text.into());
    }
}

/// A text that stays on its line and does nothing to a terminal.
fn plain(out: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
}

const fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// The time to the millisecond, in UTC.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or_default();
    let seconds = Wall(millis).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis % 1_000)
}
