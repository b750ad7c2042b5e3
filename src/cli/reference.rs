//! The generated parts of `docs/flags.md`.

use std::fmt::Write as _;

use super::subcommand::{CHOICES, Subcommand};
use super::table::{self, Fallback, Flag, Group, Takes};
use super::upstream::{UNSERVED, WhenSet};

/// A table of flags under each group's heading.
#[must_use]
pub fn flags() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ =
            write!(text, "### {}\n\n| Flag and variable | Default | What it does, and when to change it |\n|---|---|---|\n", group.title());
        for flag in group.flags() {
            let more = match flag.takes {
                Takes::One => "",
                Takes::List => "[,…]",
            };
            let _ = writeln!(
                text,
                "| `--{} {}{more}`<br>`{}` | {} | {} |",
                flag.long,
                flag.metavar,
                flag.variable(),
                default(flag),
                cell(flag.help)
            );
        }
        text.push('\n');
    }
    text
}

/// Subcommands, and the options that only they take.
#[must_use]
pub fn subcommands() -> String {
    let mut text = String::from("| Subcommand and its options | What it does |\n|---|---|\n");
    for subcommand in Subcommand::ALL {
        let written = format!("{} {}", subcommand.name(), subcommand.operand());
        let _ = writeln!(text, "| `{}` | {} |", written.trim_end(), cell(subcommand.help()));
        for choice in CHOICES.iter().filter(|choice| choice.of == subcommand) {
            let _ = writeln!(
                text,
                "| `{} --{} {}` | {} Default: {}. |",
                subcommand.name(),
                choice.long,
                choice.metavar,
                cell(choice.help),
                cell(choice.default)
            );
        }
    }
    text
}

/// What upstream's variables and flags are called here.
#[must_use]
pub fn counterparts() -> String {
    let mut text = String::from("| Upstream's variable | Upstream's flag | Here |\n|---|---|---|\n");
    for flag in table::flags() {
        for variable in flag.upstream.variables {
            let theirs = flag.upstream.flag.map_or_else(|| "none".to_owned(), |name| format!("`--{name}`"));
            let _ = writeln!(text, "| `{variable}` | {theirs} | `--{}` |", flag.long);
        }
    }
    text
}

/// Upstream's settings that are not served.
#[must_use]
pub fn unserved() -> String {
    let mut text = String::from("| Upstream's variable | When it is set | Because |\n|---|---|---|\n");
    for setting in UNSERVED {
        let when_set = match setting.when_set {
            WhenSet::Ignored => "ignored".to_owned(),
            WhenSet::Refused([]) => "exit 2".to_owned(),
            WhenSet::Refused(ours) => format!("exit 2, unless it is `{}`", ours.join("` or `")),
        };
        let _ = writeln!(text, "| `{}` | {when_set} | {} |", setting.variable, cell(setting.note));
    }
    text
}

fn default(flag: &Flag) -> String {
    match flag.default {
        Fallback::Text(text) => format!("`{text}`"),
        Fallback::Unset(meaning) => cell(meaning),
    }
}

/// Text that can't end a cell, nor be taken for a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
