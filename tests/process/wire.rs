//! What a caller may send: methods that are none, messages that are none, other releases' messages, messages of any size, deadlines.

use std::time::Duration;

use kubesim::serve::Door;
use openshell_driver_kyma::contract::messages::compute as pb;
use openshell_driver_kyma::contract::messages::extension::PeerMetadata;
use prost::Message as _;
use rig::{Outcome, sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::Code;

use crate::scene::{Scene, create, get, list, until_deleted};

const CREATE: &str = "/openshell.compute.v1.ComputeDriver/CreateSandbox";
const VALIDATE: &str = "/openshell.compute.v1.ComputeDriver/ValidateSandboxCreate";
/// `DriverSandbox.spec` and `CreateSandboxRequest.sandbox`, as keys of length-delimited fields.
const SPEC: u8 = (4 << 3) | 2;
const SANDBOX: u8 = (1 << 3) | 2;

#[tokio::test]
async fn what_the_contract_does_not_have_is_unimplemented() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    for path in
        ["/openshell.compute.v1.ComputeDriver/Nonsense", "/openshell.compute.v9.ComputeDriver/GetSandbox", "/grpc.health.v1.Health/Check"]
    {
        let refused = gateway.bytes(path, vec![]).await;
        assert!(refused.as_ref().is_err_and(|status| status.code() == Code::Unimplemented), "{path}: {refused:?}");
    }
    let refused = gateway.authenticate_sandbox(pb::AuthenticateSandboxRequest { credential: "c".into() }).await;
    assert!(refused.as_ref().is_err_and(|status| status.code() == Code::Unimplemented), "{refused:?}");
    assert_eq!(list(&gateway).await?.len(), 0, "and the connection goes on");
    Ok(())
}

#[tokio::test]
async fn a_gateway_of_the_newer_runtime_is_told_which_releases_are_served() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let newer = PeerMetadata { implementation_version: "0.1.2".into(), ..PeerMetadata::default() };
    let refused = gateway.get_capabilities(pb::GetCapabilitiesRequest { gateway: Some(newer) }).await;
    let status = refused.err().ok_or("a gateway of v0.1 was welcomed")?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("0.1.2") && status.message().contains("v0.0.116"), "{status}");
    Ok(())
}

#[tokio::test]
async fn messages_that_cannot_be_read_are_the_caller_s_fault() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    // sandbox { spec { 9: true } }: how a GPU was asked for before v0.0.91.
    let old_gpu = [SANDBOX, 4, SPEC, 2, 9 << 3, 1];
    // sandbox { id: bytes that are no text }
    let no_text = [SANDBOX, 4, SANDBOX, 2, 0xff, 0xfe];
    for (message, says) in [(&old_gpu[..], "v0.0.91"), (&no_text, "DriverSandbox.id"), (b"hunter2", "not a message")] {
        for method in [CREATE, VALIDATE] {
            let status = gateway.bytes(method, message.to_vec()).await.err().ok_or("it was read")?;
            assert_eq!(status.code(), Code::InvalidArgument, "{status}");
            assert!(status.message().contains(says), "{status}");
        }
    }
    let nothing = gateway.bytes(CREATE, vec![]).await;
    assert!(nothing.as_ref().is_err_and(|status| status.code() == Code::FailedPrecondition), "{nothing:?}");
    assert_eq!(scene.sandboxes().len(), 0);
    Ok(())
}

#[tokio::test]
async fn fields_of_releases_to_come_are_ignored() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut message = pb::CreateSandboxRequest { sandbox: Some(sandbox::wanted("ada")) }.encode_to_vec();
    // 1000: "x", beside the sandbox.
    message.extend([0xc2, 0x3e, 1, b'x']);
    gateway.bytes(CREATE, message).await?;
    assert_eq!(list(&gateway).await?, ["ada"]);
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let with_a_variable_of = |bytes: usize| {
        let mut sandbox = sandbox::wanted("ada");
        sandbox.spec.get_or_insert_default().environment.insert("LONG".into(), "x".repeat(bytes));
        pb::ValidateSandboxCreateRequest { sandbox: Some(sandbox) }
    };
    let read = gateway.validate_sandbox_create(with_a_variable_of(4 * 1024 * 1024)).await;
    assert!(
        read.as_ref().is_err_and(|status| status.code() == Code::InvalidArgument),
        "it is read, and its variable is too long: {read:?}"
    );
    let refused = gateway.validate_sandbox_create(with_a_variable_of(5 * 1024 * 1024)).await;
    assert!(refused.as_ref().is_err_and(|status| status.code() == Code::OutOfRange), "{refused:?}");
    assert_eq!(list(&gateway).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_caller_that_says_how_long_it_waits_is_answered_by_then() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let hurried = gateway.waiting(Duration::from_millis(200));
    let mut events = hurried.watch().await?;
    let ended = events.next().await;
    assert!(ended.as_ref().is_err_and(|status| status.message() == "the stream ended"), "a deadline is a stream's good end: {ended:?}");

    scene.cluster.set_door(Door::Stalling);
    let (creating, reading) = tokio::join!(create(&hurried, "ada"), get(&hurried, "grace"));
    for status in [creating.err(), reading.err()] {
        let status = status.ok_or("a call succeeded while the API server was silent")?;
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    scene.cluster.set_door(Door::Open);
    create(&gateway, "edsger").await?;
    let mut events = gateway.watch().await?;
    assert!(crate::scene::delete(&gateway, "edsger").await?);
    Ok(until_deleted(&mut events, "edsger").await?)
}

#[tokio::test]
async fn a_caller_that_does_not_speak_http2_harms_nobody() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let mut stranger = UnixStream::connect(scene.socket()).await?;
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: driver\r\n\r\n").await?;
    let mut said = Vec::new();
    // It may also be cut off while it still reads.
    let _ = stranger.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{said:?}");
    assert_eq!(list(&gateway).await?.len(), 0);
    Ok(())
}
