//! The reader as the function it is: a text in, a server or advice out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by failing")]

use std::path::Path;

use serde_json::{Value, json};

use super::resolve::server;
use super::{Kubeconfig, Unverified, load};
use crate::shell::api::credentials::Bearer;
use crate::shell::api::server::{ApiServer, Identity, Pem, Trust};
use crate::shell::limits;
use crate::shell::tests::Scratch;

/// What no error may repeat.
const SECRET: &str = "hunter2";

fn at(file: &Path, context: Option<&str>) -> Kubeconfig {
    Kubeconfig { file: file.into(), context: context.map(str::to_owned), unverified: Unverified::Refused }
}

fn resolve(config: &Value) -> Result<ApiServer, String> {
    server(config.to_string().as_bytes(), &at(Path::new("/k/config.json"), None)).map_err(|refusal| refusal.to_string())
}

/// What is said about a kubeconfig that must not be taken.
fn refusal(config: &Value) -> String {
    let text = resolve(config).map(|server| format!("it was taken: {server:?}")).unwrap_err();
    assert!(text.starts_with("kubeconfig /k/config.json: ") && !text.contains(SECRET), "{text}");
    text
}

/// One that is taken.
fn whole() -> Value {
    json!({
        "kind": "Config",
        "apiVersion": "v1",
        "preferences": {},
        "current-context": "dev",
        "contexts": [{ "name": "dev", "context": { "cluster": "here", "user": "me", "namespace": "a" } }],
        "clusters": [{ "name": "here", "cluster": { "server": "https://api.example.com", "certificate-authority": "ca.crt", "extensions": [] } }],
        "users": [{ "name": "me", "user": { "token": SECRET } }],
    })
}

/// The same with other fields in its one cluster.
fn with_cluster(cluster: &Value) -> Value {
    let mut config = whole();
    for (field, value) in cluster.as_object().unwrap() {
        config["clusters"][0]["cluster"][field] = value.clone();
    }
    config
}

/// The same with this user.
fn with_user(user: &Value) -> Value {
    let mut config = whole();
    config["users"][0]["user"] = user.clone();
    config
}

#[test]
fn what_kubectl_writes_is_understood() {
    let wanted = ApiServer {
        host: "api.example.com".into(),
        port: 443,
        tls_name: None,
        trust: Trust::Authorities(Pem::File("/k/ca.crt".into())),
        identity: Identity::Token(Bearer::parse(SECRET).unwrap()),
    };
    assert_eq!(resolve(&whole()), Ok(wanted));
    assert!(!format!("{:?}", resolve(&whole())).contains(SECRET));
}

#[test]
fn another_context_than_the_current_one_can_be_named() {
    let mut config = whole();
    config["contexts"] = json!([
        { "name": "dev", "context": { "cluster": "gone", "user": "me" } },
        { "name": "prod", "context": { "cluster": "here", "user": "me" } },
    ]);
    let named = |context| server(config.to_string().as_bytes(), &at(Path::new("k"), Some(context))).map_err(|refusal| refusal.to_string());
    assert!(named("prod").is_ok());
    let text = named("test").unwrap_err();
    assert!(text.contains("\"test\"; there is \"dev\", \"prod\""), "{text}");
    assert!(refusal(&config).contains("context \"dev\": clusters: there is no \"gone\"; there is \"here\""));
}

#[test]
fn addresses_are_https_a_host_and_a_port() {
    for (url, host, port) in [
        ("https://api.example.com", "api.example.com", 443),
        ("https://api.example.com/", "api.example.com", 443),
        ("https://127.0.0.1:6443", "127.0.0.1", 6443),
        ("https://[fd00::1]:6443", "fd00::1", 6443),
        ("https://[fd00::1]", "fd00::1", 443),
    ] {
        let server = resolve(&with_cluster(&json!({ "server": url }))).unwrap();
        assert_eq!((server.host.as_str(), server.port), (host, port), "{url}");
    }
    for (url, why) in [
        ("", "it is not set"),
        ("http://api.example.com", "unencrypted"),
        ("api.example.com:6443", "https://"),
        ("ftp://api.example.com", "does not begin with https://"),
        ("https://", "is no URL"),
        ("https://:443", "neither a DNS name nor an address"),
        ("https://api.example.com:", "port"),
        ("https://api.example.com:0", "port"),
        ("https://api.example.com:65536", "port"),
        ("https://api.example.com:+80", "port"),
        ("https://api.example.com/k8s/clusters/c-1", "has a path"),
        ("https://api.example.com?token=x", "something after host and port"),
        ("https://api.example.com#x", "something after host and port"),
        ("https://root:hunter2@api.example.com", "'@'"),
        ("https://api example.com", "is no URL"),
        ("https://api..com", "neither a DNS name nor an address"),
        ("https://[fd00::1", "is no URL"),
        ("https://[::1]x:80", "port"),
    ] {
        let text = refusal(&with_cluster(&json!({ "server": url })));
        assert!(text.contains("cluster \"here\": server: ") && text.contains(why), "{url}: {text}");
    }
}

