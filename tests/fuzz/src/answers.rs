//! What the API server says: lines of watches, pages of lists, answers to requests.

use bytes::Bytes;
use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::core::Driver;
use openshell_driver_kyma::core::io::{CallId, ExchangeId, Input, Output, Outputs, Request, Response, WatchId};
use openshell_driver_kyma::core::recording::{Bounds, Mask, Recorder};
use openshell_driver_kyma::core::secret::Body;
use openshell_driver_kyma::core::time::{Mono, Now, Wall};

use crate::config;

/// 2026-08-21T10:00:00Z.
const WALL_MS: i64 = 1_787_306_400_000;
/// What may follow from one input, but for the events of a stream.
const OUTPUTS_MAX: usize = 64;
/// How many inputs a target hands on.
const INPUTS_MAX: usize = 64;
const EMPTY: &[u8] = br#"{"items":[],"metadata":{"resourceVersion":"1000"}}"#;
const NAMESPACE: &[u8] = br#"{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}"#;

/// A driver, and what it waits for.
pub(crate) struct Stage {
    driver: Driver,
    recorder: Option<Recorder>,
    now_ms: u64,
    exchanges: Vec<(ExchangeId, String)>,
    watches: Vec<WatchId>,
    wake: Option<Mono>,
    inputs: usize,
}

impl Stage {
    fn new() -> Self {
        Self::begun(None)
    }

    /// One whose flight recorder is on, with a checkpoint every few inputs.
    pub fn recorded() -> Self {
        let bounds = Bounds { bytes: usize::MAX, entries: 3, segments: usize::MAX };
        Self::begun(Some(Recorder::new(Mask::keyed([3; 32]), bounds)))
    }

    /// What is recorded of a driver that finds nothing.
    pub fn recorded_start() -> String {
        let mut stage = Self::recorded();
        stage.answer_all(settled);
        stage.file()
    }

    fn begun(recorder: Option<Recorder>) -> Self {
        let driver = Driver::new(config(), [0; 32]);
        let mut stage = Self { driver, recorder, now_ms: 0, exchanges: Vec::new(), watches: Vec::new(), wake: None, inputs: 0 };
        stage.feed(Input::Wake);
        stage
    }

    /// What is recorded of it.
    pub fn file(&self) -> String {
        let file = self.recorder.as_ref().map(|recorder| recorder.file("0", "it is fuzzed", &config())).unwrap_or_default();
        String::from_utf8(file).expect("a recording is text")
    }

    fn feed(&mut self, input: Input) {
        self.inputs += 1;
        let now = Now { mono: Mono(self.now_ms), wall: Wall(WALL_MS + i64::try_from(self.now_ms).unwrap()) };
        let mut out = Outputs::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.input(&self.driver, now, &input);
        }
        self.driver.handle(now, input, &mut out);
        if let Some(recorder) = &mut self.recorder {
            recorder.outputs(&out);
        }
        assert!(out.len() <= OUTPUTS_MAX, "{} outputs of one input", out.len());
        for output in out {
            match output {
                Output::Exchange { exchange, request, .. } => self.exchanges.push((exchange, request.path)),
                Output::Watch { watch, .. } => self.watches.push(watch),
                Output::WakeAt(at) => self.wake = Some(at),
                _ => {}
            }
        }
    }

    /// Answers whatever is out with this.
    fn answer_all(&mut self, with: impl Fn(&str) -> Response) {
        for (exchange, path) in std::mem::take(&mut self.exchanges) {
            let result = Ok(with(&path));
            self.feed(Input::Answer { exchange, result });
        }
    }

    /// Lets time pass until something is to be done.
    fn wait(&mut self) {
        let Some(at) = self.wake.take() else { return };
        self.now_ms = self.now_ms.max(at.0);
        self.feed(Input::Wake);
    }

    fn is_done(&self) -> bool {
        self.inputs >= INPUTS_MAX
    }
}

fn ok(body: &[u8]) -> Response {
    Response { status: 200, body: Body(Bytes::copy_from_slice(body)), ..Response::default() }
}

fn settled(path: &str) -> Response {
    ok(if path.ends_with("/namespaces/openshell-system") { NAMESPACE } else { EMPTY })
}

/// A driver that knows that there is nothing, and watches; with a stream open.
fn watching() -> Stage {
    let mut stage = Stage::new();
    for _ in 0..6 {
        stage.answer_all(settled);
        stage.wait();
    }
    assert!(!stage.watches.is_empty(), "the driver watches");
    let request = Request::WatchSandboxes(pb::WatchSandboxesRequest::default());
    stage.feed(Input::Call { call: CallId(1), request, deadline: None, trace: None, digest: None });
    stage.feed(Input::Credit { call: CallId(1), events: 32 });
    stage
}

/// Whatever a watch says, the driver goes on, and asks for little.
pub fn watch_lines(data: &[u8]) {
    let mut stage = watching();
    for (number, line) in data.split(|byte| *byte == b'\n').enumerate() {
        if stage.is_done() {
            return;
        }
        let Some(watch) = stage.watches.get(number % stage.watches.len().max(1)).copied() else { return };
        stage.feed(Input::Line { watch, line: Body(Bytes::copy_from_slice(line)) });
    }
    stage.answer_all(settled);
    stage.wait();
}

/// Whatever is answered to a list, a read or a discovery, the driver goes on. The first byte says with which status.
pub fn list_pages(data: &[u8]) {
    listed(&mut Stage::new(), data);
}

/// The same, with a driver that has just been started.
pub(crate) fn listed(stage: &mut Stage, data: &[u8]) {
    let Some((status, body)) = data.split_first() else { return };
    let status = [200, 200, 200, 200, 201, 403, 404, 409, 410, 429, 500, 503][usize::from(*status) % 12];
    for _ in 0..4 {
        if stage.is_done() {
            return;
        }
        stage.answer_all(|_| Response { status, ..ok(body) });
        stage.wait();
    }
}
