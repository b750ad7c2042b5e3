//! How a sandbox pod is kept apart, where its supervisor stands, and what it reaches.

use serde::{Deserialize, Serialize};

use crate::core::names::ObjectName;

/// What stands between a sandbox and its node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Isolation {
    /// Whether pods have a user namespace of their own.
    pub user_namespaces: UserNamespaces,
    /// The `AppArmor` profile of the supervisor's containers; where none is said, the container runtime's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_armor: Option<Profile>,
    /// The seccomp profile of the supervisor's containers; where none is said, what kubelet is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seccomp: Option<Profile>,
    /// What the supervisor may do to the kernel.
    pub rights: Rights,
    /// The runtime class of a sandbox whose request names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_class: Option<ObjectName>,
}

/// Whether pods have a user namespace of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserNamespaces {
    /// Where a request asks for one.
    #[default]
    OnRequest,
    /// Unless a request asks for the node's.
    Usual,
    /// Always; a request for the node's is refused.
    Required,
}

/// A profile of `AppArmor` or seccomp, as Kubernetes writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The container runtime's.
    RuntimeDefault,
    /// None.
    Unconfined,
    /// One that is on the node under this name.
    Localhost(String),
}

/// What the supervisor may do to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// The capabilities it needs, and no others.
    #[default]
    Capabilities,
    /// Everything: for runtimes that refuse its mounts otherwise.
    Privileged,
}

/// Who the workload runs as; the group also owns the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Not root.
    pub uid: u32,
    /// Not root's.
    pub gid: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self { uid: 1000, gid: 1000 }
    }
}

/// Where the supervisor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// In the sandbox's container, as root; the workload beside it in a network namespace of its own.
    #[default]
    Combined,
    /// Its network half in a container beside the sandbox's, which then needs no rights at all.
    Sidecar(Sidecar),
}

/// The container beside the sandbox's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Who it runs as where it need not be root; never the workload's user, whose traffic is what it filters.
    pub proxy_uid: u32,
    /// Whether its rules may name the program that connects.
    pub binaries: Binaries,
}

/// Whether network rules may name the program that connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binaries {
    /// They may; the sidecar then looks at other users' processes, for which it is root.
    Known,
    /// They may not; the sidecar runs as its own user without any capability.
    Ignored,
}

/// Whether the mesh puts its proxy into sandbox pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mesh {
    /// It does not, whatever the namespace says.
    #[default]
    Excluded,
    /// It does.
    Injected,
}

/// How a supervisor proves to the gateway which sandbox it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// By the pod's service account token, which the gateway exchanges. Kubelet renews it, so it also works after a stop.
    #[default]
    Projected,
    /// By the token the gateway sent with the create, kept in a Secret.
    Token,
    /// By the latter, with the former beside it.
    Both,
}

impl Credential {
    /// Whether the pod mounts its service account's token for the gateway.
    #[must_use]
    pub const fn is_projected(self) -> bool {
        matches!(self, Self::Projected | Self::Both)
    }

    /// Whether the pod mounts the Secret that holds the gateway's own token.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Token | Self::Both)
    }
}

/// Whether pods can talk to the API server as their service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiToken {
    /// They get no token for it.
    #[default]
    Withheld,
    /// They get one.
    Mounted,
}

/// Whether programs in a sandbox tell their makers how they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The supervisor's.
    pub supervisor: Reporting,
    /// Claude Code's.
    pub claude: Reporting,
}

/// Whether a program reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reporting {
    /// As it does by itself.
    On,
    /// Not at all.
    Off,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { supervisor: Reporting::On, claude: Reporting::On }
    }
}

/// A proxy between sandboxes and the internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamProxy {
    /// `http://host:port`.
    pub url: String,
    /// What is reached without it, as the supervisor reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypass: Option<String>,
    /// Where its user and password are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecretKey>,
    /// What it is told to connect to.
    #[serde(default)]
    pub destination: Destination,
}

/// What a proxy is told to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The address the supervisor has found and judged.
    #[default]
    Address,
    /// The name, which it resolves itself.
    Hostname,
}

/// One key of a Secret in the sandboxes' namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretKey {
    /// The Secret.
    pub secret: String,
    /// The key.
    pub key: String,
}

/// Whether requests may ask for GPUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpus {
    /// The extended resource they are.
    pub resource: String,
    /// Whether there are any, and who says so.
    pub supply: GpuSupply,
}

impl Default for Gpus {
    fn default() -> Self {
        Self { resource: "nvidia.com/gpu".into(), supply: GpuSupply::Counted }
    }
}

/// Whether there are GPUs, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GpuSupply {
    /// There are none: requests for them are refused.
    None,
    /// The nodes there are say how many.
    Counted,
    /// The cluster adds nodes when a pod asks for them, so nodes are not looked at.
    Autoscaled,
}

/// Whether requests may mount claims that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerVolumes {
    /// They may not.
    #[default]
    Refused,
    /// Any claim in the sandboxes' namespace that is not a sandbox's own.
    Allowed,
}
