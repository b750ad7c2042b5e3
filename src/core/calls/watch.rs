//! `WatchSandboxes`: opens when the store is whole, and then lives in [`crate::core::observe::streams`] until its reader goes.

use super::{Cx, Event, Step};
use crate::core::observe::Freshness;

/// Begins, or goes on when the store has become whole.
pub fn on(cx: &mut Cx<'_, '_>, event: &Event) -> Step {
    let state = if is_open(cx) { "open" } else { "waiting" };
    cx.turn.met("watch", state, event.name());
    match event {
        Event::Cancelled => Step::Done,
        Event::Begin | Event::Roused if is_open(cx) => {
            cx.cluster.subscribe(cx.call);
            Step::Wait
        }
        // Its own caller set a deadline, which is the stream's good end.
        Event::Deadline => Step::Reply(Ok(crate::core::io::Reply::WatchSandboxes)),
        Event::Begin | Event::Roused | Event::Answer(_) | Event::Retry => Step::Wait,
    }
}

/// Whether a stream can begin with the full set. One that is known to be old will do: the changes follow.
#[must_use]
pub fn is_open(cx: &Cx<'_, '_>) -> bool {
    !matches!(cx.cluster.freshness(cx.turn), Freshness::Cold(_))
}
