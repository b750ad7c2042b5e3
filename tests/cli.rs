//! The real binary on a command line: where texts go and which exit code follows. What is parsed how is tested beside the parser.
#![allow(clippy::disallowed_methods, reason = "starts processes")]

use std::io;
use std::process::{Command, Output};

use openshell_driver_kyma::cli;

/// Runs the driver with nothing in its environment but these variables.
fn driver(arguments: &[&str], variables: &[(&str, &str)]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_openshell-driver-kyma")).args(arguments).env_clear().envs(variables.iter().copied()).output()
}

/// What is on standard error of a driver that refuses to start with exit code 2.
fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> io::Result<String> {
    let output = driver(arguments, variables)?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty(), "standard output is for what was asked for");
    assert!(text.starts_with("openshell-driver-kyma: "), "{text}");
    Ok(text)
}

#[test]
fn help_and_version_are_answered_whatever_the_environment() -> io::Result<()> {
    for (argument, text) in [("--help", cli::help()), ("-h", cli::help()), ("--version", cli::version()), ("-V", cli::version())] {
        let output = driver(&[argument], &[("OPENSHELL_DRIVER_NAMESPACE", "No Such Name")])?;
        assert_eq!(output.status.code(), Some(0), "{argument}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        assert!(output.stderr.is_empty(), "{argument}");
    }
    Ok(())
}

#[test]
fn a_mistake_on_the_command_line_is_explained() -> io::Result<()> {
    for (arguments, expected) in [
        (&["--namespce", "agents"][..], "--namespce is no flag: did you mean --namespace?"),
        (&["serve"], "\"serve\" is no subcommand; there are: run, check, plan"),
        (&["run", "--namespace"], "--namespace needs a value; for example --namespace openshell-system"),
        (&["--sandbox-cpu", "lots"], "--sandbox-cpu: \"lots\" is not a quantity"),
    ] {
        let text = refusal(arguments, &[])?;
        assert!(text.contains(expected), "{text}");
    }
    Ok(())
}

#[test]
fn a_mistake_in_the_environment_is_explained() -> io::Result<()> {
    for (variable, value, expected) in [
        ("OPENSHELL_DRIVER_NAMESPACE", "Agents", "OPENSHELL_DRIVER_NAMESPACE: \"Agents\" must be lower-case"),
        ("OPENSHELL_GRPC_ENDPOINT", "gateway:8080", "OPENSHELL_GRPC_ENDPOINT: \"gateway:8080\" has no scheme"),
        ("OPENSHELL_K8S_TOPOLOGY", "split", "OPENSHELL_K8S_TOPOLOGY: \"split\" is none of combined, sidecar"),
        ("OPENSHELL_MANAGED_SSH_INGRESS_ENABLED", "true", "OPENSHELL_MANAGED_SSH_INGRESS_ENABLED asks for what this driver does not do"),
        ("UNRELATED", "", "KUBERNETES_SERVICE_HOST is not set"),
    ] {
        let text = refusal(&[], &[(variable, value)])?;
        assert!(text.contains(expected), "{text}");
    }
    Ok(())
}

#[test]
fn what_was_given_reaches_the_shell() -> io::Result<()> {
    let cluster = ("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    let (flag, variable) = ("/dev/null/flag/driver.sock", "/dev/null/variable/driver.sock");
    let text = refusal(&["run", "--socket", flag], &[cluster, ("OPENSHELL_COMPUTE_DRIVER_SOCKET", variable)])?;
    assert!(text.contains("/dev/null/flag"), "{text}");
    let text = refusal(&[], &[cluster, ("OPENSHELL_COMPUTE_DRIVER_SOCKET", variable)])?;
    assert!(text.contains("/dev/null/variable"), "{text}");
    Ok(())
}
