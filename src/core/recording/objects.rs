//! What is kept of JSON bodies.
//!
//! Of objects that come from the cluster it is what the core reads, and nothing else: whatever is not named here is left out, so a field that was
//! forgotten shows as a replay that differs and not as a secret in a file. Of objects that the core renders it is everything but what may be secret.

use super::walk::Rule;
use crate::core::kube::path::keys;

/// What is kept of something that the API server sent: an object, a list of them, a line of a watch, a `Status`.
pub const RECEIVED: Rule = Rule::Fields(received);
/// What is kept of something that the core rendered.
pub const RENDERED: Rule = Rule::Fields(rendered);
/// What is kept of the state of the core.
pub const STATE: Rule = Rule::Fields(state);

/// What is kept whole of something received: of any object, of a `Status`, of an Event, and of versions (the server's, and those of an API).
const OBJECT: [&str; 4] = ["apiVersion", "kind", "status", "type"];
const STATUS: [&str; 4] = ["code", "details", "message", "reason"];
const EVENT: [&str; 7] = ["count", "eventTime", "involvedObject", "lastTimestamp", "reportingComponent", "series", "source"];
const VERSIONS: [&str; 5] = ["major", "minor", "name", "preferredVersion", "versions"];

fn received(key: &str) -> Rule {
    match key {
        "metadata" => Rule::Fields(metadata),
        "spec" => Rule::Fields(spec),
        "items" | "object" => RECEIVED,
        // Of Secrets that are copied; they are compared.
        "data" => Rule::StandIn,
        _ if [&OBJECT[..], &STATUS, &EVENT, &VERSIONS].iter().any(|keys| keys.contains(&key)) => Rule::Keep,
        _ => Rule::Omit,
    }
}

fn metadata(key: &str) -> Rule {
    match key {
        "annotations" => Rule::Fields(annotations),
        "continue" | "creationTimestamp" | "deletionTimestamp" | "finalizers" | "generation" | "labels" | "name" | "namespace"
        | "ownerReferences" | "resourceVersion" | "uid" => Rule::Keep,
        _ => Rule::Omit,
    }
}

/// Domains whose annotations the core reads.
const DOMAINS: [&str; 5] = ["agents.x-k8s.io", "k8s.io", "kyma.openshell.ai", "openshell.ai", "openshell.io"];

fn annotations(key: &str) -> Rule {
    match key.split_once('/') {
        _ if key == keys::REQUEST_DIGEST => Rule::Digest,
        Some((domain, _)) if DOMAINS.contains(&domain) => Rule::Keep,
        _ => Rule::Omit,
    }
}

/// What is kept of a specification: of a Sandbox, a Node, an Istio Gateway, and all of it of a network policy, which is compared as a whole.
const SPEC: [&str; 8] = ["operatingMode", "replicas", "unschedulable", "servers", "egress", "ingress", "podSelector", "policyTypes"];

fn spec(key: &str) -> Rule {
    if SPEC.contains(&key) { Rule::Keep } else { Rule::Omit }
}

fn rendered(key: &str) -> Rule {
    match key {
        // Variables, where a command stands, too; and what is in Secrets.
        "data" | "stringData" | "value" => Rule::Mask,
        _ if key == keys::REQUEST_DIGEST => Rule::Digest,
        _ => RENDERED,
    }
}

fn state(key: &str) -> Rule {
    match key {
        "body" => RENDERED,
        "request_digest" => Rule::Digest,
        _ if key == keys::REQUEST_DIGEST => Rule::Digest,
        _ => STATE,
    }
}
