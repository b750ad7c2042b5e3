//! One page of a list.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::meta::ResourceVersion;
use crate::core::secret::Body;

/// A page of objects.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct Page<T> {
    /// Version and continuation.
    pub metadata: ListMeta,
    /// The objects. A list always has them, be it as `null`; without, it is something else, and nothing is known to be absent.
    #[serde(deserialize_with = "null_is_empty")]
    pub items: Vec<T>,
}

fn null_is_empty<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `metadata` of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The version the whole list shows.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// Asks for the next page; empty on the last.
    #[serde(default, rename = "continue")]
    pub continue_token: String,
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads a page.
    ///
    /// # Errors
    /// Says why the body is not such a list; never quotes the body.
    pub fn parse(body: &Body) -> Result<Self, String> {
        serde_json::from_slice(&body.0).map_err(|error| describe(&error))
    }
}

/// Why a body could not be read, without quoting it: serde's messages can hold values. Where in it is left out, for nobody has the body.
#[must_use]
pub fn describe(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "could not be read",
        serde_json::error::Category::Syntax => "is not JSON",
        serde_json::error::Category::Data => "does not have the expected shape",
        serde_json::error::Category::Eof => "is cut short",
    };
    format!("the body {what}")
}
