//! Every transition there is: for each machine its states, and for each state what can meet it. `tests/vectors` fails when one of them has no
//! vector, or when a vector shows one that is not listed.

use super::kube::answer::Verdict;

/// One state of a machine and what can meet it.
struct State {
    machine: &'static str,
    name: &'static str,
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
    State {
        machine: "create",
        name: "pausing_to_post",
        exchange: Exchange::None,
        others: &["begin", "retry", "roused", "cancelled", "deadline"],
    },
    State { machine: "create", name: "posting", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "create", name: "reading", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "create", name: "pausing_to_read", exchange: Exchange::None, others: &["retry", "roused", "cancelled", "deadline"] },
    State { machine: "create", name: "pausing_to_search", exchange: Exchange::None, others: &["retry", "deadline"] },
    State { machine: "create", name: "searching", exchange: Exchange::Out, others: &["deadline"] },
    State { machine: "create", name: "removing", exchange: Exchange::Out, others: &["deadline"] },
    State { machine: "get", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "roused", "cancelled", "deadline"] },
    State { machine: "get", name: "finding", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "delete", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "roused", "cancelled", "deadline"] },
    State { machine: "delete", name: "awaiting_create", exchange: Exchange::None, others: &["roused", "cancelled", "deadline"] },
    State { machine: "delete", name: "finding", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "delete", name: "deleting", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "start", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "roused", "cancelled", "deadline"] },
    State { machine: "start", name: "finding", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "start", name: "patching", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "stop", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "roused", "cancelled", "deadline"] },
    State { machine: "stop", name: "finding", exchange: Exchange::Out, others: &["roused", "cancelled", "deadline"] },
    State { machine: "stop", name: "patching", exchange: Exchange::Out, others: &["roused", "cancelled", "deadline"] },
    State { machine: "stop", name: "waiting", exchange: Exchange::None, others: &["roused", "retry", "cancelled", "deadline"] },
    State { machine: "stop", name: "looking", exchange: Exchange::Out, others: &["roused", "cancelled", "deadline"] },
    State { machine: "validate", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "cancelled", "deadline"] },
    State { machine: "validate", name: "asking", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "list", name: "cold", exchange: Exchange::None, others: &["begin", "cancelled", "deadline"] },
    State { machine: "list", name: "fresh", exchange: Exchange::None, others: &["begin", "roused"] },
    State { machine: "list", name: "stale", exchange: Exchange::None, others: &["begin"] },
    State { machine: "watch", name: "waiting", exchange: Exchange::None, others: &["begin", "cancelled", "deadline"] },
    State { machine: "watch", name: "open", exchange: Exchange::None, others: &["begin", "roused", "cancelled", "deadline"] },
    State { machine: "informer", name: "listing", exchange: Exchange::Out, others: &[] },
    State {
        machine: "informer",
        name: "watching",
        exchange: Exchange::None,
        others: &["silence", "expired", "error_line", "bad_line", "clean_end", "early_end", "broken", "refused"],
    },
    State { machine: "exposing", name: "posting", exchange: Exchange::Out, others: &[] },
    State { machine: "exposing", name: "patching", exchange: Exchange::Out, others: &[] },
    State { machine: "exposing", name: "reading", exchange: Exchange::Out, others: &[] },
    State { machine: "exposing", name: "pausing", exchange: Exchange::None, others: &["retry"] },
    State { machine: "credential", name: "storing", exchange: Exchange::Out, others: &[] },
    State { machine: "credential", name: "marking", exchange: Exchange::Out, others: &[] },
    State { machine: "credential", name: "pausing", exchange: Exchange::None, others: &["retry"] },
    State { machine: "credential", name: "missing", exchange: Exchange::None, others: &["given_up"] },
    State { machine: "domain", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "confirmation", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "look", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "execution", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "release", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "create", name: "awaiting_namespace", exchange: Exchange::None, others: &["roused", "cancelled", "deadline"] },
    State { machine: "ensure_workspace", name: "waiting", exchange: Exchange::None, others: &["begin", "roused", "cancelled", "deadline"] },
    State { machine: "delete_workspace", name: "pausing", exchange: Exchange::None, others: &["begin", "retry", "cancelled", "deadline"] },
    State { machine: "delete_workspace", name: "reading", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "delete_workspace", name: "deleting", exchange: Exchange::Out, others: &["cancelled", "deadline"] },
    State { machine: "household", name: "reading", exchange: Exchange::Out, others: &[] },
    State { machine: "household", name: "creating", exchange: Exchange::Out, others: &[] },
    State { machine: "household", name: "patching", exchange: Exchange::Out, others: &[] },
    State { machine: "source", name: "reading", exchange: Exchange::Out, others: &[] },
    State { machine: "pod_security", name: "reading", exchange: Exchange::Out, others: &[] },
    State { machine: "pod_security", name: "reading_again", exchange: Exchange::Out, others: &[] },
    State { machine: "discovery", name: "asking", exchange: Exchange::Out, others: &[] },
    State { machine: "chosen", name: "unknown", exchange: Exchange::None, others: &["listed", "read", "unread"] },
    State { machine: "chosen", name: "known", exchange: Exchange::None, others: &["listed", "changed", "removed", "read", "unread"] },
    State { machine: "server_version", name: "asking", exchange: Exchange::Out, others: &[] },
];

/// Every transition, as machine, state, and what is met.
pub fn all() -> impl Iterator<Item = [&'static str; 3]> {
    STATES.iter().flat_map(|state| {
        let verdicts: &'static [&'static str] = match state.exchange {
            Exchange::Out => &Verdict::NAMES,
            Exchange::None => &[],
        };
        verdicts.iter().chain(state.others).map(|met| [state.machine, state.name, *met])
    })
}
