//! The contract with the gateway: what travels on the socket.
//!
//! * [`messages`]: every message, in every release we speak to, as one superset. Needs prost, serde and bytes and
//!   nothing of this crate, so that the pure core can be compiled with it alone.
//! * [`service`]: the server side of `openshell.compute.v1.ComputeDriver` in tonic's terms. Only the shell sees it.
//!
//! Both are generated from `proto/` and checked in; `tests/generated.rs` fails when they do not match, and
//! `make proto` rewrites them.

pub mod messages;

#[rustfmt::skip]
#[allow(
    missing_docs, unused_qualifications, clippy::all, clippy::pedantic,
    reason = "generated from proto/"
)]
pub mod service;

#[cfg(test)]
mod tests;
