//! Connections of the private socket.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::codegen::Service as _;

use super::patience::Patient;
use super::service::Service;
use crate::contract::service::compute_driver_server::ComputeDriverServer;
use crate::shell::limits;
use crate::shell::socket::Listener;

/// Whether connections are still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Phase {
    Serving,
    /// No new connection, no new call; what was taken is finished.
    Stopping,
}

/// Returns when it is time to stop; a phase that nobody can change any more means the same.
async fn stopping(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
}

/// Accepts and serves until [`Phase::Stopping`], then until the last connection has ended.
pub(in crate::shell) async fn serve(listener: Listener, service: Service, mut phase: watch::Receiver<Phase>) {
    let server = ComputeDriverServer::from_arc(Arc::new(service)).max_decoding_message_size(limits::REQUEST_MESSAGE);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= limits::CONNECTIONS => {
                    tracing::warn!(event = "grpc_too_many_connections", limit = limits::CONNECTIONS, "closed a connection on the driver's socket: too many are open");
                }
                Ok(stream) => {
                    connections.spawn(connection(stream, server.clone(), phase.clone()));
                }
                Err(error) => {
                    tracing::warn!(event = "grpc_accept_failed", %error, "accepting a connection on the driver's socket failed");
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopping(&mut phase) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, to its end.
async fn connection(stream: UnixStream, server: ComputeDriverServer<Service>, mut phase: watch::Receiver<Phase>) {
    let serve = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut server = server.clone();
        let request = request.map(|body| Patient::new(body, limits::REQUEST_ARRIVAL));
        async move { Ok::<_, Infallible>(server.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS)
        .max_header_list_size(limits::HEADER_LIST)
        .serve_connection(TokioIo::new(stream), serve);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping(&mut phase) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(
            event = "grpc_connection_ended",
            error = &error as &dyn std::error::Error,
            "a connection on the driver's socket ended"
        );
    }
}
