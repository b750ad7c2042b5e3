//! What the driver is told at start: flags and environment variables, checked here once, so that nothing behind this point meets a bad value.
//!
//! [`parse`] is a function of its arguments alone. One table ([`table::flags`]) says everything about a flag; a flag wins over its own variable
//! (`OPENSHELL_DRIVER_…`), that over the variable of upstream's Kubernetes driver, that over the default. An empty variable counts as unset.

mod arguments;
mod endpoint;
mod exposure;
mod help;
mod pod;
pub mod reference;
mod resolve;
mod sources;
pub mod subcommand;
pub mod table;
pub mod upstream;
mod usage;
mod values;
mod workspaces;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use crate::config::Config;
use crate::core::kube::version::ServerVersion;
use crate::plan::print::Format;
use crate::preflight::{report, roles};
use crate::replay::Range;
use crate::shell::{HealthAddress, Kubeconfig, LogFormat, Recording};

pub use self::help::{help, version};
pub use self::usage::Usage;

use self::arguments::{Line, Request};
use self::sources::Sources;
use self::subcommand::{CHECK_OUTPUT, Choice, PERMISSIONS_OUTPUT, PLAN_GIVEN, PLAN_OUTPUT, PLAN_SERVER, REPLAY_AS_VECTOR, Subcommand};

/// The name of the program, as it calls itself.
pub const PROGRAM: &str = "openshell-driver-kyma";

/// Environment variables by name. Values may be anything; only those that are read must be Unicode.
pub type Environment = BTreeMap<String, OsString>;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve a gateway.
    Run(Box<Run>),
    /// Say whether the cluster is fit, written like this.
    Check(Box<Run>, report::Format),
    /// Say what a call would cause.
    Plan(Box<Plan>),
    /// Say which rights a driver with these settings needs, written like this.
    Permissions(Box<Config>, roles::Format),
    /// Play a recording, or make a vector of these of its inputs.
    Replay(Source, Option<Range>),
    /// Print [`help`].
    Help,
    /// Print [`version`].
    Version,
}

/// Everything the driver needs to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where to listen: absolute and normalised.
    pub socket: PathBuf,
    /// Users besides the driver's own who may connect; ascending, each once.
    pub allowed_uids: Vec<u32>,
    /// How much to log, unless `RUST_LOG` says otherwise.
    pub log_level: LevelFilter,
    /// What a line of the log looks like.
    pub log_format: LogFormat,
    /// Where health and metrics are served, unless nowhere.
    pub health: Option<HealthAddress>,
    /// The file that lists the namespaces of workspaces, where one does.
    pub namespaces: Option<PathBuf>,
    /// Whether what goes in and comes out is recorded.
    pub recording: Option<Recording>,
    /// Where the API server is, when that is not for the environment of a pod to say.
    pub kubeconfig: Option<Kubeconfig>,
    /// The core's settings.
    pub config: Config,
}

/// Everything a plan needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where the call stands.
    pub request: Source,
    /// Where the Sandboxes stand that exist already.
    pub given: Option<Source>,
    /// The API server's version.
    pub server: ServerVersion,
    /// How it is written.
    pub format: Format,
    /// The core's settings.
    pub config: Config,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `-`
    StandardInput,
    /// Any other name.
    File(PathBuf),
}

impl Source {
    fn parse(name: &str) -> Self {
        if name == "-" { Self::StandardInput } else { Self::File(name.into()) }
    }
}

/// Reads a command line (without the program's name) and the environment.
///
/// # Errors
/// The first thing that is wrong, with what to write instead. The process should then end with [`Usage::EXIT_CODE`].
pub fn parse(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<Command, Usage> {
    let line = match arguments::read(arguments)? {
        Request::Help => return Ok(Command::Help),
        Request::Version => return Ok(Command::Version),
        Request::Command(line) => line,
    };
    if line.subcommand == Subcommand::Replay {
        return replay(&line);
    }
    upstream::refuse_unserved(environment)?;
    let run = resolve::run(&Sources::new(&line.flags, environment))?;
    match line.subcommand {
        Subcommand::Run => Ok(Command::Run(Box::new(run))),
        Subcommand::Check => {
            let format = one_of(&line, &CHECK_OUTPUT, |text| match text {
                "text" => Some(report::Format::Text),
                "json" => Some(report::Format::Json),
                _ => None,
            })?;
            Ok(Command::Check(Box::new(run), format))
        }
        Subcommand::Plan => plan(&line, run).map(|plan| Command::Plan(Box::new(plan))),
        Subcommand::Permissions => {
            let format = one_of(&line, &PERMISSIONS_OUTPUT, |text| match text {
                "yaml" => Some(roles::Format::Yaml),
                "json" => Some(roles::Format::Json),
                _ => None,
            })?;
            Ok(Command::Permissions(Box::new(run.config), format))
        }
        // It has no settings, and is done with above.
        Subcommand::Replay => replay(&line),
    }
}

/// The settings of a replay are those of the driver that was recorded.
fn replay(line: &Line) -> Result<Command, Usage> {
    if let Some(flag) = line.flags.keys().next() {
        return Err(Usage::Conflict(format!(
            "--{flag} is a setting, and a recording is played with those that it was made with: leave it out"
        )));
    }
    let file = line.operand.as_deref().ok_or(Usage::MissingOperand(line.subcommand))?;
    let range = match line.choice(&REPLAY_AS_VECTOR) {
        None => None,
        Some(_) => Some(one_of(line, &REPLAY_AS_VECTOR, Range::parse)?),
    };
    Ok(Command::Replay(Source::parse(file), range))
}

fn plan(line: &Line, run: Run) -> Result<Plan, Usage> {
    let request = line.operand.as_deref().ok_or(Usage::MissingOperand(line.subcommand))?;
    let format = one_of(line, &PLAN_OUTPUT, |text| match text {
        "http" => Some(Format::Http),
        "yaml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        _ => None,
    })?;
    let server = one_of(line, &PLAN_SERVER, |text| {
        let (major, minor) = text.split_once('.')?;
        Some(ServerVersion { major: major.parse().ok()?, minor: minor.parse().ok()? })
    })?;
    let given = line.choice(&PLAN_GIVEN).map(Source::parse);
    Ok(Plan { request: Source::parse(request), given, server, format, config: run.config })
}

/// The value of an option, or of its default.
fn one_of<T>(line: &Line, choice: &'static Choice, parse: impl Fn(&str) -> Option<T>) -> Result<T, Usage> {
    let given = line.choice(choice).unwrap_or(choice.default);
    parse(given).ok_or_else(|| Usage::InvalidChoice { choice, given: given.to_owned() })
}
