//! Where sandboxes live: which namespaces are ours, and what our objects in them are called.
//!
//! A namespace gets into a request only as an [`OurNamespace`], and only this module makes those: no request can name anybody else's.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::admit::named;
use super::grpc_status::Status;
use super::names::{LABEL_MAX, NameError, Namespace, NamespacedName, ObjectName, SandboxName, Workspace};
use crate::config::{Choice, Config, WorkspaceMode};

/// A namespace in which sandboxes of ours may live.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl From<&ObjectKey> for NamespacedName {
    fn from(key: &ObjectKey) -> Self {
        Self::new(&key.namespace.0, &key.name)
    }
}

/// As a recording has it, where it stands as the key of a map, too.
impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.to_string()
    }
}

/// From a recording, which nobody talks to a cluster with.
impl TryFrom<String> for ObjectKey {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let (namespace, name) = text.split_once('/').unwrap_or_default();
        Ok(Self { namespace: OurNamespace(Arc::new(Namespace::parse(namespace)?)), name: ObjectName::parse(name)? })
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Which namespaces are ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Territory {
    /// One, for the sandboxes of every workspace.
    Shared(OurNamespace),
    /// One for each workspace, which we make and name.
    Managed(Prefix),
    /// One for each workspace, which is called like it and which somebody else makes and chooses.
    Operator(Chosen),
}

/// Namespaces that somebody chooses for workspaces. It is about what may be created: a sandbox of ours stays ours when its namespace is chosen no
/// longer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Chosen {
    by: Choice,
    /// Or why it is not known.
    names: Result<BTreeSet<Namespace>, String>,
}

/// How the chosen namespaces have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rechosen {
    /// Those that are chosen now.
    pub added: Vec<OurNamespace>,
    /// Those that are not any more.
    pub removed: Vec<OurNamespace>,
}

/// What the names of our namespaces begin with: `openshell-{gateway id}-`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix(String);

/// What a list or a watch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The objects of one namespace.
    Namespace(&'a OurNamespace),
    /// The objects of all namespaces.
    Cluster,
}

impl Chosen {
    fn new(by: Choice) -> Self {
        let why = match by {
            Choice::Labelled(_) => "they have not been listed yet",
            Choice::Listed => "their file has not been read yet",
        };
        Self { by, names: Err(why.into()) }
    }

    /// Whether they are chosen by their labels, which must be watched.
    #[must_use]
    pub const fn is_labelled(&self) -> bool {
        matches!(self.by, Choice::Labelled(_))
    }

    /// Their names, if they are known.
    #[must_use]
    pub fn names(&self) -> Option<&BTreeSet<Namespace>> {
        self.names.as_ref().ok()
    }

    /// These are chosen from now on.
    pub fn replace(&mut self, names: BTreeSet<Namespace>) -> Rechosen {
        let before = self.names.clone().unwrap_or_default();
        let ours = |name: &Namespace| OurNamespace(Arc::new(name.clone()));
        let (added, removed) = (names.difference(&before).map(ours).collect(), before.difference(&names).map(ours).collect());
        self.names = Ok(names);
        Rechosen { added, removed }
    }

    /// They cannot be known at the moment. What is known stays.
    pub fn doubt(&mut self, why: &str) {
        if let Err(before) = &mut self.names {
            why.clone_into(before);
        }
    }

    fn home(&self, workspace: &Workspace) -> Result<OurNamespace, Status> {
        let names = self.names.as_ref().map_err(|why| {
            let hint = match self.by {
                Choice::Labelled(_) => ", and if it stays so look with: kubectl auth can-i list namespaces --kubeconfig <the driver's>",
                Choice::Listed => "",
            };
            Status::unavailable(format!("which namespaces are chosen for workspaces is not known yet: {why}; try again{hint}"))
        })?;
        let home = Namespace::parse(workspace.as_str()).ok().filter(|namespace| names.contains(namespace));
        home.map(|namespace| OurNamespace(Arc::new(namespace))).ok_or_else(|| {
            let how = match &self.by {
                Choice::Labelled(selector) => {
                    format!("choose it with: kubectl label namespace {workspace} {}", selector.labels())
                }
                Choice::Listed => "list it in the file that --operator-namespace-file names".to_owned(),
            };
            Status::failed_precondition(format!(
                "namespace {workspace} is not chosen for workspace {workspace}, and this driver makes none: an administrator of the cluster can make it, and {how}"
            ))
        })
    }
}

impl Territory {
    /// As the settings say.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match &config.workspaces {
            WorkspaceMode::Shared => Self::Shared(OurNamespace(Arc::new(config.namespace.clone()))),
            WorkspaceMode::Managed => Self::Managed(Prefix(format!("openshell-{}-", config.gateway_id))),
            WorkspaceMode::Operator(choice) => Self::Operator(Chosen::new(choice.clone())),
        }
    }

    /// The namespaces that are chosen, where somebody chooses and it is known which.
    #[must_use]
    pub fn chosen_names(&self) -> Option<&BTreeSet<Namespace>> {
        match self {
            Self::Operator(chosen) => chosen.names(),
            Self::Shared(_) | Self::Managed(_) => None,
        }
    }

    /// The labels by which namespaces are chosen; empty where they are not.
    #[must_use]
    pub fn selector(&self) -> &str {
        match self {
            Self::Operator(Chosen { by: Choice::Labelled(selector), .. }) => selector.as_str(),
            Self::Shared(_) | Self::Managed(_) | Self::Operator(_) => "",
        }
    }

    /// The namespace of a workspace.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when its name would be longer than Kubernetes takes, `FAILED_PRECONDITION` when it is not chosen, `UNAVAILABLE` when it is
    /// not known which are.
    pub fn home(&self, workspace: &Workspace) -> Result<OurNamespace, Status> {
        match self {
            Self::Shared(namespace) => Ok(namespace.clone()),
            Self::Operator(chosen) => chosen.home(workspace),
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
            Self::Managed(_) | Self::Operator(_) => ObjectName::from(name),
        };
        Ok(ObjectKey { namespace, name })
    }

    /// Where an object is that the API server shows in `namespace`, if that is ours.
    #[must_use]
    pub fn recognise(&self, namespace: &str, name: ObjectName) -> Option<ObjectKey> {
        match self {
            // Only this namespace's objects are asked for; what shows others is no API server.
            Self::Shared(ours) => (namespace.is_empty() || namespace == ours.as_str()).then(|| ObjectKey { namespace: ours.clone(), name }),
            Self::Managed(Prefix(prefix)) => {
                let namespace = Namespace::parse(namespace).ok().filter(|namespace| namespace.as_str().starts_with(prefix))?;
                Some(ObjectKey { namespace: OurNamespace(Arc::new(namespace)), name })
            }
            // Only objects with our labels, and what belongs to them, are asked for.
            Self::Operator(_) => Some(ObjectKey { namespace: OurNamespace(Arc::new(Namespace::parse(namespace).ok()?)), name }),
        }
    }

    /// What to list and watch.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        match self {
            Self::Shared(namespace) => Scope::Namespace(namespace),
            Self::Managed(_) | Self::Operator(_) => Scope::Cluster,
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
