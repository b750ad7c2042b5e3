//! Every flag of the table, by two values of it: where it may be said, and what wins.

use super::super::Run;
use super::super::table::{self, Fallback, Flag, Takes};
use super::{refusal, run};
use crate::config::{
    ApiToken, Binaries, CallerVolumes, Choice, Config, Credential, Destination, GpuSupply, Mesh, NetworkRules, Profile, PullPolicy,
    Reporting, Rights, Sideload, Topology, UpstreamProxy, UserNamespaces, WorkspaceMode,
};
use crate::core::follow::settings::{Access, Exposure, Jwt, Route};
use crate::core::kube::peer::Peer;
use crate::shell::{HealthHost, OnExit, Unverified};

/// A flag with two values it takes, neither the default, and what tells that it took one.
struct Sample {
    flag: &'static str,
    values: [&'static str; 2],
    seen: fn(&Run) -> String,
}

const SAMPLES: &[Sample] = &[
    Sample { flag: "socket", values: ["/run/a/a.sock", "/run/b/b.sock"], seen: |run| run.socket.display().to_string() },
    Sample { flag: "allow-uid", values: ["1", "2"], seen: |run| format!("{:?}", run.allowed_uids).replace(['[', ']'], "") },
    Sample { flag: "log-level", values: ["debug", "warn"], seen: |run| run.log_level.to_string() },
    Sample { flag: "log-format", values: ["json", "text"], seen: |run| format!("{:?}", run.log_format).to_lowercase() },
    Sample { flag: "health-port", values: ["9091", "off"], seen: |run| run.health.map_or("off".into(), |health| health.port.to_string()) },
    Sample {
        flag: "health-address",
        values: ["127.0.0.1", "::1"],
        seen: |run| match run.health.map(|health| health.host) {
            Some(HealthHost::Only(host)) => host.to_string(),
            Some(HealthHost::Every) | None => String::new(),
        },
    },
    Sample {
        flag: "recording-dir",
        values: ["/r/a", "/r/b"],
        seen: |run| run.recording.as_ref().map(|recording| recording.directory.display().to_string()).unwrap_or_default(),
    },
    Sample {
        flag: "recording-on-exit",
        values: ["true", "false"],
        seen: |run| run.recording.as_ref().is_some_and(|recording| recording.on_exit == OnExit::Written).to_string(),
    },
    Sample {
        flag: "kubeconfig",
        values: ["/k/a.json", "b.json"],
        seen: |run| run.kubeconfig.as_ref().map(|kubeconfig| kubeconfig.file.display().to_string()).unwrap_or_default(),
    },
    Sample {
        flag: "kube-context",
        values: ["a", "b c"],
        seen: |run| run.kubeconfig.as_ref().and_then(|kubeconfig| kubeconfig.context.clone()).unwrap_or_default(),
    },
    Sample {
        flag: "kube-insecure",
        values: ["true", "false"],
        seen: |run| run.kubeconfig.as_ref().is_some_and(|kubeconfig| kubeconfig.unverified == Unverified::Allowed).to_string(),
    },
    Sample { flag: "namespace", values: ["a", "b"], seen: |run| run.config.namespace.to_string() },
    Sample {
        flag: "workspace-mode",
        values: ["managed", "shared"],
        seen: |run| match &run.config.workspaces {
            WorkspaceMode::Shared => "shared".into(),
            WorkspaceMode::Managed => "managed".into(),
            WorkspaceMode::Operator(_) => "operator".into(),
        },
    },
    Sample {
        flag: "operator-namespace-label",
        values: ["a=b", "c,!d"],
        seen: |run| match &run.config.workspaces {
            WorkspaceMode::Operator(Choice::Labelled(selector)) => selector.to_string(),
            _ => String::new(),
        },
    },
    Sample {
        flag: "operator-namespace-file",
        values: ["/a.json", "b.json"],
        seen: |run| run.namespaces.as_ref().map(|file| file.display().to_string()).unwrap_or_default(),
    },
    Sample { flag: "enable-network-policy", values: ["true", "false"], seen: |run| run.config.network.is_some().to_string() },
    Sample {
        flag: "network-policy-gateway",
        values: ["a:1", "10.0.0.0/8"],
        seen: |run| run.config.network.as_ref().and_then(|rules| rules.gateway.as_ref()).map(ToString::to_string).unwrap_or_default(),
    },
    Sample { flag: "network-policy-egress", values: ["a:1", "10.0.0.0/8"], seen: |run| peers(run, |rules| &rules.egress) },
    Sample { flag: "network-policy-ingress", values: ["a:1", "10.0.0.0/8"], seen: |run| peers(run, |rules| &rules.ingress) },
    Sample { flag: "sandbox-image", values: ["a/a:1", "b"], seen: |run| run.config.pod.image.clone() },
    Sample { flag: "sandbox-service-account", values: ["a", "b.c"], seen: |run| run.config.pod.service_account.clone() },
    Sample {
        flag: "image-pull-policy",
        values: ["Always", "Never"],
        seen: |run| run.config.pod.image_pull_policy.map_or("", PullPolicy::as_str).to_owned(),
    },
    Sample { flag: "image-pull-secrets", values: ["a", "b,c"], seen: |run| run.config.pod.image_pull_secrets.join(",") },
    Sample { flag: "sandbox-storage-size", values: ["3Gi", "1T"], seen: |run| run.config.pod.workspace.size.to_string() },
    Sample {
        flag: "sandbox-storage-class",
        values: ["a", "b"],
        seen: |run| run.config.pod.workspace.storage_class.clone().unwrap_or_default(),
    },
    Sample { flag: "stop-timeout-secs", values: ["1", "3600"], seen: |run| run.config.stop_timeout_secs.to_string() },
    Sample {
        flag: "terminal-after-secs",
        values: ["60", "604800"],
        seen: |run| run.config.terminal_after_secs.map(|seconds| seconds.to_string()).unwrap_or_default(),
    },
    Sample { flag: "gateway-endpoint", values: ["http://a:1", "http://b"], seen: |run| run.config.gateway_endpoint.clone() },
    Sample { flag: "gateway-id", values: ["a", "B_c.d"], seen: |run| run.config.gateway_id.clone() },
    Sample { flag: "client-tls-secret-name", values: ["a", "b"], seen: |run| run.config.pod.client_tls_secret.clone().unwrap_or_default() },
    Sample { flag: "sa-token-ttl-secs", values: ["600", "86400"], seen: |run| run.config.pod.token_ttl_secs.to_string() },
    Sample { flag: "supervisor-image", values: ["a@sha256:1", "b"], seen: |run| run.config.pod.supervisor.image.clone() },
    Sample { flag: "supervisor-binary-path", values: ["/a", "/b/c"], seen: |run| run.config.pod.supervisor.binary_path.clone() },
    Sample { flag: "supervisor-mount-path", values: ["/a", "/sandboxes"], seen: |run| run.config.pod.supervisor.mount_path.clone() },
    Sample {
        flag: "supervisor-sideload",
        values: ["init-container", "image-volume"],
        seen: |run| match run.config.pod.supervisor.sideload {
            Sideload::Auto => "auto".to_owned(),
            Sideload::InitContainer => "init-container".to_owned(),
            Sideload::ImageVolume => "image-volume".to_owned(),
        },
    },
    Sample {
        flag: "supervisor-image-pull-policy",
        values: ["Always", "Never"],
        seen: |run| run.config.pod.supervisor.image_pull_policy.map_or("", PullPolicy::as_str).to_owned(),
    },
    Sample {
        flag: "sandbox-credential",
        values: ["token", "both"],
        seen: |run| match run.config.pod.credential {
            Credential::Projected => "projected".to_owned(),
            Credential::Token => "token".to_owned(),
            Credential::Both => "both".to_owned(),
        },
    },
    Sample { flag: "sandbox-ssh-socket-path", values: ["/a/b", "/run/c"], seen: |run| run.config.pod.ssh_socket.clone() },
    Sample {
        flag: "provider-spiffe-workload-api-socket-path",
        values: ["/a/b", "/spiffe/c"],
        seen: |run| run.config.pod.spiffe_socket.clone().unwrap_or_default(),
    },
    Sample { flag: "telemetry", values: ["false", "true"], seen: |run| (run.config.pod.telemetry.supervisor == Reporting::On).to_string() },
    Sample {
        flag: "disable-claude-telemetry",
        values: ["true", "false"],
        seen: |run| (run.config.pod.telemetry.claude == Reporting::Off).to_string(),
    },
    Sample {
        flag: "topology",
        values: ["sidecar", "combined"],
        seen: |run| if run.config.pod.topology == Topology::Combined { "combined" } else { "sidecar" }.to_owned(),
    },
    Sample {
        flag: "sidecar-proxy-uid",
        values: ["1001", "4294967294"],
        seen: |run| match run.config.pod.topology {
            Topology::Combined => String::new(),
            Topology::Sidecar(sidecar) => sidecar.proxy_uid.to_string(),
        },
    },
    Sample {
        flag: "sidecar-process-binary-aware-network-policy",
        values: ["false", "true"],
        seen: |run| matches!(run.config.pod.topology, Topology::Sidecar(sidecar) if sidecar.binaries == Binaries::Known).to_string(),
    },
    Sample { flag: "sandbox-uid", values: ["1", "4294967294"], seen: |run| run.config.pod.identity.uid.to_string() },
    Sample { flag: "sandbox-gid", values: ["1", "4294967294"], seen: |run| run.config.pod.identity.gid.to_string() },
    Sample {
        flag: "enable-user-namespaces",
        values: ["true", "required"],
        seen: |run| match run.config.pod.isolation.user_namespaces {
            UserNamespaces::OnRequest => "false".to_owned(),
            UserNamespaces::Usual => "true".to_owned(),
            UserNamespaces::Required => "required".to_owned(),
        },
    },
    Sample {
        flag: "app-armor-profile",
        values: ["Localhost/a/b", "none"],
        seen: |run| profile(run.config.pod.isolation.app_armor.as_ref()),
    },
    Sample {
        flag: "seccomp-profile",
        values: ["RuntimeDefault", "Unconfined"],
        seen: |run| profile(run.config.pod.isolation.seccomp.as_ref()),
    },
    Sample {
        flag: "sandbox-privileged",
        values: ["true", "false"],
        seen: |run| (run.config.pod.isolation.rights == Rights::Privileged).to_string(),
    },
    Sample {
        flag: "default-runtime-class-name",
        values: ["a", "b.c"],
        seen: |run| run.config.pod.isolation.runtime_class.as_ref().map(ToString::to_string).unwrap_or_default(),
    },
    Sample {
        flag: "automount-service-account-token",
        values: ["true", "false"],
        seen: |run| (run.config.pod.api_token == ApiToken::Mounted).to_string(),
    },
    Sample {
        flag: "allow-driver-config-volumes",
        values: ["true", "false"],
        seen: |run| (run.config.pod.caller_volumes == CallerVolumes::Allowed).to_string(),
    },
    Sample { flag: "istio-inject-sandboxes", values: ["true", "false"], seen: |run| (run.config.pod.mesh == Mesh::Injected).to_string() },
    Sample {
        flag: "https-proxy",
        values: ["http://a:1", "http://[::1]:2"],
        seen: |run| proxy(&run.config).map(|proxy| proxy.url.clone()).unwrap_or_default(),
    },
    Sample {
        flag: "no-proxy",
        values: ["a,b", "10.0.0.0/8"],
        seen: |run| proxy(&run.config).and_then(|proxy| proxy.bypass.clone()).unwrap_or_default(),
    },
    Sample {
        flag: "proxy-auth-secret-name",
        values: ["a", "b.c"],
        seen: |run| proxy(&run.config).and_then(|proxy| proxy.credential.as_ref()).map(|key| key.secret.clone()).unwrap_or_default(),
    },
    Sample {
        flag: "proxy-auth-secret-key",
        values: ["a", "B_c"],
        seen: |run| proxy(&run.config).and_then(|proxy| proxy.credential.as_ref()).map(|key| key.key.clone()).unwrap_or_default(),
    },
    // Only true does anything, and only beside a credential.
    Sample {
        flag: "proxy-auth-allow-insecure",
        values: ["true", "true"],
        seen: |run| proxy(&run.config).is_some_and(|proxy| proxy.credential.is_some()).to_string(),
    },
    Sample {
        flag: "proxy-connect-by-hostname",
        values: ["true", "false"],
        seen: |run| proxy(&run.config).is_some_and(|proxy| proxy.destination == Destination::Hostname).to_string(),
    },
    Sample {
        flag: "host-gateway-ip",
        values: ["10.0.0.1", "fd00::1"],
        seen: |run| run.config.pod.host_gateway.clone().unwrap_or_default(),
    },
    Sample { flag: "gpu-support", values: ["false", "true"], seen: |run| (run.config.pod.gpus.supply != GpuSupply::None).to_string() },
    Sample { flag: "gpu-resource-name", values: ["a.b/c", "nvidia.com/mig-1g.5gb"], seen: |run| run.config.pod.gpus.resource.clone() },
    Sample {
        flag: "gpu-scale-from-zero",
        values: ["true", "false"],
        seen: |run| (run.config.pod.gpus.supply == GpuSupply::Autoscaled).to_string(),
    },
    Sample { flag: "sandbox-cpu", values: ["1", "500m"], seen: |run| run.config.pod.default_resources.cpu.to_string() },
    Sample { flag: "sandbox-cpu-request", values: ["1", "0"], seen: |run| run.config.pod.default_resources.cpu_request.to_string() },
    Sample { flag: "sandbox-memory", values: ["1Gi", "2Gi"], seen: |run| run.config.pod.default_resources.memory.to_string() },
    Sample {
        flag: "sandbox-memory-request",
        values: ["1Gi", "2Gi"],
        seen: |run| run.config.pod.default_resources.memory_request.to_string(),
    },
    Sample {
        flag: "sandbox-ephemeral-storage",
        values: ["2Gi", "3Gi"],
        seen: |run| run.config.pod.default_resources.ephemeral_storage.to_string(),
    },
    Sample {
        flag: "sandbox-ephemeral-storage-request",
        values: ["2Gi", "3Gi"],
        seen: |run| run.config.pod.default_resources.ephemeral_storage_request.to_string(),
    },
    Sample { flag: "enable-apirule", values: ["true", "false"], seen: |run| run.config.exposure.is_some().to_string() },
    Sample {
        flag: "exposure",
        values: ["apirule", "virtualservice"],
        seen: |run| exposure(run).map(|it| format!("{:?}", it.route)).unwrap_or_default(),
    },
    Sample {
        flag: "apirule-auth",
        values: ["none", "jwt"],
        seen: |run| exposure(run).map(|it| format!("{:?}", it.route)).unwrap_or_default(),
    },
    Sample { flag: "apirule-jwt-issuer", values: ["https://a", "https://b"], seen: |run| jwt(run, |jwt| jwt.issuer.clone()) },
    Sample { flag: "apirule-jwt-jwks-uri", values: ["https://a/k", "https://b/k"], seen: |run| jwt(run, |jwt| jwt.jwks_uri.clone()) },
    Sample { flag: "apirule-jwt-audiences", values: ["a", "b"], seen: |run| jwt(run, |jwt| jwt.audiences.join(",")) },
    Sample { flag: "apirule-jwt-scopes", values: ["a", "b"], seen: |run| jwt(run, |jwt| jwt.scopes.join(",")) },
    Sample {
        flag: "apirule-authorizers",
        values: ["a", "b"],
        seen: |run| exposure(run).map(|it| format!("{:?}", it.route)).unwrap_or_default(),
    },
    Sample {
        flag: "apirule-gateway",
        values: ["a/b", "c/d"],
        seen: |run| exposure(run).map(|it| it.gateway.to_string()).unwrap_or_default(),
    },
    Sample {
        flag: "cluster-domain",
        values: ["a.example", "b.example"],
        seen: |run| exposure(run).and_then(|it| it.domain.as_ref()).map(ToString::to_string).unwrap_or_default(),
    },
    Sample { flag: "exposed-port", values: ["3000", "65535"], seen: |run| exposure(run).map(|it| it.port.to_string()).unwrap_or_default() },
];

fn proxy(config: &Config) -> Option<&UpstreamProxy> {
    config.pod.proxy.as_ref()
}

fn profile(profile: Option<&Profile>) -> String {
    match profile {
        None => "none".to_owned(),
        Some(Profile::RuntimeDefault) => "RuntimeDefault".to_owned(),
        Some(Profile::Unconfined) => "Unconfined".to_owned(),
        Some(Profile::Localhost(name)) => format!("Localhost/{name}"),
    }
}

fn peers(run: &Run, of: fn(&NetworkRules) -> &[Peer]) -> String {
    let peers = run.config.network.as_ref().map(of).unwrap_or_default();
    peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn sample(flag: &Flag) -> Result<&'static Sample, String> {
    SAMPLES.iter().find(|sample| sample.flag == flag.long).ok_or_else(|| format!("--{} has no sample", flag.long))
}

fn exposure(run: &Run) -> Option<&Exposure> {
    run.config.exposure.as_ref()
}

fn jwt(run: &Run, part: impl Fn(&Jwt) -> String) -> String {
    match exposure(run).map(|exposure| &exposure.route) {
        Some(Route::ApiRule(Access::Jwt(jwt))) => part(jwt),
        _ => String::new(),
    }
}

/// What must stand beside a flag so that it can be given at all.
fn companions(flag: &Flag) -> &'static [&'static str] {
    match flag.long {
        "gateway-endpoint" => &["--client-tls-secret-name", "a"],
        "recording-on-exit" => &["--recording-dir", "/r"],
        "kube-context" | "kube-insecure" => &["--kubeconfig", "/k/a.json"],
        "apirule-gateway" | "exposed-port" => &["--exposure", "virtualservice", "--apirule-auth", "none"],
        "sidecar-proxy-uid" | "sidecar-process-binary-aware-network-policy" => &["--topology", "sidecar"],
        "no-proxy" | "proxy-connect-by-hostname" => &["--https-proxy", "http://proxy:3128"],
        "network-policy-gateway" | "network-policy-egress" | "network-policy-ingress" => &["--enable-network-policy", "true"],
        _ => &[],
    }
}

