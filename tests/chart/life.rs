//! The whole life of a driver with the rights that the chart grants, and where it comes to grief without one of them.
//!
//! Roles, bindings and accounts are the chart's own, applied as rendered; the driver runs with the rendered arguments and that account's token.

use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::core::follow::settings as follow;
use rig::cluster::Cluster;
use rig::driver::{Driver, Launch};
use rig::gateway::{Events, Gateway};
use rig::kube::Kube;
use rig::scratch::Scratch;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tonic::Code;

use crate::render::{Rendered, try_render_in};
use crate::rights::{Right, granted, least};
use crate::server::{administer, namespaces};

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(45);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    let waited = timeout(PATIENCE, async {
        while !is_so().await? {
            sleep(LOOK).await;
        }
        Ok(())
    });
    waited.await.unwrap_or_else(|_| Err(format!("it did not come to it that {what}").into()))
}

/// An installation whose pod is this test.
pub struct Installation {
    pub cluster: Cluster,
    admin: Kube,
    pub rendered: Rendered,
    namespace: String,
    account: String,
    pub scratch: Scratch,
}

impl Installation {
    /// Applies accounts and roles of the chart in a namespace of their own, without the right that is to be missing.
    pub async fn new(namespace: &str, mut values: Value, missing: Option<&Missing>) -> Outcome<Self> {
        // The Istio Gateway that is read when sandboxes are exposed is in Kyma's own.
        namespaces(&[namespace, "kyma-system"], "privileged");
        if values["driver"]["workspaceMode"] == "managed" {
            values["driver"]["gatewayId"] = json!(namespace);
        }
        values["driver"]["sandboxImage"] = json!("registry.example/agent:1");
        let mut rendered = try_render_in(namespace, &values)?;
        if let Some(missing) = missing {
            missing.take(&mut rendered);
        }
        let is_needed = |object: &&Value| {
            let kind = object["kind"].as_str().unwrap_or_default();
            let is_hook = object.pointer("/metadata/annotations/helm.sh~1hook").is_some();
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            // Driver and gateway share an account; here the driver is to be alone with its own rights.
            !is_hook && (kind == "ServiceAccount" || (name.ends_with("-driver") && kind.contains("Role")))
        };
        let objects: Vec<&Value> = rendered.objects.iter().filter(is_needed).collect();
        administer(
            "kubectl",
            &["apply", "--server-side", "--filename", "-"],
            &json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string(),
        )?;
        let cluster = Cluster::here()?;
        let admin = cluster.admin().await?;
        let account =
            rendered.one("Deployment", "openshell")["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap().to_owned();
        let scratch = Scratch::new()?;
        scratch.file("ca.crt", &cluster.ca()?)?;
        let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let token = admin.done("POST", &path, Some(&request)).await?;
        scratch.file("token", token["status"]["token"].as_str().ok_or("no token")?)?;
        let installation = Self { cluster, admin, rendered, namespace: namespace.into(), account, scratch };
        installation.granted_in_effect().await?;
        Ok(installation)
    }

    /// The authorizer learns of roles by watching them: waits until it has.
    async fn granted_in_effect(&self) -> Outcome<()> {
        for right in least(granted(&self.rendered.objects, (&self.namespace, &self.account)))
            .iter()
            .filter(|right| right.group != "authentication.k8s.io")
        {
            let Right { group, resource, verb, name, namespace } = right;
            if (resource.as_str(), verb.as_str()) == ("pods", "get") || (resource.as_str(), verb.as_str()) == ("sandboxes", "get") {
                continue;
            }
            let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
                "user": self.user(),
                "resourceAttributes": { "group": group, "resource": resource, "verb": verb, "name": name, "namespace": namespace },
            } });
            until(&format!("the account may {right}"), async || {
                let review = self.admin.done("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", Some(&review)).await?;
                Ok(review["status"]["allowed"] == true)
            })
            .await?;
        }
        Ok(())
    }

    fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.account)
    }

    /// How the chart starts the driver, but for the places that are a pod's.
    fn launch(&self) -> Launch {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
        let mut launch = Launch::new(binary, self.cluster.api, self.scratch.path(), &self.scratch.path().join("driver/driver.sock"));
        let placed = |argument: &&String| !argument.starts_with("--socket=") && !argument.starts_with("--health-port=");
        launch.flags = self.rendered.arguments().iter().filter(placed).cloned().collect();
        launch
    }

    /// Where sandboxes of the default workspace are.
    fn sandboxes(&self) -> String {
        if self.rendered.config().workspaces.is_shared() { self.namespace.clone() } else { format!("openshell-{}-default", self.namespace) }
    }

    /// What the API server has refused to this account.
    fn refused(&self) -> Outcome<Vec<String>> {
        let entries = self.cluster.audit(&self.user())?;
        let forbidden = entries.iter().filter(|entry| entry["responseStatus"]["code"] == 403);
        Ok(forbidden.map(|entry| format!("{} {}", entry["verb"], entry["requestURI"])).collect())
    }
}

