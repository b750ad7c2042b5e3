//! What kind of world a seed means: how many drivers and users, how long, and what goes wrong.
//!
//! Each class of fault is drawn on its own: a world with one kind of trouble shows what that one does, and a world with all of them what they do
//! together. A tenth of all worlds is calm, so that what is said of calm weather (one POST for a create) is checked too.

use kubesim::{Access, ApiGateway, Attention, ControllerRelease, ImageCache, NodeShape, Options, Pace, Presence, Termination};

use crate::gateway::Lifecycle;
use crate::home::{Home, Route};
use crate::random::{PerMille, Random};
use crate::recordings::Recording;

/// The token the observer of the world shows to the API server.
pub const OBSERVER: &str = "observer";

/// A world as its seed has it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// Whether anything goes wrong at all.
    pub weather: Weather,
    /// How long things go wrong, in milliseconds. The world begins with it.
    pub storm_ms: u64,
    /// How many gateways there are.
    pub gateways: usize,
    /// Whether users stop and start sandboxes.
    pub lifecycle: Lifecycle,
    /// The drivers.
    pub drivers: Vec<DriverPlan>,
    /// What users do.
    pub users: UsersPlan,
    /// What goes wrong between drivers and API server.
    pub wire: WireOdds,
    /// What goes wrong with processes.
    pub processes: ProcessOdds,
    /// What goes wrong with the API server.
    pub server: ServerPlan,
    /// What others do to the cluster.
    pub others: OthersPlan,
    /// What the cluster is like.
    pub cluster: ClusterPlan,
    /// How gateways read their streams.
    pub reading: Reading,
}

/// Whether anything goes wrong at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing does.
    Calm,
    /// Whatever the rest of the scenario says.
    Stormy,
}

/// One driver.
#[derive(Debug, Clone)]
pub struct DriverPlan {
    /// Whose it is.
    pub gateway: usize,
    /// Where all its sandboxes live, where they share a namespace; otherwise its own.
    pub namespace: String,
    /// Where the sandboxes of each workspace live.
    pub home: Home,
    /// What routes requests from outside to its sandboxes.
    pub route: Option<Route>,
    /// How supervisors get into pods: `auto` asks the API server for its version.
    pub sideload: &'static str,
}

/// What users do.
#[derive(Debug, Clone)]
pub struct UsersPlan {
    /// How many wishes they have.
    pub wishes: u64,
    /// From how many names they choose; few names meet often.
    pub names: u64,
    /// How often they give up on a create.
    pub impatient: PerMille,
    /// How many sandboxes there are before the storm begins.
    pub settled: u64,
    /// How often a sandbox is to have GPUs.
    pub gpus: PerMille,
}

/// What goes wrong with an exchange or a watch, each in a thousand.
#[derive(Debug, Clone, Default)]
pub struct WireOdds {
    /// Longest ordinary way of a request or an answer, in milliseconds.
    pub latency_ms: u64,
    /// A way takes seconds instead.
    pub slow: PerMille,
    /// The server cannot be reached.
    pub not_sent: PerMille,
    /// The request is lost.
    pub request_lost: PerMille,
    /// The server acts, its answer is lost.
    pub answer_lost: PerMille,
    /// The request is carried out after its sender has given up on it.
    pub held: PerMille,
    /// The request is carried out twice, as a proxy does that tries again.
    pub repeated: PerMille,
    /// The server, or what is before it, refuses.
    pub refused: PerMille,
    /// The server acts and says 5xx.
    pub failed_after: PerMille,
    /// The answer is cut short or is garbage.
    pub mangled: PerMille,
    /// The answer is too large.
    pub too_large: PerMille,
    /// The answer comes byte by byte, and is whole at the last moment.
    pub trickle: PerMille,
    /// Something arrives for what was aborted.
    pub after_abort: PerMille,
    /// A watch is not opened.
    pub watch_refused: PerMille,
    /// A watch breaks at a line.
    pub watch_cut: PerMille,
    /// A watch goes silent at a line, without an end.
    pub watch_hung: PerMille,
    /// A line is garbage.
    pub watch_garbage: PerMille,
    /// A watch is told that its history is gone.
    pub watch_gone: PerMille,
    /// A watch gets another error in a line.
    pub watch_error: PerMille,
}

