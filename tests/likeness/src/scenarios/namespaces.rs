//! Namespaces.

use super::{Scenario, scenario};
use crate::ask::{delete, delete_with, get, merge_patch, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("namespace", "A namespace is made with its name as a label, and gets an account", |s| Box::pin(made(s))),
    scenario("namespace-terminating", "A namespace that is being deleted takes nothing new, and goes when it is empty", |s| {
        Box::pin(terminating(s))
    }),
    scenario("namespace-deleted-by-uid", "A namespace of another UID is not deleted", |s| Box::pin(by_uid(s))),
    scenario("namespace-labels", "A namespace is labelled and found by its labels", |s| Box::pin(labels(s))),
];

/// A second namespace, besides the scenario's own.
fn another(s: &Stage) -> String {
    format!("{}-b", s.namespace())
}

async fn made(s: &mut Stage) -> Outcome<()> {
    let name = another(s);
    s.ask(post("/api/v1/namespaces", &json!({ "metadata": { "name": name, "labels": { "a": "b" } } }))).await?;
    s.ask(post("/api/v1/namespaces", &json!({ "metadata": { "name": name } }))).await?;
    s.until(&format!("/api/v1/namespaces/{name}/serviceaccounts/default"), |answer| answer.status == 200).await?;
    s.ask(get(format!("/api/v1/namespaces/{name}/serviceaccounts/default"))).await?;
    s.ask(get(format!("/api/v1/namespaces/{name}-none"))).await?;
    Ok(())
}

async fn terminating(s: &mut Stage) -> Outcome<()> {
    let name = another(s);
    s.done(post("/api/v1/namespaces", &json!({ "metadata": { "name": name } }))).await?;
    s.until(&format!("/api/v1/namespaces/{name}/serviceaccounts/default"), |answer| answer.status == 200).await?;
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.com/wait"] } });
    s.done(post(format!("/api/v1/namespaces/{name}/configmaps"), &held)).await?;
    s.ask(delete(format!("/api/v1/namespaces/{name}")).only(&[
        "/kind",
        "/metadata/deletionTimestamp",
        "/metadata/finalizers",
        "/spec",
        "/status/phase",
    ]))
    .await?;
    s.ask(post(format!("/apis/agents.x-k8s.io/v1beta1/namespaces/{name}/sandboxes"), &resting("one"))).await?;
    s.ask(post(format!("/api/v1/namespaces/{name}/secrets"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(format!("/api/v1/namespaces/{name}")).only(&["/kind", "/reason", "/code", "/status/phase"])).await?;
    s.until(&format!("/api/v1/namespaces/{name}/configmaps/held"), |answer| answer.body["metadata"]["deletionTimestamp"].is_string())
        .await?;
    s.done(merge_patch(format!("/api/v1/namespaces/{name}/configmaps/held"), &json!({ "metadata": { "finalizers": null } }))).await?;
    s.until_gone(&format!("/api/v1/namespaces/{name}")).await
}

async fn by_uid(s: &mut Stage) -> Outcome<()> {
    let name = another(s);
    s.done(post("/api/v1/namespaces", &json!({ "metadata": { "name": name } }))).await?;
    let wrong = json!({ "preconditions": { "uid": "00000000-0000-0000-0000-000000000000" } });
    s.ask(delete_with(format!("/api/v1/namespaces/{name}"), &wrong)).await?;
    s.ask(get(format!("/api/v1/namespaces/{name}")).only(&["/status/phase"])).await?;
    Ok(())
}

async fn labels(s: &mut Stage) -> Outcome<()> {
    let name = another(s);
    s.done(post("/api/v1/namespaces", &json!({ "metadata": { "name": name } }))).await?;
    let label = "openshell.ai/likeness";
    s.ask(
        merge_patch(format!("/api/v1/namespaces/{name}"), &json!({ "metadata": { "labels": { label: "yes" } } }))
            .only(&["/metadata/labels"]),
    )
    .await?;
    s.ask(get(format!("/api/v1/namespaces?labelSelector={label}%3Dyes")).only(&["/kind", "/items/0/metadata/name", "/items/1"])).await?;
    s.ask(get(format!("/api/v1/namespaces?labelSelector=kubernetes.io/metadata.name%3D{name}")).only(&["/items/0/metadata/name"])).await?;
    s.ask(
        merge_patch(format!("/api/v1/namespaces/{name}"), &json!({ "metadata": { "labels": { "kubernetes.io/metadata.name": "other" } } }))
            .only(&["/metadata/labels", "/reason"]),
    )
    .await?;
    Ok(())
}
