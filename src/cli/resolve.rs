//! From texts to settings: each value read as what it should be, then those that must agree compared.

use super::endpoint::{Endpoint, Scheme};
use super::exposure::exposure;
use super::sources::{Given, Sources};
use super::table::{self, Flag};
use super::usage::Usage;
use super::workspaces::{self, Workspaces};
use super::{Run, pod, values};
use crate::config::{Config, DefaultResources, NetworkRules, PodConfig, Sideload, SupervisorConfig, WorkspaceVolume};
use crate::core::admit::quantity::Quantity;
use crate::core::kube::peer::Peer;
use crate::core::names::Namespace;
use crate::shell::{HealthAddress, HealthHost, Kubeconfig, OnExit, Recording, Unverified};

/// The only place of the supervisor in its image from which an image volume shows it where the pod starts it.
const BINARY_AT_IMAGE_ROOT: &str = "/openshell-sandbox";
const TOKEN_TTL_SECS: std::ops::RangeInclusive<u32> = 600..=86_400;
const STOP_TIMEOUT_SECS: std::ops::RangeInclusive<u64> = 1..=3_600;
const TERMINAL_AFTER_SECS: std::ops::RangeInclusive<u64> = 60..=604_800;

/// Everything, from everywhere.
pub fn run(sources: &Sources<'_>) -> Result<Run, Usage> {
    let namespace = sources.value(&table::NAMESPACE)?.read(values::namespace)?;
    let (stop_timeout_secs, terminal_after_secs) = patience(sources)?;
    let client_tls_secret = read_optional(sources, &table::CLIENT_TLS_SECRET_NAME, values::object_name)?;
    let identity = pod::identity(sources)?;
    let topology = pod::topology(sources, identity)?;
    let mesh = pod::mesh(sources)?;
    let endpoint = gateway_endpoint(sources, &namespace, client_tls_secret.as_deref())?;
    let Workspaces { mode: workspaces, gateway_id, file: namespaces } = workspaces::workspaces(sources)?;
    let config = Config {
        exposure: exposure(sources, mesh)?,
        gateway_id,
        gateway_endpoint: endpoint.url.clone(),
        terminal_after_secs,
        stop_timeout_secs,
        pod: PodConfig {
            image: sources.value(&table::SANDBOX_IMAGE)?.read(values::image)?,
            image_pull_policy: read_optional(sources, &table::IMAGE_PULL_POLICY, values::pull_policy)?,
            image_pull_secrets: read_list(sources, &table::IMAGE_PULL_SECRETS, values::object_name)?,
            service_account: sources.value(&table::SANDBOX_SERVICE_ACCOUNT)?.read(values::object_name)?,
            supervisor: supervisor(sources)?,
            client_tls_secret,
            token_ttl_secs: sources.value(&table::SA_TOKEN_TTL_SECS)?.read(|text| values::number(text, &TOKEN_TTL_SECS))?,
            workspace: WorkspaceVolume {
                size: sources.value(&table::SANDBOX_STORAGE_SIZE)?.read(values::some_quantity)?,
                storage_class: read_optional(sources, &table::SANDBOX_STORAGE_CLASS, values::object_name)?,
            },
            default_resources: default_resources(sources)?,
            isolation: pod::isolation(sources)?,
            identity,
            topology,
            mesh,
            credential: pod::credential(sources)?,
            api_token: pod::api_token(sources)?,
            telemetry: pod::telemetry(sources)?,
            proxy: pod::proxy(sources, topology)?,
            spiffe_socket: read_optional(sources, &table::PROVIDER_SPIFFE_SOCKET, values::mounted_socket)?,
            ssh_socket: sources.value(&table::SANDBOX_SSH_SOCKET_PATH)?.read(values::socket)?,
            host_gateway: read_optional(sources, &table::HOST_GATEWAY_IP, values::ip_address)?,
            gpus: pod::gpus(sources)?,
            caller_volumes: pod::caller_volumes(sources)?,
        },
        workspaces,
        network: network(sources, &endpoint)?,
        namespace,
    };
    let mut allowed_uids = read_list(sources, &table::ALLOW_UID, |text| values::number(text, &(0..=u32::MAX - 1)))?;
    allowed_uids.sort_unstable();
    allowed_uids.dedup();
    Ok(Run {
        socket: sources.value(&table::SOCKET)?.read(values::absolute_path)?.into(),
        allowed_uids,
        log_level: sources.value(&table::LOG_LEVEL)?.read(values::log_level)?,
        log_format: sources.value(&table::LOG_FORMAT)?.read(values::log_format)?,
        health: health(sources)?,
        namespaces,
        recording: recording(sources)?,
        kubeconfig: kubeconfig(sources)?,
        config,
    })
}

