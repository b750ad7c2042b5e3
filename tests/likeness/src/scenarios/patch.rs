//! PATCH of an object, in each of its languages.

use super::{Scenario, scenario};
use crate::ask::{Ask, apply_patch, json_patch, merge_patch, post, strategic_patch};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("patch-merge", "A merge patch sets, replaces and removes", |s| Box::pin(merge(s))),
    scenario("patch-merge-stale", "A merge patch that names another version than the object's is a Conflict", |s| Box::pin(merge_stale(s))),
    scenario("patch-json", "A JSON patch does all its operations or none", |s| Box::pin(json_operations(s))),
    scenario("patch-strategic", "A strategic merge patch is for built-in kinds only", |s| Box::pin(strategic(s))),
    scenario("patch-apply", "Server-side apply makes what is not there, and needs a manager's name", |s| Box::pin(apply(s))),
    scenario("patch-misfit", "A patch that is none, or makes something else of the object, is refused", |s| Box::pin(misfit(s))),
    scenario("patch-missing", "What is not there is not patched", |s| Box::pin(missing(s))),
    scenario("patch-suspend", "A patch of the operating mode grows the generation; the same again writes nothing", |s| {
        Box::pin(suspend(s))
    }),
    scenario("patch-invalid", "A patch that makes the object invalid is a 422", |s| Box::pin(invalid(s))),
];

async fn config_map(s: &mut Stage) -> Outcome<()> {
    let object = json!({ "metadata": { "name": "one", "labels": { "a": "1", "b": "2" } }, "data": { "x": "1", "y": "2" } });
    s.ask(post(s.core("configmaps"), &object)).await?;
    Ok(())
}

async fn merge(s: &mut Stage) -> Outcome<()> {
    config_map(s).await?;
    let path = s.core("configmaps/one");
    s.ask(merge_patch(&path, &json!({ "metadata": { "labels": { "a": null, "c": "3" } }, "data": { "x": "9" } }))).await?;
    s.ask(merge_patch(&path, &json!({ "data": null }))).await?;
    s.ask(merge_patch(&path, &json!({}))).await?;
    Ok(())
}

async fn merge_stale(s: &mut Stage) -> Outcome<()> {
    config_map(s).await?;
    let path = s.core("configmaps/one");
    let first = s.ask(merge_patch(&path, &json!({ "data": { "x": "5" } }))).await?;
    s.done(merge_patch(&path, &json!({ "data": { "x": "6" } }))).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "resourceVersion": first.version() }, "data": { "x": "7" } }))).await?;
    let made = s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    let stale = json!({ "metadata": { "resourceVersion": made.version() }, "spec": { "operatingMode": "Running" } });
    s.ask(merge_patch(s.sandboxes("/one"), &stale)).await?;
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "metadata": { "uid": "00000000-0000-0000-0000-000000000000" } }))).await?;
    Ok(())
}

async fn json_operations(s: &mut Stage) -> Outcome<()> {
    config_map(s).await?;
    let path = s.core("configmaps/one");
    for operations in [
        json!([{ "op": "test", "path": "/data/x", "value": "1" }, { "op": "replace", "path": "/data/x", "value": "2" }]),
        json!([{ "op": "add", "path": "/metadata/labels/example.com~1n", "value": "v" }, { "op": "remove", "path": "/data/y" }]),
        json!([{ "op": "replace", "path": "/data/x", "value": "3" }, { "op": "test", "path": "/data/x", "value": "nine" }]),
        json!([{ "op": "remove", "path": "/data/none" }]),
        json!([{ "op": "leap", "path": "/data/x" }]),
    ] {
        s.ask(json_patch(&path, &operations)).await?;
    }
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(json_patch(s.sandboxes("/one"), &json!([{ "op": "test", "path": "/spec/operatingMode", "value": "Running" }]))).await?;
    Ok(())
}

async fn strategic(s: &mut Stage) -> Outcome<()> {
    config_map(s).await?;
    s.ask(strategic_patch(s.core("configmaps/one"), &json!({ "data": { "x": "9", "y": null } }))).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(strategic_patch(s.sandboxes("/one"), &json!({ "spec": { "service": true } }))).await?;
    Ok(())
}

async fn apply(s: &mut Stage) -> Outcome<()> {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" }, "data": { "x": "1" } });
    s.ask(apply_patch(s.core("configmaps/one"), &object)).await?;
    let path = s.core("configmaps/one?fieldManager=likeness");
    s.ask(apply_patch(&path, &object)).await?;
    s.ask(apply_patch(&path, &object)).await?;
    let mut more = object.clone();
    more["data"] = json!({ "y": "2" });
    s.ask(apply_patch(&path, &more)).await?;
    let other = s.core("configmaps/one?fieldManager=another");
    s.ask(apply_patch(&other, &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" }, "data": { "y": "3" } })))
        .await?;
    Ok(())
}

async fn misfit(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    let path = s.sandboxes("/one");
    let only: &'static [&'static str] = &["/reason", "/code", "/message", "/details"];
    s.ask(merge_patch(&path, &json!([])).only(only)).await?;
    s.ask(json_patch(&path, &json!({})).only(only)).await?;
    s.ask(Ask::new("PATCH", &path).text("application/merge-patch+json", "{").only(&["/reason", "/code"])).await?;
    s.ask(merge_patch(&path, &json!({ "kind": "Sandpit" })).only(only)).await?;
    s.ask(merge_patch(&path, &json!({ "apiVersion": "agents.x-k8s.io/v9" })).only(only)).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "name": "two" } })).only(only)).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "namespace": "default" } })).only(only)).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "labels": { "a": 1 } } })).only(&["/reason", "/code", "/details/causes/0/field"]))
        .await?;
    Ok(())
}

async fn missing(s: &mut Stage) -> Outcome<()> {
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "operatingMode": "Running" } }))).await?;
    s.ask(json_patch(s.core("configmaps/one"), &json!([{ "op": "remove", "path": "/data" }]))).await?;
    s.ask(merge_patch(s.sandboxes(""), &json!({}))).await?;
    s.ask(merge_patch(s.core("configmaps"), &json!({}))).await?;
    Ok(())
}

async fn suspend(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    let path = s.sandboxes("/one?fieldValidation=Strict");
    let only: &'static [&'static str] = &["/metadata/generation", "/spec/operatingMode"];
    let first = s.ask(merge_patch(&path, &json!({ "spec": { "operatingMode": "Suspended" } })).only(only)).await?;
    let again = s.ask(merge_patch(&path, &json!({ "spec": { "operatingMode": "Suspended" } })).only(only)).await?;
    s.note("both answers have the same version", &Value::Bool(first.version() == again.version()));
    s.ask(merge_patch(&path, &json!({ "spec": { "operatingMode": "Running" } })).only(only)).await?;
    s.ask(merge_patch(&path, &json!({ "metadata": { "annotations": { "a": "b" } } })).only(only)).await?;
    Ok(())
}

async fn invalid(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "operatingMode": "Paused" } }))).await?;
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "metadata": { "labels": { "a": "x".repeat(64) } } }))).await?;
    config_map(s).await?;
    s.ask(merge_patch(s.core("configmaps/one"), &json!({ "metadata": { "labels": { "a": "x".repeat(64) } } }))).await?;
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "spec": null })).only(&["/reason", "/code", "/details"])).await?;
    Ok(())
}
