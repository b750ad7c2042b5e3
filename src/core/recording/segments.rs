//! The last of what went in and came out, within bounds, as the lines of a file.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::error::Category;

use super::mask::Mask;
use super::objects::{RECEIVED, RENDERED, STATE};
use super::replay::FORMAT;
use super::{messages, walk};
use crate::config::Config;
use crate::core::Driver;
use crate::core::io::{HttpRequest, Input, Output, Response, WatchEnd};
use crate::core::secret::Body;
use crate::core::time::Now;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of a segment's entries, after which another begins; more where its checkpoint is larger.
    pub bytes: usize,
    /// Entries of a segment, after which another begins.
    pub entries: usize,
    /// Segments, of which the oldest is dropped.
    pub segments: usize,
}

/// Records a driver.
#[derive(Debug)]
pub struct Recorder {
    mask: Mask,
    bounds: Bounds,
    segments: VecDeque<Segment>,
    /// Inputs so far.
    inputs: u64,
}

#[derive(Debug, Default)]
struct Segment {
    /// The line of its checkpoint.
    checkpoint: Vec<u8>,
    /// The lines of its entries. The last one is open while the core is at work.
    lines: Vec<u8>,
    entries: usize,
    tail: Tail,
}

/// How the lines of a segment end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tail {
    /// With a whole entry.
    #[default]
    Whole,
    /// With an input whose outputs are still to come.
    Open,
}

impl Segment {
    fn is_full(&self, bounds: &Bounds) -> bool {
        self.entries >= bounds.entries || self.lines.len() >= bounds.bytes.max(self.checkpoint.len())
    }
}

/// The checkpoint of a driver, on one line, as it stands in a recording.
#[must_use]
pub fn checkpoint(driver: &Driver, mask: &Mask) -> String {
    let mut line = Vec::new();
    put_checkpoint(driver, mask, &mut line);
    String::from_utf8(line).unwrap_or_default()
}

fn put_checkpoint(driver: &Driver, mask: &Mask, line: &mut Vec<u8>) {
    let written = serde_json::to_vec(&driver.checkpoint(mask));
    let copied = written.and_then(|state| walk::copy(&state, STATE, mask, line));
    debug_assert!(copied.is_ok(), "the state has no form in JSON: {copied:?}");
    if copied.is_err() {
        line.extend_from_slice(b"null");
    }
}

/// The outputs of one input, on one line, as they stand in a recording.
pub fn put_outputs(outputs: &[Output], mask: &Mask, line: &mut Vec<u8>) {
    line.push(b'[');
    for (at, output) in outputs.iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        match output {
            Output::Exchange { exchange, lane, request, deadline } if !request.body.is_empty() => {
                let request = rendered(request, mask);
                put(line, &Output::Exchange { exchange: *exchange, lane: *lane, request, deadline: *deadline });
            }
            plain @ (Output::Exchange { .. }
            | Output::Watch { .. }
            | Output::Abort(_)
            | Output::Reply { .. }
            | Output::Event { .. }
            | Output::WakeAt(_)
            | Output::Note(_)
            | Output::Drained
            | Output::Exit { .. }) => put(line, plain),
        }
    }
    line.push(b']');
}

fn put(line: &mut Vec<u8>, value: &impl Serialize) {
    // Writing to memory cannot fail, and all of these have a form in JSON.
    let written = serde_json::to_writer(line, value);
    debug_assert!(written.is_ok(), "no form in JSON: {written:?}");
}

fn rendered(request: &HttpRequest, mask: &Mask) -> HttpRequest {
    let mut body = Vec::new();
    if let Err(error) = walk::copy(&request.body.0, RENDERED, mask, &mut body) {
        body = unreadable(&request.body, &error);
    }
    HttpRequest { body: Body(body.into()), path: request.path.clone(), ..*request }
}

