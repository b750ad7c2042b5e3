//! Calls of the gateway: one small machine an RPC, each a value that says what it waits for.
//!
//! A machine is given an [`Event`] and answers with a [`Step`]. It never outlives its reply, but for a create: that runs on when its caller has
//! hung up, and clears up after itself when its caller was told that it failed.

pub mod capabilities;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
mod machine;
pub mod mode;
mod patience;
pub mod refusal;
pub mod search;
pub mod start;
pub mod stop;
pub mod validate;
pub mod watch;
pub mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::create::Create;
use self::delete::Delete;
use self::get::Get;
use self::machine::Machine;
pub use self::machine::{Cx, Event, Step};
use self::start::Start;
use self::stop::Stop;
use self::validate::Validate;
use super::admit::Admitted;
use super::grpc_status::Status;
use super::io::{CallId, Fault, Output, Reply, Request, Response, Rpc, TraceParent};
use super::kube::answer::Verdict;
use super::limits;
use super::names::{SandboxId, SandboxName};
use super::note::{Note, Outcome};
use super::observe::Cluster;
use super::render::sandbox::Service;
use super::survey::Survey;
use super::territory::OurNamespace;
use super::time::Mono;
use super::turn::{Timer, Turn};
use crate::config::Config;
use crate::contract::messages::compute as pb;

/// Whether anybody waits for the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Caller {
    Waiting,
    Gone,
}

#[derive(Debug, Serialize, Deserialize)]
struct Call {
    rpc: Rpc,
    began: Mono,
    deadline: Mono,
    sandbox: Option<SandboxId>,
    name: Option<SandboxName>,
    trace: Option<TraceParent>,
    caller: Caller,
    machine: Machine,
}

/// Whether new calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Door {
    #[default]
    Open,
    Closed,
}

/// Every call in flight.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    in_flight: BTreeMap<CallId, Call>,
    creating: BTreeMap<SandboxId, BTreeSet<CallId>>,
    door: Door,
}

/// A call as it arrives.
#[derive(Debug)]
pub struct Arrival {
    /// Its id.
    pub call: CallId,
    /// When its caller stops waiting.
    pub deadline: Option<Mono>,
    /// Its trace.
    pub trace: Option<TraceParent>,
    /// What stands for the digest of its request, in a recording.
    pub digest: Option<String>,
}

impl Calls {
    /// Calls in flight, streams included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether no call is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Counts the calls in flight.
    pub fn survey(&self, survey: &mut Survey) {
        for running in self.in_flight.values() {
            *survey.calls.entry(running.rpc).or_default() += 1;
        }
    }

    /// A call arrives: it is answered at once, or becomes a machine.
    pub fn begin(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, mut arrival: Arrival, request: Request) {
        let rpc = request.rpc();
        let subject = Subject::of(&request);
        match (rpc, &subject.sandbox) {
            // Whoever begins to watch takes over the sweeping; and who asks for capabilities has just started.
            (Rpc::WatchSandboxes | Rpc::GetCapabilities, _) => cluster.sweep_broken(),
            (Rpc::ValidateSandboxCreate, _) | (_, None) => {}
            (_, Some(id)) => cluster.named(turn, id),
        }
        let begun = self.admit(turn, config, cluster, request, arrival.digest.take());
        let (machine, bound) = match begun {
            Ok(Begun::Machine(machine, bound)) => (machine, bound),
            Ok(Begun::Answer(reply)) => return answer(turn, rpc, subject, arrival, Ok(reply)),
            Err(status) => return answer(turn, rpc, subject, arrival, Err(status)),
        };
        let Subject { sandbox, name } = subject;
        let now = turn.now().mono;
        let ours = bound.map_or(Mono(u64::MAX), |bound| now.after(bound));
        let deadline = arrival.deadline.map_or(ours, |theirs| theirs.min(ours));
        if deadline < Mono(u64::MAX) {
            turn.set(Timer::CallDeadline(arrival.call), deadline);
        }
        if let (Machine::Create(_), Some(id)) = (&machine, &sandbox) {
            cluster.pardon(id);
            self.creating.entry(id.clone()).or_default().insert(arrival.call);
        }
        let call = Call { rpc, began: now, deadline, sandbox, name, trace: arrival.trace, caller: Caller::Waiting, machine };
        self.in_flight.insert(arrival.call, call);
        self.step(turn, cluster, config, arrival.call, Event::Begin);
    }