/// What goes wrong with processes.
#[derive(Debug, Clone, Default)]
pub struct ProcessOdds {
    /// A driver dies while it carries out what an input led to: at any place of it.
    pub crash: PerMille,
    /// After how many outputs the first process of the first driver dies.
    pub crash_after: Option<u64>,
    /// Whether processes are recorded.
    pub recording: Recording,
    /// How often a driver is stopped in good order.
    pub stops: u64,
    /// How often a gateway dies.
    pub gateway_deaths: u64,
    /// How often the lease goes to the other driver of a gateway.
    pub lease_changes: u64,
    /// How often a wall clock jumps.
    pub clock_jumps: u64,
    /// How long a dead process stays away, at most, in milliseconds.
    pub away_ms: u64,
}

/// What goes wrong with the API server.
#[derive(Debug, Clone, Default)]
pub struct ServerPlan {
    /// It restarts: watches break.
    pub restarts: u64,
    /// Its history is compacted.
    pub compactions: u64,
    /// It is set back to a backup, its version with it.
    pub restores: u64,
    /// It is away for a while.
    pub outages: u64,
}

/// What others do.
#[derive(Debug, Clone, Default)]
pub struct OthersPlan {
    /// How many things.
    pub acts: u64,
    /// Of which kinds.
    pub kinds: Vec<Kind>,
}

/// What somebody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something about a Sandbox changes that does not concern the gateway.
    Touch,
    /// A Sandbox loses a label by which it is found, for good or for a while.
    Unlabel,
    /// A Sandbox loses the name its user gave it, in annotation and label, for some sweeps.
    Unname,
    /// A Sandbox is deleted.
    Delete,
    /// Sandboxes are deleted as soon as they have been created.
    Newborn,
    /// A pod is deleted, or fails.
    Pod,
    /// A node is lost and comes back.
    Node,
    /// A node is drained: every pod is deleted in good order.
    Drain,
    /// A driver's token is not valid any more, until it reads its file again.
    Rotation,
    /// A Sandbox is suspended and resumed.
    Suspend,
    /// The controller rests.
    Controller,
    /// The garbage collector rests.
    Collector,
    /// A right is taken away for a while.
    Rights,
    /// The resource is not served for a while (and every Sandbox is gone).
    Definition,
    /// The namespace is deleted and made again.
    Namespace,
    /// Somebody makes Sandboxes of the names users like.
    Squatter,
    /// Somebody copies a Sandbox, labels and all.
    Copy,
    /// A quota is set.
    Quota,
    /// A Sandbox expires.
    Expiry,
    /// Another release of agent-sandbox is installed.
    Upgrade,
}

impl Kind {
    /// What is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Touch => "somebody touched a Sandbox",
            Self::Unlabel => "somebody took a label away",
            Self::Unname => "somebody took a Sandbox's name away",
            Self::Delete => "somebody deleted a Sandbox",
            Self::Newborn => "somebody deleted new Sandboxes",
            Self::Pod => "a pod was deleted",
            Self::Node => "a node was lost",
            Self::Drain => "a node was drained",
            Self::Rotation => "a token was rotated",
            Self::Suspend => "somebody suspended a Sandbox",
            Self::Controller => "the controller rested",
            Self::Collector => "the garbage collector rested",
            Self::Rights => "rights were taken away",
            Self::Definition => "the resource was not served",
            Self::Namespace => "the namespace was deleted",
            Self::Squatter => "somebody took a name",
            Self::Copy => "somebody copied a Sandbox",
            Self::Quota => "a quota was set",
            Self::Expiry => "a Sandbox expired",
            Self::Upgrade => "agent-sandbox was upgraded",
        }
    }

    /// Each of them.
    pub const ALL: [Self; 20] = [
        Self::Touch,
        Self::Unlabel,
        Self::Unname,
        Self::Delete,
        Self::Newborn,
        Self::Pod,
        Self::Node,
        Self::Drain,
        Self::Rotation,
        Self::Suspend,
        Self::Controller,
        Self::Collector,
        Self::Rights,
        Self::Definition,
        Self::Namespace,
        Self::Squatter,
        Self::Copy,
        Self::Quota,
        Self::Expiry,
        Self::Upgrade,
    ];
}

