//! The private socket: where it may be, who may use it, and that it is never taken from a driver that lives.
#![expect(clippy::disallowed_methods, reason = "the test puts files where a socket is to be")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rig::Outcome;
use rig::driver::Driver;
use rig::gateway::Gateway;

use crate::scene::{Scene, is_served, list, start};

fn mode(path: &Path) -> std::io::Result<u32> {
    Ok(fs::symlink_metadata(path)?.permissions().mode() & 0o7777)
}

#[tokio::test]
async fn the_socket_and_its_directory_are_private() -> Outcome<()> {
    let scene = Scene::new().await?;
    let directory = scene.scratch.path().join("driver");
    fs::create_dir(&directory)?;
    fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
    let (_driver, _gateway) = scene.start().await?;
    assert!(fs::symlink_metadata(scene.socket())?.file_type().is_socket());
    assert_eq!((mode(&scene.socket())?, mode(&directory)?), (0o600, 0o700), "a directory of ours that was there is made private");

    let (_driver, _gateway) = start(&scene.launch().at(&scene.scratch.path().join("made/for/it/driver.sock"))).await?;
    for made in ["made", "made/for", "made/for/it"] {
        assert_eq!(mode(&scene.scratch.path().join(made))?, 0o700, "{made}");
    }
    Ok(())
}

#[tokio::test]
async fn a_place_that_is_not_private_is_refused_and_a_better_one_named() -> Outcome<()> {
    let scene = Scene::new().await?;
    let at = |name: &str| scene.scratch.path().join(name);
    fs::create_dir(at("shared"))?;
    fs::set_permissions(at("shared"), Permissions::from_mode(0o1777))?;
    symlink(at("shared"), at("link"))?;
    fs::write(at("file"), "mine")?;
    symlink(at("file"), at("link-to-file"))?;
    for (socket, says) in [
        (at("shared/driver.sock"), format!("--socket {}", at("shared/driver/driver.sock").display())),
        ("/tmp/driver.sock".into(), "--socket /tmp/openshell/driver/driver.sock".to_owned()),
        (at("link/driver.sock"), format!("--socket {}", at("link/driver/driver.sock").display())),
        (at("file/driver.sock"), "file".to_owned()),
        (at("file"), "is not a socket; it is left alone".to_owned()),
        (at("link-to-file"), "is not a socket; it is left alone".to_owned()),
        (at(&"long".repeat(30)), "at most".to_owned()),
    ] {
        let mut driver = Driver::start(&scene.launch().at(&socket))?;
        let code = driver.ended().await?.code();
        let log = driver.log();
        assert_eq!(code, Some(2), "{}: {log}", socket.display());
        assert!(log.contains(&says), "{says:?} is not in: {log}");
    }
    assert_eq!(mode(&at("shared"))?, 0o1777, "a shared directory keeps its mode");
    assert_eq!(fs::read_to_string(at("file"))?, "mine");
    assert!(fs::symlink_metadata(at("link-to-file"))?.is_symlink());
    Ok(())
}

#[tokio::test]
async fn the_socket_of_a_driver_that_lives_is_not_taken() -> Outcome<()> {
    let scene = Scene::new().await?;
    let (_driver, gateway) = scene.start().await?;
    let inode = fs::symlink_metadata(scene.socket())?.ino();
    let mut second = Driver::start(&scene.launch())?;
    assert_eq!(second.ended().await?.code(), Some(2));
    assert!(second.log().contains("another process serves the socket"), "{}", second.log());
    assert_eq!(fs::symlink_metadata(scene.socket())?.ino(), inode);
    assert_eq!(list(&gateway).await?.len(), 0);
    let again = Gateway::connect(&scene.socket()).await?;
    assert_eq!(list(&again).await?.len(), 0);
    Ok(())
}

/// Only root can start a driver as somebody else, and only root's connections get past the modes of another's directory to be dropped for
/// their uid. For any other user there is nobody to be.
#[tokio::test]
async fn a_peer_of_another_uid_is_dropped_unless_it_is_allowed() -> Outcome<()> {
    const NOBODY: u32 = 65_534;
    let scene = Scene::new().await?;
    if fs::metadata(scene.scratch.path())?.uid() != 0 {
        return Ok(());
    }
    // Where that user can read it, and write beside it.
    let binary = scene.scratch.path().join("openshell-driver-kyma");
    let mut launch = scene.launch();
    fs::copy(&launch.binary, &binary)?;
    fs::set_permissions(scene.scratch.path(), Permissions::from_mode(0o755))?;
    let home = scene.scratch.path().join("home");
    fs::create_dir(&home)?;
    std::os::unix::fs::chown(&home, Some(NOBODY), None)?;
    launch.binary = binary;
    launch.uid = Some(NOBODY);

    let mut driver = Driver::ready(&launch.clone().at(&home.join("own/driver.sock"))).await?;
    assert!(!is_served(&driver.socket).await);
    driver.logged("this uid is neither ours nor allowed").await?;

    let (_driver, friend) = start(&launch.at(&home.join("open/driver.sock")).flag("--allow-uid", "0")).await?;
    assert_eq!(list(&friend).await?.len(), 0);
    assert_eq!((mode(&home.join("open"))?, mode(&home.join("open/driver.sock"))?), (0o711, 0o666));
    Ok(())
}
