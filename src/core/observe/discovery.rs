//! Which version of the resource to speak.
//!
//! The newest is assumed, and asked about only when the server says that it is not there: a cluster that is up to date costs no request. While the
//! old one is spoken it is asked about every minute, because the server may be brought up to date under us, and then copies what we write in the
//! old version, tokens included, into an annotation.

use serde::{Deserialize, Serialize};

use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::path::{self, ApiVersion};
use crate::core::limits;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// What is known of the versions served.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Discovery {
    asking: Option<ExchangeId>,
    failures: u32,
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<Served>,
}

#[derive(Deserialize)]
struct Served {
    version: String,
}

impl Discovery {
    /// Asks, unless that is being done.
    pub fn ask(&mut self, turn: &mut Turn<'_>) {
        if self.asking.is_none() {
            turn.unset(&Timer::Discovery);
            let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
            self.asking = Some(turn.exchange(Waiter::Discovery, Lane::Lists, path::served_versions(), deadline));
        }
    }

    /// An answer came: the version to speak, if it says one. A resource that is not served at all is waited for by whoever misses it.
    pub fn answered(&mut self, turn: &mut Turn<'_>, spoken: ApiVersion, result: Result<Response, Fault>) -> Option<ApiVersion> {
        self.asking = None;
        let verdict = Verdict::of(result);
        turn.met("discovery", "asking", verdict.name());
        let served = match verdict {
            Verdict::Done(response) => serde_json::from_slice::<Group>(&response.body.0).ok(),
            _ => None,
        };
        let serves = |group: &Group, version: ApiVersion| group.versions.iter().any(|served| served.version == version.as_str());
        let best =
            served.and_then(|group| [ApiVersion::V1Beta1, ApiVersion::V1Alpha1].into_iter().find(|version| serves(&group, *version)));
        self.failures = if best.is_some() { 0 } else { self.failures.saturating_add(1) };
        if best.unwrap_or(spoken) == ApiVersion::V1Alpha1 {
            let pause = match best {
                Some(_) => limits::DISCOVERY_INTERVAL,
                None => turn.backoff(Dice::Main, self.failures, limits::INFORMER_BACKOFF_MAX),
            };
            turn.set(Timer::Discovery, turn.now().mono.after(pause));
        }
        best
    }

    /// Whether an answer is on its way.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        if let Some(exchange) = self.asking.take() {
            turn.abort_exchange(exchange);
        }
        turn.unset(&Timer::Discovery);
    }
}
