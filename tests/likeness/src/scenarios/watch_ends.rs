//! How a watch ends, and from where it cannot begin.

use super::{Scenario, scenario};
use crate::ask::{get, post};
use crate::stage::Stage;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("watch-timeout", "timeoutSeconds ends a watch between two lines", |s| Box::pin(timeout(s))),
    scenario("watch-last-bookmark", "A watch that takes bookmarks gets one shortly before its timeout", |s| Box::pin(last_bookmark(s))),
    scenario("watch-too-old", "A watch from a version that is forgotten is told 410 in the stream, which ends", |s| Box::pin(too_old(s))),
    scenario("watch-future", "A watch from a version that is still to come says nothing", |s| Box::pin(future(s))),
    scenario("watch-bad-options", "A watch whose selector or timeout is none is refused before it begins", |s| Box::pin(bad_options(s))),
    scenario("watch-nowhere", "A watch in a namespace that is not there is an empty one", |s| Box::pin(nowhere(s))),
];

async fn timeout(s: &mut Stage) -> Outcome<()> {
    let list = s.quietly(get(s.core("secrets"))).await?;
    s.call(&format!("resourceVersion={}", list.version()), "resourceVersion=<version>");
    let watch =
        s.watch(s.core(&format!("secrets?watch=true&timeoutSeconds=1&labelSelector=app&resourceVersion={}", list.version()))).await?;
    s.rest(watch).await?;
    Ok(())
}

async fn last_bookmark(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &json!({ "metadata": { "name": "a", "labels": { "app": "x" } } }))).await?;
    let asked =
        format!("secrets?watch=true&allowWatchBookmarks=true&timeoutSeconds=4&labelSelector=app&resourceVersion={}", made.version());
    s.call(&format!("resourceVersion={}", made.version()), "resourceVersion=<version 1 of Secret a>");
    let mut watch = s.watch(s.core(&asked)).await?;
    let mut kinds = std::collections::BTreeSet::new();
    let mut last = Value::Null;
    while let Some(event) = watch.next().await? {
        kinds.insert(event["type"].as_str().unwrap_or_default().to_owned());
        last = event;
    }
    s.note("what kinds of events came", &json!(kinds));
    s.note("the last event", &last);
    Ok(())
}

async fn too_old(s: &mut Stage) -> Outcome<()> {
    // A real server forgets kind by kind: it never knew anything of Sandboxes from before their definition.
    let watch = s.watch(s.sandboxes("?watch=true&resourceVersion=1")).await?;
    s.rest(watch).await?;
    Ok(())
}

async fn future(s: &mut Stage) -> Outcome<()> {
    let mut watch = s.watch(s.core("secrets?watch=true&resourceVersion=999999999999")).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "a" } }))).await?;
    s.silence(&mut watch).await?;
    Ok(())
}

async fn bad_options(s: &mut Stage) -> Outcome<()> {
    s.ask(get(s.core("secrets?watch=true&labelSelector=a%20in%201"))).await?;
    s.ask(get(s.core("secrets?watch=true&fieldSelector=spec.x%3D1"))).await?;
    s.ask(get(s.core("secrets?watch=true&timeoutSeconds=soon"))).await?;
    s.ask(get(s.sandboxes("?watch=true&resourceVersion=-1"))).await?;
    Ok(())
}

async fn nowhere(s: &mut Stage) -> Outcome<()> {
    let watch = s.watch("/apis/agents.x-k8s.io/v1beta1/namespaces/likeness-nowhere/sandboxes?watch=true&timeoutSeconds=1").await?;
    s.rest(watch).await?;
    Ok(())
}
