//! The end: nothing goes wrong any more, time passes, and then everything must fit together.

use std::collections::BTreeMap;

use crate::driver::contract::messages::compute as pb;
use kubesim::{Kind, Power, Presence};
use serde_json::Value;

use super::happening::{Happening, Life, ServerAct, Undo};
use super::processes::Door;
use super::words::{snapshot_text, tail};
use super::{INSPECTION_MS, Now, World};
use crate::books::Excuse;
use crate::driver::core::io::Input;
use crate::driver::core::observe::state::State;
use crate::driver::core::survey::Survey;
use crate::gateway::ask::{Ask, Heard, Said, Subject, Ticket};
use crate::gateway::row::{Deletion, Lost, Phase, derive};
use crate::rules::Rule;
use crate::scenario::gateway_id;
use crate::truth::{Leaving, Seen, Sid, Visible};

/// What may wait in a driver, or be out, that nobody has a reason for: an object looked at now and then, a page of a list.
const WAITING_MAX: usize = 24;
/// Events that may wait for what they are about: those of objects that are gone wait in vain, until others take their place.
const EVENTS_MAX: usize = 256;

/// An exchange whose deadline is nearer than this was sent some time ago.
const LOOK_MS: u64 = 10_000;

/// How long a process has lived, at least, when it is inspected: one that died in the last minute of quiet comes back and needs its lists first, and
/// those are not what a quiet minute is judged by.
const SETTLED_MS: u64 = 75_000;

/// How long a deletion may take when everybody does his work: a grace period, and what lets go of an overlooked pod.
const LEAVING_MS: u64 = 300_000;

/// What the inspection has asked, and what it has heard.
#[derive(Debug, Default)]
pub struct Probes {
    begun: Begun,
    asked: u64,
    heard: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Begun {
    #[default]
    No,
    Yes,
}

impl Probes {
    /// Whether the inspection has begun.
    #[must_use]
    pub fn have_begun(&self) -> bool {
        self.begun == Begun::Yes
    }
}

/// What a driver should say of a sandbox, read from its object by other code than the driver's.
struct Expected {
    name: String,
    workspace: String,
    object: String,
    phase: Phase,
}

impl World {
    /// Nothing goes wrong from now on; what is broken is mended, but for what drivers must notice themselves.
    pub(super) fn calm(&mut self) {
        self.trace.say(self.now_ms, || "from here on nothing goes wrong".into());
        self.weather = Now::Calm;
        self.calm_since = Some(self.now_ms);
        self.mend();
        self.server(ServerAct::Up);
    }

    fn mend(&mut self) {
        self.cluster.restore_permissions();
        self.cluster.set_controller(Power::Running);
        self.cluster.set_garbage_collector(Power::Running);
        self.cluster.recover_node("node-1");
        for namespace in self.given_namespaces() {
            self.undo(Undo::Namespace(namespace));
        }
        if self.definition_missing {
            self.cluster.set_definition(Presence::Present);
            self.definition_missing = false;
        }
    }

    /// All must be quiet; and every driver is asked for everything.
    pub(super) fn inspect(&mut self) {
        let youngest = self.seats.iter().filter_map(|seat| seat.process.as_ref()).map(super::processes::Process::born_ms).max();
        let wait = youngest.map_or(0, |born| (born + SETTLED_MS).saturating_sub(self.now_ms));
        if wait > 0 {
            self.after(wait, Happening::Inspect);
            return self.after(wait + INSPECTION_MS, Happening::End);
        }
        self.check_quiet();
        self.check_rows();
        self.check_deletions();
        self.check_followers();
        if let Some(cost) = self.books.calm_cost() {
            self.broken(Rule::CalmCost, || cost);
        }
        self.check_tombstones();
        self.probes.begun = Begun::Yes;
        self.survey();
        for driver in 0..self.seats.len() {
            self.probe(driver, Ask::List);
            let expected = self.expected(driver);
            for (id, found) in expected {
                self.probe(driver, Ask::Get(Subject { id, name: found.name }));
            }
        }
    }

