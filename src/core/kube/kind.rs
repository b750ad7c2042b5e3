//! The kinds of object that are listed and watched.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::meta::ResourceVersion;
use super::namespace::NamespaceObject;
use super::path::Sandboxes;
use super::pod::Pod;
use super::sandbox::Sandbox;
use crate::core::io::HttpRequest;

/// A kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What we create.
    #[default]
    Sandboxes,
    /// What the controller makes of them.
    Pods,
    /// What others say about either.
    Events,
    /// What makes a sandbox addressable in the cluster.
    Services,
    /// Kyma's routes to it.
    ApiRules,
    /// Istio's routes to it.
    VirtualServices,
    /// What guards it where no sidecar does.
    NetworkPolicies,
    /// Where workspaces are, where somebody chooses.
    Namespaces,
}

impl Kind {
    /// Kinds that follow a Sandbox.
    pub const FOLLOWING: [Self; 4] = [Self::Services, Self::ApiRules, Self::VirtualServices, Self::NetworkPolicies];

    /// What paths call it.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Sandboxes => "sandboxes",
            Self::Pods => "pods",
            Self::Events => "events",
            Self::Services => "services",
            Self::ApiRules => "apirules",
            Self::VirtualServices => "virtualservices",
            Self::NetworkPolicies => "networkpolicies",
            Self::Namespaces => "namespaces",
        }
    }

    /// Whether objects of it follow a Sandbox.
    #[must_use]
    pub const fn follows(self) -> bool {
        match self {
            Self::Services | Self::ApiRules | Self::VirtualServices | Self::NetworkPolicies => true,
            Self::Sandboxes | Self::Pods | Self::Events | Self::Namespaces => false,
        }
    }

    /// What an object of it is called in its `kind`.
    #[must_use]
    pub const fn object_kind(self) -> &'static str {
        match self {
            Self::Sandboxes => "Sandbox",
            Self::Pods => "Pod",
            Self::Events => "Event",
            Self::Services => "Service",
            Self::ApiRules => "APIRule",
            Self::VirtualServices => "VirtualService",
            Self::NetworkPolicies => "NetworkPolicy",
            Self::Namespaces => "Namespace",
        }
    }

    /// The beginning of the paths of what follows a Sandbox: group and version.
    #[must_use]
    pub const fn group_path(self) -> &'static str {
        match self {
            Self::ApiRules => "/apis/gateway.kyma-project.io/v2",
            Self::VirtualServices => "/apis/networking.istio.io/v1",
            Self::NetworkPolicies => "/apis/networking.k8s.io/v1",
            Self::Sandboxes | Self::Pods | Self::Events | Self::Services | Self::Namespaces => "/api/v1",
        }
    }

    /// Its API group; empty for the core one.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Sandboxes => "agents.x-k8s.io",
            Self::ApiRules => "gateway.kyma-project.io",
            Self::VirtualServices => "networking.istio.io",
            Self::NetworkPolicies => "networking.k8s.io",
            Self::Pods | Self::Events | Self::Services | Self::Namespaces => "",
        }
    }

    /// What `kubectl auth can-i` calls it.
    #[must_use]
    pub const fn qualified(self) -> &'static str {
        match self {
            Self::Sandboxes => "sandboxes.agents.x-k8s.io",
            Self::Pods => "pods",
            Self::Events => "events",
            Self::Services => "services",
            Self::ApiRules => "apirules.gateway.kyma-project.io",
            Self::VirtualServices => "virtualservices.networking.istio.io",
            Self::NetworkPolicies => "networkpolicies.networking.k8s.io",
            Self::Namespaces => "namespaces",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural())
    }
}

/// An object that can be listed and watched.
pub trait Watched: DeserializeOwned {
    /// Its kind.
    const KIND: Kind;
    /// Its version.
    fn version(&self) -> &ResourceVersion;
    /// Asks for a page of all of them.
    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest;
    /// Asks for every change after `from`, for about `seconds`.
    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest;
}

impl Watched for Sandbox {
    const KIND: Kind = Kind::Sandboxes;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch(from, seconds)
    }
}

impl Watched for Pod {
    const KIND: Kind = Kind::Pods;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_pods(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_pods(from, seconds)
    }
}

impl Watched for Event {
    const KIND: Kind = Kind::Events;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_events(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_events(from, seconds)
    }
}

impl Watched for NamespaceObject {
    const KIND: Kind = Kind::Namespaces;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_namespaces(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_namespaces(from, seconds)
    }
}
