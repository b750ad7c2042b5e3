//! What kind of cluster this is: every knob, with the value a plain Kyma cluster has.

use crate::access::Access;

/// Which agent-sandbox release is installed: it decides the served versions and the controller's habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControllerRelease {
    /// The last release with `v1alpha1` only: a suspended Sandbox looks Ready.
    V0_4_6,
    /// `v1beta1`, and `v1alpha1` through the conversion webhook; `Suspended` is premature and sticky.
    V0_5_0,
    /// A failed pod has a reason of its own; `volumeClaimTemplates` cannot change.
    V0_5_3,
    /// `Suspended` is always there and waits for the pod.
    V0_5_4,
    /// `PodScheduled`, `MultiplePods`, pods found by owner UID.
    V0_5_6,
}

/// Whether a part of the control plane does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It works.
    Running,
    /// It does nothing; its work waits.
    Stopped,
}

/// Whether the garbage collector sees a pod that is made in the second in which the deletion of its owner begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// It does.
    Prompt,
    /// It has looked before: the owner waits for the pod, and nobody tells the pod to end. Seen on a real control plane, one time in four.
    Late,
}

/// Whether something is installed or offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not.
    Absent,
}

/// What becomes of a pod that is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodBehaviour {
    /// Scheduled, pulled, started, ready.
    BecomesReady,
    /// No node takes it.
    Unschedulable,
    /// Its image cannot be pulled: `ErrImagePull`, then `ImagePullBackOff`.
    ImagePullBackOff,
    /// It runs, and its readiness never comes.
    NeverReady,
    /// It becomes ready and fails that long after.
    FailsAfter {
        /// Milliseconds from Ready.
        ready_ms: u64,
        /// How it fails.
        failure: PodFailure,
    },
}

/// How a running pod ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodFailure {
    /// The kernel killed its container for memory: exit code 137, `OOMKilled`.
    OutOfMemory,
    /// The kubelet evicted it: the pod fails as a whole.
    Evicted,
    /// Its container exited with this code; 0 is success.
    Exited(u8),
}

/// What Kyma's API gateway makes of an `APIRule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiGateway {
    /// It does not run: nothing is said of any.
    Stopped,
    /// Every one is Ready.
    Trusting,
    /// One whose pods have no sidecar is an Error.
    Strict,
}

/// How long a pod takes to end once asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// Its process heeds SIGTERM and ends after that many milliseconds, or with the grace period.
    After(u64),
    /// Its process ignores SIGTERM: the whole grace period.
    FullGrace,
    /// The kubelet never reports the end.
    Never,
}

/// Whether nodes keep images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageCache {
    /// Every container pulls.
    Cold,
    /// An image pulled once is present, unless the pull policy says Always.
    Keeps,
}

/// Milliseconds of each step from pod creation to Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Creation to being bound to a node.
    pub schedule_ms: u64,
    /// Pulling one image.
    pub pull_ms: u64,
    /// Starting one container; an init container runs as long again.
    pub start_ms: u64,
    /// Last container started to Ready.
    pub ready_ms: u64,
    /// A watched change to the reconcile that follows it.
    pub reconcile_ms: u64,
    /// A reconcile's first write to its status write.
    pub status_ms: u64,
    /// A deletion to the garbage collector's reaction.
    pub collect_ms: u64,
}

impl Pace {
    /// Pods that take seconds, as with images to pull.
    pub const LIFELIKE: Self =
        Self { schedule_ms: 40, pull_ms: 700, start_ms: 100, ready_ms: 250, reconcile_ms: 10, status_ms: 5, collect_ms: 20 };
    /// Pods that are ready as soon as the control plane lets them.
    pub const BRISK: Self = Self { schedule_ms: 20, pull_ms: 5, start_ms: 5, ready_ms: 20, reconcile_ms: 5, status_ms: 2, collect_ms: 5 };
}

/// A node pods can run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeShape {
    /// Its name.
    pub name: String,
    /// Allocatable `nvidia.com/gpu`; 0 means the resource is not there.
    pub gpus: u32,
    /// Labels besides the usual ones.
    pub labels: Vec<(String, String)>,
}

/// Everything a cluster is made with. Start from `Options::default()`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The agent-sandbox release.
    pub release: ControllerRelease,
    /// Whether its controller runs at the start.
    pub controller: Power,
    /// Whether its custom resource definition is installed at the start.
    pub definition: Presence,
    /// Kyma's own resources: `APIRule`, `VirtualService`, `Gateway`.
    pub kyma: Presence,
    /// What Kyma's API gateway makes of rules.
    pub api_gateway: ApiGateway,
    /// Whether the garbage collector works at the start.
    pub garbage_collector: Power,
    /// How closely it looks.
    pub attention: Attention,
    /// Who may ask, and for what.
    pub access: Access,
    /// Namespaces there from the start, besides `default` and `kube-system`.
    pub namespaces: Vec<String>,
    /// The nodes.
    pub nodes: Vec<NodeShape>,
    /// How fast things happen.
    pub pace: Pace,
    /// What pods do unless told otherwise by name.
    pub pods: PodBehaviour,
    /// How pods end unless told otherwise by name.
    pub termination: Termination,
    /// Whether nodes keep images.
    pub images: ImageCache,
    /// Writes remembered for each kind: a watch from before them is too old.
    pub watch_history: usize,
    /// Milliseconds between bookmarks.
    pub bookmark_ms: u64,
    /// How long a watch lives that names no `timeoutSeconds`, in milliseconds.
    pub watch_ms: u64,
    /// Whether a watch may ask for `sendInitialEvents`.
    pub streaming_lists: Presence,
    /// The most items of one page, whatever `limit` a client gives; lists without `limit` are whole.
    pub page_items: Option<usize>,
    /// How long an Event lives, in milliseconds.
    pub event_ms: u64,
    /// The most Events kept.
    pub events: usize,
    /// The most requests kept in the log.
    pub log: usize,
    /// Whether the log keeps the bodies of requests.
    pub bodies: Presence,
    /// What Service names end in.
    pub cluster_domain: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            release: ControllerRelease::V0_5_6,
            controller: Power::Running,
            definition: Presence::Present,
            kyma: Presence::Absent,
            api_gateway: ApiGateway::Strict,
            garbage_collector: Power::Running,
            attention: Attention::Prompt,
            access: Access::open(),
            namespaces: vec!["openshell-system".to_owned()],
            nodes: vec![NodeShape { name: "node-1".to_owned(), gpus: 0, labels: Vec::new() }],
            pace: Pace::BRISK,
            pods: PodBehaviour::BecomesReady,
            termination: Termination::After(500),
            images: ImageCache::Cold,
            watch_history: 1000,
            bookmark_ms: 60_000,
            watch_ms: 2_700_000,
            streaming_lists: Presence::Present,
            page_items: None,
            event_ms: 3_600_000,
            events: 4000,
            log: 10_000,
            bodies: Presence::Absent,
            cluster_domain: "cluster.local".to_owned(),
        }
    }
}
