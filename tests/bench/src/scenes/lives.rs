//! Stops and starts, with the controller and the kubelet at work. The floor patches, and watches the pod go.

use http_body_util::BodyExt as _;
use rig::Outcome;
use rig::gateway::Gateway;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::calls::contestants;
use super::turns::micros;
use super::{LOOK, PATIENCE, Run};
use crate::bytes::{Raw, Requests};
use crate::report::Row;
use crate::rounds::{Times, middle};
use crate::server::{Client, NAMESPACE, sandbox_path};
use crate::subject::Subject;

/// How often a patch is begun anew.
const TRIES: usize = 20;

pub(super) async fn play(run: &mut Run) -> Outcome<()> {
    let contestants = contestants(run);
    let numbers = run.take_numbers(contestants.len());
    let gateways: Vec<Gateway> = run.drivers.iter().map(|driver| driver.gateway.clone()).collect();
    // The floor's own is made by our driver.
    let of = |who: usize| gateways.get(who.saturating_sub(1));
    for (who, number) in numbers.clone().enumerate() {
        Subject::create(of(who).ok_or("there is no driver")?, number).await?;
        until_ready(&run.admin, number).await?;
    }
    let mut times = vec![(Times::default(), Times::default()); contestants.len()];
    for life in 0..run.flags.lives {
        for turn in 0..contestants.len() {
            let who = (turn + life) % contestants.len();
            let (number, gateway) = (numbers.start + who, of(who).filter(|_| who > 0));
            let (stopped, started) = match gateway {
                Some(gateway) => {
                    let began = Instant::now();
                    Subject::stop(gateway, number).await?;
                    let stopped = began.elapsed();
                    let began = Instant::now();
                    Subject::start(gateway, number).await?;
                    (stopped, began.elapsed())
                }
                None => (stop(run, number).await?, start(run, number).await?),
            };
            if let Some((stops, starts)) = times.get_mut(who) {
                stops.add(stopped);
                starts.add(started);
            }
            until_ready(&run.admin, number).await?;
        }
    }
    for (who, number) in numbers.enumerate() {
        Subject::delete(of(who).ok_or("there is no driver")?, number).await?;
    }
    run.until_listed(0).await?;
    let floor = times.first().map(|(stops, starts)| (stops.median(), starts.median())).unwrap_or_default();
    for (contestant, (stops, starts)) in contestants.iter().zip(times) {
        for (what, times, floor) in [("stop to gone", stops, floor.0), ("start", starts, floor.1)] {
            run.report.rows.push(Row {
                what,
                sandboxes: contestants.len(),
                callers: 1,
                who: contestant.name.clone(),
                times: times.len(),
                p50_us: micros(times.median()),
                p99_us: micros(times.quantile(0.99)),
                ratio: middle(&[times.median().as_secs_f64() / floor.as_secs_f64()]),
                processor_ms_per_1000: None,
                requests: None,
            });
        }
    }
    Ok(())
}

async fn version(client: &Client, number: usize) -> Outcome<String> {
    let object = client.ask("GET", &sandbox_path(number), None).await?;
    Ok(object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
}

async fn until_ready(client: &Client, number: usize) -> Outcome<()> {
    let ready = timeout(PATIENCE, async {
        loop {
            let object = client.ask("GET", &sandbox_path(number), None).await?;
            let generation = &object["metadata"]["generation"];
            let conditions = object["status"]["conditions"].as_array();
            let is_ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True" && it["observedGeneration"] == *generation;
            if conditions.is_some_and(|conditions| conditions.iter().any(is_ready)) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    });
    ready.await.map_err(|_| "a sandbox does not get ready")?
}

/// The floor's stop: a patch, and a watch that says that the pod is gone.
async fn stop(run: &Run, number: usize) -> Outcome<std::time::Duration> {
    let path = sandbox_path(number);
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut watch = run.floor.watch(&format!("/api/v1/namespaces/{NAMESPACE}/pods?watch=1")).await?;
    let began = patched(run, number, Requests::stop).await?;
    let named = format!(r#""name":"{name}""#);
    let gone = timeout(PATIENCE, async {
        let mut text = Vec::new();
        while let Some(frame) = watch.frame().await {
            if let Ok(data) = frame?.into_data() {
                text.extend_from_slice(&data);
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if line.starts_with(r#"{"type":"DELETED""#) && line.contains(&named) {
                    return Outcome::Ok(());
                }
            }
        }
        Err("the watch of pods ended".into())
    });
    gone.await.map_err(|_| "a pod does not go")??;
    Ok(began.elapsed())
}

async fn start(run: &Run, number: usize) -> Outcome<std::time::Duration> {
    Ok(patched(run, number, Requests::start).await?.elapsed())
}

/// Patches what is there, and says when. The controller may write in between: then it is begun anew, as a driver does it.
async fn patched(run: &Run, number: usize, patch: fn(&Requests, usize, &str) -> Raw) -> Outcome<Instant> {
    for _ in 0..TRIES {
        let patch = patch(&run.requests, number, &version(&run.floor, number).await?);
        let began = Instant::now();
        match run.floor.send(&patch).await {
            Ok(_) => return Ok(began),
            Err(error) if error.to_string().contains(": 409 ") => {}
            Err(error) => return Err(error),
        }
    }
    Err("a sandbox changes all the time".into())
}
