//! What a driver says and does, held against what is.

use crate::driver::contract::messages::compute as pb;
use crate::driver::contract::messages::compute::watch_sandboxes_event::Payload;
use crate::driver::core::io::{HttpRequest, Method};
use kubesim::Kind;
use serde_json::Value;

use super::World;
use super::happening::Life;
use super::processes::Door;
use super::wire::short;
use super::words::tail;
use crate::books::{Excuse, Mode};
use crate::gateway::ask::{Ask, Code, Existed, Heard, Refusal, Said, Ticket};
use crate::home::Written;
use crate::rules::Rule;
use crate::truth::Leaving;

/// How old what a driver says may be: after that it must say that it does not know. A watch that is silent is noticed after 90 s, and the list that
/// follows may take 30 s.
const STALE_MS: u64 = 125_000;

/// What the driver calls itself as the source of an event.
const DRIVER: &str = "openshell-driver-kyma";
/// Within which the driver does not say the same of a sandbox again.
const SAME_MS: u64 = 1_000;

/// How long a deletion lasts, at least, before it is let go.
const OVERLOOKED_MS: u64 = 50_000;

/// How long a create goes on, whether or not its caller waits.
const CREATE_MS: u64 = 61_000;

/// How long after the storm a driver may need to notice that something is gone: the longest pause of an informer, a silent watch, a list, a look.
const LONG_MS: u64 = 240_000;

impl World {
    /// A write reaches the API server: what is wrong with it, should it be carried out.
    pub(super) fn judge_write(&self, life: Life, request: &HttpRequest) -> Option<(Rule, String)> {
        if request.method == Method::Get {
            return None;
        }
        let plan = &self.seats[life.driver].plan;
        let gateway = plan.gateway;
        let (namespace, name) = match plan.writes(request)? {
            Written::Sandbox(place) => place,
            other => return self.judge_other_write(life, request, &other),
        };
        match request.method {
            Method::Get => None,
            Method::Post => {
                let object: Value = serde_json::from_slice(&request.body.0).unwrap_or_default();
                let annotation = |key: &str| object["metadata"]["annotations"][key].as_str().unwrap_or_default();
                let id = annotation("openshell.ai/sandbox-id");
                let ours = object["metadata"]["labels"]["openshell.ai/gateway-id"] == crate::scenario::gateway_id(gateway).as_str();
                let is_asked = |asked: &pb::DriverSandbox| {
                    let environment = asked.spec.iter().flat_map(|spec| &spec.environment);
                    let body = std::str::from_utf8(&request.body.0).unwrap_or_default();
                    annotation("openshell.ai/sandbox-name") == asked.name
                        && annotation("openshell.ai/sandbox-workspace") == asked.workspace
                        && environment.into_iter().all(|(_, value)| body.contains(value.as_str()))
                };
                let asked = self.books.asked_for(&(gateway, id.to_owned())).is_some_and(is_asked);
                let at_home = plan.home_of(annotation("openshell.ai/sandbox-workspace")) == namespace;
                (!ours || !asked || !at_home).then(|| (Rule::AskedCreations, format!("POST of a Sandbox for {id:?} in {namespace}")))
            }
            Method::Patch | Method::Delete => {
                let seen = self.truth.at(&namespace, &name)?;
                if request.method == Method::Delete {
                    let options: Value = serde_json::from_slice(&request.body.0).unwrap_or_default();
                    let Some(uid) = options["preconditions"]["uid"].as_str() else {
                        return Some((Rule::OwnObjects, format!("DELETE {} without a UID", short(&request.path))));
                    };
                    if uid != seen.uid {
                        return None;
                    }
                    let long_ago = self.now_ms.saturating_sub(OVERLOOKED_MS);
                    if options["propagationPolicy"] != "Foreground" && seen.leaving_since.is_none_or(|since| since > long_ago) {
                        // Its pod would run on when it is said to be gone; but for one that the garbage collector has overlooked.
                        return Some((Rule::AskedDeletions, format!("DELETE {} with {options}", short(&request.path))));
                    }
                }
                let path = short(&request.path);
                match seen.sandbox.as_ref().filter(|(owner, _)| *owner == gateway) {
                    None => Some((Rule::OwnObjects, format!("{:?} {path}, which is not gateway {gateway}'s", request.method))),
                    // Somebody has asked for its end already.
                    Some(_) if request.method == Method::Delete && seen.leaving == Leaving::Yes => None,
                    Some(sandbox) if request.method == Method::Delete && !self.books.may_go(sandbox) => {
                        Some((Rule::AskedDeletions, format!("DELETE {path} of {}", tail(&sandbox.1))))
                    }
                    Some(sandbox) if request.method == Method::Patch => {
                        let patch: Value = serde_json::from_slice(&request.body.0).unwrap_or_default();
                        let fenced = patch["metadata"]["resourceVersion"].is_string();
                        let suspends = patch["spec"]["operatingMode"] == "Suspended" || patch["spec"]["replicas"] == 0;
                        let asked = self.books.may_change(if suspends { Mode::Suspended } else { Mode::Running }, sandbox);
                        // Its version shows that the driver has seen what it changes, and so also that it is on its way out.
                        (!fenced || !asked || seen.leaving == Leaving::Yes)
                            .then(|| (Rule::AskedChanges, format!("PATCH {path} with {patch}")))
                    }
                    Some(_) => None,
                }
            }
        }
    }

