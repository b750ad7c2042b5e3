//! What runs in a sandbox, and the variables it sees.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Reporting;
use crate::core::grpc_status::Status;
use crate::core::limits;
use crate::core::secret::Secret;

/// Variables of this prefix are the supervisor's; a caller cannot set them.
const RESERVED_PREFIX: &str = "OPENSHELL_";
/// The one variable of the supervisor that has a field of its own.
pub const LOG_LEVEL: &str = "OPENSHELL_LOG_LEVEL";
/// Holds the user's variables as one JSON object.
pub const USER_ENVIRONMENT: &str = "OPENSHELL_USER_ENVIRONMENT";
/// Keeps Claude Code from talking to anybody but its model: no telemetry, error reports, update checks.
const CLAUDE_QUIET: &str = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
/// Holds what the supervisor starts.
pub const MAIN_PROCESS_SPEC: &str = "OPENSHELL_MAIN_PROCESS_SPEC";

/// The user's variables: the template's, overlaid by the sandbox's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Environment(BTreeMap<String, Secret>);

impl Environment {
    /// Merges and checks the variables of a request. Reserved names are left out: the driver's own win, as with upstream's driver. What the operator
    /// has switched off stays off.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name Kubernetes would refuse, or for more than one environment string can hold.
    pub fn check(
        template: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
        claude: Reporting,
        log_level: &str,
    ) -> Result<Self, Status> {
        let mut merged = BTreeMap::new();
        for (name, value) in template.iter().chain(own) {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b'=') {
                return Err(Status::invalid_argument(format!(
                    "environment: {name:?} is not a variable's name: printable ASCII without blanks and '='"
                )));
            }
            if value.contains('\0') {
                return Err(Status::invalid_argument(format!("environment.{name}: the value has a NUL byte")));
            }
            fits(name, value)?;
            if !name.starts_with(RESERVED_PREFIX) {
                merged.insert(name.clone(), Secret::new(value.clone()));
            }
        }
        if claude == Reporting::Off {
            merged.insert(CLAUDE_QUIET.into(), Secret::new("1".into()));
        }
        if !log_level.is_empty() {
            merged.insert(LOG_LEVEL.into(), Secret::new(log_level.into()));
        }
        let environment = Self(merged);
        fits(USER_ENVIRONMENT, &environment.as_json())?;
        Ok(environment)
    }

    /// The variables in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A JSON object of name and value, for processes that the supervisor starts with an empty environment.
    #[must_use]
    pub fn as_json(&self) -> String {
        let object: serde_json::Map<String, serde_json::Value> =
            self.0.iter().map(|(name, value)| (name.clone(), value.reveal().into())).collect();
        serde_json::Value::Object(object).to_string()
    }
}

/// Linux gives each `NAME=value` string a limit of its own, and exec fails beyond it.
fn fits(name: &str, value: &str) -> Result<(), Status> {
    let bytes = name.len() + value.len() + "=\0".len();
    if bytes > limits::ENV_STRING_MAX {
        return Err(Status::invalid_argument(format!(
            "environment: {name} takes {bytes} bytes; Linux gives one environment string at most {}",
            limits::ENV_STRING_MAX
        )));
    }
    Ok(())
}

/// What the supervisor starts in the sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MainProcess(Secret);

impl MainProcess {
    /// Checks a command; the supervisor would exit over one it cannot start.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty command or one beyond an environment string.
    pub fn check(command: &[String], tty: bool) -> Result<Self, Status> {
        const SHELL: [&str; 2] = ["/bin/bash", "-l"];
        let spec = match command {
            // The gateway fills this in itself since v0.0.111; before, there was no such field.
            [] => json!({ "version": 1, "command": SHELL, "tty": true }),
            [program, ..] if program.is_empty() => return Err(Status::invalid_argument("spec.command: the program's name is empty")),
            command => json!({ "version": 1, "command": command, "tty": tty }),
        };
        let encoded = format!("base64url:{}", base64url(spec.to_string().as_bytes()));
        fits(MAIN_PROCESS_SPEC, &encoded)?;
        Ok(Self(Secret::new(encoded)))
    }

    /// The value of `OPENSHELL_MAIN_PROCESS_SPEC`: base64, so that nothing of it looks like a reference to kubelet.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// RFC 4648 §5 without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..=chunk.len() {
            let index = (word >> (18 - 6 * position)) & 0x3f;
            text.extend(ALPHABET.get(index as usize).copied().map(char::from));
        }
    }
    text
}

/// A value as it must stand in a container's `env` for the process to see it unchanged: kubelet expands `$(NAME)` and turns `$$` into `$`.
#[must_use]
pub fn literal(value: &str) -> String {
    value.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_the_rfcs() {
        for (plain, encoded) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("\u{3ff}\u{3ff}", "z7_Pvw")] {
            assert_eq!(base64url(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn kubelet_gives_back_what_was_written() {
        assert_eq!(literal("a$b $(HOME) $$"), "a$$b $$(HOME) $$$$");
    }

    #[test]
    fn a_callers_variable_never_becomes_the_supervisors() -> Result<(), Status> {
        let template = BTreeMap::from([("A".into(), "1".into()), ("OPENSHELL_ENDPOINT".into(), "http://evil".into())]);
        let own = BTreeMap::from([("A".into(), "2".into())]);
        assert_eq!(Environment::check(&template, &own, Reporting::On, "debug")?.as_json(), r#"{"A":"2","OPENSHELL_LOG_LEVEL":"debug"}"#);
        Ok(())
    }

    #[test]
    fn what_exec_could_not_carry_is_refused() {
        let large = BTreeMap::from([("A".into(), "x".repeat(limits::ENV_STRING_MAX))]);
        assert!(Environment::check(&large, &BTreeMap::new(), Reporting::On, "").is_err());
        assert!(MainProcess::check(&["x".repeat(limits::ENV_STRING_MAX)], false).is_err());
        assert!(MainProcess::check(&[String::new()], false).is_err());
    }
}
