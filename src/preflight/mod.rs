//! `check`: whether a cluster has what a driver with these settings needs, asked with the driver's own credentials and without changing anything.
//!
//! Like the core this touches nothing: [`Preflight::ask`] says what to ask the API server, [`Preflight::answered`] takes the answer, and
//! [`Preflight::finish`] is the report.

mod kyma;
mod namespaces;
pub mod permissions;
mod probe;
pub mod report;
pub mod roles;
pub mod subject;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use self::permissions::{Permission, needed};
use self::probe::Probe;
use self::report::{Outcome, Report};
use self::subject::Subject;
use crate::config::Config;
use crate::core::io::{Fault, HttpRequest, Response};
use crate::core::kube::answer::Verdict;
use crate::core::kube::version::ServerVersion;
use crate::core::names::Namespace;

/// A preflight under way.
#[derive(Debug)]
pub struct Preflight {
    config: Config,
    report: Report,
    todo: VecDeque<Probe>,
    asked: Option<Probe>,
    /// By which name the API server knows us.
    subject: Subject,
    server: Option<ServerVersion>,
    /// Verbs that a permission lacks, while it is asked about.
    missing: Vec<&'static str>,
    now_secs: i64,
    /// Namespaces that a file chooses.
    listed: Vec<Namespace>,
}

/// Namespaces of a file that are asked about.
const LISTED_ASKED_MAX: usize = 100;

impl Preflight {
    /// Nothing asked yet. `now_secs`: seconds since 1970, for the age of objects.
    #[must_use]
    pub fn new(config: Config, now_secs: i64) -> Self {
        Self {
            config,
            report: Report::default(),
            todo: VecDeque::from([Probe::Version]),
            asked: None,
            subject: Subject::Unknown,
            server: None,
            missing: Vec::new(),
            now_secs,
            listed: Vec::new(),
        }
    }

    /// What was found on this machine, before anything is asked.
    pub fn note(&mut self, name: &'static str, title: &str, outcome: Outcome) {
        self.report.add(name, title, outcome);
    }

    /// These namespaces are listed in the file that chooses them, or it cannot be used. Of very many the first are asked about.
    pub fn choose(&mut self, listed: Result<BTreeSet<Namespace>, String>) {
        match listed {
            Ok(names) if names.is_empty() => {
                let mend = "list the workspaces that may have sandboxes in the file that --operator-namespace-file names";
                self.report.add(
                    "namespace",
                    "namespace",
                    Outcome::warn("the file lists no namespace, so no workspace can have sandboxes", mend),
                );
            }
            Ok(names) => self.listed = names.into_iter().take(LISTED_ASKED_MAX).collect(),
            Err(why) => self.report.add("namespace", "namespace", Outcome::fail(why, "mend the file that --operator-namespace-file names")),
        }
    }

    /// What to ask next; `None` at the end.
    pub fn ask(&mut self) -> Option<HttpRequest> {
        let probe = self.todo.pop_front()?;
        let request = probe.request(&self.config);
        self.asked = Some(probe);
        Some(request)
    }

    /// Takes the answer to what was asked last.
    pub fn answered(&mut self, result: Result<Response, Fault>) {
        if let Some(probe) = self.asked.take() {
            self.judge(probe, Verdict::of(result));
        }
    }

    /// The report.
    #[must_use]
    pub fn finish(self) -> Report {
        self.report
    }

    fn judge(&mut self, probe: Probe, verdict: Verdict) {
        match probe {
            Probe::Version => self.version(verdict),
            Probe::WhoAmI => {
                if let Verdict::Done(response) = verdict {
                    self.subject = Subject::read(&response.body);
                }
            }
            Probe::Resource => self.resource(verdict),
            Probe::Controller => self.controller(verdict),
            Probe::Namespace => self.namespace(verdict),
            Probe::StorageClasses => self.storage(verdict),
            Probe::Labelled(selector) => self.labelled(&selector, verdict),
            Probe::Listed(namespace) => self.listed(&namespace, verdict),
            Probe::Source(name) => self.source(&name, verdict),
            Probe::NetworkPolicy => self.network_policy(verdict),
            Probe::Api(required) => self.api(required, verdict),
            Probe::Domain(gateway) => self.domain(&gateway, verdict),
            Probe::Nodes => self.nodes(verdict),
            Probe::Right(permission, verb) => self.right(&permission, verb, verdict),
        }
    }

    /// Asks about everything else, when there is somebody to ask.
    fn go_on(&mut self) {
        let rights = needed(&self.config).into_iter().flat_map(|permission| {
            let verbs = permission.verbs;
            verbs.iter().map(move |verb| Probe::Right(permission.clone(), verb))
        });
        let listed = std::mem::take(&mut self.listed).into_iter().map(Probe::Listed);
        let before = [Probe::WhoAmI, Probe::Resource, Probe::Controller];
        let after = kyma::probes(&self.config).into_iter().chain([Probe::StorageClasses]);
        self.todo.extend(before.into_iter().chain(namespaces::probes(&self.config)).chain(listed).chain(rights).chain(after));
    }

    /// One verb of a permission; all of them make one finding.
    fn right(&mut self, permission: &Permission, verb: &'static str, verdict: Verdict) {
        let title = "permission";
        match verdict {
            Verdict::Done(response) => match probe::allowed(&response.body) {
                Some(true) => {}
                Some(false) => self.missing.push(verb),
                None => {
                    self.report.add("permission", title, Outcome::unknown(format!("{permission}: the answer to {verb} cannot be read")));
                    return;
                }
            },
            other => {
                self.report.add(
                    "permission",
                    title,
                    Outcome::unknown(format!("{permission}: {verb} could not be asked about: {}", other.trouble().why)),
                );
                return;
            }
        }
        if permission.verbs.last() != Some(&verb) {
            return;
        }
        let missing = std::mem::take(&mut self.missing);
        let outcome = if missing.is_empty() {
            Outcome::pass(permission.to_string())
        } else {
            let detail = format!("{permission}: {} not granted; {}", missing.join(", "), permission.because);
            let mend = permission.grant(&missing, &self.subject);
            match permission.need {
                permissions::Need::Required => Outcome::fail(detail, mend),
                permissions::Need::Helpful => Outcome::warn(detail, mend),
            }
        };
        self.report.add("permission", title, outcome);
    }
}
