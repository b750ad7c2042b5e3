//! A kubeconfig, for a driver that runs outside the cluster.
//!
//! * [`format`]: the file's JSON, as far as it is read.
//! * [`resolve`]: from a file's text to an [`ApiServer`]; a function of its arguments alone. [`cluster`] and [`user`] are its halves.
//! * [`data`]: what stands in the file instead of a path.
//! * [`refusal`]: why it is not used, and what to do.
//!
//! YAML is not read: no crate for it is worth its tree here, and kubectl writes the same as JSON. Programs that fetch credentials (`exec`,
//! `auth-provider`) are not run: the driver starts no other program. `docs/kubeconfig.md` says it to the people who write such files.

mod cluster;
mod data;
mod format;
mod refusal;
mod resolve;
mod user;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

pub(super) use self::data::bytes as base64;
pub use self::refusal::Refusal;

use self::refusal::Place;
use super::credentials::Bearer;
use super::server::{ApiServer, ConfigurationError, Identity};
use super::tls;
use crate::shell::limits;

/// Which kubeconfig to use, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    /// One file. What it names by a relative path lies beside it.
    pub file: PathBuf,
    /// The context; the file's own `current-context` where there is none.
    pub context: Option<String>,
    /// What to do where the file says `insecure-skip-tls-verify`.
    pub unverified: Unverified,
}

/// Whether a server may be believed without a look at its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// A file that asks for it is refused.
    Refused,
    /// A file that asks for it gets it.
    Allowed,
}

impl ApiServer {
    /// Reads a kubeconfig, and once everything it names, so that a mistake is known at the start.
    ///
    /// # Errors
    ///
    /// When the file cannot be used: what is wrong with it, where, and what to do. No secret is in the text.
    pub fn from_kubeconfig(kubeconfig: &Kubeconfig) -> Result<Self, ConfigurationError> {
        load(kubeconfig).map_err(|refusal| ConfigurationError::Kubeconfig(Box::new(refusal)))
    }
}

fn load(kubeconfig: &Kubeconfig) -> Result<ApiServer, Refusal> {
    let place = Place::of(&kubeconfig.file);
    let mut text = Vec::new();
    File::open(&kubeconfig.file)
        .and_then(|file| file.take(limits::KUBECONFIG_FILE + 1).read_to_end(&mut text))
        .map_err(|error| place.refuse(format!("it cannot be read: {error}")))?;
    if text.len() as u64 > limits::KUBECONFIG_FILE {
        let why = format!("it is longer than {} bytes. Keep one context of it, with {}", limits::KUBECONFIG_FILE, resolve::CONVERSION);
        return Err(place.refuse(why));
    }
    let server = resolve::server(&text, kubeconfig)?;
    try_out(&server).map_err(|why| place.refuse(why))?;
    Ok(server)
}

/// Uses everything that the server is reached with, as far as that goes without the server.
fn try_out(server: &ApiServer) -> Result<(), String> {
    tls::config(server)?;
    match &server.identity {
        Identity::TokenFile(file) => {
            Bearer::read(file).map(|_| ()).map_err(|error| format!("the bearer token {} cannot be read: {error}", file.display()))
        }
        Identity::Token(_) | Identity::Certificate { .. } => Ok(()),
    }
}