    /// A reply is given.
    pub(super) fn judge_reply(&mut self, life: Life, began_ms: u64, ask: &Ask, heard: &Heard) {
        let gateway = self.seats[life.driver].plan.gateway;
        let subject = ask.sandbox().map(|id| (gateway, id.to_owned()));
        self.judge_calm_call(ask, heard);
        match (ask, heard, subject) {
            (Ask::Delete(_), Ok(Said::Deleted(Existed::No)), Some(sandbox)) if self.is_creating(life, began_ms, &sandbox.1) => {
                self.broken(Rule::NoFalseAbsence, || format!("{life} says deleted=false of {}, which it is creating", tail(&sandbox.1)));
            }
            (Ask::Delete(_), Ok(Said::Deleted(Existed::No)), Some(sandbox)) => {
                let known = self.knows(life, &sandbox);
                let living = if known { self.truth.living(&sandbox) } else { self.truth.visible(&sandbox) };
                if !living.was_absent_since(began_ms) {
                    self.broken(Rule::NoFalseAbsence, || {
                        format!("{life} says deleted=false of {}, which has been there since {:?} ms", tail(&sandbox.1), living.since())
                    });
                }
            }
            (Ask::Get(_), Err(Refusal { code: Code::NotFound, .. }) | Ok(Said::Got(None)), Some(sandbox)) => {
                self.excuse_other_creates(life, &sandbox);
                let visible = self.truth.visible(&sandbox);
                if !visible.was_absent_since(began_ms) {
                    self.broken(Rule::NoFalseAbsence, || {
                        format!("{life} says NOT_FOUND of {}, which has been there since {:?} ms", tail(&sandbox.1), visible.since())
                    });
                }
            }
            (Ask::Get(_), Ok(Said::Got(Some(found))), Some(sandbox)) if found.id != sandbox.1 => {
                self.broken(Rule::Converged, || format!("{life} answers a Get of {} with {}", tail(&sandbox.1), tail(&found.id)));
            }
            (Ask::Get(_), Ok(Said::Got(Some(found))), _) => {
                self.judge_age(life, began_ms, Some(&found.id));
                self.judge_snapshot(life, "answers", found);
            }
            (Ask::Start(_), Ok(_), Some(sandbox)) if self.has_long_been_leaving(life, began_ms, &sandbox) => {
                self.broken(Rule::StartedIsStarted, || format!("{life} says that {} is to run, which is being deleted", tail(&sandbox.1)));
            }
            (Ask::Start(_), Ok(_), Some(sandbox)) => {
                let suspended = |object: &Value| object["spec"]["operatingMode"] == "Suspended" || object["spec"]["replicas"] == 0;
                let id = &sandbox.1;
                let objects = self.own_objects(life.driver, Kind::Sandbox);
                let mut own = objects.iter().filter(|object| object["metadata"]["annotations"]["openshell.ai/sandbox-id"] == id.as_str());
                let others = self.scenario.others.kinds.contains(&crate::scenario::Kind::Suspend);
                let set_back = self.truth.restored_ms() > began_ms;
                if own.any(suspended) && !others && !set_back && !self.books.excused(Excuse::Copied, &sandbox) {
                    self.broken(Rule::StartedIsStarted, || format!("{life} says that {} is to run, which is suspended", tail(&sandbox.1)));
                }
            }
            (Ask::Stop(_), Ok(_), Some(sandbox)) => {
                let running = self.truth.running(&sandbox.1);
                if !running.was_absent_since(began_ms) && !self.books.excused(Excuse::PodOfItsOwn, &sandbox) {
                    self.broken(Rule::StoppedIsStopped, || {
                        format!("{life} says that {} is stopped, whose pod is there since {:?} ms", tail(&sandbox.1), running.since())
                    });
                }
                if self.is_unheard(life, &sandbox) {
                    self.broken(Rule::StoppedIsStopped, || {
                        format!("{life} says that {} is stopped, though its controller has not acted on it", tail(&sandbox.1))
                    });
                }
            }
            (Ask::EnsureWorkspace(workspace) | Ask::DeleteWorkspace(workspace), heard, _) if !self.is_stopping(life) => {
                self.judge_workspace(life, began_ms, ask, workspace, heard);
            }
            (Ask::Validate(sandbox), heard, _) => self.judge_capacity(life, sandbox, heard),
            (Ask::List, Ok(Said::Listed(all)), _) => {
                self.judge_age(life, began_ms, None);
                self.judge_list(life, began_ms, all);
                for sandbox in all {
                    self.judge_snapshot(life, "lists", sandbox);
                }
            }
            _ => {}
        }
    }

