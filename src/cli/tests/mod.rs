//! The parser as the function it is: arguments and variables in, settings or advice out.

mod agreement;
mod samples;
mod values;

use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use super::table::{self, Flag};
use super::upstream::UNSERVED;
use super::{Command, Environment, Run, help, parse};
use crate::config::{ApiToken, CallerVolumes, Credential, Gpus, Identity, Isolation, Mesh, Profile, Sideload, Telemetry, Topology};
use crate::core::admit::quantity::Quantity;
use crate::shell::{HealthAddress, HealthHost, LogFormat};

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
