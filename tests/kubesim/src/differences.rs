//! Where the model knowingly differs from a real API server (compared with v1.36.3 and agent-sandbox v0.5.6).
//!
//! **Not there**
//! - Protobuf, YAML, CBOR and tables: JSON only. A body or an `Accept` of another kind is refused (415, 406) in JSON.
//! - `managedFields`, and with them conflicts of server-side apply: an applied object is created, or merged as a merge patch.
//! - Strategic merge patch knows no list keys: it is merged as a merge patch.
//! - `/openapi`, aggregated discovery, `scale` other than to be read, priority and fairness, mutating webhooks, exec and logs.
//! - Schemas of built-in kinds: unknown fields are kept, and of values only what this crate's rules for pods and names say is checked.
//! - The projected service-account volume and the default tolerations that admission adds to pods; dual-stack Services.
//! - Warnings about finalizer names without a domain, duplicate JSON keys, and about a body of another version.
//!
//! **Otherwise**
//! - History is one, counted in writes a kind ([`Options::watch_history`](crate::Options::watch_history)): what a watch can no longer
//!   start from, a list can no longer show. A real server keeps minutes in etcd and less in its watch cache.
//! - Bookmarks come after a minute even when nothing was written: somebody always writes something in a real cluster.
//!   A stored version counts on for each, so versions are not dense.
//! - A watch without `timeoutSeconds` lives [`Options::watch_ms`](crate::Options::watch_ms); a real server draws between 30 and 60 minutes.
//! - Where a real server tells what Go's JSON decoder thinks of a broken text, the sentence here is a similar one.
//! - A continue token is opaque in another encoding.
//! - A controller's reconcile reads the present, not an informer's cache, and writes status by UID: a status worked out for
//!   an object that was replaced meanwhile under its name is dropped, not written to the new one.
//! - v0.4.6 takes `schedulingGroup` for `workloadRef` in a pod's spec, as its successors do.
//! - Quota counts objects and the amounts containers ask for; its own `status` is not kept up to date.
//! - The controllers, the scheduler and kubelets write past permissions, and their requests are not in the log.
