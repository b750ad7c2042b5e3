//! The inside of a sandbox's pod, as far as a request must not get in its way: `admit` refuses what would, `render` writes it.

/// Names of volumes.
pub mod volume {
    /// The workspace: the claim that the controller makes for each sandbox, and the pod's volume of it.
    pub const WORKSPACE: &str = "workspace";
    /// The supervisor.
    pub const SUPERVISOR: &str = "openshell-supervisor-bin";
    /// The pod's own token.
    pub const TOKEN: &str = "openshell-sa-token";
    /// The gateway's own token.
    pub const SECRET: &str = "openshell-sandbox-token";
    /// The client's TLS files.
    pub const TLS: &str = "openshell-client-tls";
    /// The credential of the upstream proxy.
    pub const PROXY_CREDENTIAL: &str = "openshell-upstream-proxy-auth";
    /// The SPIFFE workload API.
    pub const SPIFFE: &str = "spiffe-workload-api";
    /// What the sidecar and the sandbox share.
    pub const SIDECAR_STATE: &str = "openshell-sidecar-state";
    /// The authority of the proxy that looks into TLS.
    pub const SIDECAR_TLS: &str = "openshell-supervisor-tls";

    /// Every name that a volume of ours can have; callers' volumes have others.
    pub const ALL: [&str; 9] = [WORKSPACE, SUPERVISOR, TOKEN, SECRET, TLS, PROXY_CREDENTIAL, SPIFFE, SIDECAR_STATE, SIDECAR_TLS];
}

/// Directories of the sandbox's container.
pub mod directory {
    /// The workspace; also the working directory.
    pub const WORKSPACE: &str = "/sandbox";
    /// The pod's own token.
    pub const TOKEN: &str = "/var/run/secrets/openshell";
    /// The client's TLS files, when there are any.
    pub const TLS: &str = "/etc/openshell-tls/client";
}
