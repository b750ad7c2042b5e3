//! Values that must never be printed, and bytes that may hold them.

use std::fmt;

use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::recording::mask;

/// A secret string: a sandbox token, an environment value. It has no `Display`, its `Debug` shows only its length, and reading it is a
/// call that a reviewer can search for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Secret(String);

impl Secret {
    /// Takes the value out of circulation.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that must send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A secret has no form but a masked one: whoever writes it, writes what stands for it in a recording.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&mask::text(&self.0))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Bytes of an HTTP body or a watch line. Bodies carry environment values and tokens, so they do not print. In JSON (vectors,
/// recordings) a body that is JSON stands as it is, any other as a string.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Body(pub Bytes);

impl Body {
    /// A body of no bytes.
    pub const EMPTY: Self = Self(Bytes::new());

    /// The serialised form of a JSON value.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self(Bytes::from(value.to_string()))
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_slice::<&RawValue>(&self.0) {
            Ok(json) if !json.get().starts_with('"') => json.serialize(serializer),
            _ => serializer.serialize_str(&String::from_utf8_lossy(&self.0)),
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = String::from(Box::<str>::from(Box::<RawValue>::deserialize(deserializer)?));
        if json.starts_with('"') {
            let text: String = serde_json::from_str(&json).map_err(D::Error::custom)?;
            return Ok(Self(text.into()));
        }
        Ok(Self(json.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_prints_what_it_holds() {
        let shown = format!("{:?} {:?}", Secret::new("hunter2".into()), Body::from("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("7 bytes"), "{shown}");
    }

    #[test]
    fn json_stands_as_it_is_and_text_as_a_string() {
        for (body, json) in [(r#"{"a":1}"#, r#"{"a":1}"#), ("404 page not found", r#""404 page not found""#), ("", r#""""#)] {
            let body = Body(Bytes::from_static(body.as_bytes()));
            assert_eq!(serde_json::to_string(&body).ok().as_deref(), Some(json));
            assert_eq!(serde_json::from_str::<Body>(json).ok(), Some(body));
        }
    }
}
