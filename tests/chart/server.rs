//! The chart on the real API server: strictly valid, admitted where Pod Security is strictest, and upgradable.

use std::collections::BTreeSet;

use rig::Outcome;
use rig::cluster::Cluster;
use rig::kube::Kube;
use serde_json::{Value, json};

use crate::combinations;
use crate::render::{RELEASE, Rendered, chart, documents, render, repository, run, said, try_render_in};

/// kubectl or helm as administrator of the cluster.
pub fn administer(tool: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let kubeconfig = Cluster::here().map_err(|why| why.to_string())?.directory.join("admin.kubeconfig");
    let mut all = vec!["--kubeconfig", kubeconfig.to_str().unwrap()];
    all.extend(arguments);
    said(&run(tool, &all, input))
}

/// Makes namespaces where they are not there.
pub fn namespaces(names: &[&str], level: &str) {
    let labels = json!({ "pod-security.kubernetes.io/enforce": level });
    let list: Vec<Value> = names
        .iter()
        .map(|name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } }))
        .collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": list });
    administer("kubectl", &["apply", "--server-side", "--filename", "-"], &list.to_string()).unwrap();
}

/// Kinds of the Prometheus Operator, where its definitions could be made: see tests/chart/monitoring.
fn is_known(object: &Value) -> bool {
    object["apiVersion"] != "monitoring.coreos.com/v1" || std::env::var_os("CHART_MONITORING_CRDS").is_some()
}

fn install_monitoring() {
    match std::env::var("CHART_MONITORING_CRDS") {
        Ok(folder) => {
            administer("kubectl", &["apply", "--server-side", "--filename", &folder], "").unwrap();
            administer("kubectl", &["wait", "--for=condition=Established", "--timeout=60s", "--filename", &folder], "").unwrap();
        }
        Err(_) => eprintln!("SKIPPED ServiceMonitor and PrometheusRule: CHART_MONITORING_CRDS names no definitions"),
    }
}

fn as_list(objects: impl IntoIterator<Item = Value>) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": objects.into_iter().collect::<Vec<_>>() }).to_string()
}

/// Whose the fields are is no question of a dry run: a test beside this one may have installed objects of these names.
const DRY_RUN: [&str; 7] = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "--filename", "-"];

