//! The pod template of the in-pod runtime. docs/pod.md shows the whole of it, and says what each part is for.

use serde_json::{Value, json};

use super::sandbox::put_some;
use super::supervisor::{self, Delivery};
use super::volumes;
use super::{credential, environment, metadata, network, security, sidecar};
use crate::config::{ApiToken, Config, Topology};
use crate::core::admit::Admitted;
use crate::core::admit::platform::Users;
use crate::core::layout::{directory, volume};

/// `spec.podTemplate` of a Sandbox.
#[must_use]
pub fn template(config: &Config, admitted: &Admitted, delivery: Delivery) -> Value {
    json!({
        "metadata": { "labels": metadata::pod_labels(config, admitted), "annotations": metadata::pod_annotations(config, admitted) },
        "spec": spec(config, admitted, delivery),
    })
}

fn spec(config: &Config, admitted: &Admitted, delivery: Delivery) -> Value {
    let pod = &config.pod;
    let mut init: Vec<Value> = delivery.init_container(config).into_iter().collect();
    let mut containers = vec![agent(config, admitted)];
    let mut volumes = credential::volumes(config, admitted);
    volumes.extend(network::volumes(config));
    volumes.extend(volumes::claims(admitted));
    volumes.push(delivery.volume(config));
    if let Topology::Sidecar(sidecar) = pod.topology {
        init.push(sidecar::network_init(config, sidecar));
        containers.push(sidecar::network(config, admitted, sidecar));
        volumes.extend(sidecar::volumes());
    }
    if volumes::has_workspace(admitted) {
        init.push(volumes::workspace_init(config, admitted));
    }
    let mut spec = json!({
        "automountServiceAccountToken": pod.api_token == ApiToken::Mounted,
        "containers": containers,
        "enableServiceLinks": false,
        // A restarted main process would be another generation than the one the gateway knows.
        "restartPolicy": "Never",
        "serviceAccountName": pod.service_account,
        "terminationGracePeriodSeconds": config.stop_timeout_secs,
        "volumes": volumes,
    });
    let shares = matches!(pod.topology, Topology::Sidecar(_));
    put_some(&mut spec, "initContainers", (!init.is_empty()).then(|| init.into()));
    put_some(&mut spec, "securityContext", (shares || volumes::has_workspace(admitted)).then(|| json!({ "fsGroup": pod.identity.gid })));
    // For the sidecar to see which program connects.
    put_some(&mut spec, "shareProcessNamespace", shares.then(|| true.into()));
    let secrets: Vec<Value> = pod.image_pull_secrets.iter().map(|name| json!({ "name": name })).collect();
    put_some(&mut spec, "imagePullSecrets", (!secrets.is_empty()).then(|| secrets.into()));
    put_some(&mut spec, "runtimeClassName", admitted.runtime_class.as_ref().map(|name| name.as_str().into()));
    put_some(&mut spec, "hostUsers", (admitted.users == Users::Namespaced).then(|| false.into()));
    put_some(&mut spec, "hostAliases", network::host_aliases(config));
    let scheduling = &admitted.scheduling;
    put_some(&mut spec, "nodeSelector", (!scheduling.node_selector.is_empty()).then(|| json!(scheduling.node_selector)));
    put_some(&mut spec, "tolerations", (!scheduling.tolerations.is_empty()).then(|| json!(scheduling.tolerations)));
    put_some(&mut spec, "priorityClassName", scheduling.priority_class.as_ref().map(|name| name.as_str().into()));
    spec
}

/// The sandbox's container: with the supervisor as its first process, and the workload below it.
fn agent(config: &Config, admitted: &Admitted) -> Value {
    let pod = &config.pod;
    let mut command = vec![supervisor::path(config)];
    let mut mounts = Vec::new();
    let context = match pod.topology {
        Topology::Combined => {
            mounts.extend(credential::token_mounts(config));
            mounts.extend(credential::tls_mount(config));
            mounts.extend(network::mounts(config));
            security::combined(config, admitted.users)
        }
        Topology::Sidecar(_) => {
            command.push("--mode=process".to_owned());
            mounts.extend(sidecar::mounts());
            security::confined(config, pod.identity.uid, Some(pod.identity.gid), &[])
        }
    };
    command.extend(["--workdir".to_owned(), directory::WORKSPACE.to_owned()]);
    if pod.topology == Topology::Combined {
        command.extend(network::proxy_arguments(pod.proxy.as_ref()));
    }
    mounts.extend(volumes::mounts(admitted));
    mounts.push(json!({ "name": volume::SUPERVISOR, "mountPath": pod.supervisor.mount_path, "readOnly": true }));
    let mut container = json!({
        "name": "agent",
        "image": admitted.image,
        "command": command,
        "env": environment::of_sandbox(config, admitted),
        "resources": { "requests": admitted.resources.requests, "limits": admitted.resources.limits },
        "securityContext": context,
        "volumeMounts": mounts,
    });
    put_some(&mut container, "imagePullPolicy", pod.image_pull_policy.map(|policy| policy.as_str().into()));
    container
}
