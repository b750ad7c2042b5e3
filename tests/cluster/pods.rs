//! Pods, as the API server takes them. A Sandbox's schema lets much pass that the rules for pods do not, and the controller meets those only later: so
//! each form of the pod is tried here, as the controller would make it.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::Driver;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tonic::Code;

use crate::rights::exactly;
use crate::scene::{Place, create};

/// What pods of this test name, and the cluster must have.
async fn classes(place: &Place) -> Outcome<()> {
    let runtime = json!({ "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": { "name": "gvisor" }, "handler": "runsc" });
    let priority = json!({ "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": "batch" }, "value": 10 });
    for (path, class) in [("/apis/node.k8s.io/v1/runtimeclasses", runtime), ("/apis/scheduling.k8s.io/v1/priorityclasses", priority)] {
        let answer = place.admin.ask("POST", path, Some(&class)).await?;
        assert!(matches!(answer.status, 201 | 409), "{path}: {}", answer.body);
    }
    Ok(())
}

/// Has the API server judge the pod that the controller would make of a sandbox's object.
async fn tried(place: &Place, name: &str) -> Outcome<Value> {
    let object = place.read(&place.sandbox(name)).await?;
    let mut pod = object["spec"]["podTemplate"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    // The controller may have made the pod of that name already.
    pod["metadata"]["name"] = format!("{name}-tried").into();
    for claim in object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = &claim["metadata"]["name"];
        let claim = format!("{}-default--{name}", volume.as_str().unwrap_or_default());
        let volume = json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim } });
        pod["spec"]["volumes"].as_array_mut().ok_or("a pod without volumes")?.push(volume);
    }
    place.admin.done("POST", &format!("{}?dryRun=All&fieldValidation=Strict", place.pods()), Some(&pod)).await
}

/// Creates a sandbox with a driver started so, and has its pod judged.
async fn judged(place: &Place, name: &str, flags: &[(&str, &str)], template: Value) -> Outcome<Value> {
    let launch = flags.iter().fold(place.launch(), |launch, (flag, value)| launch.flag(flag, value));
    let mut driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut wanted = sandbox::wanted(name);
    wanted.spec.as_mut().ok_or("a sandbox without a spec")?.template = Some(serde_json::from_value(template)?);
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(wanted.clone()) }).await?;
    create(&gateway, wanted).await?;
    let pod = tried(place, name).await?;
    // The next one takes its place.
    driver.signal("TERM").await?;
    driver.ended().await?;
    Ok(pod)
}

