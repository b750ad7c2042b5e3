//! Whether the driver can do its work, and what is missing.
//!
//! Ready means: the gateway can connect, and everything in the namespace has been seen once. It stays ready when the API server goes away later:
//! the gateway in the same pod must go on, for it answers from its own database and sandboxes come back through it. How old the knowledge is then
//! stands in the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::core::kube::kind::Kind;
use crate::core::note::Note;

/// What has been reached.
#[derive(Debug, Default)]
pub(in crate::shell) struct Readiness {
    /// Namespaces that refuse sandbox pods, and the level they enforce.
    refusing: BTreeMap<String, String>,
    /// Namespaces of which it is not known yet whether they do.
    examined: BTreeSet<String>,
    homes: Homes,
    socket: Socket,
    kinds: BTreeMap<Kind, Sight>,
}

/// Where sandboxes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Homes {
    /// In one namespace, or in namespaces of ours: if one refuses their pods, work cannot be done.
    #[default]
    Ours,
    /// In namespaces that somebody chooses: one that refuses them is its own users' matter.
    Chosen,
}

/// The private socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::shell) enum Socket {
    /// Nobody can connect yet.
    #[default]
    Expected,
    /// The gateway can.
    Bound,
    /// Nobody can any more.
    Closed,
}

/// How a kind of object is observed.
#[derive(Debug, Default)]
struct Sight {
    synced: Synced,
    /// Why it cannot be observed at the moment.
    trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Synced {
    #[default]
    NotYet,
    Once,
}

/// One thing that is checked.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    name: &'static str,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Well,
    /// Worth knowing; nothing waits for it.
    Remark(String),
    /// Missing.
    Missing(String),
}

/// How much a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shell) enum Detail {
    /// What is missing.
    Missing,
    /// Everything.
    Everything,
}

/// What `/readyz` answers.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::shell) struct Report {
    /// Whether nothing is missing.
    pub(in crate::shell) is_ready: bool,
    /// The body.
    pub(in crate::shell) text: String,
}

impl Readiness {
    /// The socket has come this far.
    pub(in crate::shell) const fn socket(&mut self, socket: Socket) {
        self.socket = socket;
    }

    /// Takes a fact of the core's.
    pub(in crate::shell) fn note(&mut self, note: &Note) {
        match note {
            // A watch begins where a whole list ended.
            Note::Watching { kind, .. } => self.kinds.entry(*kind).or_default().see(),
            Note::Synced { .. } => self.kinds.entry(Kind::Sandboxes).or_default().see(),
            Note::Examining { namespace } => drop(self.examined.insert(namespace.clone())),
            Note::Refuses { namespace, level } => {
                self.examined.remove(namespace);
                self.refusing.insert(namespace.clone(), level.clone());
            }
            Note::Admits { namespace } => {
                self.examined.remove(namespace);
                self.refusing.remove(namespace);
            }
            Note::AdmissionUnknown { namespace, .. } => drop(self.examined.remove(namespace)),
            Note::NamespacesChosen { removed, .. } => {
                self.homes = Homes::Chosen;
                self.refusing.retain(|namespace, _| !removed.contains(namespace));
            }
            Note::NotObserving { kind, reason, .. } => self.kinds.entry(*kind).or_default().trouble = Some(reason.clone()),
            _ => {}
        }
    }

    /// Whether the gateway should be let in: everything has been seen once, and nothing is left that may show the cluster to be unfit.
    pub(in crate::shell) fn lets_in(&self) -> bool {
        self.examined.is_empty() && self.kinds.get(&Kind::Sandboxes).is_some_and(|sight| sight.synced == Synced::Once)
    }

    /// Whether nothing is missing.
    pub(in crate::shell) fn is_ready(&self) -> bool {
        self.checks().iter().all(|check| !matches!(check.state, State::Missing(_)))
    }

    /// What `/readyz` answers.
    pub(in crate::shell) fn report(&self, detail: Detail) -> Report {
        let is_ready = self.is_ready();
        if is_ready && detail == Detail::Missing {
            return Report { is_ready, text: "ok\n".into() };
        }
        let mut text = String::new();
        // Writing to a text cannot fail.
        for Check { name, state } in self.checks() {
            let _ = match state {
                State::Missing(why) => writeln!(text, "[-]{name}: {why}"),
                State::Well if detail == Detail::Everything => writeln!(text, "[+]{name} ok"),
                State::Remark(why) if detail == Detail::Everything => writeln!(text, "[ ]{name}: {why} (nothing waits for it)"),
                State::Well | State::Remark(_) => Ok(()),
            };
        }
        text.push_str(if is_ready { "readyz check passed\n" } else { "readyz check failed\n" });
        Report { is_ready, text }
    }

