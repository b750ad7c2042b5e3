//! What is known of the API server itself.

use serde::{Deserialize, Serialize};

use crate::config::Sideload;
use crate::core::io::{ExchangeId, Fault, Lane, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::path;
use crate::core::kube::version::ServerVersion;
use crate::core::limits;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// The API server's version, where a setting depends on it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Server {
    wanted: Sideload,
    version: Option<ServerVersion>,
    asking: Option<ExchangeId>,
    failures: u32,
}

impl Server {
    /// Nothing known yet.
    #[must_use]
    pub const fn new(wanted: Sideload) -> Self {
        Self { wanted, version: None, asking: None, failures: 0 }
    }

    /// The version, once it is known.
    #[must_use]
    pub const fn version(&self) -> Option<ServerVersion> {
        self.version
    }

    /// Asks, if anything depends on the answer.
    pub fn ask(&mut self, turn: &mut Turn<'_>) {
        if self.wanted == Sideload::Auto {
            let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
            self.asking = Some(turn.exchange(Waiter::ServerVersion, Lane::Lists, path::server_version(), deadline));
        }
    }

    /// An answer came. Until there is one, the way that works on every server is taken; an answer that is no version is not asked for again soon.
    pub fn answered(&mut self, turn: &mut Turn<'_>, result: Result<Response, Fault>) {
        self.asking = None;
        let verdict = Verdict::of(result);
        turn.met("server_version", "asking", verdict.name());
        if let Verdict::Done(response) = verdict
            && let Ok(version) = ServerVersion::parse(&response.body)
        {
            self.version = Some(version);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = turn.backoff(Dice::Main, self.failures, limits::INFORMER_BACKOFF_MAX);
        turn.set(Timer::ServerVersion, turn.now().mono.after(pause));
    }

    /// Nothing more is asked.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        if let Some(exchange) = self.asking.take() {
            turn.abort_exchange(exchange);
        }
        turn.unset(&Timer::ServerVersion);
    }
}
