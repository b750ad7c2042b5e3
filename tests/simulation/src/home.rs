//! Where the sandboxes of a driver live, and so what it may write to.

use kubesim::Kind;

use crate::driver::core::io::{HttpRequest, Method};
use crate::scenario::DriverPlan;
use crate::truth::Place;

/// The label by which namespaces are chosen, and what it says.
pub const CHOSEN: (&str, &str) = ("openshell.ai/workspace", "true");
/// The workspaces that users have.
pub const WORKSPACES: [&str; 2] = ["default", "team"];
/// A workspace whose namespace is nobody's to use: it is not chosen, or is somebody else's.
pub const FORBIDDEN: &str = "forbidden";

/// Where the sandboxes of each workspace live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// All in one namespace.
    Shared,
    /// Each workspace in a namespace of its own, which the driver makes.
    Managed,
    /// Each workspace in the namespace of its name, where that is chosen.
    Operator,
}

/// What is created for each sandbox so that it is reached from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Kyma's.
    ApiRule,
    /// Istio's.
    VirtualService,
}

impl Route {
    /// The kinds that follow a Sandbox.
    #[must_use]
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::ApiRule => &[Kind::Service, Kind::ApiRule],
            Self::VirtualService => &[Kind::Service, Kind::NetworkPolicy, Kind::VirtualService],
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::ApiRule => "apirules",
            Self::VirtualService => "virtualservices",
        }
    }
}

impl DriverPlan {
    /// What the names of namespaces begin with that it makes.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("openshell-{}-", crate::scenario::gateway_id(self.gateway))
    }

    /// Whether its sandboxes may live in a namespace.
    #[must_use]
    pub fn holds(&self, namespace: &str) -> bool {
        match self.home {
            Home::Shared => namespace == self.namespace,
            Home::Managed => WORKSPACES.iter().any(|workspace| namespace.strip_prefix(&self.prefix()) == Some(workspace)),
            Home::Operator => WORKSPACES.contains(&namespace),
        }
    }

    /// The namespace of a workspace.
    #[must_use]
    pub fn home_of(&self, workspace: &str) -> String {
        match self.home {
            Home::Shared => self.namespace.clone(),
            Home::Managed => format!("{}{workspace}", self.prefix()),
            Home::Operator => workspace.to_owned(),
        }
    }

    /// What an object of this name in a workspace is called.
    #[must_use]
    pub fn object_name(&self, workspace: &str, name: &str) -> String {
        if self.home == Home::Shared { format!("{workspace}--{name}") } else { name.to_owned() }
    }

    /// What a request writes to; nothing where that is none of this driver's business.
    #[must_use]
    pub fn writes(&self, request: &HttpRequest) -> Option<Written> {
        let path = request.path.split('?').next().unwrap_or_default();
        if path == "/api/v1/namespaces" {
            return (self.home == Home::Managed && request.method == Method::Post).then_some(Written::NewNamespace);
        }
        let (group, rest) = path.split_once("/namespaces/")?;
        let mut parts = rest.split('/');
        let (namespace, plural, name) = (parts.next()?, parts.next(), parts.next().unwrap_or_default());
        if !self.holds(namespace) || parts.next().is_some() {
            return None;
        }
        let place: Place = (namespace.to_owned(), name.to_owned());
        match (group, plural) {
            ("/api/v1", None) if self.home == Home::Managed => Some(Written::Namespace(namespace.to_owned())),
            ("/apis/agents.x-k8s.io/v1beta1" | "/apis/agents.x-k8s.io/v1alpha1", Some("sandboxes")) => Some(Written::Sandbox(place)),
            ("/api/v1", Some("serviceaccounts")) if self.home == Home::Managed => Some(Written::Piece(place)),
            (_, Some("services")) if self.route.is_some() && request.method != Method::Delete => Some(Written::Follower(place)),
            (_, Some(plural))
                if self.route.is_some_and(|route| [route.plural(), "networkpolicies"].contains(&plural))
                    && request.method != Method::Delete =>
            {
                Some(Written::Follower(place))
            }
            _ => None,
        }
    }
}

/// What is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A Sandbox; the name is empty where one is created.
    Sandbox(Place),
    /// A namespace that is to be made.
    NewNamespace,
    /// A namespace.
    Namespace(String),
    /// Something that a namespace is furnished with.
    Piece(Place),
    /// Something that follows a Sandbox.
    Follower(Place),
}