/// What the cluster is like.
#[derive(Debug, Clone)]
pub struct ClusterPlan {
    /// The release of agent-sandbox.
    pub release: ControllerRelease,
    /// How fast things happen.
    pub pace: Pace,
    /// How pods end.
    pub termination: Termination,
    /// Writes that can be watched from.
    pub history: usize,
    /// Items of a page.
    pub page: Option<usize>,
    /// GPUs of its node.
    pub gpus: u32,
}

/// How a gateway reads its stream.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Events it may leave unread.
    pub credit: u32,
    /// Credit is given back for so many at once.
    pub batch: u32,
    /// Longest time an event takes, in milliseconds.
    pub event_ms: u64,
}

impl Scenario {
    /// The world of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let weather = if random.happens(100) { Weather::Calm } else { Weather::Stormy };
        let (gateways, drivers) = drivers(&mut random);
        let users = UsersPlan {
            wishes: *random.pick(&[2, 4, 8, 8, 16, 24]),
            names: *random.pick(&[2, 4, 30]),
            impatient: *random.pick(&[0, 0, 100, 400]),
            settled: *random.pick(&[0, 0, 1, 3]),
            gpus: *random.pick(&[0, 0, 0, 0, 400]),
        };
        let cluster = cluster(&mut random);
        let storm_ms = *random.pick(&[20_000, 60_000, 120_000, 400_000]);
        let reading = *random.pick(&[
            Reading { credit: 64, batch: 16, event_ms: 5 },
            Reading { credit: 64, batch: 16, event_ms: 5 },
            Reading { credit: 4, batch: 2, event_ms: 200 },
            Reading { credit: 1, batch: 1, event_ms: 3_000 },
        ]);
        let latency_ms = *random.pick(&[2, 20, 20, 300]);
        let mut scenario = Self {
            seed,
            weather,
            storm_ms,
            gateways,
            lifecycle: *random.pick(&[Lifecycle::CreateAndDelete, Lifecycle::StopAndStart, Lifecycle::StopAndStart]),
            drivers,
            users,
            wire: WireOdds { latency_ms, ..WireOdds::default() },
            processes: ProcessOdds { away_ms: *random.pick(&[200, 3_000, 20_000]), ..ProcessOdds::default() },
            server: ServerPlan::default(),
            others: OthersPlan::default(),
            cluster,
            reading,
        };
        if weather == Weather::Stormy {
            scenario.stir(&mut random);
        }
        scenario
    }

    fn stir(&mut self, random: &mut Random) {
        let odds = |random: &mut Random| if random.happens(300) { *random.pick(&[5, 20, 60, 150, 300, 800]) } else { 0 };
        self.wire = WireOdds {
            latency_ms: self.wire.latency_ms,
            slow: odds(random),
            not_sent: odds(random),
            request_lost: odds(random),
            answer_lost: odds(random),
            held: odds(random),
            repeated: odds(random),
            refused: odds(random),
            failed_after: odds(random),
            mangled: odds(random),
            too_large: odds(random) / 3,
            trickle: odds(random) / 2,
            after_abort: odds(random),
            watch_refused: odds(random),
            watch_cut: odds(random),
            watch_hung: odds(random) / 2,
            watch_garbage: odds(random) / 2,
            watch_gone: odds(random),
            watch_error: odds(random) / 2,
        };
        let times = |random: &mut Random| if random.happens(250) { random.between(1, 3) } else { 0 };
        self.processes = ProcessOdds {
            crash: if random.happens(250) { *random.pick(&[1, 3, 10, 40]) } else { 0 },
            crash_after: None,
            recording: Recording::Off,
            stops: times(random),
            gateway_deaths: times(random),
            lease_changes: times(random),
            clock_jumps: times(random),
            away_ms: self.processes.away_ms,
        };
        self.server = ServerPlan {
            restarts: times(random),
            compactions: times(random),
            restores: if random.happens(300) { times(random) } else { 0 },
            outages: times(random),
        };
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|_| random.happens(150)).collect();
        self.others = OthersPlan { acts: if kinds.is_empty() { 0 } else { random.between(1, 10) }, kinds };
    }

    /// The cluster before anything happens.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut namespaces: Vec<String> = self.drivers.iter().map(|driver| driver.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        let tokens: Vec<String> = (0..self.drivers.len()).map(token).collect();
        let tokens = tokens.iter().map(|token| (token.as_str(), token.as_str())).chain([(OBSERVER, OBSERVER)]);
        Options {
            release: self.cluster.release,
            attention: if self.seed % 4 == 3 { Attention::Late } else { Attention::Prompt },
            access: Access::open().with_tokens(tokens),
            namespaces,
            pace: self.cluster.pace,
            termination: self.cluster.termination,
            images: ImageCache::Keeps,
            watch_history: self.cluster.history,
            page_items: self.cluster.page,
            nodes: vec![NodeShape { name: "node-1".to_owned(), gpus: self.cluster.gpus, labels: Vec::new() }],
            kyma: if self.drivers.iter().any(|driver| driver.route.is_some()) { Presence::Present } else { Presence::Absent },
            api_gateway: ApiGateway::Trusting,
            log: 1,
            ..Options::default()
        }
    }
}

