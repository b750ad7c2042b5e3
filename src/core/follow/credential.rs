//! The gateway's token of a sandbox, as a Secret that the Sandbox owns. Facts: gateway-observed.md §3 (it is sent once), gateway.md §5.4.
//!
//! It comes with the create and never again, so it is held until it is stored, and that it is stored is then written on the Sandbox: whoever comes
//! after us knows without being able to read a Secret. Each create brings one, so there are never more of these than calls.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::render::metadata;
use crate::contract::messages::compute as pb;
use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::{Trouble, Verdict};
use crate::core::kube::path::{Sandboxes, keys};
use crate::core::kube::sandbox::Sandbox;
use crate::core::limits;
use crate::core::names::{ObjectName, SandboxId, Uid};
use crate::core::note::Note;
use crate::core::observe::birth::SOURCE;
use crate::core::observe::sandbox::{Life, Observed, Token};
use crate::core::observe::{Cluster, snapshot};
use crate::core::render::credential::{SECRET_KEY, secret_name};
use crate::core::secret::{Body, Secret};
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// Tokens on their way into Secrets, and Sandboxes whose token is nowhere.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Credentials {
    held: BTreeMap<SandboxId, Held>,
    missed: BTreeMap<SandboxId, Missed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    /// Absent once it is stored.
    token: Option<Secret>,
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// The Sandbox has not been seen, or the pause is not over.
    Waiting,
    /// A request is out for the Sandbox of some UID.
    Acting(ExchangeId, Act),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Act {
    /// Creating the Secret.
    Store,
    /// Writing on the Sandbox that it is stored.
    Mark,
}

/// A Sandbox that waits for a token we do not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Missed {
    /// Another driver of the same gateway may be storing it.
    Perhaps(Uid),
    /// Nobody is.
    Lost(Uid),
}

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Store => "storing",
            Self::Mark => "marking",
        }
    }
}

