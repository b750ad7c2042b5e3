//! An Event, as far as it is read. Two generations of writers fill different fields.

use serde::{Deserialize, Serialize};

use super::meta::ResourceVersion;

/// A core/v1 Event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// UID and version.
    pub metadata: EventMeta,
    /// What it is about.
    #[serde(default)]
    pub involved_object: InvolvedObject,
    /// Why, for programs.
    #[serde(default)]
    pub reason: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// `Normal` or `Warning`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// How often it has happened; newer writers count in `series`.
    #[serde(default)]
    pub count: Option<i64>,
    /// When it happened last; older writers.
    #[serde(default)]
    pub last_timestamp: Option<String>,
    /// When it happened first; newer writers.
    #[serde(default)]
    pub event_time: Option<String>,
    /// Repetitions; newer writers.
    #[serde(default)]
    pub series: Option<Series>,
    /// Who says so; older writers.
    #[serde(default)]
    pub source: Source,
    /// Who says so; newer writers.
    #[serde(default)]
    pub reporting_component: String,
}

/// `metadata` of an Event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMeta {
    /// The UID.
    pub uid: String,
    /// The version.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// When it was written.
    #[serde(default)]
    pub creation_timestamp: Option<String>,
}

/// What an Event is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvolvedObject {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
    /// Which part of it, such as `spec.containers{agent}`.
    pub field_path: String,
}

/// Repetitions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// How often.
    #[serde(default)]
    pub count: i64,
    /// When last.
    #[serde(default)]
    pub last_observed_time: Option<String>,
}

/// Who says so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// The component.
    pub component: String,
}
