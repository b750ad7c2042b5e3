//! Calls in flight: each ends once, by a reply or because its caller left.

use std::collections::BTreeMap;

use tokio::sync::mpsc::error::TrySendError;

use crate::contract::messages::compute::WatchSandboxesEvent;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, Input, Reply};
use crate::shell::arrival::Caller;
use crate::shell::limits;

/// Who waits for what.
#[derive(Default)]
pub(super) struct Calls(BTreeMap<CallId, Caller>);

impl Calls {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A call was told to the core. A stream begins with credit.
    pub(super) fn begin(&mut self, call: CallId, caller: Caller) -> Option<Input> {
        let credit = match caller {
            Caller::Waits(_) => None,
            Caller::Reads(_) => Some(Input::Credit { call, events: limits::STREAM_CREDIT }),
        };
        self.0.insert(call, caller);
        credit
    }

    /// The core answers. An error in passing it on means that the caller left just now: its leaving is on its way and finds the call ended.
    pub(super) fn reply(&mut self, call: CallId, reply: Result<Reply, Status>) {
        match self.0.remove(&call) {
            None => tracing::debug!(event = "unknown_call", call = call.0, "a reply to a call that has ended"),
            Some(Caller::Waits(caller)) => drop(caller.send(reply)),
            Some(Caller::Reads(reader)) => {
                if let Err(status) = reply {
                    drop(reader.try_send(Err(status)));
                }
            }
        }
    }

    /// The core has an event for a stream. Beyond its credit the stream is ended, since there is no place to keep more.
    pub(super) fn event(&mut self, call: CallId, event: WatchSandboxesEvent) -> Option<Input> {
        let Some(Caller::Reads(reader)) = self.0.get(&call) else {
            tracing::debug!(event = "unknown_call", call = call.0, "an event for a stream that has ended");
            return None;
        };
        let sent = if reader.capacity() > 1 { reader.try_send(Ok(event)) } else { Err(TrySendError::Full(Ok(event))) };
        match sent {
            // The stream's leaving is on its way.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
            Err(TrySendError::Full(_)) => {
                tracing::error!(event = "stream_overrun", call = call.0, "more events than the stream has credit for; it is ended");
                drop(reader.try_send(Err(Status::aborted("the driver lost count of this stream's events; open it again"))));
                self.0.remove(&call);
                Some(Input::Cancel { call })
            }
        }
    }

    /// A caller left.
    pub(super) fn left(&mut self, call: CallId) -> Option<Input> {
        self.0.remove(&call).map(|_| Input::Cancel { call })
    }

    /// A reader took events.
    pub(super) fn credit(&self, call: CallId, events: u32) -> Option<Input> {
        self.0.contains_key(&call).then_some(Input::Credit { call, events })
    }

    /// Tells everybody that there will be no answer.
    pub(super) fn end(&mut self) {
        while let Some((_, caller)) = self.0.pop_first() {
            let status = Status::unavailable("the driver stopped before it could answer; try again when it is back");
            match caller {
                Caller::Waits(caller) => drop(caller.send(Err(status))),
                Caller::Reads(reader) => drop(reader.try_send(Err(status))),
            }
        }
    }
}