/// Flags of which none can be given without the others; they have a test of their own.
const TOGETHER: [&str; 14] = [
    "enable-apirule",
    "exposure",
    "apirule-auth",
    "apirule-jwt-issuer",
    "apirule-jwt-jwks-uri",
    "apirule-jwt-audiences",
    "apirule-jwt-scopes",
    "apirule-authorizers",
    "cluster-domain",
    "proxy-auth-secret-name",
    "proxy-auth-secret-key",
    "proxy-auth-allow-insecure",
    "operator-namespace-label",
    "operator-namespace-file",
];

fn alone() -> impl Iterator<Item = &'static Flag> {
    table::flags().filter(|flag| !TOGETHER.contains(&flag.long))
}

#[test]
fn a_flag_wins_over_its_variable_and_that_over_upstreams() -> Result<(), String> {
    for flag in alone() {
        let Sample { values: [one, other], seen, .. } = sample(flag)?;
        let (dashed, own) = (format!("--{}", flag.long), flag.variable());
        let beside = companions(flag);
        let run = |arguments: &[&str], variables: &[(&str, &str)]| run(&[beside, arguments].concat(), variables);
        let default = seen(&run(&[], &[])?);
        assert_eq!(seen(&run(&[&dashed, one], &[(&own, other)])?), *one, "{dashed}");
        assert_eq!(seen(&run(&[], &[(&own, one)])?), *one, "{own}");
        assert_eq!(seen(&run(&[], &[(&own, "")])?), default, "{own} is empty");
        for upstream in flag.upstream.variables {
            assert_eq!(seen(&run(&[], &[(upstream, one)])?), *one, "{upstream}");
            assert_eq!(seen(&run(&[], &[(upstream, "")])?), default, "{upstream} is empty");
            assert_eq!(seen(&run(&[], &[(&own, one), (upstream, other)])?), *one, "{own} and {upstream}");
            assert_eq!(seen(&run(&[], &[(&own, ""), (upstream, other)])?), *other, "{own} is empty, {upstream} is not");
        }
    }
    Ok(())
}