    /// Somebody looks how much there is of everything.
    pub(super) fn survey(&mut self) {
        for driver in 0..self.seats.len() {
            if let Some(number) = self.seats[driver].process.as_ref().map(super::processes::Process::number) {
                self.feed(Life { driver, number }, Input::Survey);
            }
        }
    }

    /// What a driver counts must be what there is; and nothing is left waiting in it.
    pub(super) fn judge_survey(&mut self, life: Life, survey: &Survey) {
        if !self.probes.have_begun() {
            return self.judge_count(life, survey);
        }
        let gateway = self.seats[life.driver].plan.gateway;
        let hidden = self
            .truth
            .objects()
            .values()
            .any(|seen| seen.visible == Visible::No && seen.sandbox.as_ref().is_some_and(|(owner, _)| *owner == gateway));
        let expected = self.expected(life.driver);
        let count = |state| survey.sandboxes.get(&state).copied().unwrap_or_default();
        let right = |state, phase| count(state) == expected.values().filter(|found| found.phase == phase).count();
        let all = survey.sandboxes.values().sum::<usize>() == expected.len();
        let each = right(State::Deleting, Phase::Deleting) && right(State::Ready, Phase::Ready) && right(State::Failed, Phase::Error);
        if !(hidden || all && each) {
            return self.broken(Rule::Counted, || format!("{life} counts {:?} of {}", survey.sandboxes, expected.len()));
        }
        let waiting = survey.exchanges + survey.lookups_waiting;
        if waiting > WAITING_MAX || survey.happenings_waiting > EVENTS_MAX {
            self.broken(Rule::Counted, || format!("{life} has {survey:?} waiting"));
        }
    }

    fn check_quiet(&mut self) {
        for driver in 0..self.seats.len() {
            let Some(process) = &self.seats[driver].process else {
                return self.broken(Rule::Quiet, || format!("driver {driver} is down"));
            };
            let life = Life { driver, number: process.number() };
            // Something is looked at now and then; but nothing that was asked a while ago is still out.
            let asked = process.exchanges.values().filter(|sent| sent.deadline_ms < self.now_ms + LOOK_MS).count();
            if asked > 0 {
                return self.broken(Rule::Quiet, || format!("{life} has {asked} exchanges in flight"));
            }
            if process.door != Door::Open {
                return self.broken(Rule::Quiet, || format!("{life} is not open"));
            }
            let recent = self.books.requests_since(life, self.now_ms.saturating_sub(60_000));
            let hidden = self.truth.objects().values().filter(|seen| seen.visible == Visible::No && seen.sandbox.is_some()).count();
            // What follows Sandboxes is listed and watched, too, by a process that is not much older.
            let following = self.seats[driver].plan.route.map_or(0, |route| 2 * route.kinds().len());
            if recent > 10 + following + 3 * hidden {
                return self.broken(Rule::Rate, || format!("{life} has sent {recent} requests in a quiet minute"));
            }
        }
        for gateway in 0..self.gateways.len() {
            if !self.gateways[gateway].serves() {
                return self.broken(Rule::Quiet, || format!("gateway {gateway} does not serve"));
            }
        }
        let since = self.now_ms.saturating_sub(LOOK_MS);
        let open = self.lines.values().find(|line| line.is_open() && line.ask != Ask::Watch && line.began_ms < since);
        if let Some((life, name)) = open.map(|line| (line.life, line.ask.name())) {
            self.broken(Rule::Quiet, || format!("{life} has not answered {name}"));
        }
    }

