//! Plays a vector through the core.

use std::collections::BTreeSet;

use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::core::Driver;
use openshell_driver_kyma::core::io::{ExchangeId, Input, Method, Output, Outputs, Response};
use openshell_driver_kyma::core::note::Note;
use openshell_driver_kyma::core::recording::{Bounds, Mask, Recorder};
use openshell_driver_kyma::core::secret::Body;
use openshell_driver_kyma::core::time::{Mono, Now, Wall};
use openshell_driver_kyma::replay;
use openshell_driver_kyma::shell::log;
use serde_json::{Value, json};

use crate::format::{Given, Rule, VectorFile};
use crate::library::{Library, merge};
use crate::numbers::Numbers;
use crate::rights::Use;

/// The wall clock of every vector stands here when its driver starts: 2026-08-21T10:00:00Z.
const START: i64 = 1_787_306_400_000;
/// The version of the list that a given world was read from.
const LISTED: &str = "1000";

/// Kinds that follow Sandboxes, as paths call them.
const FOLLOWING: [&str; 4] = ["services", "apirules", "virtualservices", "networkpolicies"];

/// What came of a vector.
#[derive(Debug)]
pub struct Played {
    /// The outputs of each step, without notes about transitions.
    pub outputs: Vec<Vec<Value>>,
    /// What would be logged of all of it, in every form.
    pub lines: Vec<String>,
    /// Transitions met, as machine, state and what was met.
    pub met: Vec<[String; 3]>,
    /// The settings it was played with.
    pub config: Config,
    /// What was asked of the API server, the given world included.
    pub used: BTreeSet<Use>,
    /// The whole of it as a flight recording.
    pub recording: String,
}

/// Many checkpoints in little, and nothing is dropped.
const BOUNDS: Bounds = Bounds { bytes: usize::MAX, entries: 12, segments: usize::MAX };

struct Stage<'a> {
    driver: Driver,
    file: &'a str,
    met: Vec<[String; 3]>,
    lines: Vec<String>,
    used: BTreeSet<Use>,
    numbers: Numbers,
    namespace: String,
    recorder: Recorder,
}

/// Plays a vector.
pub fn play(file: &VectorFile, library: &Library) -> Played {
    let mut config = library.config.clone();
    merge(&mut config, &Value::Object(file.vector.config.clone()));
    let config: Config = serde_json::from_value(config).unwrap_or_else(|error| panic!("{}: config: {error}", file.name));
    let namespace = config.namespace.to_string();
    let mut stage = Stage {
        driver: match &file.vector.checkpoint {
            None => Driver::new(config.clone(), [7; 32]),
            Some(state) => Driver::resume(config.clone(), &state.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.name)),
        },
        file: &file.name,
        met: Vec::new(),
        lines: Vec::new(),
        used: BTreeSet::new(),
        numbers: Numbers::default(),
        namespace,
        recorder: Recorder::new(Mask::keyed([9; 32]), BOUNDS),
    };
    if let Some(given) = &file.vector.given {
        stage.give(given, library);
    }
    let mut at = 0;
    let mut outputs = Vec::new();
    for (index, step) in file.vector.steps.iter().enumerate() {
        let next = step.at_ms.unwrap_or(at);
        assert!(next >= at, "{}, step {index}: time goes back", file.name);
        at = next;
        let input = stage.numbers.inward(step.read_input(library, &file.name, index));
        let out = stage.handle(at, input);
        outputs.push(out.into_iter().map(|output| serde_json::to_value(stage.numbers.outward(output)).unwrap()).collect());
    }
    let recording = String::from_utf8(stage.recorder.file("test", "a vector", &config)).unwrap();
    Played { outputs, lines: stage.lines, met: stage.met, config, used: stage.used, recording }
}

