//! Is it really gone? A watch says DELETED also when somebody took a label away, and a list shows only what has our labels; but the gateway
//! destroys everything it knows of a sandbox when told that it was deleted. So every disappearance is asked about, once, by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::path::Sandboxes;
use crate::core::kube::sandbox::Sandbox;
use crate::core::limits;
use crate::core::names::{ObjectName, Uid};
use crate::core::turn::{Timer, Turn, Waiter};

/// Disappearances being looked into.
#[derive(Debug, Default)]
pub struct Confirmations {
    asked: BTreeMap<ObjectName, Asked>,
    /// Waiting for one of the others to be answered.
    waiting: BTreeSet<ObjectName>,
    in_flight: usize,
}

#[derive(Debug)]
struct Asked {
    uid: Uid,
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Its turn has not come.
    Queued,
    /// The API server has been asked.
    InFlight(ExchangeId),
    /// It is asked again when the timer fires.
    Pausing,
}

/// What an answer means.
#[derive(Debug)]
pub enum Finding {
    /// Nothing yet.
    Nothing,
    /// The object of this UID is gone.
    Gone(Uid),
    /// An object of this name exists; it may be another one.
    Alive {
        /// The UID that was asked about.
        asked: Uid,
        /// What is there.
        object: Box<Sandbox>,
    },
}

impl Confirmations {
    /// Looks into the disappearance of an object, unless that is being done.
    pub fn ask(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, name: ObjectName, uid: Uid) {
        if self.asked.get(&name).is_some_and(|asked| asked.uid == uid && !matches!(asked.state, State::Pausing)) {
            return;
        }
        self.forget(turn, api, &name);
        self.asked.insert(name.clone(), Asked { uid, state: State::Queued, failures: 0 });
        self.waiting.insert(name);
        self.send(turn, api);
    }

    /// The object has been seen: no need to ask.
    pub fn forget(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, name: &ObjectName) {
        let Some(asked) = self.asked.remove(name) else { return };
        match asked.state {
            State::Queued => {
                self.waiting.remove(name);
            }
            State::InFlight(exchange) => {
                turn.abort_exchange(exchange);
                self.in_flight -= 1;
            }
            State::Pausing => turn.unset(&Timer::Confirmation(name.clone())),
        }
        self.send(turn, api);
    }

    /// An answer came.
    pub fn answered(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, name: &ObjectName, result: Result<Response, Fault>) -> Finding {
        let verdict = Verdict::of(result);
        turn.met("confirmation", "asking", verdict.name());
        let Some(asked) = self.asked.get_mut(name).filter(|asked| matches!(asked.state, State::InFlight(_))) else {
            return Finding::Nothing;
        };
        self.in_flight -= 1;
        asked.state = State::Pausing;
        let uid = asked.uid.clone();
        let finding = match verdict {
            Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                self.asked.remove(name);
                Finding::Gone(uid)
            }
            Verdict::Done(response) => match serde_json::from_slice(&response.body.0) {
                Ok(object) => Finding::Alive { asked: uid, object },
                Err(_) => self.pause(turn, name),
            },
            // Nothing is proven by any of these; in particular an API that is not served says nothing about what is stored.
            Verdict::Exists(_)
            | Verdict::Conflict(_)
            | Verdict::NoApi(_)
            | Verdict::Unauthorized(_)
            | Verdict::Refused(_)
            | Verdict::Busy(_)
            | Verdict::Unsure(_)
            | Verdict::NotSent(_) => self.pause(turn, name),
        };
        self.send(turn, api);
        finding
    }

    /// The object exists without our labels: no watch will tell when it goes, so it is looked at now and then.
    pub fn again_later(&mut self, turn: &mut Turn<'_>, name: &ObjectName) {
        if self.asked.contains_key(name) {
            turn.set(Timer::Confirmation(name.clone()), turn.now().mono.after(limits::RELABELLED_RECHECK));
        }
    }

    /// The pause is over.
    pub fn due(&mut self, turn: &mut Turn<'_>, api: &Sandboxes, name: &ObjectName) {
        if let Some(asked) = self.asked.get_mut(name) {
            asked.state = State::Queued;
            self.waiting.insert(name.clone());
            self.send(turn, api);
        }
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        for (name, asked) in std::mem::take(&mut self.asked) {
            match asked.state {
                State::InFlight(exchange) => turn.abort_exchange(exchange),
                State::Pausing => turn.unset(&Timer::Confirmation(name)),
                State::Queued => {}
            }
        }
        self.waiting.clear();
        self.in_flight = 0;
    }

    fn pause(&mut self, turn: &mut Turn<'_>, name: &ObjectName) -> Finding {
        if let Some(asked) = self.asked.get_mut(name) {
            asked.failures = asked.failures.saturating_add(1);
            let pause = turn.backoff(asked.failures, limits::INFORMER_BACKOFF_MAX);
            turn.set(Timer::Confirmation(name.clone()), turn.now().mono.after(pause));
        }
        Finding::Nothing
    }

    fn send(&mut self, turn: &mut Turn<'_>, api: &Sandboxes) {
        while self.in_flight < limits::CONFIRMATIONS_MAX {
            let Some(name) = self.waiting.pop_first() else { return };
            if let Some(asked) = self.asked.get_mut(&name) {
                let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
                let exchange = turn.exchange(Waiter::Confirmation(name.clone()), Lane::Lists, api.get(&name), deadline);
                asked.state = State::InFlight(exchange);
                self.in_flight += 1;
            }
        }
    }
}
