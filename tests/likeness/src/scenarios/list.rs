//! GET of a collection.

use super::{Scenario, scenario};
use crate::ask::{delete, get, post};
use crate::stage::{Answer, Stage};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("list", "A list has its objects in the order of their names; only custom ones say their kind", |s| Box::pin(whole(s))),
    scenario("list-empty", "An empty list has items", |s| Box::pin(empty(s))),
    scenario("list-pages", "A list comes in pages of one moment, whatever happens in between", |s| Box::pin(pages(s))),
    scenario("list-page-expired", "A page whose moment is compacted away is a 410 that says how to go on", |s| Box::pin(page_expired(s))),
    scenario("list-bad-continue", "A continue token that is none is a 400", |s| Box::pin(bad_continue(s))),
    scenario("list-versions", "A list from the cache, not older than, or exactly of a version", |s| Box::pin(versions(s))),
    scenario("list-future", "A list of a version that is still to come is a 504 that says when to try again", |s| Box::pin(future(s))),
    scenario("list-bad-options", "Options of a list that contradict each other are refused", |s| Box::pin(bad_options(s))),
];

async fn secrets(s: &mut Stage, names: &[&str]) -> Outcome<Answer> {
    let mut last = None;
    for name in names {
        last = Some(s.done(post(s.core("secrets"), &json!({ "metadata": { "name": name, "labels": { "own": "yes" } } }))).await?);
    }
    last.ok_or_else(|| "no secret was asked for".into())
}

fn after(answer: &Answer) -> String {
    answer.text("/metadata/continue")
}

async fn whole(s: &mut Stage) -> Outcome<()> {
    secrets(s, &["two", "one", "three"]).await?;
    s.ask(get(s.core("secrets?labelSelector=own"))).await?;
    for name in ["two", "one"] {
        s.done(post(s.sandboxes(""), &crate::stage::resting(name))).await?;
        s.until(&s.sandboxes(&format!("/{name}")), |answer| answer.body["status"]["conditions"].is_array()).await?;
    }
    s.ask(get(s.sandboxes(""))).await?;
    Ok(())
}

async fn empty(s: &mut Stage) -> Outcome<()> {
    s.ask(get(s.sandboxes(""))).await?;
    s.ask(get(s.core("secrets?labelSelector=own"))).await?;
    s.ask(get(s.sandboxes("?limit=2"))).await?;
    Ok(())
}

async fn pages(s: &mut Stage) -> Outcome<()> {
    secrets(s, &["a", "b", "c", "d", "e"]).await?;
    let only: &'static [&'static str] = &["/metadata", "/items/0/metadata/name", "/items/1/metadata/name", "/items/2/metadata/name"];
    let first = s.ask(get(s.core("secrets?limit=2")).only(only)).await?;
    s.done(delete(s.core("secrets/d"))).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "c2" } }))).await?;
    s.call(&after(&first), "<continue>");
    let second = s.ask(get(s.core(&format!("secrets?limit=2&continue={}", after(&first)))).only(only)).await?;
    s.call(&after(&second), "<continue>");
    s.note("every page is of the first's version", &json!(first.version() == second.version()));
    s.ask(get(s.core(&format!("secrets?limit=2&continue={}", after(&second)))).only(only)).await?;
    s.ask(get(s.core("secrets?limit=3&labelSelector=own")).only(only)).await?;
    Ok(())
}

async fn page_expired(s: &mut Stage) -> Outcome<()> {
    secrets(s, &["a", "b", "c"]).await?;
    let first = s.quietly(get(s.core("secrets?limit=1"))).await?;
    s.call(&after(&first), "<continue>");
    secrets(s, &["d"]).await?;
    s.compact().await?;
    let refused = s.until(&s.core(&format!("secrets?limit=1&continue={}", after(&first))), |answer| answer.status == 410).await?;
    s.note("the answer", &refused.body);
    let on = after(&refused);
    s.call(&on, "<continue>");
    s.ask(get(s.core(&format!("secrets?continue={on}"))).only(&[
        "/metadata",
        "/items/0/metadata/name",
        "/items/1/metadata/name",
        "/items/2/metadata/name",
    ]))
    .await?;
    Ok(())
}

async fn bad_continue(s: &mut Stage) -> Outcome<()> {
    s.ask(get(s.core("secrets?limit=1&continue=nonsense")).only(&["/reason", "/code"])).await?;
    s.ask(get(s.sandboxes("?limit=1&continue=nonsense")).only(&["/reason", "/code"])).await?;
    secrets(s, &["a", "b"]).await?;
    let first = s.quietly(get(s.core("secrets?limit=1"))).await?;
    s.call(&after(&first), "<continue>");
    s.ask(get(s.core(&format!("secrets?limit=1&continue={}&resourceVersion=5", after(&first))))).await?;
    Ok(())
}

async fn versions(s: &mut Stage) -> Outcome<()> {
    let made = secrets(s, &["a"]).await?;
    s.call(&made.version(), "<version 1 of a>");
    let version = made.version();
    secrets(s, &["b"]).await?;
    let only: &'static [&'static str] = &["/metadata/continue", "/items/0/metadata/name", "/items/1/metadata/name"];
    for query in [
        "resourceVersion=0".to_owned(),
        "resourceVersion=0&limit=1".to_owned(),
        format!("resourceVersion={version}&resourceVersionMatch=NotOlderThan"),
        format!("resourceVersion={version}&resourceVersionMatch=Exact"),
        format!("resourceVersion={version}"),
        format!("resourceVersion={version}&limit=1"),
    ] {
        s.ask(get(s.core(&format!("secrets?labelSelector=own&{query}"))).only(only)).await?;
    }
    Ok(())
}

async fn future(s: &mut Stage) -> Outcome<()> {
    s.ask(get(s.core("secrets?resourceVersion=999999999999&resourceVersionMatch=NotOlderThan"))).await?;
    s.ask(get(s.sandboxes("?resourceVersion=999999999999"))).await?;
    Ok(())
}

async fn bad_options(s: &mut Stage) -> Outcome<()> {
    for query in [
        "resourceVersionMatch=Exact",
        "resourceVersion=5&resourceVersionMatch=Sometimes",
        "resourceVersion=0&resourceVersionMatch=Exact",
        "sendInitialEvents=true",
        "resourceVersion=abc",
        "limit=many",
        "limit=-1",
    ] {
        s.ask(get(s.sandboxes(&format!("?{query}")))).await?;
    }
    Ok(())
}
