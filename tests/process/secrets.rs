//! No secret is in the log, whatever level is asked for and whatever happens.

use kubesim::{Access, Fault, Method, Options, Trouble};
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message as _;
use rig::{Outcome, sandbox};

use crate::scene::{Scene, TOKEN, create, delete, get, list, start, until_deleted, until_ready};

const SECRETS: [&str; 6] =
    [TOKEN, "the-next-token", "secret-of-the-gateway", "secret-in-the-spec", "secret-in-the-template", "secret-in-bytes"];

#[tokio::test]
async fn a_whole_life_with_every_level_open_prints_no_secret() -> Outcome<()> {
    let access = Access::open().with_tokens([(TOKEN, "driver")]);
    let scene = Scene::with(Options { access, ..Options::default() }).await?;
    let (mut driver, gateway) = start(&scene.launch().variable("RUST_LOG", "trace")).await?;
    let mut said = Vec::new();

    // What works.
    let mut events = gateway.watch().await?;
    let request = pb::CreateSandboxRequest { sandbox: Some(with_secrets("ada")) };
    gateway.create_sandbox(request.clone()).await?;
    until_ready(&mut events, "ada").await?;
    get(&gateway, "ada").await?;
    list(&gateway).await?;

    // What does not: refused by us, unreadable, refused by the API server, an old token, a broken connection, a name that is taken.
    let mut unfit = with_secrets("grace");
    unfit.spec.get_or_insert_default().environment.insert("NOT=A=NAME".into(), "secret-in-the-spec".into());
    said.push(gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(unfit.clone()) }).await.err());
    said.push(gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(unfit) }).await.err());
    let mut unreadable = request.encode_to_vec();
    unreadable.extend_from_slice(b"\x0a\xffsecret-in-bytes");
    said.push(gateway.bytes("/openshell.compute.v1.ComputeDriver/CreateSandbox", unreadable).await.err());
    let trouble = Trouble::Denied("not today".into());
    scene.cluster.with(|cluster| {
        cluster.inject(Fault { method: Some(Method::Post), path_contains: "sandboxes".into(), times: 1, trouble });
    });
    let grace = pb::CreateSandboxRequest { sandbox: Some(with_secrets("grace")) };
    said.push(gateway.create_sandbox(grace.clone()).await.err());
    scene.cluster.with(|cluster| {
        cluster.reject_token(TOKEN);
        cluster.accept_token("the-next-token", "driver");
    });
    scene.scratch.file("token", "the-next-token")?;
    gateway.create_sandbox(grace.clone()).await?;
    scene.cluster.drop_connections();
    let mut taken = with_secrets("grace");
    taken.id = sandbox::id("another");
    said.push(gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(taken) }).await.err());

    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;
    create(&gateway, "edsger").await?;
    driver.signal("TERM").await?;
    driver.ended().await?;

    let log = driver.log();
    assert!(log.contains("DEBUG"), "every level is open:\n{log}");
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret:?} is in the log:\n{log}");
        for status in &said {
            let status = status.as_ref().ok_or("what had to be refused was not")?;
            assert!(!status.message().contains(secret), "{secret:?} is in {status}");
        }
    }
    Ok(())
}

fn with_secrets(name: &str) -> pb::DriverSandbox {
    let mut sandbox = sandbox::wanted(name);
    let spec = sandbox.spec.get_or_insert_default();
    spec.sandbox_token = "secret-of-the-gateway".into();
    spec.environment.insert("API_KEY".into(), "secret-in-the-spec".into());
    spec.template.get_or_insert_default().environment.insert("OTHER_KEY".into(), "secret-in-the-template".into());
    sandbox
}
