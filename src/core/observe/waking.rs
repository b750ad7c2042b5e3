//! What a refusal by an API server is worth that has just come up: it listens before it has read whom it grants what, and until then it refuses
//! everybody.

use serde::{Deserialize, Serialize};

use crate::core::limits;
use crate::core::time::Mono;

/// Since when a server that was away refuses us.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Waking {
    refuses_since: Option<Mono>,
}

impl Waking {
    /// Whether a refusal, after so many failures in a row, will not change by waiting. One by a server that answered from the beginning will not; one
    /// by a server that was away only when it has gone on for [`limits::RIGHTS_LAG`]. The first of those begins the count anew, so that it is soon
    /// asked again.
    pub fn is_over(&mut self, now: Mono, failures: &mut u32) -> bool {
        match self.refuses_since {
            None if *failures == 0 => true,
            None => {
                self.refuses_since = Some(now);
                *failures = 0;
                false
            }
            Some(since) => now.since(since) >= limits::RIGHTS_LAG,
        }
    }

    /// It answered otherwise, or not at all.
    pub fn forget(&mut self) {
        self.refuses_since = None;
    }
}
