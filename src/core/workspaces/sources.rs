//! The secrets that are copied into every namespace of ours: read at the start and every minute, so that a certificate that is renewed in one
//! place is renewed in all. What is in them does not print.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::Config;
use crate::core::grpc_status::Status;
use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::furnishing as path;
use crate::core::limits;
use crate::core::names::Namespace;
use crate::core::note::Note;
use crate::core::recording::Mask;
use crate::core::secret::Secret;
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// Every secret that is copied.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sources {
    namespace: Namespace,
    by_name: BTreeMap<String, Source>,
    /// Counts the changes of their contents.
    edition: u64,
    failures: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Source {
    content: Content,
    asking: Option<ExchangeId>,
    /// When it was answered for last.
    read: Option<Mono>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Content {
    /// Not read yet, for this reason.
    Unread(String),
    /// There is none.
    Missing,
    /// It may not be read.
    Forbidden(String),
    /// This.
    Known(SecretObject),
}

/// What a namespace gets of a source.
#[derive(Debug)]
pub enum Supply<'a> {
    /// Its content.
    Content(&'a SecretObject),
    /// It is being read.
    Awaited,
    /// There is none to be had.
    Refused(Status),
}

/// A Secret, as far as it is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretObject {
    /// Name and labels.
    pub metadata: SecretMeta,
    /// What kind of secret it is; it cannot be changed.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What is in it, in base64.
    #[serde(default)]
    pub data: SecretData,
}

/// `metadata` of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretMeta {
    /// The name.
    pub name: String,
    /// The version.
    #[serde(default)]
    pub resource_version: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// `data` of a Secret: its values do not print.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct SecretData(pub BTreeMap<String, Secret>);

impl SecretData {
    /// What stands for it where it is compared.
    #[must_use]
    pub fn stand_ins(&self, mask: &Mask) -> BTreeMap<&str, String> {
        self.0.iter().map(|(key, value)| (key.as_str(), mask.stand_in(value.reveal()))).collect()
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretData({} entries)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for SecretData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let data: Option<BTreeMap<String, String>> = Option::deserialize(deserializer)?;
        Ok(Self(data.unwrap_or_default().into_iter().map(|(key, value)| (key, Secret::new(value))).collect()))
    }
}

impl Sources {
    /// Those that the settings name, not read yet.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let unread = || Source { content: Content::Unread("it has not been read yet".into()), asking: None, read: None };
        let by_name = names(config).map(|name| (name.to_owned(), unread())).collect();
        Self { namespace: config.namespace.clone(), by_name, edition: 0, failures: 0 }
    }

    /// What is in those that are known, by name.
    pub fn known(&self) -> impl Iterator<Item = (&str, &SecretData)> {
        self.by_name.iter().filter_map(|(name, source)| match &source.content {
            Content::Known(secret) => Some((name.as_str(), &secret.data)),
            Content::Unread(_) | Content::Missing | Content::Forbidden(_) => None,
        })
    }

    /// Takes what is in one from a recording.
    pub fn put_back(&mut self, name: &str, data: SecretData) {
        if let Some(Source { content: Content::Known(secret), .. }) = self.by_name.get_mut(name) {
            secret.data = data;
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Counts the changes of their contents.
    #[must_use]
    pub const fn edition(&self) -> u64 {
        self.edition
    }

    /// Reads all of them.
    pub fn read_all(&mut self, turn: &mut Turn<'_>) {
        turn.set(Timer::Sources, turn.now().mono.after(limits::SOURCES_INTERVAL));
        for name in self.by_name.keys().cloned().collect::<Vec<_>>() {
            self.read(turn, &name);
        }
    }

    fn read(&mut self, turn: &mut Turn<'_>, name: &str) {
        if let Some(source) = self.by_name.get_mut(name).filter(|source| source.asking.is_none()) {
            let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
            let request = path::source(&self.namespace, name);
            source.asking = Some(turn.exchange(Waiter::Source(name.to_owned()), Lane::Lists, request, deadline));
        }
    }

    /// What there is to copy, for somebody whose try began at `since`: what was missing before is read once more.
    pub fn supply(&mut self, turn: &mut Turn<'_>, name: &str, since: Mono) -> Supply<'_> {
        let stale = self.by_name.get(name).is_some_and(|source| match &source.content {
            Content::Known(_) => false,
            Content::Unread(_) => true,
            Content::Missing | Content::Forbidden(_) => source.read.is_none_or(|read| read < since),
        });
        if stale {
            self.read(turn, name);
            return Supply::Awaited;
        }
        let namespace = &self.namespace;
        match self.by_name.get(name).map(|source| &source.content) {
            Some(Content::Known(secret)) => Supply::Content(secret),
            Some(Content::Unread(_)) => Supply::Awaited,
            Some(Content::Forbidden(why)) => Supply::Refused(Status::failed_precondition(format!(
                "the driver may not read Secret {namespace}/{name}, which every workspace needs a copy of: {why}; add to its Role in {namespace}: \
                 {{apiGroups: [\"\"], resources: [secrets], resourceNames: [{name}], verbs: [get]}}"
            ))),
            Some(Content::Missing) | None => Supply::Refused(Status::failed_precondition(format!(
                "Secret {name}, which every workspace needs a copy of, does not exist in namespace {namespace}: create it there, or take it out of the driver's flags"
            ))),
        }
    }

    /// An answer came, or did not.
    pub fn answered(&mut self, turn: &mut Turn<'_>, name: &str, result: Result<Response, Fault>) {
        let Some(source) = self.by_name.get_mut(name) else { return };
        source.asking = None;
        let verdict = Verdict::of(result);
        turn.met("source", "reading", verdict.name());
        let content = match verdict {
            Verdict::Done(response) => match serde_json::from_slice::<SecretObject>(&response.body.0) {
                Ok(secret) => Content::Known(secret),
                Err(_) => Content::Unread("the API server's answer cannot be read".into()),
            },
            Verdict::Absent(_) | Verdict::NoNamespace(_) => Content::Missing,
            Verdict::Refused(error) if error.status == 403 => Content::Forbidden(error.to_string()),
            other => Content::Unread(other.trouble().why),
        };
        let secret = format!("{}/{name}", self.namespace);
        match (&source.content, content) {
            (_, Content::Unread(reason)) => {
                self.failures = self.failures.saturating_add(1);
                let pause = turn.backoff(Dice::Namespaces, self.failures, limits::INFORMER_BACKOFF_MAX);
                turn.set(Timer::Sources, turn.now().mono.after(pause));
                turn.note(Note::SourceUnread { secret, reason });
                return;
            }
            (Content::Known(before), Content::Known(now)) if before.kind == now.kind && before.data == now.data => {}
            (Content::Known(_), Content::Missing | Content::Forbidden(_)) => {
                turn.note(Note::SourceUnread {
                    secret,
                    reason: "it is not there any more, or may not be read; the copies stay as they are".into(),
                });
            }
            (_, Content::Known(now)) => {
                source.content = Content::Known(now);
                self.edition += 1;
            }
            (_, other) => source.content = other,
        }
        self.failures = 0;
        source.read = Some(turn.now().mono);
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        for source in self.by_name.values_mut() {
            if let Some(exchange) = source.asking.take() {
                turn.abort_exchange(exchange);
            }
        }
        turn.unset(&Timer::Sources);
    }
}

/// The secrets that pods need, by name.
pub fn names(config: &Config) -> impl Iterator<Item = &str> {
    let pod = &config.pod;
    pod.image_pull_secrets.iter().map(String::as_str).chain(pod.client_tls_secret.as_deref())
}
