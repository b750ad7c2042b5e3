//! Every transition there is: for each machine its states, and for each state what can meet it. `tests/vectors` fails when one of them has no
//! vector, or when a vector shows one that is not listed.

use super::kube::answer::Verdict;

/// One state of a machine and what can meet it.
struct State {
    machine: &'static str,
    state: &'static str,
    /// Whether an exchange is out, so that every verdict can come.
    exchange: Exchange,
    /// What else can meet it.
    others: &'static [&'static str],
}

enum Exchange {
    Out,
    None,
}

const STATES: &[State] = &[
    State { machine: "create", state: "pausing_to_post", exchange: Exchange::None, others: &["begin", "retry", "cancelled", "deadline"] },
    State { machine: "create", state: "posting", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "create", state: "reading", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "create", state: "pausing_to_read", exchange: Exchange::None, others: &["retry", "cancelled", "deadline"] },
    State { machine: "create", state: "pausing_to_search", exchange: Exchange::None, others: &["retry", "deadline"] },
    State { machine: "create", state: "searching", exchange: Exchange::Out, others: &["deadline"] },
    State { machine: "create", state: "removing", exchange: Exchange::Out, others: &["deadline"] },
    State { machine: "get", state: "pausing", exchange: Exchange::None, others: &["begin", "retry", "cancelled", "deadline"] },
    State { machine: "get", state: "asking", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "delete", state: "pausing", exchange: Exchange::None, others: &["begin", "retry", "cancelled", "deadline"] },
    State { machine: "delete", state: "awaiting_create", exchange: Exchange::None, others: &["roused", "cancelled", "deadline"] },
    State { machine: "delete", state: "finding", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "delete", state: "deleting", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "list", state: "cold", exchange: Exchange::None, others: &["begin", "cancelled", "deadline"] },
    State { machine: "list", state: "fresh", exchange: Exchange::None, others: &["begin", "roused"] },
    State { machine: "list", state: "stale", exchange: Exchange::None, others: &["begin"] },
    State { machine: "watch", state: "waiting", exchange: Exchange::None, others: &["begin", "cancelled", "deadline"] },
    State { machine: "watch", state: "open", exchange: Exchange::None, others: &["begin", "roused", "cancelled", "deadline"] },
    State { machine: "informer", state: "listing", exchange: Exchange::Out, others: &[] },
    State {
        machine: "informer",
        state: "watching",
        exchange: Exchange::None,
        others: &["silence", "expired", "error_line", "bad_line", "clean_end", "early_end", "broken", "refused"],
    },
    State { machine: "confirmation", state: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "server_version", state: "asking", exchange: Exchange::Out, others: &[] },
];

/// Every transition, as machine, state, and what is met.
pub fn all() -> impl Iterator<Item = [&'static str; 3]> {
    STATES.iter().flat_map(|state| {
        let verdicts: &'static [&'static str] = match state.exchange {
            Exchange::Out => &Verdict::NAMES,
            Exchange::None => &[],
        };
        verdicts.iter().chain(state.others).map(|met| [state.machine, state.state, *met])
    })
}
