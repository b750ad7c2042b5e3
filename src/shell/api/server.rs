//! Where the API server is.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::credentials::Bearer;
use super::kubeconfig;
use crate::core::secret::Secret;

/// Names another directory than the service account's for `ca.crt` and `token`: for a driver that runs outside a pod.
pub const CREDENTIALS_DIR: &str = "OPENSHELL_DRIVER_API_CREDENTIALS_DIR";

/// Where kubelet puts a pod's credentials.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// Where the API server is, what we trust it by, and what it trusts us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiServer {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The name its certificate must bear, where that is not `host`.
    pub tls_name: Option<String>,
    /// How we know that it is the API server.
    pub trust: Trust,
    /// How it knows who we are.
    pub identity: Identity,
}

/// How we know that it is the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One of these authorities vouches for its certificate.
    Authorities(Pem),
    /// Whoever answers is believed.
    Unverified,
}

/// How the API server knows who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A bearer token that stays as it is.
    Token(Bearer),
    /// A file with a bearer token, which somebody may replace.
    TokenFile(PathBuf),
    /// A client certificate with what leads to its authority, and its key.
    Certificate {
        /// Our own certificate first.
        chain: Pem,
        /// PKCS#8, PKCS#1 or SEC1, not encrypted.
        key: Pem,
    },
}

/// Certificates or a key in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pem {
    /// In a file that is read for each connection: whoever rotates it replaces it.
    File(PathBuf),
    /// Read already, from a kubeconfig.
    Given(Secret),
}

/// It cannot be said where the API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationError {
    /// A variable is unset or empty.
    Missing(&'static str),
    /// The port's variable holds no port.
    NoPort(String),
    /// The kubeconfig that was named cannot be used.
    Kubeconfig(Box<kubeconfig::Refusal>),
}

impl ApiServer {
    /// Reads `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, which kubelet sets in every pod, and [`CREDENTIALS_DIR`].
    ///
    /// # Errors
    ///
    /// When the first is unset, or the second is no port. An unset port is 443.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigurationError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let host = set(HOST).ok_or(ConfigurationError::Missing(HOST))?;
        let port = match set(PORT) {
            None => 443,
            Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or(ConfigurationError::NoPort(text))?,
        };
        let directory = PathBuf::from(set(CREDENTIALS_DIR).unwrap_or_else(|| SERVICE_ACCOUNT.into()));
        Ok(Self::with_service_account(host, port, &directory))
    }

    /// A server that is reached with the `ca.crt` and `token` of a directory like the one kubelet mounts.
    pub(in crate::shell) fn with_service_account(host: String, port: u16, directory: &Path) -> Self {
        Self {
            host,
            port,
            tls_name: None,
            trust: Trust::Authorities(Pem::File(directory.join("ca.crt"))),
            identity: Identity::TokenFile(directory.join("token")),
        }
    }

    /// Host and port as a URL writes them.
    pub(in crate::shell) fn authority(&self) -> String {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("a bearer token"),
            Self::TokenFile(file) => write!(f, "the bearer token in {}", file.display()),
            Self::Certificate { .. } => f.write_str("a client certificate"),
        }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(
                f,
                "{name} is not set, so the API server's address is not known; kubelet sets it in every pod. \
                 Outside a pod name a kubeconfig with KUBECONFIG or --kubeconfig, or set {HOST}, {PORT} and {CREDENTIALS_DIR} (a directory \
                 with ca.crt and token)"
            ),
            Self::NoPort(text) => write!(f, "{PORT} is {text:?}; expected a port from 1 to 65535"),
            Self::Kubeconfig(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for ConfigurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(variables: &[(&str, &str)]) -> Result<ApiServer, ConfigurationError> {
        ApiServer::from_environment(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_pod_s_environment_is_enough() {
        let server = server(&[(HOST, "10.96.0.1"), (PORT, "6443")]);
        assert_eq!(
            server,
            Ok(ApiServer {
                host: "10.96.0.1".into(),
                port: 6443,
                tls_name: None,
                trust: Trust::Authorities(Pem::File("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt".into())),
                identity: Identity::TokenFile("/var/run/secrets/kubernetes.io/serviceaccount/token".into()),
            })
        );
    }

    #[test]
    fn credentials_can_lie_elsewhere() {
        let server = server(&[(HOST, "fd00::1"), (CREDENTIALS_DIR, "/somewhere")]);
        let wanted = Trust::Authorities(Pem::File("/somewhere/ca.crt".into()));
        assert!(server.as_ref().is_ok_and(|server| server.trust == wanted), "{server:?}");
        assert_eq!(server.map(|server| server.authority()), Ok("[fd00::1]:443".into()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert_eq!(server(&[(PORT, "443")]), Err(ConfigurationError::Missing(HOST)));
        assert_eq!(server(&[(HOST, "a"), (PORT, "0")]), Err(ConfigurationError::NoPort("0".into())));
        assert_eq!(server(&[(HOST, "a"), (PORT, "tcp://1")]), Err(ConfigurationError::NoPort("tcp://1".into())));
    }
}
