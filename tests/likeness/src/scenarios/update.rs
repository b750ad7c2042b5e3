//! PUT of an object.

use super::{Scenario, scenario};
use crate::ask::{get, post, put};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("update", "An object is replaced by one that knows its version, and its generation grows with its spec", |s| {
        Box::pin(update(s))
    }),
    scenario("update-stale", "An object that was changed meanwhile is not replaced: Conflict", |s| Box::pin(stale(s))),
    scenario("update-nothing", "A replacement that changes nothing writes nothing", |s| Box::pin(nothing(s))),
    scenario("update-missing", "What is not there is not replaced", |s| Box::pin(missing(s))),
    scenario("update-status", "Spec and status are written apart", |s| Box::pin(status(s))),
    scenario("update-misnamed", "A replacement of another name or UID is refused", |s| Box::pin(misnamed(s))),
];

/// A Secret: nobody but the scenario writes it.
fn secret(text: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "one" }, "data": { "text": text } })
}

async fn update(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    let mut held = s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?.body;
    held["spec"]["service"] = json!(false);
    held["metadata"]["labels"] = json!({ "app": "a" });
    s.ask(put(s.sandboxes("/one"), &held).shown_as("the object with spec.service: false and a label").only(&["/metadata", "/spec"]))
        .await?;
    s.done(post(s.core("secrets"), &secret("YQ=="))).await?;
    s.ask(put(s.core("secrets/one"), &secret("Yg=="))).await?;
    Ok(())
}

async fn stale(s: &mut Stage) -> Outcome<()> {
    let first = s.done(post(s.core("secrets"), &secret("YQ=="))).await?;
    s.done(put(s.core("secrets/one"), &secret("Yg=="))).await?;
    let mut old = secret("Yw==");
    old["metadata"]["resourceVersion"] = json!(first.version());
    s.ask(put(s.core("secrets/one"), &old)).await?;
    old["metadata"]["resourceVersion"] = json!("not-a-number");
    s.ask(put(s.core("secrets/one"), &old)).await?;
    let made = s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    let mut old = resting("one");
    s.ask(put(s.sandboxes("/one"), &old)).await?;
    old["metadata"]["resourceVersion"] = json!(made.version());
    s.ask(put(s.sandboxes("/one"), &old)).await?;
    Ok(())
}

async fn nothing(s: &mut Stage) -> Outcome<()> {
    let made = s.ask(post(s.core("secrets"), &secret("YQ=="))).await?;
    s.ask(put(s.core("secrets/one"), &secret("YQ=="))).await?;
    let mut other = secret("YQ==");
    other["metadata"]["annotations"] = json!({ "example.com/a": "b" });
    other["metadata"]["resourceVersion"] = json!(made.version());
    s.ask(put(s.core("secrets/one"), &other)).await?;
    Ok(())
}

async fn missing(s: &mut Stage) -> Outcome<()> {
    s.ask(put(s.core("secrets/one"), &secret("YQ=="))).await?;
    s.ask(put(s.sandboxes("/one"), &resting("one"))).await?;
    Ok(())
}

async fn status(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    let seen = s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?.body;
    let mut held = seen.clone();
    held["status"] = json!({ "service": "from the object" });
    held["metadata"]["labels"] = json!({ "app": "a" });
    s.ask(put(s.sandboxes("/one"), &held).shown_as("the object with another status and a label").only(&[
        "/metadata/labels",
        "/status/service",
        "/status/selector",
    ]))
    .await?;
    let mut held = s.quietly(get(s.sandboxes("/one"))).await?.body;
    held["status"]["service"] = json!("from the status");
    held["spec"]["service"] = json!(true);
    held["metadata"]["labels"] = json!({ "app": "b" });
    s.ask(put(s.sandboxes("/one/status"), &held).shown_as("the object with another status, spec and label").only(&[
        "/metadata/labels",
        "/metadata/generation",
        "/spec/service",
        "/status/service",
    ]))
    .await?;
    Ok(())
}

async fn misnamed(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.core("secrets"), &secret("YQ=="))).await?;
    let mut other = secret("YQ==");
    other["metadata"]["name"] = json!("two");
    s.ask(put(s.core("secrets/one"), &other)).await?;
    let mut other = secret("YQ==");
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    s.ask(put(s.core("secrets/one"), &other)).await?;
    let mut other = secret("YQ==");
    other["metadata"]["namespace"] = json!("default");
    s.ask(put(s.core("secrets/one"), &other)).await?;
    Ok(())
}