    /// Rows and sandboxes must be the same.
    fn check_rows(&mut self) {
        for gateway in 0..self.gateways.len() {
            let rows: Vec<(String, Phase, Lost, Deletion)> =
                self.gateways[gateway].rows().values().map(|row| (row.id.clone(), row.phase, row.lost, row.deletion)).collect();
            for (id, phase, lost, deletion) in rows {
                let sandbox: Sid = (gateway, id);
                let stray =
                    self.truth.objects().iter().any(|(place, seen)| seen.sandbox.as_ref() == Some(&sandbox) && self.books.is_stray(place));
                let excused = stray || self.books.excused(Excuse::Misjudged, &sandbox);
                let living = self.truth.living(&sandbox);
                if !living.is_there() {
                    return self.broken(Rule::NoGhost, || {
                        format!("gateway {gateway} has {} as {phase:?}; it is gone since {:?} ms", tail(&sandbox.1), living.ended())
                    });
                }
                if phase == Phase::Deleting && deletion == Deletion::Whole && !excused && !self.is_leaving(&sandbox) {
                    return self.broken(Rule::NoLostDeletion, || {
                        format!("gateway {gateway} waits for the end of {}, which nobody deletes", tail(&sandbox.1))
                    });
                }
                if phase == Phase::Error && !excused && self.is_well(&sandbox) {
                    return self.broken(Rule::NoStickyError, || {
                        format!("gateway {gateway} has {} in Error ({lost:?}), which is well", tail(&sandbox.1))
                    });
                }
            }
            self.check_orphans(gateway);
        }
    }

    /// Nothing holds up a deletion any more.
    fn check_deletions(&mut self) {
        let long_ago = self.now_ms.saturating_sub(LEAVING_MS);
        let stuck = |seen: &Seen| seen.sandbox.is_some() && seen.leaving_since.is_some_and(|since| since < long_ago);
        let found = self.truth.objects().iter().find(|(_, seen)| stuck(seen)).map(|(place, seen)| (place.clone(), seen.leaving_since));
        if let Some((place, since)) = found {
            self.broken(Rule::DeletionEnds, || format!("{}/{} has been leaving since {since:?} ms", place.0, place.1));
        }
    }

    fn check_orphans(&mut self, gateway: usize) {
        let (mut orphans, mut silent) = (Vec::new(), Vec::new());
        for (place, seen) in self.truth.objects() {
            let Some(sandbox) = seen.sandbox.as_ref().filter(|(owner, _)| *owner == gateway) else { continue };
            let has_row = self.gateways[gateway].rows().contains_key(&sandbox.1);
            let excused = self.books.excused(Excuse::LeftBehind, sandbox) || self.books.is_stray(place);
            if !has_row && !excused {
                orphans.push((place.clone(), sandbox.clone()));
            }
            // What is listed is what labels show and what stays.
            let listed = seen.visible == Visible::Yes && seen.leaving == Leaving::No;
            if !has_row && listed && !self.books.is_unclaimed(sandbox) {
                silent.push((place.clone(), sandbox.clone()));
            }
        }
        if let Some((place, sandbox)) = silent.into_iter().next() {
            self.broken(Rule::StrayReported, || {
                format!("{}/{} of gateway {gateway}, sandbox {}, has no row, and nobody was told", place.0, place.1, tail(&sandbox.1))
            });
        }
        if let Some((place, sandbox)) = orphans.into_iter().next() {
            let removal = self.books.removal(&sandbox);
            self.broken(Rule::NoOrphan, || {
                format!("{}/{} of gateway {gateway}, sandbox {}, has no row ({removal:?})", place.0, place.1, tail(&sandbox.1))
            });
        }
    }

    fn is_leaving(&self, sandbox: &Sid) -> bool {
        self.truth.objects().values().any(|seen| seen.sandbox.as_ref() == Some(sandbox) && seen.leaving == Leaving::Yes)
    }

    fn is_well(&self, sandbox: &Sid) -> bool {
        let driver = self.seats.iter().position(|seat| seat.plan.gateway == sandbox.0).unwrap_or_default();
        self.expected(driver).get(&sandbox.1).is_some_and(|expected| expected.phase == Phase::Ready)
    }

    fn probe(&mut self, driver: usize, ask: Ask) {
        self.probes.asked += 1;
        let ticket = Ticket(u64::MAX - self.probes.asked);
        self.call(None, driver, ticket, ask);
    }

