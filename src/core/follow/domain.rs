//! The domain below which sandboxes have their hosts: given, or read from the Istio Gateway.

use serde::{Deserialize, Serialize};

use super::render::Host;
use super::settings::{Domain, Exposure, MeshGateway};
use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::mesh::Gateway;
use crate::core::kube::path;
use crate::core::limits;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// What is known of the domain.
#[derive(Debug, Serialize, Deserialize)]
pub struct ClusterDomain {
    gateway: MeshGateway,
    known: Known,
    asking: Option<ExchangeId>,
    failures: u32,
}

#[derive(Debug, Serialize, Deserialize)]
enum Known {
    /// An operator said it.
    Given(Domain),
    /// The Gateway serves it, and nothing else.
    Read(Domain),
    /// It is not known, for this reason.
    Not(String),
}

impl ClusterDomain {
    /// What the settings say.
    #[must_use]
    pub fn new(exposure: &Exposure) -> Self {
        let known = exposure.domain.clone().map_or_else(|| Known::Not("the Istio Gateway has not been read yet".into()), Known::Given);
        Self { gateway: exposure.gateway.clone(), known, asking: None, failures: 0 }
    }

    /// The host with this first label.
    ///
    /// # Errors
    /// Says why the domain is not known.
    pub fn host(&self, label: &str) -> Result<Host, &str> {
        match &self.known {
            Known::Given(domain) => {
                let full = format!("{label}.{domain}");
                Ok(Host { ruled: full.clone(), full })
            }
            // Kyma takes the domain from the Gateway, which has just one.
            Known::Read(domain) => Ok(Host { full: format!("{label}.{domain}"), ruled: label.to_owned() }),
            Known::Not(why) => Err(why),
        }
    }

    /// Asks, unless it is given.
    pub fn ask(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.known, Known::Given(_)) && self.asking.is_none() {
            let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
            self.asking = Some(turn.exchange(Waiter::Domain, Lane::Lists, path::mesh_gateway(&self.gateway), deadline));
        }
    }

    /// An answer came. What cannot be read now is asked for again; what was read before stays.
    pub fn answered(&mut self, turn: &mut Turn<'_>, result: Result<Response, Fault>) {
        self.asking = None;
        let verdict = Verdict::of(result);
        turn.met("domain", "asking", verdict.name());
        let gateway = &self.gateway;
        let refused = match verdict {
            Verdict::Done(response) => match serde_json::from_slice::<Gateway>(&response.body.0) {
                Ok(object) => match only_wildcard(&object, gateway) {
                    Ok(domain) => {
                        self.failures = 0;
                        self.known = Known::Read(domain);
                        // Seldom does anybody give a cluster another domain.
                        turn.set(Timer::Domain, turn.now().mono.after(limits::DOMAIN_RECHECK));
                        return;
                    }
                    Err(why) => why,
                },
                Err(_) => format!("Istio Gateway {gateway} cannot be read; say --cluster-domain"),
            },
            Verdict::Absent(error) | Verdict::NoNamespace(error) => {
                format!("there is no Istio Gateway {gateway} ({error}): name another with --apirule-gateway, or say --cluster-domain")
            }
            Verdict::NoApi(_) => format!(
                "the API server does not serve networking.istio.io/v1, so Istio Gateway {gateway} cannot be read: is Istio installed?"
            ),
            Verdict::Refused(error) => format!(
                "Istio Gateway {gateway} cannot be read: {error}; let the driver get gateways.networking.istio.io in {}, or say --cluster-domain",
                gateway.namespace
            ),
            Verdict::Exists(error) | Verdict::Conflict(error) | Verdict::Unauthorized(error) | Verdict::Busy(error) => error.to_string(),
            Verdict::Unsure(why) => why,
            Verdict::NotSent(why) => format!("the API server cannot be reached: {why}"),
        };
        if let Known::Not(why) = &mut self.known {
            *why = refused;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = turn.backoff(Dice::Of(super::ROUTES), self.failures, limits::FOLLOW_BACKOFF_MAX);
        turn.set(Timer::Domain, turn.now().mono.after(pause));
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        if let Some(exchange) = self.asking.take() {
            turn.abort_exchange(exchange);
        }
        turn.unset(&Timer::Domain);
    }
}

/// The one domain of which a Gateway serves every host.
///
/// # Errors
/// Says why there is not just one, and what to say instead.
pub fn only_wildcard(object: &Gateway, gateway: &MeshGateway) -> Result<Domain, String> {
    let hosts = object.spec.servers.iter().flat_map(|server| &server.hosts);
    // A host may be bound to a namespace: ns/*.domain.
    let mut hosts: Vec<&str> = hosts.map(|host| host.rsplit('/').next().unwrap_or(host)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    match hosts.as_slice() {
        [host] => host.strip_prefix("*.").and_then(|domain| Domain::parse(domain).ok()).ok_or_else(|| {
            format!("Istio Gateway {gateway} serves {host}, which is not of the form *.domain: say --cluster-domain, or name another with --apirule-gateway")
        }),
        [] => Err(format!("Istio Gateway {gateway} serves no host: say --cluster-domain, or name another with --apirule-gateway")),
        hosts => Err(format!(
            "Istio Gateway {gateway} serves {}, so which domain is meant must be said: --cluster-domain",
            hosts.join(" and ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hosts: &str) -> Result<String, String> {
        let object: Gateway = serde_json::from_str(&format!(r#"{{"spec":{{"servers":{hosts}}}}}"#)).map_err(|error| error.to_string())?;
        let gateway = MeshGateway::parse("kyma-system/kyma-gateway")?;
        only_wildcard(&object, &gateway).map(|domain| domain.as_str().to_owned())
    }

    #[test]
    fn one_wildcard_on_every_port_is_the_domain() {
        let both = r#"[{"hosts":["*.c-1.kyma.ondemand.com"]},{"hosts":["*.c-1.kyma.ondemand.com"]}]"#;
        assert_eq!(read(both).as_deref(), Ok("c-1.kyma.ondemand.com"));
        assert_eq!(read(r#"[{"hosts":["istio-system/*.example.com"]}]"#).as_deref(), Ok("example.com"));
    }

    #[test]
    fn anything_else_needs_to_be_said() {
        for hosts in ["[]", r#"[{"hosts":["*"]}]"#, r#"[{"hosts":["a.example.com"]}]"#, r#"[{"hosts":["*.a.com","*.b.com"]}]"#] {
            assert!(read(hosts).is_err_and(|why| why.contains("--cluster-domain")), "{hosts}");
        }
    }
}
