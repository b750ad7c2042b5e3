//! One line of a watch.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::answer::ApiError;
use super::list::describe;
use super::meta::ResourceVersion;
use crate::core::secret::Body;

/// What a line of a watch says.
#[derive(Debug)]
pub enum WatchLine<T> {
    /// The object was added or changed; for us the same.
    Changed(Box<T>),
    /// The object is gone, or has left the selector.
    Removed(Box<T>),
    /// Nothing happened up to this version.
    Bookmark(ResourceVersion),
    /// The watch cannot go on.
    Error(ApiError),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

#[derive(Deserialize)]
struct Bookmark {
    metadata: BookmarkMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookmarkMeta {
    resource_version: ResourceVersion,
}

impl<T: DeserializeOwned> WatchLine<T> {
    /// Reads a line.
    ///
    /// # Errors
    /// Says where the line is not a watch event; never quotes it.
    pub fn parse(line: &Body) -> Result<Self, String> {
        let envelope: Envelope = serde_json::from_slice(&line.0).map_err(|error| describe(&error))?;
        // As bytes, like every other body: each object is read by one piece of code, not by one for bytes and one for text.
        let object = envelope.object.get().as_bytes();
        let read = || serde_json::from_slice(object).map(Box::new);
        match envelope.kind {
            Kind::Added | Kind::Modified => read().map(Self::Changed),
            Kind::Deleted => read().map(Self::Removed),
            Kind::Bookmark => serde_json::from_slice::<Bookmark>(object).map(|mark| Self::Bookmark(mark.metadata.resource_version)),
            Kind::Error => return Ok(Self::Error(ApiError::from_status_object(object))),
        }
        .map_err(|error| describe(&error))
    }
}
