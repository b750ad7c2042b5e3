//! Where the API server is.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// Names another directory than the service account's for `ca.crt` and `token`: for a driver that runs outside a pod.
pub const CREDENTIALS_DIR: &str = "OPENSHELL_DRIVER_API_CREDENTIALS_DIR";

/// Where kubelet puts a pod's credentials.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// Where the API server is, and where the files are that we trust it by and it trusts us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiServer {
    /// A name, an IPv4 address, or an IPv6 address without brackets. Its certificate must name it.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Certificates of the authorities that may vouch for it, in PEM.
    pub ca_file: PathBuf,
    /// The bearer token.
    pub token_file: PathBuf,
}

/// The environment does not say where the API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationError {
    /// A variable is unset or empty.
    Missing(&'static str),
    /// The port's variable holds no port.
    NoPort(String),
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
        Ok(Self { host, port, ca_file: directory.join("ca.crt"), token_file: directory.join("token") })
    }

    /// Host and port as a URL writes them.
    pub(super) fn authority(&self) -> String {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(
                f,
                "{name} is not set, so the API server's address is not known; kubelet sets it in every pod. \
                 Outside a pod set {HOST}, {PORT} and {CREDENTIALS_DIR} (a directory with ca.crt and token)"
            ),
            Self::NoPort(text) => write!(f, "{PORT} is {text:?}; expected a port from 1 to 65535"),
        }
    }
}

impl std::error::Error for ConfigurationError {}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
                ca_file: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt".into(),
                token_file: "/var/run/secrets/kubernetes.io/serviceaccount/token".into(),
            })
        );
    }

    #[test]
    fn credentials_can_lie_elsewhere() {
        let server = server(&[(HOST, "fd00::1"), (CREDENTIALS_DIR, "/somewhere")]);
        assert!(server.as_ref().is_ok_and(|server| server.ca_file == Path::new("/somewhere/ca.crt")), "{server:?}");
        assert_eq!(server.map(|server| server.authority()), Ok("[fd00::1]:443".into()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert_eq!(server(&[(PORT, "443")]), Err(ConfigurationError::Missing(HOST)));
        assert_eq!(server(&[(HOST, "a"), (PORT, "0")]), Err(ConfigurationError::NoPort("0".into())));
        assert_eq!(server(&[(HOST, "a"), (PORT, "tcp://1")]), Err(ConfigurationError::NoPort("tcp://1".into())));
    }
}
