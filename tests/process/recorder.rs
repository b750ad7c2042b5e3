//! The flight recorder of the running driver: written when somebody asks, played by the same binary, and never with a secret in it.
#![expect(clippy::disallowed_methods, reason = "reads recordings")]

use std::path::{Path, PathBuf};
use std::process::Output;

use kubesim::{Access, Options};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::Launch;
use rig::{Outcome, sandbox};
use serde_json::Value;
use tokio::process::Command;

use crate::scene::{Scene, TOKEN, create, delete, get, list, start, until, until_deleted, until_ready};

const SECRETS: [&str; 5] = [TOKEN, "secret-of-the-gateway", "secret-in-the-spec", "secret-in-the-template", "secret-argument"];

/// A driver that records into a directory of the scene.
fn recorded(scene: &Scene) -> Outcome<(Launch, PathBuf)> {
    let directory = scene.scratch.path().join("recordings");
    std::fs::create_dir(&directory)?;
    Ok((scene.launch().flag("--recording-dir", &directory.display().to_string()), directory))
}

/// Whole recordings, oldest first.
pub fn recordings(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    Ok(files)
}

/// Plays a recording as a person does.
async fn replay(file: &Path, more: &[&str]) -> Outcome<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_openshell-driver-kyma")).env_clear().arg("replay").arg(file).args(more).output().await?)
}

fn with_secrets(name: &str) -> pb::DriverSandbox {
    let mut sandbox = sandbox::wanted(name);
    let spec = sandbox.spec.get_or_insert_default();
    spec.sandbox_token = "secret-of-the-gateway".into();
    spec.command = vec!["agent".into(), "--key=secret-argument".into()];
    spec.environment.insert("API_KEY".into(), "secret-in-the-spec".into());
    spec.template.get_or_insert_default().environment.insert("OTHER_KEY".into(), "secret-in-the-template".into());
    sandbox
}

#[tokio::test]
async fn what_a_driver_did_is_written_on_sigusr1_and_plays_again() -> Outcome<()> {
    let access = Access::open().with_tokens([(TOKEN, "driver")]);
    let scene = Scene::with(Options { access, ..Options::default() }).await?;
    let (launch, directory) = recorded(&scene)?;
    let launch = launch.flag("--sandbox-credential", "both");
    let (mut driver, gateway) = start(&launch).await?;
    let mut events = gateway.watch().await?;
    gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(with_secrets("ada")) }).await?;
    until_ready(&mut events, "ada").await?;
    get(&gateway, "ada").await?;
    list(&gateway).await?;
    scene.cluster.drop_connections();
    assert!(delete(&gateway, "ada").await?);
    until_deleted(&mut events, "ada").await?;

    driver.signal("USR1").await?;
    driver.logged("\"event\":\"recording_written\"").await?;
    let files = recordings(&directory)?;
    let [file] = files.as_slice() else { return Err(format!("{files:?}").into()) };
    let text = std::fs::read_to_string(file)?;
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret:?} is in the recording");
    }
    assert!(text.contains("\"API_KEY\":\"xxxxxxxxxxxxxxxxxx\""), "lengths are kept");

    let played = replay(file, &[]).await?;
    let said = String::from_utf8(played.stdout)?;
    assert_eq!(played.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&played.stderr));
    assert!(said.contains("written because of: SIGUSR1") && said.contains("everything is as it was recorded"), "{said}");

    // The driver goes on, and is asked again.
    create(&gateway, "grace").await?;
    driver.signal("USR1").await?;
    driver.logged_times("\"event\":\"recording_written\"", 2).await?;
    assert_eq!(recordings(&directory)?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_difference_is_named_and_a_slice_becomes_a_vector() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (launch, directory) = recorded(&scene)?;
    let (mut driver, gateway) = start(&launch.flag("--recording-on-exit", "true")).await?;
    create(&gateway, "ada").await?;
    driver.signal("TERM").await?;
    assert_eq!(driver.ended().await?.code(), Some(0));
    let file = recordings(&directory)?.pop().ok_or("nothing was written at the end")?;
    let text = std::fs::read_to_string(&file)?;
    let posted = text.lines().find(|line| line.contains("\"input\":{\"call\"") && line.contains("CreateSandbox")).ok_or("no create")?;
    let number = serde_json::from_str::<Value>(posted)?.get("n").and_then(Value::as_u64).ok_or("no number")?;

    // As if another core had recorded it.
    let other =
        scene.scratch.file("other.jsonl", &text.replace(posted, &posted.replace("fieldValidation=Strict", "fieldValidation=Warn")))?;
    let played = replay(&other, &[]).await?;
    let said = String::from_utf8(played.stdout)?;
    assert_eq!(played.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("input {number}, at ")) && said.contains("exchange.request.path"), "{said}");
    assert!(said.contains("fieldValidation=Warn") && said.contains("fieldValidation=Strict"), "{said}");

    let sliced = replay(&file, &["--as-vector", &format!("{number}..{number}")]).await?;
    let vector: Value = serde_json::from_slice(&sliced.stdout)?;
    assert!(vector.pointer("/steps/0/input/call/request/CreateSandbox").is_some() && vector.pointer("/steps/1").is_none(), "{vector:#}");
    assert_eq!(vector.pointer("/steps/0/outputs/0/exchange/request/method"), Some(&"POST".into()), "{vector:#}");

    for (contents, said) in [
        ("", "it is no recording"),
        ("{\"recording\":99}\n", "form 99"),
        (text.get(..text.len() - 9).unwrap_or_default(), "cannot be read"),
    ] {
        let damaged = scene.scratch.file("damaged.jsonl", contents)?;
        let played = replay(&damaged, &[]).await?;
        let stderr = String::from_utf8(played.stderr)?;
        assert!(played.status.code() == Some(2) && stderr.contains(said), "{stderr}");
    }
    let played = replay(&file, &["--namespace", "x"]).await?;
    assert!(String::from_utf8(played.stderr)?.contains("--namespace is a setting"));
    Ok(())
}

