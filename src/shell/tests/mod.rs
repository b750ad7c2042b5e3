//! The shell against real parts: sockets, files, TLS, HTTP/2. What only a test has:
//!
//! * [`Scratch`]: a directory of its own.
//! * [`gateway`]: a gRPC client on the private socket.
//! * [`kube`]: a server behind TLS that answers as a test tells it.
//! * [`house`]: the loop with a core that does as a test tells it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what is wrong by failing")]

mod calls;
mod gateway;
mod house;
pub(super) mod kube;
mod recorder;
mod secrets;
mod start_and_stop;
mod streams;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// So long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits what must come.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it should have come by now")
}

/// A directory that is removed with what is in it. Its path is short: the name of a Unix socket has a bound.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shell-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The path of something in it.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
