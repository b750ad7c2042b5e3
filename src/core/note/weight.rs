//! How much a note matters.

use super::{Note, Outcome};
use crate::core::io::Rpc;
use crate::core::observe::state::State;

/// How much a note matters to the person who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// For finding out what happened.
    Detail,
    /// A decision.
    Event,
    /// Something a person should look at.
    Warning,
}

impl Note {
    /// How much it matters.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Called { outcome: Outcome::Ok | Outcome::Cancelled, rpc: Rpc::GetSandbox | Rpc::ListSandboxes, .. }
            | Self::Listing { .. }
            | Self::Watching { .. }
            | Self::Surveyed(_)
            | Self::Examining { .. }
            | Self::ReaderWaitedFor { .. }
            | Self::UnknownExchange { .. }
            | Self::UnknownWatch { .. }
            | Self::UnknownCall { .. }
            | Self::Met { .. } => Weight::Detail,
            Self::Called { .. }
            | Self::Became {
                state: None | Some(State::Provisioning | State::Ready | State::Stopping | State::Stopped | State::Deleting),
                ..
            }
            | Self::Claimed { .. }
            | Self::Synced { .. }
            | Self::Relisting { .. }
            | Self::Speaking { .. }
            | Self::Adopted { .. }
            | Self::Undone { .. }
            | Self::Released { .. }
            | Self::WorkspaceCreated { .. }
            | Self::WorkspaceReady { .. }
            | Self::WorkspaceDeleted { .. }
            | Self::NamespacesChosen { .. }
            | Self::Admits { .. } => Weight::Event,
            Self::Became { state: Some(State::Failed), .. }
            | Self::Unclaimed { .. }
            | Self::NotObserving { .. }
            | Self::WatchSilent { .. }
            | Self::BadLine { .. }
            | Self::NoSandboxId { .. }
            | Self::SharedSandboxId { .. }
            | Self::Relabelled { .. }
            | Self::Stray { .. }
            | Self::OpenToAnybody { .. }
            | Self::PolicyNotWritten { .. }
            | Self::NotExposed { .. }
            | Self::TokenNotStored { .. }
            | Self::Overdue { .. }
            | Self::GivenUp { .. }
            | Self::WorkspaceRefused { .. }
            | Self::WorkspaceForeign { .. }
            | Self::SourceUnread { .. }
            | Self::NamespacesUnread { .. }
            | Self::Refuses { .. }
            | Self::AdmissionUnknown { .. }
            | Self::ReaderTooSlow { .. } => Weight::Warning,
        }
    }
}
