//! A namespace of a test's own on the real cluster, with an account that has the driver's rights there; and a driver in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::cluster::Cluster;
use rig::driver::{Driver, Launch};
use rig::gateway::{Events, Gateway};
use rig::kube::{Answer, Kube};
use rig::relay::Relay;
use rig::scratch::Scratch;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tonic::Status;

/// The name of the driver's account, its role and their binding.
const ACCOUNT: &str = "openshell-driver";
/// Where the cluster has the driver's rights written down.
const DRIVER_ROLE: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/openshell-system/roles/openshell-driver";
/// The Secret that the driver's token is bound to: the token ends with it.
const TOKEN_BINDING: &str = "token-binding";
/// Longest wait for something that must happen; retries of controllers double up to many seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the cluster.
const LOOK: Duration = Duration::from_millis(50);

/// Where the account's rights hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// In the test's namespace only, as in production.
    InTheNamespace,
    /// Everywhere, for an account that lives elsewhere: what happens when a namespace goes is hidden otherwise, since the rights go first.
    Everywhere,
}

/// A namespace, and an account with the rights of the driver.
pub struct Place {
    pub cluster: Cluster,
    pub admin: Kube,
    pub namespace: String,
    /// Where the account is.
    home: String,
    scratch: Scratch,
}

impl Place {
    /// Makes a namespace of that name.
    pub async fn new(name: &str) -> Outcome<Self> {
        Self::with(name, Rights::InTheNamespace).await
    }

    /// Makes a namespace of that name, and the account.
    pub async fn with(name: &str, rights: Rights) -> Outcome<Self> {
        let cluster = Cluster::here()?;
        let admin = cluster.admin().await?;
        let home = if rights == Rights::Everywhere { format!("{name}-home") } else { name.to_owned() };
        let place = Self { cluster, admin, namespace: name.into(), home, scratch: Scratch::new()? };
        place.make_namespace().await?;
        if rights == Rights::Everywhere {
            place.make("/api/v1/namespaces", json!({ "metadata": { "name": place.home } })).await?;
        }
        place.make_account(rights).await?;
        place.scratch.file("ca.crt", &place.cluster.ca()?)?;
        place.bind_token(TOKEN_BINDING).await?;
        Ok(place)
    }

    /// Makes the namespace, and waits until it admits pods and Sandboxes.
    pub async fn make_namespace(&self) -> Outcome<()> {
        let labels = json!({ "pod-security.kubernetes.io/enforce": "privileged" });
        self.make("/api/v1/namespaces", json!({ "metadata": { "name": self.namespace, "labels": labels } })).await?;
        let account = format!("/api/v1/namespaces/{}/serviceaccounts/default", self.namespace);
        until("the namespace has its default account", async || Ok(self.admin.ask("GET", &account, None).await?.status == 200)).await
    }

