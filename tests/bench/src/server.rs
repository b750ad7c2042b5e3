//! The API server that everything is measured on: the real one of `tests/cluster`, or the model of it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

use kubesim::serve::Server as Model;
use kubesim::{Access, Kind, Options, Pace, Power, Termination};
use rig::cluster::Cluster;
use rig::kube::Kube;
use rig::scratch::Scratch;
use rig::{Failure, Outcome};
use serde_json::{Value, json};

use crate::bytes::Raw;
use crate::flags::Api;
use crate::recorded::Recorded;
use crate::rounds::many;

/// Where sandboxes are.
pub const NAMESPACE: &str = "openshell-system";
/// Requests at the same time, where many objects are made.
const AT_ONCE: usize = 16;
/// What the floor calls itself.
const FLOOR: &str = "bench-floor";
/// What arranges things calls itself.
const ADMIN: &str = "bench-admin";
/// How our driver calls itself.
const OURS: &str = "openshell-driver-kyma";

/// An API server.
pub struct Server {
    kind: Api,
    /// Where it is.
    pub address: SocketAddr,
    /// A directory with `ca.crt` and `token`, as a pod has it mounted.
    pub credentials: PathBuf,
    /// Where the benchmark's own files are.
    pub scratch: Scratch,
    cluster: Option<Cluster>,
    model: Option<Arc<Model>>,
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Our driver.
    Ours,
    /// Another driver.
    Peers,
}

/// A place in the log of requests.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

/// A client of the API server's that does nothing but ask.
#[derive(Debug, Clone)]
pub struct Client {
    kube: Kube,
    agent: &'static str,
}

impl Client {
    /// Asks, and takes nothing but success. The answer is read, and left as it came.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn send(&self, raw: &Raw) -> Outcome<bytes::Bytes> {
        use http_body_util::BodyExt as _;
        let headers = [("content-type", raw.content_type), ("accept", "application/json"), ("user-agent", self.agent)];
        let headers = if raw.content_type.is_empty() { &headers[1..] } else { &headers[..] };
        let response = self.kube.send(raw.method, &raw.path, headers, raw.body.clone().into()).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(format!("{} {}: {status} {}", raw.method, raw.path, String::from_utf8_lossy(&body)).into())
    }

    /// Asks for something with a body of its own.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn ask(&self, method: &'static str, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = body.map(Value::to_string).unwrap_or_default();
        Ok(serde_json::from_slice(&self.send(&Raw { method, path: path.into(), content_type, body }).await?)?)
    }

    /// Opens a watch.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn watch(&self, path: &str) -> Outcome<hyper::body::Incoming> {
        let response = self.kube.send("GET", path, &[("user-agent", self.agent)], bytes::Bytes::new()).await?;
        if response.status().is_success() { Ok(response.into_body()) } else { Err(format!("{path}: {}", response.status()).into()) }
    }
}

impl Server {
    /// Finds the real one, or starts the model.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(api: Api) -> Outcome<Self> {
        let scratch = Scratch::new()?;
        match api {
            Api::Real => {
                let cluster = Cluster::here()?;
                let (address, credentials) = (cluster.api, cluster.directory.clone());
                Ok(Self { kind: api, address, credentials, scratch, cluster: Some(cluster), model: None })
            }
            Api::Kubesim => {
                let model = model()?;
                scratch.file("ca.crt", &model.ca_pem)?;
                scratch.file("token", OURS)?;
                let credentials = scratch.path().to_owned();
                Ok(Self { kind: api, address: model.address, credentials, scratch, cluster: None, model: Some(model) })
            }
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn described(&self) -> &'static str {
        match self.kind {
            Api::Real => "kube-apiserver and etcd of tests/cluster",
            Api::Kubesim => "kubesim, a model, in the benchmark's own process",
        }
    }

    async fn connect(&self, token: &str, agent: &'static str) -> Outcome<Client> {
        let ca = self.credentials.join("ca.crt");
        let kube = Kube::connect(&self.address.ip().to_string(), self.address.port(), &ca, token).await?;
        Ok(Client { kube, agent })
    }

    /// Somebody with the driver's rights, and on the real server with its very token.
    ///
    /// # Errors
    /// When the server is not there.
    pub async fn floor(&self) -> Outcome<Client> {
        match self.kind {
            Api::Real => self.connect(&fs::read_to_string(self.credentials.join("token"))?, FLOOR).await,
            Api::Kubesim => self.connect(FLOOR, FLOOR).await,
        }
    }

    /// Somebody who may do everything.
    ///
    /// # Errors
    /// When the server is not there.
    pub async fn admin(&self) -> Outcome<Client> {
        match self.kind {
            Api::Real => self.connect(&fs::read_to_string(self.credentials.join("admin-token"))?, ADMIN).await,
            Api::Kubesim => self.connect(ADMIN, ADMIN).await,
        }
    }

