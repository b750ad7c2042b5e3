//! What a driver says while things happen, held against what it has been shown; and what follows from what it has said before.

use kubesim::Kind;
use serde::Deserialize as _;

use super::World;
use super::calls::Line;
use super::happening::Life;
use super::words::{snapshot_text, tail};
use crate::books::Excuse;
use crate::driver::contract::messages::compute as pb;
use crate::driver::core::observe::state::State;
use crate::driver::core::survey::Survey;
use crate::gateway::ask::{Ask, Code, Heard};
use crate::gateway::row::{Phase, derive};
use crate::rules::Rule;
use crate::scenario::{self, Weather};
use crate::shown::Object;
use crate::truth::Sid;

/// How long a driver remembers what is gone for streams that are opened later, with something to spare.
const TOMBSTONE_MS: u64 = 880_000;
/// How old what a driver answers with may be.
const AGE_MS: u64 = 121_000;

impl World {
    /// A snapshot is said, on a stream or in an answer.
    pub(super) fn judge_snapshot(&mut self, life: Life, how: &str, snapshot: &pb::DriverSandbox) {
        let (now_ms, restored) = (self.now_ms, self.truth.restored_ms() > 0);
        let Some(process) = self.seats[life.driver].living(life) else { return };
        process.announced.entry(snapshot.id.clone()).or_insert(now_ms);
        // A server that was set back says again what it said before, with versions that mean something else.
        if !restored && let Some(wrong) = process.shown.contradicts(now_ms, snapshot) {
            self.broken(Rule::Truthful, || format!("{life} {how} {}: {wrong}", snapshot_text(snapshot)));
        }
    }

    /// A driver answers from what it knows: that must not be too old. What it has just asked for is not.
    pub(super) fn judge_age(&mut self, life: Life, began_ms: u64, id: Option<&str>) {
        let now_ms = self.now_ms;
        let Some(process) = self.seats[life.driver].living(life) else { return };
        let asked = id.and_then(|id| process.shown.answered_at(id)).is_some_and(|at| at >= began_ms);
        let heard_at = process.shown.heard_at();
        if !asked && heard_at.is_none_or(|at| at + AGE_MS < now_ms) {
            self.broken(Rule::Fresh, || format!("{life} answers, and has heard nothing since {heard_at:?} ms"));
        }
    }

    /// In calm weather there is no reason to have anybody try again.
    pub(super) fn judge_calm_call(&mut self, ask: &Ask, heard: &Heard) {
        let trouble = [Code::Unavailable, Code::Internal, Code::Unknown, Code::DeadlineExceeded, Code::ResourceExhausted];
        let Err(refusal) = heard else { return };
        // A name whose former sandbox is still ending is waited for.
        let may_wait = matches!(ask, Ask::Create(_) | Ask::Watch | Ask::Stop(_));
        if self.scenario.weather == Weather::Calm && !may_wait && trouble.contains(&refusal.code) {
            self.broken(Rule::CalmCalls, || format!("{} is answered {refusal:?}", ask.name()));
        }
    }

    /// A driver has been shown something of a sandbox: streams whose readers wait for more have been told of it.
    pub(super) fn judge_told(&mut self, life: Life, id: &str) {
        let (now_ms, restored) = (self.now_ms, self.truth.restored_ms() > 0);
        let Some(process) = self.seats[life.driver].living(life).filter(|_| !restored) else { return };
        let shown = &process.shown;
        let mut told =
            self.lines.values().filter(|line| line.life == life && line.is_drained()).filter_map(|line| line.stream.told.get(id));
        let wrong = told.find_map(|told| Some((told.clone(), shown.contradicts(now_ms, told)?)));
        if let Some((told, wrong)) = wrong {
            self.broken(Rule::Truthful, || format!("{life} has told its stream no more than {}: {wrong}", snapshot_text(&told)));
        }
    }

