//! Every bound of the core, in one place. Each queue, retry, wait, body and line is measured against one of these.

use std::time::Duration;

/// Calls in flight, streams included; above it a call is answered `RESOURCE_EXHAUSTED`. Also bounds detached creates.
pub const CALLS_MAX: usize = 1_024;
/// `WatchSandboxes` streams at once. A gateway has one; a few replicas and a restart overlap.
pub const STREAMS_MAX: usize = 32;

/// How long a create may take before its caller is answered, reading back after an ambiguous answer included.
pub const CREATE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a read may wait for the API server (`GetSandbox`) or for the first sync (`ListSandboxes`).
pub const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a start may take to be accepted by the API server.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How much longer than a pod's grace period a stop may take.
pub const STOP_MARGIN: Duration = Duration::from_secs(30);
/// A stopping sandbox is looked at more and more seldom, up to the pause of this try (about two seconds).
pub const STOP_LOOK_TRIES_MAX: u32 = 4;
/// How long a delete may take to be accepted by the API server.
pub const DELETE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long after its caller was told `UNAVAILABLE` an ambiguous create is still looked for, to be removed.
pub const UNDO_TIMEOUT: Duration = Duration::from_secs(300);
/// Reads that must agree that a possibly created object does not exist before an undo believes it; a lost POST may still be on its way
/// when the first one is answered.
pub const UNDO_ABSENCES: u32 = 3;
/// Time between those reads: longer than an admission webhook may take between all of them.
pub const UNDO_SPACING: Duration = Duration::from_secs(15);

/// One HTTP exchange, from sending it to the last byte of its body.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);
/// One page of a list: more bytes than any other exchange.
pub const LIST_EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);

/// First pause after something failed; doubled each time, jittered by half.
pub const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// Longest pause between two tries of a call.
pub const CALL_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Longest pause between two tries of an informer.
pub const INFORMER_BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Longest `Retry-After` that is obeyed; a larger one counts as this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Objects asked for with each page of a list.
pub const LIST_PAGE: u32 = 500;
/// Nodes asked for with each page: they list the images they hold, and are large.
pub const NODES_PAGE: u32 = 100;
/// Nodes looked at for one request.
pub const NODES_MAX: usize = 10_000;
/// How long it is remembered how many GPUs a node has.
pub const CAPACITY_AGE: Duration = Duration::from_secs(60);
/// Objects an informer keeps; a namespace with more is refused rather than half seen.
pub const OBJECTS_MAX: usize = 50_000;
/// How long the API server is asked to keep a watch open, in seconds; up to half as much again is added so that watches do not end together.
pub const WATCH_TIMEOUT_SECS: u64 = 300;
/// A watch without a line (bookmarks come every minute) for so long is taken for dead.
pub const WATCH_SILENCE: Duration = Duration::from_secs(90);
/// A watch that ended sooner than this after it began counts as a failure and is not reopened at once.
pub const WATCH_MIN_LIFE: Duration = Duration::from_secs(1);
/// Observations older than this are not served.
pub const STALE_AFTER: Duration = Duration::from_secs(120);

/// How long a server that was away may refuse everybody when it is back, because it has not read yet whom it grants what.
pub const RIGHTS_LAG: Duration = Duration::from_secs(10);

/// Live looks at single objects that are out at the same time, of each kind.
pub const LOOKUPS_MAX: usize = 16;
/// How long a create waits for the answer to which versions are served.
pub const DISCOVERY_PATIENCE: Duration = Duration::from_secs(1);
/// How often a server on which the old version is spoken is asked for a newer one.
pub const DISCOVERY_INTERVAL: Duration = Duration::from_secs(60);
/// How often an object that left our selector but still exists is looked at.
pub const RELABELLED_RECHECK: Duration = Duration::from_secs(30);

/// Sweeps of the gateway that must leave a sandbox out before it counts as unknown to it. It leaves out what changes while it sweeps, too.
pub const SWEEPS_UNNAMED: u32 = 3;
/// A list that comes sooner after the one before begins no sweep; the gateway's are a minute apart.
pub const SWEEP_MIN: Duration = Duration::from_secs(20);
/// Sandboxes unknown to it that are reported with one sweep; the others with those after it.
pub const STRAYS_REPORTED_MAX: usize = 20;
/// How long preparing or deleting the namespace of a workspace may take before the caller is answered.
pub const WORKSPACE_TIMEOUT: Duration = Duration::from_secs(60);
/// Namespaces that are seen to at the same time though nobody waits for them.
pub const HOUSEHOLDS_TENDED: usize = 4;
/// How long such a namespace is tried before it is left until the next change.
pub const TEND_TIMEOUT: Duration = Duration::from_secs(300);
/// How often the secrets that are copied into namespaces are read again.
pub const SOURCES_INTERVAL: Duration = Duration::from_secs(60);
/// How often a namespace that refuses sandbox pods is read again, and how soon after the last time one is when another pod is refused.
pub const POD_SECURITY_RECHECK: Duration = Duration::from_secs(30);

