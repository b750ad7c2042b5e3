//! One connection at a time, for one kind of traffic.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::server::ApiServer;
use super::tls::{self, Windows};
use super::{Opened, fault};
use crate::core::io::Fault;
use crate::shell::limits;

/// A lane: dials when it is first used, and again when its connection is closed or dead.
pub(super) struct Lane {
    name: &'static str,
    server: Arc<ApiServer>,
    windows: Windows,
    places: Semaphore,
    current: Mutex<Option<Arc<Connection>>>,
    /// Held while dialling, so that those who wait share one connection, or one failure.
    dialling: tokio::sync::Mutex<Option<Failure>>,
    opened: AtomicU64,
    failed: AtomicU64,
}

/// How often a lane was dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) struct Dials {
    /// And opened.
    pub(in crate::shell) opened: u64,
    /// In vain.
    pub(in crate::shell) failed: u64,
}

/// A dial that failed.
struct Failure {
    at: Instant,
    text: String,
}

/// An HTTP/2 connection. hyper closes it when nobody holds its sender any more and its streams have ended.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    heard: Mutex<Instant>,
}

impl Connection {
    /// Notes that the server said something.
    pub(super) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silent_since(&self) -> Instant {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// A lane with room for so many `streams` at once, each with a window of so many bytes.
    pub(super) fn new(name: &'static str, streams: usize, window: u32, server: Arc<ApiServer>) -> Self {
        let connection = window.saturating_mul(u32::try_from(streams).unwrap_or(u32::MAX)).min(i32::MAX as u32);
        Self {
            name,
            server,
            windows: Windows { stream: window, connection },
            places: Semaphore::new(streams),
            current: Mutex::new(None),
            dialling: tokio::sync::Mutex::new(None),
            opened: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// What it is called, and how often it was dialled.
    pub(super) fn dials(&self) -> (&'static str, Dials) {
        (self.name, Dials { opened: self.opened.load(Ordering::Relaxed), failed: self.failed.load(Ordering::Relaxed) })
    }

    /// Room for one more stream, in the order of asking.
    pub(super) async fn place(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Fault> {
        match timeout_at(deadline, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Fault::NotSent(format!("the deadline passed while the request waited for others on the lane of {}", self.name))),
        }
    }

    /// Sends a request, and waits for the head of its answer. A request that a closing connection gives back is sent once more on a new one.
    pub(super) async fn send(self: &Arc<Self>, request: Request<Full<Bytes>>, deadline: Instant) -> Result<Opened, Fault> {
        let mut request = request;
        let mut given_back = None;
        loop {
            let connection = match timeout_at(deadline, self.connection()).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(text)) => return Err(Fault::NotSent(text)),
                Err(_) => return Err(Fault::NotSent("the deadline passed before there was a connection to the API server".into())),
            };
            let mut sender = connection.sender.clone();
            let attention = Attention { lane: Arc::clone(self), connection, since: Instant::now(), ended: Ended::NotYet };
            let sent = timeout_at(deadline, sender.try_send_request(request)).await.map_err(|_| Fault::Deadline)?;
            let mut error = match sent {
                Ok(response) => {
                    attention.connection.heard();
                    return Ok(Opened { response, attention });
                }
                Err(error) => error,
            };
            let fault = fault::of_request(&error);
            attention.done();
            match error.take_message() {
                Some(message) if given_back.is_none() => {
                    request = message;
                    given_back = Some(fault);
                }
                _ => return Err(fault),
            }
        }
    }

    /// The connection, dialled if there is none that is open.
    async fn connection(&self) -> Result<Arc<Connection>, String> {
        let asked = Instant::now();
        if let Some(connection) = self.open() {
            return Ok(connection);
        }
        let mut failure = self.dialling.lock().await;
        if let Some(connection) = self.open() {
            return Ok(connection);
        }
        if let Some(failure) = failure.as_ref().filter(|failure| failure.at >= asked) {
            return Err(failure.text.clone());
        }
        // Boxed: it is large, rare, and would be part of every exchange.
        match Box::pin(tls::connect(&self.server, self.windows)).await {
            Ok(sender) => {
                self.opened.fetch_add(1, Ordering::Relaxed);
                *failure = None;
                let connection = Arc::new(Connection { sender, heard: Mutex::new(Instant::now()) });
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
                tracing::debug!(event = "api_connected", lane = self.name, "connected to the API server");
                Ok(connection)
            }
            Err(text) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                *failure = Some(Failure { at: Instant::now(), text: text.clone() });
                Err(text)
            }
        }
    }

    /// The current connection, if it still takes requests.
    pub(super) fn open(&self) -> Option<Arc<Connection>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|connection| connection.sender.is_closed());
        current.clone()
    }

    /// Lets the next request dial. Others on that connection go on.
    fn forget(&self, connection: &Arc<Connection>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| Arc::ptr_eq(current, connection));
    }
}

/// How an exchange stands.
enum Ended {
    NotYet,
    Done,
}

/// Watches over an exchange: when it is given up on a connection that has said nothing all the while, the connection is taken for dead.
pub(super) struct Attention {
    lane: Arc<Lane>,
    connection: Arc<Connection>,
    since: Instant,
    ended: Ended,
}

impl Attention {
    /// The exchange ended in a way that says nothing against the connection.
    pub(super) fn done(mut self) {
        self.ended = Ended::Done;
    }

    /// The exchange ended, and the next is to have another connection.
    pub(super) fn redial(self) {
        self.lane.forget(&self.connection);
        self.done();
    }

    /// Notes that the server said something.
    pub(super) fn heard(&self) {
        self.connection.heard();
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        let silent_since = self.since.max(self.connection.silent_since());
        if matches!(self.ended, Ended::NotYet) && silent_since.elapsed() >= limits::CONNECTION_SILENCE {
            tracing::debug!(
                event = "api_connection_silent",
                lane = self.lane.name,
                "the connection to the API server is silent; the next request opens another"
            );
            self.lane.forget(&self.connection);
        }
    }
}
