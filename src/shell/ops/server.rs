//! The health port: HTTP/1 for kubelet's probes and for Prometheus.
//!
//! It is open to everybody who can reach the pod, so nothing here waits for a client: a connection carries one request, has a few seconds for all
//! of it, and is the first to go when there are too many. What it answers it asks the loop, and it waits no longer for that than a probe would.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::metrics::exposition::Format;
use super::readiness::{Detail, Report};
use crate::shell::arrival::Arrival;
use crate::shell::limits;

/// Where the health port listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthAddress {
    /// An address of this machine, or every one.
    pub host: HealthHost,
    /// A TCP port; 0 for any that is free.
    pub port: u16,
}

/// On which of the machine's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthHost {
    /// On every one, of IPv6 and IPv4: kubelet and Prometheus come to the pod's.
    Every,
    /// On this one.
    Only(IpAddr),
}

/// A question to the loop.
#[derive(Debug)]
pub(in crate::shell) enum Question {
    /// Are you there?
    Alive(oneshot::Sender<()>),
    /// Are you ready?
    Ready(Detail, oneshot::Sender<Report>),
    /// What are the numbers?
    Metrics(Format, oneshot::Sender<String>),
    /// A request was answered so.
    Answered { path: &'static str, status: u16 },
}

/// The bound port.
#[derive(Debug)]
pub(in crate::shell) struct Listener(TcpListener);

impl HealthAddress {
    /// Listens there.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub(in crate::shell) async fn bind(self) -> Result<Listener, String> {
        let listener = match self.host {
            HealthHost::Only(host) => TcpListener::bind((host, self.port)).await,
            HealthHost::Every => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, self.port)).await {
                // A machine without IPv6.
                Err(error) if error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == io::ErrorKind::AddrNotAvailable => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port)).await
                }
                bound => bound,
            },
        };
        let listener = listener.map_err(|error| self.refusal(&error))?;
        let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
        tracing::info!(event = "health_listening", address, "health and metrics are served on {address}");
        Ok(Listener(listener))
    }

    fn refusal(self, error: &io::Error) -> String {
        let host = match self.host {
            HealthHost::Every => "every address".to_owned(),
            HealthHost::Only(host) => host.to_string(),
        };
        let port = self.port;
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another process of this pod or machine has it; name a free one with --health-port, here and in the pod's probes"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 are for root; name a higher one with --health-port",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address; see --health-address",
            _ => "name another with --health-port, or do without health and metrics: --health-port off",
        };
        format!("the health port {port} on {host} cannot be listened on ({error}): {advice}")
    }
}

/// The error number of Linux for an address family that is not there.
const EAFNOSUPPORT: i32 = 97;

/// Serves until it is dropped.
pub(in crate::shell) async fn serve(Listener(listener): Listener, loop_: mpsc::Sender<Arrival>) {
    let desk = Arc::new(Desk { loop_, written: Mutex::default() });
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    open.retain(|connection| !connection.is_finished());
                    // The oldest has had its time; a probe that comes now must not find the door shut by those who dawdle.
                    if open.len() >= limits::HEALTH_CONNECTIONS && let Some(oldest) = open.pop_front() {
                        oldest.abort();
                    }
                    open.push_back(connections.spawn(connection(stream, peer, Arc::clone(&desk))));
                }
                Err(error) => {
                    tracing::warn!(event = "health_accept_failed", %error, "accepting a connection on the health port failed");
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection: one request, within its time.
async fn connection(stream: TcpStream, peer: SocketAddr, desk: Arc<Desk>) {
    let serve = service_fn(move |request: Request<Incoming>| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEALTH_HEADERS)
        .max_headers(limits::HEALTH_HEADER_COUNT)
        .max_buf_size(limits::HEALTH_BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), serve);
    match timeout(limits::HEALTH_CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(event = "health_connection_ended", %peer, %error, "a connection on the health port ended"),
        Err(_) => tracing::debug!(event = "health_connection_ended", %peer, "a connection on the health port took too long and was cut"),
    }
}

/// Where requests are answered.
struct Desk {
    loop_: mpsc::Sender<Arrival>,
    /// What was answered last in either form, so that many who ask cost no more than one.
    written: Mutex<[Option<(Instant, Bytes)>; 2]>,
}