    fn admit(
        &self,
        turn: &Turn<'_>,
        config: &Config,
        cluster: &mut Cluster,
        request: Request,
        digest: Option<String>,
    ) -> Result<Begun, Status> {
        if let Request::GetCapabilities(request) = &request {
            return capabilities::reply(config, request).map(Begun::Answer);
        }
        if self.door == Door::Closed {
            return Err(shutting_down());
        }
        if self.in_flight.len() >= limits::CALLS_MAX {
            return Err(Status::resource_exhausted(format!("{} calls are in flight already; try again later", limits::CALLS_MAX)));
        }
        let machine = |machine, bound| Ok(Begun::Machine(machine, Some(bound)));
        match request {
            Request::GetCapabilities(_) | Request::GetGatewayListenerRequirements(_) => {
                Ok(Begun::Answer(Reply::GetGatewayListenerRequirements(pb::GetGatewayListenerRequirementsResponse::default())))
            }
            Request::ValidateSandboxCreate(request) => {
                let admitted = Admitted::check(config, cluster.api().territory(), request.sandbox.as_ref())?;
                cluster.lets_in(admitted.object.namespace())?;
                create::render(config, cluster, &admitted, Service::Declined)?;
                match Validate::of(config, &admitted) {
                    Some(search) => machine(Machine::Validate(search), limits::READ_TIMEOUT),
                    None => Ok(Begun::Answer(validate::reply())),
                }
            }
            Request::CreateSandbox(request) => {
                machine(Machine::Create(Box::new(Create::admit(config, cluster, turn, &request, digest)?)), limits::CREATE_TIMEOUT)
            }
            Request::GetSandbox(request) => machine(Machine::Get(Get::admit(&request)?), limits::READ_TIMEOUT),
            Request::DeleteSandbox(request) => machine(Machine::Delete(Delete::admit(&request)?), limits::DELETE_TIMEOUT),
            Request::ListSandboxes(_) => machine(Machine::List, limits::READ_TIMEOUT),
            Request::WatchSandboxes(_) => {
                if cluster.streams().len() >= limits::STREAMS_MAX {
                    return Err(Status::resource_exhausted(format!("{} streams are open already", limits::STREAMS_MAX)));
                }
                Ok(Begun::Machine(Machine::WatchWaiting, None))
            }
            Request::EnsureWorkspace(request) => {
                let ensure = workspace::Ensure::admit(cluster.api().territory(), &request)?;
                if cluster.workspaces().is_none() {
                    return Ok(Begun::Answer(Reply::EnsureWorkspace(pb::EnsureWorkspaceResponse::default())));
                }
                machine(Machine::EnsureWorkspace(ensure), limits::WORKSPACE_TIMEOUT)
            }
            Request::DeleteWorkspace(request) => {
                if cluster.workspaces().is_none() {
                    workspace::check(&request.workspace)?;
                    return Ok(Begun::Answer(Reply::DeleteWorkspace(pb::DeleteWorkspaceResponse::default())));
                }
                let delete = workspace::Delete::admit(cluster.api().territory(), &request)?;
                machine(Machine::DeleteWorkspace(delete), limits::WORKSPACE_TIMEOUT)
            }
            Request::AuthenticateSandbox(_) => Err(Status::unimplemented(
                "AuthenticateSandbox belongs to the runtime of OpenShell v0.1; this driver serves gateways up to v0.0.116",
            )),
            Request::StopSandbox(request) => {
                machine(Machine::Stop(Box::new(Stop::admit(&request)?)), config.stop_grace().saturating_add(limits::STOP_MARGIN))
            }
            Request::StartSandbox(request) => machine(Machine::Start(Start::admit(&request)?), limits::START_TIMEOUT),
        }
    }

    /// An exchange of a call ended.
    pub fn answered(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, call: CallId, result: Result<Response, Fault>) {
        self.step(turn, cluster, config, call, Event::Answer(Verdict::of(result)));
    }

    /// A call's pause is over.
    pub fn retry(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, call: CallId) {
        self.step(turn, cluster, config, call, Event::Retry);
    }

    /// A call's time is up.
    pub fn deadline(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, call: CallId) {
        self.step(turn, cluster, config, call, Event::Deadline);
    }

    /// A caller hung up.
    pub fn cancel(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, call: CallId) {
        match self.in_flight.get_mut(&call) {
            Some(running) if running.caller == Caller::Waiting => {
                running.caller = Caller::Gone;
                note_end(turn, call, running, Outcome::Cancelled);
                self.step(turn, cluster, config, call, Event::Cancelled);
            }
            _ => turn.note(Note::UnknownCall { call }),
        }
    }

    /// It is known which versions are served: calls that wait for it go on.
    pub fn discovered(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config) {
        let waits = |running: &Call| running.machine.waits_for_versions();
        let waiting: Vec<CallId> = self.in_flight.iter().filter(|(_, running)| waits(running)).map(|(call, _)| *call).collect();
        for call in waiting {
            self.step(turn, cluster, config, call, Event::Roused);
        }
    }

