//! The gateway's token of a sandbox, kept for its supervisor.

use kubesim::Kind;
use rig::{Outcome, sandbox};

use crate::scene::{NAMESPACE, Scene, create, delete, start, until_deleted};

#[tokio::test]
async fn the_gateways_token_is_kept_in_a_secret_that_goes_with_the_sandbox() -> Outcome<()> {
    let scene = Scene::new().await?;
    let launch = scene.launch().flag("--sandbox-credential", "token").variable("RUST_LOG", "trace");
    let (mut driver, gateway) = start(&launch).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    let name = format!("openshell-token-{}", sandbox::id("ada"));
    scene.until("the token is stored", |cluster| cluster.object(Kind::Secret, NAMESPACE, &name).is_some()).await?;
    let is_noted = |object: &serde_json::Value| {
        object.pointer("/metadata/annotations/kyma.openshell.ai~1token").is_some_and(|token| token == "stored")
    };
    scene.until("that is noted", |cluster| cluster.objects(Kind::Sandbox, "").iter().all(is_noted)).await?;
    let objects = format!("{:?}", scene.sandboxes());
    assert!(!objects.contains("token-of-ada"), "{objects}");

    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    scene.until("the Secret is gone, too", |cluster| cluster.object(Kind::Secret, NAMESPACE, &name).is_none()).await?;
    driver.signal("TERM").await?;
    driver.ended().await?;
    assert!(!driver.log().contains("token-of-ada"), "{}", driver.log());
    Ok(())
}
