//! A gRPC server that does nothing: it has been told an answer, and encodes and sends it. It is a process of its own, on one thread, on a Unix socket,
//! with the codec of ours.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message;
use rig::gateway::Gateway;
use rig::{Failure, Outcome};
use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};

/// Longest wait for the process.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answers it knows. They are shared: to send one, it is encoded, and not copied before.
#[derive(Debug, Clone, Default)]
struct Answers {
    get: Arc<Mutex<Arc<pb::GetSandboxResponse>>>,
    list: Arc<Mutex<Arc<pb::ListSandboxesResponse>>>,
}

/// Serves until it is killed.
///
/// # Errors
/// When the socket cannot be had.
pub async fn serve(socket: &Path) -> Outcome<()> {
    let listener = UnixListener::bind(socket)?;
    let answers = Answers::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let answers = answers.clone();
        let serve = service_fn(move |request: hyper::Request<Incoming>| {
            let answers = answers.clone();
            async move { Ok::<_, Infallible>(answer(&answers, request).await) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(async move { server.clone().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), serve).await });
    }
}

async fn answer(answers: &Answers, request: hyper::Request<Incoming>) -> http::Response<tonic::body::Body> {
    match request.uri().path() {
        SAY_GET => told(&answers.get, request).await,
        SAY_LIST => told(&answers.list, request).await,
        GET => said(&answers.get, request).await,
        _ => said(&answers.list, request).await,
    }
}

const SAY_GET: &str = "/bench.Echo/SayGet";
const SAY_LIST: &str = "/bench.Echo/SayList";
/// Has the answer of a `GetSandbox` sent.
pub const GET: &str = "/bench.Echo/Get";
/// Has the answer of a `ListSandboxes` sent.
pub const LIST: &str = "/bench.Echo/List";

async fn told<M: Message + Default + 'static>(
    answer: &Arc<Mutex<Arc<M>>>,
    request: hyper::Request<Incoming>,
) -> http::Response<tonic::body::Body> {
    Grpc::new(Shared::<(), M>::default()).max_decoding_message_size(usize::MAX).unary(Told(Arc::clone(answer)), request).await
}

async fn said<M: Message + Default + 'static>(
    answer: &Arc<Mutex<Arc<M>>>,
    request: hyper::Request<Incoming>,
) -> http::Response<tonic::body::Body> {
    Grpc::new(Shared::<M, pb::GetSandboxRequest>::default()).unary(Said(Arc::clone(answer)), request).await
}

/// Remembers an answer.
struct Told<M>(Arc<Mutex<Arc<M>>>);

impl<M: Message> UnaryService<M> for Told<M> {
    type Response = Arc<()>;
    type Future = Ready<Result<Response<Arc<()>>, Status>>;

    fn call(&mut self, request: Request<M>) -> Self::Future {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(request.into_inner());
        ready(Ok(Response::new(Arc::new(()))))
    }
}

/// Says it.
struct Said<M>(Arc<Mutex<Arc<M>>>);

impl<M: Message> UnaryService<pb::GetSandboxRequest> for Said<M> {
    type Response = Arc<M>;
    type Future = Ready<Result<Response<Arc<M>>, Status>>;

    fn call(&mut self, _: Request<pb::GetSandboxRequest>) -> Self::Future {
        ready(Ok(Response::new(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))))
    }
}

/// Encodes what is shared.
#[derive(Debug)]
struct Shared<E, D>(PhantomData<fn(E) -> D>);

impl<E, D> Default for Shared<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Message + 'static, D: Message + Default + 'static> Codec for Shared<E, D> {
    type Encode = Arc<E>;
    type Decode = D;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<E: Message, D> Encoder for Shared<E, D> {
    type Item = Arc<E>;
    type Error = Status;

    fn encode(&mut self, item: Arc<E>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl<E, D: Message + Default> Decoder for Shared<E, D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        D::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// The process, and a connection to it.
#[derive(Debug)]
pub struct Echo {
    /// The connection.
    pub gateway: Gateway,
    _process: Child,
    _socket: PathBuf,
}

impl Echo {
    /// Starts it: this program once more.
    ///
    /// # Errors
    /// When it does not serve.
    pub async fn start(socket: PathBuf) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let process = Command::new(program).arg("echo").arg(&socket).stdin(Stdio::null()).kill_on_drop(true).spawn()?;
        let connected = timeout(PATIENCE, async {
            loop {
                match Gateway::connect(&socket).await {
                    Ok(gateway) => return gateway,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        });
        let gateway = connected.await.map_err(|_| Failure::from("the echo server does not serve"))?;
        Ok(Self { gateway, _process: process, _socket: socket })
    }

    /// Tells it what to answer to a `GetSandbox`.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn say_get(&self, answer: Bytes) -> Outcome<()> {
        Ok(self.gateway.bytes(SAY_GET, answer).await.map(drop)?)
    }

    /// Tells it what to answer to a `ListSandboxes`.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn say_list(&self, answer: Bytes) -> Outcome<()> {
        Ok(self.gateway.bytes(SAY_LIST, answer).await.map(drop)?)
    }
}
