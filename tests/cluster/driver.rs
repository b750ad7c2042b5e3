//! The driver on a real control plane. `make test-cluster` starts one and runs this in it: the real binary, over its real socket, with a
//! service-account token that has the driver's rights and no others.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it did not expect ends there")]
#![allow(clippy::disallowed_methods, reason = "it finds its cluster in the environment, and reads its files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::kube::Kube;
use rig::sandbox;
use rig::scratch::Scratch;
use serde_json::{Value, json};
use tonic::Code;

const SANDBOXES: &str = "/apis/agents.x-k8s.io/v1beta1/namespaces/openshell-system/sandboxes";

/// The cluster this runs in, and a gateway id of the test's own, so that tests do not see each other's sandboxes.
struct Cluster {
    directory: PathBuf,
    host: String,
    port: u16,
    scratch: Scratch,
    gateway_id: &'static str,
}

impl Cluster {
    fn new(gateway_id: &'static str) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with make test-cluster"));
        Self {
            directory: PathBuf::from(variable("OPENSHELL_KYMA_CLUSTER_DIR")),
            host: variable("KUBERNETES_SERVICE_HOST"),
            port: variable("KUBERNETES_SERVICE_PORT").parse().unwrap(),
            scratch: Scratch::new().unwrap(),
            gateway_id,
        }
    }

    fn launch(&self) -> Launch {
        let address = format!("{}:{}", self.host, self.port).parse().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
        Launch::new(binary, address, &self.directory, &self.scratch.path().join("driver/driver.sock"))
            .flag("--gateway-id", self.gateway_id)
            .flag("--sandbox-image", "registry.example/agent:1")
    }

    async fn admin(&self) -> Kube {
        let token = std::fs::read_to_string(self.directory.join("admin-token")).unwrap();
        Kube::connect(&self.host, self.port, &self.directory.join("ca.crt"), &token).await.unwrap()
    }

    /// Requests the API server has answered for the driver with this method and this text in the path.
    fn audited(&self, method: &str, part: &str) -> usize {
        let log = std::fs::read_to_string(self.directory.join("logs/audit.log")).unwrap();
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| entry["user"]["username"] == "system:serviceaccount:openshell-system:openshell-driver")
            .filter(|entry| entry["verb"] == method && entry.to_string().contains(part))
            .count()
    }
}

/// A sandbox as asked for by the gateway of this test: its id is not another's.
fn wanted(cluster: &Cluster, name: &str) -> pb::DriverSandbox {
    let unique = format!("{}-{name}", cluster.gateway_id);
    pb::DriverSandbox { id: sandbox::id(&unique), name: unique, ..sandbox::wanted(name) }
}

fn get(wanted: &pb::DriverSandbox) -> pb::GetSandboxRequest {
    pb::GetSandboxRequest { sandbox_id: wanted.id.clone(), sandbox_name: wanted.name.clone() }
}

fn delete(wanted: &pb::DriverSandbox) -> pb::DeleteSandboxRequest {
    pb::DeleteSandboxRequest { sandbox_id: wanted.id.clone(), sandbox_name: wanted.name.clone() }
}