/// Requests about what follows Sandboxes that are out at the same time.
pub const FOLLOWING_MAX: usize = 8;
/// Longest pause between two tries at what follows a Sandbox.
pub const FOLLOW_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How often a name that is another's is looked at again.
pub const FOLLOW_LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often the Istio Gateway is asked for its domain once that is known.
pub const DOMAIN_RECHECK: Duration = Duration::from_secs(600);

/// How long a token is held for a Sandbox that has not been seen.
pub const TOKEN_HELD: Duration = Duration::from_secs(300);
/// How long another driver has to store a token before it is called lost.
pub const TOKEN_PATIENCE: Duration = Duration::from_secs(30);

/// How long the controller may say nothing about what is wanted of an object before somebody is told.
pub const CONTROLLER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a deletion may take before somebody is told.
pub const DELETION_PATIENCE: Duration = Duration::from_secs(300);
/// How long the garbage collector may take to notice a pod that a deletion waits for. It takes milliseconds, or for ever.
pub const COLLECTOR_PATIENCE: Duration = Duration::from_secs(60);
/// A pod that was made so long before the deletion of its Sandbox, in milliseconds, was known to the garbage collector by then.
pub const COLLECTOR_LAG_MILLIS: i64 = 10_000;
/// What cannot be judged because nothing is heard at the moment is looked at again after so long.
pub const OVERDUE_RECHECK: Duration = Duration::from_secs(10);
/// What is still overdue is found to be so again, ever more seldom, and at least so often.
pub const OVERDUE_PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// How long the UID of an object that is gone is remembered: longer than any answer that still shows it can take.
pub const DEPARTED_AGE: Duration = Duration::from_secs(120);
/// UIDs of objects that are gone.
pub const DEPARTED_MAX: usize = 20_000;
/// How long a sandbox id whose deletion the gateway asked for is remembered, so that what a late create makes of it is deleted, too.
pub const CONDEMNED_AGE: Duration = Duration::from_secs(900);
/// How long a create is refused after its own delete found nothing: longer than one can be overtaken on the way here.
pub const FORESTALLED_AGE: Duration = Duration::from_secs(60);
/// Sandbox ids whose deletion the gateway asked for.
pub const CONDEMNED_MAX: usize = 20_000;

/// How long a deletion is remembered for streams that were not there to hear of it.
pub const TOMBSTONE_AGE: Duration = Duration::from_secs(900);
/// Deletions remembered; the oldest go first, and only then.
pub const TOMBSTONES_MAX: usize = 20_000;

/// Deletions waiting for one reader; above it the stream ends `ABORTED` and the gateway opens a new one, which starts whole.
pub const STREAM_QUEUE_MAX: usize = 20_000;

/// Platform events waiting for one reader; above it, further ones are left out.
pub const STREAM_HAPPENINGS_MAX: usize = 1_000;
/// Events remembered as told.
pub const EVENTS_REMEMBERED_MAX: usize = 8_192;
/// Events kept for an object that has not been seen yet, and for how long.
pub const EVENTS_WAITING_MAX: usize = 256;
/// See [`EVENTS_WAITING_MAX`].
pub const EVENT_PATIENCE: Duration = Duration::from_secs(30);
/// How often it is said again what a pod waits for: a user's command gives up after five minutes without a word.
pub const PROGRESS_EVERY: Duration = Duration::from_secs(60);
/// For how long that is said of one step: nodes with GPUs take their time, but a pod that no node can ever take is not waited for for ever.
pub const PROGRESS_PATIENCE: Duration = Duration::from_secs(1_800);
/// An Event that repeats is told at most so often.
pub const EVENT_REPEAT_MIN: Duration = Duration::from_secs(10);
/// Bytes of a progress detail.
pub const PROGRESS_DETAIL_MAX: usize = 256;

/// Namespaces that somebody has chosen are looked at one after the other, so far apart.
pub const NAMESPACE_LOOK_EVERY: Duration = Duration::from_millis(20);

/// Largest gRPC message a gateway takes (tonic's default decode limit).
pub const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// Room kept free in a list reply for framing.
pub const MESSAGE_RESERVE: usize = 16 * 1024;
/// Bytes of a condition message in Get and Watch, and at most in List.
pub const CONDITION_MESSAGE_MAX: usize = 1_024;
/// Condition messages in a List are not cut below this; a list that is still too large is refused.
pub const CONDITION_MESSAGE_MIN: usize = 64;
/// Bytes of a status message to the gateway: HTTP/2 headers carry it, percent-encoded.
pub const STATUS_MESSAGE_MAX: usize = 1_800;

/// Longest Linux argument or environment string, terminator included (`MAX_ARG_STRLEN`).
pub const ENV_STRING_MAX: usize = 131_072;
/// Largest object we send: etcd's request limit is 1.5 MiB, and the API server adds to what it stores.
pub const OBJECT_MAX: usize = 1_200_000;
