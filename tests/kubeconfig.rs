//! The real binary with a kubeconfig: it lives by one, and says what is wrong with another.
#![allow(clippy::disallowed_methods, reason = "starts processes and writes their files")]

use std::net::SocketAddr;
use std::path::Path;

use kubesim::serve::Server;
use kubesim::{Access, Kind, Options};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::scratch::Scratch;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};

const TOKEN: &str = "a-token-in-a-kubeconfig";
const NEXT_TOKEN: &str = "the-token-after-that";

/// Base64 as kubectl writes it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            let letter = ALPHABET.get((bits >> (18 - 6 * position)) as usize & 0x3f).filter(|_| position <= group.len());
            text.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    text
}

/// A directory and a cluster that asks for a token.
struct Scene {
    scratch: Scratch,
    cluster: Server,
}

impl Scene {
    async fn new() -> Outcome<Self> {
        let access = Access::open().with_tokens([(TOKEN, "driver")]);
        Ok(Self { scratch: Scratch::new()?, cluster: Server::start(Options { access, ..Options::default() }).await? })
    }

    /// A kubeconfig with two contexts, of which only `here` leads to the cluster.
    fn kubeconfig(&self, user: &Value) -> Outcome<String> {
        let server = format!("https://{}", self.cluster.address);
        let config = json!({
            "kind": "Config",
            "apiVersion": "v1",
            "current-context": "elsewhere",
            "contexts": [
                { "name": "elsewhere", "context": { "cluster": "gone", "user": "me" } },
                { "name": "here", "context": { "cluster": "here", "user": "me" } },
            ],
            "clusters": [
                { "name": "here", "cluster": { "server": server, "certificate-authority-data": base64(self.cluster.ca_pem.as_bytes()) } },
            ],
            "users": [{ "name": "me", "user": user }],
        });
        Ok(self.scratch.file("kubeconfig.json", &config.to_string())?.display().to_string())
    }

    /// A driver in whose environment a pod's variables lead nowhere, and a proxy's to nobody.
    fn launch(&self) -> Launch {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let socket = self.scratch.path().join("driver/driver.sock");
        Launch::new(Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma")), nowhere, Path::new("/nonexistent"), &socket)
            .variable("HTTPS_PROXY", "http://127.0.0.1:1")
            .variable("ALL_PROXY", "http://127.0.0.1:1")
    }
}

#[tokio::test]
async fn a_driver_outside_the_cluster_lives_by_a_kubeconfig() -> Outcome<()> {
    let scene = Scene::new().await?;
    scene.scratch.file("token", TOKEN)?;
    let kubeconfig = scene.kubeconfig(&json!({ "tokenFile": "token" }))?;
    let launch = scene.launch().variable("KUBECONFIG", &kubeconfig).variable("RUST_LOG", "trace").flag("--kube-context", "here");
    let driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let create = |name: &str| pb::CreateSandboxRequest { sandbox: Some(sandbox::wanted(name)) };
    gateway.create_sandbox(create("ada")).await?;
    scene.cluster.with(|cluster| {
        cluster.reject_token(TOKEN);
        cluster.accept_token(NEXT_TOKEN, "driver");
    });
    scene.scratch.file("token", NEXT_TOKEN)?;
    gateway.create_sandbox(create("grace")).await?;
    assert_eq!(scene.cluster.with(|cluster| cluster.objects(Kind::Sandbox, "").len()), 2);

    let log = driver.log();
    let server = format!("\"server\":\"{}\"", scene.cluster.address);
    assert!(log.contains(&server) && log.contains("is asked with the bearer token in"), "it says which cluster this is:\n{log}");
    assert!(!log.contains(TOKEN) && !log.contains(NEXT_TOKEN), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_ends_the_driver_with_what_to_do() -> Outcome<()> {
    let scene = Scene::new().await?;
    let exec = json!({ "token": TOKEN, "exec": { "command": "kubectl-oidc_login", "args": [TOKEN] } });
    let yaml = format!("apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    token: {TOKEN}\n");
    let yaml = scene.scratch.file("config.yaml", &yaml)?.display().to_string();
    for (kubeconfig, context, wanted) in [
        (
            scene.kubeconfig(&exec)?,
            "here",
            "context \"here\": user \"me\": exec: the driver runs no program for its credentials. Use a service",
        ),
        (scene.kubeconfig(&exec)?, "elsewhere", "context \"elsewhere\": clusters: there is no \"gone\"; there is \"here\""),
        (yaml, "", "kubectl config view --raw --minify --flatten -o json > kubeconfig.json"),
        ("/nonexistent/kubeconfig.json".into(), "", "kubeconfig /nonexistent/kubeconfig.json: it cannot be read"),
    ] {
        let launch = scene.launch().flag("--kubeconfig", &kubeconfig).flag("--kube-context", context);
        let mut driver = Driver::start(&launch)?;
        assert_eq!(driver.ended().await?.code(), Some(2), "{}", driver.log());
        let log = driver.log();
        assert!(log.contains(wanted) && !log.contains(TOKEN), "{log}");
    }
    Ok(())
}