/// A right that is taken away: of one verb, or of a whole rule where no verb is said.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    pub group: &'static str,
    pub resource: &'static str,
    pub verb: &'static str,
}

impl Missing {
    fn take(self, rendered: &mut Rendered) {
        let mut taken = 0;
        for object in &mut rendered.objects {
            if !object["metadata"]["name"].as_str().is_some_and(|name| name.ends_with("-driver")) {
                continue;
            }
            let Some(rules) = object.get_mut("rules").and_then(Value::as_array_mut) else { continue };
            for rule in rules.iter_mut() {
                if rule["apiGroups"][0] == self.group && rule["resources"][0] == self.resource {
                    let verbs = rule["verbs"].as_array_mut().unwrap();
                    let before = verbs.len();
                    verbs.retain(|verb| verb != self.verb);
                    taken += before - verbs.len();
                }
            }
            // A rule without verbs is none.
            rules.retain(|rule| rule["verbs"] != json!([]));
        }
        assert!(taken > 0, "{self:?} was not granted");
    }
}

/// Where a life came to grief, and why.
#[derive(Debug)]
pub struct Grief {
    pub step: &'static str,
    pub why: String,
}

fn at<T>(step: &'static str, outcome: Result<T, impl std::fmt::Display>) -> Result<T, Grief> {
    outcome.map_err(|why| Grief { step, why: why.to_string() })
}

/// Whether an object is as it should be.
type IsRight = fn(&Value) -> bool;

struct Life<'a> {
    home: &'a Installation,
    driver: Driver,
    gateway: Gateway,
    events: Events,
    /// Sandboxes of which a Kubernetes Event was told.
    told: std::collections::BTreeSet<String>,
}

fn wanted(name: &str, image: &str) -> pb::DriverSandbox {
    let mut wanted = sandbox::wanted(name);
    if let Some(template) = wanted.spec.as_mut().and_then(|spec| spec.template.as_mut()) {
        template.image = format!("registry.example/{image}:1");
    }
    wanted
}

impl<'a> Life<'a> {
    async fn begin(home: &'a Installation) -> Outcome<Self> {
        Self::begin_with(home, &[]).await
    }

    async fn begin_with(home: &'a Installation, more: &[&str]) -> Outcome<Self> {
        let mut launch = home.launch();
        launch.flags.extend(more.iter().map(|&flag| flag.to_owned()));
        let driver = Driver::ready(&launch).await?;
        let gateway = Gateway::connect(&driver.socket).await?;
        let events = gateway.watch().await?;
        Ok(Self { home, driver, gateway, events, told: std::collections::BTreeSet::new() })
    }

