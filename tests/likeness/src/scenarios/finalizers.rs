//! Finalizers.

use super::{Scenario, scenario};
use crate::ask::{delete, delete_by, get, merge_patch, post};
use crate::stage::Stage;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("finalizer-holds", "A finalizer keeps a deleted object until it is taken away", |s| Box::pin(holds(s))),
    scenario("finalizer-added-late", "A deleted object takes no new finalizer", |s| Box::pin(added_late(s))),
    scenario("finalizer-watched", "A watch sees the mark, and the end when the last finalizer goes", |s| Box::pin(watched(s))),
];

fn held(name: &str) -> Value {
    json!({ "metadata": { "name": name, "finalizers": ["example.com/a", "example.com/b"] }, "data": { "x": "1" } })
}

async fn holds(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.core("configmaps"), &held("one"))).await?;
    let path = s.core("configmaps/one");
    s.ask(delete(&path)).await?;
    s.ask(get(&path)).await?;
    s.ask(merge_patch(&path, &json!({ "data": { "still": "writable" } }))).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "finalizers": ["example.com/b"] } }))).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "finalizers": null } }))).await?;
    s.ask(get(&path)).await?;
    Ok(())
}

async fn added_late(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("configmaps"), &held("one"))).await?;
    let path = s.core("configmaps/one");
    s.done(delete(&path)).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "finalizers": ["example.com/a", "example.com/b", "example.com/c"] } }))).await?;
    Ok(())
}

async fn watched(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("configmaps"), &held("one"))).await?;
    let path = s.core(&format!("configmaps?watch=true&fieldSelector=metadata.name%3Done&resourceVersion={}", made.version()));
    s.call(&made.version(), "<version 1>");
    let mut watch = s.watch(path).await?;
    s.done(delete_by(s.core("configmaps/one"), "Background")).await?;
    s.done(merge_patch(s.core("configmaps/one"), &json!({ "metadata": { "finalizers": null } }))).await?;
    s.events(&mut watch, 2).await?;
    Ok(())
}
