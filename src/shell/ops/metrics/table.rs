//! Every metric, once. What `/metrics` answers, `docs/metrics.md`, and what dashboard and alert rules may name are all made from this.

/// A metric family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Family {
    /// Its name, without what its kind adds to the names of its samples.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The labels of its samples.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows; its samples end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations, counted up to each of these bounds.
    Histogram(&'static [f64]),
    /// Always 1, and says something in its labels; its samples end in `_info`.
    Info,
}

impl Family {
    /// The names under which its samples are found.
    #[must_use]
    pub fn samples(&self) -> Vec<String> {
        let suffixes: &[&str] = match self.kind {
            Kind::Counter => &["_total"],
            Kind::Gauge => &[""],
            Kind::Histogram(_) => &["_bucket", "_sum", "_count"],
            Kind::Info => &["_info"],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", self.name)).collect()
    }

    /// What its values are counted in, where its name says so.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes"].into_iter().find(|unit| self.name.ends_with(&format!("_{unit}")))
    }
}

/// Of a call or a request: from what an answer out of memory takes to the longest deadline.
const LATENCY: Kind = Kind::Histogram(&[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0]);
/// Of what happens inside the process.
const INSIDE: Kind = Kind::Histogram(&[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0]);
/// Of what is dated to the second.
const COARSE: Kind = Kind::Histogram(&[1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);

macro_rules! families {
    ($($metric:ident { name: $name:literal, kind: $kind:expr, labels: $labels:expr, help: $help:literal, })*) => {
        /// Which metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric { $(#[doc = concat!("`", $name, "`")] $metric),* }

        impl Metric {
            /// In the order in which they are written.
            pub const ALL: &'static [Self] = &[$(Self::$metric),*];

            /// What it is.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$metric => Family { name: $name, kind: $kind, labels: &$labels, help: $help }),* }
            }
        }
    };
}