#[test]
fn what_the_table_shows_is_taken() -> Result<(), String> {
    for flag in alone() {
        let dashed = format!("--{}", flag.long);
        run(&[companions(flag), &[&dashed, flag.example]].concat(), &[])?;
        if let Fallback::Text(default) = flag.default {
            assert_eq!(run(&[&dashed, default], &[])?, run(&[], &[])?, "{dashed} {default}");
        }
    }
    Ok(())
}

#[test]
fn an_empty_value_takes_back_a_variables_where_there_is_no_default() -> Result<(), String> {
    for flag in table::flags() {
        let (given, variable) = (format!("--{}=", flag.long), flag.variable());
        let variables = [(variable.as_str(), sample(flag)?.values[0])];
        match flag.default {
            Fallback::Unset(_) => assert_eq!(run(&[&given], &variables)?, run(&[], &[])?, "{given}"),
            Fallback::Text(_) => assert!(refusal(&[&given], &variables)?.contains("the value is empty"), "{given}"),
        }
    }
    Ok(())
}

#[test]
fn a_list_grows_and_a_single_value_is_given_once() -> Result<(), String> {
    assert_eq!(run(&["--allow-uid", "7,5", "--allow-uid=5"], &[])?.allowed_uids, [5, 7]);
    assert_eq!(run(&[], &[("OPENSHELL_SANDBOX_IMAGE_PULL_SECRETS", " b , a,,")])?.config.pod.image_pull_secrets, ["b", "a"]);
    for flag in table::flags().filter(|flag| flag.takes == Takes::One) {
        let dashed = format!("--{}", flag.long);
        let text = refusal(&[&dashed, flag.example, &dashed, flag.example], &[])?;
        assert!(text.contains(&format!("{dashed} is given twice")), "{text}");
    }
    Ok(())
}

