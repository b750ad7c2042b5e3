//! What is told of exposure: a condition, and an event when it changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::render::Host;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::truncate;
use crate::core::kube::dependent::RouteStatus;
use crate::core::kube::kind::Kind;
use crate::core::limits;
use crate::core::names::{ObjectName, SandboxId};
use crate::core::observe::birth::SOURCE;
use crate::core::time::Wall;

/// The condition's type. A gateway derives nothing from it.
pub const EXPOSED: &str = "Exposed";

/// How far exposure has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// Whether it is so.
    pub truth: Truth,
    /// Why, for programs. Never one of the reasons a gateway acts on.
    pub reason: Cow<'static, str>,
    /// Why, for people.
    pub message: String,
}

/// Whether a sandbox is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// It is.
    True,
    /// It is not, and will not be unless somebody does something.
    False,
    /// It is on its way.
    Unknown,
}

impl Exposed {
    /// It will come.
    #[must_use]
    pub fn pending(message: impl Into<String>) -> Self {
        Self { truth: Truth::Unknown, reason: "Pending".into(), message: message.into() }
    }

    /// Somebody must do something.
    #[must_use]
    pub fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self { truth: Truth::False, reason: reason.into(), message: message.into() }
    }

    /// Everything is there; a route that nobody judges does what it says.
    #[must_use]
    pub fn routed(kind: Kind, name: &ObjectName, host: &Host, status: &RouteStatus) -> Self {
        let url = format!("https://{}", host.full);
        let object = kind.object_kind();
        if kind != Kind::ApiRules {
            return Self { truth: Truth::True, reason: "Routed".into(), message: url };
        }
        let why = if status.description.is_empty() { String::new() } else { format!(": {}", status.description) };
        match status.state.as_str() {
            "Ready" => Self { truth: Truth::True, reason: "APIRuleReady".into(), message: url },
            "Warning" => {
                Self { truth: Truth::True, reason: "APIRuleWarning".into(), message: format!("{url}; {object} {name} warns{why}") }
            }
            "Error" => Self {
                truth: Truth::False,
                reason: "APIRuleError".into(),
                message: format!("{url} is not served: {object} {name} is in state Error{why}"),
            },
            "Deleting" => Self::refused("APIRuleDeleting", format!("{url} is not served: {object} {name} is being deleted{why}")),
            "" => Self::pending(format!("{url} is not served yet: Kyma has not looked at {object} {name}; is its API gateway installed?")),
            state => Self::pending(format!("{url} is not served yet: {object} {name} is in state {state}{why}")),
        }
    }

    /// As the gateway takes it. It has no time: after a restart it must be the same.
    #[must_use]
    pub fn condition(&self) -> pb::DriverCondition {
        let mut message = self.message.clone();
        truncate(&mut message, limits::CONDITION_MESSAGE_MAX);
        pb::DriverCondition {
            r#type: EXPOSED.into(),
            status: match self.truth {
                Truth::True => "True",
                Truth::False => "False",
                Truth::Unknown => "Unknown",
            }
            .into(),
            reason: self.reason.clone().into_owned(),
            message,
            last_transition_time: String::new(),
            transition_time: None,
        }
    }

    /// What happened, when it has come to this.
    #[must_use]
    pub fn event(
        &self,
        now: Wall,
        sandbox: &SandboxId,
        kind: Kind,
        name: &ObjectName,
        host: Option<&Host>,
    ) -> pb::WatchSandboxesPlatformEvent {
        let mut metadata = BTreeMap::from([
            ("involved_kind".to_owned(), kind.object_kind().to_owned()),
            ("involved_name".to_owned(), name.as_str().to_owned()),
        ]);
        if let Some(host) = host {
            metadata.insert("host".to_owned(), host.full.clone());
        }
        let condition = self.condition();
        let event = pb::DriverPlatformEvent {
            timestamp_ms: now.0,
            event_time: None,
            source: SOURCE.into(),
            r#type: if self.truth == Truth::True { "Normal" } else { "Warning" }.into(),
            reason: self.reason.clone().into_owned(),
            message: condition.message,
            metadata,
        };
        pb::WatchSandboxesPlatformEvent { sandbox_id: sandbox.as_str().into(), event: Some(event) }
    }
}
