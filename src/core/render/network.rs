//! What a sandbox reaches the world by: an upstream proxy, a SPIFFE workload API, names of the host. Facts: gateway.md §4.7, §4.8, §4.10.

use serde_json::{Value, json};

use super::credential::file_mode;
use crate::config::{Config, Destination, UpstreamProxy};
use crate::core::admit::environment::literal;
use crate::core::admit::mount_path::directory;
use crate::core::layout::volume;

const PROXY_CREDENTIAL_DIRECTORY: &str = "/etc/openshell/auth";
const PROXY_CREDENTIAL_FILE: &str = "upstream-proxy";
const HOST_NAMES: [&str; 2] = ["host.docker.internal", "host.openshell.internal"];

/// What the supervisor is told of the upstream proxy. By arguments and not by variables: an image could have set those.
#[must_use]
pub fn proxy_arguments(proxy: Option<&UpstreamProxy>) -> Vec<String> {
    let Some(proxy) = proxy else { return Vec::new() };
    let mut arguments = vec!["--upstream-proxy".to_owned(), literal(&proxy.url)];
    if let Some(bypass) = &proxy.bypass {
        arguments.extend(["--upstream-no-proxy".to_owned(), literal(bypass)]);
    }
    if proxy.credential.is_some() {
        let file = format!("{PROXY_CREDENTIAL_DIRECTORY}/{PROXY_CREDENTIAL_FILE}");
        arguments.extend(["--upstream-proxy-auth-file".to_owned(), file, "--upstream-proxy-auth-allow-insecure".to_owned()]);
    }
    if proxy.destination == Destination::Hostname {
        arguments.push("--upstream-proxy-connect-by-hostname".to_owned());
    }
    arguments
}

/// The volumes.
#[must_use]
pub fn volumes(config: &Config) -> Vec<Value> {
    let credential = config.pod.proxy.as_ref().and_then(|proxy| proxy.credential.as_ref()).map(|key| {
        json!({ "name": volume::PROXY_CREDENTIAL, "secret": {
            "secretName": key.secret,
            "defaultMode": file_mode(config),
            "items": [{ "key": key.key, "path": PROXY_CREDENTIAL_FILE }],
        } })
    });
    let spiffe = config
        .pod
        .spiffe_socket
        .as_ref()
        .map(|_| json!({ "name": volume::SPIFFE, "csi": { "driver": "csi.spiffe.io", "readOnly": true } }));
    credential.into_iter().chain(spiffe).collect()
}

/// Where whoever speaks to the world has them.
#[must_use]
pub fn mounts(config: &Config) -> Vec<Value> {
    let credential = config
        .pod
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.credential.as_ref())
        .map(|_| json!({ "name": volume::PROXY_CREDENTIAL, "mountPath": PROXY_CREDENTIAL_DIRECTORY, "readOnly": true }));
    let spiffe = config.pod.spiffe_socket.as_deref().and_then(directory);
    let spiffe = spiffe.map(|directory| json!({ "name": volume::SPIFFE, "mountPath": directory, "readOnly": true }));
    credential.into_iter().chain(spiffe).collect()
}

/// `hostAliases`.
#[must_use]
pub fn host_aliases(config: &Config) -> Option<Value> {
    config.pod.host_gateway.as_deref().map(|address| json!([{ "ip": address, "hostnames": HOST_NAMES }]))
}
