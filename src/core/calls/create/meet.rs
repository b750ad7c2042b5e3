//! What an object of the wanted name is to a create.

use super::{Create, Fate};
use crate::core::calls::Cx;
use crate::core::grpc_status::Status;
use crate::core::kube::sandbox::Sandbox;
use crate::core::observe::sandbox::Observed;
use crate::core::secret::Body;

/// What an object of the wanted name is to this create.
pub(super) enum Met {
    /// It is what was to be created.
    Ours(Box<Sandbox>),
    /// It is something on its way out.
    Leaving,
    /// It is what was to be created, and somebody has deleted it already.
    Lost,
    /// It is something else.
    Other(Status),
    /// What came cannot be read, and proves nothing.
    Unreadable,
}

impl Create {
    /// Judges an object of the wanted name.
    pub(super) fn meet(&self, cx: &Cx<'_, '_>, body: &Body) -> Met {
        let Ok(object) = serde_json::from_slice::<Sandbox>(&body.0) else {
            return Met::Unreadable;
        };
        let leaves = object.metadata.deletion_timestamp.is_some();
        match Observed::of(object.clone(), cx.cluster.api()) {
            Ok(there) if there.id == self.id && there.digest.as_deref() == Some(&self.digest) => match (leaves, self.fate) {
                (false, _) => Met::Ours(Box::new(object)),
                (true, Fate::Possible) => Met::Lost,
                (true, Fate::Nothing) => Met::Leaving,
            },
            _ if leaves => Met::Leaving,
            Ok(there) => {
                Met::Other(Status::already_exists(format!("Sandbox {} is there already, with the sandbox id {}", self.object, there.id)))
            }
            Err(_) => Met::Other(Status::already_exists(format!(
                "Sandbox {} is there already and belongs to {}; it is not touched: look with kubectl get sandbox {} -n {} -o yaml",
                self.object,
                object.metadata.labels.gateway_id.map_or_else(|| "nobody we know".into(), |gateway| format!("gateway {gateway}")),
                self.object.name(),
                self.object.namespace(),
            ))),
        }
    }
}
