//! A cluster and a place for a driver and its files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kubesim::serve::Server;
use kubesim::{Cluster, Kind, Logged, Method, Options, Termination};
use openshell_driver_kyma::contract::messages::compute as pb;
use rig::driver::{Driver, Launch};
use rig::gateway::{Events, Gateway};
use rig::scratch::Scratch;
use rig::{Outcome, sandbox};
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

/// The driver's namespace, where nobody says otherwise.
pub const NAMESPACE: &str = "openshell-system";
/// The service account's first token.
pub const TOKEN: &str = "a-service-account-s-token";
/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the cluster.
const LOOK: Duration = Duration::from_millis(2);

/// A cluster, and a directory with credentials for it.
pub struct Scene {
    pub scratch: Scratch,
    pub cluster: Server,
    /// Holds the API server's port while it is stopped.
    port: Option<TcpSocket>,
}

impl Scene {
    /// A cluster in which pods end quickly.
    pub async fn new() -> Outcome<Self> {
        Self::with(Options::default()).await
    }

    /// Another cluster.
    pub async fn with(options: Options) -> Outcome<Self> {
        let scratch = Scratch::new()?;
        let cluster = Server::start(Options { termination: Termination::After(10), ..options }).await?;
        scratch.file("ca.crt", &cluster.ca_pem)?;
        scratch.file("token", TOKEN)?;
        Ok(Self { scratch, cluster, port: None })
    }

    /// Stops the API server: connecting is refused. Its port stays taken, or a test beside this one might be given it.
    pub async fn stop(&mut self) -> Outcome<()> {
        self.cluster.stop().await;
        // A test beside this one may just have forked: until its child has become a driver, the child has a copy of our listener.
        let mut port = None;
        until("the port can be kept", async || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            port = socket.bind(self.cluster.address).is_ok().then_some(socket);
            Ok(port.is_some())
        })
        .await?;
        self.port = port;
        Ok(())
    }

    /// Starts it again, with everything in it.
    pub fn resume(&mut self) -> Outcome<()> {
        self.cluster.resume()?;
        self.port = None;
        Ok(())
    }

    /// A path for a socket, in a directory that the driver makes.
    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("driver/driver.sock")
    }

    /// How to start a driver here.
    pub fn launch(&self) -> Launch {
        Launch::new(Path::new(env!("CARGO_BIN_EXE_openshell-driver-kyma")), self.cluster.address, self.scratch.path(), &self.socket())
    }

    /// A driver that serves, and a gateway connected to it.
    pub async fn start(&self) -> Outcome<(Driver, Gateway)> {
        start(&self.launch()).await
    }

    /// Every Sandbox there is.
    pub fn sandboxes(&self) -> Vec<Value> {
        self.cluster.with(|cluster| cluster.objects(Kind::Sandbox, ""))
    }

    /// What the API server was asked with this method.
    pub fn asked(&self, method: Method) -> Vec<Logged> {
        self.cluster.with(|cluster| cluster.log().iter().filter(|logged| logged.method == method).cloned().collect())
    }

    /// Waits for the cluster to be as it must become.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&mut Cluster) -> bool) -> Outcome<()> {
        until(what, async || Ok(self.cluster.with(&mut is_so))).await
    }
}

/// Waits until it is so, looking again and again where nobody would tell.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    let waited = timeout(PATIENCE, async {
        while !is_so().await? {
            sleep(LOOK).await;
        }
        Ok(())
    });
    waited.await.unwrap_or_else(|_| Err(format!("it did not come to it that {what}").into()))
}

/// A driver that serves, and a gateway connected to it.
pub async fn start(launch: &Launch) -> Outcome<(Driver, Gateway)> {
    let driver = Driver::ready(launch).await?;
    let gateway = Gateway::connect(&launch.socket).await?;
    Ok((driver, gateway))
}

/// Whether one more gateway gets an answer.
pub async fn is_served(socket: &Path) -> bool {
    match Gateway::connect(socket).await {
        Ok(gateway) => gateway.get_capabilities(pb::GetCapabilitiesRequest::default()).await.is_ok(),
        // It was closed before it had said anything.
        Err(_) => false,
    }
}

/// Creates the sandbox of that name.
pub async fn create(gateway: &Gateway, name: &str) -> Result<(), tonic::Status> {
    let request = pb::CreateSandboxRequest { sandbox: Some(sandbox::wanted(name)) };
    gateway.create_sandbox(request).await.map(|_| ())
}

/// Reads it.
pub async fn get(gateway: &Gateway, name: &str) -> Result<pb::DriverSandbox, tonic::Status> {
    let request = pb::GetSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
    gateway.get_sandbox(request).await?.sandbox.ok_or_else(|| tonic::Status::data_loss("a reply without a sandbox"))
}

/// Deletes it, and says whether it was there.
pub async fn delete(gateway: &Gateway, name: &str) -> Result<bool, tonic::Status> {
    let request = pb::DeleteSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
    Ok(gateway.delete_sandbox(request).await?.deleted)
}

/// Stops it.
pub async fn stop(gateway: &Gateway, name: &str) -> Result<(), tonic::Status> {
    let request = pb::StopSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into() };
    gateway.stop_sandbox(request).await.map(|_| ())
}

/// Starts it again.
pub async fn resume(gateway: &Gateway, name: &str) -> Result<(), tonic::Status> {
    let request =
        pb::StartSandboxRequest { sandbox_id: sandbox::id(name), sandbox_name: name.into(), ..pb::StartSandboxRequest::default() };
    gateway.start_sandbox(request).await.map(|_| ())
}

/// Whether a snapshot says that the sandbox is stopped.
pub fn is_stopped(seen: &pb::DriverSandbox) -> bool {
    sandbox::condition(seen, "Suspended").is_some_and(|suspended| suspended.status == "True")
}

/// The names of all sandboxes, in the order of the reply.
pub async fn list(gateway: &Gateway) -> Result<Vec<String>, tonic::Status> {
    let reply = gateway.list_sandboxes(pb::ListSandboxesRequest::default()).await?;
    Ok(reply.sandboxes.iter().map(|sandbox| sandbox.name.clone()).collect())
}

/// Waits for the event that says so.
pub async fn until_ready(events: &mut Events, name: &str) -> Result<(), tonic::Status> {
    events.until(|event| sandbox::snapshot(event).filter(|seen| seen.name == name && sandbox::is_ready(seen)).map(|_| ())).await
}

/// Waits for the event that says so.
pub async fn until_deleted(events: &mut Events, name: &str) -> Result<(), tonic::Status> {
    let id = sandbox::id(name);
    events.until(|event| sandbox::deleted(event).filter(|deleted| *deleted == id).map(|_| ())).await
}