#[test]
fn the_api_server_takes_every_object_strictly() {
    const NAMESPACE: &str = "chart-dry-run";
    namespaces(&[NAMESPACE, "openshell-sandboxes", "kyma-system", "edge"], "privileged");
    install_monitoring();
    for (name, values) in combinations::all() {
        let objects = try_render_in(NAMESPACE, &values).unwrap().objects;
        let count = objects.len();
        let known: Vec<Value> = objects.into_iter().filter(is_known).collect();
        assert!(count > 10, "{name}: {count} objects");
        // A pod is not taken, not even for a try, without its account.
        let accounts = known.iter().filter(|object| object["kind"] == "ServiceAccount").cloned();
        administer("kubectl", &["apply", "--server-side", "--force-conflicts", "--filename", "-"], &as_list(accounts)).unwrap();
        administer("kubectl", &DRY_RUN, &as_list(known)).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

#[test]
fn the_api_server_takes_the_reference_deployment() {
    let objects = documents(&std::fs::read_to_string(repository("deploy/gateway-with-driver.yaml")).unwrap());
    administer("kubectl", &DRY_RUN, &as_list(objects)).unwrap();
}

/// A dry run that takes anything would prove nothing.
#[test]
fn the_api_server_refuses_what_is_not_strictly_valid() {
    let mut objects = render(&json!({})).objects;
    let deployment = objects.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    deployment["spec"]["template"]["spec"]["automountServiceAccountTokens"] = json!(false);
    let why = administer("kubectl", &DRY_RUN, &as_list([deployment.clone()])).unwrap_err();
    assert!(why.contains("automountServiceAccountTokens"), "{why}");
}

/// What the admission plugin says of a pod in a namespace, without making it.
async fn admitted(admin: &Kube, namespace: &str, pod: &Value) -> Outcome<Result<(), String>> {
    let mut pod = pod.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    // Whose accounts are there is not the question.
    pod["spec"]["serviceAccountName"] = json!("default");
    pod["metadata"] = json!({ "name": "asked", "labels": pod["metadata"]["labels"] });
    let answer = admin.ask("POST", &format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict"), Some(&pod)).await?;
    Ok(if answer.status == 201 { Ok(()) } else { Err(format!("{}: {}", answer.status, answer.body["message"])) })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pod_of_the_chart_fits_the_restricted_level() -> Outcome<()> {
    const NAMESPACE: &str = "chart-restricted";
    namespaces(&[NAMESPACE], "restricted");
    let admin = Cluster::here()?.admin().await?;
    crate::life::until("the namespace has its default account", async || {
        Ok(admin.ask("GET", &format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"), None).await?.status == 200)
    })
    .await?;
    let mut pods = 0;
    for (name, values) in combinations::all() {
        for (maker, mut pod) in render(&values).pods() {
            assert!(admitted(&admin, NAMESPACE, &pod).await? == Ok(()), "{name}: {maker}: {:?}", admitted(&admin, NAMESPACE, &pod).await?);
            pods += 1;
            // That it is the plugin that admits it: the same pod with a little more is refused.
            if pods == 1 {
                pod["spec"]["initContainers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
                let refused = admitted(&admin, NAMESPACE, &pod).await?;
                assert!(refused.as_ref().is_err_and(|why| why.contains("allowPrivilegeEscalation")), "{refused:?}");
            }
        }
    }
    assert!(pods > 60, "{pods}");
    Ok(())
}

/// Plays the controller of Jobs, which the cluster of the tests does not have: whatever begins ends like this. Returns which Jobs it ended.
async fn end_jobs(
    admin: &Kube,
    namespace: &str,
    outcome: &str,
    installing: &std::thread::JoinHandle<Result<String, String>>,
) -> Outcome<Vec<String>> {
    let jobs = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
    let now = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| json!({ "type": kind, "status": "True", "reason": "Played", "lastTransitionTime": now });
    let status = match outcome {
        "Complete" => {
            json!({ "startTime": now, "completionTime": now, "succeeded": 1, "conditions": [condition("SuccessCriteriaMet"), condition("Complete")] })
        }
        _ => json!({ "startTime": now, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")] }),
    };
    let mut ended = Vec::new();
    while !installing.is_finished() {
        let list = admin.done("GET", &jobs, None).await?;
        for job in list["items"].as_array().into_iter().flatten().filter(|job| job["status"]["conditions"].is_null()) {
            let name = job["metadata"]["name"].as_str().unwrap();
            // certgen always succeeds: it is the check whose outcome is asked about.
            let status = if name.ends_with("-check") {
                status.clone()
            } else {
                json!({ "startTime": now, "completionTime": now, "succeeded": 1, "conditions": [condition("SuccessCriteriaMet"), condition("Complete")] })
            };
            let answer = admin.ask("PATCH", &format!("{jobs}/{name}/status"), Some(&json!({ "status": status }))).await?;
            assert!(matches!(answer.status, 200 | 404), "{name}: {}", answer.body);
            ended.push(name.to_owned());
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(ended)
}

/// Nothing of a release is there before the check has passed, and nothing of the check afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn an_install_waits_for_its_check_and_leaves_nothing_of_it() -> Outcome<()> {
    const NAMESPACE: &str = "chart-hooks";
    namespaces(&[NAMESPACE], "privileged");
    let admin = Cluster::here()?.admin().await?;
    let install = || {
        std::thread::spawn(|| {
            let chart = chart();
            administer("helm", &["install", RELEASE, chart.to_str().unwrap(), "--namespace", NAMESPACE, "--timeout", "60s"], "")
        })
    };
    let installing = install();
    let ended = end_jobs(&admin, NAMESPACE, "Failed", &installing).await?;
    let refused = installing.join().unwrap().unwrap_err();
    assert_eq!(ended, ["openshell-certgen", "openshell-check"], "{refused}");
    assert!(refused.contains("openshell-check"), "{refused}");
    let deployment = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}");
    assert_eq!(admin.ask("GET", &deployment, None).await?.status, 404, "the cluster was not fit");
    administer("helm", &["uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks"], "").unwrap();

    let installing = install();
    end_jobs(&admin, NAMESPACE, "Complete", &installing).await?;
    installing.join().unwrap()?;
    assert_eq!(admin.ask("GET", &deployment, None).await?.status, 200);
    assert_eq!(there(NAMESPACE), wanted(&try_render_in(NAMESPACE, &json!({}))?, NAMESPACE), "no account and no role of a hook is left");
    administer("helm", &["uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks"], "").unwrap();
    Ok(())
}

/// Kinds that releases are compared by.
const COMPARED: &str = "serviceaccounts,roles,rolebindings,configmaps,services,deployments,networkpolicies,poddisruptionbudgets";

/// What there is of the release, by kind and name.
fn there(namespace: &str) -> BTreeSet<String> {
    let selector = format!("app.kubernetes.io/instance={RELEASE}");
    let names = |arguments: &[&str]| -> BTreeSet<String> {
        let text = administer("kubectl", arguments, "").unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap()))
            .collect()
    };
    let mut found = names(&["get", COMPARED, "--namespace", namespace, "--selector", &selector, "--output", "json"]);
    let everywhere = names(&["get", "clusterroles,clusterrolebindings", "--selector", &selector, "--output", "json"]);
    found.extend(everywhere.into_iter().filter(|name| name.contains(&format!(" {namespace}-"))));
    found
}

/// What the release should have, by kind and name.
fn wanted(rendered: &Rendered, namespace: &str) -> BTreeSet<String> {
    let is_hook = |object: &Value| object.pointer("/metadata/annotations/helm.sh~1hook").is_some();
    let is_compared = |object: &Value| {
        let kind = object["kind"].as_str().unwrap().to_lowercase();
        let plural = if kind.ends_with('y') { format!("{}ies", kind.trim_end_matches('y')) } else { format!("{kind}s") };
        COMPARED.split(',').chain(["clusterroles", "clusterrolebindings"]).any(|compared| compared == plural)
    };
    let is_here = |object: &Value| object["metadata"]["namespace"].as_str().is_none_or(|found| found == namespace);
    let labelled = |object: &Value| object.pointer("/metadata/labels/app.kubernetes.io~1instance").is_some();
    let objects = rendered.objects.iter().filter(|object| !is_hook(object) && is_compared(object) && is_here(object) && labelled(object));
    objects.map(|object| format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())).collect()
}

#[test]
fn releases_are_upgraded_and_rolled_back_without_a_trace() {
    const NAMESPACE: &str = "chart-upgrade";
    namespaces(&[NAMESPACE, "kyma-system", "edge", "openshell-sandboxes"], "privileged");
    let helm = |command: &[&str], values: &Value| {
        let mut arguments = command.to_vec();
        let chart = chart();
        arguments.extend([RELEASE, chart.to_str().unwrap(), "--namespace", NAMESPACE, "--no-hooks", "--values", "-"]);
        administer("helm", &arguments, &values.to_string())
    };
    let named = |wanted: &str| combinations::all().into_iter().find(|(name, _)| *name == wanted).unwrap().1;
    let path = [
        "defaults",
        "managed, pull secrets",
        "apirule",
        "replicas",
        "sandboxes elsewhere",
        "without GPUs",
        "a gateway of one's own",
        "both credentials",
        "defaults",
    ];
    for (step, name) in path.iter().enumerate() {
        let values = named(name);
        let command: &[&str] = if step == 0 { &["install"] } else { &["upgrade", "--reset-values"] };
        helm(command, &values).unwrap_or_else(|why| panic!("step {step}, to {name}: {why}"));
        let rendered = try_render_in(NAMESPACE, &values).unwrap();
        assert_eq!(there(NAMESPACE), wanted(&rendered, NAMESPACE), "step {step}, {name}");
    }
    // Back to the second revision, the managed one.
    administer("helm", &["rollback", RELEASE, "2", "--namespace", NAMESPACE, "--no-hooks"], "").unwrap();
    let managed = try_render_in(NAMESPACE, &named("managed, pull secrets")).unwrap();
    assert_eq!(there(NAMESPACE), wanted(&managed, NAMESPACE), "rolled back");
    let live = administer("helm", &["get", "manifest", RELEASE, "--namespace", NAMESPACE], "").unwrap();
    assert!(documents(&live).iter().any(|object| object["kind"] == "ClusterRole"));
    administer("helm", &["uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks"], "").unwrap();
    assert_eq!(there(NAMESPACE), BTreeSet::new(), "uninstalled");
    // What the gateway knows of its sandboxes is kept.
    administer("kubectl", &["get", "persistentvolumeclaim", "openshell-data", "--namespace", NAMESPACE], "").unwrap();
}
