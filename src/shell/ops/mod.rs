//! For the people who run it: health, readiness and metrics.
//!
//! ```text
//!  notes ──► readiness, metrics (in the loop) ◄── questions ── server ── health port
//! ```
//!
//! What is known is folded from the core's notes and the shell's own doings by the loop, which alone holds it; whoever asks on the health port
//! asks the loop. So an answer is also the proof that the loop turns.

pub mod metrics;
pub(super) mod process;
pub(super) mod readiness;
pub(super) mod request;
pub(super) mod server;
