//! The topology in which the sandbox's container has no rights: what needs them is done before it starts, by an init container, and beside it, by a
//! container that all its traffic must pass. Facts: gateway.md §4.14.

use serde_json::{Value, json};

use super::{credential, environment, network, security, supervisor};
use crate::config::{Binaries, Config, Sidecar};
use crate::core::admit::Admitted;
use crate::core::layout::volume;

/// Where [`volume::SIDECAR_STATE`] is.
pub const STATE_DIRECTORY: &str = "/run/openshell-sidecar";
/// Where [`volume::SIDECAR_TLS`] is.
pub const TLS_DIRECTORY: &str = "/etc/openshell-tls/proxy";
/// Where the init container copies the client's TLS files to, for the sidecar.
pub const CLIENT_TLS_DIRECTORY: &str = "/etc/openshell-tls/proxy/client";

/// To look at processes of other users.
const CAPABILITIES_TO_KNOW: [&str; 2] = ["SYS_PTRACE", "DAC_READ_SEARCH"];
/// To write the pod's packet filter, and to hand the volumes over.
const CAPABILITIES_TO_PREPARE: [&str; 4] = ["NET_ADMIN", "NET_RAW", "CHOWN", "FOWNER"];
const ROOT: u32 = 0;

/// Who the sidecar runs as, whom alone the packet filter lets out.
const fn proxy_user(sidecar: Sidecar) -> u32 {
    match sidecar.binaries {
        Binaries::Known => ROOT,
        Binaries::Ignored => sidecar.proxy_uid,
    }
}

/// The two volumes; both are small.
#[must_use]
pub fn volumes() -> [Value; 2] {
    [volume::SIDECAR_STATE, volume::SIDECAR_TLS].map(|name| json!({ "name": name, "emptyDir": { "sizeLimit": "16Mi" } }))
}

/// Where all three containers have them.
#[must_use]
pub fn mounts() -> [Value; 2] {
    [
        json!({ "name": volume::SIDECAR_STATE, "mountPath": STATE_DIRECTORY }),
        json!({ "name": volume::SIDECAR_TLS, "mountPath": TLS_DIRECTORY }),
    ]
}

/// The init container that writes the pod's packet filter.
#[must_use]
pub fn network_init(config: &Config, sidecar: Sidecar) -> Value {
    let proxy_user = proxy_user(sidecar).to_string();
    let proxy_group = config.pod.identity.gid.to_string();
    let command = [
        config.pod.supervisor.binary_path.as_str(),
        "--mode=network-init",
        "--proxy-uid",
        &proxy_user,
        "--proxy-gid",
        &proxy_group,
        "--sidecar-state-dir",
        STATE_DIRECTORY,
        "--sidecar-tls-dir",
        TLS_DIRECTORY,
    ];
    let mounts: Vec<Value> = mounts().into_iter().chain(credential::tls_mount(config)).collect();
    supervisor::container(
        config,
        json!({
            "name": "openshell-network-init",
            "command": command,
            "resources": {
                "requests": { "cpu": "10m", "memory": "32Mi" },
                "limits": { "cpu": "500m", "memory": "128Mi" },
            },
            "securityContext": security::confined(config, ROOT, None, &CAPABILITIES_TO_PREPARE),
            "volumeMounts": mounts,
        }),
    )
}

/// The container that all traffic passes.
#[must_use]
pub fn network(config: &Config, admitted: &Admitted, sidecar: Sidecar) -> Value {
    let mut command = vec![config.pod.supervisor.binary_path.clone(), "--mode=network".to_owned()];
    command.extend(network::proxy_arguments(config.pod.proxy.as_ref()));
    let capabilities: &[&str] = match sidecar.binaries {
        Binaries::Known => &CAPABILITIES_TO_KNOW,
        Binaries::Ignored => &[],
    };
    let mounts: Vec<Value> = mounts().into_iter().chain(credential::token_mounts(config)).chain(network::mounts(config)).collect();
    supervisor::container(
        config,
        json!({
            "name": "openshell-supervisor-network",
            "command": command,
            "env": environment::of_network_sidecar(config, admitted, sidecar),
            "resources": {
                "requests": { "cpu": "50m", "memory": "64Mi" },
                "limits": { "cpu": "1", "memory": "512Mi" },
            },
            "securityContext": security::confined(config, proxy_user(sidecar), Some(config.pod.identity.gid), capabilities),
            "volumeMounts": mounts,
        }),
    )
}
