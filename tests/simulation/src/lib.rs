//! Under way.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking, and its seed says where")]
pub mod answers; pub mod hunt; pub mod progress; pub mod books; pub mod random; pub mod rules; pub mod schedule; pub mod summary; pub mod trace; pub mod truth; pub mod world; pub mod gateway; pub mod scenario;