impl Stage<'_> {
    fn handle(&mut self, at: u64, input: Input) -> Outputs {
        let mut out = Outputs::new();
        let now = Now { mono: Mono(at), wall: Wall(START + i64::try_from(at).unwrap()) };
        self.recorder.input(&self.driver, now, &input);
        self.driver.handle(now, input, &mut out);
        self.recorder.outputs(&out);
        let mut refusal = None;
        for output in &out {
            self.used.extend(Use::of(output));
            match output {
                Output::Reply { call, reply: Err(status) } => refusal = Some((*call, status.clone())),
                Output::Note(Note::Met { .. }) => {}
                Output::Note(note) => self.lines.extend(log::lines(note, refusal.as_ref())),
                // What the shell has of these is logged by nobody; a careless hand would print it so.
                output => self.lines.push(format!("{output:?}")),
            }
        }
        out.retain(|output| match output {
            Output::Note(Note::Met { machine, state, met }) => {
                self.met.push([machine.to_string(), state.to_string(), met.to_string()]);
                false
            }
            _ => true,
        });
        out
    }

    /// Wakes the driver and answers what it asks for until it watches everything it observes.
    fn give(&mut self, given: &Given, library: &Library) {
        let mut lists =
            json!({ "/sandboxes?": given.sandboxes, "/pods?": given.pods, "/events?": given.events, "/namespaces?": given.namespaces });
        for kind in FOLLOWING {
            let objects = given.following.get(kind).cloned().unwrap_or_else(|| json!([]));
            lists.as_object_mut().unwrap().insert(format!("/{kind}?"), objects);
        }
        library.expand(&mut lists);
        let mut reads = json!(given.reads);
        library.expand(&mut reads);
        let own = format!("/api/v1/namespaces/{}", self.namespace);
        for namespace in lists.get("/namespaces?").and_then(Value::as_array).unwrap() {
            let name = namespace.pointer("/metadata/name").and_then(Value::as_str).unwrap();
            reads.as_object_mut().unwrap().insert(format!("/api/v1/namespaces/{name}"), namespace.clone());
        }
        let (major, minor) = given.server.split_once('.').unwrap();
        let mut pending = self.handle(0, Input::Wake);
        let mut listed = 0;
        let mut watches = 0;
        while !pending.is_empty() {
            let mut next = Outputs::new();
            for output in pending {
                match output {
                    Output::Exchange { exchange, request, .. } => {
                        assert_eq!(request.method, Method::Get, "{}: the given world is not at rest: {}", self.file, request.path);
                        self.numbers.exchanged(exchange);
                        listed += usize::from(request.path.contains("limit="));
                        let list = lists.as_object().unwrap().iter().find(|(part, _)| request.path.contains(part.as_str()));
                        let (status, body) = match (list, reads.get(&request.path)) {
                            (Some((_, items)), _) => (200, json!({ "metadata": { "resourceVersion": LISTED }, "items": items })),
                            (None, Some(object)) => (200, object.clone()),
                            (None, None) if request.path == "/version" => (200, json!({ "major": major, "minor": minor })),
                            (None, None) if request.path.contains("/gateways/") => (200, given.gateway.clone().unwrap()),
                            (None, None) if request.path == own => (200, library.objects.get("namespace").cloned().unwrap_or_default()),
                            (None, None) => (404, json!({ "kind": "Status", "reason": "NotFound" })),
                        };
                        next.extend(self.answer(exchange, status, &body));
                    }
                    Output::Watch { watch, request } => {
                        self.numbers.watched(watch, &request.path);
                        watches += 1;
                    }
                    Output::WakeAt(Mono(0)) => next.extend(self.handle(0, Input::Wake)),
                    Output::Exit { text, .. } => panic!("{}: the given world is unfit: {text}", self.file),
                    _ => {}
                }
            }
            pending = next;
        }
        assert!(watches >= 3 && watches == listed, "{}: the given world did not lead to a watch of each kind", self.file);
    }

    fn answer(&mut self, exchange: ExchangeId, status: u16, body: &Value) -> Outputs {
        let response = Response { status, body: Body::json(body), ..Response::default() };
        self.handle(0, Input::Answer { exchange, result: Ok(response) })
    }
}

/// Where what came differs from what is written.
pub fn differences(file: &VectorFile, played: &Played, library: &Library) -> Vec<String> {
    let mut found = Vec::new();
    for (index, (step, came)) in file.vector.steps.iter().zip(&played.outputs).enumerate() {
        let mut written = Value::Array(step.outputs.clone());
        library.expand(&mut written);
        let came = Value::Array(came.clone());
        if written != came {
            found.push(format!("{}, step {index}: {}\n{}", file.name, file.vector.title, first_difference(&written, &came)));
        }
    }
    found
}

fn first_difference(written: &Value, came: &Value) -> String {
    let Some((place, written, came)) = replay::first_difference(written, came) else { return String::new() };
    format!("  at outputs{}\n  written: {written}\n  came:    {came}", place.trim_start_matches('$'))
}

/// Rules of people that what came does not keep.
pub fn broken_rules(file: &VectorFile, played: &Played, library: &Library) -> Vec<String> {
    let has = |rule: &Rule| {
        let mut part = rule.output.clone();
        library.expand(&mut part);
        let steps = played.outputs.iter().enumerate().filter(|(index, _)| rule.step.is_none_or(|step| step == *index));
        steps.flat_map(|(_, outputs)| outputs).any(|output| contains(output, &part))
    };
    let in_range = |rule: &&Rule| rule.step.is_none_or(|step| step < played.outputs.len());
    let vector = &file.vector;
    let missing = vector.must.iter().filter(|rule| !has(rule)).map(|rule| format!("{}: must, but does not: {}", file.name, rule.output));
    let present = vector.must_not.iter().filter(|rule| has(rule)).map(|rule| format!("{}: must not, but does: {}", file.name, rule.output));
    let lost = vector
        .must_not
        .iter()
        .filter(|rule| !in_range(rule))
        .map(|rule| format!("{}: a rule is about step {:?}, which there is not", file.name, rule.step));
    missing.chain(present).chain(lost).collect()
}

/// Whether `part` is in `whole`: every key of an object, every element of a list (in any place), a text beginning and ending with `…` as a
/// part of a text, and anything else as it is.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => part.iter().all(|part| whole.iter().any(|whole| contains(whole, part))),
        (Value::String(whole), Value::String(part)) => match part.strip_prefix('…').and_then(|rest| rest.strip_suffix('…')) {
            Some(piece) => whole.contains(piece),
            None => whole == part,
        },
        (whole, part) => whole == part,
    }
}