    /// An answer to the inspection.
    pub(super) fn probed(&mut self, life: Life, ask: &Ask, heard: Heard) {
        self.probes.heard += 1;
        let expected = self.expected(life.driver);
        match (ask, heard) {
            (Ask::List, Ok(Said::Listed(all))) => {
                let ids: Vec<&str> = all.iter().map(|sandbox| sandbox.id.as_str()).collect();
                if let Some(missing) = expected.keys().find(|id| !ids.contains(&id.as_str())) {
                    return self.broken(Rule::Converged, || format!("{life} does not list {}", tail(missing)));
                }
                for sandbox in &all {
                    self.judge_exposed(life, sandbox);
                    self.compare(life, "lists", &expected, sandbox);
                }
                self.check_streams(life, &all);
            }
            (Ask::Get(_), Ok(Said::Got(Some(sandbox)))) => self.compare(life, "answers", &expected, &sandbox),
            (ask, heard) => self.broken(Rule::Converged, || format!("{life} answers {} with {heard:?}", ask.name())),
        }
    }

    fn compare(&mut self, life: Life, how: &str, all: &BTreeMap<String, Expected>, sandbox: &pb::DriverSandbox) {
        let id = tail(&sandbox.id).to_owned();
        let Some(expected) = all.get(&sandbox.id) else {
            if self.has_hidden(life, &sandbox.id) {
                return;
            }
            return self.broken(Rule::Converged, || format!("{life} {how} {id}, which is not there"));
        };
        let status = sandbox.status.as_ref();
        let object = status.map_or(expected.object.as_str(), |status| status.sandbox_name.as_str());
        let same = sandbox.name == expected.name
            && sandbox.workspace == expected.workspace
            && object == expected.object
            && derive(status) == expected.phase;
        // Where one of several that claim an id has no labels, the driver may have known it before it lost them.
        if !same && !self.has_hidden(life, &sandbox.id) {
            let (name, phase) = (&expected.name, expected.phase);
            self.broken(Rule::Converged, || format!("{life} {how} {}, where {name} as {phase:?} is right", snapshot_text(sandbox)));
        }
    }

    /// Whether an object of this sandbox is there without the labels that show it.
    fn has_hidden(&self, life: Life, id: &str) -> bool {
        let sandbox = (self.seats[life.driver].plan.gateway, id.to_owned());
        self.truth.objects().values().any(|seen| seen.sandbox.as_ref() == Some(&sandbox) && seen.visible == Visible::No)
    }

    /// What a stream was told last must be what List says.
    fn check_streams(&mut self, life: Life, all: &[pb::DriverSandbox]) {
        let mut wrong = None;
        for line in self.lines.values().filter(|line| line.life == life && line.ask == Ask::Watch && line.is_open()) {
            for sandbox in all {
                if line.stream.told.get(&sandbox.id) != Some(sandbox) {
                    let told = line.stream.told.get(&sandbox.id).map_or("nothing".into(), snapshot_text);
                    wrong = Some(format!("{life} lists {}, and its stream was told {told}", snapshot_text(sandbox)));
                }
            }
            if let Some(ghost) = line.stream.told.keys().find(|id| !all.iter().any(|sandbox| sandbox.id == **id)) {
                wrong = Some(format!("{life} has not told its stream that {} is gone", tail(ghost)));
            }
        }
        if let Some(wrong) = wrong {
            self.broken(Rule::Converged, || wrong);
        }
    }

