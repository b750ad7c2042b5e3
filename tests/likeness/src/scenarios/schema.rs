//! What the Sandbox's definition says of its fields.

use super::{Scenario, scenario};
use crate::ask::{get, merge_patch, post};
use crate::stage::{Stage, resting, sandbox};
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("schema-defaults", "Defaults are filled in, in the object and below it", |s| Box::pin(defaults(s))),
    scenario("schema-pruned", "A field nobody knows vanishes with a warning, or silently where that is asked for", |s| Box::pin(pruned(s))),
    scenario("schema-strict", "A field nobody knows is refused where fieldValidation is Strict", |s| Box::pin(strict(s))),
    scenario("schema-invalid", "A value that breaks its rule is a 422 with its cause", |s| Box::pin(invalid(s))),
    scenario("schema-duplicates", "A list that is a map by name refuses a second entry of the name", |s| Box::pin(duplicates(s))),
    scenario("schema-immutable", "volumeClaimTemplates cannot be added, changed or removed", |s| Box::pin(immutable(s))),
    scenario("schema-nulls", "A null is as good as nothing, and a default comes in its place", |s| Box::pin(nulls(s))),
];

async fn defaults(s: &mut Stage) -> Outcome<()> {
    let mut object = sandbox("one");
    object["spec"]["podTemplate"]["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 80 }]);
    object["spec"]["podTemplate"]["spec"]["containers"][0]["livenessProbe"] = json!({ "grpc": { "port": 1 } });
    object["spec"]["podTemplate"]["spec"]["volumes"] = json!([{ "name": "v", "emptyDir": {} }]);
    s.ask(post(s.sandboxes("?dryRun=All"), &object)).await?;
    Ok(())
}

async fn pruned(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("one");
    object["spec"]["bogus"] = json!(1);
    object["spec"]["podTemplate"]["spec"]["containers"][0]["imagePullPollicy"] = json!("Always");
    object["other"] = json!({});
    s.ask(post(s.sandboxes(""), &object)).await?;
    object["metadata"]["name"] = json!("two");
    s.ask(post(s.sandboxes("?fieldValidation=Ignore"), &object)).await?;
    s.ask(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "replicas": 0 } })).only(&["/spec", "/metadata/generation"])).await?;
    Ok(())
}

async fn strict(s: &mut Stage) -> Outcome<()> {
    let mut object = resting("one");
    object["spec"]["bogus"] = json!(1);
    s.ask(post(s.sandboxes("?fieldValidation=Strict"), &object)).await?;
    object["spec"]["podTemplate"]["spec"]["containers"][0]["env"] = json!([{ "name": "A", "valeu": "b" }]);
    s.ask(post(s.sandboxes("?fieldValidation=Strict"), &object)).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    let patch = json!({ "spec": { "replicas": 0 } });
    s.ask(merge_patch(s.sandboxes("/one?fieldValidation=Strict"), &patch).only(&[
        "/reason",
        "/code",
        "/details/causes/0/field",
        "/details/causes/0/reason",
    ]))
    .await?;
    s.ask(get(s.sandboxes("/one")).only(&["/spec"])).await?;
    Ok(())
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = resting("one");
    change(&mut object);
    object
}

async fn invalid(s: &mut Stage) -> Outcome<()> {
    let container = |change: Value| {
        with(|object| {
            let container = &mut object["spec"]["podTemplate"]["spec"]["containers"][0];
            for (name, value) in change.as_object().into_iter().flatten() {
                container[name.as_str()] = value.clone();
            }
        })
    };
    for object in [
        with(|object| object["spec"]["operatingMode"] = json!("Paused")),
        with(|object| object["spec"]["shutdownPolicy"] = json!("Explode")),
        with(|object| object["spec"]["shutdownTime"] = json!("tomorrow")),
        with(|object| object["spec"] = json!({})),
        with(|object| object["spec"]["podTemplate"] = json!({})),
        with(|object| object["spec"]["podTemplate"]["spec"] = json!({ "containers": [{}] })),
        container(json!({ "resources": { "limits": { "cpu": "a lot" } } })),
        container(json!({ "ports": [{ "containerPort": "http" }] })),
        container(json!({ "env": [{ "value": "no name" }] })),
        with(|object| object["spec"]["volumeClaimTemplates"] = json!([{ "metadata": { "name": "w" } }])),
    ] {
        s.ask(post(s.sandboxes(""), &object)).await?;
    }
    Ok(())
}

async fn duplicates(s: &mut Stage) -> Outcome<()> {
    let twice = json!([{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }]);
    s.ask(post(s.sandboxes(""), &with(|object| object["spec"]["podTemplate"]["spec"]["containers"][0]["env"] = twice))).await?;
    let twice = json!([{ "name": "v", "emptyDir": {} }, { "name": "v", "emptyDir": {} }]);
    s.ask(post(s.sandboxes(""), &with(|object| object["spec"]["podTemplate"]["spec"]["volumes"] = twice))).await?;
    let twice = json!([{ "name": "a", "mountPath": "/x" }, { "name": "b", "mountPath": "/x" }]);
    s.ask(post(s.sandboxes(""), &with(|object| object["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"] = twice))).await?;
    Ok(())
}

async fn immutable(s: &mut Stage) -> Outcome<()> {
    let claims = json!([{ "metadata": { "name": "work" }, "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }]);
    s.done(post(s.sandboxes(""), &resting("without"))).await?;
    s.ask(merge_patch(s.sandboxes("/without"), &json!({ "spec": { "volumeClaimTemplates": claims } }))).await?;
    let mut object = resting("with");
    object["spec"]["volumeClaimTemplates"] = claims;
    s.ask(post(s.sandboxes(""), &object).only(&["/spec/volumeClaimTemplates"])).await?;
    s.ask(merge_patch(s.sandboxes("/with"), &json!({ "spec": { "volumeClaimTemplates": null } }))).await?;
    s.ask(merge_patch(s.sandboxes("/with"), &json!({ "spec": { "volumeClaimTemplates": [] } }))).await?;
    s.ask(merge_patch(s.sandboxes("/with"), &json!({ "spec": { "service": false } })).only(&["/spec/service"])).await?;
    Ok(())
}

async fn nulls(s: &mut Stage) -> Outcome<()> {
    let mut object = sandbox("one");
    object["spec"]["operatingMode"] = Value::Null;
    object["spec"]["shutdownTime"] = Value::Null;
    object["spec"]["podTemplate"]["metadata"] = Value::Null;
    s.ask(post(s.sandboxes("?dryRun=All"), &object).only(&["/spec", "/reason", "/details"])).await?;
    Ok(())
}
