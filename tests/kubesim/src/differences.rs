//! Where the model knowingly differs from a real API server (compared with v1.36.3 and agent-sandbox v0.5.6).
//!
//! The likeness tests read this list: what they find is in it or is an error, and what is in it and is not so any more is one too.

/// One thing the model does otherwise than the real server.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What, and why it is left so.
    pub what: &'static str,
    /// Where the likeness tests meet it.
    pub seen: Seen,
}

/// Where a difference shows.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// At these places, each a scenario's id and a JSON pointer into its record: `scenario/step/answer/…`. `*` stands for any scenario or
    /// any one step of the pointer, `**` for any number of steps; what lies below is meant too.
    In(&'static [&'static str]),
    /// In no scenario.
    Nowhere,
}

const fn differs(what: &'static str, places: &'static [&'static str]) -> Difference {
    Difference { what, seen: Seen::In(places) }
}

const fn unseen(what: &'static str) -> Difference {
    Difference { what, seen: Seen::Nowhere }
}

/// The list.
pub const DIFFERENCES: &[Difference] = &[
    // Not there.
    differs("There are no managedFields.", &["*/**/managedFields"]),
    differs(
        "Server-side apply knows no owners of fields: an applied object is created, or merged as a merge patch.",
        &["patch-apply/3/answer/body/data/x", "patch-apply/4/answer"],
    ),
    unseen("Strategic merge patch knows no list keys: it is merged as a merge patch."),
    unseen("Protobuf, YAML, CBOR and tables: JSON only. A body or an `Accept` of another kind is refused (415, 406) in JSON."),
    unseen("`/openapi`, aggregated discovery, `scale` other than to be read, priority and fairness, mutating webhooks, exec and logs."),
    unseen("In discovery, groups, versions and resources that are not in the table of kinds."),
    differs("Discovery names no hash of the stored version.", &["discovery-resources/*/answer/body/resources/0/storageVersionHash"]),
    differs("events.k8s.io: Events are read and written in the core group only.", &["event-new-form/0/answer", "event-new-form/1/answer"]),
    differs("SelfSubjectRulesReview: nothing here asks for all rights at once.", &["rules-review/0/answer"]),
    differs(
        "Schemas of built-in kinds: unknown fields are kept, and of values only what this crate's rules say is checked.",
        &["strict-built-in/*/answer"],
    ),
    unseen("The projected service-account volume that admission adds to pods; dual-stack Services."),
    differs(
        "Warnings about fields of a version that is not the path's.",
        &["create-misplaced/2/answer/warnings", "patch-misfit/4/answer/warnings"],
    ),
    unseen("Warnings about finalizer names without a domain, and about duplicate JSON keys."),
    // Otherwise.
    differs(
        "A request without a token is refused (401), as by a server that lets nobody in anonymously; the one of tests/cluster does.",
        &["unauthorized/3/answer", "unauthorized/4/answer", "unauthorized/5/answer"],
    ),
    differs(
        "An access review does not name the binding that allows something: permissions are a table.",
        &[
            "access-review/*/answer/body/status/reason",
            "access-review-cluster/*/answer/body/status/reason",
            "access-review-malformed/2/answer/body/status/reason",
        ],
    ),
    unseen("A kubelet reports a pod's end before the pod is gone, as real ones do; the simulated one of tests/cluster only removes it."),
    unseen(
        "History is one, counted in writes a kind (`Options::watch_history`): what a watch can no longer start from, a list can no longer \
         show. A real server keeps minutes in etcd and less in its watch cache, and forgets kind by kind.",
    ),
    unseen(
        "A bookmark comes after a minute even when nothing was written: somebody always writes something in a real cluster. A stored version \
         counts on for each, so versions are not dense.",
    ),
    unseen("A watch without `timeoutSeconds` lives `Options::watch_ms`; a real server draws between 30 and 60 minutes."),
    unseen("Where a real server tells what Go's JSON decoder thinks of a broken text, the sentence here is a similar one."),
    unseen("A continue token is opaque in another encoding."),
    unseen(
        "A controller's reconcile reads the present, not an informer's cache, and writes status by UID: a status worked out for an object \
         that was replaced meanwhile under its name is dropped, not written to the new one.",
    ),
    unseen("v0.4.6 takes `schedulingGroup` for `workloadRef` in a pod's spec, as its successors do."),
    unseen("Quota counts objects and the amounts containers ask for; its own `status` is not kept up to date."),
    unseen("The controllers, the scheduler and kubelets write past permissions, and their requests are not in the log."),
];
