//! What is known of an exchange that gave no answer.
//!
//! The ambiguous create rests on the difference between `NotSent` and `Unknown`, so `NotSent` is said only where it is certain:
//!
//! * connecting failed, or the deadline passed before a connection was there: nothing was written;
//! * hyper gave the request back: it had not left the queue before the connection closed;
//! * the server reset the stream with `REFUSED_STREAM`, which says that it was not looked at;
//! * the server sent GOAWAY with a last stream below ours. h2 ends only those streams with an error that came in a GOAWAY; streams the
//!   server has taken go on, and fail with an I/O error if the connection is then cut.
//!
//! hyper passes h2's errors on without their type, so the last two are recognised by the words h2 has for them. Tests against a real h2 server
//! hold those words; if they ever change unnoticed, the answer becomes `Unknown`, which is slower but never wrong.

use std::error::Error;
use std::fmt::Write as _;

use hyper::client::conn::TrySendError;

use crate::core::grpc_status::truncate;
use crate::core::io::Fault;
use crate::shell::limits;

/// How h2 words a reset by the server that says the stream was not looked at.
const REFUSED: &str = "stream error received: refused stream before processing any application logic";
/// How h2 words the end of a stream by the server's GOAWAY.
const GONE_AWAY: &str = "connection error received: ";

/// What a request met that got no answer.
pub(super) fn of_request<B>(error: &TrySendError<B>) -> Fault {
    let text = describe(error.error());
    if error.message().is_some() || was_not_looked_at(error.error()) {
        Fault::NotSent(format!("the connection to the API server closed before the request was taken: {text}"))
    } else {
        Fault::Unknown(format!("the connection to the API server broke before it answered: {text}"))
    }
}

/// What a body met that was cut: the request was answered, so it was done, but its result is not known.
pub(super) fn of_body(error: &hyper::Error) -> Fault {
    Fault::Unknown(format!("the API server's answer was cut: {}", describe(error)))
}

fn was_not_looked_at(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if text == REFUSED || text.starts_with(GONE_AWAY) {
            return true;
        }
        source = error.source();
    }
    false
}

/// An error with its causes, within a bound: a GOAWAY may carry kilobytes.
pub(super) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    truncate(&mut text, limits::FAULT_TEXT);
    text
}