    /// Lets the agent-sandbox controller and the kubelet work, or not.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn let_controllers(&self, power: Power) -> Outcome<()> {
        if let Some(cluster) = &self.cluster {
            let verb = if power == Power::Running { "start" } else { "stop" };
            for process in ["agent-sandbox-controller", "kubelet"] {
                cluster.control(&format!("/processes/{process}/{verb}")).await?;
            }
        }
        if let Some(model) = &self.model {
            model.with(|cluster| cluster.set_controller(power));
        }
        Ok(())
    }

    /// Makes the sandboxes of these numbers, ready and with their pods, without a controller: as if one had been at work.
    ///
    /// # Errors
    /// When one cannot be made.
    pub async fn fill(&self, numbers: std::ops::Range<usize>) -> Outcome<()> {
        if let Some(model) = &self.model {
            for number in numbers {
                let (sandbox, pod) = (made(Recorded::SandboxReady, number)?, made(Recorded::PodReady, number)?);
                model.with(|cluster| put(cluster, Kind::Sandbox, Kind::Pod, sandbox, pod))?;
                // Others want the model, too.
                tokio::task::yield_now().await;
            }
            return Ok(());
        }
        let admin = self.admin().await?;
        let from = numbers.start;
        many(AT_ONCE, numbers.len(), move |at| {
            let admin = admin.clone();
            async move { make(&admin, from + at).await }
        })
        .await
        .map(drop)
    }

    /// A place in the log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn mark(&self) -> Outcome<Mark> {
        if let Some(model) = &self.model {
            return Ok(Mark(model.with(|cluster| cluster.log().len())));
        }
        Ok(Mark(usize::try_from(fs::metadata(self.audit_log())?.len())?))
    }

    fn audit_log(&self) -> PathBuf {
        self.credentials.join("logs/audit.log")
    }

    /// The verbs of what somebody has asked for since, lists and watches of informers and reads of versions and namespaces left out.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn asked_since(&self, mark: Mark, who: Who) -> Outcome<usize> {
        if let Some(model) = &self.model {
            let is_asked = |entry: &&kubesim::Logged| (entry.user == OURS) == (who == Who::Ours) && !is_bench(&entry.user);
            return Ok(model.with(|cluster| cluster.log().iter().skip(mark.0).filter(is_asked).count()));
        }
        let log = fs::read(self.audit_log())?;
        let text = String::from_utf8_lossy(log.get(mark.0..).unwrap_or_default()).into_owned();
        let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_asked = |entry: &Value| {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let agent = text("/userAgent");
            let is_driver = text("/user/username").starts_with("system:serviceaccount:") && !is_bench(agent);
            is_driver && agent.starts_with(OURS) == (who == Who::Ours)
        };
        Ok(entries.filter(is_asked).count())
    }
}

fn is_bench(name: &str) -> bool {
    name == FLOOR || name == ADMIN
}

/// The model, in a thread of its own.
fn model() -> Outcome<Arc<Model>> {
    let users = [(OURS, OURS), (FLOOR, FLOOR), (ADMIN, ADMIN)];
    let options = Options {
        access: Access::open().with_tokens(users),
        pace: Pace::BRISK,
        termination: Termination::After(50),
        watch_history: 200_000,
        log: 2_000_000,
        ..Options::default()
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(sender.send(Err(error))),
        };
        runtime.block_on(async {
            let started = Model::start(options).await.map(Arc::new);
            let has_started = started.is_ok();
            if sender.send(started).is_ok() && has_started {
                std::future::pending::<()>().await;
            }
        });
    });
    Ok(receiver.recv().map_err(|_| "the model does not start")??)
}

/// A recorded object as somebody would create it, its status with it.
fn made(recorded: Recorded, number: usize) -> Outcome<Value> {
    let mut object: Value = serde_json::from_slice(&recorded.object(number, 1))?;
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations" | "ownerReferences"));
    }
    Ok(object)
}

fn owned(pod: &mut Value, uid: &Value) {
    pod["metadata"]["ownerReferences"][0]["uid"] = uid.clone();
}

fn put(cluster: &mut kubesim::Cluster, sandboxes: Kind, pods: Kind, sandbox: Value, mut pod: Value) -> Outcome<()> {
    let refused = |error: kubesim::Refused| Failure::from(format!("{error:?}"));
    let name = sandbox["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let status = json!({ "status": sandbox["status"] });
    let created = cluster.create_object(sandboxes, sandbox).map_err(refused)?;
    cluster.edit_object(sandboxes, NAMESPACE, &name, &status);
    owned(&mut pod, &created["metadata"]["uid"]);
    let status = json!({ "status": pod["status"] });
    cluster.create_object(pods, pod).map_err(refused)?;
    cluster.edit_object(pods, NAMESPACE, &name, &status);
    Ok(())
}

async fn make(admin: &Client, number: usize) -> Outcome<()> {
    let sandboxes = format!("/apis/agents.x-k8s.io/v1beta1/namespaces/{NAMESPACE}/sandboxes");
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let (sandbox, mut pod) = (made(Recorded::SandboxReady, number)?, made(Recorded::PodReady, number)?);
    let name = sandbox["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let created = admin.ask("POST", &sandboxes, Some(&sandbox)).await?;
    let status = |object: &Value| json!({ "status": object["status"] });
    admin.ask("PATCH", &format!("{sandboxes}/{name}/status"), Some(&status(&sandbox))).await?;
    owned(&mut pod, &created["metadata"]["uid"]);
    admin.ask("POST", &pods, Some(&pod)).await?;
    admin.ask("PATCH", &format!("{pods}/{name}/status"), Some(&status(&pod))).await?;
    Ok(())
}

/// The path of a sandbox's object.
#[must_use]
pub fn sandbox_path(number: usize) -> String {
    format!("/apis/agents.x-k8s.io/v1beta1/namespaces/{NAMESPACE}/sandboxes/default--{}", crate::recorded::name(number))
}

/// A directory for a driver's socket, which it makes itself.
#[must_use]
pub fn socket(scratch: &Path, name: &str) -> PathBuf {
    scratch.join(name).join("driver.sock")
}
