//! `check` and `plan`, as a person runs them.

use std::process::Output;

use kubesim::{Access, Kind, Method, Options, Presence, Rule};
use rig::driver::Launch;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scene::{NAMESPACE, Scene, TOKEN, create, start};

/// The name by which the cluster knows the driver here.
const USER: &str = "system:serviceaccount:openshell-system:driver";

async fn run(launch: &Launch, arguments: &[&str]) -> Outcome<Output> {
    let command = Command::new(&launch.binary)
        .args(arguments)
        .arg("--socket")
        .arg(&launch.socket)
        .args(&launch.flags)
        .env_clear()
        .env("KUBERNETES_SERVICE_HOST", launch.api.ip().to_string())
        .env("KUBERNETES_SERVICE_PORT", launch.api.port().to_string())
        .env("OPENSHELL_DRIVER_API_CREDENTIALS_DIR", &launch.credentials)
        .output();
    Ok(command.await?)
}

async fn check(scene: &Scene) -> Outcome<(Option<i32>, Value)> {
    let output = run(&scene.launch(), &["check", "--output", "json"]).await?;
    Ok((output.status.code(), serde_json::from_slice(&output.stdout)?))
}

/// The findings of this name, as outcome and command.
fn findings<'a>(report: &'a Value, name: &str) -> Vec<(&'a str, &'a str)> {
    fn text<'a>(finding: &'a Value, key: &str) -> &'a str {
        finding.get(key).and_then(Value::as_str).unwrap_or_default()
    }
    let of = |finding: &&Value| text(finding, "name") == name;
    let all = report.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(of).map(|finding| (text(finding, "outcome"), text(finding, "mend"))).collect()
}

fn label(scene: &Scene, level: Option<&str>) {
    let labels = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
    scene.cluster.with(|cluster| cluster.edit_object(Kind::Namespace, "", NAMESPACE, &labels));
}

/// What the driver needs, and the reviews everybody may ask for.
fn rights() -> Vec<Rule> {
    vec![
        Rule::new("agents.x-k8s.io", &["sandboxes"], &["get", "list", "watch", "create", "patch", "delete"]).in_namespace(NAMESPACE),
        Rule::new("", &["pods"], &["get", "list", "watch"]).in_namespace(NAMESPACE),
        Rule::new("", &["events"], &["list", "watch"]).in_namespace(NAMESPACE),
        Rule::new("", &["namespaces"], &["get"]).in_namespace(NAMESPACE),
        Rule::new("", &["nodes"], &["list"]),
    ]
}

async fn scene(grants: Vec<Rule>) -> Outcome<Scene> {
    let access = Access::open().with_tokens([(TOKEN, USER)]).with_grants(grants);
    Scene::with(Options { access, ..Options::default() }).await
}

#[tokio::test]
async fn a_cluster_that_has_everything_is_fit() -> Outcome<()> {
    let scene = scene(rights()).await?;
    label(&scene, Some("privileged"));
    let (code, report) = check(&scene).await?;
    assert_eq!((code, report.get("fit")), (Some(0), Some(&json!(true))), "{report:#}");
    assert!(findings(&report, "permission").iter().all(|(outcome, _)| *outcome == "pass"), "{report:#}");
    let text = run(&scene.launch(), &["check"]).await?;
    let text = String::from_utf8(text.stdout)?;
    assert!(text.contains("✓ API server: Kubernetes") && !text.contains('✗'), "{text}");
    Ok(())
}

#[tokio::test]
async fn each_thing_that_is_missing_is_named_with_what_mends_it() -> Outcome<()> {
    // The right to delete, and to watch events.
    let mut grants = rights();
    for rule in &mut grants {
        let lost = if rule.resources == ["sandboxes"] { "delete" } else { "watch" };
        rule.verbs.retain(|verb| verb != lost || rule.resources == ["pods"]);
    }
    let lacking = scene(grants).await?;
    label(&lacking, Some("baseline"));
    let (code, report) = check(&lacking).await?;
    assert_eq!(code, Some(1));
    let permissions = findings(&report, "permission");
    let missing: Vec<_> = permissions.iter().filter(|(outcome, _)| *outcome != "pass").collect();
    let [(first, delete), (second, watch)] = missing.as_slice() else { return Err(format!("{report:#}").into()) };
    assert_eq!((*first, *second), ("fail", "warn"));
    assert!(delete.contains("--verb=delete --resource=sandboxes.agents.x-k8s.io -n openshell-system"), "{delete}");
    assert!(delete.contains("--serviceaccount=openshell-system:driver"), "{delete}");
    assert!(watch.contains("--verb=watch --resource=events"), "{watch}");
    let mend = "kubectl label namespace openshell-system pod-security.kubernetes.io/enforce=privileged --overwrite";
    assert_eq!(findings(&report, "namespace"), [("fail", mend)]);
    Ok(())
}

