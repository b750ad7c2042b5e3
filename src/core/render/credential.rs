//! What a supervisor shows to the gateway, and with what it checks the gateway. Facts: gateway.md §5.4, §5.5.

use serde_json::{Value, json};

use crate::config::{Config, Topology};
use crate::core::admit::Admitted;
use crate::core::digest;
use crate::core::layout::{directory, volume};
use crate::core::names::{ObjectName, SandboxId};

/// Where the pod's own token is, which the gateway exchanges.
pub const TOKEN_PATH: &str = "/var/run/secrets/openshell/token";
/// Where the gateway's own token is, where it is kept in a Secret.
pub const SECRET_PATH: &str = "/etc/openshell/credential/sandbox.jwt";
/// The key of the Secret that holds the gateway's own token.
pub const SECRET_KEY: &str = "sandbox.jwt";

const SECRET_DIRECTORY: &str = "/etc/openshell/credential";
/// The audience the gateway's token review asks for.
const TOKEN_AUDIENCE: &str = "openshell-gateway";
/// Read for the owner only.
const OWNER_READ: u32 = 0o400;
/// Read for the group, too.
const GROUP_READ: u32 = 0o440;

/// The Secret that holds the gateway's own token of a sandbox. Named after the sandbox's id, which no other has: the pod must name it before anybody
/// can look whether the name is free, and the driver may not look.
#[must_use]
pub fn secret_name(sandbox: &SandboxId) -> String {
    let label = sandbox.label_value();
    let name = if ObjectName::parse(&label).is_ok() { label } else { digest::short(&[sandbox.as_str()]) };
    format!("openshell-token-{name}")
}

/// Whoever reads them is root where supervisor and workload share a container, and otherwise of the pod's group.
#[must_use]
pub const fn file_mode(config: &Config) -> u32 {
    match config.pod.topology {
        Topology::Combined => OWNER_READ,
        Topology::Sidecar(_) => GROUP_READ,
    }
}

/// The volumes.
#[must_use]
pub fn volumes(config: &Config, admitted: &Admitted) -> Vec<Value> {
    let pod = &config.pod;
    let mode = file_mode(config);
    let token = pod.credential.is_projected().then(|| {
        json!({
            "name": volume::TOKEN,
            "projected": {
                "defaultMode": mode,
                "sources": [{
                    "serviceAccountToken": {
                        "audience": TOKEN_AUDIENCE,
                        "expirationSeconds": pod.token_ttl_secs,
                        "path": "token",
                    },
                }],
            },
        })
    });
    let secret = pod.credential.is_secret().then(|| {
        json!({ "name": volume::SECRET, "secret": {
            "secretName": secret_name(&admitted.id),
            "defaultMode": mode,
            "items": [{ "key": SECRET_KEY, "path": SECRET_KEY }],
        } })
    });
    let tls = pod
        .client_tls_secret
        .as_deref()
        .map(|secret| json!({ "name": volume::TLS, "secret": { "secretName": secret, "defaultMode": mode } }));
    [token, secret, tls].into_iter().flatten().collect()
}

/// Where whoever speaks to the gateway has the tokens.
#[must_use]
pub fn token_mounts(config: &Config) -> Vec<Value> {
    let credential = config.pod.credential;
    let token = credential.is_projected().then(|| json!({ "name": volume::TOKEN, "mountPath": directory::TOKEN, "readOnly": true }));
    let secret = credential.is_secret().then(|| json!({ "name": volume::SECRET, "mountPath": SECRET_DIRECTORY, "readOnly": true }));
    token.into_iter().chain(secret).collect()
}

/// Where it has the TLS files.
#[must_use]
pub fn tls_mount(config: &Config) -> Option<Value> {
    config.pod.client_tls_secret.as_ref().map(|_| json!({ "name": volume::TLS, "mountPath": directory::TLS, "readOnly": true }))
}
