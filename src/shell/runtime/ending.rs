//! How the loop ended.

/// How the loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::shell) enum Ending {
    /// It was told to.
    Stopped,
    /// The socket could not be had; the text says why and what to do.
    Failed(String),
    /// The cluster is not fit; the text says why and what to do.
    Unfit(String),
}
