//! `--help` and `--version`.

use std::fmt::Write as _;

use super::PROGRAM;
use super::subcommand::{CHOICES, Subcommand};
use super::table::{Fallback, Flag, Group, Takes};
use crate::shell::CREDENTIALS_DIR;

/// Columns `--help` fills.
const WIDTH: usize = 100;
const INDENT: usize = 6;

const INTRODUCTION: &str = "An OpenShell compute driver for SAP BTP Kyma. It serves a gateway over a Unix socket and keeps every sandbox the \
gateway asks for as an agents.x-k8s.io Sandbox object on a Kubernetes cluster, which it reaches as a pod does, with its service account, \
or with a kubeconfig.";

const SOURCES: &str = "Each flag has an environment variable, shown below it, and many also obey the variable upstream's own Kubernetes \
driver reads for the same thing. A flag wins over its variable, that over upstream's, that over the default. An empty variable counts as not \
set; an empty value on the command line takes back a variable's, where the flag has no default. A wrong value ends the program with exit code \
2, saying what was expected.";

const VARIABLES: &[(&str, &str)] = &[
    ("KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT", "Where the API server is, without --kubeconfig. Kubelet sets them in every pod."),
    (
        CREDENTIALS_DIR,
        "A directory with ca.crt and token, instead of the one kubelet mounts for the service account: for a driver outside the cluster.",
    ),
    ("RUST_LOG", "See --log-level."),
];

const INSTEAD: &[(&str, &str)] = &[("-h, --help", "Print this."), ("-V, --version", "Print the version.")];

/// The text of `--version`.
#[must_use]
pub fn version() -> String {
    format!("{PROGRAM} {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text of `--help`, wrapped for a terminal.
#[must_use]
pub fn help() -> String {
    let mut text = version();
    paragraph(&mut text, 0, INTRODUCTION);
    text.push_str("\nUsage: ");
    text.push_str(PROGRAM);
    text.push_str(" [SUBCOMMAND] [FLAGS]\n");
    for subcommand in Subcommand::ALL {
        text.push('\n');
        command(&mut text, subcommand);
    }
    text.push('\n');
    paragraph(&mut text, 0, SOURCES);
    for group in Group::ALL {
        let _ = write!(text, "\n{}:\n", group.title());
        for flag in group.flags() {
            entry(&mut text, flag);
        }
    }
    for (title, rows) in [("Variables without a flag", VARIABLES), ("Instead of running", INSTEAD)] {
        let _ = write!(text, "\n{title}:\n");
        for (name, meaning) in rows {
            let _ = writeln!(text, "  {name}");
            paragraph(&mut text, INDENT, meaning);
        }
    }
    text
}

fn command(text: &mut String, subcommand: Subcommand) {
    let _ = writeln!(text, "  {}", format!("{} {}", subcommand.name(), subcommand.operand()).trim_end());
    paragraph(text, INDENT, subcommand.help());
    for choice in CHOICES.iter().filter(|choice| choice.of == subcommand) {
        paragraph(text, INDENT, &format!("--{} {}: {} Default: {}.", choice.long, choice.metavar, choice.help, choice.default));
    }
}

fn entry(text: &mut String, flag: &Flag) {
    let more = match flag.takes {
        Takes::One => "",
        Takes::List => "[,…]",
    };
    let _ = writeln!(text, "  --{} {}{more}", flag.long, flag.metavar);
    paragraph(text, INDENT, flag.help);
    let default = match flag.default {
        Fallback::Text(default) | Fallback::Unset(default) => default,
    };
    paragraph(text, INDENT, &format!("Default: {default}"));
    let variables: Vec<String> = flag.variables().collect();
    paragraph(text, INDENT, &format!("Variables: {}", variables.join(", ")));
}

/// Words on lines of at most [`WIDTH`] columns; a word that is longer has a line of its own.
fn paragraph(text: &mut String, indent: usize, words: &str) {
    let mut column = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}
