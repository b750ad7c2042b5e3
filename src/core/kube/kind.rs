//! The kinds of object that are listed and watched.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::meta::ResourceVersion;
use super::path::Sandboxes;
use super::pod::Pod;
use super::sandbox::Sandbox;
use crate::core::io::HttpRequest;

/// A kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What we create.
    #[default]
    Sandboxes,
    /// What the controller makes of them.
    Pods,
    /// What others say about either.
    Events,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandboxes => "sandboxes",
            Self::Pods => "pods",
            Self::Events => "events",
        })
    }
}

/// An object that can be listed and watched.
pub trait Watched: DeserializeOwned {
    /// Its kind.
    const KIND: Kind;
    /// Its version.
    fn version(&self) -> &ResourceVersion;
    /// Asks for a page of all of them.
    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest;
    /// Asks for every change after `from`, for about `seconds`.
    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest;
}

impl Watched for Sandbox {
    const KIND: Kind = Kind::Sandboxes;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch(from, seconds)
    }
}

impl Watched for Pod {
    const KIND: Kind = Kind::Pods;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_pods(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_pods(from, seconds)
    }
}

impl Watched for Event {
    const KIND: Kind = Kind::Events;

    fn version(&self) -> &ResourceVersion {
        &self.metadata.resource_version
    }

    fn list(api: &Sandboxes, page: Option<&str>) -> HttpRequest {
        api.list_events(page)
    }

    fn watch(api: &Sandboxes, from: &ResourceVersion, seconds: u64) -> HttpRequest {
        api.watch_events(from, seconds)
    }
}
