//! A driver that is measured: ours, or another beside it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use openshell_driver_kyma::contract::messages::compute as pb;
use prost::Message as _;
use rig::gateway::{Events, Gateway};
use rig::{Outcome, sandbox};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::Code;

use crate::process::Process;
use crate::recorded;
use crate::stage::wanted;

const SERVICE: &str = "/openshell.compute.v1.ComputeDriver";

/// A driver, with a gateway that calls it and reads everything it says.
#[derive(Debug)]
pub struct Subject {
    /// What tables call it.
    pub name: String,
    /// Its process.
    pub process: Process,
    /// The connection.
    pub gateway: Gateway,
    /// What has been read from its stream.
    pub seen: Seen,
    reading: JoinHandle<()>,
}

/// What a stream has said of conditions: each message of a `Ready` condition that somebody counts, and when it came.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<(String, Instant)>>>);

/// What a message begins with that is counted.
pub const MARK: &str = "bench ";

impl Seen {
    fn note(&self, message: &str) {
        if message.starts_with(MARK) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((message.to_owned(), Instant::now()));
        }
    }

    /// What has come since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<(String, Instant)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subject {
    /// Connects to a driver and begins to read.
    ///
    /// # Errors
    /// When it does not serve.
    pub async fn connect(name: &str, socket: &Path, process: Process) -> Outcome<Self> {
        let gateway = Gateway::connect(socket).await?;
        let seen = Seen::default();
        let events = gateway.watch().await?;
        let reading = tokio::spawn(read(gateway.clone(), events, seen.clone()));
        Ok(Self { name: name.into(), process, gateway, seen, reading })
    }

    /// Creates a sandbox.
    ///
    /// # Errors
    /// The driver's.
    pub async fn create(gateway: &Gateway, number: usize) -> Outcome<()> {
        let sandbox: pb::DriverSandbox = serde_json::from_value(wanted(number))?;
        Ok(gateway.create_sandbox(pb::CreateSandboxRequest { sandbox: Some(sandbox) }).await.map(drop)?)
    }

    /// Deletes a sandbox.
    ///
    /// # Errors
    /// The driver's.
    pub async fn delete(gateway: &Gateway, number: usize) -> Outcome<()> {
        let request = pb::DeleteSandboxRequest { sandbox_id: recorded::id(number), sandbox_name: recorded::name(number) };
        Ok(gateway.delete_sandbox(request).await.map(drop)?)
    }

    /// Stops a sandbox.
    ///
    /// # Errors
    /// The driver's.
    pub async fn stop(gateway: &Gateway, number: usize) -> Outcome<()> {
        let request = pb::StopSandboxRequest { sandbox_id: recorded::id(number), sandbox_name: recorded::name(number) };
        Ok(gateway.stop_sandbox(request).await.map(drop)?)
    }

    /// Starts a sandbox.
    ///
    /// # Errors
    /// The driver's.
    pub async fn start(gateway: &Gateway, number: usize) -> Outcome<()> {
        let (sandbox_id, sandbox_name) = (recorded::id(number), recorded::name(number));
        let request = pb::StartSandboxRequest { sandbox_id, sandbox_name, ..pb::StartSandboxRequest::default() };
        Ok(gateway.start_sandbox(request).await.map(drop)?)
    }

    /// Reads a sandbox; the answer is left as it came, so that it costs the benchmark as little as the echo's.
    ///
    /// # Errors
    /// The driver's.
    pub async fn get(gateway: &Gateway, number: usize) -> Outcome<Bytes> {
        Ok(gateway.bytes(&format!("{SERVICE}/GetSandbox"), get_request(number)).await?)
    }

    /// Reads everything.
    ///
    /// # Errors
    /// The driver's.
    pub async fn list(gateway: &Gateway) -> Outcome<Bytes> {
        Ok(gateway.bytes(&format!("{SERVICE}/ListSandboxes"), Bytes::new()).await?)
    }
}

/// A request for a sandbox, encoded.
#[must_use]
pub fn get_request(number: usize) -> Bytes {
    pb::GetSandboxRequest { sandbox_id: recorded::id(number), sandbox_name: recorded::name(number) }.encode_to_vec().into()
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Reads what a stream says; opens another where one ends, as a gateway does.
async fn read(gateway: Gateway, mut events: Events, seen: Seen) {
    loop {
        match events.next().await {
            Ok(event) => {
                if let Some(ready) = sandbox::snapshot(&event).and_then(|sandbox| sandbox::condition(sandbox, "Ready")) {
                    seen.note(&ready.message);
                }
            }
            // Nothing has happened for a while.
            Err(status) if status.code() == Code::DeadlineExceeded => {}
            Err(_) => match gateway.watch().await {
                Ok(again) => events = again,
                Err(_) => return,
            },
        }
    }
}
