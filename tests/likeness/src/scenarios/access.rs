//! Who may do what, and what those are told who may not.

use super::{Scenario, scenario};
use crate::ask::{delete, get, merge_patch, post, put};
use crate::stage::{Stage, resting};
use kubesim::Rule;
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("rbac-denied", "Whoever may not is told what, on what and where", |s| Box::pin(denied(s))),
    scenario("rbac-denied-paths", "A path that is no resource is denied in other words", |s| Box::pin(denied_paths(s))),
    scenario("rbac-granted", "A right holds in its namespace, for its verbs and its resources", |s| Box::pin(granted(s))),
    scenario("rbac-before-all", "A denial comes before whatever else is wrong", |s| Box::pin(before_all(s))),
    scenario("unauthorized", "A token nobody knows, and none, are a 401 and a 403", |s| Box::pin(unauthorized(s))),
];

async fn denied(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    for ask in [
        get(s.sandboxes("")),
        get(s.sandboxes("?watch=true")),
        get(s.sandboxes("/one")),
        post(s.sandboxes(""), &resting("one")),
        put(s.sandboxes("/one"), &resting("one")),
        merge_patch(s.sandboxes("/one"), &json!({})),
        merge_patch(s.sandboxes("/one/status"), &json!({})),
        delete(s.sandboxes("/one")),
        delete(s.sandboxes("")),
        get("/apis/agents.x-k8s.io/v1beta1/sandboxes"),
        get(s.core("pods")),
        get(s.core("events?watch=true")),
        get("/api/v1/nodes"),
        get("/api/v1/namespaces"),
        get(format!("/api/v1/namespaces/{}", s.namespace())),
        post("/api/v1/namespaces", &json!({ "metadata": { "name": "mine" } })),
        post("/apis/authentication.k8s.io/v1/tokenreviews", &json!({})),
    ] {
        s.ask_as(&nobody, ask).await?;
    }
    Ok(())
}

async fn denied_paths(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    s.ask_as(&nobody, get("/nowhere")).await?;
    s.ask_as(&nobody, get("/metrics")).await?;
    s.ask_as(&nobody, get("/version").only(&["/major", "/minor"])).await?;
    s.ask_as(&nobody, get("/apis/agents.x-k8s.io").only(&["/kind", "/name"])).await?;
    s.ask_as(&nobody, get("/apis/agents.x-k8s.io/v9/sandboxes")).await?;
    s.ask_as(&nobody, get("/apis/nobody.example.com")).await?;
    s.ask_as(&nobody, post("/version", &json!({}))).await?;
    Ok(())
}

async fn granted(s: &mut Stage) -> Outcome<()> {
    let reads = Rule::new("agents.x-k8s.io", &["sandboxes"], &["get", "list", "watch"]).in_namespace(s.namespace());
    let reader = s.person("reader", &[reads]).await?;
    s.ask_as(&reader, get(s.sandboxes("")).only(&["/kind", "/items"])).await?;
    s.ask_as(&reader, get(s.sandboxes("/one"))).await?;
    s.ask_as(&reader, get(s.sandboxes("/one/status"))).await?;
    s.ask_as(&reader, post(s.sandboxes(""), &resting("one"))).await?;
    s.ask_as(&reader, get("/apis/agents.x-k8s.io/v1beta1/sandboxes")).await?;
    s.ask_as(&reader, get("/apis/agents.x-k8s.io/v1beta1/namespaces/default/sandboxes")).await?;
    s.ask_as(&reader, get("/apis/agents.x-k8s.io/v1alpha1/namespaces/default/sandboxes")).await?;
    Ok(())
}

async fn before_all(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    s.ask_as(&nobody, post(s.sandboxes(""), &json!({ "nonsense": true }))).await?;
    s.ask_as(&nobody, get(s.sandboxes("?labelSelector=a%20in%201"))).await?;
    s.ask_as(&nobody, get(s.sandboxes("/one/nothing"))).await?;
    s.ask_as(&nobody, get("/apis/agents.x-k8s.io/v1beta1/sandpits")).await?;
    Ok(())
}

async fn unauthorized(s: &mut Stage) -> Outcome<()> {
    s.ask_with_token("nonsense", "a token nobody knows", get(s.sandboxes(""))).await?;
    s.ask_with_token("nonsense", "a token nobody knows", post(s.sandboxes(""), &resting("one"))).await?;
    s.ask_with_token("nonsense", "a token nobody knows", get("/version")).await?;
    s.ask_with_token("", "nobody", get(s.sandboxes(""))).await?;
    s.ask_with_token("", "nobody", get("/version").only(&["/major"])).await?;
    s.ask_with_token("", "nobody", get("/apis/agents.x-k8s.io")).await?;
    Ok(())
}
