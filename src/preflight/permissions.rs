//! What the driver asks of the API server, feature by feature: the one table that `check`, `permissions`, the chart's roles and the proof that they
//! are least are made from.
//!
//! What every user may do is not in it: the API server's version and its groups (`system:discovery`), reviews of oneself (`system:basic-user`).

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::subject::Subject;
use crate::config::{Choice, Config, GpuSupply, WorkspaceMode};
use crate::core::follow::settings::{Exposure, Route};
use crate::core::io::{ContentType, HttpRequest, Method};
use crate::core::kube::kind::Kind;
use crate::core::names::Namespace;
use crate::core::render::network_policy;
use crate::core::secret::Body;
use crate::core::workspaces::{pieces, sources};

/// What the driver does for which it needs rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Sandboxes: made, observed, stopped, started, deleted.
    Sandboxes,
    /// The look at the namespace, whether it lets sandbox pods in.
    PodSecurity,
    /// The count of GPUs that nodes have.
    GpuCount,
    /// The gateway's token of a sandbox as a Secret.
    SandboxToken,
    /// Exposure by Kyma's `APIRule`.
    ApiRules,
    /// Exposure by Istio's `VirtualService`.
    VirtualServices,
    /// The cluster's domain, read from the Istio Gateway.
    Domain,
    /// A namespace for each workspace.
    ManagedWorkspaces,
    /// A service account in each of them.
    ServiceAccounts,
    /// Copies of secrets in each of them.
    SecretCopies,
    /// A network policy in each of them.
    NetworkPolicies,
    /// Namespaces that somebody else makes, and chooses.
    ChosenNamespaces,
    /// Their choice by labels.
    NamespaceLabels,
}

/// Where a permission holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// In one namespace: a Role.
    Namespace(Namespace),
    /// Everywhere, or for what is in no namespace: a `ClusterRole`.
    Cluster,
}

/// What is lost without a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The driver does not do its work.
    Required,
    /// It does, but some of it not, or says less.
    Helpful,
}

/// Verbs on one resource in one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// What it is needed for.
    pub feature: Feature,
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// The plural.
    pub resource: &'static str,
    /// The only object that is meant, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    Feature::ALL.into_iter().filter(|feature| feature.is_on(config)).flat_map(|feature| feature.permissions(config)).collect()
}

/// Verbs on what a reconciler of ours keeps as it should be. It is owned by its Sandbox and goes with it, so nothing is deleted.
const KEPT: &[&str] = &["create", "get", "list", "patch", "watch"];

impl Feature {
    /// Everything that needs rights, what every driver does first.
    pub const ALL: [Self; 13] = [
        Self::Sandboxes,
        Self::PodSecurity,
        Self::GpuCount,
        Self::SandboxToken,
        Self::ApiRules,
        Self::VirtualServices,
        Self::Domain,
        Self::ManagedWorkspaces,
        Self::ServiceAccounts,
        Self::SecretCopies,
        Self::NetworkPolicies,
        Self::ChosenNamespaces,
        Self::NamespaceLabels,
    ];

