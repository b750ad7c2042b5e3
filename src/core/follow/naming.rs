//! Names of what follows a Sandbox, and the host it is reached by.

use crate::core::digest;
use crate::core::names::{LABEL_MAX, Namespace, ObjectName, SandboxName, Workspace};

/// The gateway that needs no name of its own in a host.
const DEFAULT_GATEWAY: &str = "openshell";
/// Between the parts of a host's label.
const SEPARATOR: &str = "--";
/// What Service and route are called after it. The controller may make a Service of the Sandbox's own name; and a Service's name begins with a letter.
const PREFIX: &str = "expose-";
/// What browsers take for an encoded name.
const PUNYCODE: &str = "xn--";

/// The name of everything that exposes this Sandbox; there is one for every name that an API server gives.
#[must_use]
pub fn exposing(sandbox: &ObjectName) -> Option<ObjectName> {
    let plain = format!("{PREFIX}{sandbox}");
    // A Service's name is a label; a Sandbox's may be longer and have dots.
    let name = if Namespace::parse(&plain).is_ok() { plain } else { cut(&plain, &[sandbox.as_str()]) };
    ObjectName::parse(&name).ok()
}

/// The first label of a sandbox's host. No two sandboxes of a cluster share one: where the readable form could be another's, too, it is cut and
/// told apart by a digest.
#[must_use]
pub fn host_label(workspace: &Workspace, name: &SandboxName, gateway_id: &str) -> String {
    let mut parts = vec![workspace.as_str(), name.as_str()];
    if gateway_id != DEFAULT_GATEWAY {
        parts.push(gateway_id);
    }
    let plain = parts.join(SEPARATOR);
    let can_be_split = parts.iter().all(|part| !part.contains(SEPARATOR) && Namespace::parse(part).is_ok());
    if can_be_split && plain.len() <= LABEL_MAX && !plain.starts_with(PUNYCODE) {
        return plain;
    }
    cut(&parts.join("-"), &parts)
}

/// As much of a text as fits before the digest of what it stands for, as a DNS label without a double hyphen.
fn cut(text: &str, identity: &[&str]) -> String {
    let mut head = String::new();
    for c in text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }) {
        if !(c == '-' && head.ends_with('-')) && head.len() < LABEL_MAX - 1 - digest::SHORT {
            head.push(c);
        }
    }
    format!("{}-{}", head.trim_matches('-'), digest::short(identity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::names::NameError;

    fn host(workspace: &str, name: &str, gateway: &str) -> Result<String, NameError> {
        Ok(host_label(&Workspace::parse(workspace)?, &SandboxName::parse(name)?, gateway))
    }

    #[test]
    fn a_host_is_readable_where_that_is_unambiguous() -> Result<(), NameError> {
        assert_eq!(host("default", "demo", "openshell")?, "default--demo");
        assert_eq!(host("default", "demo", "team-b")?, "default--demo--team-b");
        Ok(())
    }

    #[test]
    fn hosts_that_could_be_confused_differ() -> Result<(), NameError> {
        let hosts = [
            host("a", "b--c", "openshell")?,
            host("a--b", "c", "openshell")?,
            host("a", "b", "c")?,
            host("a", "b", "C")?,
            host("a", "b", "c.")?,
            host("a-b", "c", "openshell")?,
            host("a", "b-c", "openshell")?,
        ];
        for (at, one) in hosts.iter().enumerate() {
            assert!(hosts.iter().skip(at + 1).all(|other| other != one), "{hosts:?}");
            assert!(Namespace::parse(one).is_ok(), "{one}");
        }
        Ok(())
    }

    #[test]
    fn long_names_and_punycode_are_cut_and_told_apart() -> Result<(), NameError> {
        let (long, other) = ("x".repeat(60), format!("{}y", "x".repeat(59)));
        let (one, two) = (host("default", &long, "openshell")?, host("default", &other, "openshell")?);
        assert!(one != two && one.len() <= LABEL_MAX && two.len() <= LABEL_MAX, "{one} {two}");
        let encoded = host("xn", "demo", "openshell")?;
        assert!(!encoded.starts_with(PUNYCODE) && encoded.starts_with("xn-demo-"), "{encoded}");
        Ok(())
    }

    #[test]
    fn a_service_can_have_every_name() -> Result<(), NameError> {
        for sandbox in ["default--demo", "0a--1", &"x".repeat(63), "with.dots", &"y".repeat(253)] {
            let name = exposing(&ObjectName::parse(sandbox)?);
            let name = name.map(|name| name.as_str().to_owned()).unwrap_or_default();
            assert!(Namespace::parse(&name).is_ok() && name.starts_with('e'), "{sandbox}: {name}");
        }
        Ok(())
    }
}
