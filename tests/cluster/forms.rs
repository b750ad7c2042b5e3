//! Objects in all their forms, as the API server takes them.

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::{Outcome, sandbox};
use serde_json::json;

use crate::scene::{Place, Play, create};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_carries_the_supervisors_identity_and_no_token_of_the_api() -> Outcome<()> {
    let mut play = Play::new("forms-identity").await?;
    let seen = play.create_ready("one", "agent").await?;
    assert_eq!((seen.id.as_str(), seen.name.as_str(), seen.workspace.as_str()), (sandbox::id("one").as_str(), "one", "default"));
    assert_eq!(play.list().await?, std::slice::from_ref(&seen));
    assert_eq!(play.get("one").await?, seen);
    assert_eq!(seen.status.map(|status| status.sandbox_name), Some("default--one".into()));
    let pod = play.place.read(&play.place.pod("one")).await?;
    assert_eq!(pod["metadata"]["annotations"]["openshell.io/sandbox-id"], sandbox::id("one").as_str());
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    assert_eq!(pod["spec"]["restartPolicy"], "Never");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_the_object_is_one_the_server_takes() -> Outcome<()> {
    let place = Place::new("forms-every").await?;
    let launch = place
        .launch()
        .flag("--client-tls-secret-name", "gateway-client")
        .flag("--image-pull-secrets", "one,two")
        .flag("--image-pull-policy", "IfNotPresent")
        .flag("--sandbox-storage-class", "fast")
        .flag("--supervisor-sideload", "image-volume");
    let play = place.play_as(launch).await?;
    let mut full = sandbox::wanted("full");
    let spec = full.spec.as_mut().ok_or("a sandbox without a spec")?;
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
    spec.template = Some(serde_json::from_value(template)?);
    create(&play.gateway, full).await?;
    let object = play.place.read(&play.place.sandbox("full")).await?;
    let pod = &object["spec"]["podTemplate"]["spec"];
    assert_eq!(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "2");
    assert_eq!(pod["containers"][0]["resources"]["limits"]["example.com/widget"], "2");
    assert_eq!(pod["runtimeClassName"], "gvisor");
    assert_eq!(pod["hostUsers"], false);
    Ok(())
}
