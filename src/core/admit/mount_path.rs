//! Where a caller may mount something: nowhere that the supervisor, the container runtime or Kubernetes has a use for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::core::layout::directory::{TOKEN, WORKSPACE};

/// What nobody but us mounts at, over or below, in any configuration.
const RESERVED: [&str; 11] = [
    "/opt/openshell",
    "/etc/openshell",
    "/etc/openshell-tls",
    "/run/openshell",
    "/run/openshell-sidecar",
    "/run/netns",
    "/var/run/secrets/kubernetes.io",
    TOKEN,
    "/proc",
    "/sys",
    "/dev",
];

/// A directory of the sandbox's container, absolute and as short as it can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPath(String);

impl MountPath {
    /// Reads a path of a caller.
    ///
    /// # Errors
    /// Says why it is none that can be mounted at; reads on after the field's path.
    pub fn check(config: &Config, text: &str) -> Result<Self, String> {
        let path = shape(text)?;
        if path == WORKSPACE || is_within(WORKSPACE, path) {
            return Err(format!("{path} would hide {WORKSPACE}; mount below it"));
        }
        let of_config = reserved_by(config);
        let mut taken = RESERVED.into_iter().chain(of_config.iter().map(String::as_str));
        match taken.find(|taken| overlap(path, taken)) {
            Some(taken) => Err(format!("{path} overlaps {taken}, which the sandbox needs for something else")),
            None => Ok(Self(path.to_owned())),
        }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is part of the workspace.
    #[must_use]
    pub fn is_in_workspace(&self) -> bool {
        is_within(&self.0, WORKSPACE)
    }

    /// Whether two paths are one directory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        real(&self.0) == real(&other.0)
    }
}

/// What a mount path must look like, whoever asks.
fn shape(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("must not be empty".into());
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(format!("{text:?} has a control character, or a blank at an end"));
    }
    if text.contains(':') {
        return Err(format!("{text:?} has a ':', which Kubernetes refuses in a mount path"));
    }
    let path = text.trim_end_matches('/');
    let Some(relative) = path.strip_prefix('/') else {
        return Err(if text.starts_with('/') { "must not be /".into() } else { format!("{text:?} is relative: begin it with '/'") });
    };
    if relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("{text:?} has a part that is empty, '.' or '..'"));
    }
    Ok(path)
}

/// Directories that this configuration gives a meaning.
fn reserved_by(config: &Config) -> Vec<String> {
    let pod = &config.pod;
    let sockets = [Some(pod.ssh_socket.as_str()), pod.spiffe_socket.as_deref()];
    let directories = sockets.into_iter().flatten().filter_map(directory).map(str::to_owned);
    directories.chain([pod.supervisor.mount_path.clone()]).collect()
}

/// The directory of a file that is not at the root.
#[must_use]
pub fn directory(file: &str) -> Option<&str> {
    file.rsplit_once('/').map(|(directory, _)| directory).filter(|directory| directory.starts_with('/'))
}

/// Whether one of two paths is the other, or inside it.
#[must_use]
pub fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// As they are written, or as they are when the link is followed.
fn is_within(inner: &str, outer: &str) -> bool {
    let below = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below(inner, outer) || below(&real(inner), &real(outer))
}

/// `/var/run` is a link to `/run` in nearly every image.
fn real(path: &str) -> Cow<'_, str> {
    match path.strip_prefix("/var/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Cow::Owned(format!("/run{rest}")),
        _ => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_overlap_by_parts_and_through_the_usual_link() {
        for (one, other) in
            [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("/run/x", "/var/run/x/y"), ("/var/run", "/run"), ("/var", "/var/run/x")]
        {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in [("/a", "/ab"), ("/a/b", "/a/c"), ("/var/runs", "/run"), ("/var", "/run")] {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }
}
