//! A driver's life in a namespace of an existing cluster: `make test-integration`, which says where that is. Elsewhere there is nothing to do.
#![allow(clippy::disallowed_methods, reason = "it is told by variables where the cluster is")]

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::Gateway;
use rig::scratch::Scratch;
use rig::{Outcome, sandbox};
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_born_stopped_started_and_deleted() -> Outcome<()> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("{name} is not set: run this with make test-integration"));
    let (namespace, gateway_id, kubeconfig) =
        (variable("INTEGRATION_NAMESPACE")?, variable("INTEGRATION_GATEWAY_ID")?, variable("INTEGRATION_KUBECONFIG")?);
    let scratch = Scratch::new()?;
    // The kubeconfig wins over what a pod would be told.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let binary = Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma"));
    let launch = Launch::new(binary, nowhere, scratch.path(), &scratch.path().join("driver/driver.sock"))
        .flag("--kubeconfig", &kubeconfig)
        .flag("--namespace", &namespace)
        .flag("--gateway-id", &gateway_id)
        .flag("--gpu-support", "false");
    let mut driver = Driver::ready(&launch).await?;
    let gateway = Gateway::connect(&driver.socket).await?;
    let mut events = gateway.watch().await?;
    let name = "integration";
    let id = sandbox::id(name);

    let wanted = sandbox::wanted(name);
    gateway.validate_sandbox_create(pb::ValidateSandboxCreateRequest { sandbox: Some(wanted.clone()) }).await?;
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted.clone()) }).await?;
    // The controller acts on it.
    let acted = |seen: &pb::DriverSandbox| sandbox::condition(seen, "Ready").is_some();
    events.until(|event| sandbox::snapshot(event).filter(|seen| seen.id == id && acted(seen)).map(|_| ())).await?;
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(wanted) }).await?;

    gateway.stop_sandbox(pb::StopSandboxRequest { sandbox_id: id.clone(), sandbox_name: name.into() }).await?;
    let start = pb::StartSandboxRequest { sandbox_id: id.clone(), sandbox_name: name.into(), ..pb::StartSandboxRequest::default() };
    gateway.start_sandbox(start).await?;

    let listed = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?.sandboxes;
    assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    let delete = pb::DeleteSandboxRequest { sandbox_id: id.clone(), sandbox_name: name.into() };
    assert!(gateway.delete_sandbox(delete.clone()).await?.deleted);
    events.until(|event| sandbox::deleted(event).filter(|deleted| *deleted == id).map(|_| ())).await?;
    assert!(!gateway.delete_sandbox(delete).await?.deleted, "there is none any more");
    assert_eq!(gateway.get_sandbox(sandbox::get(name)).await.err().map(|status| status.code()), Some(Code::NotFound));

    driver.signal("TERM").await?;
    assert!(driver.ended().await?.success());
    Ok(())
}
