//! An answer's body, within a bound.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER, WARNING};
use http::response::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use super::{Opened, fault};
use crate::core::io::{Fault, Response};
use crate::core::secret::Body;

/// The next bytes, or `None` at the end the server marked. hyper also ends a body quietly when the server resets its stream with `NO_ERROR`,
/// which is how a proxy cuts a stream short; that is a fault here.
pub(super) async fn next(opened: &mut Opened) -> Result<Option<Bytes>, Fault> {
    loop {
        match opened.response.body_mut().frame().await {
            Some(Ok(frame)) => {
                opened.attention.heard();
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(fault::of_body(&error)),
            None if opened.response.body().is_end_stream() => return Ok(None),
            None => return Err(Fault::Unknown("the API server's answer was cut: the stream was reset before its end".into())),
        }
    }
}

/// All bytes, if they are no more than `bound`.
pub(super) async fn whole(opened: &mut Opened, bound: usize) -> Result<Bytes, Fault> {
    let announced = usize::try_from(opened.response.body().size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bound {
        return Err(Fault::TooLarge);
    }
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = next(opened).await? {
        if body.len() + chunk.len() > bound {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A whole answer in the core's terms.
pub(super) fn response(head: &Parts, body: Bytes) -> Response {
    let text = |name: &HeaderName| text(&head.headers, name);
    Response {
        status: head.status.as_u16(),
        content_type: text(&CONTENT_TYPE),
        retry_after: text(&RETRY_AFTER).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
        warning: text(&WARNING),
        date: text(&DATE),
        body: Body(body),
    }
}

/// The first header of that name, as text.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
