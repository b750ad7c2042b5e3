//! Reviews: who somebody is, and what they may do.

use super::{Scenario, scenario};
use crate::ask::{Ask, delete, get, post};
use crate::stage::Stage;
use kubesim::Rule;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("access-review", "A SelfSubjectAccessReview says whether the asker may; nobody needs a right to ask", |s| Box::pin(access(s))),
    scenario("access-review-cluster", "A right in one namespace is none in the cluster", |s| Box::pin(access_cluster(s))),
    scenario("access-review-malformed", "A SelfSubjectAccessReview that asks nothing, or too much, is refused", |s| {
        Box::pin(access_malformed(s))
    }),
    scenario("rules-review", "A SelfSubjectRulesReview lists what the asker may do", |s| Box::pin(rules(s))),
    scenario("subject-review", "A SelfSubjectReview says who asks", |s| Box::pin(subject(s))),
    scenario("token-review", "A TokenReview says whose a token is, for its audiences", |s| Box::pin(token(s))),
    scenario("token-review-refused", "A TokenReview needs the right, and a token", |s| Box::pin(token_refused(s))),
    scenario("token-review-bound", "A token bound to a pod names it, and is nobody's when the pod is gone", |s| Box::pin(token_bound(s))),
    scenario("token-request", "A TokenRequest gives a token for audiences and a time, and refuses what cannot be", |s| {
        Box::pin(token_request(s))
    }),
];

const ACCESS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

fn may(attributes: &Value) -> Ask {
    post(
        ACCESS,
        &json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": { "resourceAttributes": attributes } }),
    )
}

async fn access(s: &mut Stage) -> Outcome<()> {
    let namespace = s.namespace().to_owned();
    let reads = Rule::new("agents.x-k8s.io", &["sandboxes"], &["get", "list"]).in_namespace(&namespace);
    let reader = s.person("reader", &[reads]).await?;
    let nobody = s.person("nobody", &[]).await?;
    let asked =
        json!({ "namespace": namespace, "verb": "list", "group": "agents.x-k8s.io", "version": "v1beta1", "resource": "sandboxes" });
    s.ask_as(&reader, may(&asked)).await?;
    s.ask_as(&nobody, may(&asked)).await?;
    s.ask(may(&asked)).await?;
    let mut other = asked.clone();
    other["verb"] = json!("create");
    s.ask_as(&reader, may(&other)).await?;
    let mut named = asked.clone();
    named["verb"] = json!("get");
    named["name"] = json!("one");
    named["subresource"] = json!("status");
    s.ask_as(&reader, may(&named)).await?;
    let path = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": { "nonResourceAttributes": { "path": "/version", "verb": "get" } } });
    // More than one binding allows this; which one is named is chance.
    s.ask_as(&nobody, post(ACCESS, &path).only(&["/kind", "/spec", "/status/allowed"])).await?;
    Ok(())
}

async fn access_cluster(s: &mut Stage) -> Outcome<()> {
    let reads = Rule::new("", &["pods"], &["list"]).in_namespace(s.namespace());
    let nodes = Rule::new("", &["nodes"], &["list"]);
    let reader = s.person("reader", &[reads, nodes]).await?;
    s.ask_as(&reader, may(&json!({ "verb": "list", "resource": "pods" }))).await?;
    s.ask_as(&reader, may(&json!({ "verb": "list", "resource": "nodes" }))).await?;
    s.ask_as(&reader, may(&json!({ "verb": "list", "resource": "nodes", "namespace": s.namespace() }))).await?;
    s.ask_as(&reader, may(&json!({ "verb": "*", "resource": "nodes" }))).await?;
    Ok(())
}

