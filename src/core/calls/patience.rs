//! How a call that came to nothing tries again: later each time, and with something to say to a caller whose time runs out first.

use serde::{Deserialize, Serialize};

use super::{Cx, Step};
use crate::core::kube::answer::Trouble;

/// Tries so far, and what was in their way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Patience {
    tries: u32,
    trouble: String,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 0, trouble: "the API server did not answer".into() }
    }
}

impl Patience {
    /// What went wrong last.
    #[must_use]
    pub fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Waits before the next try: longer than before it, and as long as the server asks.
    pub fn wait(&mut self, cx: &mut Cx<'_, '_>, trouble: Trouble) -> Step {
        self.trouble = trouble.why;
        self.tries = self.tries.saturating_add(1);
        cx.pause(self.tries, trouble.retry_after);
        Step::Wait
    }
}
