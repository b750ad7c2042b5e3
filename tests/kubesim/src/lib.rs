//! A model of a Kubernetes cluster as a client of Sandboxes meets it: the API server, the agent-sandbox
//! controller, a scheduler, kubelets, the garbage collector.
//!
//! [`Cluster`] is the whole model and does no I/O: no clock, no thread, no socket, no randomness. Time
//! is an argument, in milliseconds since the epoch. The same requests at the same times give the same
//! answers, byte for byte. [`serve`] puts it behind HTTPS and is the only part that touches the world.
//!
//! ```
//! use kubesim::{Answer, Cluster, Options, Request};
//! use serde_json::json;
//!
//! let mut now = 1_795_473_014_000;
//! let mut cluster = Cluster::new(Options::default(), now);
//! let path = "/apis/agents.x-k8s.io/v1beta1/namespaces/openshell-system/sandboxes";
//! let Answer::Watch { id, .. } = cluster.request(now, &Request::get(format!("{path}?watch=1"))) else {
//!     panic!("a watch was asked for");
//! };
//! let sandbox = json!({
//!     "apiVersion": "agents.x-k8s.io/v1beta1",
//!     "kind": "Sandbox",
//!     "metadata": { "name": "one" },
//!     "spec": { "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "a:1" }] } } },
//! });
//! cluster.request(now, &Request::post(path, &sandbox));
//! let mut seen = 0;
//! while let Some(next) = cluster.next_event_at().filter(|next| *next < now + 5_000) {
//!     cluster.advance(next);
//!     seen += cluster.watch_output(id, 100).lines.len();
//! }
//! now += 5_000;
//! let Answer::Response(answer) = cluster.request(now, &Request::get(format!("{path}/one"))) else {
//!     panic!("one object was asked for");
//! };
//! assert_eq!(answer.json()["status"]["conditions"][0]["reason"], "NotSuspended");
//! assert_eq!(seen, 6);
//! ```
//!
//! Where to look: [`Options`] says what kind of cluster it is; the methods of [`Cluster`] in `acts` are
//! what others do to it; [`differences`] lists what the model knowingly does otherwise than the real thing.
#![allow(clippy::indexing_slicing, reason = "reading a serde_json Value by key never panics, and the model does little else")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking"))]

mod access;
mod acts;
mod admission;
mod api_rules;
mod builtin;
mod cluster;
mod collect;
mod controller;
mod convert;
mod create;
mod defaults;
mod delete;
pub mod differences;
mod discovery;
mod failure;
mod faults;
mod http;
mod kubelet;
mod list;
mod names;
mod object;
mod options;
mod patch;
mod pods;
mod podsecurity;
mod resource;
mod review;
mod route;
mod schema;
mod select;
#[cfg(feature = "serve")]
pub mod serve;
mod store;
mod time;
mod timers;
mod update;
mod validate;
mod view;
mod watch;

pub use access::{ANYONE, Access, Rule};
pub use acts::{Backup, Refused};
pub use cluster::{Cluster, Logged};
pub use delete::Propagation;
pub use faults::{Fault, Trouble};
pub use http::{Answer, Head, Method, Request, Response};
pub use options::{
    ApiGateway, Attention, ControllerRelease, ImageCache, NodeShape, Options, Pace, PodBehaviour, PodFailure, Power, Presence, Termination,
};
pub use resource::{Kind, Origin, Resource, Scope};
pub use watch::{WatchId, WatchOutput};