#[test]
fn a_cluster_is_trusted_by_an_authority_and_reached_directly() {
    let given = json!({ "certificate-authority-data": "Zm9v", "tls-server-name": "api.test" });
    let server = resolve(&with_cluster(&given)).unwrap();
    assert!(matches!(&server.trust, Trust::Authorities(Pem::Given(pem)) if pem.reveal() == "foo"), "{server:?}");
    assert_eq!(server.tls_name.as_deref(), Some("api.test"));
    for (cluster, place, why) in [
        (json!({ "certificate-authority": "" }), "certificate-authority", "the system's own authorities are not used"),
        (json!({ "certificate-authority-data": "hunter2" }), "certificate-authority-data", "it is no base64"),
        (json!({ "certificate-authority-data": "/w==" }), "certificate-authority-data", "it is not text"),
        (json!({ "certificate-authority-data": "DATA+OMITTED" }), "certificate-authority-data", "--raw"),
        (json!({ "tls-server-name": "a b" }), "tls-server-name", "neither a DNS name"),
        (json!({ "proxy-url": "http://root:hunter2@proxy" }), "proxy-url", "directly"),
        (json!({ "insecure-skip-tls-verify": true }), "insecure-skip-tls-verify", "only one can hold"),
        (json!({ "insecure-skip-tls-verify": true, "certificate-authority": "" }), "insecure-skip-tls-verify", "--kube-insecure"),
    ] {
        let text = refusal(&with_cluster(&cluster));
        assert!(text.contains(&format!("context \"dev\": cluster \"here\": {place}: ")) && text.contains(why), "{text}");
    }
}

#[test]
fn a_user_is_known_by_a_token_or_a_certificate() {
    let identity = |user| resolve(&with_user(&user)).unwrap().identity;
    assert_eq!(identity(json!({ "token": "a", "tokenFile": "/t/token" })), Identity::TokenFile("/t/token".into()));
    assert_eq!(identity(json!({ "tokenFile": "token", "exec": null, "username": "" })), Identity::TokenFile("/k/token".into()));
    let certificate = json!({ "client-certificate": "c", "client-certificate-data": "Zm9v", "client-key": "/k/key", "token": "a" });
    let identity = identity(certificate);
    let parts = match &identity {
        Identity::Certificate { chain: Pem::Given(chain), key: Pem::File(key) } => Some((chain.reveal(), key.as_path())),
        _ => None,
    };
    assert_eq!(parts, Some(("foo", Path::new("/k/key"))), "{identity:?}");
}

#[test]
fn a_user_who_is_somebody_else_here_is_refused_with_the_way_out() {
    let token = "kubectl create token";
    for (user, place, why) in [
        (json!({}), "", token),
        (json!({ "token": "" }), "", token),
        (json!({ "exec": { "command": "kubectl-oidc_login", "env": [{ "name": "A", "value": SECRET }] } }), "exec: ", token),
        (json!({ "exec": {}, "token": SECRET }), "exec: ", "no program"),
        (json!({ "auth-provider": { "name": "oidc", "config": { "id-token": SECRET } } }), "auth-provider: ", token),
        (json!({ "username": "root", "password": SECRET }), "username: ", token),
        (json!({ "password": SECRET }), "password: ", token),
        (json!({ "as": "root", "token": SECRET }), "as: ", "nobody but itself"),
        (json!({ "as-groups": ["root"], "token": SECRET }), "as-groups: ", "nobody but itself"),
        (json!({ "token": "REDACTED" }), "token: ", "--raw"),
        (json!({ "token": "hunter2\nhunter2" }), "token: ", "no header"),
        (json!({ "token": " " }), "token: ", "empty"),
        (json!({ "client-certificate-data": "Zm9v" }), "client-key: ", "it is not set"),
        (json!({ "client-key-data": "Zm9v" }), "client-certificate: ", "it is not set"),
        (json!({ "client-key-data": "hunter2", "client-certificate": "c" }), "client-key-data: ", "it is no base64"),
    ] {
        let text = refusal(&with_user(&user));
        assert!(text.contains(&format!("context \"dev\": user \"me\": {place}")) && text.contains(why), "{text}");
    }
}

