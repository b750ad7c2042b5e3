//! The Istio Gateway, as far as it is read: which hosts it serves.

use serde::Deserialize;

/// `networking.istio.io/v1` `Gateway`.
#[derive(Debug, Clone, Deserialize)]
pub struct Gateway {
    /// What it listens on.
    #[serde(default)]
    pub spec: GatewaySpec,
}

/// `spec` of a Gateway.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct GatewaySpec {
    /// A port each, with the hosts served there.
    pub servers: Vec<Server>,
}

/// One port of a Gateway.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Hosts, perhaps with a wildcard for the first label, perhaps with a namespace before a `/`.
    pub hosts: Vec<String>,
}
