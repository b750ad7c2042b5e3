//! What single values look like. Every function reads a text and, where it is not that, says why in a clause that contains it.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

use crate::config::{PullPolicy, Sideload};
use crate::core::admit::quantity::Quantity;
use crate::core::names::{self, Namespace, ObjectName};
use crate::core::render::volumes::{TLS_DIRECTORY, TOKEN_PATH, WORKSPACE_PATH};
use crate::shell::Unverified;

/// Longest image reference: far beyond what registries take.
const IMAGE_MAX: usize = 1_024;

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

pub fn unverified(text: &str) -> Result<Unverified, String> {
    match text {
        "false" => Ok(Unverified::Refused),
        "true" => Ok(Unverified::Allowed),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// The name of an object in the sandboxes' namespace: a DNS subdomain.
pub fn object_name(text: &str) -> Result<String, String> {
    ObjectName::parse(text).map(|name| name.as_str().to_owned()).map_err(|_| {
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

/// One of a few words.
pub fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, String> {
    known.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        format!("{text:?} is none of {}", words.join(", "))
    })
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
    let token_directory = TOKEN_PATH.rsplit_once('/').map_or(TOKEN_PATH, |(directory, _)| directory);
    match [WORKSPACE_PATH, token_directory, TLS_DIRECTORY, "/proc", "/sys", "/dev"].into_iter().find(|taken| overlap(&path, taken)) {
        Some(taken) => Err(format!("{text:?} overlaps {taken}, which every sandbox needs for something else")),
        None => Ok(path),
    }
}

/// Whether one of two paths is the other, or inside it.
fn overlap(one: &str, other: &str) -> bool {
    let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    inside(one, other) || inside(other, one)
}
