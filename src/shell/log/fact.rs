//! A note of the core as a line of the log.

use crate::core::grpc_status::Status;
use crate::core::io::{CallId, TraceParent};
use crate::core::names::{SandboxId, SandboxName};
use crate::core::note::{Note, Outcome, Weight};
use crate::core::observe::state::State;

/// What a line about a note has beside its message. What a note does not say is left out.
#[derive(Default)]
struct Fields<'a> {
    call: Option<u64>,
    rpc: Option<&'a str>,
    code: Option<&'a str>,
    ms: Option<u64>,
    sandbox_id: Option<&'a str>,
    sandbox_name: Option<&'a str>,
    object: Option<&'a str>,
    kind: Option<&'a str>,
    state: Option<&'a str>,
    reason: Option<&'a str>,
    count: Option<u64>,
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
}

/// Writes a note. `refusal` is what the gateway was told last, and which call it was.
pub(in crate::shell) fn tell(note: &Note, refusal: Option<&(CallId, Status)>) {
    macro_rules! line {
        ($level:ident, $($field:ident)*) => {{
            let Fields { $($field),* } = Fields::of(note, refusal);
            tracing::$level!(event = note.event(), $($field,)* "{note}");
        }};
    }
    match note.weight() {
        Weight::Detail => line!(debug, rpc code ms sandbox_id sandbox_name object kind state reason count call trace_id span_id),
        Weight::Event => line!(info, rpc code ms sandbox_id sandbox_name object kind state reason count call trace_id span_id),
        Weight::Warning => line!(warn, rpc code ms sandbox_id sandbox_name object kind state reason count call trace_id span_id),
    }
}

impl<'a> Fields<'a> {
    fn of(note: &'a Note, refusal: Option<&'a (CallId, Status)>) -> Self {
        let nothing = Self::default();
        match note {
            Note::Called { call, rpc, outcome, millis, sandbox, name, trace } => {
                let refused = refusal.filter(|(refused, _)| refused == call).map(|(_, status)| status.message.as_str());
                Self {
                    call: Some(call.0),
                    rpc: Some(rpc.name()),
                    code: Some(match outcome {
                        Outcome::Ok => "OK",
                        Outcome::Status(code) => code.name(),
                        Outcome::Cancelled => "CANCELLED",
                    }),
                    ms: Some(*millis),
                    sandbox_id: sandbox.as_ref().map(SandboxId::as_str),
                    sandbox_name: name.as_ref().map(SandboxName::as_str),
                    reason: refused.filter(|_| matches!(outcome, Outcome::Status(_))),
                    trace_id: trace.as_ref().map(TraceParent::trace_id),
                    span_id: trace.as_ref().map(TraceParent::span_id),
                    ..nothing
                }
            }
            Note::Became { sandbox, name, object, state, why, after_millis, .. } => Self {
                sandbox_id: Some(sandbox.as_str()),
                sandbox_name: Some(name.as_str()),
                object: Some(object.as_str()),
                state: Some(state.map_or("gone", State::name)),
                reason: why.as_deref(),
                ms: *after_millis,
                ..nothing
            },
            Note::Unclaimed { sandbox, name, object, sweeps } => Self {
                sandbox_id: Some(sandbox.as_str()),
                sandbox_name: Some(name.as_str()),
                object: Some(object.as_str()),
                count: Some(u64::from(*sweeps)),
                ..nothing
            },
            Note::Claimed { sandbox } => Self { sandbox_id: Some(sandbox.as_str()), ..nothing },
            Note::SharedSandboxId { sandbox, chosen } => {
                Self { sandbox_id: Some(sandbox.as_str()), object: Some(chosen.as_str()), ..nothing }
            }
            Note::Listing { kind, because } | Note::Watching { kind, because } => {
                Self { kind: Some(kind.plural()), reason: Some(because.name()), ..nothing }
            }
            Note::NotObserving { kind, reason, retry_millis } => {
                Self { kind: Some(kind.plural()), reason: Some(reason), ms: Some(*retry_millis), ..nothing }
            }
            Note::Relisting { kind, reason } | Note::BadLine { kind, reason } => {
                Self { kind: Some(kind.plural()), reason: Some(reason), ..nothing }
            }
            Note::WatchSilent { kind, .. } => Self { kind: Some(kind.plural()), ..nothing },
            Note::NoSandboxId { object } | Note::Relabelled { object } | Note::Adopted { object } | Note::Undone { object } => {
                Self { object: Some(object.as_str()), ..nothing }
            }
            Note::Overdue { object, reason, .. } => Self { object: Some(object.as_str()), reason: Some(reason), ..nothing },
            Note::GivenUp { object, .. } | Note::Released { object } => Self { object: Some(object.as_str()), ..nothing },
            Note::Stray { object, reason } => Self { object: Some(object.as_str()), reason: Some(reason), ..nothing },
            Note::Synced { objects } => Self { count: u64::try_from(*objects).ok(), ..nothing },
            Note::ReaderWaitedFor { call, events, millis } => {
                Self { call: Some(call.0), count: Some(*events), ms: Some(*millis), ..nothing }
            }
            Note::ReaderTooSlow { call } | Note::UnknownCall { call } => Self { call: Some(call.0), ..nothing },
            // Their message says it all.
            _ => nothing,
        }
    }
}
