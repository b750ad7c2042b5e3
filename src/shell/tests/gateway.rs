//! A gRPC client on the private socket, made of hyper and tonic's client.

use std::net::Shutdown;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tonic::client::Grpc;
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// One connection of a gateway.
#[derive(Clone)]
pub(super) struct Gateway {
    sender: SendRequest<tonic::body::Body>,
    /// Another handle of the socket, to cut it with.
    line: Arc<std::os::unix::net::UnixStream>,
}

impl Gateway {
    /// Connects, as soon as the socket is there.
    pub(super) async fn connect(socket: &Path) -> Self {
        let stream = super::soon(async {
            loop {
                match UnixStream::connect(socket).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(2)).await,
                }
            }
        })
        .await;
        let stream = stream.into_std().unwrap();
        let line = Arc::new(stream.try_clone().unwrap());
        let stream = UnixStream::from_std(stream).unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        Self { sender, line }
    }

    /// Calls a method and waits for its reply.
    pub(super) async fn call<Q, A>(&self, method: &'static str, request: impl tonic::IntoRequest<Q>) -> Result<Response<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        let mut client = Grpc::new(self.clone()).max_decoding_message_size(usize::MAX);
        client.unary(request.into_request(), path(method), codec).await
    }

    /// Opens a stream.
    pub(super) async fn watch<Q, A>(&self, method: &'static str, request: Q) -> Result<Streaming<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        Grpc::new(self.clone()).server_streaming(Request::new(request), path(method), codec).await.map(Response::into_inner)
    }

    /// Sends bytes where a message should be.
    pub(super) async fn send_raw(&self, method: &str, message: &[u8]) -> http::Response<hyper::body::Incoming> {
        let mut frame = vec![0];
        frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(message);
        let body = tonic::body::Body::new(http_body_util::Full::new(bytes::Bytes::from(frame)));
        let request = http::Request::post(format!("http://gateway.invalid{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(body)
            .unwrap();
        self.sender.clone().send_request(request).await.unwrap()
    }

    /// Cuts the connection.
    pub(super) fn hang_up(self) {
        self.line.shutdown(Shutdown::Both).unwrap();
    }
}

fn path(method: &'static str) -> http::uri::PathAndQuery {
    format!("/openshell.compute.v1.ComputeDriver/{method}").parse().unwrap()
}

impl Service<http::Request<tonic::body::Body>> for Gateway {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        // What gateways send for a Unix socket.
        *request.uri_mut() = format!("http://[::]:50051{path}").parse().unwrap();
        Box::pin(self.sender.send_request(request))
    }
}
