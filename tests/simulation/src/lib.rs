//! Everything that can go wrong, from a seed.
//!
//! A seed decides a [`scenario`]; a [`world`] plays it: the real core of each driver, a model gateway, the model cluster of `kubesim`, users and
//! everybody else, and what is between them, under one scheduler. There is no real time, no socket and no thread in a world, so the same seed is
//! the same world, event for event. After every step the [`rules`] are checked; the first one broken ends the world, and its seed is the bug report.
//!
//! `docs/simulation.md` says what is simulated, what each rule means exactly, and what is left out.
//!
//! * [`scenario`]: what a seed means. [`home`]: where sandboxes live. [`random`]: where chance comes from. [`schedule`]: what is due.
//! * [`gateway`]: the model of the gateway; it knows nothing of the core.
//! * [`world`]: processes, the wire between them, other people, the inspection at the end.
//! * [`truth`]: what the cluster held when. [`shown`]: what a process was shown of it. [`books`]: what was asked and allowed. [`rules`]: what must be true.
//! * [`recordings`]: what a flight recorder has of it.
//! * `mutations`: whether the rules see a core that errs.
//! * [`hunt`]: many seeds. [`shrink`]: a failing one made small. [`trace`], [`summary`], [`progress`]: what is told of them.
#![allow(clippy::indexing_slicing, reason = "drivers and gateways are numbered from 0, and reading a serde_json Value by key never panics")]
#![allow(clippy::needless_pass_by_value, reason = "an answer is handed over whole, as on the wire")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking"))]

/// The driver: its core, and what that stands on. With the feature `mutations`, one that can be made to err.
#[cfg(feature = "mutations")]
pub use mutant as driver;
#[cfg(not(feature = "mutations"))]
pub use purity as driver;

pub mod answers;
pub mod books;
#[expect(clippy::disallowed_methods, clippy::disallowed_types, clippy::panic, reason = "it measures")]
pub mod cost;
pub mod gateway;
pub mod home;
pub mod hunt;
#[cfg(feature = "mutations")]
pub mod mutations;
pub mod progress;
pub mod random;
pub mod recordings;
pub mod rules;
pub mod scenario;
pub mod schedule;
pub mod shown;
pub mod shrink;
pub mod summary;
pub mod trace;
pub mod truth;
pub mod world;
