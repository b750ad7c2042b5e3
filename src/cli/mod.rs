//! What the driver is told at start: flags and environment variables, checked here once, so that nothing behind this point meets a bad value.
//!
//! [`parse`] is a function of its arguments alone. One table ([`table::flags`]) says everything about a flag; a flag wins over its own variable
//! (`OPENSHELL_DRIVER_…`), that over the variable of upstream's Kubernetes driver, that over the default. An empty variable counts as unset.

mod arguments;
mod endpoint;
mod help;
pub mod reference;
mod resolve;
mod sources;
pub mod table;
pub mod upstream;
mod usage;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use crate::config::Config;
use crate::shell::Kubeconfig;

pub use self::help::{help, version};
pub use self::usage::Usage;

use self::arguments::{Arguments, Request};
use self::sources::Sources;

/// The name of the program, as it calls itself.
pub const PROGRAM: &str = "openshell-driver-kyma";

/// Environment variables by name. Values may be anything; only those that are read must be Unicode.
pub type Environment = BTreeMap<String, OsString>;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve a gateway.
    Run(Box<Run>),
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
    /// Where the API server is, when that is not for the environment of a pod to say.
    pub kubeconfig: Option<Kubeconfig>,
    /// The core's settings.
    pub config: Config,
}

/// Reads a command line (without the program's name) and the environment.
///
/// # Errors
/// The first thing that is wrong, with what to write instead. The process should then end with [`Usage::EXIT_CODE`].
pub fn parse(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<Command, Usage> {
    match arguments::read(arguments)? {
        Request::Help => Ok(Command::Help),
        Request::Version => Ok(Command::Version),
        Request::Run(arguments) => run(&arguments, environment).map(|run| Command::Run(Box::new(run))),
    }
}

fn run(arguments: &Arguments, environment: &Environment) -> Result<Run, Usage> {
    upstream::refuse_unserved(environment)?;
    resolve::run(&Sources::new(arguments, environment))
}
