//! POST of an object.

use super::{Scenario, scenario};
use crate::ask::{delete_by, get, post};
use crate::stage::{Stage, resting, sandbox};
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("create", "A created object comes back with what the server has given it, and can be read", |s| Box::pin(create(s))),
    scenario("create-twice", "A second create of the same name is AlreadyExists", |s| Box::pin(create_twice(s))),
    scenario("create-terminating", "A create over an object that is being deleted is AlreadyExists, in other words", |s| {
        Box::pin(create_terminating(s))
    }),
    scenario("create-generated-name", "generateName gets a suffix, a name wins over it, and neither is refused", |s| {
        Box::pin(create_generated_name(s))
    }),
    scenario("create-server-fields", "What only the server sets is not taken from the client", |s| Box::pin(create_server_fields(s))),
    scenario("create-dry-run", "A dry run answers as the create would and keeps nothing", |s| Box::pin(create_dry_run(s))),
    scenario("create-bad-names", "A name that is none is refused with its cause", |s| Box::pin(create_bad_names(s))),
    scenario("create-bad-metadata", "Labels, annotations and owner references are checked", |s| Box::pin(create_bad_metadata(s))),
    scenario("create-misplaced", "An object whose namespace, kind or version is not the path's is refused", |s| {
        Box::pin(create_misplaced(s))
    }),
    scenario("create-no-namespace", "A create in a namespace that is not there is a 404 about the namespace", |s| {
        Box::pin(create_no_namespace(s))
    }),
    scenario("create-bad-options", "Options of a create that are none are refused", |s| Box::pin(create_bad_options(s))),
];

async fn create(s: &mut Stage) -> Outcome<()> {
    let mut one = resting("one");
    one["metadata"]["labels"] = json!({ "app": "a" });
    one["metadata"]["annotations"] = json!({ "example.com/note": "kept" });
    s.ask(post(s.sandboxes(""), &one)).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["conditions"].is_array()).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata", "/spec"])).await?;
    s.ask(get(s.sandboxes("/none"))).await?;
    Ok(())
}

async fn create_twice(s: &mut Stage) -> Outcome<()> {
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(post(s.sandboxes(""), &resting("one"))).await?;
    let secret = json!({ "metadata": { "name": "one" } });
    s.done(post(s.core("secrets"), &secret)).await?;
    s.ask(post(s.core("secrets"), &secret)).await?;
    Ok(())
}

async fn create_terminating(s: &mut Stage) -> Outcome<()> {
    let mut held = resting("one");
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    s.done(post(s.sandboxes(""), &held)).await?;
    s.done(delete_by(s.sandboxes("/one"), "Foreground")).await?;
    s.ask(post(s.sandboxes(""), &resting("one"))).await?;
    Ok(())
}

async fn create_generated_name(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("");
    object["metadata"] = json!({ "generateName": "some-" });
    s.ask(post(s.sandboxes(""), &object)).await?;
    object["metadata"]["name"] = json!("chosen");
    s.ask(post(s.sandboxes(""), &object).only(&["/metadata/name", "/metadata/generateName"])).await?;
    object["metadata"] = json!({});
    s.ask(post(s.sandboxes(""), &object)).await?;
    s.ask(post(s.core("secrets"), &json!({ "metadata": {} }))).await?;
    Ok(())
}

async fn create_server_fields(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("one");
    object["metadata"] = json!({
        "name": "one",
        "uid": "00000000-0000-0000-0000-000000000000",
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "generation": 7,
        "deletionTimestamp": "2020-01-01T00:00:00Z",
        "selfLink": "/nowhere",
        "labels": {},
        "annotations": {},
        "finalizers": [],
    });
    object["status"] = json!({ "service": "mine" });
    s.ask(post(s.sandboxes(""), &object)).await?;
    object["metadata"]["name"] = json!("two");
    object["metadata"]["resourceVersion"] = json!("7");
    s.ask(post(s.sandboxes(""), &object)).await?;
    Ok(())
}

