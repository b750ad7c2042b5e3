//! The private socket on a real file system.
#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::symlink;

use tokio::io::AsyncReadExt;

use super::*;
use crate::shell::tests::{Scratch, soon};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn make(path: &Path, mode: u32) {
    DirBuilder::new().create(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

async fn take(path: &Path) -> Result<Place, SocketError> {
    Place::take(path, &[]).await
}

/// Somebody whom nothing here belongs to.
fn stranger() -> Peers {
    let ours = Peers::with(&[]).unwrap();
    Peers { own: ours.own + 1, ..ours }
}

#[tokio::test]
async fn a_missing_directory_is_made_private_and_so_is_the_socket() {
    let scratch = Scratch::new();
    let path = scratch.path("a/b/driver.sock");
    let place = take(&path).await.unwrap();
    assert!(!path.exists());
    let listener = place.bind().unwrap();
    assert_eq!((mode(&scratch.path("a")), mode(&scratch.path("a/b")), mode(&path)), (0o700, 0o700, 0o600));
    let names: Vec<_> = fs::read_dir(scratch.path("a/b")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "driver.sock" || name == "driver.sock.lock"), "{names:?}");
    let (client, served) = soon(async { tokio::join!(UnixStream::connect(&path), listener.accept()) }).await;
    assert!(client.is_ok() && served.is_ok());
}

#[tokio::test]
async fn a_directory_of_ours_is_made_private() {
    let scratch = Scratch::new();
    make(&scratch.path("ours"), 0o755);
    take(&scratch.path("ours/driver.sock")).await.unwrap();
    assert_eq!(mode(&scratch.path("ours")), 0o700);
}

#[tokio::test]
async fn other_uids_that_are_allowed_can_reach_the_socket() {
    let scratch = Scratch::new();
    let path = scratch.path("s/driver.sock");
    let place = Place::take(&path, &[4_000_000_001]).await.unwrap();
    let _listener = place.bind().unwrap();
    assert_eq!((mode(&scratch.path("s")), mode(&path)), (0o711, 0o666));
}

#[tokio::test]
async fn a_symbolic_link_or_a_file_is_no_directory_for_it() {
    let scratch = Scratch::new();
    make(&scratch.path("real"), 0o755);
    symlink(scratch.path("real"), scratch.path("link")).unwrap();
    fs::write(scratch.path("file"), "").unwrap();
    for name in ["link", "file"] {
        let error = take(&scratch.path(name).join("driver.sock")).await.unwrap_err();
        assert!(matches!(error, SocketError::NoDirectory { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{name}/driver/driver.sock")), "{error}");
    }
    assert_eq!(mode(&scratch.path("real")), 0o755);
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_left_alone_and_a_nested_path_named() {
    let scratch = Scratch::new();
    make(&scratch.path("theirs"), 0o777);
    let error = directory::prepare(&scratch.path("theirs"), OsStr::new("x.sock"), &stranger()).unwrap_err();
    assert!(matches!(error, SocketError::ForeignDirectory { .. }), "{error}");
    assert!(error.to_string().ends_with(&format!("--socket {}", scratch.path("theirs/driver/x.sock").display())), "{error}");
    assert_eq!(mode(&scratch.path("theirs")), 0o777);
}

#[test]
fn a_directory_of_the_system_keeps_its_mode_whoever_we_are() {
    for system in ["/tmp", "/run", "/var/run", "/etc", "/"].map(Path::new) {
        let before = fs::metadata(system).unwrap();
        let owner = Peers { own: before.uid(), allowed: vec![] };
        let ours = directory::prepare(system, OsStr::new("x.sock"), &owner);
        let theirs = directory::prepare(system, OsStr::new("x.sock"), &Peers { own: before.uid() + 1, allowed: vec![] });
        assert_eq!(fs::metadata(system).unwrap().mode(), before.mode(), "{}", system.display());
        if before.mode() & 0o022 == 0 {
            assert!(ours.is_ok(), "{}: {ours:?}", system.display());
        } else {
            assert!(matches!(ours, Err(SocketError::SharedDirectory { .. })), "{}: {ours:?}", system.display());
        }
        let nested = system.join("openshell/driver/driver.sock");
        assert!(theirs.unwrap_err().to_string().ends_with(&format!("--socket {}", nested.display())));
    }
}

#[tokio::test]
async fn a_sticky_directory_is_shared_wherever_it_is() {
    let scratch = Scratch::new();
    make(&scratch.path("shared"), 0o1777);
    let error = directory::prepare(&scratch.path("shared"), OsStr::new("x.sock"), &Peers::with(&[]).unwrap()).unwrap_err();
    assert!(matches!(error, SocketError::SharedDirectory { .. }), "{error}");
    assert_eq!(mode(&scratch.path("shared")), 0o1777);
}

#[tokio::test]
async fn the_socket_of_a_dead_driver_is_replaced() {
    let scratch = Scratch::new();
    let path = scratch.path("s/driver.sock");
    let place = take(&path).await.unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(place);
    let place = take(&path).await.unwrap();
    let listener = place.bind().unwrap();
    let (client, _) = soon(async { tokio::join!(UnixStream::connect(&path), listener.accept()) }).await;
    assert!(client.is_ok());
}

#[tokio::test]
async fn a_live_driver_keeps_its_path_from_the_moment_it_takes_it() {
    let scratch = Scratch::new();
    let path = scratch.path("s/driver.sock");
    let place = take(&path).await.unwrap();
    assert!(matches!(take(&path).await, Err(SocketError::Alive { .. })));
    let listener = place.bind().unwrap();
    assert!(matches!(take(&path).await, Err(SocketError::Alive { .. })));
    drop(listener);
    assert!(!path.exists());
    drop(place);
    take(&path).await.unwrap();
}

#[tokio::test]
async fn a_process_that_takes_no_lock_keeps_its_path_while_it_listens() {
    let scratch = Scratch::new();
    make(&scratch.path("s"), 0o700);
    let path = scratch.path("s/driver.sock");
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = take(&path).await.unwrap_err();
    assert!(matches!(error, SocketError::Alive { .. }), "{error}");
    drop(other);
    take(&path).await.unwrap();
}

#[tokio::test]
async fn what_is_no_socket_of_ours_is_left_alone() {
    let scratch = Scratch::new();
    make(&scratch.path("s"), 0o700);
    let path = scratch.path("s/driver.sock");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(take(&path).await, Err(SocketError::NoSocket { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
    symlink(scratch.path("elsewhere.sock"), &path).unwrap();
    assert!(matches!(take(&path).await, Err(SocketError::NoSocket { .. })));
    fs::remove_file(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert!(matches!(must_be_free(&path, &stranger()), Err(SocketError::ForeignSocket { .. })));
    symlink(&path, scratch.path("s/other.sock.lock")).unwrap();
    assert!(matches!(take(&scratch.path("s/other.sock")).await, Err(SocketError::ForeignLock { .. })));
}

#[tokio::test]
async fn only_a_socket_that_is_still_ours_is_removed() {
    let scratch = Scratch::new();
    let path = scratch.path("s/driver.sock");
    let place = take(&path).await.unwrap();
    let listener = place.bind().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another's").unwrap();
    drop(listener);
    assert_eq!(fs::read(&path).unwrap(), b"another's");
}

#[tokio::test]
async fn a_temporary_socket_left_by_a_crash_is_no_obstacle() {
    let scratch = Scratch::new();
    let place = take(&scratch.path("s/driver.sock")).await.unwrap();
    drop(std::os::unix::net::UnixListener::bind(&place.temporary).unwrap());
    place.bind().unwrap();
}

#[tokio::test]
async fn a_peer_that_may_not_speak_is_cut_off() {
    let scratch = Scratch::new();
    let path = scratch.path("s/driver.sock");
    let place = take(&path).await.unwrap();
    let own = place.peers.own;
    let mut listener = place.bind().unwrap();
    listener.peers = stranger();
    let client = async {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.read(&mut [0]).await
    };
    let read = soon(async {
        tokio::select! {
            read = client => read,
            _ = listener.accept() => unreachable!("it was let in"),
        }
    })
    .await;
    assert!(matches!(read, Ok(0) | Err(_)));
    listener.peers.allowed = vec![own];
    let (client, served) = soon(async { tokio::join!(UnixStream::connect(&path), listener.accept()) }).await;
    assert!(client.is_ok() && served.is_ok());
}

#[tokio::test]
async fn a_path_that_cannot_name_a_socket_is_refused_before_anything_is_made() {
    let scratch = Scratch::new();
    let long = scratch.path("l".repeat(120)).join("driver.sock");
    let error = take(&long).await.unwrap_err();
    assert!(matches!(error, SocketError::TooLong { .. }), "{error}");
    assert!(!long.parent().unwrap().exists());
    assert!(matches!(take(Path::new("/")).await, Err(SocketError::NoName { .. })));
}
