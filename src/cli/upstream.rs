//! Settings of upstream's Kubernetes driver that have no counterpart here. Where ignoring one would give sandboxes less than the operator asked
//! for, the driver does not start.

use super::Environment;
use super::sources::variable_text;
use super::table;
use super::usage::Usage;

/// A setting of upstream's driver that this one does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unserved {
    /// Upstream's flag, without the dashes; none where there is only a variable.
    pub flag: Option<&'static str>,
    /// Upstream's variable.
    pub variable: &'static str,
    /// What happens when it is set.
    pub when_set: WhenSet,
    /// What it asks for, and what happens here instead: a clause.
    pub note: &'static str,
}

/// What happens when such a variable is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenSet {
    /// The driver does not start, unless the value is one of these, which ask for what it does anyway.
    Refused(&'static [&'static str]),
    /// Nothing: it only matters together with another setting, which is refused, or it asks for nothing that could be missed.
    Ignored,
}

const fn refused(flag: &'static str, variable: &'static str, ours: &'static [&'static str], note: &'static str) -> Unserved {
    Unserved { flag: Some(flag), variable, when_set: WhenSet::Refused(ours), note }
}

const fn ignored(flag: &'static str, variable: &'static str, note: &'static str) -> Unserved {
    Unserved { flag: Some(flag), variable, when_set: WhenSet::Ignored, note }
}

const ONLY_MANAGED: &str = "it belongs to managed SSH ingress, which this driver does not have";

/// All of them.
pub const UNSERVED: &[Unserved] = &[
    refused(
        "managed-ssh-ingress-enabled",
        "OPENSHELL_MANAGED_SSH_INGRESS_ENABLED",
        &["false"],
        "sandboxes take no connections; see --enable-network-policy",
    ),
    ignored("managed-ssh-gateway-namespace", "OPENSHELL_MANAGED_SSH_GATEWAY_NAMESPACE", ONLY_MANAGED),
    ignored("managed-ssh-gateway-pod-selector", "OPENSHELL_MANAGED_SSH_GATEWAY_POD_SELECTOR", ONLY_MANAGED),
    ignored("bind-address", "OPENSHELL_COMPUTE_DRIVER_BIND", "the driver listens on a Unix socket only; see --socket"),
];

/// Refuses to run without what the environment asks for.
pub(super) fn refuse_unserved(environment: &Environment) -> Result<(), Usage> {
    for setting in UNSERVED {
        let WhenSet::Refused(ours) = setting.when_set else { continue };
        if variable_text(environment, setting.variable)?.is_some_and(|value| !ours.contains(&value)) {
            return Err(Usage::Unserved { variable: setting.variable, fulfilled: ours, note: setting.note });
        }
    }
    Ok(())
}

/// What to do instead of giving a flag of upstream's driver.
pub(super) fn advice(given: &str) -> Option<String> {
    let renamed = || {
        let ours = table::flags().find(|flag| flag.upstream.flag == Some(given))?;
        Some(format!("what upstream's driver calls so is --{} here", ours.long))
    };
    let unserved = || {
        let setting = UNSERVED.iter().find(|setting| setting.flag == Some(given))?;
        Some(format!("upstream's driver has it, but here {}", setting.note))
    };
    renamed().or_else(unserved)
}
