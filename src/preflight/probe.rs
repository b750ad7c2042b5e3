//! The questions of a preflight, and what each answer means.

use serde_json::Value;

use super::kyma::Required;
use super::permissions::Permission;
use super::report::Outcome;
use super::subject::who_am_i;
use super::{Preflight, ServerVersion, Verdict};
use crate::config::{Config, Sideload};
use crate::core::follow::settings::MeshGateway;
use crate::core::io::{HttpRequest, Method};
use crate::core::kube::furnishing;
use crate::core::kube::path::{ApiVersion, Sandboxes, list_nodes, mesh_gateway, served_versions, server_version};
use crate::core::kube::selector::Selector;
use crate::core::names::Namespace;
use crate::core::render::network_policy;
use crate::core::secret::Body;
use crate::core::territory::Territory;
use crate::core::time::Wall;

/// A question.
#[derive(Debug, Clone)]
pub enum Probe {
    /// Is there an API server, and which?
    Version,
    /// By which name does it know us?
    WhoAmI,
    /// Does it serve Sandboxes, and in which version?
    Resource,
    /// Does anybody act on them?
    Controller,
    /// Does the namespace admit sandbox pods?
    Namespace,
    /// May we do this?
    Right(Permission, &'static str),
    /// Is there a class for the workspace volumes?
    StorageClasses,
    /// Which namespaces do these labels choose?
    Labelled(Selector),
    /// Does a namespace that a file lists admit sandbox pods?
    Listed(Namespace),
    /// Is a secret there that every workspace gets a copy of?
    Source(String),
    /// Is the network policy there that the driver does not write?
    NetworkPolicy,
    /// Is an API served in the version that is written?
    Api(Required),
    /// Which domain does the Istio Gateway serve?
    Domain(MeshGateway),
    /// Which nodes have GPUs?
    Nodes,
}

/// The oldest Kubernetes on which the driver is tried out.
const SERVER_MIN: ServerVersion = ServerVersion { major: 1, minor: 30 };
/// The first Kubernetes that takes image volumes when its feature gate is on.
const IMAGE_VOLUMES_GATED: ServerVersion = ServerVersion { major: 1, minor: 31 };
/// A Sandbox of that age has a status, if anybody acts on Sandboxes.
const UNTOUCHED_SECS: i64 = 30;
/// What installs agent-sandbox.
const INSTALL: &str = "kubectl apply -f https://github.com/kubernetes-sigs/agent-sandbox/releases/download/v0.5.6/sandbox.yaml";

const API_SERVER: &str = "API server";
const RESOURCE: &str = "Sandbox resource";
const CONTROLLER: &str = "agent-sandbox controller";
const DELIVERY: &str = "supervisor delivery";
const STORAGE: &str = "storage class";

impl Probe {
    /// What to send.
    pub fn request(&self, config: &Config) -> HttpRequest {
        match self {
            Self::Version => server_version(),
            Self::WhoAmI => who_am_i(),
            Self::Resource => served_versions(),
            // Any Sandbox will do: whoever made it, the controller acts on it.
            Self::Controller if config.workspaces.is_shared() => {
                get(format!("/apis/agents.x-k8s.io/v1beta1/namespaces/{}/sandboxes?limit=100", config.namespace))
            }
            Self::Controller => get("/apis/agents.x-k8s.io/v1beta1/sandboxes?limit=100".into()),
            Self::Namespace => get(format!("/api/v1/namespaces/{}", config.namespace)),
            Self::Right(permission, verb) => permission.review(verb),
            Self::StorageClasses => get("/apis/storage.k8s.io/v1/storageclasses?limit=500".into()),
            Self::Labelled(_) => Sandboxes::of(ApiVersion::V1Beta1, Territory::of(config), &config.gateway_id).list_namespaces(None),
            Self::Listed(namespace) => get(format!("/api/v1/namespaces/{namespace}")),
            Self::Source(name) => furnishing::source(&config.namespace, name),
            Self::NetworkPolicy => {
                get(format!("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/{}", config.namespace, network_policy::NAME))
            }
            Self::Api(required) => get(format!("/apis/{}", required.group)),
            Self::Domain(gateway) => mesh_gateway(gateway),
            Self::Nodes => list_nodes(None),
        }
    }
}

const fn get(path: String) -> HttpRequest {
    HttpRequest { method: Method::Get, path, content_type: None, body: Body::EMPTY }
}

/// The versions in which an `APIGroup` is served.
pub fn versions(group: &Value) -> Vec<&str> {
    let served = group.get("versions").and_then(Value::as_array).into_iter().flatten();
    served.filter_map(|version| version.get("version")?.as_str()).collect()
}

/// The answer of a `SelfSubjectAccessReview`.
pub fn allowed(body: &Body) -> Option<bool> {
    let review: Value = serde_json::from_slice(&body.0).ok()?;
    review.get("status")?.get("allowed")?.as_bool()
}

impl Preflight {
    pub(super) fn version(&mut self, verdict: Verdict) {
        let response = match verdict {
            Verdict::Done(response) => response,
            Verdict::Unauthorized(error) => {
                let mend = "the credentials are not accepted: renew the kubeconfig's token or certificate; in a pod, look whether its service account was deleted";
                self.report.add("api_server", API_SERVER, Outcome::fail(error.to_string(), mend));
                return;
            }
            other => {
                let mend = "look whether address, CA and network policy let this process reach the API server (--kubeconfig, or KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT)";
                self.report.add("api_server", API_SERVER, Outcome::fail(other.trouble().why, mend));
                return;
            }
        };
        let outcome = match ServerVersion::parse(&response.body) {
            Ok(version) => {
                self.server = Some(version);
                let detail = format!("Kubernetes {}.{}", version.major, version.minor);
                if version < SERVER_MIN {
                    let wanted = format!("{}.{}", SERVER_MIN.major, SERVER_MIN.minor);
                    Outcome::warn(detail, format!("the driver is tried out from Kubernetes {wanted} on: upgrade the cluster"))
                } else {
                    Outcome::pass(detail)
                }
            }
            Err(error) => Outcome::unknown(format!("it answers, but its version cannot be read: {error}")),
        };
        self.report.add("api_server", API_SERVER, outcome);
        self.delivery();
        self.go_on();
    }

