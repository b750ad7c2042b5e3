//! Is this request acceptable? What is let in has a type that the rest of the core need not check again.
//!
//! `ValidateSandboxCreate` and `CreateSandbox` both come through here, so they cannot disagree.

pub mod driver_config;
pub mod environment;
pub mod fields;
pub mod mount_path;
pub mod platform;
pub mod quantity;
pub mod resources;
pub mod scheduling;
pub mod volumes;

use std::collections::BTreeMap;

use prost::Message as _;
use serde::{Deserialize, Serialize};

use self::driver_config::DriverConfig;
use self::environment::{Environment, MainProcess};
use self::platform::{Platform, Users};
use self::resources::{Resources, Wishes};
use self::scheduling::Scheduling;
use self::volumes::Volumes;
use super::grpc_status::Status;
use super::names::{NameError, ObjectName, SandboxId, SandboxName, Workspace, fnv128};
use super::territory::{ObjectKey, Territory};
use crate::config::{Config, UserNamespaces};
use crate::contract::messages::compute as pb;

/// A sandbox that may be created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admitted {
    /// The gateway's id.
    pub id: SandboxId,
    /// The user's name for it.
    pub name: SandboxName,
    /// Its workspace.
    pub workspace: Workspace,
    /// Where its object is.
    pub object: ObjectKey,
    /// The container image.
    pub image: String,
    /// What runs in it.
    pub main_process: MainProcess,
    /// The user's variables.
    pub environment: Environment,
    /// Labels for the pod, without any that we or the controller rely on.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the pod, likewise.
    pub annotations: BTreeMap<String, String>,
    /// Which runtime the pod runs in, where not the node's usual one.
    pub runtime_class: Option<ObjectName>,
    /// Whose user namespace the pod has.
    pub users: Users,
    /// Which nodes it may go to.
    pub scheduling: Scheduling,
    /// Claims that are there already.
    pub volumes: Volumes,
    /// Requests and limits; never without limits.
    pub resources: Resources,
    /// Tells a repeated create from another one of the same id.
    #[serde(rename = "request_digest")]
    pub digest: String,
}

impl Admitted {
    /// Checks a `DriverSandbox` as the gateway sends it with Validate and Create.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` or `FAILED_PRECONDITION` with a sentence that names the field.
    pub fn check(config: &Config, territory: &Territory, sandbox: Option<&pb::DriverSandbox>) -> Result<Self, Status> {
        let sandbox = sandbox.ok_or_else(|| Status::invalid_argument("sandbox is required"))?;
        let id = named("sandbox.id", SandboxId::parse(&sandbox.id))?;
        let name = named("sandbox.name", SandboxName::parse(&sandbox.name))?;
        let workspace = named("sandbox.workspace", Workspace::parse(&sandbox.workspace))?;
        let object = territory.object(&workspace, &name)?;
        let empty_spec = pb::DriverSandboxSpec::default();
        let spec = sandbox.spec.as_deref().unwrap_or(&empty_spec);
        let empty_template = pb::DriverSandboxTemplate::default();
        let template = spec.template.as_ref().unwrap_or(&empty_template);

        let image = if template.image.is_empty() { config.pod.image.clone() } else { template.image.clone() };
        if image.trim().is_empty() {
            return Err(Status::failed_precondition(
                "template.image is empty and the driver has no default: name an image, or start the driver with --sandbox-image",
            ));
        }
        let platform = Platform::check(template.platform_config.as_ref())?;
        let ours = DriverConfig::check(config, template.driver_config.as_ref())?;
        let wishes = Wishes {
            gpu: spec.resource_requirements.as_ref().and_then(|wanted| wanted.gpu.as_ref()),
            typed: template.resources.as_ref(),
            raw: &platform.resources,
            fill: &ours.resources,
        };
        let resources = Resources::check(&config.pod.default_resources, &config.pod.gpus, wishes)?;
        let digest = digest(sandbox);
        Ok(Self {
            object,
            image,
            main_process: MainProcess::check(&spec.command, spec.tty)?,
            environment: Environment::check(&template.environment, &spec.environment, config.pod.telemetry.claude, &spec.log_level)?,
            labels: pod_labels(&template.labels)?,
            annotations: platform.annotations,
            runtime_class: platform.runtime_class.or(ours.runtime_class).or_else(|| config.pod.isolation.runtime_class.clone()),
            users: users(config.pod.isolation.user_namespaces, platform.users)?,
            scheduling: platform.scheduling.or(ours.scheduling),
            volumes: ours.volumes,
            resources,
            digest,
            id,
            name,
            workspace,
        })
    }
}

