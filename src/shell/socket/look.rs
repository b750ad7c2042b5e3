//! What can be said of a socket's place without changing anything.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::directory::is_system;
use crate::preflight::report::Outcome;

/// Whether a driver that ran here could listen at `path`. Never a failure: the driver may be meant to run elsewhere.
pub fn look(path: &Path) -> Outcome {
    let shown = path.display();
    let Some(parent) = path.parent() else {
        return Outcome::warn(format!("{shown} has no directory"), "name a path inside a directory with --socket");
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Outcome::warn(
                format!("{shown} is there and is no socket"),
                format!("ls -l {shown}; then move it, or name another path with --socket"),
            );
        }
        Ok(_) if UnixStream::connect(path).is_ok() => return Outcome::pass(format!("a driver answers at {shown} already")),
        Ok(_) | Err(_) => {}
    }
    let own = fs::metadata("/proc/self").map(|process| process.uid());
    let nested = format!("name a path in a directory of the driver's own with --socket: {}/driver/driver.sock", parent.display());
    match (fs::metadata(parent), own) {
        (Ok(found), Ok(own)) if found.is_dir() && found.uid() == own => {
            if is_system(parent) && own != 0 {
                Outcome::warn(format!("{} is a directory of the system", parent.display()), nested)
            } else {
                Outcome::pass(format!("{shown}, in a directory of our own"))
            }
        }
        (Ok(found), Ok(own)) => Outcome::warn(format!("{} belongs to uid {}, not to ours ({own})", parent.display(), found.uid()), nested),
        (Err(error), _) if error.kind() == ErrorKind::NotFound => Outcome::pass(format!("{shown}; {} will be made", parent.display())),
        (Err(error), _) | (_, Err(error)) => Outcome::unknown(format!("{} cannot be looked at: {error}", parent.display())),
    }
}
