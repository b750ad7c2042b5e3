//! A slice of a recording as a golden vector: `vectors/README.md`.

use std::fmt;

use serde_json::{Map, Value, json};

use super::range::Range;
use crate::core::Driver;
use crate::core::io::{Input, Output, Outputs};
use crate::core::note::Note;
use crate::core::recording::replay::{Broken, Entry, Met, Replay, Unreadable};
use crate::core::time::{Mono, Now, Wall};

/// The settings from which a vector says what differs.
const COMMON: &str = include_str!("../../vectors/config.json");
/// The wall clock of every vector stands here when its driver starts: 2026-08-21T10:00:00Z.
const START: i64 = 1_787_306_400_000;

/// Why there is no vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoVector {
    /// The file cannot be played.
    Unreadable(Unreadable),
    /// It does not play as it was recorded up to the slice.
    Differs(u64),
    /// It has none of these inputs.
    Empty,
}

impl fmt::Display for NoVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => why.fmt(f),
            Self::Differs(number) => {
                write!(
                    f,
                    "input {number} does not play as it was recorded, so that the state at the slice would be another: look at it without --as-vector"
                )
            }
            Self::Empty => f.write_str("the recording has none of these inputs: without --as-vector it is said which it has"),
        }
    }
}

impl std::error::Error for NoVector {}

impl From<Broken> for NoVector {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unreadable(why) => Self::Unreadable(why),
            Broken::Differs(difference) => Self::Differs(difference.number),
        }
    }
}

/// The vector of these inputs: the state before them, then each with what comes of it on the vectors' clock. It is valid as it is; what it is about, and
/// what a person insists on, is for a person to write.
///
/// # Errors
/// When there is no such slice, or it does not play.
pub fn vector(file: &str, range: &Range) -> Result<String, NoVector> {
    let mut replay = Replay::open(file).map_err(NoVector::Unreadable)?;
    let config =
        difference(&serde_json::from_str(COMMON).unwrap_or_default(), &serde_json::to_value(&replay.header().config).unwrap_or_default());
    let about = format!("recorded by version {}, because of {}", replay.header().program, replay.header().reason);
    let mut slice: Option<Slice> = None;
    while let Some(met) = replay.next() {
        let Met::Entry(entry) = met? else { continue };
        if range.is_over(entry.number) {
            break;
        }
        if !range.has(entry.number) {
            replay.play(entry).map_err(Broken::from)?;
            continue;
        }
        // From here on it is the vector's own driver, which knows what the checkpoint says and no more.
        let Slice { driver, steps, .. } = match &mut slice {
            Some(slice) => slice,
            None => slice.insert(Slice::begin(&replay, entry.number).ok_or(NoVector::Empty)?),
        };
        steps.push(step(driver, &entry));
        replay.play(entry).map_err(Broken::from)?;
    }
    let Some(Slice { first, state, steps, .. }) = slice else { return Err(NoVector::Empty) };
    Ok(write(&format!("inputs {first} and after, {about}: what holds, and why?"), &config, &state, &steps))
}

/// What becomes the vector.
struct Slice {
    /// The number of its first input.
    first: u64,
    /// The state before that.
    state: String,
    driver: Driver,
    steps: Vec<Step>,
}

impl Slice {
    fn begin(replay: &Replay<'_>, first: u64) -> Option<Self> {
        let state = replay.state()?;
        let driver = Driver::resume(replay.header().config.clone(), &state).ok()?;
        Some(Self { first, state, driver, steps: Vec::new() })
    }
}

/// A step, and the outputs of it that are no notes about transitions.
struct Step {
    at: Mono,
    input: Value,
    outputs: Vec<Value>,
}

fn step(driver: &mut Driver, entry: &Entry<'_>) -> Step {
    let (at, input) = (entry.now.mono, entry.input.clone());
    let written = written(&input);
    let now = Now { mono: at, wall: Wall(START.saturating_add(i64::try_from(at.0).unwrap_or(i64::MAX))) };
    let mut outputs = Outputs::new();
    driver.handle(now, input, &mut outputs);
    Step { at, input: written, outputs: shown(outputs) }
}

fn written(input: &Input) -> Value {
    serde_json::to_value(input).unwrap_or_default()
}

fn shown(outputs: Outputs) -> Vec<Value> {
    let told = outputs.into_iter().filter(|output| !matches!(output, Output::Note(Note::Met { .. })));
    told.map(|output| serde_json::to_value(output).unwrap_or_default()).collect()
}

/// The merge patch (RFC 7386) that makes `other` of `one`.
fn difference(one: &Value, other: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (one, other) else { return other.clone() };
    let gone = from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = to.iter().filter(|(key, value)| from.get(*key) != Some(*value));
    let changed =
        changed.map(|(key, value)| (key.clone(), from.get(key).map_or_else(|| value.clone(), |before| difference(before, value))));
    gone.chain(changed).collect::<Map<_, _>>().into()
}

/// The file, its parts in the order in which a person reads them.
fn write(title: &str, config: &Value, state: &str, steps: &[Step]) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|Step { at, input, outputs }| {
            let outputs: Vec<String> = outputs.iter().map(|output| format!("\n        {output}")).collect();
            format!("{{\n      \"at_ms\": {},\n      \"input\": {input},\n      \"outputs\": [{}]\n    }}", at.0, outputs.join(","))
        })
        .collect();
    let rules = rules(&steps);
    let config = if config.as_object().is_some_and(Map::is_empty) { String::new() } else { format!("  \"config\": {config},\n") };
    format!(
        "{{\n  \"title\": {},\n{config}  \"checkpoint\": {state},\n  \"steps\": [\n    {}\n  ],\n  {rules}\n}}\n",
        Value::from(title),
        steps.join(",\n    ")
    )
}

/// A rule that holds, until a person writes the one that matters: that something comes of the slice which the world sees, or that nothing does.
fn rules(steps: &[String]) -> String {
    let seen = ["exchange", "watch", "reply", "event"]
        .into_iter()
        .find(|kind| steps.iter().any(|step| step.contains(&format!("\n        {{\"{kind}\":"))));
    match seen {
        Some(kind) => format!("\"must\": [{}]", json!({ "output": { kind: {} } })),
        None => format!("\"must_not\": [{}]", json!({ "output": { "exchange": {} } })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_from_the_vectors_settings_is_said() {
        let common = json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": 4 });
        let other = json!({ "a": 1, "b": { "c": 2, "d": 5, "f": 6 }, "g": {} });
        assert_eq!(difference(&common, &other), json!({ "b": { "d": 5, "f": 6 }, "e": null, "g": {} }));
        assert_eq!(difference(&common, &common), json!({}));
    }
}
