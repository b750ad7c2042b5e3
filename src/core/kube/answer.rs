//! What an answer of the API server means, sorted by what a caller can do about it.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::core::grpc_status::truncate;
use crate::core::io::{Fault, Response};
use crate::core::limits;
use crate::core::secret::Body;

/// Longest message of the API server that is carried on.
const MESSAGE_MAX: usize = 900;

/// An error of the API server, typed (`metav1.Status`) or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, or the one named in the object.
    pub status: u16,
    /// Kubernetes' reason; empty where the body was no `Status`.
    pub reason: String,
    /// What the server said.
    pub message: String,
    /// `details.kind`: which resource the error is about.
    pub about: String,
    /// Reasons of `details.causes`.
    pub causes: Vec<String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusObject {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    kind: String,
    causes: Vec<Cause>,
    retry_after_seconds: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    reason: String,
}

impl ApiError {
    fn from_response(response: &Response) -> Self {
        let mut error = match serde_json::from_slice::<StatusObject>(&response.body.0) {
            Ok(object) if object.kind == "Status" => Self::from_object(object),
            _ => Self::untyped(response.status, &response.body),
        };
        error.status = response.status;
        error.retry_after = response.retry_after.or(error.retry_after).map(|wait| wait.min(limits::RETRY_AFTER_MAX));
        error
    }

    /// Reads the `Status` object of an `ERROR` line of a watch.
    #[must_use]
    pub fn from_status_object(json: &[u8]) -> Self {
        match serde_json::from_slice::<StatusObject>(json) {
            Ok(object) => Self::from_object(object),
            Err(_) => Self::untyped(0, &Body::EMPTY),
        }
    }

    fn from_object(object: StatusObject) -> Self {
        let details = object.details.unwrap_or_default();
        let mut message = object.message;
        truncate(&mut message, MESSAGE_MAX);
        Self {
            status: object.code,
            reason: object.reason,
            message,
            about: details.kind,
            causes: details.causes.into_iter().map(|cause| cause.reason).collect(),
            retry_after: (details.retry_after_seconds > 0).then(|| Duration::from_secs(details.retry_after_seconds)),
        }
    }

    /// A body that is no `Status`: its first line, in case a proxy or the API server's own mux says something of use.
    fn untyped(status: u16, body: &Body) -> Self {
        let text = String::from_utf8_lossy(body.0.get(..body.0.len().min(MESSAGE_MAX)).unwrap_or_default());
        let mut message: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        truncate(&mut message, 200);
        Self { status, reason: String::new(), message, about: String::new(), causes: Vec::new(), retry_after: None }
    }

    /// Whether nothing can be created because the namespace is on its way out.
    #[must_use]
    pub fn is_terminating_namespace(&self) -> bool {
        self.causes.iter().any(|cause| cause == "NamespaceTerminating")
    }

    /// Whether the credential lacks a right (and no admission plugin has refused).
    #[must_use]
    pub fn lacks_right(&self) -> bool {
        self.status == 403 && self.message.contains("is forbidden: User ")
    }

    /// Whether the server's history does not go back as far as we asked (410), so that everything must be listed again.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.status == 410 || matches!(self.reason.as_str(), "Expired" | "Gone")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the API server answered {}", self.status)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// What came of an exchange, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx.
    Done(Response),
    /// 409: an object of this name is there.
    Exists(ApiError),
    /// 409: a precondition or a version does not hold.
    Conflict(ApiError),
    /// 404 of the object, typed: it is not there.
    Absent(ApiError),
    /// 404 of the namespace.
    NoNamespace(ApiError),
    /// 404 that is not about an object: the API is not served here.
    NoApi(ApiError),
    /// 401: the credential is not accepted.
    Unauthorized(ApiError),
    /// Refused in a way that repeating does not change: 400, 403, 422 and whatever else is 4xx.
    Refused(ApiError),
    /// 429: nothing was done; come back later.
    Busy(ApiError),
    /// 5xx, a broken connection, a passed deadline, an oversize body: it may have been done.
    Unsure(String),
    /// It never reached the server: nothing was done.
    NotSent(String),
}

/// What an exchange that came to nothing says, for whoever tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why it came to nothing.
    pub why: String,
    /// When the server wants to be asked again, if it says so.
    pub retry_after: Option<Duration>,
}

impl Trouble {
    /// Trouble that says nothing about when to try again.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry_after: None }
    }
}

