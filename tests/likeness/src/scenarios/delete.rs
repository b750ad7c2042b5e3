//! DELETE of an object or a collection.

use super::{Scenario, scenario};
use crate::ask::{Ask, delete, delete_by, delete_with, get, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("delete", "A delete answers with a Status, or with the object where the object was marked or the kind does so", |s| {
        Box::pin(plain(s))
    }),
    scenario("delete-missing", "What is not there is not deleted", |s| Box::pin(missing(s))),
    scenario("delete-uid", "A delete that means another UID is a Conflict", |s| Box::pin(uid(s))),
    scenario("delete-version", "A delete that means another version is a Conflict", |s| Box::pin(version(s))),
    scenario("delete-again", "A delete of what is being deleted is answered with the object", |s| Box::pin(again(s))),
    scenario("delete-bad-options", "Options of a delete that are none are refused", |s| Box::pin(bad_options(s))),
    scenario("delete-dry-run", "A dry run of a delete deletes nothing", |s| Box::pin(dry_run(s))),
    scenario("delete-collection", "A collection is deleted by its selector", |s| Box::pin(collection(s))),
];

async fn plain(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(delete(s.sandboxes("/one"))).await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(s.core("configmaps/one"))).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(s.core("secrets/one?propagationPolicy=Background"))).await?;
    s.done(post(s.core("serviceaccounts"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(s.core("serviceaccounts/one"))).await?;
    Ok(())
}

async fn missing(s: &mut Stage) -> Outcome<()> {
    s.ask(delete(s.sandboxes("/one"))).await?;
    s.ask(delete_by(s.sandboxes("/one"), "Foreground")).await?;
    s.ask(delete_with(s.sandboxes("/one"), &json!({ "preconditions": { "uid": "00000000-0000-0000-0000-000000000000" } }))).await?;
    s.ask(delete(s.core("secrets/one"))).await?;
    Ok(())
}

async fn uid(s: &mut Stage) -> Outcome<()> {
    let wrong = json!({ "preconditions": { "uid": "00000000-0000-0000-0000-000000000000" } });
    let made = s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(delete_with(s.sandboxes("/one"), &wrong)).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete_with(s.core("secrets/one"), &wrong)).await?;
    s.ask(delete_with(s.sandboxes("/one"), &json!({ "preconditions": { "uid": made.uid() } }))).await?;
    Ok(())
}

async fn version(s: &mut Stage) -> Outcome<()> {
    let made = s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete_with(s.core("configmaps/one"), &json!({ "preconditions": { "resourceVersion": "1" } }))).await?;
    s.ask(delete_with(s.core("configmaps/one"), &json!({ "preconditions": { "resourceVersion": made.version() } }))).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(delete_with(s.sandboxes("/one"), &json!({ "preconditions": { "resourceVersion": "1" } }))).await?;
    Ok(())
}

async fn again(s: &mut Stage) -> Outcome<()> {
    let mut held = resting("one");
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    s.done(post(s.sandboxes(""), &held)).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    s.ask(delete(s.sandboxes("/one")).only(&[
        "/kind",
        "/metadata/generation",
        "/metadata/deletionTimestamp",
        "/metadata/deletionGracePeriodSeconds",
        "/metadata/finalizers",
    ]))
    .await?;
    s.ask(delete(s.sandboxes("/one")).only(&[
        "/kind",
        "/metadata/generation",
        "/metadata/deletionTimestamp",
        "/metadata/deletionGracePeriodSeconds",
        "/metadata/finalizers",
    ]))
    .await?;
    Ok(())
}

async fn bad_options(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete_by(s.core("configmaps/one"), "Sideways")).await?;
    s.ask(delete(s.core("configmaps/one?propagationPolicy=Sideways"))).await?;
    s.ask(delete_with(s.core("configmaps/one"), &json!({ "propagationPolicy": "Orphan", "orphanDependents": true }))).await?;
    s.ask(Ask::new("DELETE", s.core("configmaps/one")).text("application/json", "{").only(&["/reason", "/code"])).await?;
    s.ask(get(s.core("configmaps/one")).only(&["/kind"])).await?;
    Ok(())
}

async fn dry_run(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("configmaps"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(s.core("configmaps/one?dryRun=All"))).await?;
    s.ask(delete_with(s.core("configmaps/one"), &json!({ "dryRun": ["All"] }))).await?;
    s.ask(get(s.core("configmaps/one")).only(&["/kind", "/metadata/name"])).await?;
    Ok(())
}

async fn collection(s: &mut Stage) -> Outcome<()> {
    for (name, app) in [("one", "a"), ("two", "b"), ("three", "a")] {
        s.done(post(s.core("secrets"), &json!({ "metadata": { "name": name, "labels": { "app": app } } }))).await?;
    }
    s.ask(delete(s.core("secrets?labelSelector=app%3Da"))).await?;
    s.ask(get(s.core("secrets?labelSelector=app"))).await?;
    Ok(())
}