#[tokio::test]
async fn what_exposure_needs_of_kyma_is_looked_at() -> Outcome<()> {
    let exposed = |scene: &Scene| scene.launch().flag("--exposure", "virtualservice").flag("--apirule-auth", "none");
    let looked = async |scene: &Scene| -> Outcome<Value> {
        let output = run(&exposed(scene), &["check", "--output", "json"]).await?;
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let scene = Scene::with(Options { kyma: Presence::Present, ..Options::default() }).await?;
    let report = looked(&scene).await?;
    assert_eq!(findings(&report, "istio"), [("pass", "")]);
    let domain = findings(&report, "cluster_domain");
    assert!(matches!(domain.as_slice(), [("fail", mend)] if mend.contains("--apirule-gateway")), "{report:#}");
    scene.cluster.with(crate::exposure::with_kyma)?;
    assert_eq!(findings(&looked(&scene).await?, "cluster_domain"), [("pass", "")]);

    let plain = Scene::with(Options { kyma: Presence::Absent, ..Options::default() }).await?;
    let report = looked(&plain).await?;
    assert_eq!(findings(&report, "istio"), [("fail", "kyma module add istio --default-cr")]);
    assert_eq!(findings(&report, "cluster_domain"), [("unknown", "")]);
    Ok(())
}

#[tokio::test]
async fn the_rights_that_are_printed_are_those_that_are_asked_about() -> Outcome<()> {
    let scene = Scene::new().await?;
    let output = run(&scene.launch(), &["permissions", "--output", "json"]).await?;
    let printed: Value = serde_json::from_slice(&output.stdout)?;
    let rows = printed.get("permissions").and_then(Value::as_array).ok_or("no rows")?.len();
    let (_, report) = check(&scene).await?;
    assert_eq!(findings(&report, "permission").len(), rows, "{report:#}");
    let yaml = run(&scene.launch(), &["permissions"]).await?;
    let yaml = String::from_utf8(yaml.stdout)?;
    assert!(yaml.starts_with("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n") && yaml.contains("\n---\n"), "{yaml}");
    Ok(())
}

#[tokio::test]
async fn without_the_resource_it_says_what_to_install() -> Outcome<()> {
    let scene = Scene::with(Options { definition: Presence::Absent, ..Options::default() }).await?;
    let (code, report) = check(&scene).await?;
    assert_eq!(code, Some(1));
    assert!(
        matches!(findings(&report, "sandbox_resource").as_slice(), [("fail", mend)] if mend.starts_with("kubectl apply -f ")),
        "{report:#}"
    );
    Ok(())
}

#[tokio::test]
async fn without_an_api_server_it_says_so_and_asks_nothing_else() -> Outcome<()> {
    let mut scene = Scene::new().await?;
    scene.stop().await?;
    let (code, report) = check(&scene).await?;
    assert_eq!(code, Some(1));
    assert_eq!(findings(&report, "api_server").first().map(|(outcome, _)| *outcome), Some("fail"), "{report:#}");
    assert!(findings(&report, "permission").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_plan_has_the_bytes_that_the_driver_sends() -> Outcome<()> {
    let scene = Scene::with(Options { bodies: Presence::Present, ..Options::default() }).await?;
    let (_driver, gateway) = start(&scene.launch()).await?;
    create(&gateway, "ada").await?;
    let request = json!({ "CreateSandbox": { "sandbox": serde_json::to_value(sandbox::wanted("ada"))? } });
    let file = scene.scratch.file("request.json", &request.to_string())?;
    let planned = run(&scene.launch(), &["plan", &file.display().to_string(), "--server-version", "1.36"]).await?;
    assert_eq!(planned.status.code(), Some(0), "{}", String::from_utf8_lossy(&planned.stderr));
    let received = scene.asked(Method::Post).into_iter().find(|logged| logged.path.contains("/sandboxes?")).ok_or("nothing was created")?;
    let planned = String::from_utf8(planned.stdout)?;
    let mut lines = planned.lines();
    assert_eq!(lines.next(), Some(format!("POST {}", received.path).as_str()));
    assert!(lines.any(|line| line.as_bytes() == received.body), "{planned}");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_is_refused_ends_with_1_and_one_that_cannot_be_read_with_2() -> Outcome<()> {
    let scene = Scene::new().await?;
    let mut unfit = sandbox::wanted("ada");
    unfit.name = "Not a name".into();
    let request = json!({ "CreateSandbox": { "sandbox": serde_json::to_value(unfit)? } });
    let file = scene.scratch.file("request.json", &request.to_string())?.display().to_string();
    let refused = run(&scene.launch(), &["plan", &file]).await?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stdout)?.contains("FailedPrecondition: sandbox.name"));
    for (arguments, said) in [
        (&["plan"][..], "plan needs a REQUEST"),
        (&["plan", "/nowhere/request.json"], "/nowhere/request.json"),
        (&["plan", &file, "--output", "xml"], "\"xml\" is not taken"),
        (&["plan", &file, "another"], "\"another\" belongs to no flag"),
    ] {
        let output = run(&scene.launch(), arguments).await?;
        let stderr = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    Ok(())
}
