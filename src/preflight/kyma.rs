//! What a cluster needs of Kyma's modules and of its nodes: the API gateway, the mesh, GPUs.

use serde_json::Value;

use super::probe::{Probe, versions};
use super::report::Outcome;
use super::{Preflight, Verdict};
use crate::config::{Config, GpuSupply, Mesh};
use crate::core::follow::domain::only_wildcard;
use crate::core::follow::settings::{MeshGateway, Route};
use crate::core::kube::list::Page;
use crate::core::kube::mesh::Gateway;
use crate::core::kube::node::Node;

/// An API that a feature cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Required {
    /// Its group.
    pub group: &'static str,
    /// The version that is written and read.
    version: &'static str,
    name: &'static str,
    title: &'static str,
    /// What of the settings needs it.
    because: &'static str,
    mend: &'static str,
}

const API_RULE: Required = Required {
    group: "gateway.kyma-project.io",
    version: "v2",
    name: "apirule",
    title: "APIRule resource",
    because: "--enable-apirule makes one for each sandbox",
    mend: "kyma module add api-gateway --default-cr",
};

const ISTIO: Required = Required {
    group: "networking.istio.io",
    version: "v1",
    name: "istio",
    title: "Istio",
    because: "these flags put sandboxes into the mesh, or behind its ingress",
    mend: "kyma module add istio --default-cr",
};

/// What these settings need.
pub fn probes(config: &Config) -> Vec<Probe> {
    let exposure = config.exposure.as_ref();
    let api_rules = exposure.filter(|exposure| matches!(exposure.route, Route::ApiRule(_))).map(|_| Probe::Api(API_RULE));
    let mesh = (exposure.is_some() || config.pod.mesh == Mesh::Injected).then_some(Probe::Api(ISTIO));
    let domain = exposure.map(|exposure| Probe::Domain(exposure.gateway.clone()));
    let nodes = (config.pod.gpus.supply == GpuSupply::Counted).then_some(Probe::Nodes);
    [api_rules, mesh, domain, nodes].into_iter().flatten().collect()
}

impl Preflight {
    pub(super) fn api(&mut self, required: Required, verdict: Verdict) {
        let Required { group, version, name, title, because, mend } = required;
        let outcome = match verdict {
            Verdict::Done(response) => {
                let served: Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                let served = versions(&served);
                if served.contains(&version) {
                    Outcome::pass(format!("{group} is served as {}", served.join(" and ")))
                } else {
                    Outcome::fail(format!("{group} is served as {:?}, and {version} is needed: {because}", served.join(", ")), mend)
                }
            }
            Verdict::NoApi(_) | Verdict::Absent(_) => Outcome::fail(format!("the API server does not know {group}: {because}"), mend),
            other => Outcome::unknown(other.trouble().why),
        };
        self.report.add(name, title, outcome);
    }

    /// The gateway by which sandboxes are reached, and the domain below which they have their hosts.
    pub(super) fn domain(&mut self, gateway: &MeshGateway, verdict: Verdict) {
        let given = self.config.exposure.as_ref().and_then(|exposure| exposure.domain.as_ref());
        let list = "kubectl get gateways.networking.istio.io --all-namespaces";
        let outcome = match (verdict, given) {
            (Verdict::Done(response), given) => {
                let read = serde_json::from_slice::<Gateway>(&response.body.0).map_err(|error| error.to_string());
                match (read.and_then(|object| only_wildcard(&object, gateway)), given) {
                    (_, Some(given)) => Outcome::pass(format!("{given}, as --cluster-domain says, by Istio Gateway {gateway}")),
                    (Ok(domain), None) => Outcome::pass(format!("{domain}, as Istio Gateway {gateway} says")),
                    (Err(why), None) => Outcome::fail(
                        why,
                        format!(
                            "say it with --cluster-domain; look with kubectl get gateways.networking.istio.io {} -n {} -o yaml",
                            gateway.name, gateway.namespace
                        ),
                    ),
                }
            }
            (Verdict::Absent(_) | Verdict::NoNamespace(_), _) => {
                Outcome::fail(format!("there is no Istio Gateway {gateway}"), format!("name another with --apirule-gateway; {list}"))
            }
            (Verdict::NoApi(_), _) => Outcome::unknown("without Istio there is no gateway to read it from"),
            (other, Some(given)) => Outcome::unknown(format!(
                "{given}, as --cluster-domain says; whether Istio Gateway {gateway} is there cannot be seen with these credentials, and the driver need not: {}",
                other.trouble().why
            )),
            (other, None) => Outcome::unknown(format!("Istio Gateway {gateway} cannot be looked at: {}", other.trouble().why)),
        };
        self.report.add("cluster_domain", "cluster domain", outcome);
    }

    pub(super) fn nodes(&mut self, verdict: Verdict) {
        let resource = &self.config.pod.gpus.resource;
        let outcome = match verdict {
            Verdict::Done(response) => match Page::<Node>::parse(&response.body) {
                Ok(page) => {
                    let counts: Vec<u64> = page.items.iter().map(|node| node.count(resource)).collect();
                    let having = counts.iter().filter(|count| **count > 0).count();
                    let of = if page.metadata.continue_token.is_empty() { "" } else { "the first " };
                    match counts.iter().max() {
                        Some(most @ 1..) => {
                            Outcome::pass(format!("{having} of {of}{} nodes have {resource}, the best {most}", counts.len()))
                        }
                        _ => Outcome::warn(
                            format!("none of {of}{} nodes has {resource}, so requests for GPUs are refused", counts.len()),
                            "add nodes that have some; or say --gpu-scale-from-zero true where nodes are added when they are asked for, --gpu-resource-name where GPUs are \
                             called otherwise, --gpu-support false where there shall be none",
                        ),
                    }
                }
                Err(why) => Outcome::unknown(why),
            },
            other => Outcome::unknown(format!("nodes cannot be looked at: {}", other.trouble().why)),
        };
        self.report.add("gpu_nodes", "GPU nodes", outcome);
    }
}
