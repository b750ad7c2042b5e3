//! Subcommands, and the options that only they take. Settings of the driver ([`super::table`]) are taken by all of them but `replay`: `check` and
//! `plan` speak of the driver that would run with them, and a recording brings its own.

/// What the program is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subcommand {
    /// Serve a gateway.
    Run,
    /// Say whether the cluster is fit for the driver.
    Check,
    /// Say what a call would cause.
    Plan,
    /// Say which rights the driver needs.
    Permissions,
    /// Play a recording.
    Replay,
}

impl Subcommand {
    /// In the order of `--help`.
    pub const ALL: [Self; 5] = [Self::Run, Self::Check, Self::Plan, Self::Permissions, Self::Replay];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Permissions => "permissions",
            Self::Replay => "replay",
        }
    }

    /// What stands after it besides flags; empty for nothing.
    #[must_use]
    pub const fn operand(self) -> &'static str {
        match self {
            Self::Run | Self::Check | Self::Permissions => "",
            Self::Plan => "REQUEST",
            Self::Replay => "RECORDING",
        }
    }

    /// What it does, in plain sentences.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Run => "Serve a gateway until SIGTERM. What is meant when no subcommand is named.",
            Self::Check => {
                "Ask the cluster, with the driver's own credentials, whether it has what these flags need: the API server's version, the Sandbox \
                 resource and who serves it, the namespace and its labels, every permission, the socket's directory. Prints a list, and for \
                 each failure the command that mends it. Changes nothing, and needs nothing to be installed. Exit code 0 when the driver would run, 1 when it \
                 would not."
            }
            Self::Plan => {
                "Print the requests to the API server that a call of the gateway would cause with these flags, without a cluster. REQUEST is a file with the \
                 call as the vectors write it, {\"CreateSandbox\": {\"sandbox\": {…}}}, or - for standard input. Exit code 1 when the gateway would be refused; the \
                 refusal is printed."
            }
            Self::Permissions => {
                "Print the Roles and ClusterRoles that give a driver with these flags exactly the rights it needs, each rule with its reason, ready for \
                 kubectl apply -f -. Who has them is yours to say: bind them to the driver's service account. Asks no cluster."
            }
            Self::Replay => {
                "Play a recording (--recording-dir) through this program's core, and say where it first does something else than was recorded. RECORDING is the \
                 file, or - for standard input; settings are those of the driver that was recorded, so no flag is taken but its own. Exit code 0 when everything is as it was \
                 recorded, 1 at a difference, 2 when the file cannot be played: it is damaged, or another version wrote it."
            }
        }
    }

    /// The subcommand of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subcommand| subcommand.name() == name)
    }
}

/// An option of a subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// What stands for its value in `--help`.
    pub metavar: &'static str,
    /// Who takes it.
    pub of: Subcommand,
    /// What holds when it is not given.
    pub default: &'static str,
    /// What it does, in plain sentences.
    pub help: &'static str,
}

/// How `check` writes.
pub(super) const CHECK_OUTPUT: Choice = Choice {
    long: "output",
    metavar: "FORMAT",
    of: Subcommand::Check,
    default: "text",
    help: "text, for people, or json, with each finding's name, outcome, explanation and command.",
};

/// How `permissions` writes.
pub(super) const PERMISSIONS_OUTPUT: Choice = Choice {
    long: "output",
    metavar: "FORMAT",
    of: Subcommand::Permissions,
    default: "yaml",
    help: "yaml, to apply; or json, for programs: each right with the feature and the flags that need it.",
};

/// How `plan` writes.
pub(super) const PLAN_OUTPUT: Choice = Choice {
    long: "output",
    metavar: "FORMAT",
    of: Subcommand::Plan,
    default: "http",
    help: "http, with every body in the bytes that would be sent; yaml, with bodies to read; or json, for programs.",
};

/// What exists already in a plan.
pub(super) const PLAN_GIVEN: Choice = Choice {
    long: "given",
    metavar: "FILE",
    of: Subcommand::Plan,
    default: "no Sandbox but the one the call is about, where it must exist",
    help: "Sandboxes that exist already: a Sandbox or a list of them in JSON, as kubectl get sandboxes -o json prints it.",
};

/// The API server of a plan.
pub(super) const PLAN_SERVER: Choice = Choice {
    long: "server-version",
    metavar: "MAJOR.MINOR",
    of: Subcommand::Plan,
    default: "1.34",
    help: "The API server's version, on which --supervisor-sideload auto depends.",
};

/// The slice of a recording that becomes a vector.
pub(super) const REPLAY_AS_VECTOR: Choice = Choice {
    long: "as-vector",
    metavar: "FROM..TO",
    of: Subcommand::Replay,
    default: "the recording is played and compared",
    help: "Print these inputs as a golden vector, with the state before them: the numbers of the first and the last, of which either may be left out (vectors/README.md).",
};

/// Every such option.
pub const CHOICES: [&Choice; 6] = [&CHECK_OUTPUT, &PLAN_OUTPUT, &PLAN_GIVEN, &PLAN_SERVER, &PERMISSIONS_OUTPUT, &REPLAY_AS_VECTOR];