fn everything_a_request_can_say() -> Value {
    json!({
        "labels": { "team": "a" },
        "environment": { "PRICE": "$(HOME) costs $$5" },
        "resources": { "cpu_limit": "1500m", "memory_request": "1Gi" },
        "platform_config": {
            "runtime_class_name": "gvisor",
            "annotations": { "example.com/owner": "a" },
            "host_users": false,
            "node_selector": { "pool": "agents" },
            "tolerations": [{ "key": "agents", "operator": "Exists" }],
            "resources_raw": { "limits": { "example.com/widget": 2.0 } },
        },
        "driver_config": {
            "pod": {
                "node_selector": { "kubernetes.io/arch": "amd64" },
                "tolerations": [
                    { "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300.0 },
                    { "key": "gpu", "value": "a100", "effect": "PreferNoSchedule" },
                ],
                "priority_class_name": "batch",
            },
            "containers": { "agent": {
                "resources": { "limits": { "memory": "6Gi" } },
                "volume_mounts": [
                    { "name": "models", "mount_path": "/models", "sub_path": "v3" },
                    { "name": "results", "mount_path": "/srv/results/", "read_only": false },
                ],
            } },
            "volumes": [
                { "name": "models", "persistent_volume_claim": { "claim_name": "shared-models" } },
                { "name": "results", "persistent_volume_claim": { "claim_name": "results", "read_only": false } },
            ],
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_the_pod_is_one_the_server_takes() -> Outcome<()> {
    let place = Place::new("pods-every").await?;
    classes(&place).await?;
    let pod = judged(&place, "plain", &[], json!({})).await?;
    assert_eq!(pod["spec"]["containers"][0]["securityContext"]["appArmorProfile"]["type"], "Unconfined");
    assert_eq!(pod["metadata"]["labels"]["sidecar.istio.io/inject"], "false");

    let all = [
        ("--allow-driver-config-volumes", "true"),
        ("--client-tls-secret-name", "gateway-client"),
        ("--image-pull-secrets", "one,two"),
        ("--image-pull-policy", "IfNotPresent"),
        ("--sandbox-storage-class", "fast"),
        ("--supervisor-sideload", "image-volume"),
        ("--supervisor-image-pull-policy", "Always"),
        ("--seccomp-profile", "RuntimeDefault"),
        ("--app-armor-profile", "Localhost/openshell"),
        ("--sandbox-uid", "10001"),
        ("--sandbox-gid", "10002"),
        ("--host-gateway-ip", "10.0.0.7"),
        ("--https-proxy", "http://proxy.example:3128"),
        ("--no-proxy", ".svc"),
        ("--provider-spiffe-workload-api-socket-path", "/spiffe/agent.sock"),
        ("--automount-service-account-token", "true"),
        ("--istio-inject-sandboxes", "true"),
    ];
    let pod = judged(&place, "full", &all, everything_a_request_can_say()).await?;
    let spec = &pod["spec"];
    assert_eq!(spec["containers"][0]["resources"]["limits"]["memory"], "6Gi");
    assert_eq!(
        (&spec["runtimeClassName"], &spec["hostUsers"], &spec["priorityClassName"]),
        (&"gvisor".into(), &false.into(), &"batch".into())
    );
    assert_eq!(spec["hostAliases"][0]["ip"], "10.0.0.7");

    let pod =
        judged(&place, "privileged", &[("--sandbox-privileged", "true"), ("--enable-user-namespaces", "required")], json!({})).await?;
    assert_eq!(pod["spec"]["containers"][0]["securityContext"]["privileged"], true);

    let in_workspace = json!({ "driver_config": {
        "volumes": [{ "name": "data", "persistent_volume_claim": { "claim_name": "data", "read_only": false } }],
        "containers": { "agent": { "volume_mounts": [{ "name": "data", "mount_path": "/sandbox/data", "read_only": false }] } },
    } });
    let pod = judged(&place, "own", &[("--allow-driver-config-volumes", "true")], in_workspace).await?;
    assert!(pod["spec"]["securityContext"]["fsGroup"].is_null(), "{pod}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sidecars_are_ones_the_server_takes() -> Outcome<()> {
    let place = Place::new("pods-sidecar").await?;
    classes(&place).await?;
    let known = [
        ("--topology", "sidecar"),
        ("--client-tls-secret-name", "gateway-client"),
        ("--https-proxy", "http://proxy.example:3128"),
        ("--proxy-auth-secret-name", "proxy-login"),
        ("--proxy-auth-secret-key", "basic"),
        ("--proxy-auth-allow-insecure", "true"),
        ("--provider-spiffe-workload-api-socket-path", "/spiffe/agent.sock"),
        ("--allow-driver-config-volumes", "true"),
    ];
    let pod = judged(&place, "known", &known, everything_a_request_can_say()).await?;
    let names: Vec<&str> =
        pod["spec"]["containers"].as_array().into_iter().flatten().filter_map(|container| container["name"].as_str()).collect();
    assert_eq!(names, ["agent", "openshell-supervisor-network"]);
    assert_eq!(pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"], true);

    let ignored = [("--topology", "sidecar"), ("--sidecar-process-binary-aware-network-policy", "false"), ("--sidecar-proxy-uid", "1500")];
    let pod = judged(&place, "ignored", &ignored, json!({})).await?;
    assert_eq!(pod["spec"]["containers"][1]["securityContext"]["runAsUser"], 1500);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn gpus_are_looked_for_by_those_who_may_list_nodes() -> Outcome<()> {
    let place = Place::new("pods-gpus").await?;
    let mut wanted = sandbox::wanted("one");
    wanted.spec.as_mut().ok_or("a sandbox without a spec")?.resource_requirements =
        Some(pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count: Some(64) }) });
    let request = pb::ValidateSandboxCreateRequest { sandbox: Some(wanted) };
    let driver = Driver::ready(&place.launch()).await?;
    let gateway = Gateway::connect(&driver.socket).await?;

    let refused = gateway.validate_sandbox_create(request.clone()).await.err().ok_or("nobody has 64 GPUs")?;
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("kubectl auth can-i list nodes"), "{}", refused.message());

    let api = "/apis/rbac.authorization.k8s.io/v1";
    let metadata = json!({ "name": "pods-gpus-nodes" });
    let rules = json!([{ "apiGroups": [""], "resources": ["nodes"], "verbs": ["list"] }]);
    place.make(&format!("{api}/clusterroles"), json!({ "metadata": metadata, "rules": rules })).await?;
    let user = json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": place.user() }]);
    let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": metadata["name"] });
    place.make(&format!("{api}/clusterrolebindings"), json!({ "metadata": metadata, "subjects": user, "roleRef": role })).await?;
    crate::scene::until("nodes are looked through", async || {
        let refused = gateway.validate_sandbox_create(request.clone()).await.err();
        Ok(refused
            .is_some_and(|status| status.code() == Code::FailedPrecondition && status.message().contains("no node has 64 nvidia.com/gpu")))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_token_is_in_a_secret_of_the_sandbox_and_nowhere_else() -> Outcome<()> {
    let place = Place::new("pods-credential").await?;
    let launch = place.launch().flag("--sandbox-credential", "both").variable("RUST_LOG", "trace");
    exactly(&place, &launch).await?;
    for (which, name, volumes) in
        [("token", "alone", &["openshell-sandbox-token"][..]), ("both", "beside", &["openshell-sa-token", "openshell-sandbox-token"])]
    {
        let pod = judged(&place, name, &[("--sandbox-credential", which)], json!({})).await?;
        let all = pod["spec"]["volumes"].as_array().into_iter().flatten().filter_map(|volume| volume["name"].as_str());
        let mut found: Vec<&str> = all.filter(|name| name.ends_with("-token")).collect();
        found.sort_unstable();
        assert_eq!(found, volumes, "{which}");
        assert!(!pod.to_string().contains("token-of-"), "{which}: the token is in the pod");
    }

    let mut play = place.play_as(launch).await?;
    play.create_ready("one", "agent").await?;
    let secret = format!("/api/v1/namespaces/{}/secrets/openshell-token-{}", play.place.namespace, sandbox::id("one"));
    crate::scene::until("the token is stored", async || play.place.is_there(&secret).await).await?;
    let stored = play.place.read(&secret).await?;
    // What the gateway sent, in base64.
    assert_eq!(stored["data"]["sandbox.jwt"], "dG9rZW4tb2Ytb25l");
    let path = play.place.sandbox("one");
    let is_noted = async || Ok(play.place.read(&path).await?["metadata"]["annotations"]["kyma.openshell.ai/token"] == "stored");
    crate::scene::until("that is noted", is_noted).await?;
    let object = play.place.read(&path).await?;
    assert_eq!(stored["metadata"]["ownerReferences"][0]["uid"], object["metadata"]["uid"]);
    assert!(!object.to_string().contains("token-of-"), "the token is in the Sandbox");
    assert!(play.delete("one").await?);
    play.until_deleted("one").await?;
    play.place.until_gone(&secret).await?;
    let written: Vec<(String, String)> = play.place.strictly_written()?.into_iter().collect();
    assert_eq!(
        written,
        [("create", "sandboxes"), ("create", "secrets"), ("patch", "sandboxes")].map(|(verb, plural)| (verb.into(), plural.into()))
    );
    play.driver.signal("TERM").await?;
    play.driver.ended().await?;
    assert!(!play.driver.log().contains("token-of-"), "{}", play.driver.log());
    Ok(())
}
