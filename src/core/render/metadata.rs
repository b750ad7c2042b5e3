//! Labels and annotations: how the gateway, upstream's driver, we, and the operators' own policies find and know a sandbox and its pod.

use serde_json::{Map, Value};

use crate::config::{Config, Mesh};
use crate::core::admit::Admitted;
use crate::core::kube::path::keys;

/// Tells Istio's webhook whether a pod gets a proxy.
const INJECT: &str = "sidecar.istio.io/inject";
/// The cluster autoscaler leaves nodes alone that have such a pod.
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";

/// The labels of a sandbox's object and of its pod. Operators select by them: their keys do not change.
#[must_use]
pub fn labels(config: &Config, admitted: &Admitted) -> Map<String, Value> {
    [
        (keys::MANAGED_BY, keys::MANAGED_BY_VALUE),
        (keys::SANDBOX_ID, &admitted.id.label_value()),
        (keys::SANDBOX_NAME, admitted.name.as_str()),
        (keys::SANDBOX_WORKSPACE, admitted.workspace.as_str()),
        (keys::GATEWAY_ID, &config.gateway_id),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.into()))
    .collect()
}

/// The pod's labels: the request's under ours, so that none of ours is ever another's.
#[must_use]
pub fn pod_labels(config: &Config, admitted: &Admitted) -> Map<String, Value> {
    let mut all: Map<String, Value> = admitted.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    all.append(&mut labels(config, admitted));
    let inject = match config.pod.mesh {
        Mesh::Excluded => "false",
        Mesh::Injected => "true",
    };
    all.insert(INJECT.into(), inject.into());
    all
}

/// The pod's annotations, likewise.
#[must_use]
pub fn pod_annotations(config: &Config, admitted: &Admitted) -> Map<String, Value> {
    let mut all: Map<String, Value> = admitted.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let mut set = |key: &str, value: &str| all.insert(key.into(), value.into());
    // The gateway exchanges the pod's token only with this.
    set(keys::POD_SANDBOX_ID, admitted.id.as_str());
    // A pod that is moved loses what its agent was doing, and its sandbox is an Error for ever.
    set(SAFE_TO_EVICT, "false");
    if config.pod.mesh == Mesh::Injected {
        // As an init container that stays, the proxy is there before the supervisor, which gives up after seconds without a network, and ends with it.
        set("sidecar.istio.io/nativeSidecar", "true");
        set("proxy.istio.io/config", r#"{"holdApplicationUntilProxyStarts":true}"#);
        // Of what comes in, the proxy takes only what is exposed: to it, the workload in its own network namespace looks like somebody outside, and
        // what it sent would leave by the mesh, past the supervisor.
        let exposed = config.exposure.as_ref().map(|exposure| exposure.port.to_string()).unwrap_or_default();
        set("traffic.sidecar.istio.io/includeInboundPorts", &exposed);
    }
    all
}
