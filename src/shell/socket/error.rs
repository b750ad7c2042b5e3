//! Why a path cannot be the driver's socket, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a path cannot be the driver's socket.
#[derive(Debug)]
pub(in crate::shell) enum SocketError {
    /// It ends in no file name.
    NoName { path: PathBuf },
    /// A Unix socket's path has a bound.
    TooLong { path: PathBuf, max: usize },
    /// Its directory is a symbolic link, or no directory.
    NoDirectory { directory: PathBuf, nested: PathBuf },
    /// Its directory belongs to somebody else.
    ForeignDirectory { directory: PathBuf, uid: u32, own: u32, nested: PathBuf },
    /// Its directory is one in which others may write.
    SharedDirectory { directory: PathBuf, nested: PathBuf },
    /// Its directory could not be made.
    Uncreatable { directory: PathBuf, error: io::Error },
    /// Something else is there.
    NoSocket { path: PathBuf },
    /// A socket of somebody else is there.
    ForeignSocket { path: PathBuf, uid: u32, own: u32 },
    /// The lock file is not one we can trust.
    ForeignLock { lock: PathBuf },
    /// A process listens there, or is about to.
    Alive { path: PathBuf },
    /// The system refused something.
    Io { what: &'static str, path: PathBuf, error: io::Error },
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName { path } => write!(f, "--socket {} names no file; give the path of a socket", path.display()),
            Self::TooLong { path, max } => {
                write!(f, "--socket {} is too long: at most {max} bytes fit the name of a Unix socket; give a shorter path", path.display())
            }
            Self::NoDirectory { directory, nested } => {
                write!(f, "{} is not a real directory, so the driver's socket would not be private there; ", directory.display())?;
                advise(f, nested)
            }
            Self::ForeignDirectory { directory, uid, own, nested } => {
                write!(
                    f,
                    "{} belongs to uid {uid} and the driver runs as uid {own}, so its socket would not be private there \
                     (the root of an emptyDir belongs to root); ",
                    directory.display()
                )?;
                advise(f, nested)
            }
            Self::SharedDirectory { directory, nested } => {
                write!(f, "others may write to {}, so the driver's socket would not be private there; ", directory.display())?;
                advise(f, nested)
            }
            Self::Uncreatable { directory, error } => write!(
                f,
                "the directory {} for the driver's socket cannot be created: {error}; name a path with --socket where uid and file system allow it",
                directory.display()
            ),
            Self::NoSocket { path } => {
                write!(f, "{} exists and is not a socket; it is left alone: remove it, or name another path with --socket", path.display())
            }
            Self::ForeignSocket { path, uid, own } => write!(
                f,
                "the socket {} belongs to uid {uid} and the driver runs as uid {own}; it is left alone: remove it, or name another path with --socket",
                path.display()
            ),
            Self::ForeignLock { lock } => write!(
                f,
                "{} is not a file of the driver's own uid, so it cannot serve as lock; remove it, or name another path with --socket",
                lock.display()
            ),
            Self::Alive { path } => write!(
                f,
                "another process serves the socket {}, or is about to; stop it, or name another path with --socket",
                path.display()
            ),
            Self::Io { what, path, error } => write!(f, "{what} {}: {error}", path.display()),
        }
    }
}

fn advise(f: &mut fmt::Formatter<'_>, nested: &Path) -> fmt::Result {
    write!(f, "name a path in a directory of its own, which the driver creates: --socket {}", nested.display())
}
