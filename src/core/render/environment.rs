//! The sandbox container's variables: the user's, then the supervisor's own over them. Facts: gateway.md §5.2.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::volumes::{TLS_DIRECTORY, TOKEN_PATH};
use crate::config::Config;
use crate::core::admit::Admitted;
use crate::core::admit::environment::{MAIN_PROCESS_SPEC, USER_ENVIRONMENT, literal};

/// `env` of the sandbox container, one entry a name (the API server refuses two), ordered by name. Every value is written so that kubelet
/// gives the process exactly what was meant.
#[must_use]
pub fn variables(config: &Config, admitted: &Admitted) -> Vec<Value> {
    let mut variables: BTreeMap<&str, String> = admitted.environment.iter().map(|(name, value)| (name, literal(value.reveal()))).collect();
    let mut set = |name, value: &str| {
        variables.insert(name, literal(value));
    };
    set("OPENSHELL_ENDPOINT", &config.gateway_endpoint);
    set("OPENSHELL_K8S_SA_TOKEN_FILE", TOKEN_PATH);
    set(MAIN_PROCESS_SPEC, admitted.main_process.as_str());
    set("OPENSHELL_NETWORK_RUNTIME_CAPABILITIES", "");
    // Must be empty while uid and gid are given: the supervisor takes one source of identity.
    set("OPENSHELL_OCI_IMAGE_USER", "");
    set("OPENSHELL_SANDBOX", admitted.name.as_str());
    set("OPENSHELL_SANDBOX_GID", &SANDBOX_GID.to_string());
    set("OPENSHELL_SANDBOX_ID", admitted.id.as_str());
    set("OPENSHELL_SANDBOX_UID", &SANDBOX_UID.to_string());
    set("OPENSHELL_SSH_SOCKET_PATH", SSH_SOCKET);
    set("OPENSHELL_TELEMETRY_ENABLED", "true");
    if config.pod.client_tls_secret.is_some() {
        set("OPENSHELL_TLS_CA", &format!("{TLS_DIRECTORY}/ca.crt"));
        set("OPENSHELL_TLS_CERT", &format!("{TLS_DIRECTORY}/tls.crt"));
        set("OPENSHELL_TLS_KEY", &format!("{TLS_DIRECTORY}/tls.key"));
    }
    if !admitted.environment.is_empty() {
        // Children of the SSH server start with an empty environment plus this.
        set(USER_ENVIRONMENT, &admitted.environment.as_json());
    }
    variables.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// Who the workload runs as.
pub const SANDBOX_UID: u32 = 1000;
/// The workload's group, which also owns the workspace.
pub const SANDBOX_GID: u32 = 1000;
/// Where the supervisor's SSH server listens; without it there is no session with the gateway.
const SSH_SOCKET: &str = "/run/openshell/ssh.sock";
