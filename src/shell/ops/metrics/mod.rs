//! Metrics: notes of the core and the shell's own doings, folded into a bounded set of series.
//!
//! [`table`] names every metric once. [`series`] holds the numbers, [`exposition`] writes them, [`reference`] writes the document about them.

pub(in crate::shell) mod exposition;
pub mod reference;
mod series;
pub mod table;

use std::borrow::Cow;
use std::time::Duration;

use self::exposition::Format;
use self::series::{NONE, Series};
use self::table::Metric;
use super::process::{Usage, wall};
use super::request::Asked;
use crate::contract::messages::compute::WatchSandboxesEvent;
use crate::contract::messages::compute::watch_sandboxes_event::Payload;
use crate::core::io::{Fault, Response, Rpc, WatchEnd};
use crate::core::kube::kind::Kind;
use crate::core::note::{Note, Outcome};
use crate::core::observe::state::State;
use crate::core::survey::Survey;
use crate::shell::api::{Dials, TokenFacts};
use crate::shell::log;

/// The version and, where the build names it, the commit.
const BUILD: [&str; 2] = [
    env!("CARGO_PKG_VERSION"),
    match option_env!("OPENSHELL_DRIVER_REVISION") {
        Some(revision) => revision,
        None => "unknown",
    },
];

/// Every number there is about this process.
#[derive(Debug)]
pub(in crate::shell) struct Metrics(Series);

/// What is looked up when somebody asks, because nobody tells of it.
#[derive(Debug)]
pub(in crate::shell) struct Levels {
    /// Whether `/readyz` says ok.
    pub(in crate::shell) is_ready: bool,
    /// Exchanges under way.
    pub(in crate::shell) exchanges: usize,
    /// Watches open.
    pub(in crate::shell) watches: usize,
    /// Inputs that wait for the loop.
    pub(in crate::shell) inputs: usize,
    /// The token in use.
    pub(in crate::shell) token: TokenFacts,
    /// Connections dialled, by lane.
    pub(in crate::shell) dials: [(&'static str, Dials); 3],
}

/// How a request to the API server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum End {
    /// With this status.
    Status(u16),
    /// Without one; the name says why.
    None(&'static str),
}

impl End {
    /// Of an exchange.
    pub(in crate::shell) fn of_exchange(result: &Result<Response, Fault>) -> Self {
        result.as_ref().map_or_else(Self::of_fault, |response| Self::Status(response.status))
    }

    /// Of a watch.
    pub(in crate::shell) fn of_watch(end: &WatchEnd) -> Self {
        match end {
            WatchEnd::Clean => Self::Status(200),
            WatchEnd::Refused(response) => Self::Status(response.status),
            WatchEnd::Broken(fault) => Self::of_fault(fault),
        }
    }

    /// Of what the core did not want any more.
    pub(in crate::shell) const ABORTED: Self = Self::None("aborted");

    const fn of_fault(fault: &Fault) -> Self {
        Self::None(match fault {
            Fault::NotSent(_) => "not_sent",
            Fault::Unknown(_) => "unknown",
            Fault::Deadline => "deadline",
            Fault::TooLarge => "too_large",
        })
    }

    fn label(self) -> Cow<'static, str> {
        match self {
            // The usual ones without a text of their own.
            Self::Status(200) => "200".into(),
            Self::Status(201) => "201".into(),
            Self::Status(status) => status.to_string().into(),
            Self::None(why) => why.into(),
        }
    }
}

impl Metrics {
    /// Those that are there from the start: what has not happened yet stands at 0, so that its first time is a change.
    pub(in crate::shell) fn new() -> Self {
        let mut series = Series::default();
        series.set(Metric::Build, BUILD, 1.0);
        for rpc in Rpc::ALL {
            series.add(Metric::Rpcs, [rpc.name(), "OK"], 0.0);
        }
        for kind in [Kind::Sandboxes, Kind::Pods, Kind::Events] {
            series.add(Metric::InformerFailures, [kind.plural()], 0.0);
            series.set(Metric::InformerSynced, [kind.plural()], 0.0);
        }
        for event in ["snapshot", "deleted", "platform_event"] {
            series.add(Metric::WatchEvents, [event], 0.0);
        }
        for event in Note::EVENTS.iter().filter(|event| !["met", "surveyed"].contains(event)) {
            series.add(Metric::Notes, [*event], 0.0);
        }
        for metric in [Metric::WatchLag, Metric::TransitionLag, Metric::InputWait] {
            series.observe(metric, NONE, 0.0, 0);
        }
        Self(series)
    }

    /// Takes a fact of the core's.
    pub(in crate::shell) fn note(&mut self, note: &Note) {
        let series = &mut self.0;
        match note {
            // Told by the thousand, and for tests.
            Note::Met { .. } => return,
            Note::Surveyed(survey) => return self.survey(survey),
            Note::Called { rpc, outcome, millis, .. } => {
                let code = code(*outcome);
                series.add(Metric::Rpcs, [rpc.name(), code], 1.0);
                if *rpc != Rpc::WatchSandboxes {
                    series.observe(Metric::RpcDuration, [rpc.name(), code], seconds(*millis), 1);
                }
            }
            Note::Became { was, state, after_millis, .. } => {
                let to = state.map_or("gone", State::name);
                series.add(Metric::Transitions, [was.name(), to], 1.0);
                if let Some(millis) = after_millis {
                    series.observe(Metric::TransitionLag, NONE, seconds(*millis), 1);
                }
            }
            Note::Listing { kind, because } => series.add(Metric::InformerLists, [kind.plural(), because.name()], 1.0),
            Note::Watching { kind, because } => {
                series.add(Metric::InformerWatches, [kind.plural(), because.name()], 1.0);
                series.set(Metric::InformerSynced, [kind.plural()], 1.0);
            }
            Note::NotObserving { kind, .. } => series.add(Metric::InformerFailures, [kind.plural()], 1.0),
            Note::ReaderWaitedFor { events, millis, .. } => series.observe(Metric::WatchLag, NONE, seconds(*millis), *events),
            _ => {}
        }
        series.add(Metric::Notes, [note.event()], 1.0);
    }

