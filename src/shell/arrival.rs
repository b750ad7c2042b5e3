//! How inputs reach the loop.
//!
//! Two channels. One is bounded and carries what brings work: calls, answers, lines. The other carries what takes work back: a caller that
//! left, credit that was returned. It cannot be full, so that a `Drop` may use it, and is bounded by what went through the first: a call
//! leaves once, and gives no more credit back than it was given.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::limits;
use super::listing::Names;
use super::ops::server::Question;
use crate::contract::messages::compute::WatchSandboxesEvent;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, ExchangeId, Fault, Reply, Request, Response, TraceParent, WatchEnd, WatchId};
use crate::core::secret::Body;
use crate::core::time::Mono;

/// What brings work.
pub(super) enum Arrival {
    /// A gateway calls.
    Call(Box<Call>),
    /// An exchange ended, at that time.
    Answer { exchange: ExchangeId, result: Result<Response, Fault>, at: Instant },
    /// A line of a watch, when it was read, and the room it takes up until the core has it.
    Line { watch: WatchId, line: Body, at: Instant, room: OwnedSemaphorePermit },
    /// A watch ended.
    Closed { watch: WatchId, end: WatchEnd },
    /// The file that lists namespaces has changed.
    Namespaces(Names),
    /// Somebody asks on the health port.
    Asked(Question),
}

/// A gateway's call, as the core is told of it, and who made it.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) request: Request,
    pub(super) deadline: Option<Mono>,
    pub(super) trace: Option<TraceParent>,
    pub(super) caller: Caller,
    /// When it came.
    pub(super) at: Instant,
}

/// What takes work back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Returned {
    /// The caller left before it had its answer.
    Left(CallId),
    /// A stream's reader took so many events.
    Credit(CallId, u32),
}

/// Where a call's answer goes.
pub(super) enum Caller {
    /// To the one who waits for it.
    Waits(oneshot::Sender<Result<Reply, Status>>),
    /// To a stream: events, then an error or the end.
    Reads(mpsc::Sender<Result<WatchSandboxesEvent, Status>>),
}

impl Caller {
    /// Whether there is nobody to answer any more.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Waits(caller) => caller.is_closed(),
            Self::Reads(reader) => reader.is_closed(),
        }
    }
}

/// The sending ends of both channels.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) arrivals: mpsc::Sender<Arrival>,
    pub(super) returned: mpsc::UnboundedSender<Returned>,
}

impl Door {
    /// How many inputs wait for the loop.
    pub(super) fn waiting(&self) -> usize {
        self.arrivals.max_capacity() - self.arrivals.capacity()
    }
}

/// The receiving ends.
pub(super) struct Inbox {
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) returned: mpsc::UnboundedReceiver<Returned>,
}

/// Both channels.
pub(super) fn channel() -> (Door, Inbox) {
    let (arrivals, arriving) = mpsc::channel(limits::ARRIVALS);
    let (returned, returning) = mpsc::unbounded_channel();
    (Door { arrivals, returned }, Inbox { arrivals: arriving, returned: returning })
}

/// Brings one watch's lines, no more at a time than have room.
pub(super) struct LineSink {
    watch: WatchId,
    room: Arc<Semaphore>,
    arrivals: mpsc::Sender<Arrival>,
}

/// The loop has ended: nobody wants lines any more.
#[derive(Debug)]
pub(super) struct NobodyReads;

impl LineSink {
    pub(super) fn new(watch: WatchId, door: &Door) -> Self {
        Self { watch, room: Arc::new(Semaphore::new(limits::LINES_WAITING)), arrivals: door.arrivals.clone() }
    }

    /// Hands a line over, as soon as there is room for it.
    pub(super) async fn put(&self, line: Body) -> Result<(), NobodyReads> {
        let at = Instant::now();
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| NobodyReads)?;
        self.arrivals.send(Arrival::Line { watch: self.watch, line, at, room }).await.map_err(|_| NobodyReads)
    }
}