#[tokio::test]
async fn without_a_directory_nothing_is_recorded_and_the_signal_does_no_harm() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (mut driver, gateway) = scene.start().await?;
    driver.signal("USR1").await?;
    driver.logged("\"event\":\"recording_off\"").await?;
    create(&gateway, "ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_said_at_the_start() -> Outcome<()> {
    let scene = Scene::new().await?;
    let mut driver = rig::driver::Driver::start(&scene.launch().flag("--recording-dir", "/proc/nowhere"))?;
    assert_eq!(driver.ended().await?.code(), Some(2));
    assert!(driver.log().contains("--recording-dir /proc/nowhere cannot be written to"), "{}", driver.log());
    Ok(())
}

/// Whether this machine lets us mount something that only a process of ours sees.
async fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output().await;
    let can = tried.as_ref().is_ok_and(|tried| tried.status.success());
    // Where the build is judged, a test that does nothing is no test.
    assert!(can || std::env::var_os("CI").is_none(), "no mount namespaces here: {tried:?}");
    can
}

/// The driver, started by a script that mounts something first.
fn mounted(scene: &Scene, launch: Launch, mount: &str) -> Outcome<Launch> {
    use std::os::unix::fs::PermissionsExt as _;
    let script = format!("#!/bin/sh\nexec unshare -rm sh -c '{mount} && exec \"$@\"' mounted {} \"$@\"\n", launch.binary.display());
    let file = scene.scratch.file("mounted", &script)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700))?;
    Ok(Launch { binary: file, ..launch })
}

#[tokio::test]
async fn a_full_disk_is_said_and_costs_the_recording_alone() -> Outcome<()> {
    if !can_mount().await {
        return Ok(());
    }
    let scene = Scene::new().await?;
    let (launch, directory) = recorded(&scene)?;
    // One page, which is less than any recording.
    let mount = format!("mount -t tmpfs -o size=4k tmpfs {}", directory.display());
    let (mut driver, gateway) = start(&mounted(&scene, launch, &mount)?).await?;
    create(&gateway, "ada").await?;
    for times in 1..=2 {
        driver.signal("USR1").await?;
        driver.logged_times("\"event\":\"recording_failed\"", times).await?;
    }
    assert!(driver.log().contains("No space left on device"), "{}", driver.log());
    create(&gateway, "grace").await?;
    driver.signal("TERM").await?;
    assert_eq!(driver.ended().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn on_a_read_only_root_only_the_sockets_and_the_recordings_directory_are_written() -> Outcome<()> {
    if !can_mount().await {
        return Ok(());
    }
    let scene = Scene::new().await?;
    let (launch, directory) = recorded(&scene)?;
    let socket = scene.socket();
    let volumes = [socket.parent().ok_or("no directory")?, &directory];
    std::fs::create_dir(volumes[0])?;
    let volumes = volumes.map(|volume| format!("mount --bind {0} {0}", volume.display())).join(" && ");
    let unwritable = scene.scratch.path().join("unwritable");
    let mount = format!("{volumes} && mount -o remount,bind,ro / && ! touch {} 2>/dev/null", unwritable.display());
    let (mut driver, gateway) = start(&mounted(&scene, launch, &mount)?).await?;
    let mut events = gateway.watch().await?;
    create(&gateway, "ada").await?;
    until_ready(&mut events, "ada").await?;
    driver.signal("USR1").await?;
    driver.logged("\"event\":\"recording_written\"").await?;
    until("a recording is there", async || Ok(!recordings(&directory)?.is_empty())).await?;
    driver.signal("TERM").await?;
    assert_eq!(driver.ended().await?.code(), Some(0), "{}", driver.log());
    Ok(())
}
