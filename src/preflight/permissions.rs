//! What the driver asks of the API server, feature by feature: the one table that `check`, the chart's roles and the proof that they are least
//! are made from.

use std::fmt;

use serde_json::{Value, json};

use crate::config::Config;
use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::names::Namespace;
use crate::core::secret::Body;

/// Where a permission holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In one namespace: a Role.
    Namespace(Namespace),
    /// Everywhere, or for what is in no namespace: a `ClusterRole`.
    Cluster,
}

/// What is lost without a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The driver does not do its work.
    Required,
    /// It does, and says less.
    Helpful,
}

/// Verbs on one resource in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// The plural.
    pub resource: &'static str,
    /// The only object that is meant, where one is.
    pub name: Option<String>,
    /// As RBAC writes them.
    pub verbs: &'static [&'static str],
    /// Where.
    pub scope: Scope,
    /// What is lost without it.
    pub need: Need,
    /// What the driver does with it: a clause.
    pub because: &'static str,
}

/// Everything that a driver with these settings asks for, and nothing else.
#[must_use]
pub fn needed(config: &Config) -> Vec<Permission> {
    let here = || Scope::Namespace(config.namespace.clone());
    vec![
        Permission {
            group: "agents.x-k8s.io",
            resource: "sandboxes",
            name: None,
            verbs: &["create", "delete", "get", "list", "patch", "watch"],
            scope: here(),
            need: Need::Required,
            because: "a sandbox is a Sandbox: made, observed, stopped and started, deleted",
        },
        Permission {
            group: "",
            resource: "pods",
            name: None,
            verbs: &["get"],
            scope: here(),
            need: Need::Required,
            because: "a stop is answered when a live look shows that the pod is gone",
        },
        Permission {
            group: "",
            resource: "pods",
            name: None,
            verbs: &["list", "watch"],
            scope: here(),
            need: Need::Helpful,
            because: "why a sandbox is not ready is read from its pod",
        },
        Permission {
            group: "",
            resource: "events",
            name: None,
            verbs: &["list", "watch"],
            scope: here(),
            need: Need::Helpful,
            because: "users are told what happens to their sandbox",
        },
    ]
}

impl Permission {
    /// The resource as kubectl writes it.
    #[must_use]
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() { self.resource.to_owned() } else { format!("{}.{}", self.resource, self.group) }
    }

    /// Asks the API server whether we have one of its verbs.
    #[must_use]
    pub fn review(&self, verb: &str) -> HttpRequest {
        let mut attributes = json!({ "group": self.group, "resource": self.resource, "verb": verb });
        if let Some(fields) = attributes.as_object_mut() {
            if let Scope::Namespace(namespace) = &self.scope {
                fields.insert("namespace".into(), namespace.as_str().into());
            }
            if let Some(name) = &self.name {
                fields.insert("name".into(), name.as_str().into());
            }
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes },
        });
        HttpRequest {
            method: Method::Post,
            path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".into(),
            content_type: Some(ContentType::Json),
            body: Body::json(&review),
        }
    }

    /// The commands that give `verbs` of it to somebody.
    #[must_use]
    pub fn grant(&self, verbs: &[&str], subject: &Subject) -> String {
        let resource = self.qualified_resource();
        let role = format!("openshell-driver-{}", self.resource);
        let only = self.name.as_ref().map(|name| format!(" --resource-name={name}")).unwrap_or_default();
        let verbs = verbs.join(",");
        let (role_kind, binding, place) = match &self.scope {
            Scope::Namespace(namespace) => ("role", "rolebinding", format!(" -n {namespace}")),
            Scope::Cluster => ("clusterrole", "clusterrolebinding", String::new()),
        };
        format!(
            "kubectl create {role_kind} {role} --verb={verbs} --resource={resource}{only}{place} && kubectl create {binding} {role} --{role_kind}={role} {subject}{place}"
        )
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verbs.join(", "), self.qualified_resource())?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.scope {
            Scope::Namespace(namespace) => write!(f, " in {namespace}"),
            Scope::Cluster => f.write_str(" in the cluster"),
        }
    }
}

/// Who asks, as `kubectl create rolebinding` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Anybody else.
    User(String),
    /// Who could not be found out.
    Unknown,
}

impl Subject {
    /// From the username the API server knows us by.
    #[must_use]
    pub fn of(username: &str) -> Self {
        let account = username.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) => Self::ServiceAccount { namespace: namespace.into(), name: name.into() },
            None if username.is_empty() => Self::Unknown,
            None => Self::User(username.into()),
        }
    }

    /// From the answer to a [`who_am_i`].
    #[must_use]
    pub fn read(body: &Body) -> Self {
        let review: Value = serde_json::from_slice(&body.0).unwrap_or_default();
        Self::of(review.pointer("/status/userInfo/username").and_then(Value::as_str).unwrap_or_default())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount { namespace, name } => write!(f, "--serviceaccount={namespace}:{name}"),
            Self::User(name) => write!(f, "--user='{}'", name.replace('\'', "'\\''")),
            Self::Unknown => f.write_str("--serviceaccount=<namespace>:<the driver's service account>"),
        }
    }
}

/// Asks the API server by which name it knows us.
#[must_use]
pub fn who_am_i() -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: "/apis/authentication.k8s.io/v1/selfsubjectreviews".into(),
        content_type: Some(ContentType::Json),
        body: Body::json(&json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission() -> Permission {
        Permission {
            group: "agents.x-k8s.io",
            resource: "sandboxes",
            name: None,
            verbs: &["get", "list"],
            scope: Scope::Cluster,
            need: Need::Required,
            because: "",
        }
    }

    #[test]
    fn a_grant_is_a_command_for_whoever_asked() {
        let account = Subject::of("system:serviceaccount:openshell-system:driver");
        let grant = permission().grant(&["list"], &account);
        assert_eq!(
            grant,
            "kubectl create clusterrole openshell-driver-sandboxes --verb=list --resource=sandboxes.agents.x-k8s.io && \
             kubectl create clusterrolebinding openshell-driver-sandboxes --clusterrole=openshell-driver-sandboxes \
             --serviceaccount=openshell-system:driver"
        );
        assert_eq!(Subject::of("o'neil").to_string(), "--user='o'\\''neil'");
        assert_eq!(Subject::of(""), Subject::Unknown);
    }
}
