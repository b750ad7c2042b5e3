//! A Sandbox of ours, as it is kept.

use serde::{Deserialize, Serialize};

use super::pod_security;
use crate::core::kube::meta::ResourceVersion;
use crate::core::kube::path::{Sandboxes, keys};
use crate::core::kube::sandbox::{Condition, OperatingMode, Sandbox, Truth};
use crate::core::names::{ObjectName, SandboxId, SandboxName, Uid, Workspace};
use crate::core::note::Note;
use crate::core::territory::ObjectKey;
use crate::core::turn::Turn;

/// What is kept of a Sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Where the object is.
    pub object: ObjectKey,
    /// The object's UID.
    pub uid: Uid,
    /// The object's version.
    pub version: ResourceVersion,
    /// When it was created, RFC 3339 in UTC: compares as text.
    pub created: String,
    /// The gateway's id.
    pub id: SandboxId,
    /// The user's name of it.
    pub name: SandboxName,
    /// Where that comes from.
    pub source: NameSource,
    /// The workspace, where it is known.
    pub workspace: Option<Workspace>,
    /// Whether it is on its way out.
    pub life: Life,
    /// Of an object on its way out: since when, and what it waits for.
    pub ending: Option<Ending>,
    /// Whether a pod is wanted.
    pub mode: OperatingMode,
    /// Counts changes of what is wanted.
    pub generation: i64,
    /// Where its pod is, or was.
    pub pod: ObjectKey,
    /// What the controller says of it, unexamined.
    pub conditions: Vec<Condition>,
    /// What it was made from.
    #[serde(rename = "request_digest")]
    pub digest: Option<String>,
    /// Whether its token is in a Secret.
    pub token: Token,
}

/// Whether the gateway's token of a sandbox is in a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Token {
    /// It need not be.
    NotAwaited,
    /// It should be, and nobody has said so.
    Awaited,
    /// It is.
    Stored,
}

impl Token {
    /// What the annotation says until it is stored.
    pub const AWAITED: &str = "awaited";
    /// What it says then.
    pub const STORED: &str = "stored";

    fn of(annotation: Option<&str>) -> Self {
        match annotation {
            Some(Self::AWAITED) => Self::Awaited,
            Some(Self::STORED) => Self::Stored,
            _ => Self::NotAwaited,
        }
    }
}

/// Where a sandbox's name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameSource {
    /// Its annotation or label.
    Metadata,
    /// The object's name, because both are missing.
    Object,
}

/// Whether an object is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Life {
    /// It is not.
    Alive,
    /// Its deletion has been asked for.
    Deleting,
}

/// A deletion under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When it was asked for, RFC 3339.
    pub asked: String,
    /// Who must agree before the object is gone.
    pub finalizers: Vec<String>,
}

/// An object that is not one of our sandboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOurs {
    /// Its UID.
    pub uid: Uid,
    /// Where it is, if that is a namespace of ours.
    pub object: Option<ObjectKey>,
    /// Why.
    pub why: Why,
}

/// Why an object is not one of our sandboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its labels are not those of `OpenShell`, or by another gateway.
    Foreign,
    /// It says it is ours, but not which sandbox it is.
    NoId,
}

impl NotOurs {
    /// Says so, where a person should know.
    pub fn note(self, turn: &mut Turn<'_>) {
        if let (Some(object), Why::NoId) = (self.object, self.why) {
            turn.note(Note::NoSandboxId { object: (&object).into() });
        }
    }
}