#[test]
fn who_chooses_namespaces_is_said_once_and_only_where_somebody_does() -> Result<(), String> {
    let operator = |more: &[&'static str]| [&["--workspace-mode", "operator"][..], more].concat();
    for (flag, other) in [("operator-namespace-label", "operator-namespace-file"), ("operator-namespace-file", "operator-namespace-label")]
    {
        let flag = table::flags().find(|known| known.long == flag).ok_or(flag)?;
        let Sample { values: [one, two], seen, .. } = sample(flag)?;
        for value in [one, two] {
            let dashed = format!("--{}={value}", flag.long);
            assert_eq!(seen(&run(&["--workspace-mode=operator", &dashed], &[])?), *value);
            let idle = refusal(&[&dashed], &[])?;
            assert!(idle.contains("only asked with --workspace-mode operator"), "{idle}");
            let both = refusal(&["--workspace-mode=operator", &dashed, &format!("--{other}=a=b")], &[])?;
            assert!(both.contains("leave one of them out"), "{both}");
            let inside = refusal(&["--workspace-mode=operator", &dashed], &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")])?;
            assert!(inside.contains("this runs in a pod") && inside.contains("--kubeconfig"), "{inside}");
        }
        for variable in flag.upstream.variables {
            assert_eq!(seen(&run(&operator(&[]), &[(variable, one)])?), *one);
        }
    }
    assert!(refusal(&operator(&[]), &[])?.contains("needs to be told which namespaces"));
    assert!(refusal(&operator(&["--operator-namespace-label", "!a"]), &[])?.contains("would choose the cluster's own namespaces"));
    Ok(())
}
