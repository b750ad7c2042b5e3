//! What was asked and allowed, kept to judge what is done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::driver::contract::messages::compute as pb;
use crate::driver::core::io::{HttpRequest, Method};

use crate::gateway::Removal;
use crate::gateway::ask::Ask;
use crate::home::{Home, Written};
use crate::rules::Rule;
use crate::scenario::{DriverPlan, Scenario, Weather};
use crate::truth::{Place, Sid};
use crate::world::happening::Life;

/// What every token and every environment value has in it, so that a leak can be seen.
pub const SECRET: &str = "s3cr3t";
/// What only a token has.
pub const TOKEN: &str = "s3cr3t-token";

/// Requests of one driver in [`WINDOW_MS`] that need no reason: its informer, the server's version, objects looked at now and then.
const IDLE_REQUESTS: usize = 100;
/// Requests that one call can cause in [`WINDOW_MS`]: pauses double from 0.2 s up to 5 s.
const CALL_REQUESTS: usize = 30;
/// Requests that one line of a watch can cause: what it is about is looked at.
pub const LINE_REQUESTS: usize = 2;
/// Requests that the end of a watch can cause which has said something: a list, its pages, another watch.
pub const END_REQUESTS: usize = 4;
/// Requests that a good answer can cause: the next page, or a look at what a list lacks.
pub const ANSWER_REQUESTS: usize = 4;
/// In which requests are counted.
const WINDOW_MS: u64 = 60_000;

/// How long a call may cause requests after it began: a create that is looked for after it failed.
const LASTING_MS: u64 = 400_000;

/// What gave a driver a reason for requests.
#[derive(Debug, Default)]
struct Reasons {
    recent: VecDeque<(u64, usize)>,
    sum: usize,
}

/// Whether a sandbox is to have GPUs.
#[must_use]
pub fn wants_gpus(sandbox: &pb::DriverSandbox) -> bool {
    let requirements = sandbox.spec.as_ref().and_then(|spec| spec.resource_requirements.as_ref());
    requirements.is_some_and(|requirements| requirements.gpu.is_some())
}

/// How long a call may take, by what was promised for each method.
#[must_use]
pub fn bound_ms(home: Home, ask: &Ask) -> u64 {
    match ask {
        Ask::EnsureWorkspace(_) | Ask::DeleteWorkspace(_) if home == Home::Managed => 60_000,
        // Nodes are looked at.
        Ask::Validate(sandbox) if wants_gpus(sandbox) => 20_000,
        Ask::Capabilities | Ask::Listeners | Ask::Validate(_) | Ask::EnsureWorkspace(_) | Ask::DeleteWorkspace(_) => 0,
        Ask::Get(_) | Ask::List => 20_000,
        // A stop: 30 s for the pod, and 30 s more.
        Ask::Create(_) | Ask::Delete(_) | Ask::Start(_) | Ask::Stop(_) => 60_000,
        Ask::Watch => u64::MAX / 2,
    }
}

/// Whether a sandbox is to have a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It is.
    Running,
    /// It is not.
    Suspended,
}

/// What may be otherwise than the rules say, since somebody saw to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// It may be there without a row.
    LeftBehind,
    /// Its row may be in Error, or in Deleting, although it is well.
    Misjudged,
    /// A pod of it may run although it is stopped.
    PodOfItsOwn,
    /// Several objects claim it.
    Copied,
}

