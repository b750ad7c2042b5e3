//! Live looks at single objects, where what is observed is not proof enough.
//!
//! *Is it really gone?* A watch says DELETED also when somebody took a label away, and a list shows only what has our labels; but the gateway
//! destroys everything it knows of a sandbox when told that it was deleted. *Has it really ended?* A pod that is being deleted may fail on its way
//! out and be replaced; but the gateway never forgets an error. So both are asked about, by name, before the gateway hears of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::io::{ExchangeId, Fault, HttpRequest, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::limits;
use crate::core::names::Uid;
use crate::core::territory::ObjectKey;
use crate::core::turn::{Dice, Question, Timer, Turn, Waiter};

/// Looks of one kind.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lookups {
    question: Question,
    asked: BTreeMap<ObjectKey, Asked>,
    /// Waiting for one of the others to be answered.
    waiting: BTreeSet<ObjectKey>,
    in_flight: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    /// What the question is about: the UID of the Sandbox that disappeared or is finished.
    uid: Uid,
    request: HttpRequest,
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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
    /// Nothing of this name is there.
    Absent(Uid),
    /// Something of this name is there, and this is it. The question stays open until it is closed.
    Present(Uid, Response),
}

impl Lookups {
    /// No looks yet.
    #[must_use]
    pub const fn new(question: Question) -> Self {
        Self { question, asked: BTreeMap::new(), waiting: BTreeSet::new(), in_flight: 0 }
    }

    /// How many wait for one of the others to be answered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    const fn machine(&self) -> &'static str {
        match self.question {
            Question::IsGone => "confirmation",
            Question::HasEnded => "look",
            Question::GoesNow => "execution",
            Question::LetsGo => "release",
        }
    }

    /// Looks, unless that is being done.
    pub fn ask(&mut self, turn: &mut Turn<'_>, key: ObjectKey, uid: Uid, request: HttpRequest) {
        if self.asked.get(&key).is_some_and(|asked| asked.uid == uid && !matches!(asked.state, State::Pausing)) {
            return;
        }
        self.close(turn, &key);
        self.asked.insert(key.clone(), Asked { uid, request, state: State::Queued, failures: 0 });
        self.waiting.insert(key);
        self.send(turn);
    }

    /// The question is answered, or of no interest any more.
    pub fn close(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        let Some(asked) = self.asked.remove(key) else { return };
        match asked.state {
            State::Queued => {
                self.waiting.remove(key);
            }
            State::InFlight(exchange) => {
                turn.abort_exchange(exchange);
                self.in_flight -= 1;
            }
            State::Pausing => turn.unset(&Timer::Lookup(self.question, key.clone())),
        }
        self.send(turn);
    }

    /// An answer came.
    pub fn answered(&mut self, turn: &mut Turn<'_>, key: &ObjectKey, result: Result<Response, Fault>) -> Finding {
        let verdict = Verdict::of(result);
        turn.met(self.machine(), "asking", verdict.name());
        let Some(asked) = self.asked.get_mut(key).filter(|asked| matches!(asked.state, State::InFlight(_))) else {
            return Finding::Nothing;
        };
        self.in_flight -= 1;
        asked.state = State::Pausing;
        let uid = asked.uid.clone();
        let finding = match verdict {
            Verdict::Absent(_) | Verdict::NoNamespace(_) => {
                self.asked.remove(key);
                Finding::Absent(uid)
            }
            Verdict::Done(response) => Finding::Present(uid, response),
            // Nothing is proven by any of these; in particular an API that is not served says nothing about what is stored.
            Verdict::Exists(_)
            | Verdict::Conflict(_)
            | Verdict::NoApi(_)
            | Verdict::Unauthorized(_)
            | Verdict::Refused(_)
            | Verdict::Busy(_)
            | Verdict::Unsure(_)
            | Verdict::NotSent(_) => {
                self.try_again(turn, key);
                Finding::Nothing
            }
        };
        self.send(turn);
        finding
    }

    /// What was found decides nothing: it is asked again, ever more seldom.
    pub fn try_again(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        if let Some(asked) = self.asked.get_mut(key) {
            asked.failures = asked.failures.saturating_add(1);
            let pause = turn.backoff(Dice::Main, asked.failures, limits::INFORMER_BACKOFF_MAX);
            turn.set(Timer::Lookup(self.question, key.clone()), turn.now().mono.after(pause));
        }
    }

    /// The object exists without our labels: no watch will tell when it goes, so it is looked at now and then.
    pub fn now_and_then(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        if self.asked.contains_key(key) {
            turn.set(Timer::Lookup(self.question, key.clone()), turn.now().mono.after(limits::RELABELLED_RECHECK));
        }
    }

    /// The pause is over.
    pub fn due(&mut self, turn: &mut Turn<'_>, key: &ObjectKey) {
        if let Some(asked) = self.asked.get_mut(key) {
            asked.state = State::Queued;
            self.waiting.insert(key.clone());
            self.send(turn);
        }
    }

    /// Nothing more is asked. Says what has not been answered.
    pub fn stop(&mut self, turn: &mut Turn<'_>) -> Vec<ObjectKey> {
        let mut unanswered = Vec::new();
        for (key, asked) in std::mem::take(&mut self.asked) {
            match asked.state {
                State::InFlight(exchange) => turn.abort_exchange(exchange),
                State::Pausing => turn.unset(&Timer::Lookup(self.question, key.clone())),
                State::Queued => {}
            }
            unanswered.push(key);
        }
        self.waiting.clear();
        self.in_flight = 0;
        unanswered
    }

    fn send(&mut self, turn: &mut Turn<'_>) {
        while self.in_flight < limits::LOOKUPS_MAX {
            let Some(key) = self.waiting.pop_first() else { return };
            if let Some(asked) = self.asked.get_mut(&key) {
                let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
                let waiter = Waiter::Lookup(self.question, key);
                asked.state = State::InFlight(turn.exchange(waiter, Lane::Lists, asked.request.clone(), deadline));
                self.in_flight += 1;
            }
        }
    }
}