/// The token a driver shows to the API server; also what the API server calls it.
#[must_use]
pub fn token(driver: usize) -> String {
    format!("driver-{driver}")
}

/// What a gateway calls itself in labels.
#[must_use]
pub fn gateway_id(gateway: usize) -> String {
    if gateway == 0 { "openshell".into() } else { format!("openshell-{gateway}") }
}

fn drivers(random: &mut Random) -> (usize, Vec<DriverPlan>) {
    let shape: &[usize] = random.pick::<&[usize]>(&[&[0][..], &[0], &[0], &[0], &[0, 1], &[0, 1], &[0, 0], &[0, 0, 1]]);
    let apart = random.happens(300);
    let home = *random.pick(&[
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Shared,
        Home::Managed,
        Home::Operator,
    ]);
    let route = *random.pick(&[None, None, None, None, None, None, None, None, Some(Route::ApiRule), Some(Route::VirtualService)]);
    let plan = |gateway: &usize| DriverPlan {
        gateway: *gateway,
        home,
        route,
        namespace: if apart && *gateway > 0 { "second".into() } else { "openshell-system".into() },
        sideload: Random::new(random.any()).pick::<&str>(&["auto", "init-container"]),
    };
    (shape.iter().max().map_or(1, |last| last + 1), shape.iter().map(plan).collect())
}

fn cluster(random: &mut Random) -> ClusterPlan {
    ClusterPlan {
        release: *random.pick(&[
            ControllerRelease::V0_4_6,
            ControllerRelease::V0_5_0,
            ControllerRelease::V0_5_3,
            ControllerRelease::V0_5_4,
            ControllerRelease::V0_5_6,
            ControllerRelease::V0_5_6,
        ]),
        pace: *random.pick(&[Pace::BRISK, Pace::LIFELIKE]),
        termination: *random.pick(&[Termination::After(500), Termination::After(500), Termination::After(0), Termination::FullGrace]),
        history: *random.pick(&[1_000, 1_000, 5]),
        page: *random.pick(&[None, None, Some(1), Some(3)]),
        gpus: *random.pick(&[0, 2]),
    }
}
