//! Every setting of the core, typed. Parsing flags into it is [`crate::cli`]'s business; nothing here reads the world.

mod pod;
pub mod workspaces;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::workspaces::{Choice, NetworkRules, WorkspaceMode};
use crate::core::admit::quantity::Quantity;
use crate::core::follow::settings::Exposure;
use crate::core::names::Namespace;

pub use self::pod::{
    ApiToken, Binaries, CallerVolumes, Credential, Destination, GpuSupply, Gpus, Identity, Isolation, Mesh, Profile, Reporting, Rights,
    SecretKey, Sidecar, Telemetry, Topology, UpstreamProxy, UserNamespaces,
};

/// How the driver behaves. Everything is decided at start; nothing of it changes while the driver runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where sandboxes live.
    pub namespace: Namespace,
    /// Which gateway's sandboxes are ours, where several share a namespace.
    pub gateway_id: String,
    /// Where supervisors find the gateway: an `http://` or `https://` URL.
    pub gateway_endpoint: String,
    /// What pods are made of.
    pub pod: PodConfig,
    /// How long a sandbox may take to get ready before the gateway is told that it is lost, in seconds; for ever where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal_after_secs: Option<u64>,
    /// How long a stopping pod gets between SIGTERM and SIGKILL, in seconds.
    pub stop_timeout_secs: u64,
    /// How sandboxes are reached from outside the cluster; not at all where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// Where the sandboxes of a workspace live.
    #[serde(default, skip_serializing_if = "WorkspaceMode::is_shared")]
    pub workspaces: WorkspaceMode,
    /// What sandboxes may reach, and what may reach them; anything, where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkRules>,
}

/// What every sandbox pod is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodConfig {
    /// The image of a sandbox whose request names none.
    pub image: String,
    /// When kubelet pulls images; its own default where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Names of image pull secrets in the namespace.
    #[serde(default)]
    pub image_pull_secrets: Vec<String>,
    /// The service account whose projected token a supervisor shows to the gateway.
    pub service_account: String,
    /// Where the supervisor comes from.
    pub supervisor: SupervisorConfig,
    /// The secret with `ca.crt`, `tls.crt` and `tls.key` for `https://` gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_tls_secret: Option<String>,
    /// How long a projected token is valid, in seconds; 600 to 86,400.
    pub token_ttl_secs: u32,
    /// The workspace volume.
    pub workspace: WorkspaceVolume,
    /// What a sandbox gets that asks for nothing.
    pub default_resources: DefaultResources,
    /// What stands between a sandbox and its node.
    #[serde(default)]
    pub isolation: Isolation,
    /// Who the workload runs as.
    #[serde(default)]
    pub identity: Identity,
    /// Where the supervisor runs.
    #[serde(default)]
    pub topology: Topology,
    /// Whether the mesh puts its proxy into sandbox pods.
    #[serde(default)]
    pub mesh: Mesh,
    /// How a supervisor proves which sandbox it is.
    #[serde(default)]
    pub credential: Credential,
    /// Whether pods can talk to the API server.
    #[serde(default)]
    pub api_token: ApiToken,
    /// Whether programs report how they are used.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// The proxy between sandboxes and the internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<UpstreamProxy>,
    /// The socket of the SPIFFE workload API, in a directory that its CSI driver provides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spiffe_socket: Option<String>,
    /// Where the supervisor's SSH server listens.
    #[serde(default = "ssh_socket")]
    pub ssh_socket: String,
    /// The address that `host.openshell.internal` and `host.docker.internal` stand for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_gateway: Option<String>,
    /// Whether requests may ask for GPUs.
    #[serde(default)]
    pub gpus: Gpus,
    /// Whether requests may mount claims that are there already.
    #[serde(default)]
    pub caller_volumes: CallerVolumes,
}

/// Where the supervisor's SSH server listens unless somebody says otherwise.
fn ssh_socket() -> String {
    "/run/openshell/ssh.sock".into()
}

/// Where the supervisor comes from, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisorConfig {
    /// The image that has it.
    pub image: String,
    /// When kubelet pulls it; as the sandbox's where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Its path in that image.
    pub binary_path: String,
    /// The directory of the sandbox container that gets it.
    pub mount_path: String,
    /// How it gets there.
    pub sideload: Sideload,
}

/// How the supervisor gets into the sandbox container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sideload {
    /// An image volume where the API server is new enough to have them by default, otherwise an init container.
    Auto,
    /// An init container copies it into an `emptyDir`.
    InitContainer,
    /// Its image is mounted.
    ImageVolume,
}

/// `imagePullPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// Every time.
    Always,
    /// Where the node has none.
    IfNotPresent,
    /// Not at all.
    Never,
}

impl PullPolicy {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// The volume at `/sandbox` that outlives a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceVolume {
    /// Its size.
    pub size: Quantity,
    /// Its storage class; the cluster's default where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// Limits of a sandbox that names none. Requests are a fraction of them, so that idle sandboxes pack well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultResources {
    /// CPU limit.
    pub cpu: Quantity,
    /// CPU request.
    pub cpu_request: Quantity,
    /// Memory limit.
    pub memory: Quantity,
    /// Memory request.
    pub memory_request: Quantity,
    /// Limit of what is written outside volumes, logs included.
    pub ephemeral_storage: Quantity,
    /// Request for what is written outside volumes.
    pub ephemeral_storage_request: Quantity,
}

impl Config {
    /// How long a pod has to end before it is killed.
    #[must_use]
    pub const fn stop_grace(&self) -> Duration {
        Duration::from_secs(self.stop_timeout_secs)
    }

    /// How long a sandbox may take to get ready before it is given up.
    #[must_use]
    pub fn terminal_after(&self) -> Option<Duration> {
        self.terminal_after_secs.map(Duration::from_secs)
    }
}