    async fn make_account(&self, rights: Rights) -> Outcome<()> {
        let metadata = json!({ "name": ACCOUNT });
        self.make(&format!("/api/v1/namespaces/{}/serviceaccounts", self.home), json!({ "metadata": metadata })).await?;
        let mut rules = self.admin.done("GET", DRIVER_ROLE, None).await?["rules"].take();
        for rule in rules.as_array_mut().into_iter().flatten().filter(|rule| rule["resources"][0] == "namespaces") {
            rule["resourceNames"] = json!([self.namespace]);
        }
        let (scope, prefix, metadata) = match rights {
            Rights::InTheNamespace => (format!("namespaces/{}/", self.namespace), "", metadata),
            Rights::Everywhere => (String::new(), "Cluster", json!({ "name": self.namespace })),
        };
        let api = "/apis/rbac.authorization.k8s.io/v1";
        let kind = format!("{prefix}Role");
        let plural = kind.to_lowercase();
        self.make(&format!("{api}/{scope}{plural}s"), json!({ "metadata": metadata, "rules": rules })).await?;
        let binding = json!({
            "metadata": metadata,
            "subjects": [{ "kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.home }],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": metadata["name"] },
        });
        self.make(&format!("{api}/{scope}{plural}bindings"), binding).await?;
        until("the account has its rights", async || self.may("list").await).await
    }

    /// Puts a token into the driver's credentials that is valid as long as this Secret is there.
    pub async fn bind_token(&self, secret: &str) -> Outcome<()> {
        let secrets = format!("/api/v1/namespaces/{}/secrets", self.home);
        let uid = self.make(&secrets, json!({ "metadata": { "name": secret } })).await?["metadata"]["uid"].take();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "boundObjectRef": { "apiVersion": "v1", "kind": "Secret", "name": secret, "uid": uid } },
        });
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{ACCOUNT}/token", self.home);
        let token = self.admin.done("POST", &path, Some(&request)).await?;
        self.scratch.file("token", token["status"]["token"].as_str().ok_or("a TokenRequest without a token")?)?;
        Ok(())
    }

    /// Replaces the token: the one before is refused from now on.
    pub async fn rotate_token(&self) -> Outcome<()> {
        self.bind_token("another-binding").await?;
        let old = format!("/api/v1/namespaces/{}/secrets/{TOKEN_BINDING}", self.home);
        self.admin.done("DELETE", &old, None).await.map(|_| ())
    }

    /// Creates something as administrator.
    pub async fn make(&self, collection: &str, object: Value) -> Outcome<Value> {
        self.admin.done("POST", collection, Some(&object)).await
    }

    /// Whether the driver's account may do this to sandboxes here.
    pub async fn may(&self, verb: &str) -> Outcome<bool> {
        let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": self.user(),
            "resourceAttributes": { "group": "agents.x-k8s.io", "resource": "sandboxes", "verb": verb, "namespace": self.namespace },
        } });
        let review = self.admin.done("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", Some(&review)).await?;
        Ok(review["status"]["allowed"] == true)
    }

    /// Takes these verbs on sandboxes away from the driver's account.
    pub async fn forbid(&self, verbs: &[&str]) -> Outcome<()> {
        let role = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/{ACCOUNT}", self.namespace);
        let mut rules = self.admin.done("GET", &role, None).await?["rules"].take();
        for rule in rules.as_array_mut().into_iter().flatten().filter(|rule| rule["resources"][0] == "sandboxes") {
            if let Some(granted) = rule["verbs"].as_array_mut() {
                granted.retain(|verb| !verbs.iter().any(|taken| verb == taken));
            }
        }
        self.admin.done("PATCH", &role, Some(&json!({ "rules": rules }))).await?;
        for verb in verbs {
            until("the right is gone", async || Ok(!self.may(verb).await?)).await?;
        }
        Ok(())
    }

    /// A connection with the driver's token.
    pub async fn as_the_driver(&self) -> Outcome<Kube> {
        self.cluster.connect(&self.token()?).await
    }

    /// Writes a file that goes with the place.
    pub fn file(&self, name: &str, content: &str) -> Outcome<std::path::PathBuf> {
        Ok(self.scratch.file(name, content)?)
    }

    #[expect(clippy::disallowed_methods, reason = "the token is in a file")]
    fn token(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.scratch.path().join("token"))?)
    }

    /// The driver's user, as the API server knows it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{ACCOUNT}", self.home)
    }

    /// The statuses of what the driver has asked for with this verb and this text in the path.
    pub fn audited(&self, verb: &str, part: &str) -> Outcome<Vec<u64>> {
        let is_asked = |entry: &&Value| entry["verb"] == verb && entry["requestURI"].as_str().is_some_and(|uri| uri.contains(part));
        let entries = self.cluster.audit(&self.user())?;
        Ok(entries.iter().filter(is_asked).filter_map(|entry| entry["responseStatus"]["code"].as_u64()).collect())
    }

    /// That the driver was refused nothing, and that whatever it wrote was validated strictly, and taken or there already. Says what it wrote, as verb
    /// and plural.
    pub fn strictly_written(&self) -> Outcome<BTreeSet<(String, String)>> {
        let mut written = BTreeSet::new();
        for entry in self.cluster.audit(&self.user())? {
            let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let status = entry["responseStatus"]["code"].as_u64();
            // Tests ask in its name, too.
            if !text("/userAgent").contains("openshell-driver") {
                continue;
            }
            if status == Some(403) {
                return Err(format!("a right is missing: {entry}").into());
            }
            // A request that the driver itself gave up, because what it was for had gone, was not refused.
            if status == Some(504) && text("/responseStatus/message").ends_with("context canceled") {
                continue;
            }
            if matches!(text("/verb"), "create" | "patch" | "update") {
                if !text("/requestURI").contains("fieldValidation=Strict") || !matches!(status, Some(200 | 201 | 409)) {
                    return Err(format!("not validated strictly, or not taken: {entry}").into());
                }
                written.insert((text("/verb").to_owned(), text("/objectRef/resource").to_owned()));
            }
        }
        Ok(written)
    }

    /// How to start a driver here.
    pub fn launch(&self) -> Launch {
        let binary = Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
        Launch::new(binary, self.cluster.api, self.scratch.path(), &self.scratch.path().join("driver/driver.sock"))
            .flag("--namespace", &self.namespace)
            .flag("--sandbox-image", "registry.example/agent:1")
    }

    /// The same, with this wire to the API server.
    pub fn launch_through(&self, relay: &Relay) -> Launch {
        Launch { api: relay.address, ..self.launch() }
    }

    /// A path for another driver's socket.
    pub fn another_socket(&self) -> std::path::PathBuf {
        self.scratch.path().join("another/driver.sock")
    }

    /// A driver that serves, and a gateway that watches.
    pub async fn play(self) -> Outcome<Play> {
        let launch = self.launch();
        self.play_as(launch).await
    }

    /// The same, with this wire to the API server, on which every connection that the driver needs is up.
    pub async fn play_through(self, relay: &Relay) -> Outcome<Play> {
        let launch = self.launch_through(relay);
        let mut play = self.play_as(launch).await?;
        play.create_ready("first", "agent").await?;
        play.delete("first").await?;
        play.until_deleted("first").await?;
        Ok(play)
    }

    /// The same, started otherwise.
    pub async fn play_as(self, launch: Launch) -> Outcome<Play> {
        let driver = Driver::ready(&launch).await?;
        let gateway = Gateway::connect(&driver.socket).await?;
        let events = gateway.watch().await?;
        Ok(Play { driver, gateway, events, place: self })
    }

    /// Where Sandboxes are in this version.
    pub fn sandboxes_in(&self, version: &str) -> String {
        format!("/apis/agents.x-k8s.io/{version}/namespaces/{}/sandboxes", self.namespace)
    }

    /// Where Sandboxes are.
    pub fn sandboxes(&self) -> String {
        self.sandboxes_in("v1beta1")
    }

    /// Where the object of the sandbox of that name is.
    pub fn sandbox(&self, name: &str) -> String {
        format!("{}/default--{name}", self.sandboxes())
    }

    /// Where pods are.
    pub fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    /// Where the pod of the sandbox of that name is.
    pub fn pod(&self, name: &str) -> String {
        format!("{}/default--{name}", self.pods())
    }

    /// Where the claims of volumes are.
    pub fn claims(&self) -> String {
        format!("/api/v1/namespaces/{}/persistentvolumeclaims", self.namespace)
    }

    /// Reads something that is there.
    pub async fn read(&self, path: &str) -> Outcome<Value> {
        self.admin.done("GET", path, None).await
    }

    /// Changes something by a merge patch.
    pub async fn patch(&self, path: &str, patch: Value) -> Outcome<Value> {
        self.admin.done("PATCH", path, Some(&patch)).await
    }

    /// Deletes something as `kubectl delete` does: by what goes with it in the background.
    pub async fn remove(&self, path: &str) -> Outcome<Answer> {
        self.admin.ask("DELETE", path, None).await
    }

    /// Deletes a pod as if its node had said that it is gone.
    pub async fn force(&self, pod: &str) -> Outcome<()> {
        let now = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0 });
        self.admin.done("DELETE", pod, Some(&now)).await.map(|_| ())
    }

    /// Whether something is there.
    pub async fn is_there(&self, path: &str) -> Outcome<bool> {
        match self.admin.ask("GET", path, None).await?.status {
            200 => Ok(true),
            404 => Ok(false),
            other => Err(format!("GET {path}: {other}").into()),
        }
    }

    /// Waits until something is gone.
    pub async fn until_gone(&self, path: &str) -> Outcome<()> {
        until(&format!("{path} is gone"), async || Ok(!self.is_there(path).await?)).await
    }

    /// A Sandbox as somebody else than the driver would write it, with these metadata.
    pub async fn make_sandbox(&self, metadata: Value) -> Outcome<Value> {
        let spec = json!({ "podTemplate": { "spec": { "containers": [{ "name": "agent", "image": "agent" }] } } });
        let object = json!({ "apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "metadata": metadata, "spec": spec });
        self.make(&self.sandboxes(), object).await
    }
}

/// A driver in its place, and a gateway that watches it. Sandboxes go by the name the gateway gives them.
pub struct Play {
    // Before the place, so that a driver's last words come before its credentials go.
    pub driver: Driver,
    pub gateway: Gateway,
    pub events: Events,
    pub place: Place,
}

impl Play {
    /// A driver in a namespace of that name.
    pub async fn new(name: &str) -> Outcome<Self> {
        Place::new(name).await?.play().await
    }

    /// Creates the sandbox of that name.
    pub async fn create(&self, name: &str) -> Result<(), Status> {
        create(&self.gateway, sandbox::wanted(name)).await
    }

    /// Creates one that fares as its image says: see `tests/cluster/README.md`.
    pub async fn create_with(&self, name: &str, image: &str) -> Result<(), Status> {
        create(&self.gateway, with_image(name, image)).await
    }

    /// Has another replica of the driver create it, which does not tell this one.
    pub async fn create_behind_its_back(&self, name: &str) -> Outcome<()> {
        let another = Driver::ready(&self.place.launch().at(&self.place.another_socket())).await?;
        Ok(create(&Gateway::connect(&another.socket).await?, sandbox::wanted(name)).await?)
    }

    /// Creates one, and waits until it is ready.
    pub async fn create_ready(&mut self, name: &str, image: &str) -> Outcome<pb::DriverSandbox> {
        self.create_with(name, image).await?;
        self.until_ready(name).await
    }

    pub async fn stop(&self, name: &str) -> Result<(), Status> {
        let request = pb::StopSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
        self.gateway.stop_sandbox(request).await.map(|_| ())
    }

    pub async fn start(&self, name: &str) -> Result<(), Status> {
        let request =
            pb::StartSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into(), ..pb::StartSandboxRequest::default() };
        self.gateway.start_sandbox(request).await.map(|_| ())
    }

    /// Deletes it. False: there is none.
    pub async fn delete(&self, name: &str) -> Result<bool, Status> {
        let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
        self.gateway.delete_sandbox(request).await.map(|reply| reply.deleted)
    }

    pub async fn get(&self, name: &str) -> Result<pb::DriverSandbox, Status> {
        self.gateway.get_sandbox(sandbox::get(name)).await?.sandbox.ok_or_else(|| Status::data_loss("a reply without a sandbox"))
    }

    pub async fn list(&self) -> Result<Vec<pb::DriverSandbox>, Status> {
        let listed = self.gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?;
        Ok(listed.sandboxes.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// The first snapshot of a sandbox that is so.
    pub async fn until_seen(&mut self, name: &str, is_so: impl Fn(&pb::DriverSandbox) -> bool) -> Outcome<pb::DriverSandbox> {
        let id = sandbox::id(name);
        let found = self.events.until(|event| sandbox::snapshot(event).filter(|seen| seen.id == id && is_so(seen)).cloned()).await;
        found.map_err(|status| format!("{name} was not seen so: {status}\nthe driver's log:\n{}", self.driver.log()).into())
    }

    pub async fn until_ready(&mut self, name: &str) -> Outcome<pb::DriverSandbox> {
        self.until_seen(name, sandbox::is_ready).await
    }

    /// Waits until a sandbox is said to be deleted.
    pub async fn until_deleted(&mut self, name: &str) -> Outcome<()> {
        let id = sandbox::id(name);
        let found = self.events.until(|event| sandbox::deleted(event).filter(|deleted| *deleted == id).map(|_| ())).await;
        found.map_err(|status| format!("{name} was not said to be deleted: {status}\nthe driver's log:\n{}", self.driver.log()).into())
    }

    /// Waits for a platform event about a sandbox with this reason.
    pub async fn until_happened(&mut self, name: &str, reason: &str) -> Outcome<pb::DriverPlatformEvent> {
        let id = sandbox::id(name);
        let mut find = |event: &pb::watch_sandboxes_event::Payload| {
            sandbox::happened(event).filter(|(about, what)| *about == id && what.reason == reason).map(|(_, what)| what.clone())
        };
        Ok(self.events.until(&mut find).await?)
    }
}

/// Creates a sandbox.
pub async fn create(gateway: &Gateway, wanted: pb::DriverSandbox) -> Result<(), Status> {
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await.map(|_| ())
}

/// What a gateway asks for when its user names an image.
pub fn with_image(name: &str, image: &str) -> pb::DriverSandbox {
    let mut wanted = sandbox::wanted(name);
    let template = pb::DriverSandboxTemplate { image: format!("registry.example/{image}:1"), ..pb::DriverSandboxTemplate::default() };
    if let Some(spec) = wanted.spec.as_mut() {
        spec.template = Some(template);
    }
    wanted
}

/// The reason of a snapshot's Ready, while it is False.
pub fn not_ready(seen: &pb::DriverSandbox) -> Option<&str> {
    sandbox::condition(seen, "Ready").filter(|ready| ready.status == "False").map(|ready| ready.reason.as_str())
}

/// Whether a snapshot's Ready is False with this reason and this text in its message.
pub fn says(seen: &pb::DriverSandbox, reason: &str, part: &str) -> bool {
    sandbox::condition(seen, "Ready").is_some_and(|ready| ready.status == "False" && ready.reason == reason && ready.message.contains(part))
}

/// Whether a snapshot says that the sandbox is stopped.
pub fn is_stopped(seen: &pb::DriverSandbox) -> bool {
    sandbox::condition(seen, "Suspended").is_some_and(|suspended| suspended.status == "True")
}

/// Whether a snapshot is one that the gateway takes for the end of a sandbox.
pub fn is_final(seen: &pb::DriverSandbox) -> bool {
    not_ready(seen).is_some_and(|reason| !["Starting", "DependenciesNotReady", "ReconcilerError"].contains(&reason))
}

/// Waits until it is so, looking again and again where nobody would tell.
pub async fn until(what: &str, is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    until_within(PATIENCE, what, is_so).await
}

/// The same, for what may take longer or less long.
pub async fn until_within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    let waited = timeout(limit, async {
        while !is_so().await? {
            sleep(LOOK).await;
        }
        Ok(())
    });
    waited.await.unwrap_or_else(|_| Err(format!("it did not come to it that {what}").into()))
}
