//! Every flag, once. The parser, `--help`, the tables of `docs/flags.md` and the advice in errors are all made from this.

mod driver;
mod exposure;
mod gateway;
mod gpu;
mod isolation;
mod network;
mod resources;
mod sandbox;
mod supervisor;
mod workspaces;

pub(super) use self::driver::*;
pub(super) use self::exposure::*;
pub(super) use self::gateway::*;
pub(super) use self::gpu::*;
pub(super) use self::isolation::*;
pub(super) use self::network::*;
pub(super) use self::resources::*;
pub(super) use self::sandbox::*;
pub(super) use self::supervisor::*;
pub(super) use self::workspaces::*;

/// One flag, and the variables that say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// What stands for its value in `--help`.
    pub metavar: &'static str,
    /// Whether it may be given more than once.
    pub takes: Takes,
    /// What upstream's Kubernetes driver calls it.
    pub upstream: Upstream,
    /// What holds when nobody says anything.
    pub default: Fallback,
    /// A value that would be taken.
    pub example: &'static str,
    /// What it does and when to change it, in plain sentences.
    pub help: &'static str,
}

/// How many values a flag has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One; a second is a mistake.
    One,
    /// Any number, separated by commas or by repeating the flag.
    List,
}

/// The same setting of upstream's Kubernetes driver. Its flags are only known so that an error can say what they are called here; its
/// variables are obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upstream {
    /// The flag's name, without the dashes; some settings have only a variable.
    pub flag: Option<&'static str>,
    /// Variables, the first that is set wins.
    pub variables: &'static [&'static str],
}

/// What holds when neither a flag nor a variable is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This value, as if it had been given.
    Text(&'static str),
    /// Nothing; here is what that means.
    Unset(&'static str),
}

/// A heading of `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The process itself.
    Driver,
    /// How supervisors reach the gateway and prove who they are.
    Gateway,
    /// Where sandboxes live, and whom they may talk to.
    Workspaces,
    /// What sandboxes are made of.
    Sandbox,
    /// Where the supervisor comes from.
    Supervisor,
    /// What stands between a sandbox and its node.
    Isolation,
    /// What sandboxes reach, and by which way.
    Network,
    /// What a sandbox may use.
    Resources,
    /// GPUs.
    Gpu,
    /// Who reaches sandboxes from outside.
    Exposure,
}

impl Group {
    /// In the order of `--help`.
    pub const ALL: [Self; 10] = [
        Self::Driver,
        Self::Gateway,
        Self::Workspaces,
        Self::Sandbox,
        Self::Supervisor,
        Self::Isolation,
        Self::Network,
        Self::Resources,
        Self::Gpu,
        Self::Exposure,
    ];

    /// The heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Driver => "The driver itself",
            Self::Gateway => "How sandboxes reach the gateway",
            Self::Workspaces => "Where sandboxes live",
            Self::Sandbox => "What sandboxes are made of",
            Self::Supervisor => "Where the supervisor comes from",
            Self::Isolation => "What stands between a sandbox and its node",
            Self::Network => "What sandboxes reach, and by which way",
            Self::Gpu => "GPUs",
            Self::Resources => "What a sandbox gets that asks for nothing",
            Self::Exposure => "How sandboxes are reached from outside",
        }
    }

    /// Its flags, in the order of `--help`.
    #[must_use]
    pub const fn flags(self) -> &'static [Flag] {
        match self {
            Self::Driver => DRIVER,
            Self::Gateway => GATEWAY,
            Self::Workspaces => WORKSPACES,
            Self::Sandbox => SANDBOX,
            Self::Supervisor => SUPERVISOR,
            Self::Isolation => ISOLATION,
            Self::Network => NETWORK,
            Self::Resources => RESOURCES,
            Self::Gpu => GPU,
            Self::Exposure => EXPOSURE,
        }
    }
}

/// Every flag, in the order of `--help`.
pub fn flags() -> impl Iterator<Item = &'static Flag> {
    Group::ALL.into_iter().flat_map(Group::flags)
}

impl Flag {
    /// The flag's own environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("OPENSHELL_DRIVER_{}", self.long.replace('-', "_").to_ascii_uppercase())
    }

    /// Every variable that is read for it, in the order in which they win.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.variable()).chain(self.upstream.variables.iter().map(|&name| name.to_owned()))
    }
}

const NO_COUNTERPART: Upstream = Upstream { flag: None, variables: &[] };

const fn upstream(flag: &'static str, variables: &'static [&'static str]) -> Upstream {
    Upstream { flag: Some(flag), variables }
}

const fn variable_only(variables: &'static [&'static str]) -> Upstream {
    Upstream { flag: None, variables }
}

/// The flags of a group: a constant each, and the list of them in the order of `--help`.
macro_rules! group_of {
    ($group:ident: $($name:ident { $($field:ident: $value:expr,)* })*) => {
        $(pub(in crate::cli) const $name: $crate::cli::table::Flag = $crate::cli::table::Flag { $($field: $value),* };)*
        pub(super) const $group: &[$crate::cli::table::Flag] = &[$($name),*];
    };
}
use group_of;
