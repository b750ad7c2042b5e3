//! `plan`: the requests that a gateway's call would cause, without a cluster.
//!
//! The real core is driven between the call and a [`world`] that obliges: an API server on which everything works at once. So a plan cannot differ
//! from what the driver does when nothing goes wrong, byte for byte.

pub mod print;
mod world;
pub mod yaml;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use serde_json::Value;

use self::world::World;
use crate::config::{Config, WorkspaceMode};
use crate::contract::messages::compute as pb;
use crate::core::Driver;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, HttpRequest, Input, Output, Outputs, Reply, Request, WatchId};
use crate::core::kube::version::ServerVersion;
use crate::core::names::Namespace;
use crate::core::time::{Mono, Now, Wall};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The driver's settings.
    pub config: Config,
    /// The call.
    pub request: Request,
    /// Sandboxes that exist already, as the API server shows them.
    pub given: Vec<Value>,
    /// The API server's version.
    pub server: ServerVersion,
}

/// What would happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What was taken for granted: a sentence each.
    pub assumed: Vec<String>,
    /// Every request the call causes, in order. What the driver lists and watches anyway is not among them.
    pub requests: Vec<Planned>,
    /// What the gateway is told.
    pub outcome: Outcome,
}

/// A request, and when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Whether somebody waits for it.
    pub when: When,
    /// As it is sent, but for host and credentials.
    pub request: HttpRequest,
}

/// When a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the gateway has its answer.
    BeforeReply,
    /// When it has it.
    AfterReply,
}

/// What the gateway is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The method's answer.
    Reply(Reply),
    /// A refusal.
    Refused(Status),
    /// Nothing within [`PATIENCE_MS`], although everything was as it should be.
    Silence,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPlan {
    /// The sandbox that the call is about could not be imagined: creating it is refused.
    Unimaginable(Status),
    /// The driver would not run in this cluster.
    Unfit(String),
    /// A stream has no end that could be planned for.
    Stream,
    /// The settings need something that a plan does not know.
    NotSynced,
}

impl fmt::Display for NoPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unimaginable(status) => write!(
                f,
                "no Sandbox with this id is given, and none can be made up for the plan: {}; give one with --given (kubectl get sandboxes -o json)",
                status.message
            ),
            Self::Unfit(text) => write!(f, "with these flags the driver would end: {text}"),
            Self::Stream => f.write_str("WatchSandboxes sends no request: a stream shows what the driver observes anyway"),
            Self::NotSynced => {
                f.write_str("the driver does not come to know the sandboxes given: is each of them a Sandbox as the API server shows it?")
            }
        }
    }
}

impl std::error::Error for NoPlan {}

/// How long the call is followed: longer than any call may take.
const PATIENCE_MS: u64 = 15 * 60 * 1000;
/// How many inputs are followed at most: many times what any call takes.
const INPUTS_MAX: usize = 10_000;
/// The call that is planned.
const PLANNED: CallId = CallId(2);
/// The create that makes up what it is about.
const IMAGINED: CallId = CallId(1);
/// Where it is.
const IMAGINED_WORKSPACE: &str = "default";
/// Timestamps are not part of any request; this one is 2026-08-21T10:00:00Z.
const WALL_MS: i64 = 1_787_306_400_000;

/// Plans a call.
///
/// # Errors
/// When there is nothing to plan; see [`NoPlan`].
pub fn plan(question: Question) -> Result<Plan, NoPlan> {
    let Question { config, request, given, server } = question;
    if matches!(request, Request::WatchSandboxes(_)) {
        return Err(NoPlan::Stream);
    }
    let mut stage = Stage::new(config, World::new(given, server));
    stage.run(Input::Wake);
    if let Some(text) = stage.exit {
        return Err(NoPlan::Unfit(text));
    }
    if !stage.synced {
        return Err(NoPlan::NotSynced);
    }
    let mut assumed = stage.chosen(&request);
    assumed.extend(stage.imagine(&request)?);
    stage.begin(PLANNED, request);
    let outcome = match stage.reply.take() {
        Some(Ok(reply)) => Outcome::Reply(reply),
        Some(Err(status)) => Outcome::Refused(status),
        None => Outcome::Silence,
    };
    Ok(Plan { assumed, requests: stage.requests, outcome })
}

/// The Sandboxes of what `kubectl get -o json` prints: one, or a list.
#[must_use]
pub fn sandboxes(printed: Value) -> Vec<Value> {
    match printed {
        Value::Array(items) => items,
        Value::Object(mut fields) => match fields.remove("items") {
            Some(Value::Array(items)) => items,
            _ => vec![Value::Object(fields)],
        },
        other => vec![other],
    }
}

/// The core, and the world around it.
struct Stage {
    driver: Driver,
    workspaces: WorkspaceMode,
    world: World,
    now_ms: u64,
    wake: Option<Mono>,
    inputs: VecDeque<Input>,
    watches: Vec<(WatchId, HttpRequest)>,
    synced: bool,
    exit: Option<String>,
    /// The call that is followed.
    call: Option<CallId>,
    reply: Option<Result<Reply, Status>>,
    requests: Vec<Planned>,
}

impl Stage {
    fn new(config: Config, world: World) -> Self {
        Self {
            workspaces: config.workspaces.clone(),
            driver: Driver::new(config, [0; 32]),
            world,
            now_ms: 0,
            wake: None,
            inputs: VecDeque::new(),
            watches: Vec::new(),
            synced: false,
            exit: None,
            call: None,
            reply: None,
            requests: Vec::new(),
        }
    }