    async fn create(&self, name: &str, image: &str) -> Result<(), tonic::Status> {
        self.gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted(name, image)) }).await.map(|_| ())
    }

    async fn seen(&mut self, name: &str, is_so: impl Fn(&pb::DriverSandbox) -> bool) -> Outcome<pb::DriverSandbox> {
        let id = sandbox::id(name);
        let told = &mut self.told;
        let mut look = |event: &pb::watch_sandboxes_event::Payload| {
            told.extend(sandbox::happened(event).map(|(about, _)| about.to_owned()));
            sandbox::snapshot(event).filter(|seen| seen.id == id && is_so(seen)).cloned()
        };
        let found = self.events.until(&mut look).await;
        found.map_err(|status| format!("{status}\n{}", self.driver.log()).into())
    }

    /// A day of two sandboxes: every right is used, and what it is for is looked at.
    async fn day(&mut self) -> Result<(), Grief> {
        at("create", self.create("one", "agent").await)?;
        at("ready", self.seen("one", sandbox::is_ready).await)?;
        let id = sandbox::id("one");
        if !self.told.contains(&id) {
            let told = self.events.until(|event| sandbox::happened(event).filter(|(about, _)| *about == id).map(|_| ())).await;
            at("events", told)?;
        }
        // A gateway that lost the answer asks again: what is there is looked at, and is the same.
        at("create again", self.create("one", "agent").await)?;

        at("create", self.create("two", "pull-fails").await)?;
        let says = |seen: &pb::DriverSandbox| sandbox::condition(seen, "Ready").is_some_and(|ready| ready.message.contains("pull"));
        at("reason", self.seen("two", says).await)?;

        let request = |name: &str| (sandbox::id(name), name.to_owned());
        let (sandbox_id, sandbox_name) = request("one");
        at("stop", self.gateway.stop_sandbox(pb::StopSandboxRequest { sandbox_id, sandbox_name }).await)?;
        let (sandbox_id, sandbox_name) = request("one");
        let start = pb::StartSandboxRequest { sandbox_id, sandbox_name, ..pb::StartSandboxRequest::default() };
        at("start", self.gateway.start_sandbox(start).await)?;
        at("ready again", self.seen("one", sandbox::is_ready).await)?;

        let mut gpus = wanted("three", "agent");
        if let Some(spec) = gpus.spec.as_mut() {
            spec.resource_requirements = Some(pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count: Some(1) }) });
        }
        let counted = self.gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(gpus) }).await;
        at(
            "GPUs",
            match counted {
                Err(status) if status.code() == Code::FailedPrecondition && !status.message().contains("forbidden") => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )?;
        Ok(())
    }

    async fn evening(&mut self) -> Result<(), Grief> {
        for name in ["one", "two"] {
            let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
            let deleted = self.gateway.delete_sandbox(request).await;
            at(
                "delete",
                match deleted {
                    Ok(reply) if reply.deleted => Ok(()),
                    other => Err(format!("{other:?}")),
                },
            )?;
            let id = sandbox::id(name);
            at("deleted", self.events.until(|event| sandbox::deleted(event).filter(|deleted| *deleted == id).map(|_| ())).await)?;
        }
        Ok(())
    }

    /// What the driver keeps as it should be in a managed namespace, after somebody has changed it.
    async fn upkeep(mut self) -> Result<Self, Grief> {
        let home = self.home;
        let namespace = home.sandboxes();
        let admin = &home.admin;
        let policy = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/openshell-sandboxes");
        let label = format!("/api/v1/namespaces/{namespace}");
        let source = format!("/api/v1/namespaces/{}/secrets/registry", home.namespace);
        let copy = format!("/api/v1/namespaces/{namespace}/secrets/registry");
        at("arrange", admin.done("PATCH", &policy, Some(&json!({ "spec": { "egress": [{}] } }))).await)?;
        at(
            "arrange",
            admin
                .done("PATCH", &label, Some(&json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "baseline" } } })))
                .await,
        )?;
        at("arrange", admin.done("PATCH", &source, Some(&json!({ "data": { ".dockerconfigjson": "e30K" } }))).await)?;
        at("restart", self.driver.signal("TERM").await)?;
        at("restart", self.driver.ended().await)?;
        self = at("restart", Self::begin(home).await)?;
        at("create after a change", self.create("four", "agent").await)?;
        let looks: [(&'static str, &str, IsRight); 3] = [
            ("policy put right", &policy, |object| object["spec"]["egress"] != json!([{}])),
            ("label put right", &label, |object| object["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"),
            ("secret copied again", &copy, |object| object["data"][".dockerconfigjson"] == "e30K"),
        ];
        for (step, path, is_right) in looks {
            at(step, until(step, async || Ok(is_right(&admin.done("GET", path, None).await?))).await)?;
        }
        Ok(self)
    }
}

