//! The cluster that `tests/cluster/up` has started: where it is, who may do everything in it, and what can be done to it.
#![expect(clippy::disallowed_methods, reason = "it is found in the environment, and its files are read")]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::kube::Kube;
use crate::{Failure, Outcome};

/// Longest wait for something that is done to the cluster; the cluster itself gives up earlier.
const PATIENCE: Duration = Duration::from_secs(150);

/// A running cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its directory: `tests/cluster/README.md` says what is in it.
    pub directory: PathBuf,
    /// Its API server.
    pub api: SocketAddr,
}

impl Cluster {
    /// The one this process was started in.
    ///
    /// # Errors
    /// When it was started in none.
    pub fn here() -> Outcome<Self> {
        let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: run this with make test-cluster"));
        let api = format!("{}:{}", variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?).parse()?;
        Ok(Self { directory: variable("OPENSHELL_KYMA_CLUSTER_DIR")?.into(), api })
    }

    /// A connection that may do everything.
    ///
    /// # Errors
    /// When the API server is not there.
    pub async fn admin(&self) -> Outcome<Kube> {
        self.connect(&fs::read_to_string(self.directory.join("admin-token"))?).await
    }

    /// A connection with somebody's token.
    ///
    /// # Errors
    /// When the API server is not there.
    pub async fn connect(&self, token: &str) -> Outcome<Kube> {
        Kube::connect(&self.api.ip().to_string(), self.api.port(), &self.directory.join("ca.crt"), token).await
    }

    /// The certificate of the authority, for a driver's credentials.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ca(&self) -> Outcome<String> {
        Ok(fs::read_to_string(self.directory.join("ca.crt"))?)
    }

    /// Has something done to the cluster, and returns when it is done: a path of the control socket, such as `/etcd/compact`.
    ///
    /// # Errors
    /// When it cannot be done; the reason is the cluster's.
    pub async fn control(&self, path: &str) -> Outcome<()> {
        let answer = timeout(PATIENCE, async {
            let mut socket = UnixStream::connect(self.directory.join("control")).await?;
            let request = format!("POST {path} HTTP/1.1\r\nHost: cluster\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            socket.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await?;
            Ok::<_, Failure>(answer)
        });
        let answer = answer.await.map_err(|_| format!("{path} was not done in {PATIENCE:?}"))??;
        if answer.starts_with("HTTP/1.1 204 ") { Ok(()) } else { Err(format!("{path}: {answer}").into()) }
    }

    /// What this user has asked the API server for, oldest first: the lines of its audit log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit(&self, user: &str) -> Outcome<Vec<Value>> {
        let log = fs::read_to_string(self.directory.join("logs/audit.log"))?;
        // The last line may still be on its way.
        let lines = log.lines().filter(|line| line.contains(user)).filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|entry| entry.pointer("/user/username").is_some_and(|name| name == user)).collect())
    }
}
