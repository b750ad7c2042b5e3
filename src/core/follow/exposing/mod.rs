//! Exposure: for each living sandbox, from what should exist and what does, to the one request that comes next.
//!
//! * `hearing`: what the watches say. `judging`: what should exist, and what is to be done for it. `track`: how far a sandbox is.

mod hearing;
mod judging;
mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::hearing::informer;
use self::track::{Act, Next, Origin, State, Then, Track};
use super::condition::{EXPOSED, Exposed, Truth};
use super::domain::ClusterDomain;
use super::known::Known;
use super::render;
use super::settings::Exposure;
use crate::core::io::{Fault, Lane, Response};
use crate::core::kube::answer::{ApiError, Verdict};
use crate::core::kube::dependent::{self, AnyDependent, ApiRules, Dependent, NetworkPolicies, Services, VirtualServices};
use crate::core::kube::kind::Kind;
use crate::core::limits;
use crate::core::names::SandboxId;
use crate::core::note::Note;
use crate::core::observe::Cluster;
use crate::core::observe::informer::Informer;
use crate::core::observe::sandbox::Life;
use crate::core::secret::Body;
use crate::core::territory::{ObjectKey, Scope};
use crate::core::time::Mono;
use crate::core::turn::{Dice, Timer, Turn, Waiter};

/// The reconciler.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exposing {
    exposure: Exposure,
    domain: ClusterDomain,
    services: Informer<Dependent<Services>>,
    api_rules: Informer<Dependent<ApiRules>>,
    virtual_services: Informer<Dependent<VirtualServices>>,
    network_policies: Informer<Dependent<NetworkPolicies>>,
    known: Known,
    tracks: BTreeMap<SandboxId, Track>,
    /// Which sandbox the objects of a key are for.
    by_key: BTreeMap<ObjectKey, SandboxId>,
    /// Sandboxes with something to do.
    waiting: BTreeSet<SandboxId>,
    in_flight: usize,
    stage: Stage,
}

/// Whether anything is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Sandboxes are not known yet.
    Idle,
    /// It is.
    Begun,
    /// Nothing more.
    Stopped,
}

impl Exposing {
    /// Nothing known yet.
    #[must_use]
    pub fn new(exposure: Exposure) -> Self {
        Self {
            domain: ClusterDomain::new(&exposure),
            exposure,
            services: Informer::default(),
            api_rules: Informer::default(),
            virtual_services: Informer::default(),
            network_policies: Informer::default(),
            known: Known::default(),
            tracks: BTreeMap::new(),
            by_key: BTreeMap::new(),
            waiting: BTreeSet::new(),
            in_flight: 0,
            stage: Stage::Idle,
        }
    }

    /// The settings.
    #[must_use]
    pub const fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// Starts to look.
    pub fn begin(&mut self, turn: &mut Turn<'_>) {
        if self.stage != Stage::Idle {
            return;
        }
        self.stage = Stage::Begun;
        for kind in self.exposure.route.kinds() {
            turn.set(Timer::Informer(*kind), Mono::default());
        }
        self.domain.ask(turn);
    }

    /// The Gateway's answer: hosts may be known now.
    pub fn domain(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, result: Result<Response, Fault>) {
        self.domain.answered(turn, result);
        self.consider_all(turn, cluster);
    }

    /// Asks for the domain again.
    pub fn ask_domain(&mut self, turn: &mut Turn<'_>) {
        self.domain.ask(turn);
    }

