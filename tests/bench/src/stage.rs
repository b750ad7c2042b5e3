//! A core that knows many sandboxes, and what it is handed all day: lines as a real API server wrote them, and calls.
//!
//! The lines were recorded from kube-apiserver 1.36 with the agent-sandbox controller 0.5.6, for a sandbox that this driver created: with the whole
//! pod template, and with the fields of every manager, as they come. Only names, ids and versions are put in.

use std::fmt;

use bytes::Bytes;
use openshell_driver_kyma::config::Config;
use openshell_driver_kyma::core::Driver;
use openshell_driver_kyma::core::io::{CallId, ExchangeId, Input, Method, Output, Outputs, Request, Response, WatchId};
use openshell_driver_kyma::core::secret::Body;
use openshell_driver_kyma::core::time::{Mono, Now, Wall};
use serde_json::json;

use crate::recorded::{self, Recorded};

/// What the core is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// A Sandbox that is new, as the controller has not seen it yet.
    Added,
    /// A Sandbox that is not as it was, but nothing of it concerns the gateway.
    Unchanged,
    /// A Sandbox that has become ready, or not ready: every stream is told.
    Changed,
    /// A pod that is as it was, but for its version.
    Pod,
    /// An Event about a pod: every stream is told.
    Event,
    /// Nothing has happened.
    Bookmark,
    /// `GetSandbox`, answered from the store.
    Get,
    /// `CreateSandbox`, and the API server's answer to its POST.
    Create,
    /// `ListSandboxes` of everything there is.
    List,
}

impl Case {
    /// Every case, lines first.
    pub const ALL: [Self; 9] =
        [Self::Added, Self::Unchanged, Self::Changed, Self::Pod, Self::Event, Self::Bookmark, Self::Get, Self::Create, Self::List];

    /// What it is called in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "line_added",
            Self::Unchanged => "line_unchanged",
            Self::Changed => "line_changed",
            Self::Pod => "line_pod",
            Self::Event => "line_event",
            Self::Bookmark => "line_bookmark",
            Self::Get => "get",
            Self::Create => "create",
            Self::List => "list",
        }
    }

    /// The case of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One input, and the answer to the request it causes where it causes one.
#[derive(Debug)]
pub struct Act {
    input: Input,
    answer: Option<Response>,
}

impl Act {
    /// The bytes of the line, if it is one.
    #[must_use]
    pub fn bytes(&self) -> usize {
        if let Input::Line { line, .. } = &self.input { line.len() } else { 0 }
    }
}

/// A core at work: it has listed, it watches, and one gateway reads everything it says.
#[derive(Debug)]
pub struct Stage {
    driver: Driver,
    out: Outputs,
    sandboxes: usize,
    watches: Watches,
    /// Counts acts.
    acts: usize,
    /// Counts inputs.
    inputs: u64,
}

#[derive(Debug)]
struct Watches {
    sandboxes: WatchId,
    pods: WatchId,
    events: WatchId,
}

/// The stream that reads everything.
const STREAM: CallId = CallId(1);
/// The version of the first list; what is recorded anew has later ones.
const LISTED: usize = 1_000_000;
/// Versions between two objects' of one act.
const INPUTS_A_MILLISECOND: u64 = 1_000;
/// Objects on a page, as the core asks for them.
const PAGE: usize = 500;

/// The settings of a driver with nothing set that need not be.
#[must_use]
pub fn config() -> Config {
    // It is a file of this repository, which every vector is played with.
    serde_json::from_str(include_str!("../../../vectors/config.json")).unwrap_or_else(|error| unreachable!("vectors/config.json: {error}"))
}

impl Stage {
    /// A core that has listed so many sandboxes, each with its pod.
    #[must_use]
    pub fn new(sandboxes: usize) -> Self {
        let mut stage = Self {
            driver: Driver::new(config(), [7; 32]),
            out: Outputs::new(),
            sandboxes,
            watches: Watches { sandboxes: WatchId(0), pods: WatchId(0), events: WatchId(0) },
            acts: 0,
            inputs: 0,
        };
        stage.handle(Input::Wake);
        let mut pending: Vec<Output> = stage.out.drain(..).collect();
        while let Some(output) = pending.pop() {
            match output {
                Output::Watch { watch, request } => {
                    let path = request.path.as_str();
                    if path.contains("/sandboxes?") {
                        stage.watches.sandboxes = watch;
                    } else if path.contains("/pods?") {
                        stage.watches.pods = watch;
                    } else {
                        stage.watches.events = watch;
                    }
                }
                Output::Exchange { exchange, request, .. } => {
                    let response = Response { status: 200, body: answer(&request.path, sandboxes), ..Response::default() };
                    stage.handle(Input::Answer { exchange, result: Ok(response) });
                    pending.append(&mut stage.out);
                    stage.handle(Input::Wake);
                    pending.append(&mut stage.out);
                }
                _ => {}
            }
        }
        let request = request(json!({ "WatchSandboxes": {} }));
        stage.handle(Input::Call { call: STREAM, request, deadline: None, trace: None, digest: None });
        stage.handle(Input::Credit { call: STREAM, events: u32::MAX });
        stage.out.clear();
        stage
    }