    /// Chooses the namespace of the request's workspace, where somebody must.
    fn chosen(&mut self, request: &Request) -> Vec<String> {
        if !matches!(self.workspaces, WorkspaceMode::Operator(_)) {
            return Vec::new();
        }
        let workspace = match request {
            Request::CreateSandbox(request) => request.sandbox.as_ref().map(|sandbox| sandbox.workspace.as_str()),
            Request::ValidateSandboxCreate(request) => request.sandbox.as_ref().map(|sandbox| sandbox.workspace.as_str()),
            Request::EnsureWorkspace(request) => Some(request.workspace.as_str()),
            _ => Some(IMAGINED_WORKSPACE),
        };
        let Some(namespace) = workspace.and_then(|workspace| Namespace::parse(workspace).ok()) else { return Vec::new() };
        let assumed = format!("namespace {namespace} is chosen for its workspace");
        self.run(Input::Namespaces { names: Ok(BTreeSet::from([namespace])) });
        vec![assumed]
    }

    /// Makes up what the request is about, where that is not given: a sandbox in the workspace `default`, Ready, or stopped if it is to be started.
    fn imagine(&mut self, request: &Request) -> Result<Vec<String>, NoPlan> {
        let (id, name, state) = match request {
            Request::GetSandbox(request) => (&request.sandbox_id, &request.sandbox_name, world::State::Ready),
            Request::StopSandbox(request) => (&request.sandbox_id, &request.sandbox_name, world::State::Ready),
            Request::DeleteSandbox(request) => (&request.sandbox_id, &request.sandbox_name, world::State::Ready),
            Request::StartSandbox(request) => (&request.sandbox_id, &request.sandbox_name, world::State::Stopped),
            _ => return Ok(Vec::new()),
        };
        if self.world.knows(id) {
            return Ok(Vec::new());
        }
        let template = pb::DriverSandboxTemplate { image: "imagined".into(), ..pb::DriverSandboxTemplate::default() };
        let spec = pb::DriverSandboxSpec { template: Some(template), command: vec!["true".into()], ..pb::DriverSandboxSpec::default() };
        let sandbox = pb::DriverSandbox {
            id: id.clone(),
            name: name.clone(),
            workspace: IMAGINED_WORKSPACE.into(),
            spec: Some(Box::new(spec)),
            ..pb::DriverSandbox::default()
        };
        self.begin(IMAGINED, Request::CreateSandbox(pb::CreateSandboxRequest { sandbox: Some(sandbox) }));
        match self.reply.take() {
            Some(Err(status)) => return Err(NoPlan::Unimaginable(status)),
            Some(Ok(_)) => {}
            None => return Err(NoPlan::Unimaginable(Status::unavailable("its create is not answered"))),
        }
        self.world.bring_to(id, state);
        self.tell();
        self.run_on();
        self.requests.clear();
        Ok(vec![format!("there is a sandbox {name} with the id {id} in the workspace {IMAGINED_WORKSPACE}, and it is {state}")])
    }

    /// A call, until it is answered and nothing more comes of it.
    fn begin(&mut self, call: CallId, request: Request) {
        self.call = Some(call);
        self.reply = None;
        self.requests.clear();
        self.run(Input::Call { call, request, deadline: None, trace: None, digest: None });
        let until = self.now_ms.saturating_add(PATIENCE_MS);
        while self.reply.is_none() {
            let Some(Mono(at)) = self.wake.filter(|at| at.0 <= until) else { return };
            self.now_ms = at.max(self.now_ms);
            self.wake = None;
            self.run(Input::Wake);
        }
    }

    fn run(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.run_on();
    }

    /// Every input there is, and all that they cause without any time passing.
    fn run_on(&mut self) {
        for _ in 0..INPUTS_MAX {
            let input = match self.inputs.pop_front() {
                Some(input) => input,
                None if self.wake.is_some_and(|at| at.0 <= self.now_ms) => {
                    self.wake = None;
                    Input::Wake
                }
                None => return,
            };
            let now = Now { mono: Mono(self.now_ms), wall: Wall(WALL_MS.saturating_add_unsigned(self.now_ms)) };
            let mut out = Outputs::new();
            self.driver.handle(now, input, &mut out);
            for output in out {
                self.carry_out(output);
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Exchange { exchange, request, .. } => {
                let response = self.world.answer(&request);
                self.inputs.push_back(Input::Answer { exchange, result: Ok(response) });
                if self.call.is_some() {
                    let when = if self.reply.is_some() { When::AfterReply } else { When::BeforeReply };
                    self.requests.push(Planned { when, request });
                }
                self.tell();
            }
            Output::Watch { watch, request } => self.watches.push((watch, request)),
            Output::Reply { call, reply } if self.call == Some(call) => self.reply = Some(reply),
            Output::WakeAt(at) => self.wake = Some(at),
            Output::Note(crate::core::note::Note::Synced { .. }) => self.synced = true,
            Output::Exit { text, .. } => self.exit = Some(text),
            Output::Reply { .. } | Output::Abort(_) | Output::Event { .. } | Output::Note(_) | Output::Drained => {}
        }
    }

    /// Hands the watches what has changed.
    fn tell(&mut self) {
        for change in self.world.take_changes() {
            for (watch, request) in &self.watches {
                if let Some(line) = change.seen_by(request) {
                    self.inputs.push_back(Input::Line { watch: *watch, line });
                }
            }
        }
    }
}
