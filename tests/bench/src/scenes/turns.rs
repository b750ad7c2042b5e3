//! Taking turns: the floor first in one round, the last in another.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rig::Outcome;
use tokio::time::{Instant, sleep};

use crate::process::{Process, Used};
use crate::report::Row;
use crate::rounds::{Times, many, middle};
use crate::server::{Mark, Server, Who};

/// How long is waited after a block for what it causes: it is the same one's cost.
const AFTER: Duration = Duration::from_millis(250);

/// Somebody who takes turns.
#[derive(Debug, Clone)]
pub(super) struct Contestant {
    pub(super) name: String,
    /// Whose time on the processor is counted.
    pub(super) process: Option<Process>,
    /// Whose requests are counted.
    pub(super) who: Option<Who>,
}

/// What a contestant does: who it is, and which time it is.
pub(super) type Act = Arc<dyn Fn(usize, usize) -> Pin<Box<dyn Future<Output = Outcome<()>> + Send>> + Send + Sync>;

/// What came of one operation, round by round.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Of each contestant.
    times: Vec<Times>,
    ratios: Vec<Vec<f64>>,
    used: Vec<Used>,
    requests: Vec<usize>,
    /// How often what was used and asked for was counted.
    counted: Vec<usize>,
}

impl Played {
    pub(super) fn new(contestants: usize) -> Self {
        Self {
            times: vec![Times::default(); contestants],
            ratios: vec![Vec::new(); contestants],
            used: vec![Used::default(); contestants],
            requests: vec![0; contestants],
            counted: vec![0; contestants],
        }
    }

    /// Plays a round: one caller takes turns with every operation, several with a block of them.
    pub(super) async fn round(
        &mut self,
        server: &Server,
        contestants: &[Contestant],
        callers: usize,
        count: usize,
        round: usize,
        act: &Act,
    ) -> Outcome<()> {
        let order: Vec<usize> = (0..contestants.len()).map(|at| (at + round) % contestants.len()).collect();
        let mut times = vec![Times::default(); contestants.len()];
        if callers == 1 {
            for at in 0..count {
                for &who in &order {
                    let began = Instant::now();
                    act(who, at).await?;
                    if let Some(times) = times.get_mut(who) {
                        times.add(began.elapsed());
                    }
                }
            }
        } else {
            for &who in &order {
                let Some(contestant) = contestants.get(who) else { continue };
                let before = (server.mark()?, contestant.process.map(Process::used).transpose()?);
                let act = Arc::clone(act);
                let block = many(callers, count, move |at| act(who, at)).await?;
                sleep(AFTER).await;
                self.count(server, contestant, who, count, before)?;
                if let Some(times) = times.get_mut(who) {
                    *times = block;
                }
            }
        }
        let floor = times.first().map(Times::median).unwrap_or_default().as_secs_f64();
        for ((all, ratios), times) in self.times.iter_mut().zip(&mut self.ratios).zip(times) {
            if floor > 0.0 && !times.is_empty() {
                ratios.push(times.median().as_secs_f64() / floor);
            }
            all.extend(times);
        }
        Ok(())
    }

    fn count(&mut self, server: &Server, contestant: &Contestant, who: usize, count: usize, before: (Mark, Option<Used>)) -> Outcome<()> {
        let asked = contestant.who.map(|who| server.asked_since(before.0, who)).transpose()?;
        let used = contestant.process.map(Process::used).transpose()?.zip(before.1).map(|(now, before)| now.since(before));
        let places = (self.used.get_mut(who), self.requests.get_mut(who), self.counted.get_mut(who));
        if let (Some(all), Some(requests), Some(counted)) = places {
            all.processor += used.unwrap_or_default().processor;
            *requests += asked.unwrap_or_default();
            *counted += count;
        }
        Ok(())
    }

    /// What is said of it.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn rows(self, what: &'static str, sandboxes: usize, callers: usize, contestants: &[Contestant]) -> Vec<Row> {
        let parts = self.times.into_iter().zip(self.ratios).zip(self.used.into_iter().zip(self.requests)).zip(self.counted);
        contestants
            .iter()
            .zip(parts)
            .map(|(contestant, (((times, ratios), (used, requests)), counted))| {
                let each = |value: f64| (counted > 0).then(|| value / counted as f64);
                Row {
                    what,
                    sandboxes,
                    callers,
                    who: contestant.name.clone(),
                    times: times.len(),
                    p50_us: micros(times.median()),
                    p99_us: micros(times.quantile(0.99)),
                    ratio: middle(&ratios),
                    processor_ms_per_1000: contestant.process.and_then(|_| each(used.processor.as_secs_f64() * 1e6)),
                    requests: contestant.who.and_then(|_| each(requests as f64)),
                }
            })
            .collect()
    }
}

/// The row of what has no floor to be held against and no share of the processor: one caller, and its times.
pub(super) fn row(what: &'static str, sandboxes: usize, who: &str, times: &Times) -> Row {
    Row {
        what,
        sandboxes,
        callers: 1,
        who: who.into(),
        times: times.len(),
        p50_us: micros(times.median()),
        p99_us: micros(times.quantile(0.99)),
        ratio: None,
        processor_ms_per_1000: None,
        requests: None,
    }
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