    /// The next act of this kind. Making it is not what is measured.
    #[must_use]
    pub fn act(&mut self, case: Case) -> Act {
        self.acts += 1;
        let (number, version) = (self.acts.wrapping_mul(7_919) % self.sandboxes.max(1), LISTED + self.acts);
        let line = |watch, line: Bytes| Act { input: Input::Line { watch, line: Body(line) }, answer: None };
        let call = |json| Act {
            input: Input::Call { call: CallId(self.acts as u64 + 1), request: request(json), deadline: None, trace: None, digest: None },
            answer: None,
        };
        match case {
            Case::Added => line(self.watches.sandboxes, Recorded::SandboxAdded.line(self.sandboxes + self.acts, version)),
            Case::Unchanged => line(self.watches.sandboxes, Recorded::SandboxReady.line(number, version)),
            Case::Changed => {
                let is_ready = ((self.acts - 1) / self.sandboxes.max(1)) % 2 == 1;
                let ready = Recorded::SandboxReady.line(number, version);
                line(self.watches.sandboxes, if is_ready { ready } else { recorded::not_ready(&ready) })
            }
            Case::Pod => line(self.watches.pods, Recorded::PodReady.line(number, version)),
            Case::Event => line(self.watches.events, Recorded::Event.line(number, version)),
            Case::Bookmark => line(self.watches.sandboxes, Recorded::Bookmark.line(number, version)),
            Case::Get => call(json!({ "GetSandbox": { "sandbox_id": recorded::id(number), "sandbox_name": recorded::name(number) } })),
            Case::List => call(json!({ "ListSandboxes": {} })),
            Case::Create => {
                let number = self.sandboxes + self.acts;
                let created = Recorded::SandboxAdded.object(number, version);
                Act {
                    answer: Some(Response { status: 201, body: Body(created), ..Response::default() }),
                    ..call(json!({ "CreateSandbox": { "sandbox": wanted(number) } }))
                }
            }
        }
    }

    /// Hands the core an act, and gives how much came of it.
    pub fn play(&mut self, act: Act) -> usize {
        self.handle(act.input);
        let mut came = self.out.len();
        if let Some(answer) = act.answer
            && let Some(exchange) = self.posted()
        {
            self.out.clear();
            self.handle(Input::Answer { exchange, result: Ok(answer) });
            came += self.out.len();
        }
        self.out.clear();
        came
    }

    /// What the core has just said, for whoever wants to see that it is what it should be.
    pub fn outputs(&mut self, act: Act) -> Outputs {
        self.handle(act.input);
        std::mem::take(&mut self.out)
    }

    fn posted(&self) -> Option<ExchangeId> {
        self.out.iter().find_map(|output| match output {
            Output::Exchange { exchange, request, .. } if request.method == Method::Post => Some(*exchange),
            _ => None,
        })
    }

    #[inline(never)]
    fn handle(&mut self, input: Input) {
        self.inputs += 1;
        let at = self.inputs / INPUTS_A_MILLISECOND;
        let now = Now { mono: Mono(at), wall: Wall(1_795_819_000_000 + i64::try_from(at).unwrap_or_default()) };
        self.driver.handle(now, input, &mut self.out);
    }
}

/// A sandbox as the gateway asks for it.
#[must_use]
pub fn wanted(number: usize) -> serde_json::Value {
    json!({
        "id": recorded::id(number), "name": recorded::name(number), "workspace": "default",
        "spec": {
            "environment": { "API_KEY": "0123456789abcdef0123456789abcdef", "LANG": "C.UTF-8" },
            "command": ["/bin/bash", "-l"], "tty": true,
            "sandbox_token": "a token of the gateway's is some two hundred and fifty bytes long, of which this one stands for ".repeat(2),
            "template": { "image": "registry.example/agent:2" },
        },
    })
}

fn request(json: serde_json::Value) -> Request {
    serde_json::from_value(json).unwrap_or_else(|error| unreachable!("a call that was written here: {error}"))
}

/// What an API server with so many sandboxes answers when the driver begins.
fn answer(path: &str, sandboxes: usize) -> Body {
    let list = |recorded: Option<Recorded>| {
        let from = path.split("continue=").nth(1).and_then(|rest| rest.split('&').next()?.parse().ok()).unwrap_or(0);
        let to = sandboxes.min(from + PAGE);
        let objects = recorded.map(|recorded| {
            let objects: Vec<Bytes> = (from..to).map(|number| recorded.object(number, LISTED)).collect();
            objects.join(&b","[..])
        });
        let next = if recorded.is_some() && to < sandboxes { format!(r#","continue":"{to}""#) } else { String::new() };
        let mut body = format!(r#"{{"metadata":{{"resourceVersion":"{LISTED}"{next}}},"items":["#).into_bytes();
        body.extend(objects.unwrap_or_default());
        body.extend_from_slice(b"]}");
        Body(body.into())
    };
    match path {
        path if path.contains("/sandboxes?") => list(Some(Recorded::SandboxReady)),
        path if path.contains("/pods?") => list(Some(Recorded::PodReady)),
        path if path.contains("/events?") => list(None),
        "/version" => Body::from(r#"{"major":"1","minor":"36"}"#),
        _ => {
            Body::from(r#"{"metadata":{"name":"openshell-system","uid":"u","labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}"#)
        }
    }
}
