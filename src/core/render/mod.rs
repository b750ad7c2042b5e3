//! Desired objects: what an admitted sandbox looks like to Kubernetes. Facts: gateway.md §4 and §5 (what a supervisor needs), kubernetes.md §A.2.
//!
//! `json!` reads like the YAML an operator would see, and its maps are ordered, so the same request is always the same bytes.

pub mod credential;
pub mod environment;
pub mod metadata;
pub mod network;
pub mod network_policy;
pub mod pod;
pub mod sandbox;
pub mod security;
pub mod sidecar;
pub mod supervisor;
pub mod volumes;
