//! Every setting of the core, typed. Parsing flags into it is [`crate::cli`]'s business; nothing here reads the world.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::admit::quantity::Quantity;
use crate::core::follow::settings::Exposure;
use crate::core::names::Namespace;

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
    /// How long a stopping pod gets between SIGTERM and SIGKILL, in seconds.
    pub stop_timeout_secs: u64,
    /// How sandboxes are reached from outside the cluster; not at all where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
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
}

/// Where the supervisor comes from, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisorConfig {
    /// The image that has it.
    pub image: String,
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
}
