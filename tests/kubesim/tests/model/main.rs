//! What the model does, seen through its requests, its watches and the acts of others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod access;
mod admission;
mod bounds;
mod collection;
mod controller;
mod deleting;
mod desk;
mod kubelet;
mod lists;
mod odd;
mod paths;
mod releases;
mod serving;
mod watches;
mod writes;
