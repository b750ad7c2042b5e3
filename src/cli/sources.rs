//! Where a value comes from, and which of several wins.

use super::Environment;
use super::arguments::Arguments;
use super::table::{Fallback, Flag};
use super::usage::Usage;

/// Everything a value may come from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    arguments: &'a Arguments,
    environment: &'a Environment,
}

/// Where one value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    CommandLine,
    Variable(String),
    Default,
}

/// A value as text, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    flag: Flag,
    source: Source,
    text: String,
}

impl<'a> Sources<'a> {
    pub const fn new(arguments: &'a Arguments, environment: &'a Environment) -> Self {
        Self { arguments, environment }
    }

    /// The value of a flag that has a default.
    pub fn value(&self, flag: &Flag) -> Result<Given, Usage> {
        let default = match flag.default {
            Fallback::Text(text) => text,
            Fallback::Unset(_) => "",
        };
        let given = self.find(flag)?.unwrap_or_else(|| Given { flag: *flag, source: Source::Default, text: default.to_owned() });
        if given.text.is_empty() { Err(Usage::invalid(&given, "the value is empty")) } else { Ok(given) }
    }

    /// The value of a flag that has none unless it is given. An empty one on the command line takes back a variable's.
    pub fn optional(&self, flag: &Flag) -> Result<Option<Given>, Usage> {
        Ok(self.find(flag)?.filter(|given| !given.text.is_empty()))
    }

    /// The values of a flag that takes a list; each names the same place.
    pub fn list(&self, flag: &Flag) -> Result<Vec<Given>, Usage> {
        let Some(given) = self.optional(flag)? else { return Ok(Vec::new()) };
        let items = given.text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(items.map(|item| Given { text: item.to_owned(), ..given.clone() }).collect())
    }

    /// Where the value of a flag stands that may have none.
    pub fn place(&self, flag: &Flag) -> Result<String, Usage> {
        Ok(self.find(flag)?.map_or_else(|| format!("--{}", flag.long), |given| given.place()))
    }

    /// Whether a variable that is not ours has a value.
    pub fn is_set(&self, variable: &str) -> Result<bool, Usage> {
        Ok(variable_text(self.environment, variable)?.is_some())
    }

    fn find(&self, flag: &Flag) -> Result<Option<Given>, Usage> {
        if let Some(values) = self.arguments.get(flag.long) {
            return Ok(Some(Given { flag: *flag, source: Source::CommandLine, text: values.join(",") }));
        }
        for variable in flag.variables() {
            if let Some(text) = variable_text(self.environment, &variable)? {
                return Ok(Some(Given { flag: *flag, source: Source::Variable(variable), text: text.to_owned() }));
            }
        }
        Ok(None)
    }
}

/// A variable's value; an empty one counts as unset.
pub fn variable_text<'a>(environment: &'a Environment, name: &str) -> Result<Option<&'a str>, Usage> {
    match environment.get(name).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => value.to_str().map(Some).ok_or_else(|| Usage::NotUnicode(name.to_owned())),
    }
}

impl Given {
    /// The value as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value as what it should be.
    pub fn read<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Usage> {
        parse(&self.text).map_err(|why| Usage::invalid(self, why))
    }

    /// Where it stands.
    pub fn place(&self) -> String {
        match &self.source {
            Source::CommandLine => format!("--{}", self.flag.long),
            Source::Variable(name) => name.clone(),
            Source::Default => format!("the default of --{}", self.flag.long),
        }
    }

    /// A value that would be taken, written where this one stands.
    pub fn example(&self) -> String {
        match &self.source {
            Source::Variable(name) => format!("{name}={}", self.flag.example),
            Source::CommandLine | Source::Default => format!("--{} {}", self.flag.long, self.flag.example),
        }
    }
}
