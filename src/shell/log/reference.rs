//! Every event of the log by its name, and the generated part of `docs/logs.md`.

use std::fmt::Write as _;

/// An event of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEvent {
    /// Its name, which stays.
    pub name: &'static str,
    /// At which levels it is logged.
    pub level: &'static str,
    /// What happened.
    pub meaning: &'static str,
}

macro_rules! events {
    ($($name:literal $level:literal $meaning:literal)*) => {
        /// Every event, by name.
        pub const EVENTS: &[LogEvent] = &[$(LogEvent { name: $name, level: $level, meaning: $meaning }),*];
    };
}

events! {
    "admission_unknown" "WARN" "It cannot be read whether a namespace lets sandbox pods in; tried again."
    "admits" "INFO" "A namespace lets sandbox pods in."
    "adopted" "INFO" "A create met its own object, left by an earlier try, and took it."
    "api_certificate_not_verified" "WARN" "The kubeconfig says so and `--kube-insecure` allows it."
    "api_connected" "DEBUG" "A connection to the API server is open."
    "api_connection_ended" "DEBUG" "A connection to the API server ended, and why."
    "api_connection_silent" "DEBUG" "A connection to the API server said nothing for too long; the next request opens another."
    "api_server" "INFO" "Which API server is asked, and with whose credentials."
    "bad_line" "WARN" "A line of a watch could not be read; everything of that kind is listed again."
    "became" "INFO, WARN when it failed" "A sandbox that was known does something else now: `state`."
    "called" "INFO; DEBUG for reads that were answered" "A call of the gateway ended: `rpc`, `code`, `ms`, and `reason` where it was refused."
    "claimed" "INFO" "The gateway asks again for a sandbox that had been reported as `unclaimed`."
    "examining" "DEBUG" "A namespace is read for the first time, whether it lets sandbox pods in; the socket is bound when that is known."
    "given_up" "WARN" "A sandbox did not get ready in the time that `--terminal-after-secs` gives it: the gateway is told that it is lost."
    "grpc_accept_failed" "WARN" "A connection on the private socket could not be accepted."
    "grpc_connection_ended" "DEBUG" "A connection on the private socket ended, and why."
    "grpc_peer_refused" "WARN" "Somebody connected to the private socket who may not."
    "grpc_too_many_connections" "WARN" "A connection on the private socket was closed because too many are open."
    "health_accept_failed" "WARN" "A connection on the health port could not be accepted."
    "health_connection_ended" "DEBUG" "A connection on the health port ended otherwise than by an answer, and why."
    "health_listening" "INFO" "Where health and metrics are served."
    "last_words_unread" "DEBUG" "A client did not read what it was told when the driver stopped."
    "leaving" "WARN" "A second signal, or a stop that took too long: what is in flight is left."
    "listing" "DEBUG" "A kind of object is listed from the beginning: `kind`, `reason`."
    "log_already_set_up" "DEBUG" "Somebody else has set up the log of this process."
    "met" "DEBUG" "A machine of the core in this state met this."
    "namespaces_chosen" "INFO" "Other namespaces are chosen for workspaces than before (`--workspace-mode operator`)."
    "namespaces_unread" "WARN" "The file that lists namespaces cannot be used; those that it listed before stay."
    "no_sandbox_id" "WARN" "An object has our labels, but no sandbox id; it is left alone."
    "not_exposed" "WARN" "A sandbox that is to be exposed is not, and why."
    "not_observing" "WARN" "A kind of object cannot be observed: `kind`, `reason`, and `ms` until the next try."
    "open_to_anybody" "WARN" "Every sandbox is exposed, and nobody is asked who they are."
    "overdue" "WARN" "A controller does not act, or a deletion does not come to an end: `reason`."
    "policy_not_written" "WARN" "Sandboxes are to be shut in by a network policy that the driver does not write here."
    "reader_too_slow" "WARN" "A stream's reader fell too far behind and was sent away to start over."
    "reader_waited_for" "DEBUG" "Events had to wait for a stream's reader: how many (`count`) and up to how long (`ms`)."
    "ready" "INFO" "The private socket is bound; the gateway can connect."
    "recording" "INFO" "What goes in and comes out is recorded, and where it would be written."
    "recording_failed" "ERROR" "What was recorded could not be written, and why."
    "recording_off" "WARN" "SIGUSR1 came, but nothing is recorded."
    "recording_written" "INFO" "What was recorded is in this file: `reason` is SIGUSR1, panic or exit."
    "refuses" "WARN" "A namespace does not enforce the Pod Security level privileged, and refuses sandbox pods."
    "relabelled" "WARN" "A Sandbox lost the labels by which it is found, but exists."
    "released" "INFO" "A deletion that waited for a pod which the garbage collector had overlooked was let go."
    "relisting" "INFO" "The history of a watch is gone (410); everything of that kind is listed again."
    "rust_log_ignored" "WARN" "`RUST_LOG` is not understood."
    "seed" "DEBUG" "The seed of this run, on which only the jitter of pauses depends."
    "shared_sandbox_id" "WARN" "Several Sandboxes claim one id; `object` speaks for it."
    "socket_left_behind" "WARN" "The private socket could not be removed at the end."
    "source_unread" "WARN" "A secret that workspaces have copies of cannot be read."
    "speaking" "INFO" "Another version of the Sandbox resource is spoken from now on."
    "stopping" "INFO" "SIGTERM or SIGINT came: nothing new is taken, what is in flight is finished."
    "stray" "WARN" "A Sandbox may exist although the gateway was told that it does not."
    "stream_overrun" "ERROR" "A stream was given more events than it had credit for: a fault of the driver's; the stream is ended."
    "surveyed" "DEBUG" "Everything was counted, for who asked for metrics."
    "synced" "INFO" "Every sandbox is known; reads are served."
    "token_not_stored" "WARN" "The gateway's token of a sandbox could not be put into its Secret, or is lost; and why."
    "token_unreadable" "WARN" "The file of the bearer token could not be read again; the token it held before is used."
    "unclaimed" "WARN" "The gateway has not asked for a sandbox in several sweeps: a stray."
    "undone" "INFO" "A Sandbox whose create had been reported as failed was found and removed."
    "unknown_call" "DEBUG" "News for a call that has ended."
    "unknown_exchange" "DEBUG" "An answer that nobody waits for."
    "unknown_watch" "DEBUG" "A line of a watch that nobody waits for."
    "watch_silent" "WARN" "A watch was silent for too long; everything of that kind is listed again."
    "watching" "DEBUG" "A watch is opened: `kind`, `reason`."
    "workspace_created" "INFO" "The namespace of a workspace was created."
    "workspace_deleted" "INFO" "The deletion of a workspace's namespace was accepted."
    "workspace_foreign" "WARN" "A workspace was deleted whose namespace is somebody else's; that one is left alone."
    "workspace_ready" "INFO" "The namespace of a workspace is there, with everything in it."
    "workspace_refused" "WARN" "The namespace of a workspace cannot be prepared, or brought up to date, and why."
}

