//! The driver's core, compiled a second time from the same files, in a crate that depends on nothing that does I/O.
//!
//! What the compiler can't refuse, because it is in the standard library, `tests/sources.rs` looks for in the text.
#![forbid(unsafe_code)]

#[path = "../../../src/config/mod.rs"]
pub mod config;
pub mod contract;
#[path = "../../../src/core/mod.rs"]
pub mod core;
