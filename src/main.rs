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
use openshell_driver_kyma::replay::{self, Range};
use openshell_driver_kyma::shell::{self, ApiServer, ConfigurationError, Settings};

/// A plan whose call would be refused.
const EXIT_REFUSED: u8 = 1;
/// A check that found something to mend.
const EXIT_UNFIT: u8 = 1;
/// A replay that differs from what was recorded.
const EXIT_DIFFERS: u8 = 1;

/// Exit codes: 0 stopped when told to, 2 the settings can't work, 3 the cluster is not fit. Of `check`: 1 something must be mended;
/// of `plan`: 1 the gateway would be refused; of `replay`: 1 something differs.
fn main() -> ExitCode {
    let environment = environment();
    match cli::parse(std::env::args_os().skip(1), &environment) {
        Ok(Command::Run(run)) => start(*run, &environment),
        Ok(Command::Check(run, format)) => check(*run, &environment, format),
        Ok(Command::Plan(plan)) => plan_call(*plan).unwrap_or_else(|error| refuse(&*error)),
        Ok(Command::Permissions(config, format)) => print(&roles::print(&config, format)),
        Ok(Command::Replay(file, range)) => replay(&file, range.as_ref()).unwrap_or_else(|error| refuse(&*error)),
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
            let Run { socket, allowed_uids, log_level, log_format, health, namespaces, recording, config, .. } = run;
            shell::main(Settings { socket, allowed_uids, api, namespaces, health, log_level, log_format, recording }, config)
        }
        Err(error) => refuse(&error),
    }
}

fn plan_call(wanted: cli::Plan) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let request: Request = parse(&wanted.request, |text| serde_json::from_str(text))?;
    let given = wanted.given.as_ref().map(|source| parse(source, |text| serde_json::from_str(text).map(plan::sandboxes))).transpose()?;
    let plan = plan::plan(Question { config: wanted.config, request, given: given.unwrap_or_default(), server: wanted.server })?;
    print(&plan.print(wanted.format));
    Ok(if matches!(plan.outcome, Outcome::Refused(_)) { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS })
}

fn replay(source: &Source, range: Option<&Range>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (name, file) = read(source)?;
    let because = |why: String| Usage::Unreadable { file: name.clone(), why };
    if let Some(range) = range {
        return Ok(print(&replay::vector(&file, range).map_err(|error| because(error.to_string()))?));
    }
    let (report, last) = replay::compare(&file).map_err(|error| because(error.to_string()))?;
    print(&report.to_string());
    if let Some(last) = last {
        print(&format!("input {} has no outputs: the driver did not survive it. It is handed to this program's core now\n", last.number));
        let outputs = last.play();
        print(&format!("this core survives it; what comes of it:\n{:#}\n", serde_json::to_value(outputs)?));
        return Ok(ExitCode::from(EXIT_DIFFERS));
    }
    Ok(if report.is_same() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERS) })
}

/// Reads a file as what it should be.
fn parse<T>(source: &Source, parse: impl Fn(&str) -> serde_json::Result<T>) -> Result<T, Usage> {
    let (file, text) = read(source)?;
    parse(&text).map_err(|error| Usage::Unreadable { file, why: error.to_string() })
}

/// Reads a file, or standard input; gives its name, too.
fn read(source: &Source) -> Result<(String, String), Usage> {
    /// More than any call has (the gateway takes at most 1 MiB), and more than any recording.
    const BYTES_MAX: u64 = 1 << 30;
    let mut text = String::new();
    let (file, done) = match source {
        Source::StandardInput => ("standard input".to_owned(), io::stdin().take(BYTES_MAX).read_to_string(&mut text)),
        Source::File(path) => {
            let opened = std::fs::File::open(path);
            (path.display().to_string(), opened.and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text)))
        }
    };
    match done {
        Ok(_) => Ok((file, text)),
        Err(error) => Err(Usage::Unreadable { file, why: error.to_string() }),
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