impl Verdict {
    /// Sorts the result of an exchange.
    #[must_use]
    pub fn of(result: Result<Response, Fault>) -> Self {
        let response = match result {
            Ok(response) => response,
            Err(Fault::NotSent(why)) => return Self::NotSent(why),
            Err(Fault::Unknown(why)) => return Self::Unsure(why),
            Err(Fault::Deadline) => return Self::Unsure("the API server did not answer in time".into()),
            Err(Fault::TooLarge) => return Self::Unsure("the API server's answer was too large to read".into()),
        };
        if (200..300).contains(&response.status) {
            return Self::Done(response);
        }
        let error = ApiError::from_response(&response);
        match response.status {
            401 => Self::Unauthorized(error),
            404 if error.reason.is_empty() => Self::NoApi(error),
            404 if error.about == "namespaces" => Self::NoNamespace(error),
            404 => Self::Absent(error),
            409 if error.reason == "AlreadyExists" => Self::Exists(error),
            409 => Self::Conflict(error),
            429 => Self::Busy(error),
            400..500 => Self::Refused(error),
            _ => Self::Unsure(error.to_string()),
        }
    }

    /// What it says when it came to nothing, whichever way.
    #[must_use]
    pub fn trouble(self) -> Trouble {
        match self {
            Self::Done(_) => Trouble::new("the API server's answer means nothing here"),
            Self::Exists(error)
            | Self::Conflict(error)
            | Self::Absent(error)
            | Self::NoNamespace(error)
            | Self::NoApi(error)
            | Self::Unauthorized(error)
            | Self::Refused(error)
            | Self::Busy(error) => Trouble { why: error.to_string(), retry_after: error.retry_after },
            Self::Unsure(why) | Self::NotSent(why) => Trouble::new(why),
        }
    }

    /// The name of the variant, for transition coverage.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Exists(_) => "exists",
            Self::Conflict(_) => "conflict",
            Self::Absent(_) => "absent",
            Self::NoNamespace(_) => "no_namespace",
            Self::NoApi(_) => "no_api",
            Self::Unauthorized(_) => "unauthorized",
            Self::Refused(_) => "refused",
            Self::Busy(_) => "busy",
            Self::Unsure(_) => "unsure",
            Self::NotSent(_) => "not_sent",
        }
    }

    /// Every variant's name.
    pub const NAMES: [&'static str; 11] =
        ["done", "exists", "conflict", "absent", "no_namespace", "no_api", "unauthorized", "refused", "busy", "unsure", "not_sent"];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &'static str) -> Response {
        Response { status, body: Body::from(body), ..Response::default() }
    }

    #[test]
    fn a_404_of_an_object_a_namespace_and_an_api_are_told_apart() {
        let object = r#"{"kind":"Status","reason":"NotFound","code":404,"details":{"name":"x","kind":"sandboxes"}}"#;
        let namespace = r#"{"kind":"Status","reason":"NotFound","code":404,"details":{"name":"x","kind":"namespaces"}}"#;
        assert_eq!(Verdict::of(Ok(response(404, object))).name(), "absent");
        assert_eq!(Verdict::of(Ok(response(404, namespace))).name(), "no_namespace");
        assert_eq!(Verdict::of(Ok(response(404, "404 page not found\n"))).name(), "no_api");
    }

    #[test]
    fn a_409_is_a_name_taken_or_a_precondition() {
        assert_eq!(Verdict::of(Ok(response(409, r#"{"kind":"Status","reason":"AlreadyExists"}"#))).name(), "exists");
        assert_eq!(Verdict::of(Ok(response(409, r#"{"kind":"Status","reason":"Conflict"}"#))).name(), "conflict");
    }

    #[test]
    fn retry_after_is_bounded_and_the_header_wins() {
        let mut busy = Response { status: 429, retry_after: Some(Duration::from_secs(86_400)), ..Response::default() };
        busy.body = Body::from(r#"{"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":1}}"#);
        assert!(matches!(Verdict::of(Ok(busy)), Verdict::Busy(error) if error.retry_after == Some(limits::RETRY_AFTER_MAX)));
    }

    #[test]
    fn an_untyped_error_is_one_short_printable_line() {
        let error = match Verdict::of(Ok(response(502, "<html>\u{7}bad gateway\nsecond"))) {
            Verdict::Unsure(text) => text,
            other => other.name().into(),
        };
        assert_eq!(error, "the API server answered 502: <html>bad gateway");
    }
}
