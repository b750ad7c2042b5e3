//! Admission: pod security, quota, service accounts.

use super::{Scenario, scenario};
use crate::ask::{get, merge_patch, post};
use crate::stage::{Stage, resting};
use rig::Outcome;
use serde_json::{Value, json};

pub(super) const ALL: &[Scenario] = &[
    scenario("pod-security-enforce", "A pod that breaks its namespace's level is refused with everything that breaks it", |s| {
        Box::pin(enforce(s))
    }),
    scenario("pod-security-warn", "A level to warn of lets the pod in and warns", |s| Box::pin(warn(s))),
    scenario("pod-security-template", "A Sandbox is let in whatever its pod asks for: only the pod is judged", |s| Box::pin(template(s))),
    scenario("quota-count", "What exceeds a quota of objects is refused with what is used and allowed", |s| Box::pin(quota_count(s))),
    scenario("quota-compute", "What exceeds a quota of resources is refused, and what asks for none too", |s| Box::pin(quota_compute(s))),
    scenario("service-account", "A pod of a service account that is not there is refused", |s| Box::pin(service_account(s))),
    scenario("pod-invalid", "A pod that contradicts itself is a 422", |s| Box::pin(pod_invalid(s))),
];

async fn label_namespace(s: &mut Stage, key: &str, value: &str) -> Outcome<()> {
    let path = format!("/api/v1/namespaces/{}", s.namespace());
    s.done(merge_patch(path, &json!({ "metadata": { "labels": { key: value } } }))).await?;
    // Admission reads namespaces from a cache, which hears of the label a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    Ok(())
}

fn pod(spec: &Value) -> Value {
    let mut pod =
        json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "registry.example/agent:1" }] } });
    for (name, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][name.as_str()] = value.clone();
    }
    pod
}

fn with_security(security: &Value) -> Value {
    pod(&json!({ "containers": [{ "name": "a", "image": "registry.example/agent:1", "securityContext": security }] }))
}

