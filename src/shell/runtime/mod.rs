//! The loop: one input with the time, then every output in order, then the next input.
//!
//! Nothing in it waits. Exchanges and watches are tasks of their own and come back as arrivals; a caller gets its reply through a channel that has
//! room for it; what the loop must tell the core itself (a stream's first credit) stands in a queue that is emptied first.

mod calls;
mod ending;
mod records;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep_until, timeout};

use self::calls::Calls;
pub(super) use self::ending::Ending;
use self::records::Records;
use super::api::{Api, ApiServer};
use super::arrival::{self, Arrival, Call, Door, Inbox, LineSink, Returned};
use super::clock::Clock;
use super::grpc::server::{self, Phase};
use super::grpc::service::Service;
use super::limits;
use super::listing::Listing;
use super::ops::metrics::{End, Levels};
use super::ops::readiness::Socket;
use super::ops::request::Asked;
use super::ops::server::{self as health, Question};
use super::recorder::FlightRecorder;
use super::socket::Place;
use crate::core::io::{Aborted, ExchangeId, ExitCode, Fault, HttpRequest, Input, Lane, Output, Outputs, WatchId};
use crate::core::note::Note;
use crate::core::time::{Mono, Now};

/// What is driven: the core, or a stand-in for it in tests.
pub(super) trait Core {
    /// Takes an input and pushes what must be done.
    fn handle(&mut self, now: Now, input: Input, out: &mut Outputs);

    /// What records it, if anything does.
    fn recorder(&self) -> Option<&FlightRecorder>;
}

/// How long the loop waits for what may not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    /// For the first sync, before the socket is bound all the same.
    pub(super) bind_after: Duration,
    /// For the core to be done after it was told to stop.
    pub(super) stop_within: Duration,
    /// For connections to carry the last statuses.
    pub(super) last_words: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            bind_after: limits::BIND_AFTER,
            stop_within: limits::STOP_WITHIN.saturating_sub(limits::LAST_WORDS),
            last_words: limits::LAST_WORDS,
        }
    }
}

/// The signal that asks for the flight recording.
const WRITE_RECORDING: &str = "SIGUSR1";

/// The names of the signals that ask for something, as they come. From now on they no longer end the process by themselves.
pub(super) fn signals() -> io::Result<mpsc::Receiver<&'static str>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut usr1 = signal(SignalKind::user_defined1())?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                Some(()) = term.recv() => "SIGTERM",
                Some(()) = int.recv() => "SIGINT",
                Some(()) = usr1.recv() => WRITE_RECORDING,
                else => return,
            };
            if sender.send(name).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Runs `core` between the gateway at `place` and the API server until it is told to stop, and answers on the health port if there is one.
pub(super) async fn run(
    core: impl Core,
    place: &Place,
    health: Option<health::Listener>,
    api: ApiServer,
    listing: Option<Listing>,
    mut signals: mpsc::Receiver<&'static str>,
    waits: Waits,
) -> Ending {
    let (door, mut inbox) = arrival::channel();
    let mut own = VecDeque::from([Input::Wake]);
    own.extend(listing.as_ref().map(|listing| Input::Namespaces { names: listing.names() }));
    let listing = listing.map(|listing| tokio::spawn(listing.follow(door.arrivals.clone())));
    let health = health.map(|listener| tokio::spawn(health::serve(listener, door.arrivals.clone())));
    let mut house = Loop {
        core,
        clock: Clock::start(),
        door,
        api: Arc::new(Api::new(api)),
        gateway: Gateway::Expected { place, bind_by: Instant::now() + waits.bind_after },
        calls: Calls::default(),
        exchanges: BTreeMap::new(),
        watches: BTreeMap::new(),
        wake: None,
        own,
        stage: Stage::Running,
        waits,
        records: Records::new(),
    };
    let ending = house.run(&mut inbox, &mut signals).await;
    let recorder = house.core.recorder().cloned();
    house.leave(inbox).await;
    for task in health.into_iter().chain(listing) {
        task.abort();
    }
    if let Some(recorder) = recorder {
        recorder.end();
    }
    ending
}

/// How far the process has come.
enum Stage {
    Running,
    /// Told to stop; leaves at that time at the latest.
    Stopping(Instant),
    Ended(Ending),
}

/// The gateway's side.
enum Gateway<'place> {
    /// Nobody can connect yet.
    Expected { place: &'place Place, bind_by: Instant },
    /// Connections are served by a task.
    Served { phase: watch::Sender<Phase>, task: JoinHandle<()> },
    /// There will be none any more.
    Closed,
}

struct Loop<'place, C> {
    core: C,
    clock: Clock,
    door: Door,
    api: Arc<Api>,
    gateway: Gateway<'place>,
    calls: Calls,
    exchanges: BTreeMap<ExchangeId, Sent>,
    watches: BTreeMap<WatchId, Sent>,
    wake: Option<Mono>,
    /// What the loop itself must tell the core, before anything else.
    own: VecDeque<Input>,
    stage: Stage,
    waits: Waits,
    records: Records,
}

/// A request to the API server that has not ended.
struct Sent {
    task: AbortHandle,
    asked: Asked,
    at: Instant,
}

