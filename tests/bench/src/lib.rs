//! How fast and how small the driver is, beside what cannot be beaten: the same bytes without a driver.
//!
//! One run has one machine and one API server, and everything that is compared takes turns on it, an operation or a small block at a time: whatever
//! else the machine does meets all of them alike, and what is compared are ratios.
//!
//! * [`flags`]: what is asked. [`server`]: the API server, real or a model, and how it is filled.
//! * [`subject`]: a driver, ours or another. [`bytes`]: what ours sends, from its own plan. [`echo`]: a gRPC server that does nothing else.
//! * [`rounds`]: taking turns, and what is made of the times. [`process`]: what a process costs.
//! * [`scenes`]: what is measured. [`report`], [`budget`], [`plot`]: what is said of it.
//! * [`stage`]: the core alone, for `benches/core.rs` and for the counting of instructions. [`recorded`]: the lines it is handed.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures the world")]
#![expect(clippy::indexing_slicing, reason = "reading a serde_json Value by key never panics")]

pub mod budget;
pub mod bytes;
pub mod echo;
pub mod flags;
pub mod plot;
pub mod process;
pub mod recorded;
pub mod report;
pub mod rounds;
pub mod scenes;
pub mod server;
pub mod stage;
pub mod subject;