    /// What a driver should say, by sandbox id.
    fn expected(&self, driver: usize) -> BTreeMap<String, Expected> {
        let plan = &self.seats[driver].plan;
        let gateway = gateway_id(plan.gateway);
        let mut all: BTreeMap<String, (bool, String, Expected)> = BTreeMap::new();
        for object in self.own_objects(driver, Kind::Sandbox) {
            let metadata = &object["metadata"];
            let (labels, annotations) = (&metadata["labels"], &metadata["annotations"]);
            let both = |key: &str| annotations[key].as_str().or(labels[key].as_str()).unwrap_or_default().to_owned();
            if labels["openshell.ai/managed-by"] != "openshell" || labels["openshell.ai/gateway-id"] != gateway.as_str() {
                continue;
            }
            if labels["openshell.ai/sandbox-id"].is_null() {
                continue;
            }
            let expected = Expected {
                name: both("openshell.ai/sandbox-name"),
                workspace: both("openshell.ai/sandbox-workspace"),
                object: metadata["name"].as_str().unwrap_or_default().to_owned(),
                phase: self.phase(&object),
            };
            let leaving = !metadata["deletionTimestamp"].is_null();
            let created = metadata["creationTimestamp"].as_str().unwrap_or_default().to_owned();
            let id = both("openshell.ai/sandbox-id");
            // Where two claim an id, the oldest that stays speaks for it.
            let speaks =
                all.get(&id).is_none_or(|(other, when, before)| (leaving, &created, &expected.object) < (*other, when, &before.object));
            if speaks {
                all.insert(id, (leaving, created, expected));
            }
        }
        all.into_iter().map(|(id, (_, _, expected))| (id, expected)).collect()
    }

    pub(super) fn conclude(&mut self) {
        if !self.probes.have_begun() {
            // The inspection was put off, and this end with it.
            return;
        }
        if self.probes.heard < self.probes.asked {
            let missing = self.probes.asked - self.probes.heard;
            self.broken(Rule::Quiet, || format!("{missing} questions of the inspection have no answer"));
        }
        self.ended = true;
    }
}

impl World {
    /// What a gateway should take an object for.
    fn phase(&self, object: &Value) -> Phase {
        let metadata = &object["metadata"];
        if !metadata["deletionTimestamp"].is_null() {
            return Phase::Deleting;
        }
        let generation = metadata["generation"].as_i64().unwrap_or_default();
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let fresh = |kind: &str| {
            let found = conditions.iter().find(|condition| condition["type"] == kind)?;
            (found["observedGeneration"].as_i64().unwrap_or_default() >= generation).then_some(found)
        };
        if !conditions.iter().any(|condition| condition["type"] == "Ready") {
            return Phase::Unknown;
        }
        let pod = self.pod_of(metadata);
        let suspended = object["spec"]["operatingMode"] == "Suspended" || object["spec"]["replicas"] == 0;
        if suspended {
            let says_so = fresh("Suspended").is_some_and(|condition| condition["status"] == "True");
            // Releases before v0.5.0 have no such condition, and an expired sandbox has none either.
            let silent = !conditions.iter().any(|condition| condition["type"] == "Suspended");
            let stopped = says_so || (silent && fresh("Ready").is_some());
            return if stopped && pod.is_none() { Phase::Stopped } else { Phase::Provisioning };
        }
        let finished = fresh("Finished").is_some_and(|condition| condition["status"] == "True");
        let ended = pod.as_ref().is_some_and(|pod| matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded")));
        let leaving = pod.as_ref().is_some_and(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
        match fresh("Ready") {
            Some(ready) if ready["reason"] == "SandboxSuspended" => Phase::Provisioning,
            Some(_) if finished && ended && !leaving => Phase::Error,
            Some(ready) if ready["status"] == "True" && !leaving => Phase::Ready,
            Some(ready) if ready["reason"] == "SandboxExpired" => Phase::Error,
            _ => Phase::Provisioning,
        }
    }

    /// The pod that a Sandbox controls.
    fn pod_of(&self, sandbox: &Value) -> Option<Value> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = sandbox["annotations"]["agents.x-k8s.io/pod-name"].as_str().map_or_else(|| text(&sandbox["name"]), str::to_owned);
        let pod = self.cluster.object(Kind::Pod, &text(&sandbox["namespace"]), &name)?;
        let owners = pod["metadata"]["ownerReferences"].as_array()?;
        owners.iter().any(|owner| owner["uid"] == sandbox["uid"] && owner["controller"] == true).then_some(pod)
    }
}
