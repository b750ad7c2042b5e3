//! Why a kind of object is listed or watched.

use serde::{Deserialize, Serialize};

/// Why everything is listed, or a watch opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The driver has begun to observe this kind.
    Start,
    /// The list before it is whole.
    Listed,
    /// The watch before it came to its end in good order.
    CleanEnd,
    /// The watch before it ended as soon as it had begun.
    EarlyEnd,
    /// The watch before it broke.
    Broken,
    /// A watch was refused.
    Refused,
    /// The history from which a watch would go on is gone (410).
    Expired,
    /// The watch said that it cannot go on.
    ErrorLine,
    /// A line of the watch could not be read.
    BadLine,
    /// The watch was silent for too long.
    Silence,
    /// The list before it failed.
    Failed,
    /// Another version of the resource is spoken.
    Version,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Listed,
        Self::CleanEnd,
        Self::EarlyEnd,
        Self::Broken,
        Self::Refused,
        Self::Expired,
        Self::ErrorLine,
        Self::BadLine,
        Self::Silence,
        Self::Failed,
        Self::Version,
    ];

    /// Its name, in log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Listed => "listed",
            Self::CleanEnd => "clean_end",
            Self::EarlyEnd => "early_end",
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::ErrorLine => "error_line",
            Self::BadLine => "bad_line",
            Self::Silence => "silence",
            Self::Failed => "failed",
            Self::Version => "version",
        }
    }
}
