//! What a watch shows.

use super::{Scenario, scenario};
use crate::ask::{delete, get, merge_patch, post};
use crate::stage::Stage;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("watch-from-zero", "A watch from version 0, or from none, begins with everything there is", |s| Box::pin(from_zero(s))),
    scenario("watch-from-version", "A watch from a version shows what came after it, in order", |s| Box::pin(from_version(s))),
    scenario("watch-selected", "An object that leaves the selection is DELETED though it lives, and ADDED when it is back", |s| {
        Box::pin(selected(s))
    }),
    scenario("watch-initial-events", "sendInitialEvents shows everything, then a bookmark that says so", |s| Box::pin(initial_events(s))),
    scenario("watch-initial-events-refused", "sendInitialEvents needs its resourceVersionMatch", |s| Box::pin(initial_events_refused(s))),
    scenario("watch-metadata", "A watch of metadata only", |s| Box::pin(metadata(s))),
    scenario("watch-by-name", "One object is watched by a field selector; its own path is a get whatever is asked", |s| {
        Box::pin(by_name(s))
    }),
    scenario("watch-recreated", "An object deleted and made again is two objects to a watch", |s| Box::pin(recreated(s))),
];

fn labelled(name: &str, app: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": { "app": app } } })
}

async fn from_zero(s: &mut Stage) -> Outcome<()> {
    for name in ["b", "a"] {
        s.done(post(s.core("secrets"), &labelled(name, "x"))).await?;
    }
    for query in ["&resourceVersion=0", ""] {
        let path = s.core(&format!("secrets?watch=true&labelSelector=app{query}"));
        // The server's cache is not promised to have heard of the last write yet.
        s.until(&s.core("secrets?labelSelector=app&resourceVersion=0"), |answer| answer.body["items"].as_array().map(Vec::len) == Some(2))
            .await?;
        let mut watch = s.watch(path).await?;
        s.events(&mut watch, 2).await?;
        s.silence(&mut watch).await?;
    }
    Ok(())
}

async fn from_version(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &labelled("a", "x"))).await?;
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    s.done(merge_patch(s.core("secrets/a"), &json!({ "data": { "x": "eA==" } }))).await?;
    s.done(post(s.core("secrets"), &labelled("b", "x"))).await?;
    s.done(delete(s.core("secrets/a"))).await?;
    let mut watch = s.watch(s.core(&format!("secrets?watch=1&labelSelector=app&resourceVersion={}", made.version()))).await?;
    s.events(&mut watch, 3).await?;
    s.done(post(s.core("secrets"), &labelled("c", "x"))).await?;
    s.events(&mut watch, 1).await?;
    Ok(())
}

async fn selected(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &labelled("a", "x"))).await?;
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    let mut watch = s.watch(s.core(&format!("secrets?watch=true&labelSelector=app%3Dx&resourceVersion={}", made.version()))).await?;
    for labels in [json!({ "app": null }), json!({ "app": "y" }), json!({ "app": "x" })] {
        s.done(merge_patch(s.core("secrets/a"), &json!({ "metadata": { "labels": labels } }))).await?;
    }
    s.events(&mut watch, 2).await?;
    s.ask(get(s.core("secrets/a")).only(&["/metadata/labels"])).await?;
    s.done(delete(s.core("secrets/a"))).await?;
    s.events(&mut watch, 1).await?;
    Ok(())
}

async fn initial_events(s: &mut Stage) -> Outcome<()> {
    for name in ["b", "a"] {
        s.done(post(s.core("secrets"), &labelled(name, "x"))).await?;
    }
    let asked = "watch=true&labelSelector=app&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let mut watch = s.watch(s.core(&format!("secrets?{asked}&allowWatchBookmarks=true"))).await?;
    s.events(&mut watch, 3).await?;
    s.done(post(s.core("secrets"), &labelled("c", "x"))).await?;
    s.events(&mut watch, 1).await?;
    let mut watch = s.watch(s.sandboxes(&format!("?{asked}&allowWatchBookmarks=true"))).await?;
    s.events(&mut watch, 1).await?;
    let mut watch = s.watch(s.core(&format!("pods?{asked}&allowWatchBookmarks=true"))).await?;
    s.events(&mut watch, 1).await?;
    Ok(())
}

async fn initial_events_refused(s: &mut Stage) -> Outcome<()> {
    for query in [
        "sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact",
        "resourceVersionMatch=NotOlderThan",
        "sendInitialEvents=false",
        "resourceVersion=abc",
    ] {
        s.ask(get(s.sandboxes(&format!("?watch=true&timeoutSeconds=1&{query}")))).await?;
    }
    Ok(())
}

async fn metadata(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &labelled("a", "x"))).await?;
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    let path = s.core(&format!("secrets?watch=true&labelSelector=app&resourceVersion={}", made.version()));
    let mut watch = s.watch_for(get(path).accept("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")).await?;
    s.done(merge_patch(s.core("secrets/a"), &json!({ "data": { "x": "eA==" } }))).await?;
    s.done(delete(s.core("secrets/a"))).await?;
    s.events(&mut watch, 2).await?;
    Ok(())
}

async fn by_name(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &labelled("a", "x"))).await?;
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    s.done(post(s.core("secrets"), &labelled("b", "x"))).await?;
    s.done(merge_patch(s.core("secrets/a"), &json!({ "data": { "x": "eA==" } }))).await?;
    let mut by_field =
        s.watch(s.core(&format!("secrets?watch=true&fieldSelector=metadata.name%3Da&resourceVersion={}", made.version()))).await?;
    s.events(&mut by_field, 1).await?;
    // What comes is the object, not an event.
    let mut by_path = s.watch(s.core(&format!("secrets/a?watch=true&resourceVersion={}", made.version()))).await?;
    s.events(&mut by_path, 1).await?;
    Ok(())
}

async fn recreated(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &labelled("a", "x"))).await?;
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    let mut watch = s.watch(s.core(&format!("secrets?watch=true&labelSelector=app&resourceVersion={}", made.version()))).await?;
    s.done(delete(s.core("secrets/a"))).await?;
    s.ask(post(s.core("secrets"), &labelled("a", "x")).only(&["/metadata/uid"])).await?;
    s.events(&mut watch, 2).await?;
    Ok(())
}