/// How sandboxes are reached from outside, and what the driver makes for that.
#[derive(Debug, Clone, Copy)]
enum Route {
    ApiRule,
    VirtualService,
}

impl Route {
    /// That of an installation whose sandboxes are exposed.
    fn of(home: &Installation) -> Option<Self> {
        home.rendered.config().exposure.map(|exposure| match exposure.route {
            follow::Route::ApiRule(_) => Self::ApiRule,
            follow::Route::VirtualService => Self::VirtualService,
        })
    }

    /// Kinds of the objects that expose a sandbox, each with a spec of somebody else's.
    fn kinds(self) -> Vec<(&'static str, Value)> {
        let service = ("services", json!({ "ports": [{ "port": 1 }] }));
        match self {
            Self::ApiRule => {
                let rules = json!([{ "path": "/*", "methods": ["GET"], "noAuth": true }]);
                let gateway = "kyma-system/kyma-gateway";
                let spec = json!({ "hosts": ["a"], "gateway": gateway, "service": { "name": "a", "port": 1 }, "rules": rules });
                vec![service, ("apirules", spec)]
            }
            Self::VirtualService => {
                vec![service, ("virtualservices", json!({ "hosts": ["a.example"] })), ("networkpolicies", json!({ "podSelector": {} }))]
            }
        }
    }

    /// What is said of a sandbox when the driver has done its part, reason and message: here nobody does Kyma's.
    fn done(self) -> (&'static str, &'static str) {
        match self {
            Self::ApiRule => ("Pending", "Kyma has not looked"),
            Self::VirtualService => ("Routed", "https://"),
        }
    }
}

/// The version and kind of a resource that exposes sandboxes.
fn typed(resource: &str) -> (&'static str, &'static str) {
    match resource {
        "services" => ("v1", "Service"),
        "apirules" => ("gateway.kyma-project.io/v2", "APIRule"),
        "virtualservices" => ("networking.istio.io/v1", "VirtualService"),
        _ => ("networking.k8s.io/v1", "NetworkPolicy"),
    }
}

/// Where an object lies that exposes a sandbox.
fn exposing(namespace: &str, resource: &str, name: &str) -> String {
    let root = match typed(resource).0 {
        "v1" => "/api/v1".to_owned(),
        version => format!("/apis/{version}"),
    };
    format!("{root}/namespaces/{namespace}/{resource}/expose-default--{name}")
}

/// The Istio Gateway of the cluster, and somebody else's objects, one of each kind, by the name that a sandbox's would have.
fn arrange_exposure(home: &Installation, route: Route) -> Outcome<()> {
    let mut objects = vec![json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "kyma-gateway", "namespace": "kyma-system" },
        "spec": { "selector": { "istio": "ingressgateway" }, "servers": [
            { "hosts": ["*.c-1a2b3c4.kyma.example.com"], "port": { "name": "https", "number": 443, "protocol": "HTTPS" } },
        ] },
    })];
    objects.extend(route.kinds().into_iter().map(|(resource, spec)| {
        let (version, kind) = typed(resource);
        let metadata = json!({ "name": format!("expose-default--{resource}"), "namespace": home.namespace });
        json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec })
    }));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    administer("kubectl", &["apply", "--server-side", "--force-conflicts", "--filename", "-"], &list.to_string())?;
    Ok(())
}