/// Whose user namespace a pod has: the request's wish, where the operator leaves it to that.
fn users(setting: UserNamespaces, wish: Option<Users>) -> Result<Users, Status> {
    match (setting, wish) {
        (UserNamespaces::Required, Some(Users::Host)) => Err(Status::failed_precondition(
            "template.platform_config.host_users: the sandbox asks for the node's user namespace, but its own is required here: the driver's operator has \
             set --enable-user-namespaces to required",
        )),
        (UserNamespaces::Required | UserNamespaces::Usual, None) | (UserNamespaces::Required, Some(Users::Namespaced)) => {
            Ok(Users::Namespaced)
        }
        (UserNamespaces::OnRequest, None) => Ok(Users::Host),
        (UserNamespaces::Usual | UserNamespaces::OnRequest, Some(wish)) => Ok(wish),
    }
}

/// Turns a name's error into a refusal that says which field it was.
///
/// # Errors
/// `INVALID_ARGUMENT` when the name was one.
pub fn named<T>(field: &str, parsed: Result<T, NameError>) -> Result<T, Status> {
    parsed.map_err(|error| Status::invalid_argument(format!("{field} {error}")))
}

/// A digest of everything that makes the sandbox what it is. The token differs from try to try, and the status is the gateway's own.
#[must_use]
pub fn digest(sandbox: &pb::DriverSandbox) -> String {
    let mut same = sandbox.clone();
    same.status = None;
    if let Some(spec) = &mut same.spec {
        spec.sandbox_token.clear();
        spec.launch_authentication.clear();
    }
    format!("{:032x}", fnv128(&same.encode_to_vec()))
}

/// Domains whose labels and annotations somebody relies on: the gateway's identity check, the agent-sandbox controller, Kubernetes, a mesh that
/// decides about sidecars, and whatever gives pods addresses, networks and policies on Kyma and the clusters below it.
const RESERVED_DOMAINS: [&str; 12] = [
    "openshell.ai",
    "openshell.io",
    "kubernetes.io",
    "k8s.io",
    "x-k8s.io",
    "istio.io",
    "kyma-project.io",
    "gardener.cloud",
    "projectcalico.org",
    "cilium.io",
    "cncf.io",
    "spiffe.io",
];

/// The label by which Istio finds its gateways: a pod that had it would be sent their configuration.
const GATEWAY_LABEL: &str = "istio";

fn is_reserved(key: &str) -> bool {
    key.split_once('/').map_or(key == GATEWAY_LABEL, |(domain, _)| {
        RESERVED_DOMAINS.iter().any(|reserved| domain.strip_suffix(reserved).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    })
}

fn pod_labels(wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Status> {
    for (key, value) in wanted {
        if !super::names::is_qualified_name(key) {
            return Err(Status::invalid_argument(format!("template.labels: {key:?} is not a label key")));
        }
        if !value.is_empty() && !super::names::is_label_value(value) {
            return Err(Status::invalid_argument(format!(
                "template.labels.{key}: the value must be at most 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit"
            )));
        }
        if is_reserved(key) {
            return Err(Status::invalid_argument(format!("template.labels.{key}: this label is not the caller's to set")));
        }
    }
    Ok(wanted.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_domains_include_their_subdomains_but_not_their_lookalikes() {
        assert!(
            [
                "openshell.ai/x",
                "kyma.openshell.ai/x",
                "sidecar.istio.io/inject",
                "agents.x-k8s.io/x",
                "k8s.v1.cni.cncf.io/networks",
                "istio"
            ]
            .into_iter()
            .all(is_reserved)
        );
        assert!(!is_reserved("notopenshell.ai/x") && !is_reserved("team") && !is_reserved("example.com/openshell.ai"));
    }
}
