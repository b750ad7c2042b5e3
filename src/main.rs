//! The program: reads what it is told, then runs the driver.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "arguments and environment are read here, for everybody else")]

use std::io::{self, Write};
use std::process::ExitCode;

use openshell_driver_kyma::cli::{self, Command, Environment, Run, Usage};
use openshell_driver_kyma::shell::{self, ApiServer, Settings};

/// Exit codes: 0 stopped when told to, 2 the settings can't work, 3 the cluster is not fit.
fn main() -> ExitCode {
    let environment = environment();
    match cli::parse(std::env::args_os().skip(1), &environment) {
        Ok(Command::Run(run)) => start(*run, &environment),
        Ok(Command::Help) => print(&cli::help()),
        Ok(Command::Version) => print(&cli::version()),
        Err(usage) => refuse(&usage),
    }
}

fn start(run: Run, environment: &Environment) -> ExitCode {
    let variable = |name: &str| environment.get(name).and_then(|value| value.to_str()).map(str::to_owned);
    let api = match &run.kubeconfig {
        Some(kubeconfig) => ApiServer::from_kubeconfig(kubeconfig),
        None => ApiServer::from_environment(variable),
    };
    match api {
        Ok(api) => shell::main(Settings { socket: run.socket, allowed_uids: run.allowed_uids, api, log_level: run.log_level }, run.config),
        Err(error) => refuse(&error),
    }
}

fn environment() -> Environment {
    // A name that is no text is none we know.
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

/// To standard output; a reader that has gone away has read enough.
fn print(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// To standard error, before there is a log.
fn refuse(why: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}: {why}", cli::PROGRAM);
    ExitCode::from(Usage::EXIT_CODE)
}
