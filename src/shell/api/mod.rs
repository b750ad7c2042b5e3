//! The API server's side: the core's requests go out, answers and watch lines come in.
//!
//! * [`server`]: where it is, what we trust it by, what it trusts us by. [`kubeconfig`]: the same from a file.
//! * [`credentials`]: the token, read again as kubelet replaces it, and [`claims`], what it says of itself. [`unverified`]: believing any server, for who asked for it.
//! * [`tls`]: TCP, TLS and HTTP/2 up to a connection.
//! * [`lane`]: one connection at a time, dialled when needed and replaced when it is closed or dead.
//! * [`fault`]: what is known of an exchange that gave no answer.
//! * [`body`]: a whole body within a bound. [`lines`]: a stream cut into lines within a bound.
//!
//! There are three lanes, so that a page of a list or a thousand watch lines never delay a POST. No HTTP/2 pings are sent: a dead connection
//! shows itself by an exchange that gets no answer, or a watch that stays silent, and is then replaced.
//!
//! A 401 was not acted on, so the files with credentials are read again and the request is repeated once.

mod body;
mod claims;
mod credentials;
mod fault;
mod kubeconfig;
mod lane;
mod lines;
mod server;
mod tls;
mod unverified;

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

pub(super) use self::credentials::TokenFacts;
use self::credentials::{Bearer, Credentials, Remedy};
pub use self::kubeconfig::{Kubeconfig, Unverified};
pub(super) use self::lane::Dials;
use self::lane::{Attention, Lane};
use self::lines::Lines;
pub use self::server::{ApiServer, CREDENTIALS_DIR, ConfigurationError, Trust};
use super::arrival::LineSink;
use super::limits;
use crate::core::io::{self, Fault, HttpRequest, Method, Response, WatchEnd};
use crate::core::secret::Body;

/// How this driver names itself.
const NAME: HeaderValue = HeaderValue::from_static(concat!("openshell-driver-kyma/", env!("CARGO_PKG_VERSION")));
/// What it understands.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The client.
pub(super) struct Api {
    credentials: Credentials,
    server: Arc<ApiServer>,
    requests: Arc<Lane>,
    lists: Arc<Lane>,
    watches: Arc<Lane>,
}

/// The head of an answer, its body still to be read, and the connection it comes on.
struct Opened {
    response: http::Response<Incoming>,
    attention: Attention,
}

impl Api {
    /// A client that has not yet connected.
    pub(super) fn new(server: ApiServer) -> Self {
        let server = Arc::new(server);
        let lane = |name, streams, window| Arc::new(Lane::new(name, streams, window, Arc::clone(&server)));
        Self {
            credentials: Credentials::new(&server.identity),
            requests: lane("requests", limits::REQUESTS_IN_FLIGHT, limits::REQUEST_WINDOW),
            lists: lane("lists", limits::LISTS_IN_FLIGHT, limits::LIST_WINDOW),
            watches: lane("watches", limits::WATCHES_OPEN, limits::WATCH_WINDOW),
            server,
        }
    }

    /// What is known of the token in use.
    pub(super) fn token(&self) -> TokenFacts {
        self.credentials.facts()
    }

    /// Connections dialled, by lane.
    pub(super) fn dials(&self) -> [(&'static str, Dials); 3] {
        [&self.requests, &self.lists, &self.watches].map(|lane| lane.dials())
    }

    /// Sends a request and reads its whole answer, by `deadline`.
    pub(super) async fn exchange(&self, lane: io::Lane, request: HttpRequest, deadline: Instant) -> Result<Response, Fault> {
        let (lane, bound) = match lane {
            io::Lane::Requests => (&self.requests, limits::REQUEST_BODY),
            io::Lane::Lists => (&self.lists, limits::LIST_BODY),
        };
        let _place = lane.place(deadline).await?;
        let opened = self.open(lane, &request, deadline).await?;
        whole(opened, bound, deadline).await
    }

    /// Opens a watch and delivers its lines until it ends.
    pub(super) async fn watch(&self, request: HttpRequest, sink: &LineSink) -> WatchEnd {
        let deadline = Instant::now() + limits::WATCH_OPENING;
        let opened = async {
            let place = self.watches.place(deadline).await?;
            Ok((place, self.open(&self.watches, &request, deadline).await?))
        };
        let (_place, mut opened) = match opened.await {
            Ok(opened) => opened,
            Err(fault) => return WatchEnd::Broken(fault),
        };
        if opened.response.status() != StatusCode::OK {
            let deadline = Instant::now() + limits::REFUSAL_BODY;
            return whole(opened, limits::REQUEST_BODY, deadline).await.map_or_else(WatchEnd::Broken, WatchEnd::Refused);
        }
        let mut lines = Lines::new(limits::LINE);
        loop {
            match body::next(&mut opened).await {
                Ok(Some(chunk)) => lines.take(chunk),
                Ok(None) => break,
                Err(fault) => return WatchEnd::Broken(fault),
            }
            while let Some(line) = lines.next() {
                let Ok(line) = line else {
                    return WatchEnd::Broken(Fault::TooLarge);
                };
                if sink.put(Body(line)).await.is_err() {
                    return WatchEnd::Broken(Fault::Unknown("the driver is stopping".into()));
                }
            }
        }
        opened.attention.done();
        if lines.is_whole() { WatchEnd::Clean } else { WatchEnd::Broken(Fault::Unknown("the watch was cut inside a line".into())) }
    }

    /// Sends a request and waits for the head of its answer; a 401 once more with the credentials read again.
    async fn open(&self, lane: &Arc<Lane>, request: &HttpRequest, deadline: Instant) -> Result<Opened, Fault> {
        let token = self.credentials.token().map_err(Fault::NotSent)?;
        let opened = lane.send(self.http(request, token)?, deadline).await?;
        if opened.response.status() != StatusCode::UNAUTHORIZED {
            return Ok(opened);
        }
        let token = match self.credentials.remedy().map_err(Fault::NotSent)? {
            Remedy::Nothing => return Ok(opened),
            Remedy::Token(token) => {
                opened.attention.done();
                Some(token)
            }
            Remedy::Connection => {
                opened.attention.redial();
                None
            }
        };
        lane.send(self.http(request, token)?, deadline).await
    }

    /// The request in HTTP's terms, with host and credentials.
    fn http(&self, request: &HttpRequest, token: Option<Bearer>) -> Result<Request<Full<bytes::Bytes>>, Fault> {
        let not_sent = |error: http::Error| Fault::NotSent(format!("the request cannot be written: {error}"));
        let uri = Uri::builder()
            .scheme("https")
            .authority(self.server.authority())
            .path_and_query(request.path.as_str())
            .build()
            .map_err(not_sent)?;
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let mut builder = Request::builder().method(method).uri(uri).header(ACCEPT, JSON).header(USER_AGENT, NAME);
        if let Some(token) = token {
            builder = builder.header(AUTHORIZATION, token.into_header());
        }
        if let Some(content_type) = request.content_type {
            builder = builder.header(CONTENT_TYPE, content_type.as_str());
        }
        builder.body(Full::new(request.body.0.clone())).map_err(not_sent)
    }
}

/// Reads the rest of an answer.
async fn whole(mut opened: Opened, bound: usize, deadline: Instant) -> Result<Response, Fault> {
    let body = timeout_at(deadline, body::whole(&mut opened, bound)).await.unwrap_or(Err(Fault::Deadline))?;
    opened.attention.done();
    Ok(body::response(&opened.response.into_parts().0, body))
}

#[cfg(test)]
mod tests;