fn health(sources: &Sources<'_>) -> Result<Option<HealthAddress>, Usage> {
    let port = sources.value(&table::HEALTH_PORT)?.read(values::health_port)?;
    let host = sources.optional(&table::HEALTH_ADDRESS)?;
    match (port, host) {
        (None, Some(given)) => Err(Usage::Conflict(format!(
            "{} says where the health port listens, but --health-port is off: leave one of them out",
            given.place()
        ))),
        (None, None) => Ok(None),
        (Some(port), given) => {
            let host = given.map(|given| given.read(values::address)).transpose()?;
            Ok(Some(HealthAddress { host: host.map_or(HealthHost::Every, HealthHost::Only), port }))
        }
    }
}

fn recording(sources: &Sources<'_>) -> Result<Option<Recording>, Usage> {
    let given = sources.value(&table::RECORDING_ON_EXIT)?;
    let on_exit = given.read(values::switch(OnExit::Dropped, OnExit::Written))?;
    match read_optional(sources, &table::RECORDING_DIR, values::absolute_path)? {
        Some(directory) => Ok(Some(Recording { directory: directory.into(), on_exit })),
        None if on_exit == OnExit::Written => Err(Usage::Conflict(format!(
            "{} asks for a recording, but --recording-dir does not say where it is written: name a directory, or leave it out",
            given.place()
        ))),
        None => Ok(None),
    }
}

fn kubeconfig(sources: &Sources<'_>) -> Result<Option<Kubeconfig>, Usage> {
    let context = sources.optional(&table::KUBE_CONTEXT)?;
    let insecure = sources.value(&table::KUBE_INSECURE)?;
    let unverified = insecure.read(values::switch(Unverified::Refused, Unverified::Allowed))?;
    if let Some(file) = read_optional(sources, &table::KUBECONFIG, values::kubeconfig)? {
        return Ok(Some(Kubeconfig { file, context: context.map(|given| given.text().to_owned()), unverified }));
    }
    let idle = context.or_else(|| (unverified == Unverified::Allowed).then_some(insecure));
    match idle {
        Some(given) => Err(Usage::Conflict(format!(
            "{} says how to read a kubeconfig, but none is named: name one with KUBECONFIG or --kubeconfig",
            given.place()
        ))),
        None => Ok(None),
    }
}

fn gateway_endpoint(sources: &Sources<'_>, namespace: &Namespace, client_tls_secret: Option<&str>) -> Result<Endpoint, Usage> {
    let Some(given) = sources.optional(&table::GATEWAY_ENDPOINT)? else {
        let scheme = if client_tls_secret.is_some() { Scheme::Secure } else { Scheme::Plain };
        return Ok(Endpoint::derived(namespace, scheme));
    };
    let endpoint = given.read(Endpoint::parse)?;
    if endpoint.scheme == Scheme::Secure && client_tls_secret.is_none() {
        return Err(Usage::Conflict(format!(
            "{} is {}, but --client-tls-secret-name is not given: a supervisor speaks https only with a CA, a certificate and a key. Name a \
             secret that has ca.crt, tls.crt and tls.key, or use http",
            given.place(),
            endpoint.url
        )));
    }
    Ok(endpoint)
}

/// Whether sandboxes are shut in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shelter {
    None,
    Policy,
}

/// What the network policy says, if there is to be one.
fn network(sources: &Sources<'_>, endpoint: &Endpoint) -> Result<Option<NetworkRules>, Usage> {
    let gateway = sources.optional(&table::NETWORK_POLICY_GATEWAY)?;
    let egress = sources.list(&table::NETWORK_POLICY_EGRESS)?;
    let ingress = sources.list(&table::NETWORK_POLICY_INGRESS)?;
    if sources.value(&table::ENABLE_NETWORK_POLICY)?.read(values::switch(Shelter::None, Shelter::Policy))? == Shelter::None {
        return match gateway.iter().chain(&egress).chain(&ingress).next() {
            Some(idle) => Err(Usage::Conflict(format!(
                "{} says what a network policy allows, but there is none: add --enable-network-policy true",
                idle.place()
            ))),
            None => Ok(None),
        };
    }
    let read = |given: Vec<Given>| given.iter().map(|given| given.read(values::peer)).collect::<Result<Vec<Peer>, Usage>>();
    let gateway = match gateway {
        Some(given) => Some(given.read(values::peer)?),
        None => endpoint.peer(),
    };
    let egress = read(egress)?;
    if gateway.is_none() && egress.is_empty() {
        return Err(Usage::Conflict(format!(
            "--enable-network-policy shuts sandboxes in, and where the gateway is cannot be told from {}, which is neither a service of the cluster \
             nor an address: say it with --network-policy-gateway",
            endpoint.url
        )));
    }
    Ok(Some(NetworkRules { gateway, egress, ingress: read(ingress)? }))
}

