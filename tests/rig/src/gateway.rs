//! A gateway's side of the socket: unary calls and the watch, as the real one makes them (no deadline, one HTTP/2 connection).

use std::net::Shutdown;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Service, StdError};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::Outcome;
use crate::raw::Raw;

const SERVICE: &str = "/openshell.compute.v1.ComputeDriver/";
/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait for a reply. The driver promises one within a minute to callers that name no deadline.
const REPLY: Duration = Duration::from_secs(90);

/// One HTTP/2 connection as a tower service.
#[derive(Debug, Clone)]
struct Connection(hyper::client::conn::http2::SendRequest<tonic::body::Body>);

impl Service<http::Request<tonic::body::Body>> for Connection {
    type Response = http::Response<tonic::body::Body>;
    type Error = StdError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, StdError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), StdError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let answer = self.0.send_request(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| tonic::body::Body::new(body.map_err(|error| Status::unavailable(error.to_string())))))
        })
    }
}

/// A gateway connected to a driver.
#[derive(Debug, Clone)]
pub struct Gateway {
    grpc: Grpc<Connection>,
    /// Another handle of the socket, to cut it with.
    line: Arc<std::os::unix::net::UnixStream>,
    /// What `grpc-timeout` says.
    timeout: Option<Duration>,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident $method:literal $request:ident => $response:ident;)*) => {
        impl Gateway { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// The driver's status.
            pub async fn $name(&self, request: pb::$request) -> Result<pb::$response, Status> {
                self.unary($method, request).await
            }
        )* }
    };
}

calls! {
    /// `GetCapabilities`
    get_capabilities "GetCapabilities" GetCapabilitiesRequest => GetCapabilitiesResponse;
    /// `AuthenticateSandbox`
    authenticate_sandbox "AuthenticateSandbox" AuthenticateSandboxRequest => AuthenticateSandboxResponse;
    /// `GetGatewayListenerRequirements`
    get_gateway_listener_requirements "GetGatewayListenerRequirements" GetGatewayListenerRequirementsRequest => GetGatewayListenerRequirementsResponse;
    /// `ValidateSandboxCreate`
    validate_sandbox_create "ValidateSandboxCreate" ValidateSandboxCreateRequest => ValidateSandboxCreateResponse;
    /// `CreateSandbox`
    create_sandbox "CreateSandbox" CreateSandboxRequest => CreateSandboxResponse;
    /// `GetSandbox`
    get_sandbox "GetSandbox" GetSandboxRequest => GetSandboxResponse;
    /// `ListSandboxes`
    list_sandboxes "ListSandboxes" ListSandboxesRequest => ListSandboxesResponse;
    /// `StopSandbox`
    stop_sandbox "StopSandbox" StopSandboxRequest => StopSandboxResponse;
    /// `StartSandbox`
    start_sandbox "StartSandbox" StartSandboxRequest => StartSandboxResponse;
    /// `DeleteSandbox`
    delete_sandbox "DeleteSandbox" DeleteSandboxRequest => DeleteSandboxResponse;
    /// `EnsureWorkspace`
    ensure_workspace "EnsureWorkspace" EnsureWorkspaceRequest => EnsureWorkspaceResponse;
    /// `DeleteWorkspace`
    delete_workspace "DeleteWorkspace" DeleteWorkspaceRequest => DeleteWorkspaceResponse;
}

impl Gateway {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(socket: &Path) -> Outcome<Self> {
        let stream = UnixStream::connect(socket).await.map_err(|error| format!("connecting to {}: {error}", socket.display()))?;
        let stream = stream.into_std()?;
        let line = Arc::new(stream.try_clone()?);
        let stream = UnixStream::from_std(stream)?;
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let origin = http::Uri::from_static("http://[::]:50051");
        Ok(Self { grpc: Grpc::with_origin(Connection(sender), origin), line, timeout: None })
    }

    /// The same connection, with calls that say how long they wait.
    #[must_use]
    pub fn waiting(&self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self.clone() }
    }

    /// Cuts the connection, as a process that dies does.
    ///
    /// # Errors
    /// When it is cut already.
    pub fn hang_up(self) -> std::io::Result<()> {
        self.line.shutdown(Shutdown::Both)
    }

    /// Calls any method with any message.
    ///
    /// # Errors
    /// The driver's status.
    pub async fn unary<Req, Res>(&self, method: &str, request: Req) -> Result<Res, Status>
    where
        Req: Message + Send + Sync + 'static,
        Res: Message + Default + Send + Sync + 'static,
    {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let codec: ProstCodec<Req, Res> = ProstCodec::default();
        let path = path(&format!("{SERVICE}{method}"))?;
        reply(grpc.unary(self.request(request), path, codec)).await
    }

    /// Calls whatever is at `path`, such as `/package.Service/Method`, with whatever `message` is.
    ///
    /// # Errors
    /// The driver's status.
    pub async fn bytes(&self, to: &str, message: impl Into<Bytes>) -> Result<Bytes, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        reply(grpc.unary(self.request(message.into()), path(to)?, Raw)).await
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        request
    }

    /// Opens `WatchSandboxes`.
    ///
    /// # Errors
    /// The driver's status.
    pub async fn watch(&self) -> Result<Events, Status> {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let codec: ProstCodec<pb::WatchSandboxesRequest, pb::WatchSandboxesEvent> = ProstCodec::default();
        let request = self.request(pb::WatchSandboxesRequest::default());
        let path = path(&format!("{SERVICE}WatchSandboxes"))?;
        Ok(Events(grpc.server_streaming(request, path, codec).await?.into_inner()))
    }
}

/// Waits no longer than anybody should.
async fn reply<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    match timeout(REPLY, call).await {
        Ok(reply) => reply.map(Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no reply came")),
    }
}

fn path(path: &str) -> Result<PathAndQuery, Status> {
    PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))
}

/// An open watch.
#[derive(Debug)]
pub struct Events(Streaming<pb::WatchSandboxesEvent>);

impl Events {
    /// The next event.
    ///
    /// # Errors
    /// The stream's status when it ends, or `DEADLINE_EXCEEDED` when nothing comes within half a minute.
    pub async fn next(&mut self) -> Result<pb::watch_sandboxes_event::Payload, Status> {
        match timeout(PATIENCE, self.0.message()).await {
            Err(_) => Err(Status::deadline_exceeded("no event came")),
            Ok(Err(status)) => Err(status),
            Ok(Ok(None)) => Err(Status::cancelled("the stream ended")),
            Ok(Ok(Some(event))) => event.payload.ok_or_else(|| Status::data_loss("an event without a payload")),
        }
    }

    /// The event that makes `wanted` say so; those before it are dropped.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&pb::watch_sandboxes_event::Payload) -> Option<T>) -> Result<T, Status> {
        loop {
            if let Some(found) = wanted(&self.next().await?) {
                return Ok(found);
            }
        }
    }
}
