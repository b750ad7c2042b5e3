//! The parser as the function it is: arguments and variables in, settings or advice out.

use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use super::table::{self, Fallback, Flag, Takes};
use super::upstream::{UNSERVED, WhenSet};
use super::{Command, Environment, Run, Usage, help, parse};
use crate::config::{
    ApiToken, Binaries, CallerVolumes, Choice, Config, Credential, Destination, GpuSupply, Gpus, Identity, Isolation, Mesh, NetworkRules,
    Profile, PullPolicy, Reporting, Rights, Sideload, Telemetry, Topology, UpstreamProxy, UserNamespaces, WorkspaceMode,
};
use crate::core::admit::quantity::Quantity;
use crate::core::follow::settings::{Access, Exposure, Jwt, Route};
use crate::core::kube::peer::Peer;
use crate::shell::{HealthAddress, HealthHost, LogFormat, OnExit, Unverified};

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect()
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Run, String> {
    match parse(arguments.iter().map(Into::into), &environment(variables)) {
        Ok(Command::Run(run)) => Ok(*run),
        Ok(other) => Err(format!("not run but {other:?}")),
        Err(usage) => Err(usage.to_string()),
    }
}

/// What is said about a command line that must not be taken.
fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
    match run(arguments, variables) {
        Ok(_) => Err(format!("{arguments:?} {variables:?} is taken")),
        Err(text) => Ok(text),
    }
}

#[test]
fn nothing_given_means_the_defaults() -> Result<(), String> {
    let run = run(&[], &[])?;
    assert_eq!(run.socket, PathBuf::from("/var/run/openshell-driver.sock"));
    assert_eq!((run.allowed_uids, run.log_level, run.kubeconfig), (vec![], LevelFilter::INFO, None));
    assert_eq!((run.log_format, run.health), (LogFormat::Auto, Some(HealthAddress { host: HealthHost::Every, port: 9_090 })));
    let config = run.config;
    assert_eq!(config.namespace.as_str(), "openshell-system");
    assert_eq!(config.gateway_id, "openshell");
    assert_eq!(config.gateway_endpoint, "http://openshell.openshell-system.svc.cluster.local:8080");
    assert_eq!(config.stop_timeout_secs, 30);
    let pod = config.pod;
    assert_eq!(pod.image, "ghcr.io/nvidia/openshell-community/sandboxes/base:latest");
    assert_eq!((pod.image_pull_policy, pod.image_pull_secrets, pod.client_tls_secret), (None, vec![], None));
    assert_eq!((pod.service_account.as_str(), pod.token_ttl_secs), ("default", 3600));
    assert_eq!(pod.supervisor.image, "ghcr.io/nvidia/openshell/supervisor:0.0.116");
    assert_eq!(pod.supervisor.binary_path, "/openshell-sandbox");
    assert_eq!(pod.supervisor.mount_path, "/opt/openshell/bin");
    assert_eq!(pod.supervisor.sideload, Sideload::Auto);
    assert_eq!((pod.workspace.size.as_str(), pod.workspace.storage_class), ("2Gi", None));
    let isolation = Isolation { app_armor: Some(Profile::Unconfined), ..Isolation::default() };
    assert_eq!((pod.isolation, pod.identity, pod.topology), (isolation, Identity { uid: 1000, gid: 1000 }, Topology::Combined));
    assert_eq!((pod.mesh, pod.credential, pod.api_token), (Mesh::Excluded, Credential::Projected, ApiToken::Withheld));
    assert_eq!((pod.telemetry, pod.gpus, pod.caller_volumes), (Telemetry::default(), Gpus::default(), CallerVolumes::Refused));
    assert_eq!((pod.proxy, pod.spiffe_socket, pod.host_gateway, pod.ssh_socket.as_str()), (None, None, None, "/run/openshell/ssh.sock"));
    let resources = pod.default_resources;
    let amounts = [
        resources.cpu,
        resources.cpu_request,
        resources.memory,
        resources.memory_request,
        resources.ephemeral_storage,
        resources.ephemeral_storage_request,
    ];
    assert_eq!(amounts.each_ref().map(Quantity::as_str), ["2", "250m", "4Gi", "512Mi", "8Gi", "1Gi"]);
    Ok(())
}