/// How long a pod may take to end, and a sandbox to get ready. A sandbox whose predecessor's pod is still ending cannot have one of its own.
fn patience(sources: &Sources<'_>) -> Result<(u64, Option<u64>), Usage> {
    let stop = sources.value(&table::STOP_TIMEOUT_SECS)?;
    let stop_secs = stop.read(|text| values::number(text, &STOP_TIMEOUT_SECS))?;
    let Some(terminal) = sources.optional(&table::TERMINAL_AFTER_SECS)? else { return Ok((stop_secs, None)) };
    let terminal_secs = terminal.read(|text| values::number(text, &TERMINAL_AFTER_SECS))?;
    if terminal_secs <= stop_secs {
        return Err(Usage::Conflict(format!(
            "{} is {terminal_secs}, no more than {} ({stop_secs}): a sandbox would be given up while the pod before it may still be ending. \
             Give it more time",
            terminal.place(),
            stop.place()
        )));
    }
    Ok((stop_secs, Some(terminal_secs)))
}

fn supervisor(sources: &Sources<'_>) -> Result<SupervisorConfig, Usage> {
    let binary_path = sources.value(&table::SUPERVISOR_BINARY_PATH)?;
    let given = sources.value(&table::SUPERVISOR_SIDELOAD)?;
    let at_root = binary_path.text() == BINARY_AT_IMAGE_ROOT;
    let sideload = match given.read(values::sideload)? {
        Sideload::ImageVolume if !at_root => {
            return Err(Usage::Conflict(format!(
                "{} is image-volume and {} is {}: an image volume shows the supervisor only when it is {BINARY_AT_IMAGE_ROOT} in its image. \
                 Use init-container, or an image that has it there",
                given.place(),
                binary_path.place(),
                binary_path.text()
            )));
        }
        Sideload::Auto if !at_root => Sideload::InitContainer,
        sideload => sideload,
    };
    Ok(SupervisorConfig {
        image: sources.value(&table::SUPERVISOR_IMAGE)?.read(values::image)?,
        image_pull_policy: read_optional(sources, &table::SUPERVISOR_IMAGE_PULL_POLICY, values::pull_policy)?,
        binary_path: binary_path.read(values::absolute_path)?,
        mount_path: sources.value(&table::SUPERVISOR_MOUNT_PATH)?.read(values::mount_path)?,
        sideload,
    })
}

fn default_resources(sources: &Sources<'_>) -> Result<DefaultResources, Usage> {
    let (cpu_request, cpu) = share(sources, &table::SANDBOX_CPU_REQUEST, &table::SANDBOX_CPU)?;
    let (memory_request, memory) = share(sources, &table::SANDBOX_MEMORY_REQUEST, &table::SANDBOX_MEMORY)?;
    let (ephemeral_storage_request, ephemeral_storage) =
        share(sources, &table::SANDBOX_EPHEMERAL_STORAGE_REQUEST, &table::SANDBOX_EPHEMERAL_STORAGE)?;
    Ok(DefaultResources { cpu, cpu_request, memory, memory_request, ephemeral_storage, ephemeral_storage_request })
}

/// A request and the limit it must fit in.
fn share(sources: &Sources<'_>, request: &Flag, limit: &Flag) -> Result<(Quantity, Quantity), Usage> {
    let (request, limit) = (sources.value(request)?, sources.value(limit)?);
    let (request_value, limit_value) = (request.read(values::quantity)?, limit.read(values::some_quantity)?);
    if request_value > limit_value {
        return Err(Usage::Conflict(format!(
            "{} is {request_value}, more than {} ({limit_value}): a sandbox can't be promised more than it may use",
            request.place(),
            limit.place()
        )));
    }
    Ok((request_value, limit_value))
}

pub(super) fn read_optional<T>(
    sources: &Sources<'_>,
    flag: &Flag,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Usage> {
    sources.optional(flag)?.map(|given| given.read(parse)).transpose()
}

pub(super) fn read_list<T>(sources: &Sources<'_>, flag: &Flag, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Usage> {
    sources.list(flag)?.iter().map(|given: &Given| given.read(&parse)).collect()
}