#[test]
fn what_leads_nowhere_is_named() {
    let mut config = whole();
    config["current-context"] = json!("");
    assert!(refusal(&config).contains("current-context: it is not set. Name a context with --kube-context; there is \"dev\""));
    config["contexts"] = json!(null);
    assert!(refusal(&config).contains("the list is empty"));
    for (field, value, why) in [
        ("kind", json!("Secret"), "kind: it is \"Secret\""),
        ("contexts", json!([{ "name": "dev", "context": { "user": "me" } }]), "context \"dev\": cluster: it is not set"),
        ("contexts", json!([{ "name": "dev", "context": { "cluster": "here" } }]), "context \"dev\": user: it is not set"),
        ("users", json!([]), "users: there is no \"me\"; the list is empty"),
        (
            "users",
            json!([{ "name": "me", "user": {} }, { "name": "me", "user": { "token": SECRET } }]),
            "users: there are two called \"me\"",
        ),
    ] {
        let mut config = whole();
        config[field] = value;
        let text = refusal(&config);
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn what_is_not_json_is_answered_with_the_conversion_or_the_place() {
    let said = |text: &[u8], context| server(text, &at(Path::new("k.yaml"), context)).unwrap_err().to_string();
    let yaml = b"apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    token: hunter2\n";
    let text = said(yaml, None);
    assert!(text.contains("KUBECONFIG=k.yaml kubectl config view --raw --minify --flatten -o json > kubeconfig.json"), "{text}");
    let text = said(yaml, Some("prod"));
    assert!(text.contains("--raw --flatten") && !text.contains("--minify"), "it would drop the context: {text}");
    for (text, place) in [
        (&b""[..], "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "line 1, column 1: it ends in the middle"),
        (b"{\"users\": [{\"name\": \"a\", \"user\":\n \"hunter2\"}]}", "line 2, column 10: something else"),
        (b"{\"current-context\": hunter2}", "line 1, column 21: it is no JSON"),
        (b"{\"users\": [], \"users\": []}", "the same field twice"),
        (b"{} hunter2", "it is no JSON"),
        (b"{\"current-context\": \"\xff\"}", "it is no JSON"),
    ] {
        let said = said(text, None);
        assert!(said.contains(place) && !said.contains(SECRET), "{said}");
    }
}

#[test]
fn a_hostile_file_is_answered_and_not_at_length() {
    let deep = format!("{{\"preferences\": {}", "[".repeat(100_000));
    let said = |text: &[u8]| server(text, &at(Path::new("k"), None)).unwrap_err().to_string();
    assert!(said(deep.as_bytes()).contains("line 1"));
    let long = "x".repeat(500_000);
    let mut config = whole();
    config["current-context"] = json!(long);
    assert!(refusal(&config).len() < 1_000);
    config["contexts"][0]["name"] = json!(long);
    config["contexts"][0]["context"]["cluster"] = json!("\u{1b}[2J");
    let text = refusal(&config);
    assert!(text.len() < 1_000 && !text.contains('\u{1b}'), "{text}");
    assert!(refusal(&with_cluster(&json!({ "server": format!("https://{long}") }))).len() < 1_000);
    config["contexts"] = (0..1_000).map(|number| json!({ "name": number.to_string(), "context": {} })).collect();
    assert!(refusal(&config).ends_with("\"9\", …"));
    // Cut anywhere, it is an error and nothing worse.
    let text = whole().to_string();
    for end in 0..text.len() {
        let said = said(&text.as_bytes()[..end]);
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_or_too_long_is_named() {
    let directory = Scratch::new();
    let file = directory.path("kubeconfig.json");
    let said = || load(&at(&file, None)).unwrap_err().to_string();
    assert!(said().contains("kubeconfig.json: it cannot be read"), "{}", said());
    std::fs::write(&file, vec![b' '; usize::try_from(limits::KUBECONFIG_FILE).unwrap() + 1]).unwrap();
    assert!(said().contains("longer than 1048576 bytes"), "{}", said());
    let mut config = whole();
    std::fs::write(&file, config.to_string()).unwrap();
    let wanted = format!("the API server's CA {} cannot be read", directory.path("ca.crt").display());
    assert!(said().contains(&wanted), "{}", said());
    config["clusters"][0]["cluster"] = json!({ "server": "https://a", "certificate-authority-data": "Zm9v" });
    std::fs::write(&file, config.to_string()).unwrap();
    assert!(said().contains("the API server's CA in the kubeconfig holds no certificate"), "{}", said());
}