async fn access_malformed(s: &mut Stage) -> Outcome<()> {
    let review = |spec: Value| json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec });
    s.ask(post(ACCESS, &review(json!({})))).await?;
    let both =
        json!({ "resourceAttributes": { "verb": "get", "resource": "pods" }, "nonResourceAttributes": { "verb": "get", "path": "/" } });
    s.ask(post(ACCESS, &review(both))).await?;
    s.ask(post(ACCESS, &review(json!({ "resourceAttributes": {} })))).await?;
    s.ask(Ask::new("POST", ACCESS).text("application/json", "{").only(&["/reason", "/code"])).await?;
    s.ask(get(ACCESS)).await?;
    s.ask(delete(format!("{ACCESS}/one"))).await?;
    let odd = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "TokenReview", "spec": {} });
    s.ask(post(ACCESS, &odd).only(&["/reason", "/code"])).await?;
    Ok(())
}

async fn rules(s: &mut Stage) -> Outcome<()> {
    let reads = Rule::new("agents.x-k8s.io", &["sandboxes"], &["get", "list"]).in_namespace(s.namespace());
    let reader = s.person("reader", &[reads]).await?;
    let review =
        json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": { "namespace": s.namespace() } });
    s.ask_as(&reader, post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &review)).await?;
    Ok(())
}

async fn subject(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    s.ask_as(&nobody, post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review)).await?;
    Ok(())
}

fn whose(token: &str, audiences: &[&str]) -> Ask {
    let mut spec = json!({ "token": token });
    if !audiences.is_empty() {
        spec["audiences"] = json!(audiences);
    }
    post(TOKENS, &json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec }))
}

async fn token(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    s.ask(whose(&nobody.token, &[])).await?;
    s.ask(whose(&nobody.token, &["https://kubernetes.default.svc"])).await?;
    s.ask(whose(&nobody.token, &["another"])).await?;
    s.ask(whose("nonsense", &[])).await?;
    let request =
        json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "audiences": ["openshell-gateway"] } });
    let other = s.done(post(s.core("serviceaccounts/nobody/token"), &request)).await?.text("/status/token");
    s.ask(whose(&other, &["openshell-gateway", "more"])).await?;
    s.ask(whose(&other, &[])).await?;
    Ok(())
}

async fn token_refused(s: &mut Stage) -> Outcome<()> {
    let nobody = s.person("nobody", &[]).await?;
    s.ask_as(&nobody, whose(&nobody.token, &[])).await?;
    s.ask(whose("", &[])).await?;
    s.ask(post(TOKENS, &json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview" }))).await?;
    Ok(())
}

async fn token_bound(s: &mut Stage) -> Outcome<()> {
    let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "registry.example/agent:1" }] } });
    s.done(post(s.core("pods"), &pod)).await?;
    let running = s.until(&s.core("pods/one"), |answer| answer.body["status"]["phase"] == "Running").await?;
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": { "audiences": ["openshell-gateway"], "boundObjectRef": { "kind": "Pod", "apiVersion": "v1", "name": "one", "uid": running.uid() } },
    });
    let token = s.done(post(s.core("serviceaccounts/default/token"), &request)).await?.text("/status/token");
    s.ask(whose(&token, &["openshell-gateway"])).await?;
    s.done(delete(s.core("pods/one?gracePeriodSeconds=0"))).await?;
    s.until_gone(&s.core("pods/one")).await?;
    let refused = loop {
        // The server remembers a token for some seconds.
        let answer = s.quietly(whose(&token, &["openshell-gateway"])).await?;
        if answer.body["status"]["authenticated"] != true {
            break answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    s.note("the answer when the pod is gone", &refused.body["status"]["authenticated"]);
    Ok(())
}

async fn token_request(s: &mut Stage) -> Outcome<()> {
    let request = |spec: Value| json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec });
    let path = s.core("serviceaccounts/default/token");
    s.ask(post(&path, &request(json!({ "audiences": ["openshell-gateway"], "expirationSeconds": 600 })))).await?;
    s.ask(post(&path, &request(json!({})))).await?;
    s.ask(post(&path, &request(json!({ "expirationSeconds": 5 })))).await?;
    s.ask(post(s.core("serviceaccounts/none/token"), &request(json!({})))).await?;
    let bound = json!({ "kind": "Pod", "apiVersion": "v1", "name": "none" });
    s.ask(post(&path, &request(json!({ "boundObjectRef": bound })))).await?;
    Ok(())
}
