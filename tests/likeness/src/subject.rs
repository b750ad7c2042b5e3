//! The two clusters a scenario is played on, and what has to be arranged on each in its own way.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use kubesim::serve::Server;
use kubesim::{Access, NodeShape, Options, PodBehaviour, PodFailure, Presence, Rule};
use rig::kube::Kube;
use rig::scratch::Scratch;
use rig::{Failure, Outcome};
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Who plays: the same user on both.
pub const ADMIN: &str = "system:serviceaccount:kube-system:cluster-test-admin";
/// The administrator's token on the model.
const TOKEN: &str = "likeness-admin";
/// How long the real server may take to notice a new right.
const RIGHTS: Duration = Duration::from_secs(10);

/// A cluster.
pub enum Subject {
    /// The model, served over HTTPS.
    Model(Box<Model>),
    /// A real API server with real controllers.
    Real(Real),
}

/// A model of its own for each scenario.
pub struct Model {
    server: Server,
    files: Scratch,
}

/// What `tests/cluster/up` has started.
#[derive(Clone, Debug)]
pub struct Real {
    /// The cluster's directory.
    pub directory: PathBuf,
    /// The API server's host.
    pub host: String,
    /// And port.
    pub port: u16,
}

/// What becomes of a sandbox's pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs and is ready.
    Runs,
    /// Its container exits with 1.
    Fails,
    /// Its image cannot be had.
    PullFails,
}

impl Fate {
    /// The image by which the simulated kubelet of `tests/cluster` knows.
    #[must_use]
    pub fn image(self) -> &'static str {
        match self {
            Self::Runs => "registry.example/agent:1",
            Self::Fails => "registry.example/fails:1",
            Self::PullFails => "registry.example/pull-fails:1",
        }
    }
}

impl Subject {
    /// A fresh model.
    ///
    /// # Errors
    /// When it cannot be served.
    pub async fn model() -> Outcome<Self> {
        let everything = Rule::new("*", &["*"], &["*"]).for_user(ADMIN);
        let options = Options {
            access: Access::open().with_tokens([(TOKEN, ADMIN)]).with_grants(vec![everything]),
            nodes: vec![NodeShape { name: "simulated".to_owned(), gpus: 0, labels: Vec::new() }],
            kyma: Presence::Present,
            ..Options::default()
        };
        Self::model_of(options).await
    }

    /// A model of this kind.
    ///
    /// # Errors
    /// When it cannot be served.
    pub async fn model_of(options: Options) -> Outcome<Self> {
        let server = Server::start(options).await?;
        let files = Scratch::new()?;
        files.file("ca.crt", &server.ca_pem)?;
        Ok(Self::Model(Box::new(Model { server, files })))
    }

