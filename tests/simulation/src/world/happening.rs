//! Everything that can be due.

use crate::driver::core::io::{CallId, ExchangeId, Fault, HttpRequest, Response, WatchId};

use crate::gateway::ask::{Heard, Ticket};
use crate::gateway::{Timer, Wish};
use crate::scenario::Kind;

/// One process of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// Which driver.
    pub driver: usize,
    /// Its how-manieth process, from 1.
    pub number: u32,
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "driver {}.{}", self.driver, self.number)
    }
}

/// Something that is due.
#[derive(Debug)]
pub enum Happening {
    /// A driver's process begins.
    StartDriver(usize),
    /// It opens its socket, synced or not.
    Bind(Life),
    /// The time it asked for has come, unless it has asked for another since.
    Wake(Life, u64),
    /// It was told to stop and has not.
    Leave(Life),
    /// A request reaches the API server.
    Reach(Life, ExchangeId, Box<Errand>),
    /// An answer reaches the driver.
    Land(Life, ExchangeId, Box<Result<Response, Fault>>),
    /// A watch reaches the API server.
    OpenWatch(Life, WatchId, Box<HttpRequest>),
    /// The next of a watch reaches the driver.
    WatchItem(Life, WatchId),
    /// A call reaches the driver.
    Arrive(Ticket),
    /// A hang-up reaches the driver.
    HangUp(Ticket),
    /// A call is not answered yet.
    Overdue(Ticket),
    /// An answer reaches the gateway.
    Answer(Ticket, Box<Heard>),
    /// The gateway takes the next event of a stream.
    Read(Ticket),
    /// Credit reaches the driver.
    Credit(Life, CallId, u32),
    /// A gateway is reminded.
    Alarm(usize, Timer),
    /// A gateway's process begins.
    StartGateway(usize),
    /// A gateway's process dies.
    KillGateway(usize),
    /// The lease goes to another replica.
    MoveLease(usize),
    /// A supervisor calls its gateway.
    Supervisor {
        /// Its pod.
        pod: String,
        /// The sandbox.
        sandbox: String,
    },
    /// A user wishes something.
    Wish,
    /// A user's second wish, which follows from the first.
    Follow(usize, Box<Wish>),
    /// A driver is told to stop.
    StopDriver,
    /// A wall clock jumps.
    JumpClock,
    /// Somebody looks how much there is of everything in each driver.
    Survey,
    /// Something happens to the API server.
    Server(ServerAct),
    /// Somebody else does something.
    Other(Kind),
    /// Somebody deletes a Sandbox that has just been created.
    Reap(crate::truth::Place),
    /// What somebody did is undone.
    Undo(Box<Undo>),
    /// Nothing goes wrong any more.
    Calm,
    /// All must be quiet.
    Inspect,
    /// The answers to the inspection are in.
    End,
}

/// What happens to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerAct {
    /// It restarts.
    Restart,
    /// Its history is compacted.
    Compact,
    /// A backup is taken, which a restore will use.
    Backup,
    /// The backup is restored.
    Restore,
    /// It goes away.
    Down,
    /// It is back.
    Up,
}

/// How an act of others is undone.
#[derive(Debug, Clone)]
pub enum Undo {
    /// Labels are put back on the object of this UID.
    Relabel(crate::truth::Place, String, serde_json::Value),
    /// The object of this UID gets its user's name back.
    Rename(crate::truth::Place, String, serde_json::Value),
    /// A Sandbox is resumed.
    Resume(crate::truth::Place),
    /// Rights are given back.
    Rights,
    /// The controller goes on.
    Controller,
    /// The garbage collector goes on.
    Collector,
    /// The resource is served again.
    Definition,
    /// The namespace is made again.
    Namespace(String),
    /// The node is back.
    Node,
    /// The quota is lifted.
    Quota(String),
}

/// A request on its way.
#[derive(Debug)]
pub struct Errand {
    /// When it was sent.
    pub sent_ms: u64,
    /// The request.
    pub request: HttpRequest,
    /// What becomes of its answer.
    pub answer: AnswerFate,
    /// How often it is carried out.
    pub times: Times,
}

/// How often a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// As it should be.
    Once,
    /// A proxy has tried again.
    Twice,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFate {
    /// It arrives.
    Arrives,
    /// The connection breaks before it does.
    Breaks,
    /// Nothing is heard any more.
    Silence,
    /// Instead of it, 5xx arrives.
    Fails,
    /// It arrives spoilt.
    Mangled,
    /// It is too large to be read.
    TooLarge,
    /// It comes byte by byte, and is whole at the last moment.
    Trickles,
}
