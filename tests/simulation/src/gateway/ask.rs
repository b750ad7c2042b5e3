//! What a gateway asks of its driver, and what it hears.

use crate::driver::contract::messages::compute as pb;

/// Names a call of a gateway; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// `GetCapabilities`
    Capabilities,
    /// `GetGatewayListenerRequirements`
    Listeners,
    /// `ValidateSandboxCreate`
    Validate(Box<pb::DriverSandbox>),
    /// `CreateSandbox`
    Create(Box<pb::DriverSandbox>),
    /// `GetSandbox`
    Get(Subject),
    /// `ListSandboxes`
    List,
    /// `StopSandbox`
    Stop(Subject),
    /// `StartSandbox`
    Start(Subject),
    /// `DeleteSandbox`
    Delete(Subject),
    /// `WatchSandboxes`
    Watch,
    /// `EnsureWorkspace`
    EnsureWorkspace(String),
    /// `DeleteWorkspace`
    DeleteWorkspace(String),
}

impl Ask {
    /// The method's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Capabilities => "GetCapabilities",
            Self::Listeners => "GetGatewayListenerRequirements",
            Self::Validate(_) => "ValidateSandboxCreate",
            Self::Create(_) => "CreateSandbox",
            Self::Get(_) => "GetSandbox",
            Self::List => "ListSandboxes",
            Self::Stop(_) => "StopSandbox",
            Self::Start(_) => "StartSandbox",
            Self::Delete(_) => "DeleteSandbox",
            Self::Watch => "WatchSandboxes",
            Self::EnsureWorkspace(_) => "EnsureWorkspace",
            Self::DeleteWorkspace(_) => "DeleteWorkspace",
        }
    }

    /// The sandbox it is about.
    #[must_use]
    pub fn sandbox(&self) -> Option<&str> {
        match self {
            Self::Validate(sandbox) | Self::Create(sandbox) => Some(&sandbox.id),
            Self::Get(subject) | Self::Stop(subject) | Self::Start(subject) | Self::Delete(subject) => Some(&subject.id),
            Self::Capabilities | Self::Listeners | Self::List | Self::Watch | Self::EnsureWorkspace(_) | Self::DeleteWorkspace(_) => None,
        }
    }
}

/// The sandbox a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// The user's name of it.
    pub name: String,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// To whatever is answered by nothing but OK. Of a stream, its good end.
    Done,
    /// To `GetSandbox`.
    Got(Option<Box<pb::DriverSandbox>>),
    /// To `ListSandboxes`.
    Listed(Vec<pb::DriverSandbox>),
    /// To `DeleteSandbox`.
    Deleted(Existed),
}

/// `DeleteSandboxResponse.deleted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existed {
    /// true
    Yes,
    /// false
    No,
}

/// A gRPC status that is not OK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its code, as gRPC writes it.
    pub code: Code,
    /// What it says.
    pub message: String,
}

/// gRPC codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// 2, what a broken connection may look like.
    Unknown,
    /// 3
    InvalidArgument,
    /// 4
    DeadlineExceeded,
    /// 5
    NotFound,
    /// 6
    AlreadyExists,
    /// 7
    PermissionDenied,
    /// 8
    ResourceExhausted,
    /// 9
    FailedPrecondition,
    /// 10
    Aborted,
    /// 12
    Unimplemented,
    /// 13
    Internal,
    /// 14
    Unavailable,
}

/// An answer.
pub type Heard = Result<Said, Refusal>;
