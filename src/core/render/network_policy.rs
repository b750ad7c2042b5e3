//! The network policy of sandboxes: one definition, written by the driver into the namespaces it makes, and by the chart into the shared one
//! (`deploy/network-policy.json` shows it for the default settings).
//!
//! It selects every pod of this gateway's sandboxes by the labels they carry, lets in only what is listed, and lets out only DNS, the gateway and
//! what is listed.

use serde_json::{Map, Value, json};

use super::sandbox::put_some;
use crate::config::NetworkRules;
use crate::core::kube::path::keys;
use crate::core::kube::peer::{Cidr, Peer, Place};

/// What it is called, in each namespace.
pub const NAME: &str = "openshell-sandboxes";

/// `spec` of the policy.
#[must_use]
pub fn spec(rules: &NetworkRules, gateway_id: &str) -> Value {
    let egress: Vec<Value> = dns().into_iter().chain(rules.gateway.iter().chain(&rules.egress).map(|peer| rule("to", peer))).collect();
    let ingress: Vec<Value> = rules.ingress.iter().map(|peer| rule("from", peer)).collect();
    let mut spec = json!({
        "podSelector": { "matchLabels": { keys::MANAGED_BY: keys::MANAGED_BY_VALUE, keys::GATEWAY_ID: gateway_id } },
        "policyTypes": ["Ingress", "Egress"],
        "egress": egress,
    });
    // The API server leaves an empty list out, and we compare.
    put_some(&mut spec, "ingress", (!ingress.is_empty()).then(|| ingress.into()));
    spec
}

/// The whole object, for whoever installs it.
#[must_use]
pub fn object(namespace: &str, rules: &NetworkRules, gateway_id: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": { keys::MANAGED_BY: keys::MANAGED_BY_VALUE, keys::GATEWAY_ID: gateway_id },
        },
        "spec": spec(rules, gateway_id),
    })
}

/// The cluster's DNS: its pods, which on Gardener's shoots listen on 8053 behind the service's 53 (a policy sees the pod's port), and the cache on
/// the node, where there is one.
fn dns() -> [Value; 2] {
    let ports = |numbers: &[u16]| -> Vec<Value> {
        let both = |port: &u16| ["UDP", "TCP"].map(|protocol| json!({ "port": port, "protocol": protocol }));
        numbers.iter().flat_map(both).collect()
    };
    [
        json!({
            "to": [{
                "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: "kube-system" } },
                "podSelector": { "matchExpressions": [{ "key": "k8s-app", "operator": "In", "values": ["kube-dns", "coredns", "node-local-dns"] }] },
            }],
            "ports": ports(&[53, 8053]),
        }),
        json!({ "to": [{ "ipBlock": { "cidr": "169.254.20.10/32" } }], "ports": ports(&[53]) }),
    ]
}

/// The label that every namespace has.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

fn rule(direction: &str, peer: &Peer) -> Value {
    let place = match &peer.place {
        Place::Addresses(cidr) => {
            let mut block = json!({ "cidr": cidr.to_string() });
            put_some(&mut block, "except", exceptions(*cidr));
            json!({ "ipBlock": block })
        }
        Place::Namespace(namespace) => json!({ "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: namespace } } }),
    };
    let mut rule = Map::from_iter([(direction.to_owned(), Value::from(vec![place]))]);
    if let Some(port) = peer.port {
        rule.insert("ports".into(), json!([{ "port": port.number, "protocol": port.protocol.as_str() }]));
    }
    rule.into()
}

/// A wide range does not mean the addresses at which clouds tell a node its credentials.
fn exceptions(cidr: Cidr) -> Option<Value> {
    let link_local = Cidr::link_local();
    (cidr != link_local && cidr.contains(link_local)).then(|| json!([link_local.to_string()]))
}