/// Stands for what cannot be parsed, and cannot be parsed either, for the same reason.
fn unreadable(body: &Body, error: &serde_json::Error) -> Vec<u8> {
    match error.classify() {
        _ if body.is_empty() => Vec::new(),
        Category::Eof => b"{".to_vec(),
        Category::Syntax | Category::Data | Category::Io => format!("({} bytes that are no JSON)", body.len()).into_bytes(),
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    #[must_use]
    pub const fn new(mask: Mask, bounds: Bounds) -> Self {
        Self { mask, bounds, segments: VecDeque::new(), inputs: 0 }
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.checkpoint.len() + segment.lines.len()).sum()
    }

    /// Whether nothing has been recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The driver is about to be handed this.
    pub fn input(&mut self, driver: &Driver, now: Now, input: &Input) {
        if self.segments.back().is_none_or(|segment| segment.is_full(&self.bounds)) {
            self.begin(driver);
        }
        self.inputs += 1;
        let Some(segment) = self.segments.back_mut() else { return };
        let line = &mut segment.lines;
        line.extend_from_slice(format!("{{\"n\":{},\"mono\":{},\"wall\":{},\"input\":", self.inputs, now.mono.0, now.wall.0).as_bytes());
        match input {
            Input::Call { .. } => put(line, &messages::call(input, &self.mask)),
            Input::Answer { exchange, result: Ok(response) } => {
                put(line, &Input::Answer { exchange: *exchange, result: Ok(received(response, &self.mask)) });
            }
            Input::Line { watch, line: told } => put(line, &Input::Line { watch: *watch, line: Body(heard(told, &self.mask)) }),
            Input::Closed { watch, end: WatchEnd::Refused(response) } => {
                put(line, &Input::Closed { watch: *watch, end: WatchEnd::Refused(received(response, &self.mask)) });
            }
            // Nothing secret: listed, so that another input does not compile before somebody decides.
            plain @ (Input::Answer { result: Err(_), .. }
            | Input::Closed { end: WatchEnd::Clean | WatchEnd::Broken(_), .. }
            | Input::Cancel { .. }
            | Input::Credit { .. }
            | Input::Namespaces { .. }
            | Input::Wake
            | Input::Survey
            | Input::Stop) => put(line, plain),
        }
        segment.entries += 1;
        segment.tail = Tail::Open;
    }

    /// That came of it.
    pub fn outputs(&mut self, outputs: &[Output]) {
        let Some(segment) = self.segments.back_mut() else { return };
        segment.lines.extend_from_slice(b",\"outputs\":");
        put_outputs(outputs, &self.mask, &mut segment.lines);
        segment.lines.extend_from_slice(b"}\n");
        segment.tail = Tail::Whole;
    }

    fn begin(&mut self, driver: &Driver) {
        let mut segment = match self.segments.len() {
            full if full >= self.bounds.segments => self.segments.pop_front().unwrap_or_default(),
            _ => Segment::default(),
        };
        // Its memory is used again.
        segment.checkpoint.clear();
        segment.lines.clear();
        segment.entries = 0;
        segment.checkpoint.extend_from_slice(format!("{{\"before\":{},\"checkpoint\":", self.inputs + 1).as_bytes());
        put_checkpoint(driver, &self.mask, &mut segment.checkpoint);
        segment.checkpoint.extend_from_slice(b"}\n");
        self.segments.push_back(segment);
    }

    /// The file as it is now: why and by which program it is written, with which settings, and everything kept.
    #[must_use]
    pub fn file(&self, program: &str, reason: &str, config: &Config) -> Vec<u8> {
        let mut file = Vec::with_capacity(self.len() + 4_096);
        let config = serde_json::to_value(config).unwrap_or(Value::Null);
        put(&mut file, &serde_json::json!({ "recording": FORMAT, "program": program, "reason": reason, "config": config }));
        file.push(b'\n');
        for segment in &self.segments {
            file.extend_from_slice(&segment.checkpoint);
            file.extend_from_slice(&segment.lines);
            if segment.tail == Tail::Open {
                file.extend_from_slice(b"}\n");
            }
        }
        file
    }
}

/// A response as it is recorded.
fn received(response: &Response, mask: &Mask) -> Response {
    let body = if response.status < 300 || is_status(&response.body) {
        heard(&response.body, mask)
    } else {
        // What a proxy says is told to people by its first line, as it is.
        Bytes::copy_from_slice(response.body.0.get(..response.body.len().min(TEXT_MAX)).unwrap_or_default())
    };
    Response {
        status: response.status,
        content_type: response.content_type.clone(),
        retry_after: response.retry_after,
        warning: response.warning.clone(),
        date: response.date.clone(),
        body: Body(body),
    }
}

/// Bytes that are kept of an error that is no `Status`: more than are ever told.
const TEXT_MAX: usize = 4_096;

fn heard(body: &Body, mask: &Mask) -> Bytes {
    let mut kept = Vec::new();
    match walk::copy(&body.0, RECEIVED, mask, &mut kept) {
        Ok(()) => kept.into(),
        Err(error) => unreadable(body, &error).into(),
    }
}

fn is_status(body: &Body) -> bool {
    #[derive(serde::Deserialize)]
    struct Typed {
        kind: String,
    }
    serde_json::from_slice::<Typed>(&body.0).is_ok_and(|typed| typed.kind == "Status")
}
