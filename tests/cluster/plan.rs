//! A plan beside what was done: `plan` needs no cluster, and this one says what it would have been asked.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::{Outcome, sandbox};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scene::{Play, create};

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_the_request_that_was_planned() -> Outcome<()> {
    let play = Play::new("plan").await?;
    let mut wanted = sandbox::wanted("one");
    let spec = wanted.spec.as_mut().ok_or("a sandbox without a spec")?;
    spec.environment.insert("PRICE".into(), "$(HOME) costs $$5".into());
    spec.resource_requirements = Some(pb::ResourceRequirements { gpu: Some(pb::GpuResourceRequirements { count: Some(2) }) });
    let template = json!({
        "labels": { "team": "a" },
        "resources": { "cpu_limit": "1500m", "memory_request": "1Gi" },
        "platform_config": { "annotations": { "example.com/owner": "a" }, "resources_raw": { "limits": { "example.com/widget": 2.0 } } },
    });
    spec.template = Some(serde_json::from_value(template)?);

    let launch = play.place.launch();
    let request =
        play.place.file("request.json", &json!({ "CreateSandbox": { "sandbox": serde_json::to_value(&wanted)? } }).to_string())?;
    let version = play.place.read("/version").await?;
    let version = format!("{}.{}", version["major"].as_str().unwrap_or_default(), version["minor"].as_str().unwrap_or_default());
    let planned = Command::new(&launch.binary)
        .arg("plan")
        .arg(&request)
        .args(["--output", "json", "--server-version", &version, "--socket"])
        .arg(&launch.socket)
        .args(&launch.flags)
        .env_clear()
        .output()
        .await?;
    assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
    let planned: Value = serde_json::from_slice(&planned.stdout)?;
    let [planned] = planned["requests"].as_array().map(Vec::as_slice).ok_or("no requests")? else {
        return Err(format!("not one request: {planned}").into());
    };

    create(&play.gateway, wanted).await?;
    let audit = play.place.cluster.audit(&play.place.user())?;
    let sent = audit.iter().find(|entry| entry["verb"] == "create" && entry["objectRef"]["resource"] == "sandboxes");
    let sent = sent.ok_or("nothing was created")?;
    assert_eq!(planned["path"], sent["requestURI"]);
    let mut body = planned["body"].clone();
    // What is audited has been decoded, and so has the one default that the CRD says.
    assert!(body["spec"]["shutdownPolicy"].is_null(), "{body}");
    body["spec"]["shutdownPolicy"] = "Retain".into();
    assert_eq!(body, sent["requestObject"], "planned, and sent");
    Ok(())
}
