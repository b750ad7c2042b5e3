//! What the contract promises beyond what the generator guarantees.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by failing")]

mod json;
mod secrets;
mod wire;