    /// An event was given to a stream. `after` is how long ago its cause was read, where that was something the API server said.
    pub(in crate::shell) fn event(&mut self, event: &WatchSandboxesEvent, after: Option<Duration>) {
        let kind = match &event.payload {
            Some(Payload::Sandbox(_)) => "snapshot",
            Some(Payload::Deleted(_)) => "deleted",
            Some(Payload::PlatformEvent(_)) => "platform_event",
            None => return,
        };
        self.0.add(Metric::WatchEvents, [kind], 1.0);
        if let Some(after) = after {
            self.0.observe(Metric::WatchLag, NONE, after.as_secs_f64(), 1);
        }
    }

    /// The loop took an input that had waited so long.
    pub(in crate::shell) fn taken(&mut self, after: Duration) {
        self.0.observe(Metric::InputWait, NONE, after.as_secs_f64(), 1);
    }

    /// A request to the API server ended after so long.
    pub(in crate::shell) fn answered(&mut self, asked: &Asked, end: End, after: Duration) {
        let (verb, resource) = (Cow::Borrowed(asked.verb.name()), asked.resource.clone());
        self.0.add(Metric::ApiRequests, [verb.clone(), resource.clone(), end.label()], 1.0);
        if let End::Status(_) = end
            && asked.is_exchange()
        {
            self.0.observe(Metric::ApiRequestDuration, [verb, resource], after.as_secs_f64(), 1);
        }
    }

    /// A request on the health port was answered.
    pub(in crate::shell) fn health(&mut self, path: &'static str, status: u16) {
        self.0.add(Metric::HealthRequests, [path.into(), End::Status(status).label()], 1.0);
    }

    /// Looks everything up and writes it down.
    pub(in crate::shell) fn write(&mut self, levels: &Levels, format: Format) -> String {
        let series = &mut self.0;
        series.set(Metric::Ready, NONE, if levels.is_ready { 1.0 } else { 0.0 });
        series.set(Metric::ApiRequestsInFlight, NONE, number(levels.exchanges));
        series.set(Metric::ApiWatchesOpen, NONE, number(levels.watches));
        series.set(Metric::Queue, ["inputs"], number(levels.inputs));
        for (lane, dials) in levels.dials {
            series.set(Metric::ApiDials, [lane, "ok"], count(dials.opened));
            series.set(Metric::ApiDials, [lane, "failed"], count(dials.failed));
        }
        let TokenFacts { written, expires, read_errors } = levels.token;
        let known = [(Metric::TokenAge, written.map(|written| (wall() - written).max(0.0))), (Metric::TokenExpiry, expires)];
        let usage = Usage::now();
        let usage = [
            (Metric::ProcessCpu, usage.cpu),
            (Metric::ProcessResident, usage.resident),
            (Metric::ProcessVirtual, usage.addresses),
            (Metric::ProcessOpenFds, usage.open_fds),
            (Metric::ProcessMaxFds, usage.max_fds),
            (Metric::ProcessStart, usage.started),
        ];
        for (metric, value) in known.into_iter().chain(usage) {
            match value {
                Some(value) => series.set(metric, NONE, value),
                None => series.clear(metric),
            }
        }
        series.set(Metric::TokenReadErrors, NONE, count(read_errors));
        series.set(Metric::LogErrors, NONE, count(log::write_errors()));
        exposition::write(series, format)
    }

    fn survey(&mut self, survey: &Survey) {
        let series = &mut self.0;
        for state in State::ALL {
            series.set(Metric::Sandboxes, [state.name()], number(survey.sandboxes.get(&state).copied().unwrap_or_default()));
        }
        series.set(Metric::Strays, NONE, number(survey.unclaimed));
        for (kind, objects) in &survey.objects {
            series.set(Metric::StoreObjects, [kind.plural()], number(*objects));
        }
        for (kind, millis) in &survey.heard_millis {
            series.set(Metric::InformerAge, [kind.plural()], seconds(*millis));
        }
        for rpc in Rpc::ALL {
            series.set(Metric::RpcsInFlight, [rpc.name()], number(survey.calls.get(rpc).copied().unwrap_or_default()));
        }
        series.set(Metric::Tombstones, NONE, number(survey.tombstones));
        series.set(Metric::Queue, ["stream_events"], number(survey.events_waiting));
        series.set(Metric::Queue, ["lookups"], number(survey.lookups_waiting));
        series.set(Metric::Queue, ["kube_events"], number(survey.happenings_waiting));
        series.set(Metric::WatchSuppressed, ["unchanged"], count(survey.unchanged));
        series.set(Metric::WatchSuppressed, ["coalesced"], count(survey.coalesced));
    }
}

/// A call's code as gRPC writes it.
const fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "OK",
        Outcome::Status(code) => code.name(),
        Outcome::Cancelled => "CANCELLED",
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 of anything are more than there will be")]
const fn count(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "2^53 of anything are more than there will be")]
const fn number(number: usize) -> f64 {
    number as f64
}

fn seconds(millis: u64) -> f64 {
    count(millis) / 1_000.0
}

#[cfg(test)]
mod tests;