/// A table of the events.
#[must_use]
pub fn events() -> String {
    let mut text = String::from("| Event | Level | What happened |\n|---|---|---|\n");
    for event in EVENTS {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| `{}` | {} | {} |", event.name, event.level, event.meaning);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::core::note::Note;

    /// The names of all events in `tracing::…!(event = "…", …)` of a directory, and how many lines are logged without one.
    fn logged(directory: &Path, names: &mut BTreeSet<String>, nameless: &mut Vec<String>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                logged(&path, names, nameless);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let text = text.split("mod tests {").next().unwrap_or_default().to_owned();
                for level in ["trace", "debug", "info", "warn", "error"] {
                    for rest in text.split(&format!("tracing::{level}!(")).skip(1) {
                        match rest.trim_start().strip_prefix("event = \"").and_then(|rest| rest.split_once('"')) {
                            Some((event, _)) => drop(names.insert(event.to_owned())),
                            None => nameless.push(format!("{name}: {}", rest.lines().next().unwrap_or_default())),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_line_has_an_event_and_every_event_is_in_the_table_once() {
        let (mut names, mut nameless) = (BTreeSet::new(), Vec::new());
        logged(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shell"), &mut names, &mut nameless);
        assert_eq!(nameless, [""; 0], "lines without an event");
        names.extend(Note::EVENTS.iter().map(|event| (*event).to_owned()));
        let listed: Vec<String> = EVENTS.iter().map(|event| event.name.to_owned()).collect();
        assert!(listed.is_sorted(), "the table is not in order");
        assert_eq!(listed, names.into_iter().collect::<Vec<_>>());
    }
}