    /// A client with this token; with none if it is empty.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(&self, token: &str) -> Outcome<Kube> {
        match self {
            Self::Model(model) => Kube::connect("127.0.0.1", model.server.address.port(), &model.files.path().join("ca.crt"), token).await,
            Self::Real(real) => Kube::connect(&real.host, real.port, &real.directory.join("ca.crt"), token).await,
        }
    }

    /// The administrator.
    ///
    /// # Errors
    /// When the server cannot be reached.
    #[expect(clippy::disallowed_methods, reason = "the token is a file")]
    pub async fn admin(&self) -> Outcome<Kube> {
        match self {
            Self::Model(_) => self.connect(TOKEN).await,
            Self::Real(real) => self.connect(std::fs::read_to_string(real.directory.join("admin-token"))?.trim()).await,
        }
    }

    /// Gives a service account a right, and waits until it has it.
    ///
    /// # Errors
    /// When it does not get it.
    pub async fn grant(&self, admin: &Kube, namespace: &str, account: &str, client: &Kube, rule: &Rule) -> Outcome<()> {
        match self {
            Self::Model(model) => {
                let rule = rule.clone().for_user(&format!("system:serviceaccount:{namespace}:{account}"));
                model.server.with(|cluster| cluster.grant(rule));
                Ok(())
            }
            Self::Real(_) => {
                bind(admin, namespace, account, rule).await?;
                let sees = may(client, namespace, rule);
                tokio::time::timeout(RIGHTS, sees).await.map_err(|_| format!("{account} did not get its rights in {RIGHTS:?}"))?
            }
        }
    }

    /// Says what becomes of the pod of that name; the real kubelet's stand-in goes by the image.
    pub fn fate(&self, namespace: &str, name: &str, fate: Fate) {
        let Self::Model(model) = self else { return };
        let behaviour = match fate {
            Fate::Runs => PodBehaviour::BecomesReady,
            Fate::Fails => PodBehaviour::FailsAfter { ready_ms: 0, failure: PodFailure::Exited(1) },
            Fate::PullFails => PodBehaviour::ImagePullBackOff,
        };
        model.server.with(|cluster| cluster.set_pod_behaviour(namespace, name, behaviour));
    }

    /// Forgets the past: everything but the present is compacted away.
    ///
    /// # Errors
    /// When etcd does not do it.
    #[expect(clippy::disallowed_methods, reason = "where etcd listens is a file")]
    pub async fn compact(&self) -> Outcome<()> {
        match self {
            Self::Model(model) => model.server.with(kubesim::Cluster::compact),
            Self::Real(real) => {
                let url = std::fs::read_to_string(real.directory.join("etcd-url"))?;
                let range = etcd(&url, "/v3/kv/range", &json!({ "key": "AA==", "keys_only": true })).await?;
                let revision = range["header"]["revision"].as_str().ok_or_else(|| format!("etcd names no revision: {range}"))?;
                // As the API server's own compaction does: it says so in this key, by which servers know what to forget themselves.
                let said = json!({ "key": BASE64.encode("compact_rev_key"), "value": BASE64.encode(revision) });
                etcd(&url, "/v3/kv/put", &said).await?;
                etcd(&url, "/v3/kv/compaction", &json!({ "revision": revision, "physical": true })).await?;
            }
        }
        Ok(())
    }
}

/// Makes the role and its binding: in the rule's namespace, or in the cluster.
async fn bind(admin: &Kube, namespace: &str, account: &str, rule: &Rule) -> Outcome<()> {
    let (prefix, role) = match &rule.namespace {
        Some(place) => (format!("namespaces/{place}/"), "Role"),
        None => (String::new(), "ClusterRole"),
    };
    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/{prefix}{}", role.to_lowercase());
    // A review's reason names the binding.
    let first = |words: &[String]| words.first().cloned().unwrap_or_default();
    let metadata = json!({ "name": format!("{namespace}-{account}-{}", first(&rule.resources)) });
    let rules = json!([{ "apiGroups": rule.groups, "resources": rule.resources, "verbs": rule.verbs }]);
    let made = admin.done("POST", &format!("{rbac}s"), Some(&json!({ "metadata": metadata, "rules": rules }))).await?;
    let binding = json!({
        "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": made["metadata"]["name"] },
        "subjects": [{ "kind": "ServiceAccount", "namespace": namespace, "name": account }],
    });
    admin.done("POST", &format!("{rbac}bindings"), Some(&binding)).await?;
    Ok(())
}

/// Asks until the right is there.
async fn may(client: &Kube, namespace: &str, rule: &Rule) -> Outcome<()> {
    let first = |words: &[String]| words.first().cloned().unwrap_or_default();
    let (resource, subresource) = first(&rule.resources)
        .split_once('/')
        .map_or_else(|| (first(&rule.resources), String::new()), |(resource, subresource)| (resource.to_owned(), subresource.to_owned()));
    let attributes = json!({
        "group": first(&rule.groups), "resource": resource, "subresource": subresource, "verb": first(&rule.verbs),
        "namespace": rule.namespace.as_deref().unwrap_or(namespace),
    });
    let review =
        json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": { "resourceAttributes": attributes } });
    loop {
        let answer = client.done("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", Some(&review)).await?;
        if answer["status"]["allowed"] == true {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks etcd's JSON gateway.
async fn etcd(url: &str, path: &str, body: &Value) -> Outcome<Value> {
    let address = url.trim().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = http::Request::post(path).header("host", address).body(Full::new(Bytes::from(body.to_string())))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&body)?;
    if status.is_success() { Ok(answer) } else { Err(Failure::from(format!("etcd {path}: {status} {answer}"))) }
}
