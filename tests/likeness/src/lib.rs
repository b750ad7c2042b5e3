//! One list of API scenarios, played by the same code on the model cluster (`tests/kubesim`, over HTTPS) and on a real one
//! (`tests/cluster`). What the real one answered is committed in `recorded/`; the model is held to it wherever the tests run, and the
//! record to the real server wherever there is one.
//!
//! Where to look: [`scenarios::all`] is the list; [`stage::Stage`] is what a scenario does things with; [`names`] takes out of an answer
//! what is another each time; [`compare`] finds what differs, and takes off what [`kubesim::differences`] says knowingly does.
#![allow(clippy::indexing_slicing, reason = "reading a serde_json Value by key never panics, and answers are Values")]

pub mod ask;
pub mod compare;
pub mod names;
pub mod play;
pub mod record;
pub mod scenarios;
pub mod stage;
pub mod subject;
pub mod watch;
