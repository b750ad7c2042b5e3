//! Where sandboxes live: which namespaces are ours, and what our objects in them are called.
//!
//! A namespace gets into a request only as an [`OurNamespace`], and only this module makes those: no request can name anybody else's.

use std::fmt;
use std::sync::Arc;

use super::admit::named;
use super::grpc_status::Status;
use super::names::{LABEL_MAX, Namespace, ObjectName, SandboxName, Workspace};
use crate::config::{Config, WorkspaceMode};

/// A namespace in which sandboxes of ours may live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OurNamespace(Arc<Namespace>);

impl OurNamespace {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for OurNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which object of its kind: its namespace and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    namespace: OurNamespace,
    name: ObjectName,
}

impl ObjectKey {
    /// Its namespace.
    #[must_use]
    pub const fn namespace(&self) -> &OurNamespace {
        &self.namespace
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &ObjectName {
        &self.name
    }

    /// Another object of the same namespace, such as a Sandbox's pod.
    #[must_use]
    pub fn sibling(&self, name: ObjectName) -> Self {
        Self { namespace: self.namespace.clone(), name }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Which namespaces are ours.
#[derive(Debug, Clone)]
pub enum Territory {
    /// One, for the sandboxes of every workspace.
    Shared(OurNamespace),
    /// One for each workspace, which we make and name.
    Managed(Prefix),
}

/// What the names of our namespaces begin with: `openshell-{gateway id}-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// What a list or a watch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The objects of one namespace.
    Namespace(&'a OurNamespace),
    /// The objects of all namespaces.
    Cluster,
}

impl Territory {
    /// As the settings say.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match config.workspaces {
            WorkspaceMode::Shared => Self::Shared(OurNamespace(Arc::new(config.namespace.clone()))),
            WorkspaceMode::Managed => Self::Managed(Prefix(format!("openshell-{}-", config.gateway_id))),
        }
    }

    /// The namespace of a workspace.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when its name would be longer than Kubernetes takes.
    pub fn home(&self, workspace: &Workspace) -> Result<OurNamespace, Status> {
        match self {
            Self::Shared(namespace) => Ok(namespace.clone()),
            Self::Managed(Prefix(prefix)) => {
                let joined = format!("{prefix}{workspace}");
                let namespace = Namespace::parse(&joined).map_err(|_| {
                    Status::invalid_argument(format!(
                        "workspace {workspace} makes the namespace {joined} of {} characters; at most {LABEL_MAX} are allowed: use a shorter workspace name",
                        joined.len()
                    ))
                })?;
                Ok(OurNamespace(Arc::new(namespace)))
            }
        }
    }

    /// Where the sandbox `name` of `workspace` belongs.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they make a name that Kubernetes does not take.
    pub fn object(&self, workspace: &Workspace, name: &SandboxName) -> Result<ObjectKey, Status> {
        let namespace = self.home(workspace)?;
        let name = match self {
            Self::Shared(_) => named("sandbox.name", ObjectName::shared(workspace, name))?,
            Self::Managed(_) => ObjectName::from(name),
        };
        Ok(ObjectKey { namespace, name })
    }

    /// Where an object is that the API server shows in `namespace`, if that is ours.
    #[must_use]
    pub fn recognise(&self, namespace: &str, name: ObjectName) -> Option<ObjectKey> {
        match self {
            // Only this namespace's objects are asked for, so there is nothing to tell apart.
            Self::Shared(ours) => {
                debug_assert!(namespace.is_empty() || namespace == ours.as_str(), "an object of namespace {namespace} in a list of {ours}");
                Some(ObjectKey { namespace: ours.clone(), name })
            }
            Self::Managed(Prefix(prefix)) => {
                let namespace = Namespace::parse(namespace).ok().filter(|namespace| namespace.as_str().starts_with(prefix))?;
                Some(ObjectKey { namespace: OurNamespace(Arc::new(namespace)), name })
            }
        }
    }

    /// What to list and watch.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        match self {
            Self::Shared(namespace) => Scope::Namespace(namespace),
            Self::Managed(_) => Scope::Cluster,
        }
    }
}

impl Scope<'_> {
    /// As kubectl takes it.
    #[must_use]
    pub fn flag(self) -> String {
        match self {
            Self::Namespace(namespace) => format!("-n {namespace}"),
            Self::Cluster => "--all-namespaces".into(),
        }
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
            Self::Cluster => f.write_str("any namespace"),
        }
    }
}
