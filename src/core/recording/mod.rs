//! The flight recorder: what went into the core and what came out, with every secret masked, and what plays it again.
//!
//! A recording is the lines of a file: a [`Header`](replay::Header), then segments. A segment begins with a checkpoint, which is the whole state of the
//! core, and goes on with an entry an input. [`segments`] keeps the last of them within bounds; [`replay`] plays them through a core.
//!
//! Nothing secret is ever in a recording, and a core that is handed one takes the path that the real one took: [`mask`] says how both can be. What of
//! an object is kept stands in [`objects`], and how a request is masked in [`messages`].

pub mod mask;
mod messages;
mod objects;
pub mod replay;
pub mod segments;
pub mod state;
mod walk;

pub use self::mask::Mask;
pub use self::replay::{Difference, Replay, Unreadable};
pub use self::segments::{Bounds, Recorder};