    fn checks(&self) -> Vec<Check> {
        let socket = match self.socket {
            Socket::Bound => State::Well,
            Socket::Expected => {
                State::Missing("the gateway's socket is not bound yet; it is when everything has been listed and the namespace read, or 5 s after the start".into())
            }
            Socket::Closed => State::Missing("the driver is stopping".into()),
        };
        let mut checks = vec![Check { name: "socket", state: socket }];
        let always = [("namespace", Kind::Sandboxes), ("pods", Kind::Pods), ("events", Kind::Events)];
        let others = self.kinds.keys().filter(|kind| always.iter().all(|(_, known)| known != *kind)).map(|kind| (kind.plural(), *kind));
        for (name, kind) in always.into_iter().chain(others) {
            let nothing = Sight::default();
            let sight = self.kinds.get(&kind).unwrap_or(&nothing);
            let trouble = || sight.trouble.clone().unwrap_or_else(|| format!("{kind} have not been listed yet"));
            let state = match (sight.synced, &sight.trouble, kind) {
                (Synced::NotYet, _, Kind::Sandboxes) => State::Missing(trouble()),
                (Synced::NotYet, ..) | (Synced::Once, Some(_), _) => State::Remark(trouble()),
                (Synced::Once, None, _) => State::Well,
            };
            checks.push(Check { name, state });
        }
        for namespace in &self.examined {
            let why = format!("it has not been read yet whether namespace {namespace} lets sandbox pods in");
            checks.push(Check { name: "pod-security", state: State::Missing(why) });
        }
        for (namespace, level) in &self.refusing {
            let level = if level.is_empty() { "no Pod Security level" } else { level };
            let why = format!("namespace {namespace} enforces {level}; sandboxes need privileged");
            let state = match self.homes {
                Homes::Ours => State::Missing(why),
                Homes::Chosen => State::Remark(why),
            };
            checks.push(Check { name: "pod-security", state });
        }
        checks
    }
}

impl Sight {
    fn see(&mut self) {
        self.synced = Synced::Once;
        self.trouble = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::note::Cause;

    fn trouble(kind: Kind) -> Note {
        Note::NotObserving { kind, reason: "the API server cannot be reached: connection refused".into(), retry_millis: 200 }
    }

    #[test]
    fn what_is_missing_is_said_and_why() {
        let mut readiness = Readiness::default();
        readiness.note(&trouble(Kind::Sandboxes));
        let report = readiness.report(Detail::Missing);
        assert!(!report.is_ready);
        assert!(report.text.starts_with("[-]socket: "), "{}", report.text);
        assert!(report.text.contains("\n[-]namespace: the API server cannot be reached: connection refused\n"), "{}", report.text);
        assert!(report.text.ends_with("readyz check failed\n") && !report.text.contains("pods"), "{}", report.text);
    }

    #[test]
    fn it_stays_ready_when_the_api_server_goes_away_and_says_so_to_who_asks_for_all() {
        let mut readiness = Readiness::default();
        readiness.socket(Socket::Bound);
        readiness.note(&Note::Synced { objects: 0 });
        assert_eq!(readiness.report(Detail::Missing), Report { is_ready: true, text: "ok\n".into() });
        readiness.note(&Note::Watching { kind: Kind::Pods, because: Cause::Listed });
        readiness.note(&trouble(Kind::Sandboxes));
        readiness.note(&trouble(Kind::Events));
        let report = readiness.report(Detail::Everything);
        assert!(report.is_ready);
        let lines: Vec<&str> = report.text.lines().collect();
        let parts = ["[+]socket ok", "[ ]namespace: the API", "[+]pods ok", "[ ]events: the API", "readyz check passed"];
        assert!(lines.len() == parts.len() && lines.iter().zip(parts).all(|(line, part)| line.starts_with(part)), "{lines:?}");
        readiness.note(&Note::Watching { kind: Kind::Sandboxes, because: Cause::Broken });
        assert!(readiness.report(Detail::Everything).text.contains("[+]namespace ok"));
    }

    #[test]
    fn nobody_is_let_in_before_the_namespace_has_been_read() {
        let namespace = || "openshell-system".to_owned();
        let mut readiness = Readiness::default();
        readiness.note(&Note::Examining { namespace: namespace() });
        readiness.note(&Note::Synced { objects: 0 });
        assert!(!readiness.lets_in() && readiness.report(Detail::Missing).text.contains("[-]pod-security: it has not been read yet"));
        readiness.note(&Note::AdmissionUnknown { namespace: namespace(), reason: String::new(), retry_millis: 1 });
        assert!(readiness.lets_in(), "an API server that cannot say it is no reason to keep the gateway waiting");
    }

    #[test]
    fn a_chosen_namespace_that_refuses_is_no_reason_not_to_be_ready() {
        let mut readiness = Readiness::default();
        readiness.socket(Socket::Bound);
        readiness.note(&Note::Synced { objects: 0 });
        let chosen = |added: &[&str], removed: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Note::NamespacesChosen { count: 1, added: names(added), removed: names(removed) }
        };
        readiness.note(&chosen(&["team-a"], &[]));
        readiness.note(&Note::Refuses { namespace: "team-a".into(), level: String::new() });
        assert!(readiness.is_ready() && readiness.report(Detail::Everything).text.contains("[ ]pod-security: namespace team-a"));
        readiness.note(&chosen(&[], &["team-a"]));
        assert!(!readiness.report(Detail::Everything).text.contains("pod-security"));
    }

    #[test]
    fn a_driver_that_stops_is_not_ready() {
        let mut readiness = Readiness::default();
        readiness.note(&Note::Synced { objects: 0 });
        readiness.socket(Socket::Bound);
        assert!(readiness.is_ready());
        readiness.socket(Socket::Closed);
        assert_eq!(readiness.report(Detail::Missing).text, "[-]socket: the driver is stopping\nreadyz check failed\n");
    }
}
