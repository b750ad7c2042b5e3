//! Volumes of a sandbox pod and what is mounted where.

use serde_json::{Value, json};

use super::sandbox::put_some;
use crate::config::{Config, WorkspaceVolume};
use crate::core::admit::Admitted;

/// The claim the controller makes for each sandbox; the pod's volume has the same name.
pub const WORKSPACE: &str = "workspace";
/// Where the workspace is in the sandbox container; also the working directory.
pub const WORKSPACE_PATH: &str = "/sandbox";
/// Where the projected service-account token is.
pub const TOKEN_PATH: &str = "/var/run/secrets/openshell/token";
/// Where the client's TLS files are, when there are any.
pub const TLS_DIRECTORY: &str = "/etc/openshell-tls/client";

const TOKEN: &str = "openshell-sa-token";
const TOKEN_DIRECTORY: &str = "/var/run/secrets/openshell";
/// The audience the gateway's token review asks for.
const TOKEN_AUDIENCE: &str = "openshell-gateway";
const TLS: &str = "openshell-client-tls";
/// Read for the owner only.
const OWNER_READ: u32 = 0o400;

/// `volumeClaimTemplates[0]`: the volume that outlives a stop.
#[must_use]
pub fn workspace_claim(workspace: &WorkspaceVolume) -> Value {
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": workspace.size } },
    });
    put_some(&mut spec, "storageClassName", workspace.storage_class.as_deref().map(Into::into));
    json!({ "metadata": { "name": WORKSPACE }, "spec": spec })
}

/// The pod's volumes but the supervisor's and the workspace, which the controller adds.
#[must_use]
pub fn volumes(config: &Config) -> Vec<Value> {
    let token = json!({
        "name": TOKEN,
        "projected": {
            "defaultMode": OWNER_READ,
            "sources": [{
                "serviceAccountToken": {
                    "audience": TOKEN_AUDIENCE,
                    "expirationSeconds": config.pod.token_ttl_secs,
                    "path": "token",
                },
            }],
        },
    });
    let tls = config
        .pod
        .client_tls_secret
        .as_deref()
        .map(|secret| json!({ "name": TLS, "secret": { "secretName": secret, "defaultMode": OWNER_READ } }));
    std::iter::once(token).chain(tls).collect()
}

/// What of [`volumes`] the sandbox container mounts.
#[must_use]
pub fn mounts(config: &Config) -> Vec<Value> {
    let token = json!({ "name": TOKEN, "mountPath": TOKEN_DIRECTORY, "readOnly": true });
    let tls = config.pod.client_tls_secret.as_ref().map(|_| json!({ "name": TLS, "mountPath": TLS_DIRECTORY, "readOnly": true }));
    let workspace = json!({ "name": WORKSPACE, "mountPath": WORKSPACE_PATH });
    std::iter::once(token).chain(tls).chain(std::iter::once(workspace)).collect()
}

/// Where the init container sees the new volume; the image's own files are still at [`WORKSPACE_PATH`].
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
        "volumeMounts": [{ "name": WORKSPACE, "mountPath": SEED_PATH }],
    });
    put_some(&mut container, "imagePullPolicy", config.pod.image_pull_policy.map(|policy| policy.as_str().into()));
    container
}
