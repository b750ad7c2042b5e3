//! One line of a watch.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::answer::ApiError;
use super::list::describe;
use super::managed_fields;
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
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Type,
    Object,
    #[serde(other)]
    Another,
}

#[derive(Clone, Copy, Deserialize)]
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
        let Ok(text) = std::str::from_utf8(&line.0) else { return Err("the body is not JSON".into()) };
        // As bytes, like every other body: each object is read by one piece of code, not by one for bytes and one for text.
        if let Some(Ok(line)) = managed_fields::left_out(text).map(|left| serde_json::from_slice(left.as_bytes())) {
            return Ok(line);
        }
        serde_json::from_slice(&line.0).map_err(|error| describe(&error))
    }
}

/// The object is read where it stands when its kind is known by then, which is how every API server writes a line.
impl<'de, T: DeserializeOwned> Deserialize<'de> for WatchLine<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Line<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Line<T> {
            type Value = WatchLine<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a watch event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WatchLine<T>, A::Error> {
                let (mut kind, mut unread, mut line) = (None, None, None);
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Type if kind.is_some() => return Err(A::Error::duplicate_field("type")),
                        Key::Object if line.is_some() || unread.is_some() => return Err(A::Error::duplicate_field("object")),
                        Key::Type => kind = Some(map.next_value::<Kind>()?),
                        Key::Object => match kind {
                            Some(Kind::Added | Kind::Modified) => line = Some(WatchLine::Changed(map.next_value()?)),
                            Some(Kind::Deleted) => line = Some(WatchLine::Removed(map.next_value()?)),
                            Some(Kind::Bookmark | Kind::Error) | None => unread = Some(map.next_value::<&RawValue>()?.get()),
                        },
                        Key::Another => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                match (line, kind, unread) {
                    (Some(line), ..) => Ok(line),
                    (None, Some(kind), Some(object)) => read(kind, object.as_bytes()).map_err(A::Error::custom),
                    (None, None, _) => Err(A::Error::missing_field("type")),
                    (None, Some(_), None) => Err(A::Error::missing_field("object")),
                }
            }
        }

        deserializer.deserialize_map(Line(PhantomData))
    }
}

fn read<T: DeserializeOwned>(kind: Kind, object: &[u8]) -> serde_json::Result<WatchLine<T>> {
    Ok(match kind {
        Kind::Added | Kind::Modified => WatchLine::Changed(serde_json::from_slice(object)?),
        Kind::Deleted => WatchLine::Removed(serde_json::from_slice(object)?),
        Kind::Bookmark => WatchLine::Bookmark(serde_json::from_slice::<Bookmark>(object)?.metadata.resource_version),
        Kind::Error => WatchLine::Error(ApiError::from_status_object(object)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kube::sandbox::Sandbox;

    fn parse(line: &'static str) -> Result<WatchLine<Sandbox>, String> {
        WatchLine::parse(&Body::from(line))
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        for line in [
            r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","managedFields":[{"f":{}}],"generation":7}}}"#,
            r#"{"object":{"metadata":{"name":"a","uid":"u","generation":7,"managedFields":[{"f":[[]],"g":[]}]}},"type":"MODIFIED","new":[1]}"#,
        ] {
            assert!(matches!(parse(line), Ok(WatchLine::Changed(object)) if object.metadata.generation == 7), "{line}");
        }
        assert!(matches!(parse(r#"{"type":"DELETED","object":{"metadata":{"name":"a","uid":"u"}}}"#), Ok(WatchLine::Removed(_))));
        let bookmark = parse(r#"{"object":{"metadata":{"resourceVersion":"9"}},"type":"BOOKMARK"}"#);
        assert!(matches!(bookmark, Ok(WatchLine::Bookmark(version)) if version.as_str() == "9"));
    }

    #[test]
    fn what_is_no_line_says_so_and_is_not_quoted() {
        for (line, why) in [
            ("", "the body is cut short"),
            ("hunter2", "the body is not JSON"),
            (r#"{"type":"ADDED","object":{"metadata":{"name":"hunter2"}}}"#, "the body does not have the expected shape"),
            (r#"{"type":"ADDED"}"#, "the body does not have the expected shape"),
            (r#"{"object":{}}"#, "the body does not have the expected shape"),
            (r#"{"type":"ADDED","type":"ADDED","object":{}}"#, "the body does not have the expected shape"),
            (r#"{"type":"SECRET","object":{}}"#, "the body does not have the expected shape"),
            (r#"{"type":"BOOKMARK","object":{}}"#, "the body does not have the expected shape"),
        ] {
            assert_eq!(parse(line).err().as_deref(), Some(why), "{line}");
        }
    }
}
