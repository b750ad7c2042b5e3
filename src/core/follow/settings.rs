//! What an operator can say about exposure.

use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::core::names::{Namespace, ObjectName};

/// How sandboxes are reached from outside the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// What routes requests to a sandbox, and who is let through.
    pub route: Route,
    /// The Istio Gateway they come in by.
    pub gateway: MeshGateway,
    /// The domain below which each sandbox has its host; read from the Gateway where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// The port a sandbox serves HTTP on.
    pub port: NonZeroU16,
}

/// What routes requests to a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Kyma's `APIRule`, which wants a sidecar in the pod, with these conditions of access.
    ApiRule(Access),
    /// Istio's `VirtualService`. It asks nobody who they are.
    VirtualService,
}

/// Who is let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Whoever shows a JSON Web Token.
    Jwt(Jwt),
    /// Whoever an external authorizer lets through.
    ExtAuth {
        /// Names of authorizers in the mesh's configuration.
        authorizers: Vec<String>,
    },
    /// Anybody.
    Anybody,
}

/// Which tokens are good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who must have issued it.
    pub issuer: String,
    /// Where the issuer's keys are.
    pub jwks_uri: String,
    /// It must be for one of these; any, where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// It must have all of these scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// An Istio Gateway, written `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MeshGateway {
    /// Where it is.
    pub namespace: Namespace,
    /// What it is called.
    pub name: ObjectName,
}

impl MeshGateway {
    /// Reads `namespace/name`, each a DNS label.
    ///
    /// # Errors
    /// When it is not that.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(namespace, name)| {
            // APIRule takes a label for either.
            Some(Self {
                namespace: Namespace::parse(namespace).ok()?,
                name: ObjectName::parse(Namespace::parse(name).ok()?.as_str()).ok()?,
            })
        });
        parts.ok_or_else(|| format!("{text:?} is not an Istio Gateway: write namespace/name, each a DNS label"))
    }
}

impl TryFrom<String> for MeshGateway {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<MeshGateway> for String {
    fn from(gateway: MeshGateway) -> Self {
        gateway.to_string()
    }
}

impl fmt::Display for MeshGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A DNS domain of at least two labels, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// Leaves room for a host's own label in the 253 characters of a DNS name.
const DOMAIN_MAX: usize = 189;

impl Domain {
    /// Reads a domain.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_label = |label: &str| Namespace::parse(label).is_ok();
        let good = text.len() <= DOMAIN_MAX && text.split('.').all(is_label) && text.contains('.');
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is not a domain: write at least two DNS labels in lower case, without '*', at most {DOMAIN_MAX} characters"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Domain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_two_labels_and_no_wildcard() {
        assert!(Domain::parse("c-1a2b.kyma.ondemand.com").is_ok());
        for bad in ["", "local", "*.kyma.ondemand.com", "Kyma.com", "a..b", "a.b.", &format!("{}.com", "a.".repeat(120))] {
            assert!(Domain::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_gateway_has_a_namespace_and_a_name() {
        assert_eq!(
            MeshGateway::parse("kyma-system/kyma-gateway").map(|gateway| gateway.to_string()),
            Ok("kyma-system/kyma-gateway".into())
        );
        for bad in ["", "kyma-gateway", "a/b/c", "/b", "a/", "A/b", "a/b.c"] {
            assert!(MeshGateway::parse(bad).is_err(), "{bad}");
        }
    }
}