    /// Sandboxes have changed: stops that wait for them look again.
    pub fn changed(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, ids: &BTreeSet<SandboxId>) {
        let concerned =
            |running: &Call| matches!(running.machine, Machine::Stop(_)) && running.sandbox.as_ref().is_some_and(|id| ids.contains(id));
        let waiting: Vec<CallId> = self.in_flight.iter().filter(|(_, running)| concerned(running)).map(|(call, _)| *call).collect();
        for call in waiting {
            self.step(turn, cluster, config, call, Event::Roused);
        }
    }

    /// Namespaces of workspaces have become ready, or turned out not to be had: those who wait for them go on.
    pub fn settled(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, namespaces: &BTreeSet<OurNamespace>) {
        if namespaces.is_empty() {
            return;
        }
        let waiting = self.in_flight.iter().filter(|(_, running)| awaited(&running.machine).is_some_and(|at| namespaces.contains(at)));
        for call in waiting.map(|(call, _)| *call).collect::<Vec<CallId>>() {
            self.step(turn, cluster, config, call, Event::Roused);
        }
    }

    /// A reader can take more.
    pub fn credit(&self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId, events: u32) {
        match self.in_flight.get(&call).map(|running| &running.machine) {
            Some(Machine::Watching | Machine::WatchWaiting) => cluster.streams().credit(call, events),
            _ => turn.note(Note::UnknownCall { call }),
        }
    }

    /// The store has become whole: those who wait for it go on.
    pub fn synced(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config) {
        let waiting: Vec<CallId> = self
            .in_flight
            .iter()
            .filter(|(_, running)| matches!(running.machine, Machine::List | Machine::WatchWaiting))
            .map(|(call, _)| *call)
            .collect();
        for call in waiting {
            self.step(turn, cluster, config, call, Event::Roused);
        }
    }

    /// A stream's reader is too far behind.
    pub fn sent_away(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId) {
        let status = Status::aborted("the reader is too far behind; open another stream, which starts with the full set");
        self.end(turn, cluster, call, Err(status));
    }

    /// Takes nothing new, ends the streams.
    pub fn stop(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster) {
        self.door = Door::Closed;
        let open = |running: &Call| matches!(running.machine, Machine::Watching | Machine::WatchWaiting | Machine::List);
        let streams: Vec<CallId> = self.in_flight.iter().filter(|(_, running)| open(running)).map(|(call, _)| *call).collect();
        for call in streams {
            self.end(turn, cluster, call, Err(shutting_down()));
        }
        let told = |running: &Call| matches!(&running.machine, Machine::Stop(stop) if stop.is_told());
        let stops: Vec<CallId> = self.in_flight.iter().filter(|(_, running)| told(running)).map(|(call, _)| *call).collect();
        for call in stops {
            // Nothing is observed any more, so this would not hear of the end.
            let status = Status::unavailable("the sandbox has been told to stop, but the driver is shutting down; ask the next one");
            self.end(turn, cluster, call, Err(status));
        }
        let waiting = self.in_flight.iter().filter(|(_, running)| awaited(&running.machine).is_some());
        for call in waiting.map(|(call, _)| *call).collect::<Vec<CallId>>() {
            // Nobody prepares namespaces any more.
            self.end(turn, cluster, call, Err(shutting_down()));
        }
        let searching = |running: &Call| matches!(&running.machine, Machine::Create(create) if create.is_searching());
        let searches: Vec<CallId> = self.in_flight.iter().filter(|(_, running)| searching(running)).map(|(call, _)| *call).collect();
        for call in searches {
            self.abandon(turn, cluster, call);
        }
    }

    /// Ends a create that only looks for what it left behind: nobody waits for it, and it may take minutes.
    fn abandon(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId) {
        if let Some(Call { machine: Machine::Create(create), .. }) = self.in_flight.get(&call) {
            create.abandon(turn);
        }
        self.forget(turn, cluster, call);
    }

    fn step(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config, call: CallId, event: Event) {
        let Some(running) = self.in_flight.get_mut(&call) else { return };
        let mut cx = Cx { call, deadline: running.deadline, turn, cluster, config, creating: &self.creating };
        let step = running.machine.on(&mut cx, event);
        match step {
            Step::Wait => {}
            Step::Reply(reply) => self.end(turn, cluster, call, reply),
            Step::ReplyAndGoOn(status) => {
                reply(turn, call, running, Err(status));
                self.go_on(turn, cluster, call);
            }
            Step::GoOn => self.go_on(turn, cluster, call),
            Step::Done => self.forget(turn, cluster, call),
        }
        if !self.in_flight.contains_key(&call) {
            self.rouse(turn, cluster, config);
        }
    }

    /// A call whose caller has been answered or has gone takes the time it needs, unless the driver is shutting down.
    fn go_on(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId) {
        if self.door == Door::Closed {
            self.abandon(turn, cluster, call);
        } else if let Some(running) = self.in_flight.get_mut(&call) {
            running.deadline = Mono(u64::MAX);
        }
    }