async fn create_dry_run(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.sandboxes("?dryRun=All"), &resting("one"))).await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(post(s.sandboxes("?dryRun=All"), &resting("one"))).await?;
    Ok(())
}

async fn create_bad_names(s: &mut Stage) -> Outcome<()> {
    for name in ["Upper", "under_score", "-a", "a.", &"x".repeat(254)] {
        s.ask(post(s.sandboxes(""), &resting(name)).only(&["/status", "/message", "/reason", "/details", "/code"])).await?;
    }
    s.ask(post(s.core("services"), &json!({ "metadata": { "name": "a.b" }, "spec": { "ports": [{ "port": 80 }] } }))).await?;
    s.ask(post("/api/v1/namespaces", &json!({ "metadata": { "name": "Not_one" } }))).await?;
    Ok(())
}

async fn create_bad_metadata(s: &mut Stage) -> Outcome<()> {
    let long = "x".repeat(64);
    for metadata in [
        json!({ "name": "one", "labels": { "app": long } }),
        json!({ "name": "one", "labels": { "app": "no spaces" } }),
        json!({ "name": "one", "labels": { "a/b/c": "x" } }),
        json!({ "name": "one", "labels": { "Example.com/x": "x" } }),
        json!({ "name": "one", "labels": { format!("example.com/{long}"): "x" } }),
        json!({ "name": "one", "annotations": { "no spaces": "x" } }),
        json!({ "name": "one", "ownerReferences": [{ "apiVersion": "v1", "kind": "Secret", "name": "", "uid": "" }] }),
        json!({ "name": "one", "ownerReferences": [{ "apiVersion": "v1", "kind": "Event", "name": "x", "uid": "x" }] }),
        json!({ "name": "one", "finalizers": ["not a name"] }),
    ] {
        let mut object = resting("one");
        object["metadata"] = metadata;
        s.ask(post(s.sandboxes(""), &object)).await?;
    }
    let mut heavy = resting("one");
    heavy["metadata"]["annotations"] = json!({ "example.com/heavy": "x".repeat(256 * 1024) });
    s.ask(post(s.sandboxes(""), &heavy).shown_as("an annotation of 256 KiB")).await?;
    Ok(())
}

async fn create_misplaced(s: &mut Stage) -> Outcome<()> {
    let mut elsewhere = sandbox("one");
    elsewhere["metadata"]["namespace"] = json!("default");
    s.ask(post(s.sandboxes(""), &elsewhere)).await?;
    let mut kind = sandbox("one");
    kind["kind"] = json!("Sandpit");
    s.ask(post(s.sandboxes(""), &kind)).await?;
    let mut version = sandbox("one");
    version["apiVersion"] = json!("agents.x-k8s.io/v9");
    s.ask(post(s.sandboxes(""), &version)).await?;
    let mut nameless = sandbox("one");
    nameless["kind"] = json!("");
    s.ask(post(s.sandboxes(""), &nameless)).await?;
    s.ask(post(s.core("secrets"), &json!({ "apiVersion": "v2", "kind": "Secret", "metadata": { "name": "one" } }))).await?;
    s.ask(post(s.core("secrets"), &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" } }))).await?;
    Ok(())
}

async fn create_no_namespace(s: &mut Stage) -> Outcome<()> {
    s.ask(post("/apis/agents.x-k8s.io/v1beta1/namespaces/likeness-nowhere/sandboxes", &resting("one"))).await?;
    s.ask(post("/api/v1/namespaces/likeness-nowhere/secrets", &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(get("/apis/agents.x-k8s.io/v1beta1/namespaces/likeness-nowhere/sandboxes")).await?;
    Ok(())
}

async fn create_bad_options(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.sandboxes("?fieldValidation=Sometimes"), &resting("one"))).await?;
    s.ask(post(s.sandboxes("?dryRun=Some"), &resting("one"))).await?;
    Ok(())
}
