//! Many at once: two thousand sandboxes, and sandboxes that are deleted in the moment in which they are made.

use std::collections::BTreeSet;
use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::contract::messages::compute::watch_sandboxes_event::Payload;
use rig::gateway::{Events, Gateway};
use rig::{Outcome, sandbox};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::scene::{Play, create, until_within};

/// As many as a large team has.
const MANY: usize = 2_000;
/// A variable that says another number, for a machine that has not so much time.
const FEWER: &str = "MANY";
/// Calls in flight.
const AT_ONCE: usize = 64;
/// How long nothing may be heard of any of them before all are. How long that takes is the machine's to say: kube-apiserver spends a quarter of a
/// second of processor time on each.
const SILENCE: Duration = Duration::from_secs(60);
/// By when what the garbage collector overlooked is gone: the driver lets it go after a minute, and a busy machine takes its time.
const LETTING_GO: Duration = Duration::from_secs(180);
/// How often a deletion is tried.
const TRIES: u32 = 5;
/// How long all of them may take all the same.
const LIMIT: Duration = Duration::from_secs(1_500);

/// Does something to each of them, so many at a time.
async fn each<Call, Done>(names: impl Iterator<Item = String>, call: Call) -> Outcome<()>
where
    Call: Fn(String) -> Done,
    Done: Future<Output = Outcome<()>> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for name in names {
        if calls.len() == AT_ONCE {
            calls.join_next().await.transpose()?.transpose()?;
        }
        calls.spawn(call(name));
    }
    while let Some(done) = calls.join_next().await {
        done??;
    }
    Ok(())
}

/// Deletes a sandbox that is there. A busy machine's API server does not always answer in time; then it is tried again, as a user would.
async fn delete(gateway: &Gateway, name: String) -> Outcome<()> {
    let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(&name), sandbox_name: name };
    for number in 1..=TRIES {
        match gateway.delete_sandbox(request.clone()).await {
            Ok(reply) if reply.deleted || number > 1 => return Ok(()),
            Ok(_) => return Err("a sandbox was not there".into()),
            Err(status) if status.code() == Code::Unavailable && number < TRIES => {}
            Err(status) => return Err(status.into()),
        }
    }
    Ok(())
}

/// Waits until as many ids as there are sandboxes have been found in events, and gives up when nothing comes any more.
async fn all(events: &mut Events, many: usize, what: &str, found: impl Fn(&Payload) -> Option<String>) -> Outcome<()> {
    let mut ids = BTreeSet::new();
    let mut heard = Instant::now();
    while ids.len() < many {
        match events.next().await {
            Ok(event) => {
                ids.extend(found(&event));
                heard = Instant::now();
            }
            // The stream's own patience is shorter.
            Err(status) if status.code() == Code::DeadlineExceeded && heard.elapsed() < SILENCE => {}
            Err(status) => return Err(format!("{} of {many} are {what}: {status}", ids.len()).into()),
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it is said in the environment")]
fn how_many() -> Outcome<usize> {
    Ok(std::env::var(FEWER).ok().map(|number| number.parse()).transpose()?.unwrap_or(MANY))
}

fn names(many: usize) -> impl Iterator<Item = String> {
    (0..many).map(|number| format!("n{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_two_thousand_sandboxes() -> Outcome<()> {
    let many = how_many()?;
    let mut play = Play::new("case-39").await?;
    let began = Instant::now();
    let gateway = play.gateway.clone();
    let creating = each(names(many), move |name| {
        let gateway = gateway.clone();
        async move { Ok(create(&gateway, sandbox::wanted(&name)).await?) }
    });
    let watching = all(&mut play.events, many, "ready", |event| {
        sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).map(|seen| seen.id.clone())
    });
    let made = timeout(LIMIT, async { tokio::try_join!(creating, watching) });
    made.await.map_err(|_| format!("they are not all made and ready after {LIMIT:?}"))??;
    let made = began.elapsed();

    let began = Instant::now();
    let listed = play.list().await?;
    let listing = began.elapsed();
    assert_eq!(listed.len(), many);
    assert!(listing < Duration::from_secs(2), "a list is read from memory, and took {listing:?}");
    let lists = play.place.audited("list", "/sandboxes")?.len();
    for name in names(many).step_by(100) {
        play.get(&name).await?;
    }
    assert_eq!(play.place.audited("list", "/sandboxes")?.len(), lists, "reads ask nobody");
    assert_eq!(play.place.audited("get", "/sandboxes/")?.len(), 0, "reads ask nobody");
    assert_eq!(play.place.audited("create", "/sandboxes")?.len(), many, "a create is one request");

    let began = Instant::now();
    let gateway = play.gateway.clone();
    let deleting = each(names(many), move |name| {
        let gateway = gateway.clone();
        async move { delete(&gateway, name).await }
    });
    let watching = all(&mut play.events, many, "gone", |event| sandbox::deleted(event).map(str::to_owned));
    let unmade = timeout(LIMIT, async { tokio::try_join!(deleting, watching) });
    unmade.await.map_err(|_| format!("they are not all gone after {LIMIT:?}"))??;
    println!("{many} sandboxes: made and ready in {made:?}, listed in {listing:?}, gone in {:?}", began.elapsed());
    assert!(play.list().await?.is_empty());
    Ok(())
}

/// The garbage collector may look for the pod of a Sandbox before it is there; such a Sandbox would stay in foreground deletion, and the driver lets it
/// go. Of 200 a few need that each time.
#[tokio::test(flavor = "multi_thread")]
async fn deleted_in_the_moment_in_which_they_are_made_they_all_go() -> Outcome<()> {
    let play = Play::new("case-at-once").await?;
    let gateway = play.gateway.clone();
    each((0..200).map(|number| format!("n{number}")), move |name| {
        let gateway = gateway.clone();
        async move {
            create(&gateway, sandbox::wanted(&name)).await?;
            delete(&gateway, name).await
        }
    })
    .await?;
    for collection in [play.place.sandboxes(), play.place.pods()] {
        let is_empty = async || Ok(play.place.read(&collection).await?["items"].as_array().is_some_and(Vec::is_empty));
        until_within(LETTING_GO, &format!("{collection} is empty"), is_empty).await?;
    }
    assert!(play.list().await?.is_empty());
    Ok(())
}
