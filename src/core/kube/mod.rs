//! What the core knows of Kubernetes: paths, the parts of objects it reads, errors, lists and watch lines. Nothing here knows a gateway.

pub mod answer;
pub mod dependent;
pub mod event;
pub mod furnishing;
pub mod kind;
pub mod list;
pub mod managed_fields;
pub mod mesh;
pub mod meta;
pub mod namespace;
pub mod node;
pub mod path;
pub mod peer;
pub mod pod;
pub mod sandbox;
pub mod selector;
pub mod version;
pub mod watch_line;
