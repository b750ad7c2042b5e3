//! Nothing happens: what a driver does then is bookmarks, renewals of watches, and what nobody should want.

use rig::Outcome;
use tokio::time::{Instant, sleep};

use super::{CALM, Run};

#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) async fn play(run: &mut Run, sandboxes: usize) -> Outcome<()> {
    if run.flags.idle.is_zero() {
        return Ok(());
    }
    sleep(CALM).await;
    let mut before = Vec::new();
    for driver in &run.drivers {
        before.push(driver.process.used()?);
    }
    let began = Instant::now();
    sleep(run.flags.idle).await;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    for (driver, before) in run.drivers.iter().zip(before) {
        let used = driver.process.used()?.since(before);
        run.report.fact("processor time a minute, idle", sandboxes, &driver.name, used.processor.as_secs_f64() * 1e3 / minutes, "ms");
        run.report.fact("wake-ups a minute, idle", sandboxes, &driver.name, used.sleeps as f64 / minutes, "");
    }
    run.weigh(sandboxes)
}
