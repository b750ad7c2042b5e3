//! The table of resources the model serves, and what differs between them.

/// A kind of object the model keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `v1` `namespaces`
    Namespace,
    /// `v1` `nodes`
    Node,
    /// `v1` `pods`
    Pod,
    /// `v1` `services`
    Service,
    /// `v1` `persistentvolumeclaims`
    PersistentVolumeClaim,
    /// `v1` `events`
    Event,
    /// `v1` `serviceaccounts`
    ServiceAccount,
    /// `v1` `secrets`
    Secret,
    /// `v1` `configmaps`
    ConfigMap,
    /// `v1` `resourcequotas`
    ResourceQuota,
    /// `networking.k8s.io/v1` `networkpolicies`
    NetworkPolicy,
    /// `agents.x-k8s.io` `sandboxes`
    Sandbox,
    /// `gateway.kyma-project.io/v2` `apirules`
    ApiRule,
    /// `networking.istio.io/v1` `virtualservices`
    VirtualService,
    /// `networking.istio.io/v1` `gateways`
    Gateway,
}

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// Who defines a kind: it decides patch types, list items and error details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built into the API server.
    BuiltIn,
    /// By a custom resource definition.
    Custom,
}

/// What discovery says of a kind, and where its objects live.
#[derive(Debug)]
pub struct Resource {
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The version; which ones of the Sandbox are served hangs on the release.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The singular name.
    pub singular: &'static str,
    /// The kind's name in objects.
    pub kind: &'static str,
    /// Short names, for kubectl.
    pub short: &'static [&'static str],
    /// Namespaced or not.
    pub scope: Scope,
    /// Built in or custom.
    pub origin: Origin,
    /// Subresources served below an object.
    pub subresources: &'static [&'static str],
}

impl Kind {
    /// Every kind, in the order discovery lists them.
    pub const ALL: [Self; 15] = [
        Self::ConfigMap,
        Self::Event,
        Self::Namespace,
        Self::Node,
        Self::PersistentVolumeClaim,
        Self::Pod,
        Self::ResourceQuota,
        Self::Secret,
        Self::ServiceAccount,
        Self::Service,
        Self::NetworkPolicy,
        Self::Sandbox,
        Self::ApiRule,
        Self::VirtualService,
        Self::Gateway,
    ];

    /// The table's row.
    #[must_use]
    pub fn resource(self) -> &'static Resource {
        match self {
            Self::Namespace => &NAMESPACE,
            Self::Node => &NODE,
            Self::Pod => &POD,
            Self::Service => &SERVICE,
            Self::PersistentVolumeClaim => &PERSISTENT_VOLUME_CLAIM,
            Self::Event => &EVENT,
            Self::ServiceAccount => &SERVICE_ACCOUNT,
            Self::Secret => &SECRET,
            Self::ConfigMap => &CONFIG_MAP,
            Self::ResourceQuota => &RESOURCE_QUOTA,
            Self::NetworkPolicy => &NETWORK_POLICY,
            Self::Sandbox => &SANDBOX,
            Self::ApiRule => &API_RULE,
            Self::VirtualService => &VIRTUAL_SERVICE,
            Self::Gateway => &GATEWAY,
        }
    }

    /// `sandboxes.agents.x-k8s.io`, or the bare plural in the core group.
    #[must_use]
    pub fn qualified_plural(self) -> String {
        qualify(self.resource().plural, self.resource().group)
    }

    /// `Sandbox.agents.x-k8s.io`, or the bare kind in the core group.
    #[must_use]
    pub fn qualified_kind(self) -> String {
        qualify(self.resource().kind, self.resource().group)
    }

    pub(crate) fn is_custom(self) -> bool {
        self.resource().origin == Origin::Custom
    }

    pub(crate) fn is_namespaced(self) -> bool {
        self.resource().scope == Scope::Namespaced
    }

    /// Whether `metadata.generation` is kept for the kind.
    pub(crate) fn has_generation(self) -> bool {
        matches!(self, Self::Pod | Self::NetworkPolicy) || self.is_custom()
    }

    /// Whether a write to the object itself leaves `status` alone.
    pub(crate) fn has_status(self) -> bool {
        self.resource().subresources.contains(&"status")
    }

    /// `v1` or `group/version`.
    pub(crate) fn api_version(self, version: &str) -> String {
        let group = self.resource().group;
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }
}

fn qualify(word: &str, group: &str) -> String {
    if group.is_empty() { word.to_owned() } else { format!("{word}.{group}") }
}

const fn core(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
    scope: Scope,
    subresources: &'static [&'static str],
) -> Resource {
    Resource { group: "", version: "v1", plural, singular, kind, short, scope, origin: Origin::BuiltIn, subresources }
}

static NAMESPACE: Resource = core("namespaces", "namespace", "Namespace", &["ns"], Scope::Cluster, &["finalize", "status"]);
static NODE: Resource = core("nodes", "node", "Node", &["no"], Scope::Cluster, &["status"]);
static POD: Resource = core("pods", "pod", "Pod", &["po"], Scope::Namespaced, &["binding", "eviction", "status"]);
static SERVICE: Resource = core("services", "service", "Service", &["svc"], Scope::Namespaced, &["status"]);
static PERSISTENT_VOLUME_CLAIM: Resource =
    core("persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", &["pvc"], Scope::Namespaced, &["status"]);
static EVENT: Resource = core("events", "event", "Event", &["ev"], Scope::Namespaced, &[]);
static SERVICE_ACCOUNT: Resource = core("serviceaccounts", "serviceaccount", "ServiceAccount", &["sa"], Scope::Namespaced, &["token"]);
static SECRET: Resource = core("secrets", "secret", "Secret", &[], Scope::Namespaced, &[]);
static CONFIG_MAP: Resource = core("configmaps", "configmap", "ConfigMap", &["cm"], Scope::Namespaced, &[]);
static RESOURCE_QUOTA: Resource = core("resourcequotas", "resourcequota", "ResourceQuota", &["quota"], Scope::Namespaced, &["status"]);
static NETWORK_POLICY: Resource = Resource {
    group: "networking.k8s.io",
    version: "v1",
    plural: "networkpolicies",
    singular: "networkpolicy",
    kind: "NetworkPolicy",
    short: &["netpol"],
    scope: Scope::Namespaced,
    origin: Origin::BuiltIn,
    subresources: &[],
};
static SANDBOX: Resource = Resource {
    group: "agents.x-k8s.io",
    version: "v1beta1",
    plural: "sandboxes",
    singular: "sandbox",
    kind: "Sandbox",
    short: &["sandbox"],
    scope: Scope::Namespaced,
    origin: Origin::Custom,
    subresources: &["status", "scale"],
};
static API_RULE: Resource = Resource {
    group: "gateway.kyma-project.io",
    version: "v2",
    plural: "apirules",
    singular: "apirule",
    kind: "APIRule",
    short: &[],
    scope: Scope::Namespaced,
    origin: Origin::Custom,
    subresources: &["status"],
};
static VIRTUAL_SERVICE: Resource = Resource {
    group: "networking.istio.io",
    version: "v1",
    plural: "virtualservices",
    singular: "virtualservice",
    kind: "VirtualService",
    short: &["vs"],
    scope: Scope::Namespaced,
    origin: Origin::Custom,
    subresources: &["status"],
};
static GATEWAY: Resource = Resource {
    group: "networking.istio.io",
    version: "v1",
    plural: "gateways",
    singular: "gateway",
    kind: "Gateway",
    short: &["gw"],
    scope: Scope::Namespaced,
    origin: Origin::Custom,
    subresources: &["status"],
};
