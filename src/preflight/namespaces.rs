//! What must be in the namespace that somebody else makes: its label, secrets, the network policy.

use serde_json::Value;

use super::probe::Probe;
use super::report::Outcome;
use super::{Preflight, Verdict};
use crate::config::{Choice, Config, WorkspaceMode};
use crate::core::kube::list::Page;
use crate::core::kube::namespace::NamespaceObject;
use crate::core::kube::selector::Selector;
use crate::core::names::Namespace;
use crate::core::observe::pod_security::{ENFORCE, NEEDED, admits, command, enforces};
use crate::core::render::network_policy;
use crate::core::workspaces::sources;

/// What these settings need.
pub fn probes(config: &Config) -> Vec<Probe> {
    let sources = || sources::names(config).map(|name| Probe::Source(name.to_owned()));
    match &config.workspaces {
        WorkspaceMode::Shared => {
            let policy = config.network.is_some().then_some(Probe::NetworkPolicy);
            [Probe::Namespace].into_iter().chain(policy).collect()
        }
        WorkspaceMode::Managed if sources().next().is_none() => Vec::new(),
        WorkspaceMode::Managed => [Probe::Namespace].into_iter().chain(sources()).collect(),
        WorkspaceMode::Operator(Choice::Labelled(selector)) => vec![Probe::Labelled(selector.clone())],
        // They are asked about by name, once they are known.
        WorkspaceMode::Operator(Choice::Listed) => Vec::new(),
    }
}

