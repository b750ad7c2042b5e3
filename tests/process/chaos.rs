//! A driver that is killed again and again, at whatever moment. What it had answered holds, and what it had not is found by the next one.
//!
//! The simulation kills the core between any two of its outputs; here it is the process, with its socket, its connections and its lock.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "whoever runs it says how often in the environment, and reads what was played"
)]

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use fastrand::Rng;
use kubesim::Kind;
use rig::Outcome;
use rig::gateway::Gateway;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::scene::{NAMESPACE, Scene, create, delete, get, list, resume, stop, until};

/// How many drivers are killed, where `CHAOS_ROUNDS` does not say it (`make chaos`).
const ROUNDS: usize = 20;
/// Calls in flight at a time, each about another sandbox.
const CALLS: usize = 6;
/// A driver lives at most this long after it serves.
const LIFE_MS: u64 = 150;
/// Sandboxes there are at most, so that every kind of call finds something to do.
const SANDBOXES: usize = 24;

/// What a gateway knows of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// Its create was answered with an error, or not at all: it may be there, and has no row.
    Doubtful,
    /// It is there, as its create has said.
    There,
    /// It has been asked to go, whatever became of the answer.
    Going,
}

/// What is asked of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Create,
    Get,
    Stop,
    Start,
    Delete,
}

async fn ask(gateway: &Gateway, name: &str, what: Ask) -> Result<(), Status> {
    match what {
        Ask::Create => create(gateway, name).await,
        Ask::Get => get(gateway, name).await.map(|_| ()),
        Ask::Stop => stop(gateway, name).await,
        Ask::Start => resume(gateway, name).await,
        Ask::Delete => delete(gateway, name).await.map(|_| ()),
    }
}

/// What is asked in a round: each of another sandbox.
fn asks(dice: &mut Rng, beliefs: &BTreeMap<String, Belief>, made: &mut usize) -> Vec<(String, Ask)> {
    let mut known: Vec<(&String, Belief)> = beliefs.iter().map(|(name, belief)| (name, *belief)).collect();
    known.retain(|(_, belief)| *belief != Belief::Doubtful);
    let mut asks = Vec::new();
    while asks.len() < CALLS {
        let what = dice.choice([Ask::Create, Ask::Create, Ask::Get, Ask::Stop, Ask::Start, Ask::Delete]).unwrap_or(Ask::Create);
        if known.is_empty() || (what == Ask::Create && beliefs.len() < SANDBOXES) {
            *made += 1;
            asks.push((format!("box-{made}"), Ask::Create));
        } else {
            let (name, belief) = known.swap_remove(dice.usize(..known.len()));
            // A gateway asks again for a deletion whose answer it has not had.
            let what = if what == Ask::Create || belief == Belief::Going { Ask::Delete } else { what };
            asks.push((name.clone(), what));
        }
    }
    asks
}

/// A sweep of the next driver: nothing that is there is missing, and nothing is there that nobody asked for.
async fn sweep(gateway: &Gateway, beliefs: &BTreeMap<String, Belief>) -> Outcome<()> {
    let listed = list(gateway).await?;
    for (name, belief) in beliefs {
        if *belief == Belief::There {
            assert!(listed.contains(name), "{name} was created, and is not listed: {listed:?}");
            assert_eq!(get(gateway, name).await?.name, *name);
        }
    }
    for name in &listed {
        assert!(beliefs.contains_key(name), "{name} is listed, and nobody asked for it");
    }
    Ok(())
}

#[tokio::test]
async fn whatever_a_killed_driver_has_answered_holds_and_the_next_one_finds_the_rest() -> Outcome<()> {
    let rounds = env::var("CHAOS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let seed = env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("{rounds} rounds of seed {seed}");
    let scene = Scene::new().await?;
    let (mut dice, mut beliefs, mut made) = (Rng::with_seed(seed), BTreeMap::new(), 0);
    for round in 0..rounds {
        let (mut driver, gateway) = scene.start().await?;
        sweep(&gateway, &beliefs).await?;
        let mut calls = JoinSet::new();
        for (name, what) in asks(&mut dice, &beliefs, &mut made) {
            // From now on there may be such a sandbox, or none any more.
            match what {
                Ask::Create => drop(beliefs.insert(name.clone(), Belief::Doubtful)),
                Ask::Delete => drop(beliefs.insert(name.clone(), Belief::Going)),
                Ask::Get | Ask::Stop | Ask::Start => {}
            }
            let gateway = gateway.clone();
            calls.spawn(async move {
                let answer = ask(&gateway, &name, what).await;
                (name, what, answer)
            });
        }
        sleep(Duration::from_millis(dice.u64(..LIFE_MS))).await;
        driver.signal("KILL").await?;
        driver.ended().await?;
        while let Some(ended) = calls.join_next().await {
            let (name, what, answer) = ended?;
            match (what, answer) {
                (Ask::Create, Ok(())) => drop(beliefs.insert(name, Belief::There)),
                (Ask::Stop, Ok(())) => {
                    let object = format!("default--{name}");
                    let pod = scene.cluster.with(|cluster| cluster.object(Kind::Pod, NAMESPACE, &object));
                    assert!(pod.is_none(), "round {round}: {name} was said to be stopped, and has a pod");
                }
                (Ask::Get | Ask::Stop | Ask::Start, Err(status)) => {
                    assert!(status.code() != Code::NotFound, "round {round}: {name} is there, and was said not to be: {status}");
                }
                _ => {}
            }
        }
        // What was deleted and has gone is forgotten, and its name is free.
        let names: Vec<String> =
            scene.sandboxes().iter().filter_map(|object| Some(object.pointer("/metadata/name")?.as_str()?.to_owned())).collect();
        beliefs.retain(|name, belief| *belief == Belief::There || names.contains(&format!("default--{name}")));
        for (name, belief) in &beliefs {
            assert!(
                *belief != Belief::There || names.contains(&format!("default--{name}")),
                "round {round}: {name} was created, and is gone"
            );
        }
    }

    // In the end everything can be deleted, and nothing is left of it.
    let (_driver, gateway) = scene.start().await?;
    sweep(&gateway, &beliefs).await?;
    for name in beliefs.keys() {
        delete(&gateway, name).await?;
    }
    until("everything is gone", async || {
        let left = scene.cluster.with(|cluster| cluster.objects(Kind::Sandbox, "").len() + cluster.objects(Kind::Pod, NAMESPACE).len());
        Ok(left == 0 && list(&gateway).await?.is_empty())
    })
    .await
}
