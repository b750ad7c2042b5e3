//! Arbitrary bytes, wherever the driver reads what others wrote: the API server, the gateway, its callers, whoever writes a kubeconfig.
//!
//! A target is a function of bytes that ends in a panic where something is wrong: the driver's own, or of a property that must hold. The
//! same targets run three ways: over the vectors and what was made of them by [`mutation`], as a plain test; for as long as asked by the program
//! of this package (`make fuzz`); and under libFuzzer, which looks for new paths, from `fuzz/` (cargo-fuzz's layout).
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target says what is wrong by panicking"
)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a kubeconfig is a file")]

pub mod answers;
pub mod framing;
pub mod kubeconfig;
pub mod mutation;
pub mod quantities;
pub mod recordings;
pub mod requests;
pub mod seeds;

use openshell_driver_kyma::config::Config;

/// Something that reads what others wrote.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: the file under `fuzz/fuzz_targets`, and the folder under `fuzz/corpus`.
    pub name: &'static str,
    /// What is done with the bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target { name: "watch_framing", run: framing::watch_framing },
    Target { name: "watch_lines", run: answers::watch_lines },
    Target { name: "list_pages", run: answers::list_pages },
    Target { name: "driver_config", run: requests::driver_config },
    Target { name: "platform_config", run: requests::platform_config },
    Target { name: "request_messages", run: requests::request_messages },
    Target { name: "quantities", run: quantities::quantities },
    Target { name: "kubeconfig", run: kubeconfig::kubeconfig },
    Target { name: "recordings", run: recordings::recordings },
];

/// The configuration of the vectors.
#[must_use]
pub fn config() -> Config {
    serde_json::from_str(include_str!("../../../vectors/config.json")).expect("vectors/config.json is a configuration")
}
