//! What is asked of the cluster and what it answers: plain values, no connection in sight.

use crate::watch::WatchId;

/// The methods the API server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Get, list or watch.
    Get,
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change by a patch document.
    Patch,
    /// Delete an object or a collection.
    Delete,
}

impl Method {
    /// The method's name as on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request. `path` carries the query, percent-encoded as on the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, such as `/api/v1/namespaces?limit=500`.
    pub path: String,
    /// The bearer token, without the word `Bearer`.
    pub bearer: Option<String>,
    /// The body's media type.
    pub content_type: Option<String>,
    /// The `Accept` header.
    pub accept: Option<String>,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), bearer: None, content_type: None, accept: None, body: Vec::new() }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// A DELETE without a body.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path)
    }

    /// A POST of a JSON body.
    #[must_use]
    pub fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self::new(Method::Post, path).with_body("application/json", body)
    }

    /// A PUT of a JSON body.
    #[must_use]
    pub fn put(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self::new(Method::Put, path).with_body("application/json", body)
    }

    /// A PATCH with a JSON merge patch.
    #[must_use]
    pub fn merge_patch(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self::new(Method::Patch, path).with_body("application/merge-patch+json", body)
    }

    /// A PATCH with a JSON patch.
    #[must_use]
    pub fn json_patch(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self::new(Method::Patch, path).with_body("application/json-patch+json", body)
    }

    /// The same request with this body and media type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: &serde_json::Value) -> Self {
        self.content_type = Some(content_type.to_owned());
        self.body = body.to_string().into_bytes();
        self
    }

    /// The same request with this bearer token.
    #[must_use]
    pub fn with_bearer(mut self, token: impl Into<String>) -> Self {
        self.bearer = Some(token.into());
        self
    }

    /// The same request with this `Accept` header.
    #[must_use]
    pub fn with_accept(mut self, accept: impl Into<String>) -> Self {
        self.accept = Some(accept.into());
        self
    }
}

/// What an answer says before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// `application/json` or, for what no handler serves, `text/plain; charset=utf-8`.
    pub content_type: &'static str,
    /// Seconds of the `Retry-After` header.
    pub retry_after: Option<u32>,
    /// `Warning` headers, each complete (`299 - "…"`).
    pub warnings: Vec<String>,
    /// The `Date` header.
    pub date: String,
}

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON, `Null` if it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }
}

/// The answer to a request: everything at once, or a stream to be drained by
/// [`Cluster::watch_output`](crate::Cluster::watch_output).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A complete response.
    Response(Response),
    /// A watch was opened.
    Watch {
        /// Names the stream from now on.
        id: WatchId,
        /// Status and headers, sent at once.
        head: Head,
    },
}

impl Answer {
    /// Status and headers, of either.
    pub(crate) fn head_mut(&mut self) -> &mut Head {
        match self {
            Self::Response(response) => &mut response.head,
            Self::Watch { head, .. } => head,
        }
    }
}

/// A path without its query, and the query decoded, in the order given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub path: String,
    pub query: Vec<(String, String)>,
}

impl Target {
    pub fn parse(raw: &str) -> Self {
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        Self {
            path: percent_decode(path, Plus::Literal),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (percent_decode(key, Plus::Space), percent_decode(value, Plus::Space))
                })
                .collect(),
        }
    }

    /// The first value of a parameter, `None` when absent or empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A boolean parameter the way the API server reads one: present and not `false` or `0`.
    pub fn switch(&self, name: &str) -> bool {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .is_some_and(|(_, value)| !matches!(value.to_ascii_lowercase().as_str(), "false" | "0"))
    }
}

#[derive(Clone, Copy)]
enum Plus {
    Literal,
    Space,
}

fn percent_decode(text: &str, plus: Plus) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (byte, plus) {
            (b'%', _) => {
                let mut ahead = bytes.clone();
                let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = pair {
                    out.push(high * 16 + low);
                    bytes = ahead;
                } else {
                    out.push(b'%');
                }
            }
            (b'+', Plus::Space) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_switches_follow_the_servers_reading() {
        let target = Target::parse("/api/v1/pods?labelSelector=a%3Db%2Cc+d&watch&x=%zz&allow=false");
        assert_eq!(target.path, "/api/v1/pods");
        assert_eq!(target.parameter("labelSelector"), Some("a=b,c d"));
        assert_eq!(target.parameter("x"), Some("%zz"));
        assert!(target.switch("watch"));
        assert!(!target.switch("allow"));
        assert!(!target.switch("absent"));
    }
}
