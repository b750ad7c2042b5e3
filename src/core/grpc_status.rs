//! Answers that are not a reply: a gRPC code and a sentence for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits;

/// The gRPC codes this driver answers with. What the gateway does with each is in gateway-observed.md §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The request itself is wrong.
    InvalidArgument,
    /// Our own bound, or the caller's, passed.
    DeadlineExceeded,
    /// Proven absent.
    NotFound,
    /// The name or id is taken.
    AlreadyExists,
    /// The API server does not let us.
    PermissionDenied,
    /// A bound of ours is reached.
    ResourceExhausted,
    /// A person must act first.
    FailedPrecondition,
    /// Ended by us; the caller starts over.
    Aborted,
    /// Not part of this driver.
    Unimplemented,
    /// The cluster holds something we cannot make sense of.
    Internal,
    /// Try again later.
    Unavailable,
}

impl Code {
    /// Its name as gRPC writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

/// A refusal or failure of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Tells the gateway what to do.
    pub code: Code,
    /// Tells a person what failed, on which object, why, and what to do next.
    pub message: String,
}

impl Status {
    /// A status whose message is cut to what fits a header.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        truncate(&mut message, limits::STATUS_MESSAGE_MAX);
        Self { code, message }
    }
}

macro_rules! shorthand {
    ($($name:ident $code:ident),* $(,)?) => {
        impl Status { $(
            #[doc = concat!("A `", stringify!($code), "` status.")]
            #[must_use]
            pub fn $name(message: impl Into<String>) -> Self { Self::new(Code::$code, message) }
        )* }
    };
}

shorthand! {
    invalid_argument InvalidArgument,
    deadline_exceeded DeadlineExceeded,
    not_found NotFound,
    already_exists AlreadyExists,
    permission_denied PermissionDenied,
    resource_exhausted ResourceExhausted,
    failed_precondition FailedPrecondition,
    aborted Aborted,
    unimplemented Unimplemented,
    internal Internal,
    unavailable Unavailable,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

/// Cuts `text` to at most `max` bytes on a character boundary, the last of them saying that it was cut.
pub fn truncate(text: &mut String, max: usize) {
    const MARK: &str = "…";
    if text.len() <= max {
        return;
    }
    let mut end = max.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(MARK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_says_so_and_stays_text() {
        let mut text = "é".repeat(20);
        truncate(&mut text, 10);
        assert_eq!(text, "ééé…");
        let mut short = String::from("short");
        truncate(&mut short, 10);
        assert_eq!(short, "short");
    }
}
