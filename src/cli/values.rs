//! What single values look like. Every function reads a text and, where it is not that, says why in a clause that contains it.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

use super::endpoint::{Endpoint, Scheme};
use crate::config::{Profile, PullPolicy, Sideload};
use crate::core::admit::mount_path::{directory, overlap};
use crate::core::admit::quantity::Quantity;
use crate::core::kube::peer::Peer;
use crate::core::kube::selector::Selector;
use crate::core::layout::directory::{TLS, TOKEN, WORKSPACE};
use crate::core::names::{self, Namespace, ObjectName};
use crate::shell::LogFormat;

/// Longest image reference: far beyond what registries take.
const IMAGE_MAX: usize = 1_024;
/// Longest name of a profile that Kubernetes takes.
const PROFILE_MAX: usize = 4_095;
/// Longest path of a Unix socket.
const SOCKET_PATH_MAX: usize = 107;
/// Longest key of a Secret.
const SECRET_KEY_MAX: usize = 253;

pub fn namespace(text: &str) -> Result<Namespace, String> {
    Namespace::parse(text).map_err(|error| error.to_string())
}

/// One kubeconfig. kubectl takes a list with colons, which stays a mistake here: what the driver writes to should stand in one place.
pub fn kubeconfig(text: &str) -> Result<PathBuf, String> {
    let mut paths = text.split(':').filter(|path| !path.is_empty());
    match (paths.next(), paths.next()) {
        (Some(path), None) => Ok(path.into()),
        (Some(_), Some(_)) => Err(format!(
            "{text:?} names several kubeconfigs, and they are not merged here. Make one of them with \
             kubectl config view --raw --minify --flatten -o json > kubeconfig.json, and name that"
        )),
        (None, _) => Err(format!("{text:?} names no file")),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every other value may be none")]
pub fn file(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

/// Longest gateway id from which the namespaces of workspaces can be named: `openshell-`, the id, `-` and a workspace of 19 make 63.
const MANAGED_GATEWAY_ID_MAX: usize = 33;

/// Where workspaces live, before it is known who chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Shared,
    Managed,
    Operator,
}

pub fn workspace_mode(text: &str) -> Result<Mode, String> {
    match text {
        "shared" => Ok(Mode::Shared),
        "managed" => Ok(Mode::Managed),
        "operator" => Ok(Mode::Operator),
        _ => Err(format!("{text:?} is no workspace mode: use shared, managed or operator")),
    }
}

pub fn selector(text: &str) -> Result<Selector, String> {
    Selector::parse(text)
}

/// An id that namespaces are named after.
pub fn managed_gateway_id(text: &str) -> Result<String, String> {
    match Namespace::parse(text) {
        Ok(_) if text.len() <= MANAGED_GATEWAY_ID_MAX => Ok(text.to_owned()),
        Ok(_) => Err(format!(
            "{text:?} has {} characters; with --workspace-mode managed, which names namespaces after it, at most {MANAGED_GATEWAY_ID_MAX} are allowed",
            text.len()
        )),
        Err(error) => Err(format!("{error}; with --workspace-mode managed namespaces are named after it")),
    }
}

pub fn peer(text: &str) -> Result<Peer, String> {
    Peer::parse(text)
}

/// What `true` and `false` mean.
pub fn switch<T: Copy>(off: T, on: T) -> impl FnOnce(&str) -> Result<T, String> {
    move |text| match text {
        "false" => Ok(off),
        "true" => Ok(on),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// One of a few words.
pub fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    known.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        format!("{text:?} is none of {}", words.join(", "))
    })
}

/// A profile of `AppArmor` or seccomp, or none.
pub fn profile(text: &str) -> Result<Option<Profile>, String> {
    let known = || format!("{text:?} is no profile: use RuntimeDefault, Unconfined, Localhost/NAME, or none");
    match text {
        "none" => Ok(None),
        "RuntimeDefault" => Ok(Some(Profile::RuntimeDefault)),
        "Unconfined" => Ok(Some(Profile::Unconfined)),
        _ => {
            let name = text.strip_prefix("Localhost/").ok_or_else(known)?;
            let legal = name.bytes().all(|b| b.is_ascii_graphic()) && !name.is_empty() && name.len() <= PROFILE_MAX;
            // Kubernetes takes a path below a directory of kubelet's, which it must not leave.
            if legal && name.split('/').all(|part| !matches!(part, "" | "." | "..")) {
                Ok(Some(Profile::Localhost(name.to_owned())))
            } else {
                Err(known())
            }
        }
    }
}

/// The name of a resource that is not Kubernetes' own.
pub fn extended_resource(text: &str) -> Result<String, String> {
    let foreign = text.split_once('/').is_some_and(|(domain, _)| domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io"));
    if foreign && names::is_qualified_name(text) && !text.starts_with("requests.") {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no extended resource: write it like nvidia.com/gpu"))
}

pub fn ip_address(text: &str) -> Result<String, String> {
    text.parse::<IpAddr>().map(|address| address.to_string()).map_err(|_| format!("{text:?} is no IP address"))
}

/// A proxy: scheme, host and port are all said, so that nobody has to guess which it is.
pub fn proxy_url(text: &str) -> Result<String, String> {
    let endpoint = Endpoint::parse(text)?;
    let has_port = endpoint.url.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    match endpoint.scheme {
        Scheme::Plain if has_port => Ok(endpoint.url),
        Scheme::Plain => Err(format!("{text:?} has no port: write http://HOST:PORT")),
        Scheme::Secure => Err(format!("{text:?} is https, which the supervisor does not speak to a proxy: write http://HOST:PORT")),
    }
}

/// Names, domains and ranges; what they mean is the supervisor's to say.
pub fn no_proxy(text: &str) -> Result<String, String> {
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} has a blank or another character that no host has: put commas between hosts, without blanks"))
}

/// A key of a Secret.
pub fn secret_key(text: &str) -> Result<String, String> {
    let legal = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if legal && text.len() <= SECRET_KEY_MAX && !matches!(text, "." | "..") {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no key of a secret: use letters, digits, '-', '_' and '.'"))
}

/// The name of an object: a DNS subdomain.
pub fn object_name(text: &str) -> Result<String, String> {
    object(text).map(|name| name.as_str().to_owned())
}

pub fn object(text: &str) -> Result<ObjectName, String> {
    ObjectName::parse(text).map_err(|_| {
        format!("{text:?} is not a name: use at most 253 lower-case letters, digits, '-' and '.', with a letter or digit on both sides of each '.'")
    })
}

pub fn label_value(text: &str) -> Result<String, String> {
    if names::is_label_value(text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is not a label value: use at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    ))
}

pub fn quantity(text: &str) -> Result<Quantity, String> {
    Quantity::parse(text)
}

/// A quantity that is more than nothing.
pub fn some_quantity(text: &str) -> Result<Quantity, String> {
    let quantity = Quantity::parse(text)?;
    if quantity.is_zero() { Err(format!("{text:?} is nothing: it must be more than 0")) } else { Ok(quantity) }
}

pub fn number<T: FromStr + PartialOrd + std::fmt::Display>(text: &str, range: &RangeInclusive<T>) -> Result<T, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && range.contains(number));
    number.ok_or_else(|| format!("{text:?} is not a whole number from {} to {}", range.start(), range.end()))
}

