//! Where sandboxes live: which namespaces are ours, and what our objects in them are called.
//!
//! A namespace gets into a request only as an [`OurNamespace`], and only this module makes those: no request can name anybody else's.

use std::fmt;
use std::sync::Arc;

use super::names::{NameError, Namespace, ObjectName, SandboxName, Workspace};
use crate::config::Config;

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
}

/// What a list or a watch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The objects of one namespace.
    Namespace(&'a OurNamespace),
}

impl Territory {
    /// As the settings say.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::Shared(OurNamespace(Arc::new(config.namespace.clone())))
    }

    /// Where the sandbox `name` of `workspace` belongs.
    ///
    /// # Errors
    /// When the two make a name that Kubernetes does not take; reads on after "sandbox.name".
    pub fn object(&self, workspace: &Workspace, name: &SandboxName) -> Result<ObjectKey, NameError> {
        match self {
            Self::Shared(namespace) => Ok(ObjectKey { namespace: namespace.clone(), name: ObjectName::shared(workspace, name)? }),
        }
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
        }
    }

    /// What to list and watch.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        match self {
            Self::Shared(namespace) => Scope::Namespace(namespace),
        }
    }
}

impl Scope<'_> {
    /// As kubectl takes it.
    #[must_use]
    pub fn flag(self) -> String {
        match self {
            Self::Namespace(namespace) => format!("-n {namespace}"),
        }
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
        }
    }
}
