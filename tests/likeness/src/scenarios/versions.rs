//! The Sandbox in its two versions.

use super::{Scenario, scenario};
use crate::ask::{get, merge_patch, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("version-old-read", "A v1beta1 Sandbox read as v1alpha1 has replicas, and a warning", |s| Box::pin(old_read(s))),
    scenario("version-old-write", "A v1alpha1 Sandbox is kept as v1beta1, with what it was in an annotation", |s| Box::pin(old_write(s))),
    scenario("version-old-patch", "Replicas of v1alpha1 are the operating mode of v1beta1", |s| Box::pin(old_patch(s))),
];

fn old(s: &Stage, rest: &str) -> String {
    format!("/apis/agents.x-k8s.io/v1alpha1/namespaces/{}/sandboxes{rest}", s.namespace())
}

async fn old_read(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    s.ask(get(old(s, "/one")).only(&["/apiVersion", "/metadata/annotations", "/spec"])).await?;
    s.ask(get(old(s, "")).only(&["/apiVersion", "/kind", "/items/0/apiVersion", "/items/0/spec/replicas"])).await?;
    s.ask(get(old(s, "/none"))).await?;
    Ok(())
}

async fn old_write(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("one");
    object["apiVersion"] = json!("agents.x-k8s.io/v1alpha1");
    object["spec"].as_object_mut().map(|spec| spec.remove("operatingMode"));
    object["spec"]["replicas"] = json!(0);
    s.ask(post(old(s, ""), &object).only(&["/apiVersion", "/spec", "/metadata/annotations"])).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/apiVersion", "/spec"])).await?;
    let mut both = resting("two");
    both["apiVersion"] = json!("agents.x-k8s.io/v1alpha1");
    s.ask(post(old(s, "?fieldValidation=Strict"), &both)).await?;
    Ok(())
}

async fn old_patch(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(merge_patch(old(s, "/one"), &json!({ "spec": { "replicas": 1 } })).only(&["/spec/replicas", "/metadata/generation"])).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/spec/operatingMode"])).await?;
    s.ask(merge_patch(old(s, "/one"), &json!({ "spec": { "replicas": 2 } }))).await?;
    Ok(())
}
