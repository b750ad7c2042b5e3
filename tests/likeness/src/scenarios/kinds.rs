//! The built-in kinds that the driver writes besides Sandboxes.

use super::{Scenario, scenario};
use crate::ask::{get, merge_patch, post};
use crate::stage::Stage;
use rig::Outcome;
use serde_json::json;

pub(super) const ALL: &[Scenario] = &[
    scenario("secret", "A Secret has a type, and its text comes back as data", |s| Box::pin(secret(s))),
    scenario("secret-invalid", "A Secret's data is base64, its keys are names, its type stays", |s| Box::pin(secret_invalid(s))),
    scenario("service", "A Service gets an address and its defaults", |s| Box::pin(service(s))),
    scenario("service-invalid", "A Service's ports are checked", |s| Box::pin(service_invalid(s))),
    scenario("network-policy", "A NetworkPolicy gets its policy types", |s| Box::pin(network_policy(s))),
    scenario("service-account-kind", "A ServiceAccount is what it was made", |s| Box::pin(service_account(s))),
    scenario("strict-built-in", "A field that a built-in kind does not have is refused where that is asked for, else warned of", |s| {
        Box::pin(strict(s))
    }),
    scenario("nodes", "Nodes say what they can give", |s| Box::pin(nodes(s))),
    scenario("volume-claim", "A PersistentVolumeClaim waits, and is protected", |s| Box::pin(volume_claim(s))),
];

async fn secret(s: &mut Stage) -> Outcome<()> {
    let object = json!({ "metadata": { "name": "one" }, "data": { "a": "YQ==" }, "stringData": { "b": "text" } });
    s.ask(post(s.core("secrets"), &object)).await?;
    let typed =
        json!({ "metadata": { "name": "pull" }, "type": "kubernetes.io/dockerconfigjson", "data": { ".dockerconfigjson": "e30=" } });
    s.ask(post(s.core("secrets"), &typed)).await?;
    s.ask(merge_patch(s.core("secrets/one"), &json!({ "stringData": { "a": "b" } })).only(&["/data", "/stringData"])).await?;
    s.ask(
        post(s.core("secrets"), &json!({ "metadata": { "name": "still" }, "immutable": true, "data": { "a": "YQ==" } }))
            .only(&["/immutable"]),
    )
    .await?;
    s.ask(merge_patch(s.core("secrets/still"), &json!({ "data": { "a": "Yg==" } }))).await?;
    Ok(())
}

async fn secret_invalid(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.core("secrets"), &json!({ "metadata": { "name": "one" }, "data": { "a": "not base64!" } })).only(&["/reason", "/code"]))
        .await?;
    s.ask(post(s.core("secrets"), &json!({ "metadata": { "name": "one" }, "data": { "no spaces": "YQ==" } }))).await?;
    let typed = json!({ "metadata": { "name": "pull" }, "type": "kubernetes.io/dockerconfigjson", "data": {} });
    s.ask(post(s.core("secrets"), &typed)).await?;
    let tls = json!({ "metadata": { "name": "tls" }, "type": "kubernetes.io/tls", "data": { "tls.crt": "YQ==" } });
    s.ask(post(s.core("secrets"), &tls)).await?;
    s.done(post(s.core("secrets"), &json!({ "metadata": { "name": "one" } }))).await?;
    s.ask(merge_patch(s.core("secrets/one"), &json!({ "type": "example.com/other" }))).await?;
    Ok(())
}

async fn service(s: &mut Stage) -> Outcome<()> {
    let object = json!({
        "metadata": { "name": "one", "labels": { "a": "b" } },
        "spec": { "selector": { "a": "b" }, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }, { "name": "other", "port": 81 }] },
    });
    s.ask(post(s.core("services"), &object)).await?;
    let headless = json!({ "metadata": { "name": "two" }, "spec": { "clusterIP": "None", "selector": { "a": "b" } } });
    s.ask(post(s.core("services"), &headless)).await?;
    s.ask(
        merge_patch(s.core("services/one"), &json!({ "spec": { "selector": { "a": "c" } } }))
            .only(&["/spec/selector", "/metadata/generation"]),
    )
    .await?;
    Ok(())
}

async fn service_invalid(s: &mut Stage) -> Outcome<()> {
    s.ask(post(s.core("services"), &json!({ "metadata": { "name": "one" }, "spec": {} }))).await?;
    s.ask(post(s.core("services"), &json!({ "metadata": { "name": "one" }, "spec": { "ports": [{ "port": 70_000 }] } }))).await?;
    s.ask(post(s.core("services"), &json!({ "metadata": { "name": "1one" }, "spec": { "ports": [{ "port": 80 }] } }))).await?;
    let twice = json!([{ "port": 80 }, { "port": 81 }]);
    s.ask(post(s.core("services"), &json!({ "metadata": { "name": "one" }, "spec": { "ports": twice } }))).await?;
    Ok(())
}

async fn network_policy(s: &mut Stage) -> Outcome<()> {
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies", s.namespace());
    let object = json!({
        "metadata": { "name": "one" },
        "spec": {
            "podSelector": { "matchLabels": { "a": "b" } },
            "ingress": [{ "from": [{ "namespaceSelector": {} }], "ports": [{ "port": 80 }] }],
            "egress": [{ "ports": [{ "protocol": "UDP", "port": 53 }] }],
        },
    });
    s.ask(post(&path, &object)).await?;
    s.ask(post(&path, &json!({ "metadata": { "name": "two" }, "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } }))).await?;
    s.ask(post(&path, &json!({ "metadata": { "name": "three" }, "spec": { "podSelector": {} } })).only(&["/spec"])).await?;
    s.ask(post(&path, &json!({ "metadata": { "name": "bad" }, "spec": { "podSelector": {}, "policyTypes": ["Sideways"] } }))).await?;
    s.ask(merge_patch(format!("{path}/one"), &json!({ "spec": { "egress": null } })).only(&["/spec", "/metadata/generation"])).await?;
    s.ask(get(format!("{path}/none"))).await?;
    Ok(())
}

async fn service_account(s: &mut Stage) -> Outcome<()> {
    let object = json!({ "metadata": { "name": "one" }, "automountServiceAccountToken": false, "imagePullSecrets": [{ "name": "pull" }] });
    s.ask(post(s.core("serviceaccounts"), &object)).await?;
    Ok(())
}

async fn strict(s: &mut Stage) -> Outcome<()> {
    let secret = json!({ "metadata": { "name": "one" }, "dataa": {} });
    s.ask(post(s.core("secrets?fieldValidation=Strict"), &secret)).await?;
    s.ask(post(s.core("secrets?fieldValidation=Warn"), &secret)).await?;
    let service = json!({ "metadata": { "name": "one" }, "spec": { "ports": [{ "port": 80, "prot": "TCP" }] } });
    s.ask(post(s.core("services?fieldValidation=Strict"), &service)).await?;
    Ok(())
}

async fn nodes(s: &mut Stage) -> Outcome<()> {
    s.ask(get("/api/v1/nodes").only(&["/kind", "/items/0/metadata/name", "/items/1"])).await?;
    s.ask(get("/api/v1/nodes/none")).await?;
    Ok(())
}

async fn volume_claim(s: &mut Stage) -> Outcome<()> {
    let object = json!({ "metadata": { "name": "one" }, "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } });
    s.ask(post(s.core("persistentvolumeclaims"), &object)).await?;
    s.ask(post(s.core("persistentvolumeclaims"), &json!({ "metadata": { "name": "two" }, "spec": {} }))).await?;
    Ok(())
}
