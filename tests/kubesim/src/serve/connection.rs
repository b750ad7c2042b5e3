//! One connection, and the requests on it.

use super::{Door, Shared, now_ms};
use crate::http::{Answer, Head, Method, Request, Response};
use crate::watch::WatchId;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// The largest body the server reads, as the real one's default.
const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// The lines of a watch taken at a time.
const LINES_AT_ONCE: usize = 256;
/// Chunks of a watch on their way to the client.
const CHUNKS_IN_FLIGHT: usize = 4;

type Reply = hyper::Response<BoxBody<Bytes, Infallible>>;

pub(super) async fn accept(listener: TcpListener, config: Arc<ServerConfig>, shared: Arc<Shared>) {
    let acceptor = TlsAcceptor::from(config);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        if *shared.door.borrow() == Door::Refusing {
            continue;
        }
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        tokio::spawn(async move {
            let mut dropped = shared.dropped.subscribe();
            dropped.mark_unchanged();
            tokio::select! {
                () = serve(stream, acceptor, shared) => {}
                _ = dropped.changed() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    wait_for_door(&shared).await;
    // A small answer must not wait for the next one; without it the connection still works.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(request, shared).await) }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(100);
    // A client that hangs up is its own affair.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn wait_for_door(shared: &Shared) {
    let mut door = shared.door.subscribe();
    // The sender lives as long as `shared` does.
    let _ = door.wait_for(|door| *door != Door::Stalling).await;
}

async fn answer(request: hyper::Request<Incoming>, shared: Arc<Shared>) -> Reply {
    wait_for_door(&shared).await;
    let (parts, body) = request.into_parts();
    let method = match parts.method {
        http::Method::GET => Method::Get,
        http::Method::POST => Method::Post,
        http::Method::PUT => Method::Put,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Delete,
        _ => return plain(405, "405: Method Not Allowed\n"),
    };
    let text = |name: http::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bearer = text(http::header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return reply_to(shared.lock().refuse_body(BODY_BYTES_MAX));
    };
    let request = Request {
        method,
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        bearer,
        content_type: text(http::header::CONTENT_TYPE),
        accept: text(http::header::ACCEPT),
        body: body.to_bytes().to_vec(),
    };
    match shared.with(|cluster| cluster.request(now_ms(), &request)) {
        Answer::Response(response) => reply_to(response),
        Answer::Watch { id, head } => reply(&head, stream_watch(id, shared).boxed()),
    }
}

fn reply_to(response: Response) -> Reply {
    reply(&response.head, Full::new(Bytes::from(response.body)).boxed())
}

fn plain(status: u16, text: &'static str) -> Reply {
    let mut reply = hyper::Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    reply
}

fn reply(head: &Head, body: BoxBody<Bytes, Infallible>) -> Reply {
    let mut reply = hyper::Response::new(body);
    *reply.status_mut() = http::StatusCode::from_u16(head.status).unwrap_or_default();
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(head.content_type));
    let mut add = |name: http::HeaderName, value: &str| {
        if let Ok(value) = http::HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };
    add(http::header::DATE, &head.date);
    if let Some(seconds) = head.retry_after {
        add(http::header::RETRY_AFTER, &seconds.to_string());
    }
    for warning in &head.warnings {
        add(http::header::WARNING, warning);
    }
    reply
}

/// A watch as a body: a task takes lines as the model has them, and stops when nobody listens.
fn stream_watch(id: WatchId, shared: Arc<Shared>) -> Chunks {
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    tokio::spawn(async move {
        let mut stirred = shared.stirred.subscribe();
        let mut dropped = shared.dropped.subscribe();
        dropped.mark_unchanged();
        tokio::select! {
            () = pump(id, &shared, &sender, &mut stirred) => {}
            () = sender.closed() => {}
            _ = dropped.changed() => {}
        }
        shared.lock().watch_closed_by_client(id);
    });
    Chunks(receiver)
}

async fn pump(id: WatchId, shared: &Shared, sender: &mpsc::Sender<Bytes>, stirred: &mut watch::Receiver<u64>) {
    loop {
        wait_for_door(shared).await;
        stirred.mark_unchanged();
        let output = shared.lock().watch_output(id, LINES_AT_ONCE);
        if !output.lines.is_empty() {
            let mut chunk = output.lines.join("\n");
            chunk.push('\n');
            if sender.send(Bytes::from(chunk)).await.is_err() {
                return;
            }
        }
        if output.ended {
            return;
        }
        if output.lines.len() < LINES_AT_ONCE && stirred.changed().await.is_err() {
            return;
        }
    }
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
