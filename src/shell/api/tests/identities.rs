//! What a kubeconfig leads to, against a real server: who we are to it, and how we know it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use super::super::server::ConfigurationError;
use super::super::{ApiServer, Kubeconfig, Unverified};
use super::kube::{Kube, TLS_NAME, respond};
use super::{api, get, later, post};
use crate::core::io::{Fault, Lane};
use crate::shell::tests::soon;

/// Writes a kubeconfig beside the server's certificates.
fn write(kube: &Kube, cluster: &Value, user: &Value) -> PathBuf {
    let mut entry = json!({ "server": format!("https://127.0.0.1:{}", kube.server.port) });
    for (field, value) in cluster.as_object().unwrap() {
        entry.as_object_mut().unwrap().insert(field.clone(), value.clone());
    }
    let config = json!({
        "current-context": "dev",
        "contexts": [{ "name": "dev", "context": { "cluster": "here", "user": "me" } }],
        "clusters": [{ "name": "here", "cluster": entry }],
        "users": [{ "name": "me", "user": user }],
    });
    let path = kube.scratch.path("kubeconfig.json");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

fn read(file: PathBuf, unverified: Unverified) -> Result<ApiServer, ConfigurationError> {
    ApiServer::from_kubeconfig(&Kubeconfig { file, context: None, unverified })
}

fn trusting() -> Value {
    json!({ "certificate-authority": "ca.crt" })
}

/// Answers 200 with the `Authorization` header to who shows this certificate, or none where it is `None`, and 401 to others.
fn admit(kube: &Arc<Kube>, wanted: Option<CertificateDer<'static>>) {
    let kube = Arc::clone(kube);
    tokio::spawn(async move {
        loop {
            let (certificate, mut connection) = kube.accept_certified().await;
            let status = if certificate == wanted { 200 } else { 401 };
            tokio::spawn(async move {
                while let Some(Ok((request, mut answer))) = connection.accept().await {
                    let header = request.headers().get("authorization").map_or(&b"none"[..], |header| header.as_bytes()).to_vec();
                    respond(&mut answer, status, header);
                }
            });
        }
    });
}

/// What one request is answered.
async fn ask(server: &ApiServer) -> Result<(u16, String), Fault> {
    let answer = soon(api(server).exchange(Lane::Requests, get("/"), later())).await?;
    Ok((answer.status, String::from_utf8_lossy(&answer.body.0).into_owned()))
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_no_token_is_sent() {
    let kube = Arc::new(Kube::new().await);
    admit(&kube, Some(kube.certify_client()));
    let user = json!({ "client-certificate": "client.crt", "client-key": "client.key", "token": "hunter2" });
    let server = read(write(&kube, &trusting(), &user), Unverified::Refused).unwrap();
    assert_eq!(ask(&server).await, Ok((200, "none".into())));
}

#[tokio::test]
async fn a_client_certificate_that_was_replaced_is_shown_after_a_401() {
    let kube = Arc::new(Kube::new().await);
    let old = kube.certify_client();
    let user = json!({ "client-certificate": "client.crt", "client-key": "client.key" });
    let server = read(write(&kube, &trusting(), &user), Unverified::Refused).unwrap();
    let api = api(&server);
    // The server has stopped to accept the old one: it says so on the connection that has it.
    let accepting = Arc::clone(&kube);
    let first = tokio::spawn(async move { accepting.accept_certified().await });
    let asked = Arc::clone(&api);
    let answer = tokio::spawn(async move { asked.exchange(Lane::Requests, post("/", "{}"), later()).await });
    let (certificate, mut connection) = soon(first).await.unwrap();
    assert_eq!(certificate, Some(old));
    let (_, mut refused) = soon(connection.accept()).await.unwrap().unwrap();
    admit(&kube, Some(kube.certify_client()));
    respond(&mut refused, 401, "{}");
    tokio::spawn(async move { while let Some(Ok(_)) = connection.accept().await {} });
    assert_eq!(soon(answer).await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn a_certificate_and_a_key_that_do_not_belong_together_are_known_at_the_start() {
    let kube = Kube::new().await;
    kube.certify_client();
    std::fs::rename(kube.scratch.path("client.key"), kube.scratch.path("other.key")).unwrap();
    kube.certify_client();
    for (certificate, key, wanted) in [
        ("client.crt", "other.key", "cannot be used together"),
        ("client.crt", "client.crt", "no private key"),
        ("client.key", "client.key", "holds no certificate"),
        ("client.crt", "absent.key", "cannot be read"),
        ("absent.crt", "client.key", "cannot be read"),
    ] {
        let user = json!({ "client-certificate": certificate, "client-key": key });
        let text = read(write(&kube, &trusting(), &user), Unverified::Refused).unwrap_err().to_string();
        assert!(text.contains(wanted) && text.contains("kubeconfig.json"), "{text}");
    }
}

#[tokio::test]
async fn a_token_is_sent_and_one_in_a_file_is_read_again() {
    let kube = Arc::new(Kube::new().await);
    admit(&kube, None);
    let server = read(write(&kube, &trusting(), &json!({ "token": "from-the-kubeconfig" })), Unverified::Refused).unwrap();
    assert_eq!(ask(&server).await, Ok((200, "Bearer from-the-kubeconfig".into())));
    let path = write(&kube, &trusting(), &json!({ "token": "older", "tokenFile": "token" }));
    let server = read(path.clone(), Unverified::Refused).unwrap();
    assert_eq!(ask(&server).await, Ok((200, "Bearer token-1".into())));
    std::fs::write(kube.scratch.path("token"), "token-2").unwrap();
    assert_eq!(ask(&server).await, Ok((200, "Bearer token-2".into())));
    std::fs::remove_file(kube.scratch.path("token")).unwrap();
    let text = read(path, Unverified::Refused).unwrap_err().to_string();
    assert!(text.contains("bearer token") && text.contains("cannot be read"), "{text}");
}

#[tokio::test]
async fn a_token_that_does_not_change_is_not_sent_twice() {
    let kube = Kube::new().await;
    let server = read(write(&kube, &trusting(), &json!({ "token": "old" })), Unverified::Refused).unwrap();
    let api = api(&server);
    let answer = tokio::spawn(async move { api.exchange(Lane::Requests, get("/"), later()).await });
    let mut connection = soon(kube.accept()).await;
    let (_, mut refused) = soon(connection.accept()).await.unwrap().unwrap();
    respond(&mut refused, 401, "{}");
    tokio::spawn(async move {
        let again = connection.accept().await;
        assert!(again.is_none(), "a second request");
    });
    assert_eq!(soon(answer).await.unwrap().unwrap().status, 401);
}

#[tokio::test]
async fn the_certificate_may_have_to_bear_another_name_than_the_host() {
    let kube = Arc::new(Kube::new().await);
    admit(&kube, None);
    for (name, wanted) in [(TLS_NAME, true), ("another.test", false)] {
        let cluster = json!({ "certificate-authority": "ca.crt", "tls-server-name": name });
        let server = read(write(&kube, &cluster, &json!({ "token": "a" })), Unverified::Refused).unwrap();
        let answer = ask(&server).await;
        assert_eq!(answer.is_ok(), wanted, "{answer:?}");
    }
}

#[tokio::test]
async fn a_server_is_believed_unverified_only_where_both_file_and_flag_say_so() {
    let (kube, other) = (Arc::new(Kube::new().await), Kube::new().await);
    admit(&kube, None);
    let user = json!({ "token": "a" });
    let insecure = json!({ "insecure-skip-tls-verify": true, "tls-server-name": "another.test" });
    let text = read(write(&kube, &insecure, &user), Unverified::Refused).unwrap_err().to_string();
    assert!(text.contains("--kube-insecure true") && text.contains("certificate-authority"), "{text}");
    let server = read(write(&kube, &insecure, &user), Unverified::Allowed).unwrap();
    assert_eq!(ask(&server).await, Ok((200, "Bearer a".into())));
    // The flag alone verifies as ever.
    let cluster = json!({ "certificate-authority": other.scratch.path("ca.crt") });
    let server = read(write(&kube, &cluster, &user), Unverified::Allowed).unwrap();
    assert!(matches!(ask(&server).await, Err(Fault::NotSent(_))));
}
