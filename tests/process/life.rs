//! A sandbox's life, as the gateway drives it.

use kubesim::Method;
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use tonic::Code;

use crate::scene::{Scene, create, delete, get, list, until_deleted, until_ready};

#[tokio::test]
async fn a_sandbox_is_created_seen_and_deleted() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;

    let about = gateway.get_capabilities(pb::GetCapabilitiesRequest::default()).await?;
    assert_eq!((about.driver_name.as_str(), about.driver_version.as_str()), ("kyma", env!("CARGO_PKG_VERSION")));
    assert!(!about.default_image.is_empty() && !about.gateway_manages_lifecycle, "{about:?}");
    let needs = gateway.get_gateway_listener_requirements(pb::GetGatewayListenerRequirementsRequest::default()).await?;
    assert!(needs.requirements.is_empty());
    let mut events = gateway.watch().await?;
    assert_eq!(list(&gateway).await?, [""; 0]);

    let wanted = Some(sandbox::wanted("ada"));
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: wanted.clone() }).await?;
    assert_eq!(scene.sandboxes().len(), 0, "validating creates nothing");
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: wanted }).await?;
    assert_eq!(list(&gateway).await?, ["ada"], "a caller reads its own write");
    until_ready(&mut events, "ada").await?;
    let posts = scene.asked(Method::Post);
    assert_eq!(posts.len(), 1, "a create is one request: {posts:?}");

    let before = scene.cluster.with(|cluster| cluster.log().len());
    let seen = get(&gateway, "ada").await?;
    assert_eq!((seen.id, seen.workspace.as_str()), (sandbox::id("ada"), "default"));
    assert_eq!(list(&gateway).await?, ["ada"]);
    assert_eq!(scene.cluster.with(|cluster| cluster.log().len()), before, "reads are answered from what is known");

    assert!(delete(&gateway, "ada").await?, "it was there");
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.asked(Method::Delete).len(), 1);
    assert_eq!(scene.sandboxes().len(), 0);
    assert!(!delete(&gateway, "ada").await?, "a second delete finds nothing, which is no error");
    let gone = get(&gateway, "ada").await;
    assert!(gone.as_ref().is_err_and(|status| status.code() == Code::NotFound), "{gone:?}");
    assert_eq!(list(&gateway).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn workspaces_are_accepted_and_ask_nothing_of_the_cluster() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    gateway.ensure_workspace(pb::EnsureWorkspaceRequest { workspace: "team-b".into() }).await?;
    gateway.delete_workspace(pb::DeleteWorkspaceRequest { workspace: "nobody-ensured-it".into() }).await?;
    let writes = scene.cluster.with(|cluster| cluster.log().iter().filter(|logged| logged.method != Method::Get).count());
    assert_eq!(writes, 0);
    Ok(())
}

#[tokio::test]
async fn many_sandboxes_are_created_and_deleted_at_once() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let names: Vec<String> = (100..150).map(|number| format!("one-of-many-{number}")).collect();
    let mut events = gateway.watch().await?;
    at_once(&gateway, &names, |gateway, name| async move { create(&gateway, &name).await }).await?;
    assert_eq!(list(&gateway).await?, names);
    for deleted in at_once(&gateway, &names, |gateway, name| async move { delete(&gateway, &name).await }).await? {
        assert!(deleted);
    }
    // Deletions come in any order, and each once.
    let mut left: std::collections::BTreeSet<String> = names.iter().map(|name| sandbox::id(name)).collect();
    while !left.is_empty() {
        let gone = events.until(|event| sandbox::deleted(event).map(str::to_owned)).await?;
        assert!(left.remove(&gone), "{gone} was deleted twice");
    }
    let writes = (scene.asked(Method::Post).len(), scene.asked(Method::Delete).len());
    assert_eq!(writes, (names.len(), names.len()), "each create and each delete is one request");
    Ok(())
}

/// The same call for every name, all of them in flight together.
async fn at_once<T, F>(gateway: &Gateway, names: &[String], call: impl Fn(Gateway, String) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, tonic::Status>> + Send + 'static,
{
    let calls: Vec<_> = names.iter().map(|name| tokio::spawn(call(gateway.clone(), name.clone()))).collect();
    let mut replies = Vec::new();
    for call in calls {
        replies.push(call.await??);
    }
    Ok(replies)
}

#[tokio::test]
async fn a_delete_that_overtakes_its_create_removes_what_was_created() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = crate::scene::start(&scene.launch().flag("--log-level", "debug")).await?;
    let mut events = gateway.watch().await?;
    scene.cluster.set_door(kubesim::serve::Door::Stalling);
    let (creating, deleting) = (gateway.clone(), gateway.clone());
    let creating = tokio::spawn(async move { create(&creating, "ada").await });
    driver.logged("create in pausing_to_post met begin").await?;
    let deleting = tokio::spawn(async move { delete(&deleting, "ada").await });
    driver.logged("delete in pausing met begin").await?;
    scene.cluster.set_door(kubesim::serve::Door::Open);
    creating.await??;
    assert!(deleting.await??, "what the create made was deleted");
    until_deleted(&mut events, "ada").await?;
    assert_eq!(scene.sandboxes().len(), 0);
    Ok(())
}