/// A text with its status and form.
struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Answer {
    fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let (path, answer) = match request.uri().path() {
            path @ ("/healthz" | "/livez" | "/readyz" | "/metrics") if !is_read => {
                (known(path), Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n"))
            }
            path @ ("/healthz" | "/livez") => (known(path), self.alive().await),
            path @ "/readyz" => (known(path), self.ready(detail(request.uri().query())).await),
            path @ "/metrics" => (known(path), self.metrics(format(request)).await),
            _ => ("other", Answer::text(StatusCode::NOT_FOUND, "there are /healthz, /readyz (with ?verbose) and /metrics\n")),
        };
        // Counting must not hold up the answer: in a loop that is full it is left out.
        let _ = self.loop_.try_send(Arrival::Asked(Question::Answered { path, status: answer.status.as_u16() }));
        let mut response = Response::new(Full::new(answer.body));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    async fn alive(&self) -> Answer {
        match self.ask(Question::Alive).await {
            Ok(()) => Answer::text(StatusCode::OK, "ok\n"),
            Err(refusal) => refusal,
        }
    }

    async fn ready(&self, detail: Detail) -> Answer {
        match self.ask(|answer| Question::Ready(detail, answer)).await {
            Ok(report) => Answer::text(if report.is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, report.text),
            Err(refusal) => refusal,
        }
    }

    async fn metrics(&self, format: Format) -> Answer {
        // Held while asking: those who come meanwhile get the same answer.
        let mut written = self.written.lock().await;
        let [text, open_metrics] = &mut *written;
        let last = match format {
            Format::Text => text,
            Format::OpenMetrics => open_metrics,
        };
        let fresh = last.as_ref().filter(|(at, _)| at.elapsed() < limits::HEALTH_METRICS_AGE).map(|(_, body)| body.clone());
        let body = match fresh {
            Some(body) => body,
            None => match self.ask(|answer| Question::Metrics(format, answer)).await {
                Ok(text) => last.insert((Instant::now(), text.into())).1.clone(),
                Err(refusal) => return refusal,
            },
        };
        Answer { status: StatusCode::OK, content_type: format.content_type(), body }
    }

    /// Asks the loop, and does not wait for ever.
    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, Answer> {
        let (sender, answer) = oneshot::channel();
        let asked = async {
            self.loop_.send(Arrival::Asked(question(sender))).await.ok()?;
            answer.await.ok()
        };
        let unavailable = |why: String| Err(Answer::text(StatusCode::SERVICE_UNAVAILABLE, why));
        match timeout(limits::HEALTH_LOOP, asked).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => unavailable("the driver has stopped\n".into()),
            Err(_) => unavailable(format!("the driver's loop has not answered within {} s\n", limits::HEALTH_LOOP.as_secs())),
        }
    }
}

/// A path as a label: whoever asks must not be able to make one.
fn known(path: &str) -> &'static str {
    ["/healthz", "/livez", "/readyz", "/metrics"].into_iter().find(|known| *known == path).unwrap_or("other")
}

fn detail(query: Option<&str>) -> Detail {
    let is_verbose = |part: &str| part.split('=').next() == Some("verbose");
    if query.is_some_and(|query| query.split('&').any(is_verbose)) { Detail::Everything } else { Detail::Missing }
}

fn format(request: &Request<Incoming>) -> Format {
    let values: Vec<&str> = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    Format::accepted(&values.join(","))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::shell::tests::soon;

    /// Serves for a loop that does with `arrivals` what a test does.
    async fn served(loop_: mpsc::Sender<Arrival>) -> SocketAddr {
        let at = HealthAddress { host: HealthHost::Only(Ipv4Addr::LOCALHOST.into()), port: 0 };
        let listener = at.bind().await.unwrap();
        let address = listener.0.local_addr().unwrap();
        tokio::spawn(serve(listener, loop_));
        address
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_loop_that_does_not_answer_is_not_alive() {
        let (loop_, arrivals) = mpsc::channel(8);
        let address = served(loop_).await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer = get(address, path).await;
            assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("has not answered within 2 s"), "{path}: {answer}");
        }
        // Also when there is not even room for the question.
        drop(arrivals);
        assert!(get(address, "/healthz").await.contains("the driver has stopped"));
    }

    #[tokio::test]
    async fn what_was_written_for_one_is_given_to_those_who_come_with_it() {
        let (loop_, mut arrivals) = mpsc::channel(8);
        let address = served(loop_).await;
        let counting = tokio::spawn(async move {
            let mut asked = 0;
            while let Some(arrival) = arrivals.recv().await {
                if let Arrival::Asked(Question::Metrics(_, answer)) = arrival {
                    asked += 1;
                    drop(answer.send(format!("written {asked}\n")));
                    if asked == 2 {
                        break;
                    }
                }
            }
            asked
        });
        let (one, other) = tokio::join!(get(address, "/metrics"), get(address, "/metrics"));
        assert!(one.ends_with("written 1\n") && other.ends_with("written 1\n"), "{one} {other}");
        tokio::time::sleep(limits::HEALTH_METRICS_AGE).await;
        assert!(get(address, "/metrics").await.ends_with("written 2\n"));
        assert_eq!(soon(counting).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_refused_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = HealthAddress { host: HealthHost::Only(Ipv4Addr::LOCALHOST.into()), port: taken.local_addr().unwrap().port() };
        let refusal = at.bind().await.unwrap_err();
        assert!(refusal.contains("--health-port") && refusal.contains("127.0.0.1"), "{refusal}");
    }

    #[test]
    fn verbose_is_asked_for_as_kubernetes_does_it() {
        for query in ["verbose", "verbose=1", "a=b&verbose"] {
            assert_eq!(detail(Some(query)), Detail::Everything, "{query}");
        }
        for query in [None, Some(""), Some("a=verbose"), Some("verbosely")] {
            assert_eq!(detail(query), Detail::Missing, "{query:?}");
        }
    }
}