    /// One replica says that a sandbox is not there. Another may be creating it, and cannot know.
    fn excuse_other_creates(&mut self, life: Life, sandbox: &crate::truth::Sid) {
        if self.is_being_created(sandbox, Some(life.driver)) {
            self.books.excuse(Excuse::LeftBehind, sandbox.clone(), "one replica said that it is gone while another was creating it");
        }
    }

    /// Whether a driver is creating it, other than one.
    pub(super) fn is_being_created(&self, sandbox: &crate::truth::Sid, but: Option<usize>) -> bool {
        let creates = |seat: &super::processes::Seat| {
            let began = seat.process.as_ref().and_then(|process| process.creates.get(&sandbox.1));
            began.is_some_and(|began| began + CREATE_MS >= self.now_ms)
        };
        self.seats.iter().enumerate().any(|(driver, seat)| Some(driver) != but && creates(seat))
    }

    fn is_stopping(&self, life: Life) -> bool {
        self.seats[life.driver].process.as_ref().is_some_and(|process| process.door == Door::Stopping)
    }

    /// Whether a process must know of a sandbox although its labels do not show it.
    fn knows(&mut self, life: Life, sandbox: &crate::truth::Sid) -> bool {
        let created = self.seats[life.driver].living(life).is_some_and(|process| process.created.contains(&sandbox.1));
        created && !self.books.is_unread(&sandbox.1)
    }

    fn judge_list(&mut self, life: Life, began_ms: u64, all: &[pb::DriverSandbox]) {
        let gateway = self.seats[life.driver].plan.gateway;
        let horizon = began_ms.saturating_sub(STALE_MS);
        let plan = self.seats[life.driver].plan.clone();
        let process_created = |world: &mut Self, id: &str| world.seats[life.driver].living(life).is_some_and(|p| p.created.contains(id));
        let shown: Vec<(String, u64)> = self
            .truth
            .shown()
            .filter(|((owner, _), _)| *owner == gateway)
            .map(|((_, id), presence)| (id.clone(), presence.since().unwrap_or(u64::MAX)))
            .collect();
        for (id, since) in shown {
            let old = since < horizon;
            let own = since < began_ms && process_created(self, &id) && !self.books.is_unread(&id);
            let here = self.truth.objects().iter().any(|((place, _), seen)| {
                plan.holds(place) && seen.sandbox.as_ref().is_some_and(|(owner, other)| *owner == gateway && *other == id)
            });
            if (old || own) && here && !all.iter().any(|sandbox| sandbox.id == id) && self.truth.restored_ms() < horizon {
                return self.broken(Rule::WholeList, || format!("{life} leaves {} out of a List; it is there since {since} ms", tail(&id)));
            }
        }
        let long_ago = self.now_ms.saturating_sub(LONG_MS);
        if self.calm_since.is_some_and(|calm| calm < long_ago) {
            let is_ghost = |sandbox: &&pb::DriverSandbox| {
                let living = self.truth.living(&(gateway, sandbox.id.clone()));
                !living.is_there() && living.ended().is_none_or(|ended| ended < long_ago)
            };
            if let Some(ghost) = all.iter().find(is_ghost) {
                let id = tail(&ghost.id).to_owned();
                return self.broken(Rule::WholeList, || format!("{life} lists {id}, which has been gone for more than {LONG_MS} ms"));
            }
        }
        let mut before: Option<(&str, &str)> = None;
        for sandbox in all {
            let key = (sandbox.name.as_str(), sandbox.id.as_str());
            if before.is_some_and(|before| before >= key) {
                return self.broken(Rule::WholeList, || format!("{life} lists {} out of order or twice", tail(&sandbox.id)));
            }
            before = Some(key);
        }
    }