    /// What a driver counts in the middle of everything is what it has told a stream whose reader waits for more.
    pub(super) fn judge_count(&mut self, life: Life, survey: &Survey) {
        let Some(line) = self.lines.values().find(|line| line.life == life && line.is_drained() && !line.stream.told.is_empty()) else {
            return;
        };
        let told = &line.stream.told;
        let count = |state| survey.sandboxes.get(&state).copied().unwrap_or_default();
        let said = |phase| told.values().filter(|told| derive(told.status.as_ref()) == phase).count();
        let pairs = [
            (State::Deleting, Phase::Deleting),
            (State::Ready, Phase::Ready),
            (State::Stopped, Phase::Stopped),
            (State::Failed, Phase::Error),
        ];
        let all = survey.sandboxes.values().sum::<usize>();
        if all != told.len() || pairs.iter().any(|(state, phase)| count(*state) != said(*phase)) {
            let texts: Vec<String> = told.values().map(snapshot_text).collect();
            self.broken(Rule::Counted, || format!("{life} counts {:?}, and has told its stream {texts:?}", survey.sandboxes));
        }
    }

    /// Once all is quiet: whatever a driver has told of and is gone, each of its streams has been told to be gone.
    pub(super) fn check_tombstones(&mut self) {
        if self.truth.restored_ms() > 0 {
            return;
        }
        let mut missed = None;
        for (life, line) in self.lines.values().filter(|line| line.ask == Ask::Watch && line.is_open()).map(|line| (line.life, line)) {
            let Some(process) = self.seats[life.driver].process.as_ref().filter(|process| process.number() == life.number) else {
                continue;
            };
            let gateway = self.seats[life.driver].plan.gateway;
            for (id, announced_ms) in &process.announced {
                let sandbox: Sid = (gateway, id.clone());
                let living = self.truth.living(&sandbox);
                let Some(ended_ms) = living.ended().filter(|_| !living.is_there()) else { continue };
                let heard = *announced_ms < ended_ms && line.began_ms < ended_ms + TOMBSTONE_MS;
                if heard && !line.stream.gone.contains(id) && !self.books.excused(Excuse::Copied, &sandbox) {
                    missed = Some((life, id.clone(), ended_ms));
                }
            }
        }
        if let Some((life, id, ended_ms)) = missed {
            self.broken(Rule::Tombstones, || format!("{life} has not told a stream that {} is gone since {ended_ms} ms", tail(&id)));
        }
    }

    /// Whether a driver was asked to create this before, and has not answered.
    pub(super) fn is_creating(&self, life: Life, before_ms: u64, id: &str) -> bool {
        let creates = |line: &Line| matches!(&line.ask, Ask::Create(sandbox) if sandbox.id == id);
        self.lines.values().any(|line| line.life == life && line.is_open() && line.began_ms < before_ms && creates(line))
    }

    /// Whether whatever there is of a sandbox was on its way out before.
    pub(super) fn has_long_been_leaving(&self, life: Life, before_ms: u64, sandbox: &Sid) -> bool {
        let plan = &self.seats[life.driver].plan;
        let objects = self.truth.objects().iter().filter(|((place, _), seen)| plan.holds(place) && seen.sandbox.as_ref() == Some(sandbox));
        let mut since = objects.map(|(_, seen)| seen.leaving_since).peekable();
        since.peek().is_some() && since.all(|since| since.is_some_and(|at| at < before_ms)) && self.truth.restored_ms() <= before_ms
    }

    /// Whether the controller has said nothing yet of a stop, where nobody else can have wished for anything since.
    pub(super) fn is_unheard(&self, life: Life, sandbox: &Sid) -> bool {
        use scenario::Kind as Act;
        let others = [Act::Suspend, Act::Expiry, Act::Copy].iter().any(|kind| self.scenario.others.kinds.contains(kind));
        let wishes = |line: &Line| matches!(&line.ask, Ask::Stop(other) | Ask::Start(other) if other.id == sandbox.1);
        if others || self.truth.restored_ms() > 0 || self.lines.values().any(|line| line.is_open() && wishes(line)) {
            return false;
        }
        let gateway_id = scenario::gateway_id(sandbox.0);
        let objects = self.own_objects(life.driver, Kind::Sandbox);
        let mut own = objects.iter().filter_map(|object| Object::deserialize(object).ok());
        own.any(|object| {
            object.sandbox_of(&gateway_id) == Some(sandbox.1.as_str())
                && object.is_suspended()
                && !object.is_leaving()
                && !object.is_heard()
        })
    }
}