impl Credentials {
    /// Whether nothing is held.
    #[must_use]
    pub fn are_stored(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes the token of a Sandbox that has just been created.
    pub fn entrust(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, token: Secret) {
        // Should the Sandbox never be seen, it is not held for ever.
        turn.set(Timer::Token(id.clone()), turn.now().mono.after(limits::TOKEN_HELD));
        self.held.entry(id.clone()).or_insert(Held { token: Some(token), state: State::Waiting, failures: 0 });
        self.consider(turn, cluster, id);
    }

    /// Looks at a sandbox that may have changed.
    pub fn consider(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        let observed = cluster.find(id);
        let is_ready = observed.is_some_and(Observed::is_ready);
        let seen = observed.map(|observed| (observed.life, observed.token, observed.uid.clone()));
        match (seen, self.held.get(id).map(|held| held.state)) {
            // Not seen yet.
            (None, Some(State::Waiting)) => {}
            (None | Some((Life::Deleting, ..) | (_, Token::Stored | Token::NotAwaited, _)), _) => self.forget(turn, cluster, id),
            (Some((Life::Alive, Token::Awaited, _)), Some(State::Waiting)) if self.failures(id) == 0 => self.act(turn, cluster, id),
            (Some((Life::Alive, Token::Awaited, _)), Some(_)) => {}
            // Its pod could not have started without the Secret: only the note is missing.
            (Some((Life::Alive, Token::Awaited, _)), None) if is_ready => {
                self.forget(turn, cluster, id);
                self.held.insert(id.clone(), Held { token: None, state: State::Waiting, failures: 0 });
                self.act(turn, cluster, id);
            }
            (Some((Life::Alive, Token::Awaited, uid)), None) => self.miss(turn, id, uid),
        }
    }

    fn failures(&self, id: &SandboxId) -> u32 {
        self.held.get(id).map_or(0, |held| held.failures)
    }

    fn miss(&mut self, turn: &mut Turn<'_>, id: &SandboxId, uid: Uid) {
        let known = self.missed.get(id).is_some_and(|missed| matches!(missed, Missed::Perhaps(of) | Missed::Lost(of) if *of == uid));
        if !known {
            self.missed.insert(id.clone(), Missed::Perhaps(uid));
            turn.set(Timer::Token(id.clone()), turn.now().mono.after(limits::TOKEN_PATIENCE));
        }
    }

    fn act(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, id: &SandboxId) {
        let (Some(held), Some(observed)) = (self.held.get_mut(id), cluster.find(id)) else { return };
        let api = cluster.api();
        let (act, request) = match &held.token {
            Some(token) => (Act::Store, api.create_secret(observed.object.namespace(), secret(api, observed, token))),
            None => (Act::Mark, api.annotate(&observed.object, &observed.uid, keys::TOKEN, Token::STORED)),
        };
        turn.unset(&Timer::Token(id.clone()));
        let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
        held.state = State::Acting(turn.exchange(Waiter::Token(id.clone()), Lane::Requests, request, deadline), act);
    }

    /// An answer came.
    pub fn answered(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, result: Result<Response, Fault>) {
        let Some(held) = self.held.get_mut(id) else { return };
        let State::Acting(_, act) = held.state else { return };
        held.state = State::Waiting;
        let verdict = Verdict::of(result);
        turn.met("credential", act.name(), verdict.name());
        let doing = match act {
            Act::Store => "storing the sandbox's token as a Secret",
            Act::Mark => "noting on the Sandbox that its token is stored",
        };
        match (act, verdict) {
            // The name is this sandbox's alone, so what has it is of an earlier try, whose answer was lost.
            (Act::Store, Verdict::Done(_) | Verdict::Exists(_)) => {
                held.token = None;
                held.failures = 0;
                self.act(turn, cluster, id);
            }
            (Act::Mark, Verdict::Done(response)) => {
                self.forget(turn, cluster, id);
                if let Ok(object) = serde_json::from_slice::<Sandbox>(&response.body.0) {
                    cluster.learn(turn, object);
                }
            }
            (Act::Mark, Verdict::Absent(_)) => self.forget(turn, cluster, id),
            (_, other) => self.later(turn, id, doing, &other.trouble()),
        }
    }

    fn later(&mut self, turn: &mut Turn<'_>, id: &SandboxId, doing: &str, trouble: &Trouble) {
        let Some(held) = self.held.get_mut(id) else { return };
        held.failures = held.failures.saturating_add(1);
        turn.note(Note::TokenNotStored { sandbox: id.clone(), reason: format!("{doing} failed: {}", trouble.why) });
        let pause: Duration = turn.backoff(Dice::Main, held.failures, limits::FOLLOW_BACKOFF_MAX);
        let pause = trouble.retry_after.map_or(pause, |asked| asked.max(pause));
        turn.set(Timer::Token(id.clone()), turn.now().mono.after(pause));
    }

    /// The time has come: to try again, or to give up hope.
    pub fn due(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        if self.held.contains_key(id) {
            turn.met("credential", "pausing", "retry");
            match cluster.find(id) {
                Some(_) => self.act(turn, cluster, id),
                None => self.forget(turn, cluster, id),
            }
            return;
        }
        let Some(Missed::Perhaps(uid)) = self.missed.get(id).cloned() else { return };
        if !cluster.find(id).is_some_and(|observed| observed.uid == uid && observed.token == Token::Awaited) {
            return;
        }
        turn.met("credential", "missing", "given_up");
        self.missed.insert(id.clone(), Missed::Lost(uid));
        turn.note(Note::TokenNotStored { sandbox: id.clone(), reason: LOST.into() });
        cluster.remark(turn, id, snapshot::TOKEN, Some(lost()));
        let event = pb::WatchSandboxesPlatformEvent {
            sandbox_id: id.as_str().into(),
            event: Some(pb::DriverPlatformEvent {
                timestamp_ms: turn.now().wall.0,
                event_time: None,
                source: SOURCE.into(),
                r#type: "Warning".into(),
                reason: REASON.into(),
                message: LOST.into(),
                metadata: BTreeMap::new(),
            }),
        };
        cluster.happened(turn, event);
    }

    fn forget(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        let held = self.held.remove(id);
        let missed = self.missed.remove(id);
        if held.is_some() || missed.is_some() {
            turn.unset(&Timer::Token(id.clone()));
        }
        if let Some(Held { state: State::Acting(exchange, _), .. }) = held {
            turn.abort_exchange(exchange);
        }
        if matches!(missed, Some(Missed::Lost(_))) {
            cluster.remark(turn, id, snapshot::TOKEN, None);
        }
    }

    /// Nothing new is begun; what is under way is still carried out, because the token is nowhere else.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.missed.clear();
        let idle: Vec<SandboxId> = self.held.iter().filter(|(_, held)| held.state == State::Waiting).map(|(id, _)| id.clone()).collect();
        for id in idle {
            self.held.remove(&id);
            turn.unset(&Timer::Token(id.clone()));
            turn.note(Note::TokenNotStored { sandbox: id, reason: "the driver was told to stop before it could be".into() });
        }
    }
}

const REASON: &str = "TokenLost";
const LOST: &str = "the gateway's token of this sandbox is lost: a driver ended after it had created the Sandbox and before it had stored the token, which the gateway \
                    sends once. The sandbox cannot prove who it is: delete it and create it again";

fn lost() -> pb::DriverCondition {
    pb::DriverCondition {
        r#type: snapshot::TOKEN.into(),
        status: "False".into(),
        reason: REASON.into(),
        message: LOST.into(),
        last_transition_time: String::new(),
        transition_time: None,
    }
}

fn secret(api: &Sandboxes, observed: &Observed, token: &Secret) -> Body {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        // Kubelet need not watch it, and nobody can slip in another.
        "immutable": true,
        "stringData": { SECRET_KEY: token.reveal() },
    });
    if let (Some(object), Ok(name)) = (object.as_object_mut(), ObjectName::parse(&secret_name(&observed.id))) {
        object.insert("metadata".into(), Value::Object(metadata(api, observed, &observed.object.sibling(name))));
    }
    Body::json(&object)
}
