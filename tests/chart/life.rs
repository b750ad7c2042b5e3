//! A driver lives its whole life with exactly the rights that the chart grants, and misses each one that is taken away.
//!
//! Roles, bindings and accounts are the chart's own, applied as rendered; the driver runs with the rendered arguments and that account's token.

use std::time::Duration;

use openshell_driver_kyma::contract::messages::compute as pb;
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
struct Installation {
    cluster: Cluster,
    admin: Kube,
    rendered: Rendered,
    namespace: String,
    account: String,
    scratch: Scratch,
}

impl Installation {
    /// Applies accounts and roles of the chart in a namespace of their own, without the right that is to be missing.
    async fn new(namespace: &str, mut values: Value, missing: Option<&Missing>) -> Outcome<Self> {
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
    group: &'static str,
    resource: &'static str,
    verb: &'static str,
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
struct Grief {
    step: &'static str,
    why: String,
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

/// What an object of a kind that exposes a sandbox is called, and where.
fn exposing(namespace: &str, kind: &str, name: &str) -> String {
    let api = match kind {
        "services" => "/api/v1",
        "virtualservices" => "/apis/networking.istio.io/v1",
        _ => "/apis/networking.k8s.io/v1",
    };
    format!("{api}/namespaces/{namespace}/{kind}/expose-default--{name}")
}

/// The Istio Gateway of the cluster, and somebody else's objects, one of each kind, by the name that a sandbox's would have.
fn arrange_exposure(home: &Installation) -> Outcome<()> {
    let named = |kind: &str| json!({ "name": format!("expose-default--{kind}"), "namespace": home.namespace });
    let objects = json!([
        {
            "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": { "name": "kyma-gateway", "namespace": "kyma-system" },
            "spec": { "selector": { "istio": "ingressgateway" }, "servers": [
                { "hosts": ["*.c-1a2b3c4.kyma.example.com"], "port": { "name": "https", "number": 443, "protocol": "HTTPS" } },
            ] },
        },
        { "apiVersion": "v1", "kind": "Service", "metadata": named("services"), "spec": { "ports": [{ "port": 1 }] } },
        { "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": named("virtualservices"), "spec": { "hosts": ["a.example"] } },
        { "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": named("networkpolicies"), "spec": { "podSelector": {} } },
    ]);
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    administer("kubectl", &["apply", "--server-side", "--force-conflicts", "--filename", "-"], &list.to_string())?;
    Ok(())
}

const EXPOSING: [&str; 3] = ["services", "virtualservices", "networkpolicies"];

/// The life of exposed sandboxes: made, kept apart from somebody else's, changed with the flags, and gone with their sandbox.
async fn live_exposed(home: &Installation) -> Result<(), Grief> {
    at("arrange", arrange_exposure(home))?;
    let mut life = at("start", Life::begin(home).await)?;
    let is = |reason: &'static str| {
        move |seen: &pb::DriverSandbox| sandbox::condition(seen, "Exposed").is_some_and(|exposed| exposed.reason == reason)
    };
    at("create", life.create("one", "agent").await)?;
    let secrets = format!("/api/v1/namespaces/{}/secrets", home.namespace);
    let is_kept = async || {
        let list = home.admin.done("GET", &secrets, None).await?;
        let is_ours = |secret: &Value| secret["metadata"]["ownerReferences"][0]["kind"] == "Sandbox";
        Ok(list["items"].as_array().into_iter().flatten().any(is_ours))
    };
    at("token", until("there is a Secret with the gateway's token", is_kept).await)?;
    at("exposed", life.seen("one", is("Routed")).await)?;
    for kind in EXPOSING {
        at("create", life.create(kind, "agent").await)?;
        at("name taken", life.seen(kind, is("NameTaken")).await)?;
    }
    at("restart", life.driver.signal("TERM").await)?;
    at("restart", life.driver.ended().await)?;
    life = at("restart", Life::begin_with(home, &["--exposed-port=9090"]).await)?;
    for kind in EXPOSING {
        let path = exposing(&home.namespace, kind, "one");
        let changed = async || Ok(home.admin.done("GET", &path, None).await?["spec"].to_string().contains("9090"));
        at("changed with the flags", until("the other port is in it", changed).await)?;
    }
    let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id("one"), sandbox_name: "one".into() };
    at("delete", life.gateway.delete_sandbox(request).await)?;
    for kind in EXPOSING {
        let path = exposing(&home.namespace, kind, "one");
        at("gone", until("it is gone", async || Ok(home.admin.ask("GET", &path, None).await?.status == 404)).await)?;
    }
    let refused = at("audit", home.refused())?;
    at("nothing refused", if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) })
}

