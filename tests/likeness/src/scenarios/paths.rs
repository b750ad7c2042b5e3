//! Paths that lead nowhere, and methods that a path does not take.

use super::{Scenario, scenario};
use crate::ask::{Ask, delete, get, merge_patch, post, put};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("path-nowhere", "A group, version or resource that nobody serves is a 404 in plain text", |s| Box::pin(nowhere(s))),
    scenario("path-unknown", "A path below a built-in version that names nothing is a 404 with a Status that says little", |s| {
        Box::pin(unknown(s))
    }),
    scenario("path-method", "A method that a path does not take is a 405", |s| Box::pin(method(s))),
    scenario("path-subresource", "A subresource that an object does not have is a 404", |s| Box::pin(subresource(s))),
];

async fn nowhere(s: &mut Stage) -> Outcome<()> {
    for path in [
        "/nowhere",
        "/apis/agents.x-k8s.io/v9",
        "/apis/agents.x-k8s.io/v9/sandboxes",
        "/apis/nobody.example.com",
        "/apis/nobody.example.com/v1/things",
        "/api/v2",
        "/apis/agents.x-k8s.io/v1beta1/sandpits",
        "/apis/agents.x-k8s.io/v1beta1/sandboxes/one",
    ] {
        s.ask(get(path)).await?;
    }
    s.ask(post("/apis/agents.x-k8s.io/v9/namespaces/default/sandboxes", &resting("one"))).await?;
    s.ask(merge_patch("/apis/agents.x-k8s.io/v9/namespaces/default/sandboxes/one", &json!({}))).await?;
    s.ask(delete("/apis/agents.x-k8s.io/v9/namespaces/default/sandboxes/one")).await?;
    Ok(())
}

async fn unknown(s: &mut Stage) -> Outcome<()> {
    for path in ["/api/v1/things", "/api/v1/pods/one", "/apis/networking.k8s.io/v1/things"] {
        s.ask(get(path)).await?;
    }
    s.ask(get(s.core("nodes"))).await?;
    s.ask(get(s.core("things/one"))).await?;
    Ok(())
}

async fn method(s: &mut Stage) -> Outcome<()> {
    s.ask(put(s.sandboxes(""), &json!({}))).await?;
    s.ask(put(s.core("secrets"), &json!({}))).await?;
    s.ask(post(s.sandboxes("/one"), &json!({}))).await?;
    s.ask(post(s.core("secrets/one"), &json!({}))).await?;
    s.ask(Ask::new("DELETE", "/api/v1/namespaces")).await?;
    s.ask(post("/apis/agents.x-k8s.io/v1beta1/sandboxes", &resting("one"))).await?;
    s.ask(post("/api/v1/secrets", &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(delete(s.sandboxes("/one/status"))).await?;
    Ok(())
}

async fn subresource(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(get(s.sandboxes("/one/scale"))).await?;
    s.ask(get(s.sandboxes("/one/logs"))).await?;
    s.ask(get(s.core("secrets/one/status"))).await?;
    s.ask(get(s.sandboxes("/none/status"))).await?;
    Ok(())
}
