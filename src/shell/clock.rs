//! The two clocks an input is stamped with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::core::time::{Mono, Now, Wall};

/// How far away the end of time is put for a timer.
const FAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Knows when the driver started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting.
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Both clocks, now.
    pub(super) fn now(&self) -> Now {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        Now { mono: Mono(0).after(self.start.elapsed()), wall: Wall(wall) }
    }

    /// When the timer must fire for the core to find that `mono` has come.
    pub(super) fn instant(&self, mono: Mono) -> Instant {
        let far = Instant::now() + FAR;
        self.start.checked_add(Duration::from_millis(mono.0)).map_or(far, |instant| instant.min(far))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timer_never_fires_before_the_core_agrees_that_the_time_has_come() {
        let clock = Clock::start();
        for ms in [1, 2, 3, 5] {
            let wish = clock.now().mono.after(Duration::from_millis(ms));
            tokio::time::sleep_until(clock.instant(wish)).await;
            assert!(clock.now().mono >= wish);
        }
    }

    #[tokio::test]
    async fn the_end_of_time_is_far_away_and_no_overflow() {
        assert!(Clock::start().instant(Mono(u64::MAX)) > Instant::now() + FAR / 2);
    }
}
