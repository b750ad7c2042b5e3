//! What the agent-sandbox controller makes of a Sandbox.
//!
//! How often it writes on the way depends on when it looks, so a series is told by what is new in each state that a client of the
//! gateway would see: the conditions' status and reason.

use super::{Scenario, scenario};
use crate::ask::{delete, get, merge_patch, post};
use crate::names::Versions;
use crate::stage::{Answer, Stage};
use crate::subject::Fate;
use crate::watch::Watch;
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("life-cold-start", "A Sandbox becomes Ready when its pod is", |s| Box::pin(cold_start(s))),
    scenario("life-pod", "The pod is the template's, with the Sandbox's name, label and owner", |s| Box::pin(pod(s))),
    scenario("life-suspend", "A suspended Sandbox loses its pod and says so when it is gone", |s| Box::pin(suspend(s))),
    scenario("life-resume", "A resumed Sandbox gets another pod", |s| Box::pin(resume(s))),
    scenario("life-suspended-from-birth", "A Sandbox made suspended has no pod", |s| Box::pin(suspended_from_birth(s))),
    scenario("life-expiry", "A Sandbox whose time is over loses its pod and says so", |s| Box::pin(expiry(s))),
    scenario("life-expiry-delete", "A Sandbox whose time is over goes where its policy says so", |s| Box::pin(expiry_delete(s))),
    scenario("life-pod-failed", "A failed pod finishes its Sandbox and is not replaced", |s| Box::pin(pod_failed(s))),
    scenario("life-image-missing", "An image that cannot be had keeps a Sandbox from being Ready, and no more", |s| {
        Box::pin(image_missing(s))
    }),
    scenario("life-pod-deleted", "A deleted pod is replaced", |s| Box::pin(pod_deleted(s))),
    scenario("life-foreign-pod", "A pod of the name that is somebody else's is not taken", |s| Box::pin(foreign_pod(s))),
    scenario("life-invalid-pod", "A pod the server refuses is a ReconcilerError with its words", |s| Box::pin(invalid_pod(s))),
    scenario("life-service", "A Service is made when it is asked for", |s| Box::pin(service(s))),
    scenario("life-volumes", "A claim is made of each template, owned by the Sandbox and mounted by its pod", |s| Box::pin(volumes(s))),
    scenario("life-template-metadata", "Labels of the template reach the running pod, its spec does not", |s| {
        Box::pin(template_metadata(s))
    }),
];

fn condition<'a>(answer: &'a Value, kind: &str) -> &'a Value {
    let conditions = answer["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

fn is(kind: &'static str, status: &'static str) -> impl Fn(&Answer) -> bool {
    move |answer| {
        condition(&answer.body, kind)["status"] == status
            && condition(&answer.body, kind)["observedGeneration"] == answer.body["metadata"]["generation"]
    }
}

fn reason(word: &'static str) -> impl Fn(&Answer) -> bool {
    move |answer| condition(&answer.body, "Ready")["reason"] == word
}

/// `Ready=True/DependenciesReady`: whether the Sandbox is ready and whether it rests.
fn told(object: &Value) -> Value {
    ["Ready", "Suspended"]
        .iter()
        .filter_map(|kind| {
            let condition = condition(object, kind);
            Some(json!(format!("{kind}={}/{}", condition["status"].as_str()?, condition["reason"].as_str()?)))
        })
        .collect()
}

/// Follows a watch until the Sandbox is as wanted, and writes down the states on the way that differ.
async fn series(s: &mut Stage, watch: &mut Watch, wanted: impl Fn(&Value) -> bool) -> Outcome<()> {
    let mut states: Vec<Value> = Vec::new();
    loop {
        let event = watch.next().await?.ok_or("the watch ended")?;
        let state = told(&event["object"]);
        if states.last() != Some(&state) {
            states.push(state);
        }
        if wanted(&event["object"]) {
            break;
        }
    }
    s.note("the states on the way", &Value::Array(states));
    Ok(())
}

async fn watch(s: &mut Stage, from: &str) -> Outcome<Watch> {
    s.call(&format!("resourceVersion={from}"), "resourceVersion=<version>");
    s.watch(s.sandboxes(&format!("?watch=true&resourceVersion={from}"))).await
}

/// A Sandbox that is Ready, and its version.
async fn running(s: &mut Stage) -> Outcome<Answer> {
    s.versions(Versions::Alike);
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::Runs))).await?;
    s.until(&s.sandboxes("/one"), is("Ready", "True")).await
}

