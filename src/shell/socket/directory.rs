//! Whether a directory can hold the private socket.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Peers, SocketError, failed};

/// Directories that others on the machine rely on. A symbolic link among them (`/var/run`) is the system's own.
const SYSTEM: [&str; 24] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/run/lock",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/var/lib",
    "/var/run",
    "/var/tmp",
];

/// Mode bits that let anybody but the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// Mode bits under `chmod`.
const MODE: u32 = 0o7777;

/// Makes `directory` fit for a socket called `name`, or says why it cannot be.
pub(super) fn prepare(directory: &Path, name: &OsStr, peers: &Peers) -> Result<(), SocketError> {
    let nested = || nested(directory, name);
    let is_system = is_system(directory);
    let found = if is_system { fs::metadata(directory) } else { fs::symlink_metadata(directory) };
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // What is missing above it is made with the same mode: nobody else has a use for it yet.
            return DirBuilder::new()
                .recursive(true)
                .mode(peers.directory_mode())
                .create(directory)
                .and_then(|()| set_mode(directory, peers))
                .map_err(|error| SocketError::Uncreatable { directory: directory.to_owned(), error });
        }
        Err(error) => return Err(failed("looking at", directory)(error)),
    };
    if !found.is_dir() {
        return Err(SocketError::NoDirectory { directory: directory.to_owned(), nested: nested() });
    }
    if found.uid() != peers.own {
        return Err(SocketError::ForeignDirectory { directory: directory.to_owned(), uid: found.uid(), own: peers.own, nested: nested() });
    }
    if !is_system && !is_sticky(&found) {
        return set_mode(directory, peers).map_err(failed("setting the mode of", directory));
    }
    if found.mode() & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(SocketError::SharedDirectory { directory: directory.to_owned(), nested: nested() })
}

/// A sticky directory was set up to be shared.
fn is_sticky(found: &Metadata) -> bool {
    found.mode() & 0o1000 != 0
}

/// Whether this is a directory of the system, by its own name or by the one it is a link to.
pub(super) fn is_system(directory: &Path) -> bool {
    let listed = |path: &Path| SYSTEM.iter().any(|system| path == Path::new(system));
    listed(directory) && fs::canonicalize(directory).is_ok_and(|real| listed(&real))
}

/// Sets the mode where it is another, so that a read-only mount that is fit as it is stays usable.
fn set_mode(directory: &Path, peers: &Peers) -> io::Result<()> {
    let mode = peers.directory_mode();
    if fs::symlink_metadata(directory)?.mode() & MODE == mode {
        return Ok(());
    }
    fs::set_permissions(directory, Permissions::from_mode(mode))
}

/// A path that will work where `directory` does not.
fn nested(directory: &Path, name: &OsStr) -> PathBuf {
    let inside = if is_system(directory) { directory.join("openshell").join("driver") } else { directory.join("driver") };
    inside.join(if is_system(directory) { OsStr::new("driver.sock") } else { name })
}