    /// Nothing more is done. What is half made is finished by the next process.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        self.stage = Stage::Stopped;
        for kind in Kind::FOLLOWING {
            informer!(self, kind, informer => informer.stop(turn));
        }
        self.domain.stop(turn);
        for (id, track) in std::mem::take(&mut self.tracks) {
            match track.state {
                State::Acting(exchange, ..) => turn.abort_exchange(exchange),
                State::Pausing(_) => turn.unset(&Timer::Follow(id)),
                State::Resting | State::Queued => {}
            }
        }
        self.waiting.clear();
        self.by_key.clear();
        self.in_flight = 0;
    }

    fn consider_all(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster) {
        let ids: Vec<SandboxId> = self.tracks.keys().cloned().collect();
        for id in ids {
            self.consider(turn, cluster, &id);
        }
    }

    /// Looks at a sandbox that may have changed, or at what exposes it.
    pub fn consider(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        if self.stage != Stage::Begun {
            return;
        }
        let Some(observed) = cluster.find(id).filter(|observed| observed.life == Life::Alive) else {
            self.forget(turn, cluster, id);
            return self.pump(turn, cluster);
        };
        if self.tracks.get(id).is_some_and(|track| track.uid != observed.uid) {
            self.forget(turn, cluster, id);
        }
        self.plan(cluster, id);
        let Some((next, exposed)) = self.tracks.get(id).map(|track| self.judge(cluster, track)) else { return };
        let Some(track) = self.tracks.get_mut(id) else { return };
        match (track.state, next) {
            (State::Resting, Next::Do(..)) => {
                track.state = State::Queued;
                self.waiting.insert(id.clone());
            }
            (State::Resting, Next::LookAgain(kind)) => {
                track.state = State::Pausing(Then::Read(kind));
                turn.set(Timer::Follow(id.clone()), turn.now().mono.after(limits::FOLLOW_LOOK_AGAIN));
            }
            // The name has become free.
            (State::Pausing(Then::Read(_)), Next::Do(..)) => {
                turn.unset(&Timer::Follow(id.clone()));
                track.state = State::Queued;
                self.waiting.insert(id.clone());
            }
            _ => {}
        }
        self.tell(turn, cluster, id, exposed);
        self.pump(turn, cluster);
    }

    /// Sends what can be sent.
    fn pump(&mut self, turn: &mut Turn<'_>, cluster: &Cluster) {
        while self.in_flight < limits::FOLLOWING_MAX {
            let Some(id) = self.waiting.pop_first() else { return };
            let next = self.tracks.get(&id).map(|track| self.judge(cluster, track).0);
            let Some(track) = self.tracks.get_mut(&id) else { continue };
            track.state = State::Resting;
            if let Some(Next::Do(kind, act)) = next {
                self.act(turn, cluster, &id, kind, act);
            }
        }
    }

    fn act(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, id: &SandboxId, kind: Kind, act: Act) {
        let (Some(observed), Some(track)) = (cluster.find(id), self.tracks.get_mut(id)) else { return };
        let (api, key) = (cluster.api(), &track.key);
        let wished = || {
            let plan = track.plan.as_ref()?;
            Some(render::object(kind, &self.exposure, api, observed, key, &plan.host))
        };
        let request = match act {
            Act::Post => wished().map(|object| api.create_dependent(kind, key.namespace(), Body::json(&object))),
            Act::Patch => {
                wished().zip(self.known.get(kind, key)).map(|(object, seen)| dependent::patch(api, kind, key, &seen.version, object))
            }
            Act::Read => Some(api.get_dependent(kind, key)),
        };
        let Some(request) = request else { return };
        let deadline = turn.now().mono.after(limits::EXCHANGE_TIMEOUT);
        let exchange = turn.exchange(Waiter::Follow(id.clone()), Lane::Lists, request, deadline);
        if act != Act::Read {
            track.origin = Origin::Made;
        }
        track.state = State::Acting(exchange, kind, act);
        self.in_flight += 1;
    }

    /// See [`super::Follow::answered`].
    pub fn answered(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, result: Result<Response, Fault>) {
        let Some(track) = self.tracks.get_mut(id) else { return };
        let State::Acting(_, kind, act) = track.state else { return };
        track.state = State::Resting;
        self.in_flight -= 1;
        let verdict = Verdict::of(result);
        turn.met("exposing", act.name(), verdict.name());
        let key = track.key.clone();
        let object = format!("{} {}", kind.object_kind(), key.name());
        match verdict {
            Verdict::Done(response) => {
                track.failures = 0;
                track.trouble = None;
                // A body that cannot be read says nothing; the watch will.
                match serde_json::from_slice::<AnyDependent>(&response.body.0) {
                    Ok(object) => drop(self.known.put(cluster.api().territory(), kind, &object)),
                    Err(_) => {
                        self.later(turn, id, kind, Exposed::pending(format!("{object}: the API server's answer cannot be read")), None);
                    }
                }
            }
            // Ours from a try whose answer was lost, or another's: only reading it tells.
            Verdict::Exists(_) | Verdict::Conflict(_) if act != Act::Read => self.act(turn, cluster, id, kind, Act::Read),
            Verdict::Absent(error) => {
                self.known.forget(kind, &key);
                self.later(turn, id, kind, Exposed::pending(format!("{object} is made again: {error}")), None);
            }
            Verdict::Refused(error) => {
                let hint = hint(act.verb(), kind, Scope::Namespace(key.namespace()));
                let refused = Exposed::refused(
                    "Refused",
                    format!("{object} was refused: {error}{}", if error.status == 403 { hint } else { String::new() }),
                );
                self.later(turn, id, kind, refused, Some(&error));
            }
            Verdict::NoApi(_) => {
                let missing = format!("{object}: the API server does not serve {}; check with: kubectl get crd {0}", kind.qualified());
                self.later(turn, id, kind, Exposed::refused("NoAPI", missing), None);
            }
            Verdict::Exists(error)
            | Verdict::Conflict(error)
            | Verdict::NoNamespace(error)
            | Verdict::Unauthorized(error)
            | Verdict::Busy(error) => {
                self.later(turn, id, kind, Exposed::pending(format!("{object}: {error}; trying again")), Some(&error));
            }
            Verdict::Unsure(why) | Verdict::NotSent(why) => {
                self.later(turn, id, kind, Exposed::pending(format!("{object}: {why}; trying again")), None);
            }
        }
        self.consider(turn, cluster, id);
    }

    /// Something failed: it is tried again after a pause.
    fn later(&mut self, turn: &mut Turn<'_>, id: &SandboxId, kind: Kind, trouble: Exposed, error: Option<&ApiError>) {
        let Some(track) = self.tracks.get_mut(id) else { return };
        track.trouble = Some(trouble);
        track.failures = track.failures.saturating_add(1);
        let pause: Duration = turn.backoff(Dice::Of(kind), track.failures, limits::FOLLOW_BACKOFF_MAX);
        let pause = error.and_then(|error| error.retry_after).map_or(pause, |asked| asked.max(pause));
        track.state = State::Pausing(Then::Judge);
        turn.set(Timer::Follow(id.clone()), turn.now().mono.after(pause));
    }

    /// See [`super::Follow::retry`].
    pub fn retry(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        let Some(track) = self.tracks.get_mut(id) else { return };
        let State::Pausing(then) = track.state else { return };
        turn.met("exposing", "pausing", "retry");
        track.state = State::Resting;
        match then {
            Then::Judge => {}
            Then::Read(kind) => self.act(turn, cluster, id, kind, Act::Read),
        }
        self.consider(turn, cluster, id);
    }

    /// Says how far it is, where that is news.
    fn tell(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId, exposed: Exposed) {
        cluster.remark(turn, id, EXPOSED, Some(exposed.condition()));
        let Some(track) = self.tracks.get_mut(id) else { return };
        if exposed.truth == Truth::Unknown || track.settled.as_ref() == Some(&exposed) {
            return;
        }
        if track.origin == Origin::Made || track.settled.is_some() {
            if exposed.truth == Truth::False {
                turn.note(Note::NotExposed { sandbox: id.clone(), reason: exposed.message.clone() });
            }
            let host = track.plan.as_ref().map(|plan| &plan.host);
            cluster.happened(turn, exposed.event(turn.now().wall, id, self.exposure.route.kind(), track.key.name(), host));
        }
        track.settled = Some(exposed);
    }

    /// The sandbox is gone, or going: so is what follows it.
    fn forget(&mut self, turn: &mut Turn<'_>, cluster: &mut Cluster, id: &SandboxId) {
        let Some(track) = self.tracks.remove(id) else { return };
        self.by_key.remove(&track.key);
        self.waiting.remove(id);
        match track.state {
            State::Acting(exchange, ..) => {
                turn.abort_exchange(exchange);
                self.in_flight -= 1;
            }
            State::Pausing(_) => turn.unset(&Timer::Follow(id.clone())),
            State::Resting | State::Queued => {}
        }
        cluster.remark(turn, id, EXPOSED, None);
    }
}

/// The command that shows whether a right is missing.
fn hint(verb: &str, kind: Kind, scope: Scope<'_>) -> String {
    format!(
        "; check with: kubectl auth can-i {verb} {} {} --as system:serviceaccount:<namespace>:<driver's service account>",
        kind.qualified(),
        scope.flag()
    )
}