async fn cold_start(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let from = s.quietly(get(s.sandboxes(""))).await?.version();
    let mut watch = watch(s, &from).await?;
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::Runs))).await?;
    series(s, &mut watch, |object| condition(object, "Ready")["status"] == "True").await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    Ok(())
}

async fn pod(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Runs);
    object["metadata"]["labels"] = json!({ "of": "sandbox" });
    object["spec"]["podTemplate"]["metadata"] =
        json!({ "labels": { "of": "template", "agents.x-k8s.io/mine": "no" }, "annotations": { "openshell.io/sandbox-id": "x" } });
    object["spec"]["podTemplate"]["spec"]["automountServiceAccountToken"] = json!(false);
    s.done(post(s.sandboxes(""), &object)).await?;
    s.until(&s.sandboxes("/one"), is("Ready", "True")).await?;
    s.ask(get(s.core("pods/one")).only(&["/metadata", "/spec"])).await?;
    Ok(())
}

async fn suspend(s: &mut Stage) -> Outcome<()> {
    let ready = running(s).await?;
    let mut watch = watch(s, &ready.version()).await?;
    s.ask(
        merge_patch(s.sandboxes("/one"), &json!({ "spec": { "operatingMode": "Suspended" } })).only(&["/metadata/generation", "/status"]),
    )
    .await?;
    series(s, &mut watch, |object| condition(object, "Suspended")["status"] == "True").await?;
    s.until_gone(&s.core("pods/one")).await?;
    s.until(&s.sandboxes("/one"), is("Suspended", "True")).await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    Ok(())
}

async fn resume(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Runs);
    object["spec"]["operatingMode"] = json!("Suspended");
    s.done(post(s.sandboxes(""), &object)).await?;
    let rests = s.until(&s.sandboxes("/one"), is("Suspended", "True")).await?;
    let mut watch = watch(s, &rests.version()).await?;
    s.done(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "operatingMode": "Running" } }))).await?;
    series(s, &mut watch, |object| condition(object, "Ready")["status"] == "True").await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    Ok(())
}

async fn suspended_from_birth(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let from = s.quietly(get(s.sandboxes(""))).await?.version();
    let mut watch = watch(s, &from).await?;
    s.done(post(s.sandboxes(""), &crate::stage::resting("one"))).await?;
    series(s, &mut watch, |object| condition(object, "Suspended")["status"] == "True").await?;
    s.ask(get(s.sandboxes("/one"))).await?;
    s.ask(get(s.core("pods/one"))).await?;
    Ok(())
}

async fn expiry(s: &mut Stage) -> Outcome<()> {
    running(s).await?;
    s.done(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "shutdownTime": "2026-01-01T00:00:00Z" } }))).await?;
    s.until(&s.sandboxes("/one"), reason("SandboxExpired")).await?;
    s.until_gone(&s.core("pods/one")).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["podIPs"].is_null()).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata/annotations", "/spec/shutdownPolicy", "/status"])).await?;
    Ok(())
}

async fn expiry_delete(s: &mut Stage) -> Outcome<()> {
    running(s).await?;
    s.done(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "shutdownTime": "2026-01-01T00:00:00Z", "shutdownPolicy": "Delete" } })))
        .await?;
    s.until_gone(&s.sandboxes("/one")).await?;
    s.until_gone(&s.core("pods/one")).await
}

async fn pod_failed(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Fails);
    object["spec"]["podTemplate"]["spec"]["restartPolicy"] = json!("Never");
    s.done(post(s.sandboxes(""), &object)).await?;
    s.until(&s.sandboxes("/one"), reason("PodFailed")).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata/annotations", "/status"])).await?;
    s.ask(get(s.core("pods/one")).only(&["/status/phase"])).await?;
    Ok(())
}

