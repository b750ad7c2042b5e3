//! The private socket: only the gateway may speak on it.
//!
//! **Directory.** A parent that does not exist is created with mode 0700. One that exists must be a real directory of our own uid; it is then
//! given mode 0700. Anything else ends the process with exit code 2 and the path to use instead, because the usual cause is an `emptyDir`,
//! whose root belongs to root: a directory *inside* it will be ours.
//!
//! A directory of the system (`/run`, `/var/run`, `/tmp`, …) is never given another mode, whoever owns it: everything else on the machine needs
//! it. When it is ours and nobody else may write to it, it is used as it is. That is what makes the default path,
//! `/var/run/openshell-driver.sock`, work for root in a container; for any other user that path is refused. A directory into which others
//! may write (`/tmp`) is always refused.
//!
//! **Socket.** Bound under a temporary name, given mode 0600, then renamed, so that whoever sees it can connect to it. What is at the path
//! is replaced only when it is a socket of our own uid on which nobody answers.
//!
//! **Lock.** `<socket>.lock` is locked for the life of the process: a second driver fails instead of taking the path of a live one. The file
//! stays; removing it would let two drivers lock two files of the same name.
//!
//! **Peers.** The kernel says whose process is on the other end. Our own uid may speak, and those allowed by a flag; others are logged and
//! dropped. With allowed uids the directory has mode 0711 and the socket 0666, since there is no group that we could rely on; who may speak is
//! still decided by the kernel's answer.

mod directory;
mod error;
mod look;

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

pub(super) use self::error::SocketError;
pub(super) use self::look::look;
use super::limits;

/// Longest path of a Unix socket on Linux, without its terminator.
const PATH_MAX: usize = 107;

/// Who may speak on the socket.
#[derive(Debug, Clone)]
struct Peers {
    own: u32,
    allowed: Vec<u32>,
}

impl Peers {
    /// Our own effective uid, as the kernel would tell it to a peer, and `allowed`.
    fn with(allowed: &[u32]) -> io::Result<Self> {
        let (ours, _theirs) = UnixStream::pair()?;
        Ok(Self { own: ours.peer_cred()?.uid(), allowed: allowed.to_vec() })
    }

    fn may_speak(&self, uid: u32) -> bool {
        uid == self.own || self.allowed.contains(&uid)
    }

    fn directory_mode(&self) -> u32 {
        if self.allowed.is_empty() { 0o700 } else { 0o711 }
    }

    fn socket_mode(&self) -> u32 {
        if self.allowed.is_empty() { 0o600 } else { 0o666 }
    }
}

/// A path that is ours to bind: its directory is fit, and it is locked until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    temporary: PathBuf,
    peers: Peers,
    _lock: File,
}

impl Place {
    /// Prepares the directory and takes the lock. Fails when the path is not one on which a private socket can be.
    pub(super) async fn take(path: &Path, allowed: &[u32]) -> Result<Self, SocketError> {
        let path = std::path::absolute(path).map_err(failed("resolving", path))?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SocketError::NoName { path });
        };
        let beside = |suffix: String| {
            let mut name = name.to_owned();
            name.push(suffix);
            parent.join(name)
        };
        let temporary = beside(format!(".{}.tmp", std::process::id()));
        if temporary.as_os_str().len() > PATH_MAX {
            let max = PATH_MAX - (temporary.as_os_str().len() - path.as_os_str().len());
            return Err(SocketError::TooLong { path, max });
        }
        let peers = Peers::with(allowed).map_err(failed("asking the kernel for our uid, to compare it on", &path))?;
        directory::prepare(parent, name, &peers)?;
        let lock = lock(&beside(".lock".into()), &path, &peers)?;
        must_be_free(&path, &peers)?;
        match timeout(limits::SOCKET_PROBE, UnixStream::connect(&path)).await {
            Ok(Err(error)) if is_dead(&error) => Ok(Self { path, temporary, peers, _lock: lock }),
            Ok(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Err(failed("asking who listens on", &path)(error)),
            _ => Err(SocketError::Alive { path }),
        }
    }

    /// Where the socket will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Binds, and lets the socket appear at its path.
    pub(super) fn bind(&self) -> Result<Listener, SocketError> {
        must_be_free(&self.path, &self.peers)?;
        must_be_free(&self.temporary, &self.peers)?;
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("removing", &self.temporary)(error)),
            _ => {}
        }
        let socket = UnixListener::bind(&self.temporary).map_err(failed("binding", &self.temporary))?;
        let identity = fs::set_permissions(&self.temporary, Permissions::from_mode(self.peers.socket_mode()))
            .and_then(|()| fs::symlink_metadata(&self.temporary))
            .and_then(|metadata| fs::rename(&self.temporary, &self.path).map(|()| Identity::of(&metadata)))
            .map_err(|error| {
                // What is left behind under the temporary name would only confuse; the error that matters is the first one.
                let _ = fs::remove_file(&self.temporary);
                failed("giving its name and mode to", &self.path)(error)
            })?;
        Ok(Listener { socket, path: self.path.clone(), identity, peers: self.peers.clone() })
    }
}

/// What the system refused, and on which path.
fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError + use<> {
    let path = path.to_owned();
    move |error| SocketError::Io { what, path, error }
}

/// Whether a failed connection shows that no process listens.
fn is_dead(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// What is at `path` may be replaced: nothing, or a socket of ours.
fn must_be_free(path: &Path, peers: &Peers) -> Result<(), SocketError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("looking at", path)(error)),
    };
    if !found.file_type().is_socket() {
        Err(SocketError::NoSocket { path: path.to_owned() })
    } else if found.uid() != peers.own {
        Err(SocketError::ForeignSocket { path: path.to_owned(), uid: found.uid(), own: peers.own })
    } else {
        Ok(())
    }
}

/// Opens and locks the lock file.
fn lock(lock: &Path, path: &Path, peers: &Peers) -> Result<File, SocketError> {
    match fs::symlink_metadata(lock) {
        Ok(found) if !found.is_file() || found.uid() != peers.own => return Err(SocketError::ForeignLock { lock: lock.to_owned() }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("looking at", lock)(error)),
        _ => {}
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(lock).map_err(failed("opening", lock))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SocketError::Alive { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("locking", lock)(error)),
    }
}

/// Tells one file from another that took its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The bound socket. Dropping it removes it, unless something else is at its path by then.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    identity: Identity,
    peers: Peers,
}

impl Listener {
    /// The next connection of somebody who may speak.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if self.peers.may_speak(peer.uid()) => return Ok(stream),
                Ok(peer) => tracing::warn!(
                    event = "grpc_peer_refused",
                    uid = peer.uid(),
                    pid = peer.pid(),
                    own_uid = self.peers.own,
                    "dropped a connection on the driver's socket: this uid is neither ours nor allowed"
                ),
                Err(error) => {
                    tracing::warn!(event = "grpc_peer_refused", %error, "dropped a connection on the driver's socket: the kernel does not say whose it is");
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| Identity::of(&found) == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(event = "socket_left_behind", path = %self.path.display(), %error, "the driver's socket could not be removed");
        }
    }
}

#[cfg(test)]
mod tests;
