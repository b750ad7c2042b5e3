//! How far one sandbox is, and what comes next for it.

use serde::{Deserialize, Serialize};

use crate::core::follow::condition::Exposed;
use crate::core::follow::render::Host;
use crate::core::io::ExchangeId;
use crate::core::kube::kind::Kind;
use crate::core::kube::path::ApiVersion;
use crate::core::names::Uid;
use crate::core::territory::ObjectKey;

/// How far one sandbox is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) uid: Uid,
    /// Where everything that exposes it is, and what it is called.
    pub(super) key: ObjectKey,
    pub(super) plan: Option<Plan>,
    pub(super) state: State,
    pub(super) failures: u32,
    /// What went wrong last.
    pub(super) trouble: Option<Exposed>,
    pub(super) origin: Origin,
    /// What it had come to when that was looked at last.
    pub(super) settled: Option<Exposed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Nothing is to be done, or nothing can be.
    Resting,
    /// Its turn has not come.
    Queued,
    /// A request is out.
    Acting(ExchangeId, Kind, Act),
    /// When the timer fires, this.
    Pausing(Then),
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Act {
    Post,
    Patch,
    Read,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Then {
    /// Judge again.
    Judge,
    /// See whether the name is still another's.
    Read(Kind),
}

/// Whether this process made something for it: only then is it news that it is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Origin {
    Found,
    Made,
}

/// What is wished for, as digests, and what that hangs on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) host: Host,
    pub(super) version: ApiVersion,
    pub(super) digests: Vec<(Kind, String)>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Do(Kind, Act),
    /// The name is another's; nothing tells us when it is free.
    LookAgain(Kind),
}

impl Act {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Post => "posting",
            Self::Patch => "patching",
            Self::Read => "reading",
        }
    }

    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Post => "create",
            Self::Patch => "patch",
            Self::Read => "get",
        }
    }
}

impl Track {
    pub(super) const fn new(uid: Uid, key: ObjectKey) -> Self {
        Self { uid, key, plan: None, state: State::Resting, failures: 0, trouble: None, origin: Origin::Found, settled: None }
    }
}