#[test]
fn a_subcommand_may_be_left_out_and_no_other_exists() -> Result<(), String> {
    assert_eq!(run(&["run", "--gateway-id", "a"], &[])?, run(&["--gateway-id=a"], &[])?);
    let text = refusal(&["serve"], &[])?;
    assert!(text.contains("\"serve\" is no subcommand; there are: run, check, plan, permissions, replay"), "{text}");
    for arguments in [&["run", "run"][..], &["--gateway-id", "a", "run"]] {
        assert!(refusal(arguments, &[])?.contains("\"run\" belongs to no flag"), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn help_and_version_are_asked_for() {
    for (argument, command) in [("--help", Command::Help), ("-h", Command::Help), ("--version", Command::Version), ("-V", Command::Version)]
    {
        assert_eq!(parse([argument.into()], &Environment::new()), Ok(command));
    }
    // Also beside other flags, and where the environment would not do.
    assert_eq!(
        parse(["--namespace".into(), "x".into(), "--help".into()], &environment(&[("OPENSHELL_DRIVER_SOCKET", "x")])),
        Ok(Command::Help)
    );
}

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
fn nobody_is_let_in_unless_it_is_said_who() -> Result<(), String> {
    let open = ["--exposure", "virtualservice"];
    let text = refusal(&open, &[])?;
    assert!(text.contains("--apirule-auth does not say to whom") && text.contains("none, which lets anybody in"), "{text}");
    let text = refusal(&["--enable-apirule", "true", "--apirule-auth", "none"], &[])?;
    assert!(text.contains("--istio-inject-sandboxes true") && text.contains("--exposure virtualservice"), "{text}");
    let with = |more: &[&'static str]| [&open[..], more].concat();
    for (more, why) in [
        (&["--apirule-auth", "jwt"][..], "needs --apirule-jwt-issuer"),
        (&["--apirule-auth", "jwt", "--apirule-jwt-issuer", "https://a"], "needs --apirule-jwt-jwks-uri"),
        (&["--apirule-auth", "jwt", "--apirule-jwt-issuer", "a"], "is not an http:// or https:// URL"),
        (&["--apirule-auth", "ext-auth"], "needs --apirule-authorizers"),
        (&["--apirule-auth", "ext-auth", "--apirule-authorizers", "a"], "a VirtualService asks nobody who they are"),
        (&["--apirule-auth", "anybody"], "jwt, ext-auth, none"),
        (&["--apirule-auth", "none", "--cluster-domain", "*.example.com"], "is not a domain"),
        (&["--apirule-auth", "none", "--apirule-gateway", "kyma-gateway"], "is not an Istio Gateway"),
        (&["--apirule-auth", "none", "--exposed-port", "0"], "from 1 to 65535"),
    ] {
        let text = refusal(&with(more), &[])?;
        assert!(text.contains(why), "{more:?}: {text}");
    }
    let text = refusal(&["--apirule-auth", "none"], &[])?;
    assert!(text.contains("but they are not: add --enable-apirule true"), "{text}");
    let open = run(&with(&["--apirule-auth", "none", "--cluster-domain", "example.com"]), &[])?;
    let exposure = open.config.exposure.ok_or("nothing is exposed")?;
    assert_eq!(
        (exposure.route, exposure.port.get(), exposure.gateway.to_string()),
        (Route::VirtualService, 8080, "kyma-system/kyma-gateway".into())
    );
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
fn a_wrong_value_is_answered_with_where_it_stands_and_one_that_would_do() -> Result<(), String> {
    for (flag, value, why) in [
        ("socket", "driver.sock", "begin it with '/'"),
        ("socket", "/run/../driver.sock", "can be written shorter"),
        ("socket", "/run/", "can be written shorter"),
        ("socket", "/", "can be written shorter"),
        ("socket", "/run/a\nb", "control character"),
        ("allow-uid", "root", "whole number from 0 to 4294967294"),
        ("allow-uid", "4294967295", "whole number from 0 to 4294967294"),
        ("allow-uid", "1000,-1", "\"-1\" is not a whole number"),
        ("log-level", "loud", "off, error, warn, info, debug or trace"),
        ("namespace", "Sandboxes", "lower-case letters"),
        ("namespace", "a/b", "lower-case letters"),
        ("gateway-id", "a b", "is not a label value"),
        ("workspace-mode", "own", "use shared, managed or operator"),
        ("enable-network-policy", "yes", "neither true nor false"),
        ("gateway-endpoint", "gateway:8080", "has no scheme"),
        ("sandbox-image", "https://registry/image", "without a scheme"),
        ("sandbox-image", "an image", "is no image reference"),
        ("supervisor-image", "-v", "is no image reference"),
        ("sandbox-service-account", "system:serviceaccount:a:b", "is not a name"),
        ("image-pull-policy", "always", "Always, IfNotPresent or Never"),
        ("image-pull-secrets", "a,B", "\"B\" is not a name"),
        ("sandbox-storage-size", "2GB", "is not a quantity"),
        ("sandbox-storage-size", "0Gi", "must be more than 0"),
        ("sandbox-storage-class", "Fast", "is not a name"),
        ("client-tls-secret-name", "../a", "is not a name"),
        ("sa-token-ttl-secs", "599", "from 600 to 86400"),
        ("sa-token-ttl-secs", "86401", "from 600 to 86400"),
        ("sa-token-ttl-secs", "+600", "from 600 to 86400"),
        ("stop-timeout-secs", "0", "from 1 to 3600"),
        ("stop-timeout-secs", "30s", "from 1 to 3600"),
        ("supervisor-binary-path", "openshell-sandbox", "begin it with '/'"),
        ("supervisor-mount-path", "/opt/a:b", "':'"),
        ("supervisor-mount-path", "/sandbox", "overlaps /sandbox"),
        ("supervisor-mount-path", "/sandbox/bin", "overlaps /sandbox"),
        ("supervisor-mount-path", "/var/run/secrets", "overlaps /var/run/secrets/openshell"),
        ("supervisor-mount-path", "/proc", "overlaps /proc"),
        ("supervisor-sideload", "sidecar", "auto, init-container or image-volume"),
        ("sandbox-cpu", "0", "must be more than 0"),
        ("sandbox-memory-request", "much", "is not a quantity"),
        ("topology", "split", "none of combined, sidecar"),
        ("sidecar-proxy-uid", "999", "from 1000 to 4294967294"),
        ("sidecar-process-binary-aware-network-policy", "yes", "neither true nor false"),
        ("sandbox-uid", "0", "from 1 to 4294967294"),
        ("sandbox-gid", "4294967295", "from 1 to 4294967294"),
        ("enable-user-namespaces", "always", "none of false, true, required"),
        ("app-armor-profile", "runtime/default", "Localhost/NAME"),
        ("app-armor-profile", "Localhost/", "Localhost/NAME"),
        ("seccomp-profile", "Localhost/../secret", "Localhost/NAME"),
        ("default-runtime-class-name", "gVisor", "is not a name"),
        ("https-proxy", "http://proxy", "has no port"),
        ("https-proxy", "https://proxy:3128", "does not speak to a proxy"),
        ("https-proxy", "proxy:3128", "has no scheme"),
        ("https-proxy", "http://proxy:3128/x", "something after host and port"),
        ("no-proxy", "a b", "commas between hosts"),
        ("proxy-auth-secret-key", "a/b", "no key of a secret"),
        ("host-gateway-ip", "10.0.0", "no IP address"),
        ("host-gateway-ip", "010.0.0.1", "no IP address"),
        ("gpu-resource-name", "gpu", "write it like nvidia.com/gpu"),
        ("gpu-resource-name", "kubernetes.io/gpu", "write it like nvidia.com/gpu"),
        ("sandbox-credential", "secret", "none of projected, token, both"),
        ("sandbox-ssh-socket-path", "ssh.sock", "begin it with '/'"),
        ("sandbox-ssh-socket-path", "/sandbox/ssh.sock", "in the workspace"),
        ("provider-spiffe-workload-api-socket-path", "/spire.sock", "nothing can be mounted"),
        ("provider-spiffe-workload-api-socket-path", "/sandbox/x/spire.sock", "overlaps /sandbox"),
        ("telemetry", "off", "neither true nor false"),
        ("supervisor-mount-path", "/run/secrets/openshell/x", "overlaps /var/run/secrets/openshell"),
    ] {
        let flag = table::flags().find(|candidate| candidate.long == flag).ok_or(flag)?;
        let (dashed, own) = (format!("--{}", flag.long), flag.variable());
        let text = refusal(&[&dashed, value], &[])?;
        let (start, end) = (format!("{dashed}: "), format!("; for example {dashed} {}\n", flag.example));
        assert!(text.starts_with(&start) && text.contains(why) && text.contains(&end), "{value:?}: {text}");
        for variable in std::iter::once(own.as_str()).chain(flag.upstream.variables.iter().copied()) {
            let text = refusal(&[], &[(variable, value)])?;
            let (start, end) = (format!("{variable}: "), format!("; for example {variable}={}\n", flag.example));
            assert!(text.starts_with(&start) && text.contains(why) && text.contains(&end), "{value:?}: {text}");
        }
    }
    Ok(())
}

#[test]
fn settings_must_agree() -> Result<(), String> {
    let https = ["--gateway-endpoint", "https://gateway:8080"];
    let text = refusal(&https, &[])?;
    assert!(text.contains("--gateway-endpoint is https://gateway:8080, but --client-tls-secret-name is not given"), "{text}");
    assert_eq!(run(&https, &[("OPENSHELL_CLIENT_TLS_SECRET_NAME", "tls")])?.config.gateway_endpoint, "https://gateway:8080");

    let text = refusal(&["--sandbox-cpu-request", "3"], &[])?;
    assert!(text.contains("--sandbox-cpu-request is 3, more than the default of --sandbox-cpu (2)"), "{text}");
    let text = refusal(&[], &[("OPENSHELL_DRIVER_SANDBOX_MEMORY", "256Mi")])?;
    assert!(text.contains("the default of --sandbox-memory-request is 512Mi, more than OPENSHELL_DRIVER_SANDBOX_MEMORY (256Mi)"), "{text}");
    run(&["--sandbox-cpu-request", "2000m"], &[])?;

    for (variable, value) in [("OPENSHELL_DRIVER_KUBE_CONTEXT", "dev"), ("OPENSHELL_DRIVER_KUBE_INSECURE", "true")] {
        let text = refusal(&[], &[(variable, value)])?;
        assert!(text.contains(&format!("{variable} says how to read a kubeconfig, but none is named")), "{text}");
        run(&[], &[(variable, value), ("KUBECONFIG", "/k")])?;
    }

    let text = refusal(&["--terminal-after-secs", "90", "--stop-timeout-secs", "90"], &[])?;
    assert!(text.contains("--terminal-after-secs is 90, no more than --stop-timeout-secs (90)"), "{text}");
    run(&["--terminal-after-secs", "91", "--stop-timeout-secs", "90"], &[])?;

    let elsewhere = ["--supervisor-binary-path", "/bin/supervisor"];
    let text = refusal(&[&elsewhere[..], &["--supervisor-sideload", "image-volume"]].concat(), &[])?;
    assert!(text.contains("--supervisor-sideload is image-volume and --supervisor-binary-path is /bin/supervisor"), "{text}");
    Ok(())
}

#[test]
fn a_proxy_is_told_whole() -> Result<(), String> {
    let beside = ["--https-proxy", "http://proxy:3128", "--topology", "sidecar"];
    let flags = |name, key, insecure| {
        let credential = ["--proxy-auth-secret-name", name, "--proxy-auth-secret-key", key, "--proxy-auth-allow-insecure", insecure];
        run(&[&beside[..], &credential].concat(), &[])
    };
    let proxy = |run: Run| run.config.pod.proxy.and_then(|proxy| proxy.credential).map(|key| (key.secret, key.key));
    let read = Some(("creds".to_owned(), "user".to_owned()));
    assert_eq!(proxy(flags("creds", "user", "true")?), read);
    for names in [
        ["OPENSHELL_DRIVER_PROXY_AUTH_SECRET_NAME", "OPENSHELL_DRIVER_PROXY_AUTH_SECRET_KEY", "OPENSHELL_DRIVER_PROXY_AUTH_ALLOW_INSECURE"],
        [
            "OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_NAME",
            "OPENSHELL_UPSTREAM_PROXY_AUTH_SECRET_KEY",
            "OPENSHELL_UPSTREAM_PROXY_AUTH_ALLOW_INSECURE",
        ],
    ] {
        let variables: Vec<(&str, &str)> = names.into_iter().zip(["creds", "user", "true"]).collect();
        assert_eq!(proxy(run(&beside, &variables)?), read, "{names:?}");
    }
    for (arguments, why) in [
        (vec!["--no-proxy", "a"], "--no-proxy belongs to an upstream proxy, but none is named"),
        (vec!["--proxy-connect-by-hostname", "true"], "--proxy-connect-by-hostname belongs to an upstream proxy"),
        (vec!["--proxy-auth-secret-name", "a"], "--proxy-auth-secret-name belongs to an upstream proxy"),
        ([&beside[..], &["--proxy-auth-secret-name", "a"]].concat(), "go together"),
        ([&beside[..], &["--proxy-auth-secret-key", "a"]].concat(), "go together"),
        ([&beside[..], &["--proxy-auth-allow-insecure", "true"]].concat(), "names none"),
        (
            [&beside[..], &["--proxy-auth-secret-name", "a", "--proxy-auth-secret-key", "b"]].concat(),
            "a credential for an http proxy crosses the network unencrypted",
        ),
        (
            vec!["--https-proxy", "http://p:1", "--proxy-auth-secret-name", "a", "--proxy-auth-secret-key", "b"],
            "--proxy-auth-secret-name needs --topology sidecar",
        ),
    ] {
        let text = refusal(&arguments, &[])?;
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
    Ok(())
}

#[test]
fn topologies_have_what_they_can_have() -> Result<(), String> {
    let sidecar = ["--topology", "sidecar"];
    for (more, why) in [
        (["--sandbox-uid", "1337"], "--sandbox-uid are both 1337"),
        (["--sandbox-privileged", "true"], "--sandbox-privileged is true, which excludes the other"),
        (["--istio-inject-sandboxes", "true"], "--istio-inject-sandboxes is true, which excludes the other"),
    ] {
        let text = refusal(&[&sidecar[..], &more].concat(), &[])?;
        assert!(text.contains(why), "{text}");
        run(&more, &[])?;
    }
    let text = refusal(&["--gpu-support", "false", "--gpu-scale-from-zero", "true"], &[])?;
    assert!(text.contains("--gpu-support is false, but --gpu-scale-from-zero says where GPUs come from"), "{text}");
    Ok(())
}

#[test]
fn what_follows_from_another_setting_follows() -> Result<(), String> {
    let config = run(&["--namespace", "agents"], &[])?.config;
    assert_eq!(config.gateway_endpoint, "http://openshell.agents.svc.cluster.local:8080");
    let config = run(&["--client-tls-secret-name", "tls"], &[])?.config;
    assert_eq!(config.gateway_endpoint, "https://openshell.openshell-system.svc.cluster.local:8080");
    let config = run(&["--sandbox-uid", "7"], &[])?.config;
    assert_eq!(config.pod.identity, Identity { uid: 7, gid: 7 });
    // An image volume would not show it there.
    let config = run(&["--supervisor-binary-path", "/bin/supervisor"], &[])?.config;
    assert_eq!(config.pod.supervisor.sideload, Sideload::InitContainer);
    Ok(())
}

#[test]
fn a_kubeconfig_is_one_file() -> Result<(), String> {
    let file = |text| run(&[], &[("KUBECONFIG", text)]).map(|run| run.kubeconfig.map(|kubeconfig| kubeconfig.file));
    assert_eq!(file("/k/a.json:")?, Some("/k/a.json".into()), "an empty part is what is left of a variable that was not set");
    assert_eq!(file("")?, None);
    let text = refusal(&[], &[("KUBECONFIG", "/k/a:/k/b")])?;
    assert!(text.contains("several kubeconfigs") && text.contains("kubectl config view --raw --minify --flatten -o json"), "{text}");
    assert!(refusal(&["--kubeconfig", ":"], &[])?.contains("names no file"));
    Ok(())
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() -> Result<(), String> {
    for (given, advice) in [
        ("--namespaces", "did you mean --namespace?"),
        ("--sokcet=/x", "did you mean --socket?"),
        ("--grpc-endpoint", "what upstream's driver calls so is --gateway-endpoint here"),
        ("--bind-address", "upstream's driver has it, but here the driver listens on a Unix socket only"),
        ("--nonsense-of-all-kinds", "is no flag\n"),
    ] {
        let text = refusal(&[given, "x"], &[])?;
        assert!(text.contains(advice), "{text}");
    }
    assert!(refusal(&["-n", "x"], &[])?.contains("two dashes"));
    assert!(refusal(&["--namespace"], &[])?.contains("--namespace needs a value; for example --namespace openshell-system"));
    Ok(())
}

#[test]
fn a_password_is_never_repeated() -> Result<(), String> {
    for (arguments, variables) in [
        (&["--gateway-endpoint", "http://root:hunter2@gateway:8080"][..], &[][..]),
        (&[], &[("OPENSHELL_GRPC_ENDPOINT", "http://root:hunter2@gateway:8080")]),
        (&[], &[("OPENSHELL_UPSTREAM_PROXY", "http://root:hunter2@proxy:8080")]),
    ] {
        let text = refusal(arguments, variables)?;
        assert!(!text.contains("hunter2"), "{text}");
    }
    Ok(())
}

#[test]
fn a_setting_that_would_be_missed_stops_the_driver() -> Result<(), String> {
    for setting in UNSERVED {
        match setting.when_set {
            WhenSet::Ignored => assert_eq!(run(&[], &[(setting.variable, "x")])?, run(&[], &[])?, "{}", setting.variable),
            WhenSet::Refused(ours) => {
                let text = refusal(&[], &[(setting.variable, "x")])?;
                assert!(text.starts_with(setting.variable) && text.contains("Unset it to run without"), "{text}");
                run(&[], &[(setting.variable, "")])?;
                for value in ours {
                    run(&[], &[(setting.variable, value)])?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_refused_only_where_it_is_read() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let broken = || OsString::from_vec(vec![0xff]);
    let with = |name: &str| Environment::from([(name.to_owned(), broken())]);
    assert_eq!(parse([], &with("OPENSHELL_SANDBOX_NAMESPACE")), Err(Usage::NotUnicode("OPENSHELL_SANDBOX_NAMESPACE".into())));
    assert!(parse([], &with("SOMETHING_ELSE")).is_ok());
    assert_eq!(parse(["--namespace".into(), broken()], &Environment::new()), Err(Usage::NotUnicode("--namespace".into())));
}

#[test]
fn help_names_everything_and_fits_a_terminal() {
    let text = help();
    for flag in table::flags() {
        assert!(text.contains(&format!("\n  --{} {}", flag.long, flag.metavar)), "--{}", flag.long);
        for variable in flag.variables() {
            assert!(text.contains(&variable), "{variable}");
        }
        assert!(flag.help.ends_with('.'), "--{}: help is in sentences", flag.long);
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 100 && line.trim_end() == line, "{line:?}");
    }
}

#[test]
fn namespaces_can_be_named_after_the_gateway() -> Result<(), String> {
    let fits = "a".repeat(33);
    assert_eq!(run(&["--workspace-mode", "managed", "--gateway-id", &fits], &[])?.config.gateway_id, fits);
    for (id, why) in
        [("a".repeat(34), "at most 33 are allowed"), ("a.b".into(), "namespaces are named after it"), ("A".into(), "lower-case letters")]
    {
        let text = refusal(&["--workspace-mode", "managed", "--gateway-id", &id], &[])?;
        assert!(text.contains(why), "{text}");
    }
    Ok(())
}

#[test]
fn a_network_policy_finds_the_gateway_or_is_told() -> Result<(), String> {
    let policy = ["--enable-network-policy", "true"];
    let gateway = |arguments: &[&str]| -> Result<Option<String>, String> {
        let rules = run(&[&policy, arguments].concat(), &[])?.config.network;
        Ok(rules.and_then(|rules| rules.gateway).map(|peer| peer.to_string()))
    };
    assert_eq!(gateway(&[])?.as_deref(), Some("openshell-system:8080"));
    assert_eq!(gateway(&["--network-policy-gateway", "gateways:9090"])?.as_deref(), Some("gateways:9090"));
    let outside = ["--gateway-endpoint", "http://gateway.example.com:8080"];
    assert!(refusal(&[&policy, outside.as_slice()].concat(), &[])?.contains("--network-policy-gateway"));
    assert_eq!(gateway(&[outside.as_slice(), &["--network-policy-egress", "192.0.2.0/24"]].concat())?, None);
    assert!(refusal(&[policy.as_slice(), &["--network-policy-egress", "10.0.0.1"]].concat(), &[])?.contains("is no peer"));
    assert!(refusal(&["--network-policy-egress", "192.0.2.0/24"], &[])?.contains("add --enable-network-policy true"));
    Ok(())
}

#[test]
fn names_are_used_once() {
    let mut flags: Vec<&str> = table::flags().map(|flag| flag.long).chain(UNSERVED.iter().filter_map(|setting| setting.flag)).collect();
    flags.extend(table::flags().filter_map(|flag| flag.upstream.flag.filter(|theirs| *theirs != flag.long)));
    let mut variables: Vec<String> = table::flags().flat_map(Flag::variables).collect();
    variables.extend(UNSERVED.iter().map(|setting| setting.variable.to_owned()));
    let (all_flags, all_variables) = (flags.len(), variables.len());
    flags.sort_unstable();
    flags.dedup();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!((flags.len(), variables.len()), (all_flags, all_variables));
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