pub fn pull_policy(text: &str) -> Result<PullPolicy, String> {
    [PullPolicy::Always, PullPolicy::IfNotPresent, PullPolicy::Never]
        .into_iter()
        .find(|policy| policy.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no pull policy: use Always, IfNotPresent or Never"))
}

pub fn sideload(text: &str) -> Result<Sideload, String> {
    match text {
        "auto" => Ok(Sideload::Auto),
        "init-container" => Ok(Sideload::InitContainer),
        "image-volume" => Ok(Sideload::ImageVolume),
        _ => Err(format!("{text:?} is no way to deliver the supervisor: use auto, init-container or image-volume")),
    }
}

/// A URL that goes into an object unread, such as an issuer's. Written without credentials: everybody who may read the object sees it.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains('@'));
    if good && text.len() <= IMAGE_MAX && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("it is not an http:// or https:// URL without credentials and blanks".into())
}

/// A name that goes into an object unread: printable, without blanks.
pub fn word(text: &str) -> Result<String, String> {
    if text.len() <= IMAGE_MAX && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} has a blank or a character that does not print"))
}

pub fn log_level(text: &str) -> Result<LevelFilter, String> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(format!("{text:?} is no log level: use off, error, warn, info, debug or trace")),
    }
}

pub fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err(format!("{text:?} is no log format: use auto, json or text")),
    }
}

/// A TCP port, or none.
pub fn health_port(text: &str) -> Result<Option<u16>, String> {
    if text == "off" {
        return Ok(None);
    }
    number(text, &(0..=u16::MAX)).map(Some).map_err(|_| format!("{text:?} is neither a port from 0 to 65535 nor off"))
}

pub fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| format!("{text:?} is no IP address, such as 127.0.0.1 or ::1"))
}

/// An image reference. Registries differ in what they take; refused is only what none does.
pub fn image(text: &str) -> Result<String, String> {
    let characters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./:@_-+".contains(&b));
    if characters && text.len() <= IMAGE_MAX && !text.contains("://") && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no image reference: write it like registry/name:tag, without a scheme"))
}

/// A path that means the same wherever it is read.
pub fn absolute_path(text: &str) -> Result<String, String> {
    let Some(relative) = text.strip_prefix('/') else {
        return Err(format!("{text:?} is a relative path: begin it with '/'"));
    };
    if text.chars().any(char::is_control) {
        return Err(format!("{text:?} has a control character"));
    }
    if relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("{text:?} can be written shorter: leave out '.', '..', a doubled '/' and one at the end"));
    }
    Ok(text.to_owned())
}

/// A directory of the sandbox container to mount the supervisor at; none that hides, or is hidden by, what else is mounted there.
pub fn mount_path(text: &str) -> Result<String, String> {
    let path = absolute_path(text)?;
    if path.contains(':') {
        return Err(format!("{text:?} has a ':', which Kubernetes refuses in a mount path"));
    }
    match [WORKSPACE, TOKEN, TLS, "/proc", "/sys", "/dev"].into_iter().find(|taken| overlap(&path, taken)) {
        Some(taken) => Err(format!("{text:?} overlaps {taken}, which every sandbox needs for something else")),
        None => Ok(path),
    }
}

/// A socket in a directory of the sandbox's container that something is mounted at.
pub fn mounted_socket(text: &str) -> Result<String, String> {
    let path = absolute_path(text)?;
    let directory = directory(&path).filter(|directory| !directory.is_empty());
    let directory = directory
        .ok_or_else(|| format!("{text:?} is in the root directory, where nothing can be mounted: put it in a directory of its own"))?;
    mount_path(directory)?;
    Ok(path)
}

/// A socket that the supervisor makes.
pub fn socket(text: &str) -> Result<String, String> {
    let path = absolute_path(text)?;
    if path.len() > SOCKET_PATH_MAX {
        return Err(format!("{text:?} has {} characters; Linux takes at most {SOCKET_PATH_MAX} for a socket", path.len()));
    }
    if overlap(&path, WORKSPACE) {
        return Err(format!("{text:?} is in the workspace, where the workload could put another in its place"));
    }
    Ok(path)
}
