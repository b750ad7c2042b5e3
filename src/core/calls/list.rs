//! `ListSandboxes`: everything, from the store, or an error. Never a part: the gateway deletes what is missing.

use std::sync::Arc;

use prost::Message as _;

use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::{Status, truncate};
use crate::core::io::Reply;
use crate::core::limits;
use crate::core::observe::Freshness;

/// Begins, waits for the store to become whole, or gives up waiting.
pub fn on(cx: &mut Cx<'_, '_>, event: &Event) -> Step {
    let freshness = cx.cluster.freshness(cx.turn);
    let state = match freshness {
        Freshness::Cold(_) => "cold",
        Freshness::Fresh => "fresh",
        Freshness::Stale(..) => "stale",
    };
    cx.turn.met("list", state, event.name());
    match (event, freshness) {
        (Event::Cancelled, _) => Step::Done,
        (_, Freshness::Fresh) => {
            let reply = reply(cx);
            if reply.is_ok() {
                cx.cluster.listed(cx.turn);
            }
            Step::Reply(reply)
        }
        (Event::Deadline, Freshness::Cold(why)) => Step::Reply(Err(cold(&why))),
        (_, Freshness::Cold(_)) => Step::Wait,
        (_, Freshness::Stale(age, why)) => Step::Reply(Err(stale(age, &why))),
    }
}

/// Nothing has been listed since the driver started.
#[must_use]
pub fn cold(why: &str) -> Status {
    let why = if why.is_empty() { "the API server has not answered yet" } else { why };
    Status::unavailable(format!("sandboxes are not known yet: {why}"))
}

/// What is known is too old to act on.
#[must_use]
pub fn stale(age: std::time::Duration, why: &str) -> Status {
    let why = if why.is_empty() { "the watch is silent" } else { why };
    Status::unavailable(format!("sandboxes have not been heard of for {} s: {why}", age.as_secs()))
}

fn reply(cx: &Cx<'_, '_>) -> Result<Reply, Status> {
    let mut response = pb::ListSandboxesResponse { sandboxes: cx.cluster.all() };
    let room = limits::MESSAGE_MAX - limits::MESSAGE_RESERVE;
    let size = response.encoded_len();
    if size <= room {
        return Ok(Reply::ListSandboxes(response));
    }
    shorten(&mut response, size - room);
    if response.encoded_len() > room {
        return Err(Status::resource_exhausted(format!(
            "{} sandboxes do not fit one reply of {} bytes, which is all a gateway takes",
            response.sandboxes.len(),
            limits::MESSAGE_MAX
        )));
    }
    Ok(Reply::ListSandboxes(response))
}

/// Cuts condition messages to one length, so that all of them together lose at least `excess` bytes, but none is cut below the least useful length.
fn shorten(response: &mut pb::ListSandboxesResponse, excess: usize) {
    let messages =
        || response.sandboxes.iter().filter_map(|s| s.status.as_ref()).flat_map(|status| &status.conditions).map(|c| c.message.len());
    let lost = |length: usize| messages().map(|len| len.saturating_sub(length)).sum::<usize>();
    let mut length = limits::CONDITION_MESSAGE_MAX;
    while length > limits::CONDITION_MESSAGE_MIN && lost(length) < excess {
        length /= 2;
    }
    let length = length.max(limits::CONDITION_MESSAGE_MIN);
    let is_longer = |sandbox: &Arc<pb::DriverSandbox>| {
        sandbox.status.iter().flat_map(|status| &status.conditions).any(|condition| condition.message.len() > length)
    };
    for sandbox in response.sandboxes.iter_mut().filter(|sandbox| is_longer(sandbox)) {
        for condition in Arc::make_mut(sandbox).status.iter_mut().flat_map(|status| &mut status.conditions) {
            truncate(&mut condition.message, length);
        }
    }
}