fn create(wanted: &pb::DriverSandbox) -> pb::CreateSandboxRequest {
    pb::CreateSandboxRequest { sandbox: Some(wanted.clone()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_born_seen_and_deleted() {
    let cluster = Cluster::new("life");
    let mut driver = Driver::ready(&cluster.launch()).await.unwrap();
    let gateway = Gateway::connect(&driver.socket).await.unwrap();
    let mut events = gateway.watch().await.unwrap();

    let one = wanted(&cluster, "one");
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(one.clone()) }).await.unwrap();
    gateway.create_sandbox(create(&one)).await.unwrap();
    let seen = events.until(|event| sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).cloned()).await.unwrap();
    assert_eq!((&seen.id, &seen.name, seen.workspace.as_str()), (&one.id, &one.name, "default"));

    let listed = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await.unwrap().sandboxes;
    assert_eq!(listed, std::slice::from_ref(&seen));
    assert_eq!(gateway.get_sandbox(get(&one)).await.unwrap().sandbox, Some(seen.clone()));
    let again = gateway.create_sandbox(create(&one)).await;
    assert!(again.is_ok(), "the same create again is the same sandbox: {again:?}");

    // What the controller made of it is a pod that carries the supervisor's identity.
    let admin = cluster.admin().await;
    let name = seen.status.unwrap().sandbox_name;
    let pod = admin.done("GET", &format!("/api/v1/namespaces/openshell-system/pods/{name}"), None).await.unwrap();
    assert_eq!(pod["metadata"]["annotations"]["openshell.io/sandbox-id"], one.id.as_str());
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    assert_eq!(pod["spec"]["restartPolicy"], "Never");

    assert!(gateway.delete_sandbox(delete(&one)).await.unwrap().deleted);
    let gone = events.until(|event| sandbox::deleted(event).map(str::to_owned)).await.unwrap();
    assert_eq!(gone, one.id);
    for path in [format!("{SANDBOXES}/{name}"), format!("/api/v1/namespaces/openshell-system/pods/{name}")] {
        assert_eq!(admin.ask("GET", &path, None).await.unwrap().status, 404, "{path} is there after Deleted");
    }
    assert!(!gateway.delete_sandbox(delete(&one)).await.unwrap().deleted);
    assert_eq!(gateway.get_sandbox(get(&one)).await.unwrap_err().code(), Code::NotFound);

    driver.signal("TERM").await.unwrap();
    assert!(driver.ended().await.unwrap().success());
    assert_eq!(cluster.audited("delete", &name), 1, "one DELETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_process_knows_everything_and_a_lost_label_is_no_deletion() {
    let cluster = Cluster::new("again");
    let (kept, relabelled) = (wanted(&cluster, "kept"), wanted(&cluster, "lost"));
    let first = Driver::ready(&cluster.launch()).await.unwrap();
    let gateway = Gateway::connect(&first.socket).await.unwrap();
    for sandbox in [&kept, &relabelled] {
        gateway.create_sandbox(create(sandbox)).await.unwrap();
    }
    first.signal("KILL").await.unwrap();
    drop(first);

    let mut second = Driver::ready(&cluster.launch()).await.unwrap();
    let gateway = Gateway::connect(&second.socket).await.unwrap();
    let mut events = gateway.watch().await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        // Ready, not only there: a Sandbox deleted in the moment in which its pod is made can stay in foreground deletion (the garbage collector
        // does not see the pod in time), which is not what this is about.
        seen.extend(sandbox::snapshot(&events.next().await.unwrap()).filter(|seen| sandbox::is_ready(seen)).map(|seen| seen.id.clone()));
    }
    assert_eq!(seen, BTreeSet::from([kept.id.clone(), relabelled.id.clone()]));

    let admin = cluster.admin().await;
    let path = format!("{SANDBOXES}/default--{}", relabelled.name);
    let unlabel = json!({ "metadata": { "labels": { "openshell.ai/managed-by": null } } });
    admin.done("PATCH", &path, Some(&unlabel)).await.unwrap();
    second.logged("relabelled").await.unwrap();
    assert!(gateway.get_sandbox(get(&relabelled)).await.is_ok(), "an object that only lost a label is still there");

    for sandbox in [&kept, &relabelled] {
        assert!(gateway.delete_sandbox(delete(sandbox)).await.unwrap().deleted, "{} can be deleted", sandbox.name);
    }
    let gone = events.until(|event| sandbox::deleted(event).map(str::to_owned)).await.unwrap();
    assert_eq!(gone, kept.id, "the first to be called deleted is the one whose labels the watch still sees");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_the_object_is_one_the_server_takes() {
    let cluster = Cluster::new("forms");
    let launch = cluster
        .launch()
        .flag("--client-tls-secret-name", "gateway-client")
        .flag("--image-pull-secrets", "one,two")
        .flag("--image-pull-policy", "IfNotPresent")
        .flag("--sandbox-storage-class", "fast")
        .flag("--supervisor-sideload", "image-volume");
    let driver = Driver::ready(&launch).await.unwrap();
    let gateway = Gateway::connect(&driver.socket).await.unwrap();
    let mut full = wanted(&cluster, "full");
    let spec = full.spec.as_mut().unwrap();
    spec.log_level = "debug".into();
    spec.environment.insert("PRICE".into(), "$(HOME) costs $$5".into());
    spec.resource_requirements = Some(pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count: Some(2) }) });
    let template = json!({
        "labels": { "team": "a" },
        "environment": { "FROM_TEMPLATE": "1" },
        "resources": { "cpu_limit": "1500m", "memory_request": "1Gi" },
        "platform_config": {
            "runtime_class_name": "gvisor",
            "annotations": { "example.com/owner": "a" },
            "host_users": false,
            "resources_raw": { "limits": { "example.com/widget": 2.0 } },
        },
    });
    spec.template = Some(serde_json::from_value(template).unwrap());
    gateway.create_sandbox(create(&full)).await.unwrap();
    let admin = cluster.admin().await;
    let object = admin.done("GET", &format!("{SANDBOXES}/default--{}", full.name), None).await.unwrap();
    let pod = &object["spec"]["podTemplate"]["spec"];
    assert_eq!(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "2");
    assert_eq!(pod["containers"][0]["resources"]["limits"]["example.com/widget"], "2");
    assert_eq!(pod["runtimeClassName"], "gvisor");
    assert_eq!(pod["hostUsers"], false);
    assert!(gateway.delete_sandbox(delete(&full)).await.unwrap().deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_without_rights_ends_with_the_command_that_helps() {
    let cluster = Cluster::new("none");
    let admin = cluster.admin().await;
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let made = admin.ask("POST", accounts, Some(&json!({ "metadata": { "name": "nobody" } }))).await.unwrap();
    assert!(matches!(made.status, 201 | 409), "{}", made.body);
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 600 } });
    let token = admin.done("POST", &format!("{accounts}/nobody/token"), Some(&request)).await.unwrap();
    let credentials = Scratch::new().unwrap();
    credentials.file("token", token["status"]["token"].as_str().unwrap()).unwrap();
    std::fs::copy(cluster.directory.join("ca.crt"), credentials.path().join("ca.crt")).unwrap();
    let mut driver = Driver::start(&Launch { credentials: credentials.path().into(), ..cluster.launch() }).unwrap();
    assert_eq!(driver.ended().await.unwrap().code(), Some(3));
    driver.logged("kubectl auth can-i list sandboxes.agents.x-k8s.io").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_over_when_the_pod_is_gone_and_a_start_brings_another() {
    let cluster = Cluster::new("rest");
    let driver = Driver::ready(&cluster.launch()).await.unwrap();
    let gateway = Gateway::connect(&driver.socket).await.unwrap();
    let mut events = gateway.watch().await.unwrap();
    let one = wanted(&cluster, "one");
    gateway.create_sandbox(create(&one)).await.unwrap();
    events.until(|event| sandbox::snapshot(event).filter(|seen| sandbox::is_ready(seen)).map(|_| ())).await.unwrap();

    let stop = pb::StopSandboxRequest { sandbox_id: one.id.clone(), sandbox_name: one.name.clone() };
    let admin = cluster.admin().await;
    let pod = format!("/api/v1/namespaces/openshell-system/pods/default--{}", one.name);
    let before = admin.done("GET", &pod, None).await.unwrap();
    gateway.stop_sandbox(stop.clone()).await.unwrap();
    assert_eq!(admin.ask("GET", &pod, None).await.unwrap().status, 404, "the pod is there after a stop");
    gateway.stop_sandbox(stop).await.unwrap();
    assert_eq!(cluster.audited("patch", &one.name), 1, "a stop of something stopped changes nothing");
    let stopped = |seen: &&pb::DriverSandbox| sandbox::condition(seen, "Suspended").is_some_and(|suspended| suspended.status == "True");
    events.until(|event| sandbox::snapshot(event).filter(stopped).map(|_| ())).await.unwrap();

    let start =
        pb::StartSandboxRequest { sandbox_id: one.id.clone(), sandbox_name: one.name.clone(), ..pb::StartSandboxRequest::default() };
    gateway.start_sandbox(start).await.unwrap();
    let mut told = Vec::new();
    events
        .until(|event| {
            let seen = sandbox::snapshot(event)?;
            told.push(seen.clone());
            sandbox::is_ready(seen).then_some(())
        })
        .await
        .unwrap();
    let transient = ["Starting", "DependenciesNotReady", "ReconcilerError"];
    let final_failure = told
        .iter()
        .filter_map(|seen| sandbox::condition(seen, "Ready"))
        .find(|ready| ready.status == "False" && !transient.contains(&ready.reason.as_str()));
    assert_eq!(final_failure, None, "nothing the gateway would take for a failure is said on the way");
    let after = admin.done("GET", &pod, None).await.unwrap();
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"], "it is another pod");
    assert!(gateway.delete_sandbox(delete(&one)).await.unwrap().deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_fails_is_an_error_and_one_that_waits_for_its_image_is_not() {
    let cluster = Cluster::new("fate");
    let driver = Driver::ready(&cluster.launch()).await.unwrap();
    let gateway = Gateway::connect(&driver.socket).await.unwrap();
    let mut events = gateway.watch().await.unwrap();
    let with_image = |name: &str, image: &str| {
        let mut wanted = wanted(&cluster, name);
        wanted.spec.as_mut().unwrap().template =
            Some(pb::DriverSandboxTemplate { image: image.into(), ..pb::DriverSandboxTemplate::default() });
        wanted
    };
    let (fails, waits) = (with_image("fails", "registry.example/fails:1"), with_image("waits", "registry.example/pull-fails:1"));
    for sandbox in [&fails, &waits] {
        gateway.create_sandbox(create(sandbox)).await.unwrap();
    }
    let mut reasons = std::collections::BTreeMap::new();
    while !(reasons.contains_key(&fails.id) && reasons.contains_key(&waits.id)) {
        let event = events.next().await.unwrap();
        let Some(seen) = sandbox::snapshot(&event) else { continue };
        let Some(ready) = sandbox::condition(seen, "Ready") else { continue };
        if ready.reason == "PodFailed" || ready.message.contains("ImagePullBackOff") {
            reasons.insert(seen.id.clone(), ready.reason.clone());
        }
    }
    assert_eq!(reasons[&fails.id], "PodFailed");
    assert_eq!(reasons[&waits.id], "DependenciesNotReady", "an image may still come");
    for sandbox in [&fails, &waits] {
        assert!(gateway.delete_sandbox(delete(sandbox)).await.unwrap().deleted);
    }
}
