//! How long after the API server's event the gateway's comes: both are read in this process, by the same clock.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::BodyExt as _;
use rig::Outcome;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::turns::row;
use super::{FLOOR, Run};
use crate::server::sandbox_path;
use crate::subject::MARK;

/// How long is waited for the last event.
const LAST: Duration = Duration::from_secs(2);

pub(super) async fn play(run: &mut Run, sandboxes: usize) -> Outcome<()> {
    for driver in &run.drivers {
        drop(driver.seen.take());
    }
    let (heard, mut hearing) = mpsc::unbounded_channel();
    // New connections: the server closes what was silent for a minute and a half.
    let (floor, admin) = (run.server.floor().await?, run.server.admin().await?);
    let list = floor.ask("GET", &format!("{}?limit=1", run.requests.collection()), None).await?;
    let from = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let selector = "labelSelector=openshell.ai%2Fmanaged-by%3Dopenshell";
    let path = format!("{}?watch=1&resourceVersion={from}&{selector}", run.requests.collection());
    // A connection of its own, as the driver's watch has.
    let mut watch = run.server.floor().await?.watch(&path).await?;
    let reading = tokio::spawn(async move {
        let mut text = Vec::new();
        while let Some(Ok(frame)) = watch.frame().await {
            let now = Instant::now();
            if let Ok(data) = frame.into_data() {
                text.extend_from_slice(&data);
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                if let Some(mark) = mark(&line)
                    && heard.send((mark, now)).is_err()
                {
                    return;
                }
            }
        }
    });
    sleep(LAST).await;
    let mut ticks = interval(Duration::from_secs(1) / run.flags.rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sent, mut patches) = (BTreeMap::new(), JoinSet::new());
    for event in 0..run.flags.events {
        ticks.tick().await;
        let (admin, message) = (admin.clone(), format!("{MARK}{event:06}"));
        let path = format!("{}/status", sandbox_path(event.wrapping_mul(7_919) % sandboxes.max(1)));
        let ready = json!({ "type": "Ready", "status": "True", "reason": "DependenciesReady", "message": message, "observedGeneration": 1,
            "lastTransitionTime": "2026-11-27T22:35:12Z" });
        let patch = json!({ "status": { "conditions": [ready] } });
        sent.insert(message, Instant::now());
        patches.spawn(async move { admin.ask("PATCH", &path, Some(&patch)).await.map(drop) });
        while let Some(done) = patches.try_join_next() {
            done??;
        }
    }
    while let Some(done) = patches.join_next().await {
        done??;
    }
    sleep(LAST).await;
    reading.abort();
    let mut raw = BTreeMap::new();
    while let Ok((mark, at)) = hearing.try_recv() {
        raw.insert(mark, at);
    }
    let since_sent = |(mark, at): (&String, &Instant)| sent.get(mark).map(|sent| at.duration_since(*sent));
    run.report.rows.push(row("event", sandboxes, FLOOR, &raw.iter().filter_map(since_sent).collect()));
    for driver in &run.drivers {
        let seen: BTreeMap<String, Instant> = driver.seen.take().into_iter().collect();
        run.report.rows.push(row("event", sandboxes, &driver.name, &seen.iter().filter_map(since_sent).collect()));
        let behind = seen.iter().filter_map(|(mark, at)| raw.get(mark).map(|raw| at.saturating_duration_since(*raw)));
        run.report.rows.push(row("event lag", sandboxes, &driver.name, &behind.collect()));
    }
    Ok(())
}

/// What a line says that is counted.
fn mark(line: &[u8]) -> Option<String> {
    let marked = format!(r#""message":"{MARK}"#);
    let at = line.windows(marked.len()).position(|window| window == marked.as_bytes())?;
    let digits = line.get(at + marked.len()..at + marked.len() + 6)?;
    Some(format!("{MARK}{}", String::from_utf8_lossy(digits)))
}
