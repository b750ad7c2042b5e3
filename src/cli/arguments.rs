//! The command line as text: which flags were given, with which values.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lexopt::Arg;

use super::subcommand::{CHOICES, Choice, Subcommand};
use super::table::{self, Takes};
use super::usage::Usage;

/// Values by flag, in the order they were given.
pub type Arguments = BTreeMap<&'static str, Vec<String>>;

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    Help,
    Version,
    Command(Line),
}

/// A command line that does something.
#[derive(Debug)]
pub struct Line {
    /// What it does.
    pub subcommand: Subcommand,
    /// Settings of the driver.
    pub flags: Arguments,
    /// Options of the subcommand.
    choices: BTreeMap<&'static str, String>,
    /// What stands after the subcommand.
    pub operand: Option<String>,
}

impl Line {
    /// The value of one of its options, where it is given.
    pub fn choice(&self, choice: &Choice) -> Option<&str> {
        debug_assert_eq!(choice.of, self.subcommand);
        self.choices.get(choice.long).map(String::as_str)
    }
}

/// Splits a command line. Asking for help wins over mistakes behind it, not over those before it.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Usage> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut line = Line { subcommand: Subcommand::Run, flags: Arguments::new(), choices: BTreeMap::new(), operand: None };
    let mut words = Words::None;
    while let Some(argument) = parser.next().map_err(|error| Usage::Malformed(error.to_string()))? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Request::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Request::Version),
            Arg::Long(long) => {
                if let Some(choice) = CHOICES.iter().find(|choice| choice.of == line.subcommand && choice.long == long) {
                    let value = parser.value().map_err(|_| Usage::MissingChoice(choice))?;
                    let value = value.into_string().map_err(|_| Usage::NotUnicode(format!("--{}", choice.long)))?;
                    if line.choices.insert(choice.long, value).is_some() {
                        return Err(Usage::RepeatedChoice(choice));
                    }
                    continue;
                }
                let Some(flag) = table::flags().find(|flag| flag.long == long) else {
                    return Err(Usage::unknown_flag(long));
                };
                let value = parser.value().map_err(|_| Usage::MissingValue(flag))?;
                let value = value.into_string().map_err(|_| Usage::NotUnicode(format!("--{}", flag.long)))?;
                let values = line.flags.entry(flag.long).or_default();
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
                words = match words {
                    Words::None if line.flags.is_empty() => {
                        line.subcommand = Subcommand::parse(&word).ok_or_else(|| Usage::unknown_subcommand(word))?;
                        Words::Subcommand
                    }
                    Words::Subcommand if !line.subcommand.operand().is_empty() => {
                        line.operand = Some(word);
                        Words::Operand
                    }
                    Words::None | Words::Subcommand | Words::Operand => return Err(Usage::StrayArgument(word)),
                }
            }
        }
    }
    Ok(Request::Command(line))
}

/// Which words that are no flags have been seen.
#[derive(Clone, Copy)]
enum Words {
    None,
    Subcommand,
    Operand,
}
