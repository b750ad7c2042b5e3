//! The command line as text: which flags were given, with which values.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lexopt::Arg;

use super::table::{self, Takes};
use super::usage::Usage;

/// Values by flag, in the order they were given.
pub type Arguments = BTreeMap<&'static str, Vec<String>>;

/// Subcommands there are.
const SUBCOMMANDS: [&str; 1] = ["run"];

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    Help,
    Version,
    Run(Arguments),
}

/// Splits a command line. Asking for help wins over mistakes behind it, not over those before it.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Usage> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut given = Arguments::new();
    let mut subcommand = None;
    while let Some(argument) = parser.next().map_err(|error| Usage::Malformed(error.to_string()))? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Request::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Request::Version),
            Arg::Long(long) => {
                let Some(flag) = table::flags().find(|flag| flag.long == long) else {
                    return Err(Usage::unknown_flag(long));
                };
                let value = parser.value().map_err(|_| Usage::MissingValue(flag))?;
                let value = value.into_string().map_err(|_| Usage::NotUnicode(format!("--{}", flag.long)))?;
                let values = given.entry(flag.long).or_default();
                if flag.takes == Takes::One && !values.is_empty() {
                    return Err(Usage::Repeated(flag));
                }
                values.push(value);
            }
            Arg::Short(short) => {
                return Err(Usage::Malformed(format!("-{short} is no flag: every flag but -h and -V is written with two dashes")));
            }
            Arg::Value(word) => {
                let word = word.to_string_lossy().into_owned();
                if subcommand.is_some() || !given.is_empty() {
                    return Err(Usage::StrayArgument(word));
                }
                if !SUBCOMMANDS.contains(&word.as_str()) {
                    return Err(Usage::UnknownSubcommand { given: word, known: SUBCOMMANDS.join(", ") });
                }
                subcommand = Some(word);
            }
        }
    }
    Ok(Request::Run(given))
}
