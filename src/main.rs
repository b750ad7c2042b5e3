//! The program: reads what it is told, then runs the driver.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "arguments and environment are read here, for everybody else")]

use std::io::{self, Read, Write};
use std::process::ExitCode;

use openshell_driver_kyma::cli::{self, Command, Environment, Run, Source, Usage};
use openshell_driver_kyma::core::io::Request;
use openshell_driver_kyma::plan::{self, Outcome, Question};
use openshell_driver_kyma::preflight::report::Format;
use openshell_driver_kyma::preflight::roles;
use openshell_driver_kyma::shell::{self, ApiServer, ConfigurationError, Settings};

/// A plan whose call would be refused.
const EXIT_REFUSED: u8 = 1;
/// A check that found something to mend.
const EXIT_UNFIT: u8 = 1;

/// Exit codes: 0 stopped when told to, 2 the settings can't work, 3 the cluster is not fit. Of `check`: 1 something must be mended;
/// of `plan`: 1 the gateway would be refused.
fn main() -> ExitCode {
    let environment = environment();
    match cli::parse(std::env::args_os().skip(1), &environment) {
        Ok(Command::Run(run)) => start(*run, &environment),
        Ok(Command::Check(run, format)) => check(*run, &environment, format),
        Ok(Command::Plan(plan)) => plan_call(*plan).unwrap_or_else(|error| refuse(&*error)),
        Ok(Command::Permissions(config, format)) => print(&roles::print(&config, format)),
        Ok(Command::Help) => print(&cli::help()),
        Ok(Command::Version) => print(&cli::version()),
        Err(usage) => refuse(&usage),
    }
}

/// Where the API server is.
fn api_server(run: &Run, environment: &Environment) -> Result<ApiServer, ConfigurationError> {
    let variable = |name: &str| environment.get(name).and_then(|value| value.to_str()).map(str::to_owned);
    match &run.kubeconfig {
        Some(kubeconfig) => ApiServer::from_kubeconfig(kubeconfig),
        None => ApiServer::from_environment(variable),
    }
}

fn check(run: Run, environment: &Environment, format: Format) -> ExitCode {
    let report = match api_server(&run, environment) {
        Ok(api) => shell::preflight(&run.socket, api, run.namespaces.as_deref(), run.config),
        Err(error) => return refuse(&error),
    };
    match report {
        Ok(report) => {
            print(&report.print(format));
            if report.is_fit() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_UNFIT) }
        }
        Err(error) => refuse(&error),
    }
}

fn start(run: Run, environment: &Environment) -> ExitCode {
    match api_server(&run, environment) {
        Ok(api) => {
            let Run { socket, allowed_uids, log_level, log_format, health, namespaces, config, .. } = run;
            shell::main(Settings { socket, allowed_uids, api, namespaces, health, log_level, log_format }, config)
        }
        Err(error) => refuse(&error),
    }
}

fn plan_call(wanted: cli::Plan) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let request: Request = read(&wanted.request, |text| serde_json::from_str(text))?;
    let given = wanted.given.as_ref().map(|source| read(source, |text| serde_json::from_str(text).map(plan::sandboxes))).transpose()?;
    let plan = plan::plan(Question { config: wanted.config, request, given: given.unwrap_or_default(), server: wanted.server })?;
    print(&plan.print(wanted.format));
    Ok(if matches!(plan.outcome, Outcome::Refused(_)) { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS })
}

/// Reads a file, or standard input, as what it should be.
fn read<T>(source: &Source, parse: impl Fn(&str) -> serde_json::Result<T>) -> Result<T, Usage> {
    /// More than any call has: the gateway takes at most 1 MiB.
    const BYTES_MAX: u64 = 64 << 20;
    let mut text = String::new();
    let (file, done) = match source {
        Source::StandardInput => ("standard input".to_owned(), io::stdin().take(BYTES_MAX).read_to_string(&mut text)),
        Source::File(path) => {
            let opened = std::fs::File::open(path);
            (path.display().to_string(), opened.and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text)))
        }
    };
    let because = |why: String| Usage::Unreadable { file: file.clone(), why };
    done.map_err(|error| because(error.to_string()))?;
    parse(&text).map_err(|error| because(error.to_string()))
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
