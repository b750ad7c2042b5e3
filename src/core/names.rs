//! Names and ids, each its own type, checked once where it enters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest DNS label, label value, and name of a Sandbox of ours.
pub const LABEL_MAX: usize = 63;
const SUBDOMAIN_MAX: usize = 253;
/// Longest sandbox id taken from a gateway; theirs are UUIDs of 36.
const SANDBOX_ID_MAX: usize = 256;

/// Why a text is not the name it should be; reads on after "sandbox name".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError(String);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// The text is shared: a sandbox's id and name are the keys of a dozen tables.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    };
}

text_newtype! {
    /// The gateway's id of a sandbox: any short printable text, in practice a UUID.
    SandboxId
}
text_newtype! {
    /// The user's name of a sandbox, unique within a workspace: a DNS label.
    SandboxName
}
text_newtype! {
    /// A gateway workspace: a DNS label.
    Workspace
}
text_newtype! {
    /// A Kubernetes namespace: a DNS label.
    Namespace
}
text_newtype! {
    /// The name of an object in its namespace: a DNS subdomain.
    ObjectName
}
text_newtype! {
    /// `metadata.uid`: tells an object from its successors of the same name.
    Uid
}

impl SandboxId {
    /// Takes an id from a gateway or an annotation.
    ///
    /// # Errors
    /// When it is empty, longer than 256 bytes, or has a control character or a blank at an end.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError("is required".into()));
        }
        if text.len() > SANDBOX_ID_MAX {
            return Err(NameError(format!("has {} bytes; at most {SANDBOX_ID_MAX} are taken", text.len())));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(NameError("has a control character, or a blank at an end".into()));
        }
        Ok(Self(text.into()))
    }

    /// What stands for this id in labels and selectors: the id where it is a legal label value, otherwise a digest of it. The annotation always
    /// holds the id itself, so a reader compares that.
    #[must_use]
    pub fn label_value(&self) -> String {
        if is_label_value(&self.0) { self.0.to_string() } else { format!("h-{:032x}", fnv128(self.0.as_bytes())) }
    }
}

impl SandboxName {
    /// Takes a sandbox name from a gateway.
    ///
    /// # Errors
    /// When it is not a DNS label of 1 to 63 characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        dns_label(text).map(Self)
    }

    /// The name of a Sandbox whose `openshell.ai/sandbox-name` is missing or is no name: what the object is called, without the workspace.
    #[must_use]
    pub fn from_object(name: &ObjectName) -> Self {
        Self(name.0.split_once(WORKSPACE_SEPARATOR).map_or(&*name.0, |(_, rest)| rest).into())
    }
}

impl Workspace {
    /// Takes a workspace name from a gateway.
    ///
    /// # Errors
    /// When it is not a DNS label of 1 to 63 characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        dns_label(text).map(Self)
    }
}

impl Namespace {
    /// Takes a namespace name from the configuration.
    ///
    /// # Errors
    /// When it is not a DNS label of 1 to 63 characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        dns_label(text).map(Self)
    }
}

const WORKSPACE_SEPARATOR: &str = "--";

impl ObjectName {
    /// The name of a sandbox's object in shared mode: `{workspace}--{name}`. The pod has the same name, so it must be a DNS label.
    ///
    /// # Errors
    /// When the two together are longer than 63 characters.
    pub fn shared(workspace: &Workspace, name: &SandboxName) -> Result<Self, NameError> {
        let joined = format!("{workspace}{WORKSPACE_SEPARATOR}{name}");
        if joined.len() > LABEL_MAX {
            return Err(NameError(format!(
                "{name} and workspace {workspace} make the object name {joined} of {} characters; at most {LABEL_MAX} are allowed: use a shorter name",
                joined.len()
            )));
        }
        Ok(Self(joined.into()))
    }