impl<C: Core> Loop<'_, C> {
    async fn run(&mut self, inbox: &mut Inbox, signals: &mut mpsc::Receiver<&'static str>) -> Ending {
        loop {
            let leave_at = match &mut self.stage {
                Stage::Ended(ending) => return std::mem::replace(ending, Ending::Stopped),
                Stage::Running => None,
                Stage::Stopping(at) => Some(*at),
            };
            if let Some(input) = self.own.pop_front() {
                self.turn(input);
                continue;
            }
            let bind_by = match &self.gateway {
                Gateway::Expected { bind_by, .. } => Some(*bind_by),
                Gateway::Served { .. } | Gateway::Closed => None,
            };
            let wake = self.wake.map(|wish| self.clock.instant(wish));
            tokio::select! {
                Some(signal) = signals.recv() => self.signalled(signal),
                Some(returned) = inbox.returned.recv() => self.returned(returned),
                Some(arrival) = inbox.arrivals.recv() => self.arrived(arrival),
                () = until(wake) => {
                    self.wake = None;
                    self.own.push_back(Input::Wake);
                }
                () = until(bind_by) => self.bind(),
                () = until(leave_at) => {
                    tracing::warn!(event = "leaving", calls = self.calls.len(), exchanges = self.exchanges.len(), "the stop took too long; leaving what is in flight");
                    self.stage = Stage::Ended(Ending::Stopped);
                }
            }
        }
    }

    /// One input, and all it causes.
    fn turn(&mut self, input: Input) {
        let mut out = Outputs::new();
        self.core.handle(self.clock.now(), input, &mut out);
        for output in out {
            self.carry_out(output);
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            // Who left while the call waited here has never been there.
            Arrival::Call(call) if call.caller.is_gone() => {}
            Arrival::Call(call) => {
                let Call { id: call, request, deadline, trace, caller, at } = *call;
                self.records.metrics.taken(at.elapsed());
                self.own.push_back(Input::Call { call, request, deadline, trace, digest: None });
                self.own.extend(self.calls.begin(call, caller));
            }
            Arrival::Answer { exchange, result, at } => {
                if let Some(sent) = self.exchanges.remove(&exchange) {
                    self.records.metrics.answered(&sent.asked, End::of_exchange(&result), at.duration_since(sent.at));
                    self.heard(Input::Answer { exchange, result }, at);
                }
            }
            Arrival::Line { watch, line, at, room } => {
                if self.watches.contains_key(&watch) {
                    self.heard(Input::Line { watch, line }, at);
                }
                drop(room);
            }
            Arrival::Closed { watch, end } => {
                if let Some(sent) = self.watches.remove(&watch) {
                    self.records.metrics.answered(&sent.asked, End::of_watch(&end), sent.at.elapsed());
                    self.own.push_back(Input::Closed { watch, end });
                }
            }
            Arrival::Namespaces(names) => self.own.push_back(Input::Namespaces { names }),
            Arrival::Asked(question) => self.asked(question),
        }
    }

    /// News of the API server's, read at that time.
    fn heard(&mut self, input: Input, at: Instant) {
        self.records.metrics.taken(at.elapsed());
        self.records.cause = Some(at);
        self.turn(input);
        self.records.cause = None;
    }

    /// Somebody asks on the health port. Who has gone meanwhile is not answered.
    fn asked(&mut self, question: Question) {
        match question {
            Question::Alive(answer) => drop(answer.send(())),
            Question::Ready(detail, answer) => drop(answer.send(self.records.readiness.report(detail))),
            Question::Metrics(format, answer) => {
                self.turn(Input::Survey);
                let levels = Levels {
                    is_ready: self.records.readiness.is_ready(),
                    exchanges: self.exchanges.len(),
                    watches: self.watches.len(),
                    inputs: self.door.waiting(),
                    token: self.api.token(),
                    dials: self.api.dials(),
                };
                drop(answer.send(self.records.metrics.write(&levels, format)));
            }
            Question::Answered { path, status } => self.records.metrics.health(path, status),
        }
    }

    fn returned(&mut self, returned: Returned) {
        let input = match returned {
            Returned::Left(call) => self.calls.left(call),
            Returned::Credit(call, events) => self.calls.credit(call, events),
        };
        self.own.extend(input);
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Exchange { exchange, lane, request, deadline } => self.exchange(exchange, lane, request, deadline),
            Output::Watch { watch, request } => self.watch(watch, request),
            Output::Abort(aborted) => {
                let task = match aborted {
                    Aborted::Exchange(exchange) => self.exchanges.remove(&exchange),
                    Aborted::Watch(watch) => self.watches.remove(&watch),
                };
                if let Some(Sent { task, asked, at }) = task {
                    self.records.metrics.answered(&asked, End::ABORTED, at.elapsed());
                    task.abort();
                }
            }
            Output::Reply { call, reply } => {
                self.records.reply(call, &reply);
                self.calls.reply(call, reply);
            }
            Output::Event { call, event } => {
                self.records.event(&event);
                self.own.extend(self.calls.event(call, event));
            }
            Output::WakeAt(wish) => self.wake = Some(wish),
            Output::Note(note) => {
                self.records.note(&note);
                let may_be_last = matches!(note, Note::Synced { .. } | Note::Admits { .. } | Note::AdmissionUnknown { .. });
                if may_be_last && self.records.readiness.lets_in() {
                    self.bind();
                }
            }
            Output::Drained => {
                if matches!(self.stage, Stage::Stopping(_)) {
                    self.stage = Stage::Ended(Ending::Stopped);
                }
            }
            Output::Exit { code: ExitCode::Unfit, text } => self.stage = Stage::Ended(Ending::Unfit(text)),
        }
    }

    fn exchange(&mut self, exchange: ExchangeId, lane: Lane, request: HttpRequest, deadline: Mono) {
        if self.exchanges.len() >= limits::EXCHANGES {
            let fault = Fault::NotSent("too many exchanges with the API server are under way".into());
            self.own.push_back(Input::Answer { exchange, result: Err(fault) });
            return;
        }
        let (api, arrivals) = (Arc::clone(&self.api), self.door.arrivals.clone());
        let deadline = self.clock.instant(deadline);
        let (asked, at) = (Asked::of(&request), Instant::now());
        let task = tokio::spawn(async move {
            let result = api.exchange(lane, request, deadline).await;
            // An error means that the loop has ended.
            let _ = arrivals.send(Arrival::Answer { exchange, result, at: Instant::now() }).await;
        });
        self.exchanges.insert(exchange, Sent { task: task.abort_handle(), asked, at });
    }

    fn watch(&mut self, watch: WatchId, request: HttpRequest) {
        let (api, arrivals) = (Arc::clone(&self.api), self.door.arrivals.clone());
        let sink = LineSink::new(watch, &self.door);
        let (asked, at) = (Asked::watch(&request), Instant::now());
        let task = tokio::spawn(async move {
            let end = api.watch(request, &sink).await;
            // An error means that the loop has ended.
            let _ = arrivals.send(Arrival::Closed { watch, end }).await;
        });
        self.watches.insert(watch, Sent { task: task.abort_handle(), asked, at });
    }

    /// Lets the gateway in, if it is not in yet.
    fn bind(&mut self) {
        let Gateway::Expected { place, .. } = &self.gateway else {
            return;
        };
        match place.bind() {
            Ok(listener) => {
                tracing::info!(event = "ready", socket = %place.path().display(), "driver ready");
                self.records.readiness.socket(Socket::Bound);
                let (phase, watched) = watch::channel(Phase::Serving);
                let service = Service::new(self.door.clone(), self.clock);
                let task = tokio::spawn(server::serve(listener, service, watched));
                self.gateway = Gateway::Served { phase, task };
            }
            Err(error) => self.stage = Stage::Ended(Ending::Failed(error.to_string())),
        }
    }

    fn signalled(&mut self, signal: &'static str) {
        match signal {
            WRITE_RECORDING => self.write_recording(),
            signal => self.stop(signal),
        }
    }

    /// Somebody asks for the flight recording.
    fn write_recording(&self) {
        let Some(recorder) = self.core.recorder() else {
            tracing::warn!(event = "recording_off", "nothing is recorded: say where with --recording-dir, and start again");
            return;
        };
        recorder.write_soon(WRITE_RECORDING);
    }

    /// The first signal asks for an orderly stop, the next one does not wait for it.
    fn stop(&mut self, signal: &'static str) {
        match self.stage {
            Stage::Running => {
                tracing::info!(event = "stopping", signal, "stopping");
                self.records.readiness.socket(Socket::Closed);
                self.stage = Stage::Stopping(Instant::now() + self.waits.stop_within);
                match &self.gateway {
                    // An error means that the task has ended, and the socket with it.
                    Gateway::Served { phase, .. } => drop(phase.send(Phase::Stopping)),
                    Gateway::Expected { .. } | Gateway::Closed => self.gateway = Gateway::Closed,
                }
                self.own.push_back(Input::Stop);
            }
            Stage::Stopping(_) => {
                tracing::warn!(event = "leaving", signal, "leaving at once");
                self.stage = Stage::Ended(Ending::Stopped);
            }
            Stage::Ended(_) => {}
        }
    }

    /// Ends what is still in flight, and lets connections carry what was said last.
    async fn leave(mut self, mut inbox: Inbox) {
        inbox.arrivals.close();
        while let Ok(arrival) = inbox.arrivals.try_recv() {
            if let Arrival::Call(call) = arrival {
                // The core will not be told, and so not of its credit either.
                let _ = self.calls.begin(call.id, call.caller);
            }
        }
        self.calls.end();
        for sent in self.exchanges.values().chain(self.watches.values()) {
            sent.task.abort();
        }
        if let Gateway::Served { phase, mut task } = self.gateway {
            // An error means that the task has ended.
            let _ = phase.send(Phase::Stopping);
            if timeout(self.waits.last_words, &mut task).await.is_err() {
                tracing::debug!(event = "last_words_unread", "a client does not read; its connection is cut");
                task.abort();
                // Until it is gone, and the socket's file with it.
                let _ = task.await;
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
