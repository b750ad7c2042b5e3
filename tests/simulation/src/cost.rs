//! What the flight recorder costs: the same inputs through a core with it and without it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::driver::config::Config;
use crate::driver::core::Driver;
use crate::driver::core::io::{CallId, Input, Output, Outputs, Request, Response, WatchId};
use crate::driver::core::recording::segments::checkpoint;
use crate::driver::core::recording::{Bounds, Mask, Recorder};
use crate::driver::core::secret::Body;
use crate::driver::core::time::{Mono, Now, Wall};

/// Sandboxes that there are.
const SANDBOXES: usize = 1_000;
/// Inputs that are measured.
const INPUTS: usize = 20_000;
/// One in so many is a call; the others are lines of the watch.
const CALLS: usize = 10;
/// The best of so many tries.
const TRIES: usize = 3;
/// As the product has them: `src/shell/limits.rs`.
const BOUNDS: Bounds = Bounds { bytes: 4 << 20, entries: 50_000, segments: 2 };

/// A driver that has listed and watches, and is about to be handed the inputs that are measured.
fn driver() -> (Config, Driver) {
    let config: Config = serde_json::from_str(include_str!("../../../vectors/config.json")).unwrap_or_else(|error| panic!("{error}"));
    let mut driver = Driver::new(config.clone(), [7; 32]);
    let mut pending = handle(&mut driver, 0, Input::Wake);
    while let Some(output) = pending.pop() {
        let Output::Exchange { exchange, request, .. } = output else { continue };
        let list = |items: Vec<Value>| json!({ "metadata": { "resourceVersion": "1000" }, "items": items });
        let body = match request.path.as_str() {
            path if path.contains("/sandboxes?") => list((0..SANDBOXES).map(|number| object(number, 1)).collect()),
            path if path.contains('?') => list(Vec::new()),
            "/version" => json!({ "major": "1", "minor": "34" }),
            _ => {
                json!({ "metadata": { "name": "openshell-system", "uid": "u", "labels": { "pod-security.kubernetes.io/enforce": "privileged" } } })
            }
        };
        let response = Response { status: 200, body: Body::json(&body), ..Response::default() };
        pending.extend(handle(&mut driver, 0, Input::Answer { exchange, result: Ok(response) }));
        pending.extend(handle(&mut driver, 0, Input::Wake));
    }
    let watch =
        Input::Call { call: CallId(1), request: request(json!({ "WatchSandboxes": {} })), deadline: None, trace: None, digest: None };
    handle(&mut driver, 1, watch);
    handle(&mut driver, 1, Input::Credit { call: CallId(1), events: u32::MAX });
    (config, driver)
}

fn request(json: Value) -> Request {
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

fn now(at: u64) -> Now {
    Now { mono: Mono(at), wall: Wall(1_787_306_400_000 + i64::try_from(at).unwrap_or_default()) }
}

fn handle(driver: &mut Driver, at: u64, input: Input) -> Outputs {
    let mut out = Outputs::new();
    driver.handle(now(at), input, &mut out);
    out
}

/// A Sandbox as an API server sends it: with its pod template, and with the fields each manager has.
fn object(number: usize, version: usize) -> Value {
    let mut object: Value = serde_json::from_str(include_str!("../../../vectors/objects/demo-as-created.json")).unwrap_or_default();
    let id = format!("00000000-0000-4000-8000-{number:012}");
    object["metadata"]["name"] = format!("default--s{number}").into();
    object["metadata"]["uid"] = format!("10000000-0000-4000-8000-{number:012}").into();
    object["metadata"]["resourceVersion"] = (1_000 + version).to_string().into();
    object["metadata"]["generation"] = 1.into();
    object["metadata"]["creationTimestamp"] = "2026-08-21T09:00:00Z".into();
    for map in ["labels", "annotations"] {
        object["metadata"][map]["openshell.ai/sandbox-id"] = id.as_str().into();
        object["metadata"][map]["openshell.ai/sandbox-name"] = format!("s{number}").into();
    }
    let fields = fields(&object);
    object["metadata"]["managedFields"] =
        json!([{ "manager": "openshell-driver-kyma", "operation": "Update", "apiVersion": "agents.x-k8s.io/v1beta1", "fieldsV1": fields }]);
    let condition = json!({ "type": "Ready", "status": if version.is_multiple_of(2) { "True" } else { "False" }, "reason": "DependenciesReady",
        "message": format!("Pod is Ready; version {version}"), "observedGeneration": 1, "lastTransitionTime": "2026-08-21T09:00:05Z" });
    object["status"] = json!({ "conditions": [condition] });
    object
}

/// `fieldsV1` of everything in it.
fn fields(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("f:{key}"), fields(value))).collect::<serde_json::Map<_, _>>().into(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (format!("k:{at}"), fields(value))).collect::<serde_json::Map<_, _>>().into()
        }
        _ => json!({}),
    }
}

