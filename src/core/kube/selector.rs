//! A label selector, as far as one is taken: terms that all must hold, each a key that is there, is not there, or has or has not a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A selector that chooses something: one that only says what must not be would choose every namespace of the cluster's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector(String);

/// Bytes of a key's name, and of a value.
const NAME_MAX: usize = 63;
/// Bytes of what may stand before a key's name, with a `/` between them.
const PREFIX_MAX: usize = 253;

/// One term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term<'a> {
    Has(&'a str),
    Lacks(&'a str),
    Is(&'a str, &'a str),
    IsNot(&'a str, &'a str),
}

impl<'a> Term<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let term = if let Some((key, value)) = text.split_once("!=") {
            Self::IsNot(key.trim(), value.trim())
        } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
            Self::Is(key.trim(), value.trim())
        } else if let Some(key) = text.strip_prefix('!') {
            Self::Lacks(key.trim())
        } else {
            Self::Has(text)
        };
        let (Self::Has(key) | Self::Lacks(key) | Self::Is(key, _) | Self::IsNot(key, _)) = term;
        if !is_key(key) {
            return Err(format!(
                "{text:?} is no term of a label selector: write key=value, key!=value, key or !key, with commas between terms"
            ));
        }
        match term {
            Self::Is(_, value) | Self::IsNot(_, value) if !value.is_empty() && !is_name(value) => {
                Err(format!("{value:?} is no value of a label"))
            }
            term => Ok(term),
        }
    }
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// When it is none, or would choose what nobody has labelled.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split(',').map(|term| Term::parse(term.trim())).collect::<Result<Vec<Term<'_>>, String>>()?;
        if !terms.iter().any(|term| matches!(term, Term::Has(_) | Term::Is(..))) {
            return Err(format!(
                "{text:?} says only what must not be, and would choose the cluster's own namespaces: add a label that must be there"
            ));
        }
        Ok(Self(text.split(',').map(str::trim).collect::<Vec<&str>>().join(",")))
    }

    /// As a query has it, but for the encoding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What `kubectl label` must be told so that it chooses something.
    #[must_use]
    pub fn labels(&self) -> String {
        let term = |text| match Term::parse(text) {
            Ok(Term::Has(key)) => Some(format!("{key}=")),
            Ok(Term::Is(key, value)) => Some(format!("{key}={value}")),
            Ok(Term::Lacks(key) | Term::IsNot(key, _)) => Some(format!("{key}-")),
            Err(_) => None,
        };
        self.0.split(',').filter_map(term).collect::<Vec<String>>().join(" ")
    }
}

fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        None => is_name(text),
        Some((prefix, name)) => {
            let is_label =
                |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            prefix.len() <= PREFIX_MAX && prefix.split('.').all(is_label) && is_name(name)
        }
    }
}

fn is_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= NAME_MAX
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.0
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_and_told_to_kubectl() {
        let labels = |text| Selector::parse(text).map(|selector| selector.labels());
        assert_eq!(labels("openshell.ai/workspace=true").as_deref(), Ok("openshell.ai/workspace=true"));
        assert_eq!(labels("team, env!=prod,!legacy, a==b").as_deref(), Ok("team= env- legacy- a=b"));
    }

    #[test]
    fn what_chooses_nothing_in_particular_is_refused() {
        for bad in ["", "!kube", "a!=b", "a in (b,c)", "a=b,", "a=b c", "-a=b", "A.b/c/d=e", "a=b&limit=1"] {
            assert!(Selector::parse(bad).is_err(), "{bad}");
        }
    }
}
