//! The file that lists the namespaces of workspaces: read at the start, and looked at again and again. Looking is cheap, works on whatever a cluster
//! or an administrator puts there (a `ConfigMap` is replaced by changing a link), and needs nothing that watches files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::arrival::Arrival;
use super::limits;
use crate::config::workspaces::listed;
use crate::core::names::Namespace;

/// What the file says.
pub(super) type Names = Result<BTreeSet<Namespace>, String>;

/// A file, and what it said when it was read last.
#[derive(Debug)]
pub(super) struct Listing {
    path: PathBuf,
    said: Names,
}

/// Reads it.
pub(super) fn read(path: &Path) -> Names {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(limits::NAMESPACE_FILE + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(_) if u64::try_from(text.len()).is_ok_and(|bytes| bytes > limits::NAMESPACE_FILE) => {
            Err(format!("{}: it is longer than {} bytes", path.display(), limits::NAMESPACE_FILE))
        }
        Ok(_) => listed(&text).map_err(|why| format!("{}: {why}", path.display())),
    }
}

impl Listing {
    /// The file for the first time.
    ///
    /// # Errors
    /// When it cannot be used: a driver should not start with a list that nobody wrote.
    pub(super) fn open(path: PathBuf) -> Result<Self, String> {
        let names = read(&path)?;
        Ok(Self { path, said: Ok(names) })
    }

    /// What it said.
    pub(super) fn names(&self) -> Names {
        self.said.clone()
    }

    /// Tells of every change, until nobody listens any more. What is read must stand for one look more: a file may be half written.
    pub(super) async fn follow(mut self, arrivals: mpsc::Sender<Arrival>) {
        let mut seen = self.said.clone();
        loop {
            sleep(limits::NAMESPACE_FILE_EVERY).await;
            let path = self.path.clone();
            // A file may be on a disk that does not answer.
            let Ok(names) = tokio::task::spawn_blocking(move || read(&path)).await else { return };
            let stands = names == seen;
            seen.clone_from(&names);
            if stands && names != self.said {
                self.said.clone_from(&names);
                if arrivals.send(Arrival::Namespaces(names)).await.is_err() {
                    return;
                }
            }
        }
    }
}
