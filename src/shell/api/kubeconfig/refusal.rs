//! Why a kubeconfig is not used.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::core::grpc_status::truncate;

/// Bytes of a name or an address in an error.
const SHOWN: usize = 200;

/// Why a kubeconfig is not used, for the person who wrote it. Displays as: the file, the place in it, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    file: PathBuf,
    /// From the outside in: `context "a"`, `user "b"`, `exec`.
    place: Vec<String>,
    why: String,
}

/// A place in a kubeconfig.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    file: &'a Path,
    parts: Vec<String>,
}

impl<'a> Place<'a> {
    /// The file as a whole.
    pub(super) const fn of(file: &'a Path) -> Self {
        Self { file, parts: Vec::new() }
    }

    /// A place in this one.
    pub(super) fn within(&self, part: impl Into<String>) -> Self {
        let mut inner = self.clone();
        inner.parts.push(part.into());
        inner
    }

    /// Where a path that is not absolute begins.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or_else(|| Path::new("")).join(path)
    }

    /// What is wrong here.
    pub(super) fn refuse(&self, why: impl Into<String>) -> Refusal {
        Refusal { file: self.file.into(), place: self.parts.clone(), why: why.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubeconfig {}: ", self.file.display())?;
        for part in &self.place {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refusal {}

/// A name as it is shown, within a bound and without control characters.
pub(super) fn shown(name: &str) -> String {
    let mut text = name.to_owned();
    truncate(&mut text, SHOWN);
    format!("{text:?}")
}