    /// Whether this version can bring the supervisor into a sandbox as the settings want.
    fn delivery(&mut self) {
        let sideload = self.config.pod.supervisor.sideload;
        let outcome = match (sideload, self.server) {
            (Sideload::InitContainer, _) => Outcome::pass("an init container copies it, on any version"),
            (Sideload::Auto, Some(version)) if version >= ServerVersion::IMAGE_VOLUMES => Outcome::pass("mounted from its image"),
            (Sideload::Auto, Some(_)) => {
                Outcome::pass("an init container copies it: image volumes are on by default from Kubernetes 1.35 on")
            }
            (Sideload::Auto | Sideload::ImageVolume, None) => Outcome::unknown("the API server's version is not known"),
            (Sideload::ImageVolume, Some(version)) if version >= ServerVersion::IMAGE_VOLUMES => Outcome::pass("mounted from its image"),
            (Sideload::ImageVolume, Some(version)) if version >= IMAGE_VOLUMES_GATED => Outcome::warn(
                "image volumes are off by default in this version, and would then be dropped from the pod",
                "use --supervisor-sideload auto, unless the feature gate ImageVolume is on in the API server and on every node",
            ),
            (Sideload::ImageVolume, Some(_)) => {
                Outcome::fail("this version has no image volumes", "use --supervisor-sideload auto or init-container")
            }
        };
        self.report.add("supervisor_delivery", DELIVERY, outcome);
    }

    pub(super) fn resource(&mut self, verdict: Verdict) {
        let outcome = match verdict {
            Verdict::Done(response) => {
                let group: Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                let versions = versions(&group);
                if versions.contains(&"v1beta1") {
                    Outcome::pass(format!("served as {}", versions.join(" and ")))
                } else if versions.contains(&"v1alpha1") {
                    Outcome::warn("served as v1alpha1 only: agent-sandbox is older than v0.5.0", INSTALL)
                } else {
                    Outcome::fail(format!("agents.x-k8s.io is served as {:?}, which is not spoken", versions.join(", ")), INSTALL)
                }
            }
            Verdict::NoApi(_) | Verdict::Absent(_) => {
                Outcome::fail("agent-sandbox is not installed: the API server does not know agents.x-k8s.io", INSTALL)
            }
            other => Outcome::unknown(other.trouble().why),
        };
        self.report.add("sandbox_resource", RESOURCE, outcome);
    }

    /// The controller is judged by what it does: nobody gives the driver the right to look at its Deployment.
    pub(super) fn controller(&mut self, verdict: Verdict) {
        let outcome = match verdict {
            Verdict::Done(response) => {
                let list: Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let touched = items.iter().any(|item| item.pointer("/status/conditions").is_some());
                let age = |item: &Value| {
                    let created = Wall::parse(item.pointer("/metadata/creationTimestamp")?.as_str()?)?;
                    Some(self.now_secs - created.0.div_euclid(1000))
                };
                let oldest = items.iter().filter_map(age).max().unwrap_or_default();
                if touched {
                    Outcome::pass("it has acted on Sandboxes here")
                } else if oldest > UNTOUCHED_SECS {
                    Outcome::fail(
                        format!("no Sandbox here has a status, and the oldest is {oldest} s old: nobody acts on them"),
                        "kubectl get pods -n agent-sandbox-system\nkubectl logs -n agent-sandbox-system deployment/agent-sandbox-controller",
                    )
                } else {
                    Outcome::unknown("there is no Sandbox here yet by which to tell; look with kubectl get pods -n agent-sandbox-system")
                }
            }
            other => Outcome::unknown(format!("Sandboxes cannot be looked at: {}", other.trouble().why)),
        };
        self.report.add("controller", CONTROLLER, outcome);
    }

    pub(super) fn storage(&mut self, verdict: Verdict) {
        let wanted = self.config.pod.workspace.storage_class.clone();
        let outcome = match verdict {
            Verdict::Done(response) => {
                let list: Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let name = |item: &&Value| item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
                let default = items.iter().find(|item| {
                    item.pointer("/metadata/annotations/storageclass.kubernetes.io~1is-default-class").and_then(Value::as_str)
                        == Some("true")
                });
                match (wanted, default) {
                    (Some(wanted), _) if items.iter().any(|item| name(&item) == wanted) => Outcome::pass(wanted),
                    (Some(wanted), _) => {
                        let there: Vec<String> = items.iter().map(|item| name(&item)).collect();
                        Outcome::fail(
                            format!("there is no class {wanted}"),
                            format!("name one of these with --sandbox-storage-class: {}", there.join(", ")),
                        )
                    }
                    (None, Some(default)) => Outcome::pass(format!("{}, the cluster's default", name(&default))),
                    (None, None) => Outcome::fail(
                        "no class is the cluster's default, so no workspace volume would be bound",
                        "kubectl get storageclasses, then name one with --sandbox-storage-class",
                    ),
                }
            }
            other => Outcome::unknown(format!(
                "classes cannot be looked at with these credentials, and the driver need not: {}",
                other.trouble().why
            )),
        };
        self.report.add("storage_class", STORAGE, outcome);
    }
}