/// The life of exposed sandboxes: made, kept apart from somebody else's, changed with the flags, and gone with their sandbox.
async fn live_exposed(home: &Installation, route: Route) -> Result<(), Grief> {
    at("arrange", arrange_exposure(home, route))?;
    let resources: Vec<&'static str> = route.kinds().into_iter().map(|(resource, _)| resource).collect();
    let mut life = at("start", Life::begin(home).await)?;
    let is = |(reason, message): (&'static str, &'static str)| {
        move |seen: &pb::DriverSandbox| {
            sandbox::condition(seen, "Exposed").is_some_and(|exposed| exposed.reason == reason && exposed.message.contains(message))
        }
    };
    at("create", life.create("one", "agent").await)?;
    let secrets = format!("/api/v1/namespaces/{}/secrets", home.namespace);
    let is_kept = async || {
        let list = home.admin.done("GET", &secrets, None).await?;
        let is_ours = |secret: &Value| secret["metadata"]["ownerReferences"][0]["kind"] == "Sandbox";
        Ok(list["items"].as_array().into_iter().flatten().any(is_ours))
    };
    at("token", until("there is a Secret with the gateway's token", is_kept).await)?;
    at("exposed", life.seen("one", is(route.done())).await)?;
    for resource in &resources {
        at("create", life.create(resource, "agent").await)?;
        at("name taken", life.seen(resource, is(("NameTaken", "is there already"))).await)?;
    }
    at("restart", life.driver.signal("TERM").await)?;
    at("restart", life.driver.ended().await)?;
    life = at("restart", Life::begin_with(home, &["--exposed-port=9090"]).await)?;
    for resource in &resources {
        let path = exposing(&home.namespace, resource, "one");
        let changed = async || Ok(home.admin.done("GET", &path, None).await?["spec"].to_string().contains("9090"));
        at("changed with the flags", until("the other port is in it", changed).await)?;
    }
    let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id("one"), sandbox_name: "one".into() };
    at("delete", life.gateway.delete_sandbox(request).await)?;
    for resource in &resources {
        let path = exposing(&home.namespace, resource, "one");
        at("gone", until("it is gone", async || Ok(home.admin.ask("GET", &path, None).await?.status == 404)).await)?;
    }
    let refused = at("audit", home.refused())?;
    at("nothing refused", if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) })
}

/// The whole life of an installation: Ok when nothing was missing.
pub async fn live(home: &Installation) -> Result<(), Grief> {
    if let Some(route) = Route::of(home) {
        return live_exposed(home, route).await;
    }
    let managed = !home.rendered.config().workspaces.is_shared();
    if managed {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "registry" },
            "type": "kubernetes.io/dockerconfigjson", "data": { ".dockerconfigjson": "e30=" },
        });
        let secrets = format!("/api/v1/namespaces/{}/secrets", home.namespace);
        at("arrange", home.admin.done("POST", &secrets, Some(&secret)).await)?;
    }
    let mut life = at("start", Life::begin(home).await)?;
    life.day().await?;
    if managed {
        life = life.upkeep().await?;
    }
    life.evening().await?;
    if managed {
        let request = pb::DeleteWorkspaceRequest { workspace: "default".into() };
        at("delete the workspace", life.gateway.delete_workspace(request).await)?;
        let path = format!("/api/v1/namespaces/{}", home.sandboxes());
        let gone = async || {
            let answer = home.admin.ask("GET", &path, None).await?;
            Ok(answer.status == 404 || answer.body["metadata"]["deletionTimestamp"].is_string())
        };
        at("workspace gone", until("the namespace goes", gone).await)?;
    }
    let refused = at("audit", home.refused())?;
    at("nothing refused", if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) })
}
