//! Answers that are not the model cluster's: what a proxy, an overloaded server or a rotated token say.

use crate::driver::core::io::{Method, Response};
use crate::driver::core::secret::Body;
use bytes::Bytes;
use serde_json::json;

use crate::random::Random;

/// What a refusal is counted as.
#[must_use]
pub fn kind(response: &Response) -> &'static str {
    match (response.status, response.retry_after) {
        (401, _) => "refused with 401",
        (403, _) => "refused with 403",
        (404, _) => "refused with 404",
        (409, _) => "refused with 409",
        (410, _) => "refused with 410",
        (429, None) => "refused with 429",
        (429, Some(_)) => "refused with 429 and Retry-After",
        _ => "refused with 5xx",
    }
}

/// What a token that is not valid any more gets.
#[must_use]
pub fn unauthorized() -> Response {
    status(401, "Unauthorized", "Unauthorized", None)
}

/// A refusal of a request that was not carried out.
pub fn refusal(random: &mut Random, method: Method) -> Response {
    let retry_after = *random.pick(&[None, Some(1), Some(5), Some(40)]);
    match random.below(12) {
        0 => status(401, "Unauthorized", "Unauthorized", None),
        1 => status(403, "Forbidden", "sandboxes.agents.x-k8s.io is forbidden: not decided yet", None),
        2 => text(403, "<html>forbidden by the proxy</html>", None),
        3 => text(404, "404 page not found\n", None),
        4 if method != Method::Get => status(409, "Conflict", "Operation cannot be fulfilled: please apply your changes again", None),
        5 if method == Method::Get => status(410, "Expired", "The provided continue parameter is too old", None),
        6 | 7 => text(429, "Too many requests, please try again later.\n", retry_after),
        8 => status(429, "TooManyRequests", "the server has asked us to try again later", retry_after),
        9 => status(500, "InternalError", "Internal error occurred: etcdserver: leader changed", None),
        10 => text(502, "bad gateway", None),
        _ => status(503, "ServiceUnavailable", "the server is currently unable to handle the request", retry_after),
    }
}

/// What is said of a request that was carried out all the same.
pub fn failure(random: &mut Random) -> Response {
    match random.below(3) {
        0 => status(500, "InternalError", "Internal error occurred: etcdserver: request timed out", None),
        1 => status(504, "Timeout", "request did not complete within the allotted timeout", None),
        _ => text(502, "", None),
    }
}

/// The body of a good answer, spoilt.
pub fn mangle(random: &mut Random, response: &mut Response) {
    let body = &response.body.0;
    let cut = usize::try_from(random.below(body.len().max(1) as u64)).unwrap_or_default();
    response.body = Body(match random.below(4) {
        0 => Bytes::new(),
        1 => Bytes::from_static(b"<html>login</html>"),
        2 => Bytes::from_static(b"{\"kind\":\"Status\",\"status\":\"Success\"}"),
        _ => body.slice(..cut),
    });
}

/// A line of a watch that is no event.
pub fn garbage(random: &mut Random) -> Body {
    Body(match random.below(4) {
        0 => Bytes::new(),
        1 => Bytes::from_static(b"{\"type\":\"ADDED\",\"object\":{\"metadata\":"),
        2 => Bytes::from_static(b"{\"type\":\"NOVEL\",\"object\":{}}"),
        _ => Bytes::from_static(&[0xff, 0xfe, b'{', b'}']),
    })
}

/// A line that ends a watch.
#[must_use]
pub fn error_line(code: u16, reason: &str) -> Body {
    let object = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": reason, "code": code });
    Body(Bytes::from(json!({ "type": "ERROR", "object": object }).to_string()))
}

fn status(code: u16, reason: &str, message: &str, retry_after: Option<u64>) -> Response {
    let object = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": message, "code": code,
        "details": { "group": "agents.x-k8s.io", "kind": "sandboxes" },
    });
    Response {
        status: code,
        content_type: Some("application/json".into()),
        retry_after: retry_after.map(std::time::Duration::from_secs),
        body: Body::json(&object),
        ..Response::default()
    }
}

fn text(code: u16, body: &'static str, retry_after: Option<u64>) -> Response {
    Response {
        status: code,
        content_type: Some("text/plain; charset=utf-8".into()),
        retry_after: retry_after.map(std::time::Duration::from_secs),
        body: Body::from(body),
        ..Response::default()
    }
}