impl Observed {
    /// Reads what concerns us from an object. Annotations win over labels, which may hold a digest of the id.
    ///
    /// # Errors
    /// When the object is not a sandbox of this gateway.
    pub fn of(object: Sandbox, api: &Sandboxes) -> Result<Self, NotOurs> {
        let Sandbox { metadata, spec, status } = object;
        let uid = Uid::new(metadata.uid);
        let key = ObjectName::parse(&metadata.name).ok().and_then(|name| api.territory().recognise(&metadata.namespace, name));
        let (labels, annotations) = (metadata.labels, metadata.annotations);
        let not_ours = |why| NotOurs { uid: uid.clone(), object: key.clone(), why };
        // What our selector selects, and nothing else: no watch tells of the end of anything more.
        let is_selected =
            labels.managed_by.as_deref() == Some(keys::MANAGED_BY_VALUE) && labels.gateway_id.as_deref() == Some(api.gateway_id());
        let is_disowned = annotations.managed_by.as_deref().is_some_and(|manager| manager != keys::MANAGED_BY_VALUE);
        if !is_selected || is_disowned {
            return Err(not_ours(Why::Foreign));
        }
        if labels.sandbox_id.is_none() {
            return Err(not_ours(Why::NoId));
        }
        let id = either(annotations.sandbox_id.as_deref(), labels.sandbox_id.as_deref(), SandboxId::parse);
        let (Some(id), Some(object)) = (id, key.clone()) else {
            return Err(not_ours(Why::NoId));
        };
        let given = either(annotations.sandbox_name.as_deref(), labels.sandbox_name.as_deref(), SandboxName::parse);
        let source = if given.is_some() { NameSource::Metadata } else { NameSource::Object };
        let shown = given.unwrap_or_else(|| SandboxName::from_object(object.name()));
        let workspace = either(annotations.sandbox_workspace.as_deref(), labels.sandbox_workspace.as_deref(), Workspace::parse);
        let pod =
            annotations.pod_name.and_then(|text| ObjectName::parse(&text).ok()).map_or_else(|| object.clone(), |name| object.sibling(name));
        let ending = metadata.deletion_timestamp.map(|asked| Ending { asked, finalizers: metadata.finalizers });
        let life = if ending.is_some() { Life::Deleting } else { Life::Alive };
        Ok(Self {
            object,
            uid,
            version: metadata.resource_version,
            created: metadata.creation_timestamp,
            id,
            name: shown,
            source,
            workspace,
            life,
            ending,
            mode: spec.mode(),
            generation: metadata.generation,
            pod,
            conditions: status.unwrap_or_default().conditions,
            digest: annotations.request_digest,
            token: Token::of(annotations.token.as_deref()),
        })
    }

    /// Whether the controller says, of this generation, that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let ready = |condition: &Condition| condition.kind == "Ready" && condition.status == Truth::True;
        self.conditions.iter().any(|condition| ready(condition) && condition.observed_generation >= self.generation)
    }

    /// Whether the controller says, of this generation, that it is not ready.
    #[must_use]
    pub fn is_unready(&self) -> bool {
        let unready = |condition: &Condition| condition.kind == "Ready" && condition.status != Truth::True;
        self.conditions.iter().any(|condition| unready(condition) && condition.observed_generation >= self.generation)
    }

    /// Whether the controller has said nothing yet about what is wanted now.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        self.conditions.iter().all(|condition| condition.observed_generation < self.generation)
    }

    /// Whether the controller says, of this generation, that Pod Security Admission has refused the pod.
    #[must_use]
    pub fn is_refused_admission(&self) -> bool {
        let refused = |condition: &Condition| {
            condition.kind == "Ready" && condition.status == Truth::False && pod_security::is_refusal(&condition.message)
        };
        self.mode == OperatingMode::Running
            && self.conditions.iter().any(|condition| refused(condition) && condition.observed_generation >= self.generation)
    }

    /// Whether the controller says, of this generation, that the pod has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let finished = |condition: &Condition| condition.kind == "Finished" && condition.status == Truth::True;
        self.conditions.iter().any(|condition| finished(condition) && condition.observed_generation >= self.generation)
    }
}

/// What an annotation says; where it says nothing that can be read, what the label says.
pub fn either<T, E>(annotation: Option<&str>, label: Option<&str>, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
    annotation.and_then(|text| parse(text).ok()).or_else(|| label.and_then(|text| parse(text).ok()))
}