/// The whole life of an installation: Ok when nothing was missing.
async fn live(home: &Installation) -> Result<(), Grief> {
    if home.rendered.config().exposure.is_some() {
        return live_exposed(home).await;
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

fn shared() -> Value {
    json!({ "gateway": { "tls": { "enabled": false } }, "acknowledge": ["plaintextGateway"], "driver": {} })
}

fn managed() -> Value {
    json!({
        "gateway": { "tls": { "enabled": false } }, "acknowledge": ["plaintextGateway"],
        "driver": { "workspaceMode": "managed", "imagePullSecrets": ["registry"] },
    })
}

fn exposed() -> Value {
    let mut values = shared();
    values["acknowledge"] = json!(["plaintextGateway", "exposureWithoutAuthentication"]);
    values["driver"] = json!({ "exposure": "virtualservice", "apiruleAuth": "none", "sandboxCredential": "token" });
    values
}

fn nothing() -> Vec<Right> {
    Vec::new()
}

/// What the driver may do in the default installation: tested there.
fn of_the_shared() -> Vec<Right> {
    rights_of_the_driver(&try_render_in("any", &shared()).unwrap())
}

fn rights_of_the_driver(rendered: &Rendered) -> Vec<Right> {
    let is_ours = |object: &&Value| object["metadata"]["name"].as_str().is_some_and(|name| name.ends_with("-driver"));
    let roles: Vec<Value> = rendered.objects.iter().filter(is_ours).cloned().collect();
    granted(&roles, ("any", "openshell"))
}

/// The check before an install, with the account that the hook has: it finds nothing to mend.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_before_an_install_passes_with_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-check", shared(), None).await?;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
    let placed = |argument: &&String| !argument.starts_with("--socket=") && !argument.starts_with("--health-port=");
    let output = command
        .arg("check")
        .args(home.rendered.arguments().iter().filter(placed))
        .arg(format!("--socket={}/driver/driver.sock", home.scratch.path().display()))
        .env_clear()
        .env("KUBERNETES_SERVICE_HOST", home.cluster.api.ip().to_string())
        .env("KUBERNETES_SERVICE_PORT", home.cluster.api.port().to_string())
        .env("OPENSHELL_DRIVER_API_CREDENTIALS_DIR", home.scratch.path())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains('✗') && !text.contains("not granted"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-life", shared(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_in_managed_workspaces_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-managed", managed(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_of_exposed_sandboxes_with_exactly_these_rights() -> Outcome<()> {
    let home = Installation::new("chart-exposed", exposed(), None).await?;
    live(&home).await.map_err(|grief| format!("{}: {}", grief.step, grief.why).into())
}

/// A test for each right: without it, life breaks where that right is needed.
macro_rules! without {
    ($module:ident, $values:ident, $prefix:literal, beyond $known:ident: $($test:ident: $verb:literal $group:literal $resource:literal => $step:literal;)*) => {
        mod $module {
            use super::*;

            const ALL: &[Missing] = &[$(Missing { group: $group, resource: $resource, verb: $verb }),*];

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> Outcome<()> {
                let missing = Missing { group: $group, resource: $resource, verb: $verb };
                let namespace = concat!($prefix, stringify!($test)).replace('_', "-");
                let home = Installation::new(&namespace, $values(), Some(&missing)).await?;
                match live(&home).await {
                    Ok(()) => Err(format!("nobody misses {} on {}", $verb, $resource).into()),
                    Err(grief) if grief.step == $step => Ok(()),
                    Err(grief) => Err(format!("{} is missed at {:?}, not at {:?}: {}", stringify!($test), grief.step, $step, grief.why).into()),
                }
            })*

            #[test]
            fn every_right_has_its_test() {
                let known: std::collections::BTreeSet<Right> = $known().into_iter().collect();
                let rights = rights_of_the_driver(&try_render_in("any", &$values()).unwrap());
                let rights = rights.iter().filter(|right| !known.contains(right));
                let granted: std::collections::BTreeSet<_> = rights.map(|right| (right.group.as_str(), right.resource.as_str(), right.verb.as_str())).collect();
                let tested: std::collections::BTreeSet<_> = ALL.iter().map(|missing| (missing.group, missing.resource, missing.verb)).collect();
                assert_eq!(granted, tested);
            }
        }
    };
}

without! { shared_namespace, shared, "s-", beyond nothing:
    create_sandboxes: "create" "agents.x-k8s.io" "sandboxes" => "create";
    delete_sandboxes: "delete" "agents.x-k8s.io" "sandboxes" => "delete";
    get_sandboxes: "get" "agents.x-k8s.io" "sandboxes" => "create again";
    list_sandboxes: "list" "agents.x-k8s.io" "sandboxes" => "start";
    patch_sandboxes: "patch" "agents.x-k8s.io" "sandboxes" => "stop";
    watch_sandboxes: "watch" "agents.x-k8s.io" "sandboxes" => "nothing refused";
    get_pods: "get" "" "pods" => "stop";
    list_pods: "list" "" "pods" => "reason";
    watch_pods: "watch" "" "pods" => "nothing refused";
    list_events: "list" "" "events" => "nothing refused";
    watch_events: "watch" "" "events" => "nothing refused";
    get_namespaces: "get" "" "namespaces" => "start";
    list_nodes: "list" "" "nodes" => "GPUs";
}

without! { managed_workspaces, managed, "m-", beyond nothing:
    create_sandboxes: "create" "agents.x-k8s.io" "sandboxes" => "create";
    delete_sandboxes: "delete" "agents.x-k8s.io" "sandboxes" => "delete";
    get_sandboxes: "get" "agents.x-k8s.io" "sandboxes" => "create again";
    list_sandboxes: "list" "agents.x-k8s.io" "sandboxes" => "start";
    patch_sandboxes: "patch" "agents.x-k8s.io" "sandboxes" => "stop";
    watch_sandboxes: "watch" "agents.x-k8s.io" "sandboxes" => "nothing refused";
    get_pods: "get" "" "pods" => "stop";
    list_pods: "list" "" "pods" => "reason";
    watch_pods: "watch" "" "pods" => "nothing refused";
    list_events: "list" "" "events" => "nothing refused";
    watch_events: "watch" "" "events" => "nothing refused";
    create_namespaces: "create" "" "namespaces" => "create";
    get_namespaces: "get" "" "namespaces" => "create after a change";
    patch_namespaces: "patch" "" "namespaces" => "create after a change";
    delete_namespaces: "delete" "" "namespaces" => "delete the workspace";
    create_serviceaccounts: "create" "" "serviceaccounts" => "create";
    create_secrets: "create" "" "secrets" => "create";
    get_secrets: "get" "" "secrets" => "create";
    patch_secrets: "patch" "" "secrets" => "create after a change";
    create_networkpolicies: "create" "networking.k8s.io" "networkpolicies" => "create";
    get_networkpolicies: "get" "networking.k8s.io" "networkpolicies" => "create after a change";
    patch_networkpolicies: "patch" "networking.k8s.io" "networkpolicies" => "create after a change";
    list_nodes: "list" "" "nodes" => "GPUs";
}

without! { exposed_sandboxes, exposed, "e-", beyond of_the_shared:
    create_secrets: "create" "" "secrets" => "token";
    get_gateways: "get" "networking.istio.io" "gateways" => "exposed";
    create_services: "create" "" "services" => "exposed";
    get_services: "get" "" "services" => "name taken";
    list_services: "list" "" "services" => "exposed";
    patch_services: "patch" "" "services" => "changed with the flags";
    watch_services: "watch" "" "services" => "nothing refused";
    create_virtualservices: "create" "networking.istio.io" "virtualservices" => "exposed";
    get_virtualservices: "get" "networking.istio.io" "virtualservices" => "name taken";
    list_virtualservices: "list" "networking.istio.io" "virtualservices" => "exposed";
    patch_virtualservices: "patch" "networking.istio.io" "virtualservices" => "changed with the flags";
    watch_virtualservices: "watch" "networking.istio.io" "virtualservices" => "nothing refused";
    create_networkpolicies: "create" "networking.k8s.io" "networkpolicies" => "exposed";
    get_networkpolicies: "get" "networking.k8s.io" "networkpolicies" => "name taken";
    list_networkpolicies: "list" "networking.k8s.io" "networkpolicies" => "exposed";
    patch_networkpolicies: "patch" "networking.k8s.io" "networkpolicies" => "changed with the flags";
    watch_networkpolicies: "watch" "networking.k8s.io" "networkpolicies" => "nothing refused";
}
