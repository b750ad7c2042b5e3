//! The workspace, and what callers bring.

use serde_json::{Value, json};

use super::sandbox::put_some;
use crate::config::{Config, WorkspaceVolume};
use crate::core::admit::Admitted;
use crate::core::layout::{directory, volume};

/// Whether the sandbox gets a workspace that outlives a stop. One that mounts something of its own in there keeps its work on that, and its group is
/// not made owner of files that were there before.
#[must_use]
pub fn has_workspace(admitted: &Admitted) -> bool {
    !admitted.volumes.mounts.iter().any(|mount| mount.path.is_in_workspace())
}

/// `volumeClaimTemplates[0]`: the volume that outlives a stop.
#[must_use]
pub fn workspace_claim(workspace: &WorkspaceVolume) -> Value {
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": workspace.size } },
    });
    put_some(&mut spec, "storageClassName", workspace.storage_class.as_deref().map(Into::into));
    json!({ "metadata": { "name": volume::WORKSPACE }, "spec": spec })
}

/// The claims that callers bring.
pub fn claims(admitted: &Admitted) -> impl Iterator<Item = Value> {
    admitted.volumes.claims.iter().map(|claim| {
        json!({ "name": claim.name, "persistentVolumeClaim": { "claimName": claim.claim, "readOnly": claim.access.is_read_only() } })
    })
}

/// Where the sandbox's container sees them, and its workspace.
#[must_use]
pub fn mounts(admitted: &Admitted) -> Vec<Value> {
    let callers = admitted.volumes.mounts.iter().map(|mount| {
        let mut value = json!({ "name": mount.name, "mountPath": mount.path.as_str(), "readOnly": mount.access.is_read_only() });
        put_some(&mut value, "subPath", mount.sub_path.as_deref().map(Into::into));
        value
    });
    let workspace = has_workspace(admitted).then(|| json!({ "name": volume::WORKSPACE, "mountPath": directory::WORKSPACE }));
    callers.chain(workspace).collect()
}

/// Where the init container sees the new volume; the image's own files are still at [`directory::WORKSPACE`].
const SEED_PATH: &str = "/workspace-pvc";

/// Fills a new workspace with what the image has at `/sandbox`, which mounting the volume there would hide. Runs in the sandbox's own image;
/// one without tar starts with an empty workspace rather than not at all. The mark is made last, so that a copy that was cut short
/// is done again.
const SEED: &str = "set -u
mark=/workspace-pvc/.workspace-initialized
[ -e \"$mark\" ] && exit 0
if [ -d /sandbox ] && command -v tar >/dev/null 2>&1; then
  set -e
  archive=/workspace-pvc/.workspace-seed.tar
  tar -C /sandbox -cf \"$archive\" .
  tar -C /workspace-pvc --no-same-owner --no-same-permissions --touch -xf \"$archive\"
  rm -f \"$archive\"
fi
touch \"$mark\"";

/// The init container that runs the seed script.
#[must_use]
pub fn workspace_init(config: &Config, admitted: &Admitted) -> Value {
    let mut container = json!({
        "name": "workspace-init",
        "image": admitted.image,
        "command": ["sh", "-c", SEED],
        "securityContext": { "allowPrivilegeEscalation": false, "runAsUser": 0 },
        "resources": {
            "requests": { "cpu": "10m", "memory": "32Mi" },
            "limits": { "cpu": "1", "memory": "256Mi" },
        },
        "volumeMounts": [{ "name": volume::WORKSPACE, "mountPath": SEED_PATH }],
    });
    put_some(&mut container, "imagePullPolicy", config.pod.image_pull_policy.map(|policy| policy.as_str().into()));
    container
}
