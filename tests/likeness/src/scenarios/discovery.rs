//! What is served.

use super::{Scenario, scenario};
use crate::ask::get;
use crate::stage::Stage;
use rig::Outcome;

pub(super) const ALL: &[Scenario] = &[
    scenario("version", "The server says its version", |s| Box::pin(version(s))),
    scenario("discovery-group", "A group lists its versions and the one it prefers", |s| Box::pin(group(s))),
    scenario("discovery-resources", "A version lists its resources, their verbs and subresources", |s| Box::pin(resources(s))),
    scenario("discovery-core", "The core group is found apart from the others", |s| Box::pin(core(s))),
    scenario("health", "The server says it is well, in plain text", |s| Box::pin(health(s))),
];

async fn version(s: &mut Stage) -> Outcome<()> {
    s.ask(get("/version").only(&["/major", "/minor", "/gitVersion"])).await?;
    Ok(())
}

async fn group(s: &mut Stage) -> Outcome<()> {
    s.ask(get("/apis/agents.x-k8s.io")).await?;
    s.ask(get("/apis/networking.k8s.io").only(&["/kind", "/name", "/preferredVersion"])).await?;
    Ok(())
}

async fn resources(s: &mut Stage) -> Outcome<()> {
    s.ask(get("/apis/agents.x-k8s.io/v1beta1")).await?;
    s.ask(get("/apis/agents.x-k8s.io/v1alpha1")).await?;
    Ok(())
}

async fn core(s: &mut Stage) -> Outcome<()> {
    s.ask(get("/api").only(&["/kind", "/versions"])).await?;
    s.ask(get("/apis").only(&["/kind", "/apiVersion"])).await?;
    s.ask(get("/api/v1").only(&["/kind", "/groupVersion"])).await?;
    Ok(())
}

async fn health(s: &mut Stage) -> Outcome<()> {
    for path in ["/healthz", "/livez", "/readyz"] {
        s.ask(get(path)).await?;
    }
    Ok(())
}
