//! One call, one stream.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tonic::codegen::tokio_stream::Stream;

use super::headers;
use crate::contract::messages::compute as pb;
use crate::contract::service::compute_driver_server::ComputeDriver;
use crate::core::grpc_status::{Code, Status};
use crate::core::io::{CallId, Reply, Request};
use crate::shell::arrival::{Arrival, Call, Caller, Door, Returned};
use crate::shell::clock::Clock;
use crate::shell::limits;

/// The contract's methods, each of which asks the core.
pub(in crate::shell) struct Service {
    door: Door,
    clock: Clock,
    calls: AtomicU64,
}

impl Service {
    pub(in crate::shell) fn new(door: Door, clock: Clock) -> Self {
        Self { door, clock, calls: AtomicU64::new(1) }
    }

    /// Brings a call to the core. The guard reports the caller's leaving.
    async fn bring<M>(&self, request: tonic::Request<M>, wrap: fn(M) -> Request, caller: Caller) -> Result<Leaving, tonic::Status> {
        let call = CallId(self.calls.fetch_add(1, Ordering::Relaxed));
        let deadline = headers::timeout(request.metadata()).map(|wait| self.clock.now().mono.after(wait));
        let trace = headers::trace(request.metadata());
        let arrival =
            Arrival::Call(Box::new(Call { id: call, request: wrap(request.into_inner()), deadline, trace, caller, at: Instant::now() }));
        let leaving = Leaving { call, door: self.door.clone(), answered: Answered::NotYet };
        match self.door.arrivals.send(arrival).await {
            Ok(()) => Ok(leaving),
            Err(_) => Err(stopping()),
        }
    }

    /// Asks and waits.
    async fn ask<M>(&self, request: tonic::Request<M>, wrap: fn(M) -> Request) -> Result<Reply, tonic::Status> {
        let (caller, reply) = oneshot::channel();
        let mut leaving = self.bring(request, wrap, Caller::Waits(caller)).await?;
        let reply = reply.await;
        leaving.answered = Answered::Yes;
        reply.map_err(|_| stopping())?.map_err(to_tonic)
    }
}

fn stopping() -> tonic::Status {
    tonic::Status::unavailable("the driver is stopping; try again when it is back")
}

/// Whether a call has had its answer.
enum Answered {
    NotYet,
    Yes,
}

/// Tells the loop when a caller leaves without an answer. The loop knows which calls it answered, so that a call ends once.
struct Leaving {
    call: CallId,
    door: Door,
    answered: Answered,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if matches!(self.answered, Answered::NotYet) {
            // An error means that the loop has ended, and every call with it.
            let _ = self.door.returned.send(Returned::Left(self.call));
        }
    }
}

/// What a `WatchSandboxes` caller reads.
pub(in crate::shell) struct Events {
    queue: mpsc::Receiver<Result<pb::WatchSandboxesEvent, Status>>,
    /// Read, but not yet told to the core.
    taken: u32,
    leaving: Leaving,
}

impl Stream for Events {
    type Item = Result<pb::WatchSandboxesEvent, tonic::Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = ready!(self.queue.poll_recv(context)) else {
            self.leaving.answered = Answered::Yes;
            return Poll::Ready(None);
        };
        match next {
            Ok(event) => {
                self.taken += 1;
                if self.taken == limits::STREAM_CREDIT_BATCH {
                    let _ = self.leaving.door.returned.send(Returned::Credit(self.leaving.call, self.taken));
                    self.taken = 0;
                }
                Poll::Ready(Some(Ok(event)))
            }
            Err(status) => {
                self.leaving.answered = Answered::Yes;
                Poll::Ready(Some(Err(to_tonic(status))))
            }
        }
    }
}

/// A status in tonic's terms.
fn to_tonic(status: Status) -> tonic::Status {
    let code = match status.code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::Aborted => tonic::Code::Aborted,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::Internal => tonic::Code::Internal,
        Code::Unavailable => tonic::Code::Unavailable,
    };
    tonic::Status::new(code, status.message)
}

macro_rules! service {
    ($($method:ident $rpc:ident: $request:ident => $response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl ComputeDriver for Service {
            $(
                async fn $method(&self, request: tonic::Request<pb::$request>) -> Result<tonic::Response<pb::$response>, tonic::Status> {
                    match self.ask(request, Request::$rpc).await? {
                        Reply::$rpc(reply) => Ok(tonic::Response::new(reply)),
                        _ => Err(tonic::Status::internal(concat!("the driver answered ", stringify!($rpc), " with another method's reply"))),
                    }
                }
            )*

            type WatchSandboxesStream = Events;

            async fn watch_sandboxes(&self, request: tonic::Request<pb::WatchSandboxesRequest>) -> Result<tonic::Response<Events>, tonic::Status> {
                // One place more than there is credit, for a status at the end.
                let (reader, queue) = mpsc::channel(limits::STREAM_CREDIT as usize + 1);
                let leaving = self.bring(request, Request::WatchSandboxes, Caller::Reads(reader)).await?;
                Ok(tonic::Response::new(Events { queue, taken: 0, leaving }))
            }
        }
    };
}

service! {
    get_capabilities GetCapabilities: GetCapabilitiesRequest => GetCapabilitiesResponse,
    authenticate_sandbox AuthenticateSandbox: AuthenticateSandboxRequest => AuthenticateSandboxResponse,
    get_gateway_listener_requirements GetGatewayListenerRequirements:
        GetGatewayListenerRequirementsRequest => GetGatewayListenerRequirementsResponse,
    validate_sandbox_create ValidateSandboxCreate: ValidateSandboxCreateRequest => ValidateSandboxCreateResponse,
    get_sandbox GetSandbox: GetSandboxRequest => GetSandboxResponse,
    list_sandboxes ListSandboxes: ListSandboxesRequest => ListSandboxesResponse,
    create_sandbox CreateSandbox: CreateSandboxRequest => CreateSandboxResponse,
    stop_sandbox StopSandbox: StopSandboxRequest => StopSandboxResponse,
    start_sandbox StartSandbox: StartSandboxRequest => StartSandboxResponse,
    delete_sandbox DeleteSandbox: DeleteSandboxRequest => DeleteSandboxResponse,
    ensure_workspace EnsureWorkspace: EnsureWorkspaceRequest => EnsureWorkspaceResponse,
    delete_workspace DeleteWorkspace: DeleteWorkspaceRequest => DeleteWorkspaceResponse,
}
