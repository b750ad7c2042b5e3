//! `StartSandbox`: says OK when the API server has taken the wish. What the controller makes of it comes as snapshots.

use serde::{Deserialize, Serialize};

use super::mode::{Progress, SetMode};
use super::{Cx, Event, Step};
use crate::contract::messages::compute as pb;
use crate::core::admit::named;
use crate::core::grpc_status::Status;
use crate::core::io::Reply;
use crate::core::kube::sandbox::OperatingMode;
use crate::core::names::SandboxId;

/// A start in progress.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start(SetMode);

impl Start {
    /// Checks a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an id that is none.
    pub fn admit(request: &pb::StartSandboxRequest) -> Result<Self, Status> {
        let id = named("sandbox_id", SandboxId::parse(&request.sandbox_id))?;
        Ok(Self(SetMode::new(id, OperatingMode::Running)))
    }

    /// Whether it waits to hear which versions are served.
    #[must_use]
    pub fn waits_for_versions(&self) -> bool {
        self.0.waits_for_versions()
    }

    /// Takes a step.
    pub fn on(&mut self, cx: &mut Cx<'_, '_>, event: Event) -> Step {
        cx.turn.met("start", self.0.state_name(), event.name());
        match self.0.on(cx, event) {
            Progress::Waiting => Step::Wait,
            Progress::Set(_) => Step::Reply(Ok(Reply::StartSandbox(pb::StartSandboxResponse::default()))),
            Progress::Refused(status) => Step::Reply(Err(status)),
            Progress::Abandoned => Step::Done,
        }
    }
}
