//! The pod template: in-pod runtime, combined topology.

use serde_json::{Map, Value, json};

use super::environment::{SANDBOX_GID, variables};
use super::sandbox::put_some;
use super::supervisor::{self, Delivery};
use super::volumes::{self, WORKSPACE_PATH};
use crate::config::Config;
use crate::core::admit::Admitted;
use crate::core::admit::platform::Users;
use crate::core::kube::path::keys;

/// What the supervisor does with them: mounts and namespaces, a veth pair and its routes, `/proc` of other processes, the kernel log.
const CAPABILITIES: [&str; 4] = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG"];
/// Granted by default on the node's user namespace, but not in one of the pod's own.
const CAPABILITIES_NAMESPACED: [&str; 3] = ["SETUID", "SETGID", "DAC_READ_SEARCH"];

/// `spec.podTemplate` of a Sandbox.
#[must_use]
pub fn template(config: &Config, admitted: &Admitted, delivery: Delivery) -> Value {
    let mut labels: Map<String, Value> = admitted.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    // Not needed by the gateway; they let operators select sandbox pods in policies of their own.
    labels.insert(keys::MANAGED_BY.into(), keys::MANAGED_BY_VALUE.into());
    labels.insert(keys::SANDBOX_ID.into(), admitted.id.label_value().into());
    let mut annotations: Map<String, Value> =
        admitted.platform.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    // The gateway exchanges the pod's token only with this.
    annotations.insert(keys::POD_SANDBOX_ID.into(), admitted.id.as_str().into());
    json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": spec(config, admitted, delivery),
    })
}

fn spec(config: &Config, admitted: &Admitted, delivery: Delivery) -> Value {
    let pod = &config.pod;
    let init: Vec<Value> =
        delivery.init_container(config).into_iter().chain(std::iter::once(volumes::workspace_init(config, admitted))).collect();
    let mut volumes = volumes::volumes(config);
    volumes.push(delivery.volume(config));
    let mut spec = json!({
        "automountServiceAccountToken": false,
        "containers": [agent(config, admitted)],
        "enableServiceLinks": false,
        "initContainers": init,
        // A restarted main process would be another generation than the one the gateway knows.
        "restartPolicy": "Never",
        "securityContext": { "fsGroup": SANDBOX_GID },
        "serviceAccountName": pod.service_account,
        "terminationGracePeriodSeconds": config.stop_timeout_secs,
        "volumes": volumes,
    });
    if !pod.image_pull_secrets.is_empty() {
        let secrets: Vec<Value> = pod.image_pull_secrets.iter().map(|name| json!({ "name": name })).collect();
        put_some(&mut spec, "imagePullSecrets", Some(secrets.into()));
    }
    put_some(&mut spec, "runtimeClassName", admitted.platform.runtime_class.as_ref().map(|name| name.as_str().into()));
    put_some(&mut spec, "hostUsers", (admitted.platform.users == Users::Namespaced).then(|| false.into()));
    spec
}

fn agent(config: &Config, admitted: &Admitted) -> Value {
    let mut capabilities = CAPABILITIES.to_vec();
    if admitted.platform.users == Users::Namespaced {
        capabilities.extend(CAPABILITIES_NAMESPACED);
    }
    let mut mounts = volumes::mounts(config);
    mounts.push(json!({ "name": supervisor::VOLUME, "mountPath": config.pod.supervisor.mount_path, "readOnly": true }));
    let mut container = json!({
        "name": "agent",
        "image": admitted.image,
        "command": [supervisor::path(config), "--workdir", WORKSPACE_PATH],
        "env": variables(config, admitted),
        "resources": { "requests": admitted.resources.requests, "limits": admitted.resources.limits },
        "securityContext": { "capabilities": { "add": capabilities }, "runAsUser": 0 },
        "volumeMounts": mounts,
    });
    put_some(&mut container, "imagePullPolicy", config.pod.image_pull_policy.map(|policy| policy.as_str().into()));
    container
}
