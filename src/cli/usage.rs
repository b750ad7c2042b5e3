//! What is wrong with a command line, for the person who wrote it.

use std::fmt;

use super::PROGRAM;
use super::sources::Given;
use super::subcommand::{Choice, Subcommand};
use super::table::{self, Flag};
use super::upstream;

/// Why the driver can't be started like this. Displays as one or two lines: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// A word where a subcommand stands that is none.
    UnknownSubcommand {
        /// The word.
        given: String,
        /// Those there are.
        known: String,
    },
    /// A word that belongs to nothing.
    StrayArgument(String),
    /// A flag that does not exist.
    UnknownFlag {
        /// As it was given, without the dashes.
        given: String,
        /// What was probably meant.
        advice: Option<String>,
    },
    /// A flag at the end of the line, without its value.
    MissingValue(&'static Flag),
    /// A flag that takes one value, given twice.
    Repeated(&'static Flag),
    /// An option of a subcommand at the end of the line, without its value.
    MissingChoice(&'static Choice),
    /// An option of a subcommand, given twice.
    RepeatedChoice(&'static Choice),
    /// A value that is not what an option of a subcommand takes.
    InvalidChoice {
        /// The option.
        choice: &'static Choice,
        /// The value.
        given: String,
    },
    /// A subcommand without what it is about.
    MissingOperand(Subcommand),
    /// A file that cannot be used.
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        why: String,
    },
    /// A value that is not Unicode, by where it stands.
    NotUnicode(String),
    /// A value that is not what the flag takes.
    Invalid {
        /// Where it stands: a flag or a variable.
        at: String,
        /// What is wrong with it; includes the value.
        why: String,
        /// One that would do, written the same way.
        example: String,
    },
    /// Values that contradict each other.
    Conflict(String),
    /// A setting of upstream's driver that this one does not have.
    Unserved {
        /// Its variable.
        variable: &'static str,
        /// Values of it that this driver fulfils.
        fulfilled: &'static [&'static str],
        /// What happens here instead: a clause.
        note: &'static str,
    },
    /// Not a command line at all.
    Malformed(String),
}

impl Usage {
    /// What the process ends with.
    pub const EXIT_CODE: u8 = 2;

    pub(super) fn unknown_flag(given: &str) -> Self {
        Self::UnknownFlag {
            given: given.to_owned(),
            advice: upstream::advice(given).or_else(|| nearest(given).map(|flag| format!("did you mean --{flag}?"))),
        }
    }

    pub(super) fn unknown_subcommand(given: String) -> Self {
        let known = Subcommand::ALL.map(Subcommand::name).join(", ");
        Self::UnknownSubcommand { given, known }
    }

    pub(super) fn invalid(given: &Given, why: impl Into<String>) -> Self {
        Self::Invalid { at: given.place(), why: why.into(), example: given.example() }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSubcommand { given, known } => write!(f, "{given:?} is no subcommand; there are: {known}")?,
            Self::StrayArgument(word) => {
                write!(f, "{word:?} belongs to no flag: a subcommand comes first, and a list is written with commas, without blanks")?;
            }
            Self::UnknownFlag { given, advice: Some(advice) } => write!(f, "--{given} is no flag: {advice}")?,
            Self::UnknownFlag { given, advice: None } => write!(f, "--{given} is no flag")?,
            Self::MissingValue(flag) => write!(f, "--{} needs a value; for example --{0} {}", flag.long, flag.example)?,
            Self::Repeated(flag) => write!(f, "--{} is given twice, but it takes one value", flag.long)?,
            Self::MissingChoice(choice) => write!(f, "--{} needs a value: {}", choice.long, choice.help)?,
            Self::RepeatedChoice(choice) => write!(f, "--{} is given twice, but it takes one value", choice.long)?,
            Self::InvalidChoice { choice, given } => write!(f, "--{}: {given:?} is not taken; it is {}", choice.long, choice.help)?,
            Self::MissingOperand(subcommand) => {
                write!(f, "{} needs a {}: a file, or - for standard input", subcommand.name(), subcommand.operand())?;
            }
            Self::Unreadable { file, why } => write!(f, "{file}: {why}")?,
            Self::NotUnicode(at) => write!(f, "{at}: the value is not UTF-8")?,
            Self::Invalid { at, why, example } => write!(f, "{at}: {why}; for example {example}")?,
            Self::Conflict(text) | Self::Malformed(text) => f.write_str(text)?,
            // The value is left out: a proxy's URL may hold a password.
            Self::Unserved { variable, fulfilled: [], note } => {
                write!(f, "{variable} asks for what this driver does not do: {note}. Unset it to run without")?;
            }
            Self::Unserved { variable, fulfilled, note } => {
                let fulfilled = fulfilled.join(" or ");
                write!(f, "{variable} asks for what this driver does not do: {note}. Unset it to run without, or set it to {fulfilled}")?;
            }
        }
        write!(f, "\n'{PROGRAM} --help' says what every flag does")
    }
}

impl std::error::Error for Usage {}

/// The flag somebody probably meant: one that is a slip away, otherwise the one of which the given word is a part, otherwise the most similar one
/// if it is similar at all.
fn nearest(given: &str) -> Option<&'static str> {
    /// Edits of a slip.
    const SLIP: usize = 2;

    let (edits, similar) = table::flags().map(|flag| (distance(given, flag.long), flag)).min_by_key(|(edits, _)| *edits)?;
    let is_slip = edits <= SLIP && given.len() > SLIP;
    let part = || table::flags().find(|flag| given.len() > SLIP && flag.long.split('-').any(|word| word == given));
    let flag = if is_slip { Some(similar) } else { part().or_else(|| (edits <= (similar.long.len() / 3).max(SLIP)).then_some(similar)) };
    flag.map(|flag| flag.long)
}

/// Characters to insert, delete or replace to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let first_row: Vec<usize> = (0..=other.chars().count()).collect();
    let last_row = one.chars().enumerate().fold(first_row, |above, (row, left)| {
        let mut current = vec![row + 1];
        for ((diagonal, up), right) in above.iter().zip(above.iter().skip(1)).zip(other.chars()) {
            let before = current.last().copied().unwrap_or(row + 1);
            let replaced = diagonal + usize::from(left != right);
            current.push(replaced.min(up + 1).min(before + 1));
        }
        current
    });
    last_row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn the_distance_counts_edits() {
        for (one, other, edits) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("socket", "soket", 1), ("kitten", "sitting", 3), ("a", "b", 1)]
        {
            assert_eq!(distance(one, other), edits, "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_flag_is_offered_if_it_is_near() {
        for (given, meant) in [
            ("sokcet", Some("socket")),
            ("gateway-endpont", Some("gateway-endpoint")),
            ("sandbox_memory", Some("sandbox-memory")),
            ("namespaces", Some("namespace")),
            ("storage", Some("sandbox-storage-size")),
            ("verbose-everything", None),
            ("", None),
        ] {
            assert_eq!(nearest(given), meant, "{given}");
        }
    }
}
