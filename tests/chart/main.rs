//! The Helm chart, by the real helm and on the real API server: `make test-chart`.
//!
//! - `values`: every flag is a value, what the chart renders is what the driver reads, and what it refuses has a sentence;
//! - `agreement`: driver, gateway and policies cannot disagree;
//! - `permissions`: what is granted is what the driver's table asks for, and what the vectors use, neither more nor less;
//! - `server`: the API server takes every object strictly, Pod Security admits every pod at its strictest, and upgrades go through;
//! - `life`: the whole life of an installation, by what it needs of its rights;
//! - `missed`: a driver lives with exactly these rights, and misses each one that is taken away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect ends there"
)]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]
#![allow(clippy::disallowed_methods, reason = "it runs helm and kubectl, and reads the repository")]

mod agreement;
mod combinations;
mod life;
mod manifests;
mod missed;
mod permissions;
mod render;
mod rights;
mod server;
mod values;
