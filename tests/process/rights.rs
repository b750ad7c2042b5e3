//! A driver that has exactly the rights that the table says, and no other.

use kubesim::{Access, Kind, Options, Presence, Rule};
use openshell_driver_kyma::cli::{self, Command, Environment};
use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::preflight::permissions::{Permission, Scope, needed};
use rig::driver::Launch;
use rig::gateway::Gateway;
use rig::{Outcome, sandbox};
use serde_json::json;

use crate::scene::{NAMESPACE, Scene, TOKEN, delete, resume, start, stop, until_deleted, until_ready};

const USER: &str = "system:serviceaccount:openshell-system:driver";

/// The rights of a driver with these flags. The model knows no names of objects in a rule; the vectors do.
fn grants(flags: &[&str]) -> Outcome<Vec<Rule>> {
    let arguments = std::iter::once(&"permissions").chain(flags).map(Into::into);
    let Command::Permissions(config, _) = cli::parse(arguments, &Environment::new()).map_err(|usage| usage.to_string())? else {
        return Err("permissions is another command".into());
    };
    let rule = |permission: &Permission| {
        let rule = Rule::new(permission.group, &[permission.resource], permission.verbs);
        match &permission.scope {
            Scope::Namespace(namespace) => rule.in_namespace(namespace.as_str()),
            Scope::Cluster => rule,
        }
    };
    Ok(needed(&config).iter().map(rule).collect())
}

async fn scene(flags: &[&str]) -> Outcome<Scene> {
    let access = Access::open().with_tokens([(TOKEN, USER)]).with_grants(grants(flags)?);
    let scene = Scene::with(Options { access, kyma: Presence::Present, ..Options::default() }).await?;
    scene.cluster.with(crate::exposure::with_kyma)?;
    Ok(scene)
}

fn flagged(launch: Launch, flags: &[&str]) -> Launch {
    flags.chunks(2).fold(launch, |launch, pair| match pair {
        [name, value] => launch.flag(name, value),
        _ => launch,
    })
}

/// A whole life, in which nothing is refused.
async fn live(scene: &Scene, launch: &Launch, workspace: &str) -> Outcome<()> {
    let (mut driver, gateway) = start(launch).await?;
    let mut events = gateway.watch().await?;
    create_in(&gateway, workspace, "ada").await?;
    until_ready(&mut events, "ada").await?;
    stop(&gateway, "ada").await?;
    resume(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    gateway.delete_workspace(pb::DeleteWorkspaceRequest { workspace: workspace.into() }).await?;
    driver.signal("TERM").await?;
    driver.ended().await?;
    let refused = |logged: &&kubesim::Logged| logged.status == 403 || logged.status == 401;
    let refused =
        scene.cluster.with(|cluster| cluster.log().iter().filter(refused).map(|logged| format!("{logged:?}")).collect::<Vec<_>>());
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(())
}

async fn create_in(gateway: &Gateway, workspace: &str, name: &str) -> Result<(), tonic::Status> {
    let wanted = pb::DriverSandbox { workspace: workspace.into(), ..sandbox::wanted(name) };
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(wanted.clone()) }).await?;
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await.map(|_| ())
}

#[tokio::test]
async fn in_the_shared_namespace_nothing_more_is_asked() -> Outcome<()> {
    for flags in [&[][..], &["--sandbox-credential", "both", "--exposure", "virtualservice", "--apirule-auth", "none"]] {
        let scene = scene(flags).await?;
        live(&scene, &flagged(scene.launch(), flags), "default").await?;
    }
    Ok(())
}

#[tokio::test]
async fn with_managed_workspaces_nothing_more_is_asked() -> Outcome<()> {
    let flags = [
        "--workspace-mode",
        "managed",
        "--enable-network-policy",
        "true",
        "--image-pull-secrets",
        "registry",
        "--sandbox-service-account",
        "sandboxes",
    ];
    let scene = scene(&flags).await?;
    let secret = json!({ "metadata": { "name": "registry", "namespace": NAMESPACE }, "type": "Opaque", "data": { "password": "b2xk" } });
    scene.cluster.with(|cluster| cluster.create_object(Kind::Secret, secret)).map_err(|refused| format!("{refused:?}"))?;
    live(&scene, &flagged(scene.launch(), &flags), "one").await
}

#[tokio::test]
async fn with_chosen_namespaces_nothing_more_is_asked() -> Outcome<()> {
    let flags =
        ["--workspace-mode", "operator", "--operator-namespace-label", "openshell.ai/workspace=true", "--sandbox-credential", "token"];
    let scene = scene(&flags).await?;
    scene.cluster.with(|cluster| {
        cluster.add_namespace("team-a", &[("openshell.ai/workspace", "true"), ("pod-security.kubernetes.io/enforce", "privileged")]);
    });
    live(&scene, &flagged(crate::operator::outside(&scene)?, &flags), "team-a").await
}