/// The books.
#[derive(Debug)]
pub struct Books {
    weather: Weather,
    plans: Vec<DriverPlan>,
    creates: BTreeMap<Sid, Box<pb::DriverSandbox>>,
    deletes: BTreeSet<Sid>,
    changes: BTreeSet<(Mode, Sid)>,
    /// Workspaces in which somebody wants something, by gateway.
    workspaces: BTreeSet<(usize, String)>,
    /// Workspaces that somebody wants to end, by gateway.
    ended_workspaces: BTreeSet<(usize, String)>,
    refused: BTreeSet<Sid>,
    removed: BTreeMap<Sid, (u64, Removal)>,
    excused: BTreeMap<(Excuse, Sid), &'static str>,
    strays: BTreeSet<Place>,
    unclaimed: BTreeSet<Sid>,
    unread: BTreeSet<String>,
    requests: BTreeMap<Life, VecDeque<u64>>,
    /// What gave each driver a reason for requests, and when.
    reasons: BTreeMap<usize, Reasons>,
    /// Of each kind of request in calm weather.
    posts: usize,
    erasures: usize,
    names_met: usize,
}

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            weather: scenario.weather,
            plans: scenario.drivers.clone(),
            workspaces: BTreeSet::new(),
            ended_workspaces: BTreeSet::new(),
            creates: BTreeMap::new(),
            deletes: BTreeSet::new(),
            changes: BTreeSet::new(),
            refused: BTreeSet::new(),
            removed: BTreeMap::new(),
            excused: BTreeMap::new(),
            strays: BTreeSet::new(),
            unclaimed: BTreeSet::new(),
            unread: BTreeSet::new(),
            requests: BTreeMap::new(),
            reasons: BTreeMap::new(),
            posts: 0,
            erasures: 0,
            names_met: 0,
        }
    }

    /// A call reaches a driver of this gateway.
    pub fn asked(&mut self, gateway: usize, ask: &Ask) {
        match ask {
            Ask::Create(sandbox) => {
                self.creates.insert((gateway, sandbox.id.clone()), sandbox.clone());
                self.workspaces.insert((gateway, sandbox.workspace.clone()));
            }
            Ask::Delete(subject) => {
                self.deletes.insert((gateway, subject.id.clone()));
            }
            Ask::EnsureWorkspace(workspace) => {
                self.workspaces.insert((gateway, workspace.clone()));
            }
            Ask::DeleteWorkspace(workspace) => {
                self.ended_workspaces.insert((gateway, workspace.clone()));
            }
            Ask::Stop(subject) => {
                self.changes.insert((Mode::Suspended, (gateway, subject.id.clone())));
            }
            Ask::Start(subject) => {
                self.changes.insert((Mode::Running, (gateway, subject.id.clone())));
            }
            _ => {}
        }
    }

    /// A driver has a reason for requests: a call, or an object that went.
    pub fn reason(&mut self, now_ms: u64, driver: usize, requests: usize) {
        let reasons = self.reasons.entry(driver).or_default();
        reasons.sum += requests;
        reasons.recent.push_back((now_ms, requests));
    }

    /// A call arrived at a driver.
    pub fn called(&mut self, now_ms: u64, driver: usize) {
        self.reason(now_ms, driver, CALL_REQUESTS);
    }

    /// A create was answered with an error.
    pub fn create_refused(&mut self, sandbox: Sid) {
        self.refused.insert(sandbox);
    }

    /// A row is gone.
    pub fn row_removed(&mut self, now_ms: u64, sandbox: Sid, why: Removal) {
        self.removed.insert(sandbox, (now_ms, why));
    }

    /// When and why a row went.
    #[must_use]
    pub fn removal(&self, sandbox: &Sid) -> Option<(u64, Removal)> {
        self.removed.get(sandbox).copied()
    }

    /// A sandbox is excused, for this reason.
    pub fn excuse(&mut self, what: Excuse, sandbox: Sid, why: &'static str) {
        self.excused.entry((what, sandbox)).or_insert(why);
    }

    /// Whether a sandbox is excused.
    #[must_use]
    pub fn excused(&self, what: Excuse, sandbox: &Sid) -> bool {
        self.excused.contains_key(&(what, sandbox.clone()))
    }

    /// A driver reported an object that it may have left behind.
    pub fn stray(&mut self, namespace: String, object: String) {
        self.strays.insert((namespace, object));
    }

    /// A driver reported a sandbox as unknown to its gateway.
    pub fn unclaimed(&mut self, sandbox: Sid) {
        self.unclaimed.insert(sandbox);
    }

    /// Whether a driver reported a sandbox as unknown to its gateway.
    #[must_use]
    pub fn is_unclaimed(&self, sandbox: &Sid) -> bool {
        self.unclaimed.contains(sandbox)
    }

    /// Whether a driver reported an object.
    #[must_use]
    pub fn is_stray(&self, place: &Place) -> bool {
        self.strays.contains(place)
    }

    /// What a create asked for.
    #[must_use]
    pub fn asked_for(&self, sandbox: &Sid) -> Option<&pb::DriverSandbox> {
        self.creates.get(sandbox).map(|asked| &**asked)
    }

    /// Whether a namespace may be made for a workspace.
    #[must_use]
    pub fn may_begin(&self, gateway: usize, workspace: &str) -> bool {
        self.workspaces.contains(&(gateway, workspace.to_owned()))
    }

    /// Whether the namespace of a workspace may be deleted.
    #[must_use]
    pub fn may_end(&self, gateway: usize, workspace: &str) -> bool {
        self.ended_workspaces.contains(&(gateway, workspace.to_owned()))
    }

    /// Whether this mode may be set.
    #[must_use]
    pub fn may_change(&self, mode: Mode, sandbox: &Sid) -> bool {
        self.changes.contains(&(mode, sandbox.clone()))
    }

    /// The answer to a create got lost on its way or was spoilt: the driver has not seen what it made.
    pub fn unread(&mut self, id: String) {
        self.unread.insert(id);
    }

    /// Whether the driver may not have seen what its own create made.
    #[must_use]
    pub fn is_unread(&self, id: &str) -> bool {
        self.unread.contains(id)
    }

    /// A create met a name that is taken: it may send another POST.
    pub fn met_a_name(&mut self) {
        self.names_met += 1;
    }

    /// Whether this may be deleted.
    #[must_use]
    pub fn may_go(&self, sandbox: &Sid) -> bool {
        self.deletes.contains(sandbox) || self.refused.contains(sandbox)
    }

    /// Whether a text has what must not get out.
    #[must_use]
    pub fn leaks(&self, text: &str) -> bool {
        text.contains(SECRET)
    }

    /// A driver sends a request.
    pub fn request(&mut self, now_ms: u64, life: Life, request: &HttpRequest) -> Option<(Rule, String)> {
        let written = self.plans.get(life.driver)?.writes(request);
        if request.method != Method::Get && written.is_none() {
            return Some((Rule::OwnNamespace, format!("{:?} {}", request.method, request.path)));
        }
        let body = std::str::from_utf8(&request.body.0).unwrap_or_default();
        if body.contains(TOKEN) || request.path.contains(SECRET) || (request.method != Method::Post && body.contains(SECRET)) {
            return Some((Rule::Secrets, format!("{:?} {}", request.method, request.path)));
        }
        if self.weather == Weather::Calm && matches!(written, Some(Written::Sandbox(_))) {
            match request.method {
                Method::Post => self.posts += 1,
                // What lets go of a Sandbox that the garbage collector overlooked is asked a second time, and in the background.
                Method::Delete if !body.contains("\"Background\"") => self.erasures += 1,
                Method::Delete | Method::Get | Method::Patch => {}
            }
        }
        self.rate(now_ms, life)
    }

    fn rate(&mut self, now_ms: u64, life: Life) -> Option<(Rule, String)> {
        let recent = self.requests.entry(life).or_default();
        recent.push_back(now_ms);
        while recent.front().is_some_and(|at| at + WINDOW_MS < now_ms) {
            recent.pop_front();
        }
        let reasons = self.reasons.entry(life.driver).or_default();
        // A call, and what it left behind, goes on for some time after it began.
        while let Some((at, requests)) = reasons.recent.front().copied()
            && at + WINDOW_MS + LASTING_MS < now_ms
        {
            reasons.sum -= requests;
            reasons.recent.pop_front();
        }
        let allowed = IDLE_REQUESTS + reasons.sum;
        (recent.len() > allowed).then(|| {
            let count = recent.len();
            (Rule::Rate, format!("{count} requests in {} s, where {allowed} have a reason", WINDOW_MS / 1_000))
        })
    }

    /// Requests of one driver since that time.
    #[must_use]
    pub fn requests_since(&self, life: Life, from_ms: u64) -> usize {
        self.requests.get(&life).map_or(0, |recent| recent.iter().filter(|at| **at >= from_ms).count())
    }

    /// What calm weather cost, if it was too much.
    #[must_use]
    pub fn calm_cost(&self) -> Option<String> {
        if self.weather == Weather::Stormy {
            return None;
        }
        let (creates, deletes) = (self.creates.len(), self.deletes.len());
        (self.posts > creates + self.names_met || self.erasures > deletes)
            .then(|| format!("{} POSTs for {creates} creates, {} DELETEs for {deletes} deletes", self.posts, self.erasures))
    }
}