families! {
    Build {
        name: "openshell_driver_build",
        kind: Kind::Info,
        labels: ["version", "revision"],
        help: "The driver's version and the commit it was built from.",
    }
    Ready {
        name: "openshell_driver_ready",
        kind: Kind::Gauge,
        labels: [],
        help: "Whether /readyz says ok: 1 or 0.",
    }
    Rpcs {
        name: "openshell_driver_rpcs",
        kind: Kind::Counter,
        labels: ["method", "code"],
        help: "Calls of the gateway that have ended, by method and gRPC code; CANCELLED when the gateway hung up. A stream counts when it ends.",
    }
    RpcDuration {
        name: "openshell_driver_rpc_duration_seconds",
        kind: LATENCY,
        labels: ["method", "code"],
        help: "How long calls of the gateway took, to the millisecond. WatchSandboxes, which never ends by itself, is left out.",
    }
    RpcsInFlight {
        name: "openshell_driver_rpcs_in_flight",
        kind: Kind::Gauge,
        labels: ["method"],
        help: "Calls of the gateway that have not ended; a create that goes on after its caller was answered is one of them.",
    }
    ApiRequests {
        name: "openshell_driver_api_requests",
        kind: Kind::Counter,
        labels: ["verb", "resource", "code"],
        help: "Requests to the API server that have ended, by Kubernetes verb, resource and HTTP status; where there was no status: not_sent, unknown, deadline, too_large or aborted. A watch counts when it ends.",
    }
    ApiRequestDuration {
        name: "openshell_driver_api_request_duration_seconds",
        kind: LATENCY,
        labels: ["verb", "resource"],
        help: "How long answered requests to the API server took, with their wait for room on the connection. Watches are left out.",
    }
    ApiRequestsInFlight {
        name: "openshell_driver_api_requests_in_flight",
        kind: Kind::Gauge,
        labels: [],
        help: "Requests to the API server that have not ended, watches not counted.",
    }
    ApiWatchesOpen {
        name: "openshell_driver_api_watches_open",
        kind: Kind::Gauge,
        labels: [],
        help: "Watches of the API server that have not ended.",
    }
    ApiDials {
        name: "openshell_driver_api_dials",
        kind: Kind::Counter,
        labels: ["lane", "result"],
        help: "Connections to the API server that were opened (ok) or could not be (failed), by what they carry.",
    }
    InformerLists {
        name: "openshell_driver_informer_lists",
        kind: Kind::Counter,
        labels: ["kind", "reason"],
        help: "Times a kind of object was listed from the beginning, by reason: start is the first, every other a relist.",
    }
    InformerWatches {
        name: "openshell_driver_informer_watches",
        kind: Kind::Counter,
        labels: ["kind", "reason"],
        help: "Times a watch was opened, by reason: listed follows a list, every other is a restart from where the watch before it ended.",
    }
    InformerFailures {
        name: "openshell_driver_informer_failures",
        kind: Kind::Counter,
        labels: ["kind"],
        help: "Times a list or watch failed and was put off.",
    }
    InformerSynced {
        name: "openshell_driver_informer_synced",
        kind: Kind::Gauge,
        labels: ["kind"],
        help: "Whether a kind of object has been listed whole since the driver started: 1 or 0.",
    }
    InformerAge {
        name: "openshell_driver_informer_age_seconds",
        kind: Kind::Gauge,
        labels: ["kind"],
        help: "Time since anything was heard of a kind of object. Above 120 s of sandboxes, reads are answered UNAVAILABLE.",
    }
    WatchEvents {
        name: "openshell_driver_watch_events",
        kind: Kind::Counter,
        labels: ["type"],
        help: "Events sent on streams of WatchSandboxes, by type: snapshot, deleted, platform_event.",
    }
    WatchSuppressed {
        name: "openshell_driver_watch_snapshots_suppressed",
        kind: Kind::Counter,
        labels: ["reason"],
        help: "Snapshots not sent: unchanged, since the observation changed nothing of what the gateway is told; coalesced, since a later one was waiting or the reader knew it.",
    }
    WatchLag {
        name: "openshell_driver_watch_lag_seconds",
        kind: INSIDE,
        labels: [],
        help: "Time from reading news off the connection to the API server until an event of it was given to the gateway's stream. What a stream begins with is no news.",
    }
    TransitionLag {
        name: "openshell_driver_transition_lag_seconds",
        kind: COARSE,
        labels: [],
        help: "Time from the controller's lastTransitionTime of Ready until the driver acted on it, by both clocks. The controller writes whole seconds.",
    }
    Sandboxes {
        name: "openshell_driver_sandboxes",
        kind: Kind::Gauge,
        labels: ["state"],
        help: "Sandboxes the gateway is told of, by what they are doing.",
    }
    Strays {
        name: "openshell_driver_strays",
        kind: Kind::Gauge,
        labels: [],
        help: "Sandboxes the gateway has not asked for in three sweeps: it does not know them.",
    }
    Transitions {
        name: "openshell_driver_sandbox_transitions",
        kind: Kind::Counter,
        labels: ["from", "to"],
        help: "Times a known sandbox came to do something else, by what it did before and what it did then; gone when it was deleted.",
    }
    StoreObjects {
        name: "openshell_driver_store_objects",
        kind: Kind::Gauge,
        labels: ["kind"],
        help: "Objects of the cluster that are kept, by kind.",
    }
    Tombstones {
        name: "openshell_driver_store_tombstones",
        kind: Kind::Gauge,
        labels: [],
        help: "Deletions remembered for streams still to come.",
    }
    Queue {
        name: "openshell_driver_queue_length",
        kind: Kind::Gauge,
        labels: ["queue"],
        help: "What waits: inputs for the loop, stream_events for readers of WatchSandboxes, lookups for others to be answered, kube_events for what they are about to be seen.",
    }
    InputWait {
        name: "openshell_driver_input_wait_seconds",
        kind: INSIDE,
        labels: [],
        help: "How long calls, answers and watch lines waited for the loop.",
    }
    Notes {
        name: "openshell_driver_notes",
        kind: Kind::Counter,
        labels: ["event"],
        help: "Facts worth a log line, by the name of their event (docs/logs.md), whether or not they were logged.",
    }
    TokenAge {
        name: "openshell_driver_token_age_seconds",
        kind: Kind::Gauge,
        labels: [],
        help: "Time since the file of the bearer token in use was written. Missing where the credential is none that is replaced.",
    }
    TokenExpiry {
        name: "openshell_driver_token_expiry_timestamp_seconds",
        kind: Kind::Gauge,
        labels: [],
        help: "When the bearer token in use expires, as it says itself; missing where it does not say so.",
    }
    TokenReadErrors {
        name: "openshell_driver_token_read_errors",
        kind: Kind::Counter,
        labels: [],
        help: "Times the file of the bearer token could not be read.",
    }
    HealthRequests {
        name: "openshell_driver_health_requests",
        kind: Kind::Counter,
        labels: ["path", "code"],
        help: "Requests answered on the health port, by path (other for those it does not have) and HTTP status.",
    }
    LogErrors {
        name: "openshell_driver_log_write_errors",
        kind: Kind::Counter,
        labels: [],
        help: "Log lines lost because standard error could not be written to.",
    }
    ProcessCpu {
        name: "process_cpu_seconds",
        kind: Kind::Counter,
        labels: [],
        help: "Processor time used, by the process itself and by the kernel for it.",
    }
    ProcessResident {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        labels: [],
        help: "Memory in use (RSS).",
    }
    ProcessVirtual {
        name: "process_virtual_memory_bytes",
        kind: Kind::Gauge,
        labels: [],
        help: "Addresses in use.",
    }
    ProcessOpenFds {
        name: "process_open_fds",
        kind: Kind::Gauge,
        labels: [],
        help: "Open file descriptors.",
    }
    ProcessMaxFds {
        name: "process_max_fds",
        kind: Kind::Gauge,
        labels: [],
        help: "File descriptors that may be open.",
    }
    ProcessStart {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        labels: [],
        help: "When the process started, in seconds since 1970.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_labels_are_such_as_prometheus_and_openmetrics_take() {
        let mut names = BTreeSet::new();
        for family in Metric::ALL.iter().map(|metric| metric.family()) {
            let legal = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(legal(family.name) && family.labels.iter().all(|label| legal(label)), "{}", family.name);
            assert!(
                !["_total", "_info", "_count", "_sum", "_bucket", "_created"].iter().any(|end| family.name.ends_with(end)),
                "{}",
                family.name
            );
            assert!(!family.labels.contains(&"le") && family.labels.len() <= super::super::series::LABELS_MAX, "{}", family.name);
            assert!(family.name.starts_with("openshell_driver_") || family.name.starts_with("process_"), "{}", family.name);
            assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\', '"']), "{}", family.name);
            for sample in family.samples() {
                assert!(names.insert(sample.clone()), "{sample} is there twice");
            }
            if let Kind::Histogram(bounds) = family.kind {
                assert!(family.unit().is_some(), "{}", family.name);
                assert!(bounds.is_sorted(), "{}", family.name);
            }
        }
    }
}
