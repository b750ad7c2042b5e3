//! From texts to what pods are made of: what stands between them and their nodes, and what they reach.

use super::resolve::read_optional;
use super::sources::Sources;
use super::table::{self, Flag};
use super::usage::Usage;
use super::values;
use crate::config::{
    ApiToken, Binaries, CallerVolumes, Credential, Destination, GpuSupply, Gpus, Identity, Isolation, Mesh, Reporting, Rights, SecretKey,
    Sidecar, Telemetry, Topology, UpstreamProxy, UserNamespaces,
};

/// Users that are not root, and not the one that means nobody in particular.
const IDS: std::ops::RangeInclusive<u32> = 1..=u32::MAX - 1;
/// Users that images do not have.
const PROXY_UIDS: std::ops::RangeInclusive<u32> = 1000..=u32::MAX - 1;

pub fn isolation(sources: &Sources<'_>) -> Result<Isolation, Usage> {
    Ok(Isolation {
        user_namespaces: sources.value(&table::ENABLE_USER_NAMESPACES)?.read(|text| {
            values::one_of(
                text,
                &[("false", UserNamespaces::OnRequest), ("true", UserNamespaces::Usual), ("required", UserNamespaces::Required)],
            )
        })?,
        app_armor: sources.value(&table::APP_ARMOR_PROFILE)?.read(values::profile)?,
        seccomp: sources.value(&table::SECCOMP_PROFILE)?.read(values::profile)?,
        rights: switch(sources, &table::SANDBOX_PRIVILEGED, Rights::Capabilities, Rights::Privileged)?,
        runtime_class: read_optional(sources, &table::DEFAULT_RUNTIME_CLASS_NAME, values::object)?,
    })
}

pub fn identity(sources: &Sources<'_>) -> Result<Identity, Usage> {
    let uid = sources.value(&table::SANDBOX_UID)?.read(|text| values::number(text, &IDS))?;
    let gid = read_optional(sources, &table::SANDBOX_GID, |text| values::number(text, &IDS))?.unwrap_or(uid);
    Ok(Identity { uid, gid })
}

pub fn topology(sources: &Sources<'_>, identity: Identity) -> Result<Topology, Usage> {
    let proxy_uid = sources.value(&table::SIDECAR_PROXY_UID)?;
    let sidecar = Sidecar {
        proxy_uid: proxy_uid.read(|text| values::number(text, &PROXY_UIDS))?,
        binaries: switch(sources, &table::SIDECAR_BINARY_AWARE, Binaries::Ignored, Binaries::Known)?,
    };
    let given = sources.value(&table::TOPOLOGY)?;
    let topology = given.read(|text| values::one_of(text, &[("combined", Topology::Combined), ("sidecar", Topology::Sidecar(sidecar))]))?;
    if topology == Topology::Combined {
        return Ok(topology);
    }
    if sidecar.proxy_uid == identity.uid {
        return Err(Usage::Conflict(format!(
            "{} and --sandbox-uid are both {}: the packet filter could not tell the sidecar's traffic from the workload's. Give the sidecar a user of its own",
            proxy_uid.place(),
            identity.uid
        )));
    }
    for (flag, why) in [
        (&table::SANDBOX_PRIVILEGED, "a privileged container could switch off the packet filter that the sidecar relies on"),
        (&table::ISTIO_INJECT_SANDBOXES, "what Istio's proxy takes up leaves the pod past the packet filter that the sidecar relies on"),
    ] {
        let other = sources.value(flag)?;
        if other.text() == "true" {
            return Err(Usage::Conflict(format!(
                "{} is sidecar and {} is true, which excludes the other: {why}. Use --topology combined, or leave {} at false",
                given.place(),
                other.place(),
                other.place()
            )));
        }
    }
    Ok(topology)
}

pub fn mesh(sources: &Sources<'_>) -> Result<Mesh, Usage> {
    switch(sources, &table::ISTIO_INJECT_SANDBOXES, Mesh::Excluded, Mesh::Injected)
}

pub fn credential(sources: &Sources<'_>) -> Result<Credential, Usage> {
    let known = [("projected", Credential::Projected), ("token", Credential::Token), ("both", Credential::Both)];
    sources.value(&table::SANDBOX_CREDENTIAL)?.read(|text| values::one_of(text, &known))
}

