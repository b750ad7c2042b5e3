//! Taking turns, and what is made of the times.

use std::sync::Arc;
use std::time::Duration;

use rig::Outcome;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long each of several operations took.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Adds those of another.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that this share of them did not exceed, such as 0.5 or 0.99; nothing of nothing.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short list")]
        let at = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    }

    /// The middle one.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.quantile(0.5)
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// The middle one of some ratios; nothing of none.
#[must_use]
pub fn middle(ratios: &[f64]) -> Option<f64> {
    let mut sorted = ratios.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Does something `count` times, by so many callers at once, each after the other; gives how long each time took.
///
/// # Errors
/// The first that failed.
pub async fn many<F, Fut>(callers: usize, count: usize, act: F) -> Outcome<Times>
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome<()>> + Send,
{
    let act = Arc::new(act);
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let act = Arc::clone(&act);
        tasks.spawn(async move {
            let mut times = Times::default();
            for at in (caller..count).step_by(callers) {
                let began = Instant::now();
                act(at).await?;
                times.add(began.elapsed());
            }
            Outcome::Ok(times)
        });
    }
    let mut all = Times::default();
    while let Some(times) = tasks.join_next().await {
        all.extend(times??);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_last_hundredth() {
        let times: Times = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(times.median(), Duration::from_millis(100));
        assert_eq!(times.quantile(0.99), Duration::from_millis(198));
        assert_eq!(Times::default().median(), Duration::ZERO);
        assert_eq!(middle(&[3.0, 1.0, 2.0]), Some(2.0));
    }
}