fn inputs() -> Vec<Input> {
    let created = json!({ "sandbox": { "name": "new", "workspace": "default", "spec": {
        "environment": { "API_KEY": "0123456789abcdef0123456789abcdef", "PROMPT": "x y ".repeat(100) },
        "template": { "image": "registry.example/agent:2" } } } });
    let mut inputs = Vec::with_capacity(INPUTS);
    for number in 0..INPUTS {
        let call = CallId(number as u64 + 2);
        let request = match number % (10 * CALLS) {
            0 => {
                let mut created = created.clone();
                created["sandbox"]["id"] = format!("20000000-0000-4000-8000-{number:012}").into();
                created["sandbox"]["name"] = format!("n{number}").into();
                request(json!({ "CreateSandbox": created }))
            }
            rest if rest % CALLS == 0 => {
                let id = format!("00000000-0000-4000-8000-{:012}", number % SANDBOXES);
                request(json!({ "GetSandbox": { "sandbox_id": id, "sandbox_name": format!("s{}", number % SANDBOXES) } }))
            }
            _ => {
                let object = object(number.wrapping_mul(7_919) % SANDBOXES, number + 2);
                let line = json!({ "type": "MODIFIED", "object": object });
                inputs.push(Input::Line { watch: WatchId(1), line: Body::json(&line) });
                continue;
            }
        };
        inputs.push(Input::Call { call, request, deadline: None, trace: None, digest: None });
    }
    inputs
}

/// How long the core takes for all, and what was kept.
fn run(inputs: &[Input], recorded: bool) -> (Duration, Recorder, usize) {
    let (_, mut driver) = driver();
    let mut recorder = Recorder::new(Mask::keyed([1; 32]), BOUNDS);
    let inputs = inputs.to_vec();
    let mut outputs = 0;
    let began = Instant::now();
    for (at, input) in (2..).zip(inputs) {
        let mut out = Outputs::new();
        if recorded {
            recorder.input(&driver, now(at), &input);
        }
        driver.handle(now(at), input, &mut out);
        if recorded {
            recorder.outputs(&out);
        }
        outputs += out.len();
    }
    (began.elapsed(), recorder, outputs)
}

/// Measures, and says what came of it.
#[must_use]
pub fn measure() -> String {
    let inputs = inputs();
    let best = |recorded| (0..TRIES).map(|_| run(&inputs, recorded).0).min().unwrap_or_default();
    let (plain, recorded) = (best(false), best(true));
    let (_, recorder, outputs) = run(&inputs, true);
    let each = |all: Duration| all.as_nanos() / inputs.len() as u128;
    let bytes: usize = inputs.iter().map(|input| if let Input::Line { line, .. } = input { line.len() } else { 0 }).sum();
    let (config, driver) = driver();
    let began = Instant::now();
    let state = checkpoint(&driver, &Mask::keyed([1; 32]));
    let took = began.elapsed();
    let file = recorder.file("cost", "measured", &config);
    let began = Instant::now();
    let entries = String::from_utf8_lossy(&file).lines().filter(|line| line.starts_with("{\"n\":")).map(str::len).collect::<Vec<_>>();
    let reading = began.elapsed();
    format!(
        "{} inputs ({} bytes a watch line), {outputs} outputs, {SANDBOXES} sandboxes\n\
         without the recorder: {} ns an input\nwith it:              {} ns an input, checkpoints included\n\
         a checkpoint:         {} bytes, {} µs\nan entry:             {} bytes\nkept at the end:      {} bytes ({} entries; counted in {} ms)",
        inputs.len(),
        bytes / (inputs.len() - inputs.len() / CALLS),
        each(plain),
        each(recorded),
        state.len(),
        took.as_micros(),
        entries.iter().sum::<usize>() / entries.len().max(1),
        recorder.len(),
        entries.len(),
        reading.as_millis(),
    )
}
