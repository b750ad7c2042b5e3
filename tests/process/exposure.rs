//! Sandboxes that are reached from outside.

use kubesim::{ApiGateway, Cluster, Kind, Method, Options, Presence};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::Outcome;
use serde_json::json;

use crate::scene::{NAMESPACE, Scene, create, delete, get, start, until_deleted, until_ready};

const NAME: &str = "expose-default--ada";
const URL: &str = "https://default--ada.c-1a2b3c4.kyma.ondemand.com";

/// Kyma's own: the Gateway by which everything comes in.
pub fn with_kyma(cluster: &mut Cluster) -> Outcome<()> {
    cluster.add_namespace("kyma-system", &[]);
    let hosts = json!(["*.c-1a2b3c4.kyma.ondemand.com"]);
    let gateway = json!({
        "metadata": { "name": "kyma-gateway", "namespace": "kyma-system" },
        "spec": { "servers": [{ "hosts": hosts, "port": { "number": 443 } }, { "hosts": hosts, "port": { "number": 80 } }] },
    });
    cluster.create_object(Kind::Gateway, gateway).map_err(|refused| format!("{refused:?}"))?;
    Ok(())
}

fn exposed(sandbox: &pb::DriverSandbox) -> Option<(String, String)> {
    let conditions = &sandbox.status.as_ref()?.conditions;
    let exposed = conditions.iter().find(|condition| condition.r#type == "Exposed")?;
    Some((exposed.status.clone(), exposed.message.clone()))
}

#[tokio::test]
async fn a_sandbox_is_exposed_by_a_virtualservice_and_everything_goes_with_it() -> Outcome<()> {
    let scene = Scene::with(Options { kyma: Presence::Present, api_gateway: ApiGateway::Stopped, ..Options::default() }).await?;
    scene.cluster.with(with_kyma)?;
    let launch = scene.launch().flag("--exposure", "virtualservice").flag("--apirule-auth", "none").flag("--exposed-port", "3000");
    let (mut driver, gateway) = start(&launch).await?;
    driver.logged("whoever can reach the cluster's ingress reaches every sandbox").await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    let kinds = [Kind::Service, Kind::NetworkPolicy, Kind::VirtualService];
    scene.until("everything is there", |cluster| kinds.iter().all(|kind| cluster.object(*kind, NAMESPACE, NAME).is_some())).await?;
    crate::scene::until("it is told", async || Ok(exposed(&get(&gateway, "ada").await?) == Some(("True".into(), URL.into())))).await?;
    let posts = scene.asked(Method::Post).len();

    // Another process finds everything as it should be.
    driver.signal("TERM").await?;
    driver.ended().await?;
    let (_driver, gateway) = start(&launch).await?;
    crate::scene::until("it is told again", async || Ok(exposed(&get(&gateway, "ada").await?) == Some(("True".into(), URL.into()))))
        .await?;
    assert_eq!(scene.asked(Method::Post).len(), posts, "a restart writes nothing");

    let mut events = gateway.watch().await?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    scene.until("all of it is gone", |cluster| kinds.iter().all(|kind| cluster.object(*kind, NAMESPACE, NAME).is_none())).await
}