    /// An event is sent.
    pub(super) fn judge_event(&mut self, life: Life, ticket: Ticket, event: &pb::WatchSandboxesEvent) {
        let gateway = self.seats[life.driver].plan.gateway;
        match &event.payload {
            Some(Payload::Deleted(event)) => {
                let sandbox = (gateway, event.sandbox_id.clone());
                // Of several that claim an id, all that a driver knew of may be gone before it sees the next.
                let copied = self.books.excused(Excuse::Copied, &sandbox);
                let living = self.truth.living(&sandbox);
                if !copied && living.is_there() && living.ended().is_none() {
                    return self
                        .broken(Rule::NoFalseDeleted, || format!("{life} says that {} is deleted, which is there", tail(&sandbox.1)));
                }
                if !living.is_there() && living.ended().is_none() {
                    return self
                        .broken(Rule::NoFalseDeleted, || format!("{life} says that {} is deleted, which never was", tail(&sandbox.1)));
                }
                if let Some(line) = self.lines.get_mut(&ticket) {
                    line.stream.told.remove(&event.sandbox_id);
                    line.stream.gone.insert(event.sandbox_id.clone());
                }
                self.excuse_other_creates(life, &sandbox);
            }
            Some(Payload::Sandbox(event)) => {
                let Some(snapshot) = &event.sandbox else { return };
                let text = snapshot.status.iter().flat_map(|s| &s.conditions).any(|c| self.books.leaks(&c.message));
                if text || snapshot.spec.is_some() {
                    return self.broken(Rule::Secrets, || format!("{life} sends more of {} than its state", tail(&snapshot.id)));
                }
                let Some(line) = self.lines.get_mut(&ticket) else { return };
                let before = line.stream.told.insert(snapshot.id.clone(), snapshot.clone());
                if before.as_ref() == Some(snapshot) {
                    return self.broken(Rule::NothingTwice, || format!("{life} repeats {}", super::words::snapshot_text(snapshot)));
                }
                self.judge_snapshot(life, "tells", snapshot);
            }
            Some(Payload::PlatformEvent(event)) => {
                let leaks = event.event.as_ref().is_some_and(|event| self.books.leaks(&event.message));
                if leaks {
                    return self.broken(Rule::Secrets, || format!("{life} tells more of {} than what happened", tail(&event.sandbox_id)));
                }
                let Some(happened) = &event.event else { return };
                if happened.timestamp_ms <= 0 {
                    return self.broken(Rule::Dated, || format!("{life} tells of {:?} without a time", happened.reason));
                }
                let key = (event.sandbox_id.clone(), happened.reason.clone(), happened.message.clone());
                let now_ms = self.now_ms;
                // Another pod of the same sandbox may soon wait for the same.
                let is_news_once = happened.r#type == "Warning" || happened.reason == "StillWaiting";
                if happened.source == DRIVER
                    && is_news_once
                    && let Some(line) = self.lines.get_mut(&ticket)
                    && line.stream.happened.insert(key, now_ms).is_some_and(|before| before + SAME_MS > now_ms)
                {
                    self.broken(Rule::NothingTwice, || format!("{life} repeats at once that {:?}", happened.message));
                }
            }
            None => {}
        }
    }
}