async fn image_missing(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::PullFails))).await?;
    s.until(&s.core("pods/one"), |answer| {
        answer.body["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
    })
    .await?;
    s.until(&s.sandboxes("/one"), is("PodScheduled", "True")).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/status/conditions", "/status/podIPs"])).await?;
    Ok(())
}

async fn pod_deleted(s: &mut Stage) -> Outcome<()> {
    running(s).await?;
    let first = s.quietly(get(s.core("pods/one"))).await?.uid();
    s.ask(delete(s.core("pods/one")).only(&["/kind", "/metadata/deletionGracePeriodSeconds"])).await?;
    s.until(&s.core("pods/one"), |answer| answer.uid() != first && answer.body["status"]["phase"] == "Running").await?;
    // The Sandbox was Ready before, too: the controller is given the time to see the pod.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    s.until(&s.sandboxes("/one"), is("Ready", "True")).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata/annotations", "/status"])).await?;
    Ok(())
}

async fn foreign_pod(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "registry.example/agent:1" }] } });
    s.done(post(s.core("pods"), &pod)).await?;
    s.done(post(s.sandboxes(""), &s.sandbox("one", Fate::Runs))).await?;
    s.until(&s.sandboxes("/one"), reason("ReconcilerError")).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata/annotations", "/status"])).await?;
    Ok(())
}

async fn invalid_pod(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Runs);
    object["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "none", "mountPath": "/x" }]);
    s.done(post(s.sandboxes(""), &object)).await?;
    s.until(&s.sandboxes("/one"), reason("ReconcilerError")).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/metadata/annotations", "/status"])).await?;
    Ok(())
}

async fn service(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Runs);
    object["spec"]["service"] = json!(true);
    object["spec"]["podTemplate"]["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 8080, "name": "http" }]);
    s.done(post(s.sandboxes(""), &object)).await?;
    s.until(&s.sandboxes("/one"), is("Ready", "True")).await?;
    s.ask(get(s.core("services/one")).only(&["/metadata/labels", "/metadata/ownerReferences", "/spec"])).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/status"])).await?;
    s.done(merge_patch(s.sandboxes("/one"), &json!({ "spec": { "service": false } }))).await?;
    s.until_gone(&s.core("services/one")).await?;
    s.until(&s.sandboxes("/one"), |answer| answer.body["status"]["service"].is_null()).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/status"])).await?;
    Ok(())
}

async fn volumes(s: &mut Stage) -> Outcome<()> {
    s.versions(Versions::Alike);
    let mut object = s.sandbox("one", Fate::Runs);
    object["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": { "name": "work", "labels": { "a": "b" } },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": { "requests": { "storage": "1Gi" } } },
    }]);
    object["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "work", "mountPath": "/work" }]);
    s.done(post(s.sandboxes(""), &object)).await?;
    s.until(&s.core("pods/one"), |answer| answer.status == 200).await?;
    s.ask(get(s.core("persistentvolumeclaims/work-one")).only(&[
        "/metadata/name",
        "/metadata/labels",
        "/metadata/ownerReferences",
        "/metadata/finalizers",
        "/spec/accessModes",
        "/spec/resources",
        "/spec/storageClassName",
        "/spec/volumeMode",
    ]))
    .await?;
    s.ask(get(s.core("pods/one")).only(&["/spec/volumes/0"])).await?;
    Ok(())
}

async fn template_metadata(s: &mut Stage) -> Outcome<()> {
    running(s).await?;
    let change = json!({ "spec": { "podTemplate": {
        "metadata": { "labels": { "late": "yes" } },
        "spec": { "containers": [{ "name": "agent", "image": "registry.example/another:2" }] },
    } } });
    s.ask(merge_patch(s.sandboxes("/one"), &change).only(&["/metadata/generation"])).await?;
    s.until(&s.core("pods/one"), |answer| answer.body["metadata"]["labels"]["late"] == "yes").await?;
    s.ask(get(s.core("pods/one")).only(&["/metadata/labels", "/metadata/annotations", "/spec/containers/0/image"])).await?;
    Ok(())
}
