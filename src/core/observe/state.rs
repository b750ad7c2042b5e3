//! What a sandbox is doing, in one word: as the gateway is told it, for log and metrics.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::conditions;
use crate::contract::messages::compute as pb;

/// What a sandbox is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is wanted and not ready yet, or not any more.
    Provisioning,
    /// Its pod is ready.
    Ready,
    /// It is to stop, and its pod is still there.
    Stopping,
    /// It has no pod and is to have none.
    Stopped,
    /// It is lost: the gateway takes what it was told for final.
    Failed,
    /// Its deletion has been asked for.
    Deleting,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Provisioning, Self::Ready, Self::Stopping, Self::Stopped, Self::Failed, Self::Deleting];

    /// What a snapshot says.
    #[must_use]
    pub fn of(shown: &pb::DriverSandbox) -> Self {
        let Some(status) = &shown.status else { return Self::Provisioning };
        if status.deleting {
            return Self::Deleting;
        }
        let find = |kind: &str| status.conditions.iter().find(|condition| condition.r#type == kind);
        match (find(conditions::SUSPENDED).map(|c| c.status.as_str()), find(conditions::READY)) {
            (Some("True"), _) => Self::Stopped,
            (Some(_), _) => Self::Stopping,
            (None, Some(ready)) if ready.status == "True" => Self::Ready,
            (None, Some(ready)) if ready.status == "False" && !conditions::may_heal(&ready.reason) => Self::Failed,
            (None, _) => Self::Provisioning,
        }
    }

    /// Its name, in log and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
