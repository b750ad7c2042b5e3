//! The stable name of each kind of note, for log queries.

use super::Note;

macro_rules! events {
    ($($variant:ident => $name:literal,)*) => {
        impl Note {
            /// The names of every kind of fact.
            pub const EVENTS: &'static [&'static str] = &[$($name),*];

            /// A stable name for this kind of fact, for log queries.
            #[must_use]
            pub const fn event(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name),* }
            }
        }
    };
}

events! {
    Called => "called",
    Became => "became",
    Unclaimed => "unclaimed",
    Claimed => "claimed",
    Listing => "listing",
    Watching => "watching",
    Surveyed => "surveyed",
    Synced => "synced",
    NotObserving => "not_observing",
    Relisting => "relisting",
    Speaking => "speaking",
    WatchSilent => "watch_silent",
    BadLine => "bad_line",
    NoSandboxId => "no_sandbox_id",
    SharedSandboxId => "shared_sandbox_id",
    Relabelled => "relabelled",
    Adopted => "adopted",
    Undone => "undone",
    Stray => "stray",
    ReaderWaitedFor => "reader_waited_for",
    OpenToAnybody => "open_to_anybody",
    PolicyNotWritten => "policy_not_written",
    NotExposed => "not_exposed",
    TokenNotStored => "token_not_stored",
    Overdue => "overdue",
    GivenUp => "given_up",
    Released => "released",
    WorkspaceCreated => "workspace_created",
    WorkspaceReady => "workspace_ready",
    WorkspaceRefused => "workspace_refused",
    WorkspaceDeleted => "workspace_deleted",
    WorkspaceForeign => "workspace_foreign",
    SourceUnread => "source_unread",
    NamespacesChosen => "namespaces_chosen",
    NamespacesUnread => "namespaces_unread",
    Examining => "examining",
    Admits => "admits",
    Refuses => "refuses",
    AdmissionUnknown => "admission_unknown",
    ReaderTooSlow => "reader_too_slow",
    UnknownExchange => "unknown_exchange",
    UnknownWatch => "unknown_watch",
    UnknownCall => "unknown_call",
    Met => "met",
}