pub fn api_token(sources: &Sources<'_>) -> Result<ApiToken, Usage> {
    switch(sources, &table::AUTOMOUNT_SERVICE_ACCOUNT_TOKEN, ApiToken::Withheld, ApiToken::Mounted)
}

pub fn telemetry(sources: &Sources<'_>) -> Result<Telemetry, Usage> {
    Ok(Telemetry {
        supervisor: switch(sources, &table::TELEMETRY, Reporting::Off, Reporting::On)?,
        claude: switch(sources, &table::DISABLE_CLAUDE_TELEMETRY, Reporting::On, Reporting::Off)?,
    })
}

pub fn caller_volumes(sources: &Sources<'_>) -> Result<CallerVolumes, Usage> {
    switch(sources, &table::ALLOW_DRIVER_CONFIG_VOLUMES, CallerVolumes::Refused, CallerVolumes::Allowed)
}

pub fn gpus(sources: &Sources<'_>) -> Result<Gpus, Usage> {
    let (support, autoscaled) = (sources.value(&table::GPU_SUPPORT)?, sources.value(&table::GPU_SCALE_FROM_ZERO)?);
    let supply = match (support.read(values::switch(false, true))?, autoscaled.read(values::switch(false, true))?) {
        (true, false) => GpuSupply::Counted,
        (true, true) => GpuSupply::Autoscaled,
        (false, false) => GpuSupply::None,
        (false, true) => {
            return Err(Usage::Conflict(format!(
                "{} is false, but {} says where GPUs come from: set the one to true or leave the other out",
                support.place(),
                autoscaled.place()
            )));
        }
    };
    Ok(Gpus { resource: sources.value(&table::GPU_RESOURCE_NAME)?.read(values::extended_resource)?, supply })
}

pub fn proxy(sources: &Sources<'_>, topology: Topology) -> Result<Option<UpstreamProxy>, Usage> {
    let destination = switch(sources, &table::PROXY_CONNECT_BY_HOSTNAME, Destination::Address, Destination::Hostname)?;
    let insecure = sources.value(&table::PROXY_AUTH_ALLOW_INSECURE)?;
    let may_be_seen = insecure.read(values::switch(false, true))?;
    let bypass = read_optional(sources, &table::NO_PROXY, values::no_proxy)?;
    let name = read_optional(sources, &table::PROXY_AUTH_SECRET_NAME, values::object_name)?;
    let key = read_optional(sources, &table::PROXY_AUTH_SECRET_KEY, values::secret_key)?;
    let Some(url) = read_optional(sources, &table::HTTPS_PROXY, values::proxy_url)? else {
        let idle = [
            (bypass.is_some(), &table::NO_PROXY),
            (name.is_some(), &table::PROXY_AUTH_SECRET_NAME),
            (key.is_some(), &table::PROXY_AUTH_SECRET_KEY),
            (may_be_seen, &table::PROXY_AUTH_ALLOW_INSECURE),
            (destination == Destination::Hostname, &table::PROXY_CONNECT_BY_HOSTNAME),
        ];
        return match idle.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) => Err(Usage::Conflict(format!(
                "{} belongs to an upstream proxy, but none is named: name one with --https-proxy",
                sources.place(flag)?
            ))),
            None => Ok(None),
        };
    };
    let credential = match (name, key) {
        (Some(secret), Some(key)) => Some(SecretKey { secret, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Usage::Conflict(
                "--proxy-auth-secret-name and --proxy-auth-secret-key go together: which secret, and which key of it".to_owned(),
            ));
        }
    };
    if credential.is_some() && topology == Topology::Combined {
        return Err(Usage::Conflict(
            "--proxy-auth-secret-name needs --topology sidecar: in the combined topology the workload's group could read the proxy's credential".to_owned(),
        ));
    }
    if credential.is_some() != may_be_seen {
        let why = if may_be_seen {
            "says that a credential may be seen, but --proxy-auth-secret-name names none"
        } else {
            "is false, but a credential for an http proxy crosses the network unencrypted: say true to accept that"
        };
        return Err(Usage::Conflict(format!("{} {why}", insecure.place())));
    }
    Ok(Some(UpstreamProxy { url, bypass, credential, destination }))
}

/// A flag that is `true` or `false`.
fn switch<T: Copy>(sources: &Sources<'_>, flag: &Flag, off: T, on: T) -> Result<T, Usage> {
    sources.value(flag)?.read(values::switch(off, on))
}
