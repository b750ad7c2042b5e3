//! Variables of the containers: the user's, then the supervisor's own over them. Facts: gateway.md §5.2, §4.14.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::credential::{SECRET_PATH, TOKEN_PATH};
use super::sidecar;
use crate::config::{Binaries, Config, Reporting, Sidecar, Topology};
use crate::core::admit::Admitted;
use crate::core::admit::environment::{LOG_LEVEL, MAIN_PROCESS_SPEC, USER_ENVIRONMENT, literal};
use crate::core::layout::directory;

/// Where the supervisor's SSH server listens in the sidecar topology: an abstract socket, which the workload cannot put another in the place of.
const ABSTRACT_SSH_SOCKET: &str = "@openshell-sidecar-ssh";

/// Variables by name, each written so that kubelet gives the process exactly what was meant.
#[derive(Default)]
struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name, literal(value));
    }

    /// What every half of the supervisor must know.
    fn set_subject(&mut self, config: &Config, admitted: &Admitted) {
        self.set("OPENSHELL_NETWORK_RUNTIME_CAPABILITIES", "");
        self.set("OPENSHELL_SANDBOX", admitted.name.as_str());
        self.set("OPENSHELL_SANDBOX_GID", &config.pod.identity.gid.to_string());
        self.set("OPENSHELL_SANDBOX_ID", admitted.id.as_str());
        self.set("OPENSHELL_SANDBOX_UID", &config.pod.identity.uid.to_string());
        let telemetry = match config.pod.telemetry.supervisor {
            Reporting::On => "true",
            Reporting::Off => "false",
        };
        self.set("OPENSHELL_TELEMETRY_ENABLED", telemetry);
    }

    /// What the half that speaks to the gateway must know.
    fn set_gateway(&mut self, config: &Config, tls_directory: &str) {
        let pod = &config.pod;
        self.set("OPENSHELL_ENDPOINT", &config.gateway_endpoint);
        if pod.credential.is_projected() {
            self.set("OPENSHELL_K8S_SA_TOKEN_FILE", TOKEN_PATH);
        }
        if pod.credential.is_secret() {
            self.set("OPENSHELL_SANDBOX_TOKEN_FILE", SECRET_PATH);
        }
        if let Some(socket) = &pod.spiffe_socket {
            self.set("OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET", socket);
        }
        if pod.client_tls_secret.is_some() {
            self.set("OPENSHELL_TLS_CA", &format!("{tls_directory}/ca.crt"));
            self.set("OPENSHELL_TLS_CERT", &format!("{tls_directory}/tls.crt"));
            self.set("OPENSHELL_TLS_KEY", &format!("{tls_directory}/tls.key"));
        }
    }

    /// What the two halves must know of each other.
    fn set_halves(&mut self) {
        self.set("OPENSHELL_NETWORK_ENFORCEMENT_MODE", "sidecar-nftables");
        self.set("OPENSHELL_PROXY_TLS_DIR", sidecar::TLS_DIRECTORY);
        self.set("OPENSHELL_SIDECAR_CONTROL_SOCKET", &format!("{}/control.sock", sidecar::STATE_DIRECTORY));
        self.set("OPENSHELL_SSH_SOCKET_PATH", ABSTRACT_SSH_SOCKET);
        self.set("OPENSHELL_SUPERVISOR_TOPOLOGY", "sidecar");
    }

    /// `env`, one entry a name (the API server refuses two), ordered by name.
    fn over(self, user: impl Iterator<Item = (String, String)>) -> Vec<Value> {
        let mut all: BTreeMap<String, String> = user.collect();
        all.extend(self.0.into_iter().map(|(name, value)| (name.to_owned(), value)));
        all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    }
}

/// `env` of the sandbox's container.
#[must_use]
pub fn of_sandbox(config: &Config, admitted: &Admitted) -> Vec<Value> {
    let mut variables = Variables::default();
    variables.set_subject(config, admitted);
    variables.set(MAIN_PROCESS_SPEC, admitted.main_process.reveal());
    // Must be empty while uid and gid are given: the supervisor takes one source of identity.
    variables.set("OPENSHELL_OCI_IMAGE_USER", "");
    match config.pod.topology {
        Topology::Combined => {
            variables.set_gateway(config, directory::TLS);
            variables.set("OPENSHELL_SSH_SOCKET_PATH", &config.pod.ssh_socket);
        }
        Topology::Sidecar(_) => variables.set_halves(),
    }
    if !admitted.environment.is_empty() {
        // Children of the SSH server start with an empty environment plus this.
        variables.set(USER_ENVIRONMENT, &admitted.environment.as_json());
    }
    variables.over(admitted.environment.iter().map(|(name, value)| (name.to_owned(), literal(value.reveal()))))
}

/// `env` of the container beside it, which sees nothing of the user's.
#[must_use]
pub fn of_network_sidecar(config: &Config, admitted: &Admitted, sidecar: Sidecar) -> Vec<Value> {
    let mut variables = Variables::default();
    variables.set_subject(config, admitted);
    variables.set_gateway(config, sidecar::CLIENT_TLS_DIRECTORY);
    variables.set_halves();
    if sidecar.binaries == Binaries::Ignored {
        variables.set("OPENSHELL_NETWORK_BINARY_IDENTITY", "relaxed");
    }
    let log_level = admitted.environment.iter().filter(|(name, _)| *name == LOG_LEVEL);
    variables.over(log_level.map(|(name, value)| (name.to_owned(), literal(value.reveal()))))
}