    /// The flags that switch it on.
    #[must_use]
    pub const fn flags(self) -> &'static str {
        match self {
            Self::Sandboxes => "always",
            Self::PodSecurity => "--workspace-mode shared",
            Self::GpuCount => "--gpu-support true without --gpu-scale-from-zero true",
            Self::SandboxToken => "--sandbox-credential token or both",
            Self::ApiRules => "--enable-apirule true, or --exposure apirule",
            Self::VirtualServices => "--exposure virtualservice",
            Self::Domain => "--enable-apirule true or --exposure, without --cluster-domain",
            Self::ManagedWorkspaces => "--workspace-mode managed",
            Self::ServiceAccounts => "--workspace-mode managed with a --sandbox-service-account other than default",
            Self::SecretCopies => "--workspace-mode managed with --image-pull-secrets or --client-tls-secret-name",
            Self::NetworkPolicies => "--workspace-mode managed with --enable-network-policy true",
            Self::ChosenNamespaces => "--workspace-mode operator",
            Self::NamespaceLabels => "--workspace-mode operator with --operator-namespace-label",
        }
    }

    /// Whether these settings have it switched on.
    #[must_use]
    pub fn is_on(self, config: &Config) -> bool {
        let managed = config.workspaces == WorkspaceMode::Managed;
        let routes = |wanted: fn(&Route) -> bool| config.exposure.as_ref().is_some_and(|exposure| wanted(&exposure.route));
        match self {
            Self::Sandboxes => true,
            Self::PodSecurity => config.workspaces == WorkspaceMode::Shared,
            Self::GpuCount => config.pod.gpus.supply == GpuSupply::Counted,
            Self::SandboxToken => config.pod.credential.is_secret(),
            Self::ApiRules => routes(|route| matches!(route, Route::ApiRule(_))),
            Self::VirtualServices => routes(|route| matches!(route, Route::VirtualService)),
            Self::Domain => config.exposure.as_ref().is_some_and(|exposure| exposure.domain.is_none()),
            Self::ManagedWorkspaces => managed,
            Self::ServiceAccounts => managed && config.pod.service_account != pieces::DEFAULT_ACCOUNT,
            Self::SecretCopies => managed && sources::names(config).next().is_some(),
            Self::NetworkPolicies => managed && config.network.is_some(),
            Self::ChosenNamespaces => matches!(config.workspaces, WorkspaceMode::Operator(_)),
            Self::NamespaceLabels => matches!(config.workspaces, WorkspaceMode::Operator(Choice::Labelled(_))),
        }
    }

    /// What it asks for.
    fn permissions(self, config: &Config) -> Vec<Permission> {
        let own = || Scope::Namespace(config.namespace.clone());
        // Where sandboxes are.
        let here = || match config.workspaces {
            WorkspaceMode::Shared => own(),
            WorkspaceMode::Managed | WorkspaceMode::Operator(_) => Scope::Cluster,
        };
        let one = |group, resource, verbs, scope, because| Permission {
            feature: self,
            group,
            resource,
            name: None,
            verbs,
            scope,
            need: Need::Required,
            because,
        };
        let kept =
            |kind: &Kind| one(kind.group(), kind.plural(), KEPT, here(), "a sandbox is reached from outside by what follows its Sandbox");
        match self {
            Self::Sandboxes => vec![
                one(
                    "agents.x-k8s.io",
                    "sandboxes",
                    &["create", "delete", "get", "list", "patch", "watch"],
                    here(),
                    "a sandbox is a Sandbox: made, observed, stopped and started, deleted",
                ),
                one("", "pods", &["get"], here(), "a stop is answered when a live look shows that the pod is gone"),
                one("", "pods", &["list", "watch"], here(), "why a sandbox is not ready is read from its pod").helpful(),
                one("", "events", &["list", "watch"], here(), "users are told what happens to their sandbox").helpful(),
            ],
            Self::PodSecurity => {
                let because = "a namespace that refuses the supervisor's capabilities is found at the start, not by users";
                vec![one("", "namespaces", &["get"], own(), because).named(config.namespace.as_str())]
            }
            Self::GpuCount => {
                let because = "a request for GPUs is refused at once where no node has so many; without it such requests are refused, or say --gpu-support false";
                vec![one("", "nodes", &["list"], Scope::Cluster, because).helpful()]
            }
            Self::SandboxToken => vec![one("", "secrets", &["create"], here(), "the gateway's token of a sandbox is put into a Secret")],
            Self::ApiRules | Self::VirtualServices => {
                config.exposure.iter().flat_map(|exposure| exposure.route.kinds()).map(kept).collect()
            }
            Self::Domain => config.exposure.iter().map(|exposure| domain(&one, exposure)).collect(),
            Self::ManagedWorkspaces => {
                let because = "each workspace has a namespace, which is made with it, labelled for the supervisor, and deleted with it";
                vec![one("", "namespaces", &["create", "delete", "get", "patch"], Scope::Cluster, because)]
            }
            Self::ServiceAccounts => {
                vec![one("", "serviceaccounts", &["create"], Scope::Cluster, "pods of a workspace have a service account there")]
            }
            Self::SecretCopies => {
                let because = "each workspace has copies of these secrets, which are kept up to date";
                let create = one("", "secrets", &["create"], Scope::Cluster, because);
                let keep = |name| one("", "secrets", &["get", "patch"], Scope::Cluster, because).named(name);
                std::iter::once(create).chain(sources::names(config).map(keep)).collect()
            }
            Self::NetworkPolicies => {
                let because = "sandboxes of each workspace are shut in by a network policy";
                let resource = ("networking.k8s.io", "networkpolicies");
                vec![
                    one(resource.0, resource.1, &["create"], Scope::Cluster, because),
                    one(resource.0, resource.1, &["get", "patch"], Scope::Cluster, because).named(network_policy::NAME),
                ]
            }
            Self::ChosenNamespaces => {
                let because = "a namespace that refuses the supervisor's capabilities is found before a sandbox is created in it";
                vec![one("", "namespaces", &["get"], Scope::Cluster, because).helpful()]
            }
            Self::NamespaceLabels => {
                vec![one("", "namespaces", &["list", "watch"], Scope::Cluster, "which namespaces are chosen is read from their labels")]
            }
        }
    }
}

/// The right to read the one Istio Gateway that is named.
fn domain(
    one: &impl Fn(&'static str, &'static str, &'static [&'static str], Scope, &'static str) -> Permission,
    exposure: &Exposure,
) -> Permission {
    let gateway = &exposure.gateway;
    let because = "the domain of hosts is read from the Istio Gateway; or say it with --cluster-domain";
    one("networking.istio.io", "gateways", &["get"], Scope::Namespace(gateway.namespace.clone()), because).named(gateway.name.as_str())
}

impl Permission {
    fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    fn helpful(self) -> Self {
        Self { need: Need::Helpful, ..self }
    }

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
        let only = self.name.as_ref().map(|name| format!(" --resource-name={name}")).unwrap_or_default();
        // No two of them are called the same, so that each can be given by itself.
        let own = self.name.as_ref().map(|name| format!("-{name}")).unwrap_or_default();
        let role = format!("openshell-driver-{}-{}{own}", self.resource, verbs.join("-"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_a_command_for_whoever_asked() {
        let permission = Permission {
            feature: Feature::Sandboxes,
            group: "agents.x-k8s.io",
            resource: "sandboxes",
            name: None,
            verbs: &["get", "list"],
            scope: Scope::Cluster,
            need: Need::Required,
            because: "",
        };
        let account = Subject::of("system:serviceaccount:openshell-system:driver");
        assert_eq!(
            permission.grant(&["list"], &account),
            "kubectl create clusterrole openshell-driver-sandboxes-list --verb=list --resource=sandboxes.agents.x-k8s.io && \
             kubectl create clusterrolebinding openshell-driver-sandboxes-list --clusterrole=openshell-driver-sandboxes-list \
             --serviceaccount=openshell-system:driver"
        );
        let named = permission.named("registry");
        assert!(
            named.grant(&["get"], &account).starts_with("kubectl create clusterrole openshell-driver-sandboxes-get-registry --verb=get")
        );
    }
}