impl Preflight {
    pub(super) fn namespace(&mut self, verdict: Verdict) {
        let namespace = &self.config.namespace;
        let label = command(namespace);
        // Where each workspace has a namespace, this one only has what they get copies of.
        let is_home = self.config.workspaces == WorkspaceMode::Shared;
        let create = format!("kubectl create namespace {namespace}");
        let outcome = match verdict {
            Verdict::Done(response) => match serde_json::from_slice::<NamespaceObject>(&response.body.0) {
                Ok(object) if object.metadata.deletion_timestamp.is_some() => {
                    Outcome::fail(format!("{namespace} is being deleted"), format!("wait until it is gone, then: {create}"))
                }
                Ok(_) if !is_home => Outcome::pass(format!("{namespace} is there")),
                Ok(object) if admits(&object.metadata.labels) => {
                    Outcome::pass(format!("{namespace} admits privileged pods, which the supervisor in a sandbox needs"))
                }
                Ok(object) => {
                    let level = object.metadata.labels.enforce;
                    Outcome::fail(
                        format!("{namespace} {}, which does not let the supervisor's capabilities in", enforces(level.as_deref())),
                        label,
                    )
                }
                Err(_) => Outcome::unknown(format!("{namespace}: the API server's answer cannot be read")),
            },
            Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                let mend = if is_home { format!("{create}\n{label}") } else { create };
                Outcome::fail(format!("{namespace} does not exist"), mend)
            }
            other => Outcome::unknown(format!("{namespace} cannot be looked at: {}", other.trouble().why)),
        };
        self.report.add("namespace", "namespace", outcome);
    }

    /// Namespaces that are chosen by their labels.
    pub(super) fn labelled(&mut self, selector: &Selector, verdict: Verdict) {
        let outcome = match verdict {
            Verdict::Done(response) => match Page::<NamespaceObject>::parse(&response.body) {
                Ok(page) if page.items.is_empty() => Outcome::warn(
                    format!("no namespace is chosen by {selector}, so no workspace can have sandboxes"),
                    format!("kubectl label namespace <workspace> {} {ENFORCE}={NEEDED}", selector.labels()),
                ),
                Ok(page) => {
                    page.items.into_iter().for_each(|object| self.chosen(&object.metadata.name.clone(), Some(object)));
                    return;
                }
                Err(why) => Outcome::unknown(why),
            },
            other => Outcome::unknown(format!("namespaces cannot be listed: {}", other.trouble().why)),
        };
        self.report.add("namespace", "namespace", outcome);
    }

    /// A namespace that a file lists.
    pub(super) fn listed(&mut self, name: &Namespace, verdict: Verdict) {
        match verdict {
            Verdict::Done(response) => self.chosen(name.as_str(), serde_json::from_slice(&response.body.0).ok()),
            Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                let mend = format!("kubectl create namespace {name}\n{}", command(name));
                self.report.add("namespace", "namespace", Outcome::fail(format!("{name} is listed, and does not exist"), mend));
            }
            other => {
                let why = format!("{name} cannot be looked at: {}", other.trouble().why);
                self.report.add("namespace", "namespace", Outcome::unknown(why));
            }
        }
    }

    /// Whether a chosen namespace lets sandbox pods in.
    fn chosen(&mut self, name: &str, object: Option<NamespaceObject>) {
        let outcome = match object.map(|object| object.metadata) {
            None => Outcome::unknown(format!("{name}: the API server's answer cannot be read")),
            Some(metadata) if metadata.deletion_timestamp.is_some() => {
                Outcome::warn(format!("{name} is chosen, and is being deleted"), "wait until it is gone, and make it again if it is wanted")
            }
            Some(metadata) if admits(&metadata.labels) => Outcome::pass(format!("{name} is chosen, and admits privileged pods")),
            Some(metadata) => {
                let level = enforces(metadata.labels.enforce.as_deref());
                Outcome::fail(format!("{name} is chosen, and {level}, which does not let the supervisor's capabilities in"), command(name))
            }
        };
        self.report.add("namespace", "namespace", outcome);
    }

    /// A secret that every workspace gets a copy of.
    pub(super) fn source(&mut self, name: &str, verdict: Verdict) {
        let namespace = &self.config.namespace;
        let outcome = match verdict {
            Verdict::Done(_) => Outcome::pass(format!("{namespace}/{name} is there, and every workspace gets a copy")),
            Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                let kind = if self.config.pod.client_tls_secret.as_deref() == Some(name) {
                    format!("generic {name} --from-file=ca.crt --from-file=tls.crt --from-file=tls.key")
                } else {
                    format!("docker-registry {name} --docker-server=<registry> --docker-username=<user> --docker-password=<password>")
                };
                let mend = format!("kubectl create secret {kind} -n {namespace}");
                Outcome::fail(format!("{namespace}/{name}, of which every workspace gets a copy, does not exist"), mend)
            }
            other => Outcome::unknown(format!("{namespace}/{name} cannot be looked at: {}", other.trouble().why)),
        };
        self.report.add("secret", "secret", outcome);
    }

    /// The network policy of the shared namespace, which the driver has no right to write, nor to see.
    pub(super) fn network_policy(&mut self, verdict: Verdict) {
        let Some(rules) = &self.config.network else { return };
        let (namespace, name) = (&self.config.namespace, network_policy::NAME);
        let wanted = network_policy::object(namespace.as_str(), rules, &self.config.gateway_id);
        let mend = format!("kubectl apply -f - <<'EOF'\n{wanted}\nEOF");
        let outcome = match verdict {
            Verdict::Done(response) => {
                let there: Value = serde_json::from_slice(&response.body.0).unwrap_or_default();
                if there.get("spec") == wanted.get("spec") {
                    Outcome::pass(format!("{namespace}/{name} shuts sandboxes in as these flags say"))
                } else {
                    Outcome::warn(format!("{namespace}/{name} is there, and says something else than these flags"), mend)
                }
            }
            Verdict::Absent(_) | Verdict::NoNamespace(_) => Outcome::fail(
                format!(
                    "{namespace}/{name} is not there, so nothing shuts sandboxes in: in the shared namespace the driver writes no policy"
                ),
                mend,
            ),
            other => Outcome::unknown(format!(
                "whether {namespace}/{name} is there cannot be seen with these credentials, and the driver need not: {}; look with kubectl get networkpolicy {name} -n {namespace}",
                other.trouble().why
            )),
        };
        self.report.add("network_policy", "network policy", outcome);
    }
}