async fn enforce(s: &mut Stage) -> Outcome<()> {
    label_namespace(s, "pod-security.kubernetes.io/enforce", "baseline").await?;
    let supervisor = json!({ "capabilities": { "add": ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG"] } });
    for object in [
        with_security(&supervisor),
        with_security(&json!({ "privileged": true })),
        pod(&json!({ "hostNetwork": true, "hostPID": true })),
        pod(&json!({ "volumes": [{ "name": "h", "hostPath": { "path": "/" } }] })),
        with_security(&json!({ "appArmorProfile": { "type": "Unconfined" }, "seccompProfile": { "type": "Unconfined" } })),
        pod(&json!({ "hostNetwork": true, "containers": [{ "name": "a", "image": "x", "ports": [{ "containerPort": 80 }] }] })),
    ] {
        s.ask(post(s.core("pods?dryRun=All"), &object).only(&["/reason", "/message", "/details", "/code"])).await?;
    }
    label_namespace(s, "pod-security.kubernetes.io/enforce", "restricted").await?;
    for object in [pod(&json!({})), with_security(&supervisor)] {
        s.ask(post(s.core("pods?dryRun=All"), &object).only(&["/reason", "/message", "/details", "/code"])).await?;
    }
    label_namespace(s, "pod-security.kubernetes.io/enforce-version", "v1.30").await?;
    s.ask(post(s.core("pods?dryRun=All"), &pod(&json!({}))).only(&["/reason", "/message", "/details", "/code"])).await?;
    label_namespace(s, "pod-security.kubernetes.io/enforce", "privileged").await?;
    s.ask(post(s.core("pods?dryRun=All"), &with_security(&json!({ "privileged": true }))).only(&["/kind"])).await?;
    Ok(())
}

async fn warn(s: &mut Stage) -> Outcome<()> {
    label_namespace(s, "pod-security.kubernetes.io/warn", "restricted").await?;
    s.ask(post(s.core("pods?dryRun=All"), &pod(&json!({}))).only(&["/kind"])).await?;
    label_namespace(s, "pod-security.kubernetes.io/enforce", "baseline").await?;
    s.ask(post(s.core("pods?dryRun=All"), &with_security(&json!({ "privileged": true }))).only(&["/reason", "/message"])).await?;
    Ok(())
}

async fn template(s: &mut Stage) -> Outcome<()> {
    label_namespace(s, "pod-security.kubernetes.io/enforce", "baseline").await?;
    let mut object = crate::stage::sandbox("one");
    object["spec"]["podTemplate"]["spec"]["containers"][0]["securityContext"] = json!({ "privileged": true });
    s.ask(post(s.sandboxes(""), &object).only(&["/kind"])).await?;
    let refused = |answer: &crate::stage::Answer| {
        answer.body["status"]["conditions"].as_array().into_iter().flatten().any(|condition| condition["reason"] == "ReconcilerError")
    };
    s.until(&s.sandboxes("/one"), refused).await?;
    s.ask(get(s.sandboxes("/one")).only(&["/status"])).await?;
    Ok(())
}

async fn quota(s: &mut Stage, hard: &Value) -> Outcome<()> {
    s.done(post(s.core("resourcequotas"), &json!({ "metadata": { "name": "limit" }, "spec": { "hard": hard } }))).await?;
    s.until(&s.core("resourcequotas/limit"), |answer| answer.body["spec"]["hard"].is_object()).await?;
    // A quota counts once its controller has counted what is there.
    for _ in 0..200 {
        let seen = s.quietly(get(s.core("resourcequotas/limit"))).await?;
        if seen.body["status"]["used"].is_object() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn quota_count(s: &mut Stage) -> Outcome<()> {
    quota(s, &json!({ "count/sandboxes.agents.x-k8s.io": "1", "count/secrets": "1" })).await?;
    s.done(post(s.sandboxes(""), &resting("one"))).await?;
    s.ask(post(s.sandboxes(""), &resting("two"))).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(post(s.core("secrets"), &json!({ "metadata": { "name": "two" } }))).await?;
    Ok(())
}

async fn quota_compute(s: &mut Stage) -> Outcome<()> {
    quota(s, &json!({ "pods": "5", "requests.cpu": "1", "limits.memory": "1Gi" })).await?;
    let asking = |requests: Value, limits: Value| {
        let resources = json!({ "requests": requests, "limits": limits });
        pod(&json!({ "containers": [{ "name": "a", "image": "registry.example/agent:1", "resources": resources }] }))
    };
    for object in [
        pod(&json!({})),
        asking(json!({ "cpu": "2" }), json!({ "memory": "128Mi" })),
        asking(json!({ "cpu": "2", "memory": "2Gi" }), json!({ "memory": "2Gi" })),
        asking(json!({ "cpu": "100m" }), json!({ "cpu": "1" })),
    ] {
        s.ask(post(s.core("pods?dryRun=All"), &object).only(&["/reason", "/message", "/details", "/code"])).await?;
    }
    Ok(())
}

async fn service_account(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.core("pods"), &pod(&json!({ "serviceAccountName": "nobody" })))).await?;
    Ok(())
}

async fn pod_invalid(s: &mut Stage) -> Outcome<()> {
    for object in [
        pod(&json!({ "containers": [] })),
        pod(
            &json!({ "containers": [{ "name": "a", "image": "x", "resources": { "requests": { "cpu": "2" }, "limits": { "cpu": "1" } } }] }),
        ),
        pod(&json!({ "containers": [{ "name": "a", "image": "x", "volumeMounts": [{ "name": "none", "mountPath": "/x" }] }] })),
        pod(&json!({ "containers": [{ "name": "a" }] })),
        pod(&json!({ "containers": [{ "name": "A_", "image": "x" }] })),
        pod(&json!({ "containers": [{ "name": "a", "image": "x" }, { "name": "a", "image": "y" }] })),
        pod(&json!({ "restartPolicy": "Sometimes" })),
    ] {
        s.ask(post(s.core("pods?dryRun=All"), &object).only(&["/reason", "/message", "/details", "/code"])).await?;
    }
    Ok(())
}
