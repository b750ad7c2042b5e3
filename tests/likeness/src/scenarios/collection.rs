//! Owners and dependents: what the garbage collector makes of each way to delete.

use super::{Scenario, scenario};
use crate::ask::{delete, delete_by, delete_with, get, post};
use crate::names::Versions;
use crate::stage::{Answer, Stage};
use crate::subject::Fate;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("collect-background", "Background: the owner is gone at once, its dependents follow", |s| Box::pin(background(s))),
    scenario("collect-foreground", "Foreground: the owner waits, marked, until its dependents are gone", |s| Box::pin(foreground(s))),
    scenario("collect-orphan", "Orphan: the dependents stay and lose their owner", |s| Box::pin(orphan(s))),
    scenario("collect-blocked", "Foreground waits only for dependents that block; one that does not is collected all the same", |s| {
        Box::pin(blocked(s))
    }),
    scenario("collect-absent-owner", "An object whose owner is not there is collected", |s| Box::pin(absent_owner(s))),
    scenario("collect-second-owner", "An object with another owner left stays, without the one that is gone", |s| {
        Box::pin(second_owner(s))
    }),
    scenario("collect-sandbox-foreground", "A Sandbox deleted in the foreground keeps its conditions, and goes after its pod", |s| {
        Box::pin(sandbox_foreground(s))
    }),
    scenario("collect-body-wins", "A delete that has a body ignores the policy in its query", |s| Box::pin(body_wins(s))),
];

const ONLY: &[&str] =
    &["/kind", "/metadata/deletionTimestamp", "/metadata/deletionGracePeriodSeconds", "/metadata/finalizers", "/metadata/ownerReferences"];

async fn owner(s: &mut Stage) -> Outcome<Answer> {
    s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "owner" } }))).await
}

fn owned(name: &str, owner: &str, uid: &str, more: &Value) -> Value {
    let mut reference = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid });
    for (field, value) in more.as_object().into_iter().flatten() {
        reference[field.as_str()] = value.clone();
    }
    json!({ "metadata": { "name": name, "ownerReferences": [reference] } })
}

async fn background(s: &mut Stage) -> Outcome<()> {
    let uid = owner(s).await?.uid();
    s.ask(post(s.core("secrets"), &owned("child", "owner", &uid, &json!({ "controller": true, "blockOwnerDeletion": true })))).await?;
    s.ask(delete_by(s.core("configmaps/owner"), "Background")).await?;
    s.ask(get(s.core("configmaps/owner"))).await?;
    s.until_gone(&s.core("secrets/child")).await
}

async fn foreground(s: &mut Stage) -> Outcome<()> {
    let uid = owner(s).await?.uid();
    let mut child = owned("child", "owner", &uid, &json!({ "controller": true, "blockOwnerDeletion": true }));
    child["metadata"]["finalizers"] = json!(["example.com/wait"]);
    s.done(post(s.core("secrets"), &child)).await?;
    s.ask(delete_by(s.core("configmaps/owner"), "Foreground")).await?;
    s.until(&s.core("secrets/child"), |answer| answer.body["metadata"]["deletionTimestamp"].is_string()).await?;
    s.ask(get(s.core("secrets/child")).only(ONLY)).await?;
    s.ask(get(s.core("configmaps/owner")).only(ONLY)).await?;
    s.done(crate::ask::merge_patch(s.core("secrets/child"), &json!({ "metadata": { "finalizers": null } }))).await?;
    s.until_gone(&s.core("configmaps/owner")).await
}

async fn orphan(s: &mut Stage) -> Outcome<()> {
    let uid = owner(s).await?.uid();
    s.done(post(s.core("secrets"), &owned("child", "owner", &uid, &json!({})))).await?;
    s.ask(delete_by(s.core("configmaps/owner"), "Orphan").only(ONLY)).await?;
    s.until_gone(&s.core("configmaps/owner")).await?;
    s.ask(get(s.core("secrets/child")).only(ONLY)).await?;
    Ok(())
}

async fn blocked(s: &mut Stage) -> Outcome<()> {
    let uid = owner(s).await?.uid();
    let mut child = owned("child", "owner", &uid, &json!({}));
    child["metadata"]["finalizers"] = json!(["example.com/wait"]);
    s.done(post(s.core("secrets"), &child)).await?;
    s.done(delete_by(s.core("configmaps/owner"), "Foreground")).await?;
    s.until_gone(&s.core("configmaps/owner")).await?;
    s.until(&s.core("secrets/child"), |answer| answer.body["metadata"]["deletionTimestamp"].is_string()).await?;
    s.ask(get(s.core("secrets/child")).only(ONLY)).await?;
    Ok(())
}

async fn absent_owner(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("secrets"), &owned("child", "owner", "00000000-0000-0000-0000-000000000000", &json!({})))).await?;
    s.until_gone(&s.core("secrets/child")).await
}

async fn second_owner(s: &mut Stage) -> Outcome<()> {
    let first = owner(s).await?.uid();
    let second = s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "other" } }))).await?.uid();
    let mut child = owned("child", "owner", &first, &json!({}));
    let other = owned("child", "other", &second, &json!({}));
    child["metadata"]["ownerReferences"] = json!([child["metadata"]["ownerReferences"][0], other["metadata"]["ownerReferences"][0]]);
    s.done(post(s.core("secrets"), &child)).await?;
    s.done(delete(s.core("configmaps/owner"))).await?;
    s.until(&s.core("secrets/child"), |answer| answer.body["metadata"]["ownerReferences"].as_array().map(Vec::len) == Some(1)).await?;
    s.ask(get(s.core("secrets/child")).only(ONLY)).await?;
    Ok(())
}

async fn sandbox_foreground(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::Runs))).await?;
    let seen = s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["podIPs"].is_array() && ready(answer)).await?;
    let mut watch = s.watch(s.sandboxes(&format!("?watch=true&resourceVersion={}", seen.version()))).await;
    if let Ok(watch) = &mut watch {
        s.ask(delete_with(s.sandboxes("/one"), &json!({ "propagationPolicy": "Foreground", "preconditions": { "uid": seen.uid() } })))
            .await?;
        s.events(watch, 2).await?;
    }
    s.ask(get(s.core("pods/one"))).await?;
    Ok(())
}

fn ready(answer: &Answer) -> bool {
    answer.body["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

async fn body_wins(s: &mut Stage) -> Outcome<()> {
    let uid = owner(s).await?.uid();
    let mut child = owned("child", "owner", &uid, &json!({ "blockOwnerDeletion": true }));
    child["metadata"]["finalizers"] = json!(["example.com/wait"]);
    s.done(post(s.core("secrets"), &child)).await?;
    s.ask(delete_with(s.core("configmaps/owner?propagationPolicy=Foreground"), &json!({}))).await?;
    s.ask(get(s.core("configmaps/owner"))).await?;
    Ok(())
}