    /// Takes an object's name as the API server gave it.
    ///
    /// # Errors
    /// When it could not be one: then the answer did not come from an API server, and the name must not get into a path.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let legal = !text.is_empty() && text.len() <= SUBDOMAIN_MAX && text.split('.').all(|part| dns_characters(part).is_ok());
        if legal { Ok(Self(text.into())) } else { Err(NameError(format!("{text:?} is not a DNS subdomain"))) }
    }
}

impl From<&SandboxName> for ObjectName {
    /// The name of a sandbox's object where its workspace has a namespace of its own.
    fn from(name: &SandboxName) -> Self {
        Self(name.0.clone())
    }
}

impl Uid {
    /// Takes a UID as the API server gave it; any text is one.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }
}

/// Whether `text` is a DNS label: at most 63 lower-case letters, digits and '-'.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    dns_label(text).is_ok()
}

fn dns_label(text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError("is required".into()));
    }
    if text.len() > LABEL_MAX {
        return Err(NameError(format!("{text:?} has {} characters; at most {LABEL_MAX} are allowed", text.len())));
    }
    dns_characters(text)?;
    Ok(text.into())
}

fn dns_characters(text: &str) -> Result<(), NameError> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let outer = |b: Option<&u8>| b.is_some_and(|&b| b != b'-');
    if text.bytes().all(inner) && outer(text.as_bytes().first()) && outer(text.as_bytes().last()) {
        return Ok(());
    }
    Err(NameError(format!("{text:?} must be lower-case letters, digits and '-', and begin and end with a letter or digit")))
}

/// Whether Kubernetes takes `text` as a label value (an empty one is legal there, but never of use to us).
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let outer = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= LABEL_MAX && text.bytes().all(inner) && outer(text.as_bytes().first()) && outer(text.as_bytes().last())
}

/// Whether Kubernetes takes `text` as the key of a label or annotation: an optional DNS subdomain and `/`, then up to 63 characters.
#[must_use]
pub fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => ObjectName::parse(prefix).is_ok() && is_label_value(name),
        None => is_label_value(text),
    }
}

/// The 128-bit Fowler–Noll–Vo hash (1a). It tells contents apart; it keeps nothing secret.
#[must_use]
pub fn fnv128(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

/// Which object of its kind, as logs write it: `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamespacedName(String);

impl NamespacedName {
    /// Of these two.
    #[must_use]
    pub fn new(namespace: &Namespace, name: &ObjectName) -> Self {
        Self(format!("{namespace}/{name}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// What `kubectl get` and its like must be told beside the kind.
    #[must_use]
    pub fn arguments(&self) -> String {
        let (namespace, name) = self.0.split_once('/').unwrap_or_default();
        format!("{name} -n {namespace}")
    }
}

impl TryFrom<String> for NamespacedName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once('/').map(|(namespace, name)| Namespace::parse(namespace).is_ok() && ObjectName::parse(name).is_ok());
        if parts == Some(true) { Ok(Self(text)) } else { Err(format!("{text:?} is no namespace/name")) }
    }
}

impl From<NamespacedName> for String {
    fn from(name: NamespacedName) -> Self {
        name.0
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv128(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv128(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn an_id_that_is_no_label_is_digested() -> Result<(), NameError> {
        let uuid = SandboxId::parse("7f0c2a52-8f57-4d2c-9a37-8fb0f5a1d001")?;
        assert_eq!(uuid.label_value(), uuid.as_str());
        let odd = SandboxId::parse("a b/c")?;
        assert!(odd.label_value().starts_with("h-") && is_label_value(&odd.label_value()));
        assert!(is_label_value(&SandboxId::parse(&"x".repeat(100))?.label_value()));
        Ok(())
    }

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "a-b", "0a", &"x".repeat(63)] {
            assert!(SandboxName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", &"x".repeat(64)] {
            assert!(SandboxName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_object_name_cannot_leave_its_path() {
        for bad in ["", "..", "a/b", "a?b", "a..b", "a%2fb"] {
            assert!(ObjectName::parse(bad).is_err(), "{bad}");
        }
        assert!(ObjectName::parse("team--demo.v1").is_ok());
    }
}