    /// A create has ended: deletes of the same sandbox that waited for it go on.
    fn rouse(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, config: &Config) {
        let waiting: Vec<CallId> = self
            .in_flight
            .iter()
            .filter(|(_, running)| {
                matches!(&running.machine, Machine::Delete(delete) if delete.waits_for_create())
                    && running.sandbox.as_ref().is_some_and(|id| !self.creating.contains_key(id))
            })
            .map(|(call, _)| *call)
            .collect();
        for call in waiting {
            self.step(turn, cluster, config, call, Event::Roused);
        }
    }

    fn end(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId, result: Result<Reply, Status>) {
        if let Some(running) = self.in_flight.get_mut(&call) {
            reply(turn, call, running, result);
        }
        self.forget(turn, cluster, call);
    }

    fn forget(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, call: CallId) {
        turn.unset(&Timer::CallDeadline(call));
        turn.unset(&Timer::CallRetry(call));
        turn.abort_call(call);
        cluster.streams().close(call);
        let Some(gone) = self.in_flight.remove(&call) else { return };
        if let Some(id) = gone.sandbox
            && let Some(creators) = self.creating.get_mut(&id)
        {
            creators.remove(&call);
            if creators.is_empty() {
                self.creating.remove(&id);
            }
        }
    }
}

/// What a request turns into.
enum Begun {
    Answer(Reply),
    Machine(Machine, Option<std::time::Duration>),
}

/// The namespace that a machine waits for, if it does.
const fn awaited(machine: &Machine) -> Option<&OurNamespace> {
    match machine {
        Machine::Create(create) => create.awaits(),
        Machine::EnsureWorkspace(ensure) => Some(ensure.namespace()),
        _ => None,
    }
}

fn shutting_down() -> Status {
    Status::unavailable("the driver is shutting down; another one will serve this socket")
}

/// Answers a call that needs no machine.
fn answer(turn: &mut Turn<'_>, rpc: Rpc, subject: Subject, arrival: Arrival, result: Result<Reply, Status>) {
    let began = turn.now().mono;
    let machine = Machine::List;
    let Subject { sandbox, name } = subject;
    let mut call = Call { rpc, began, deadline: began, sandbox, name, trace: arrival.trace, caller: Caller::Waiting, machine };
    reply(turn, arrival.call, &mut call, result);
}

/// Answers whoever waits.
fn reply(turn: &mut Turn<'_>, call: CallId, running: &mut Call, reply: Result<Reply, Status>) {
    if running.caller == Caller::Gone {
        return;
    }
    running.caller = Caller::Gone;
    let outcome = reply.as_ref().map_or_else(|status| Outcome::Status(status.code), |_| Outcome::Ok);
    turn.push(Output::Reply { call, reply });
    note_end(turn, call, running, outcome);
}

fn note_end(turn: &mut Turn<'_>, call: CallId, running: &Call, outcome: Outcome) {
    let millis = u64::try_from(turn.now().mono.since(running.began).as_millis()).unwrap_or(u64::MAX);
    let (sandbox, name, trace) = (running.sandbox.clone(), running.name.clone(), running.trace.clone());
    turn.note(Note::Called { call, rpc: running.rpc, outcome, millis, sandbox, name, trace });
}

/// Which sandbox a request is about, for the log and for calls that meet.
struct Subject {
    sandbox: Option<SandboxId>,
    name: Option<SandboxName>,
}

impl Subject {
    fn of(request: &Request) -> Self {
        let (id, name) = match request {
            Request::ValidateSandboxCreate(pb::ValidateSandboxCreateRequest { sandbox: Some(sandbox) })
            | Request::CreateSandbox(pb::CreateSandboxRequest { sandbox: Some(sandbox) }) => (&sandbox.id, &sandbox.name),
            Request::GetSandbox(request) => (&request.sandbox_id, &request.sandbox_name),
            Request::StopSandbox(request) => (&request.sandbox_id, &request.sandbox_name),
            Request::StartSandbox(request) => (&request.sandbox_id, &request.sandbox_name),
            Request::DeleteSandbox(request) => (&request.sandbox_id, &request.sandbox_name),
            Request::ValidateSandboxCreate(_)
            | Request::CreateSandbox(_)
            | Request::GetCapabilities(_)
            | Request::AuthenticateSandbox(_)
            | Request::GetGatewayListenerRequirements(_)
            | Request::ListSandboxes(_)
            | Request::WatchSandboxes(_)
            | Request::EnsureWorkspace(_)
            | Request::DeleteWorkspace(_) => return Self { sandbox: None, name: None },
        };
        Self { sandbox: SandboxId::parse(id).ok(), name: SandboxName::parse(name).ok() }
    }
}
