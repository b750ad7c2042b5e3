//! The model behind HTTPS: the only part of this crate that touches the world.
//!
//! A task lets the model's time pass as real time does; each request locks the model for as long as the
//! answer takes. [`Server::with`] gives a test the same lock.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "here the model meets the world: time comes from its clock")]

mod connection;
mod tls;

use crate::cluster::Cluster;
use crate::options::Options;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How the server treats connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It serves them.
    Open,
    /// It closes new ones at once; those there go on.
    Refusing,
    /// It accepts new ones and says nothing on them; requests on those there wait.
    Stalling,
}

/// What connections share.
pub(crate) struct Shared {
    cluster: Mutex<Cluster>,
    /// Counts changes of the model: whoever waits for output looks again.
    stirred: watch::Sender<u64>,
    /// Tells the clock task that something may be due sooner.
    timers: Notify,
    /// Counts the times all connections were dropped.
    dropped: watch::Sender<u64>,
    door: watch::Sender<Door>,
}

/// A model cluster served over HTTPS on the loopback interface. Dropping it closes everything.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate authority to trust, as PEM.
    pub ca_pem: String,
    shared: Arc<Shared>,
    identity: tls::Identity,
    listening: Option<JoinHandle<()>>,
    time: JoinHandle<()>,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the model, and wakes whoever waits for what it leads to.
    pub fn with<T>(&self, act: impl FnOnce(&mut Cluster) -> T) -> T {
        let result = {
            let mut cluster = self.lock();
            cluster.advance(now_ms());
            act(&mut cluster)
        };
        self.stir();
        self.timers.notify_one();
        result
    }

    fn stir(&self) {
        self.stirred.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Milliseconds since the epoch, by this machine's clock.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Server {
    /// Serves a new cluster on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be had or the certificates cannot be made.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(options, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Serves a new cluster on this address.
    ///
    /// # Errors
    /// When the address cannot be had or the certificates cannot be made.
    pub async fn start_on(options: Options, address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let identity = tls::Identity::new()?;
        let shared = Arc::new(Shared {
            cluster: Mutex::new(Cluster::new(options, now_ms())),
            stirred: watch::Sender::new(0),
            timers: Notify::new(),
            dropped: watch::Sender::new(0),
            door: watch::Sender::new(Door::Open),
        });
        let time = tokio::spawn(let_time_pass(shared.clone()));
        let listening = tokio::spawn(connection::accept(listener, identity.config.clone(), shared.clone()));
        Ok(Self { address, ca_pem: identity.ca_pem.clone(), shared, identity, listening: Some(listening), time })
    }

    /// `https://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Does something to the cluster, at the present time, and lets its clients see what comes of it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Cluster) -> T) -> T {
        self.shared.with(act)
    }

    /// Opens the door, or shuts it one way or the other.
    pub fn set_door(&self, door: Door) {
        self.shared.door.send_replace(door);
    }

    /// Cuts every connection there is.
    pub fn drop_connections(&self) {
        self.shared.dropped.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Stops listening and cuts every connection: connecting is refused from now on.
    pub async fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            // An aborted task ends with an error, which is its end.
            let _ = listening.await;
        }
        self.drop_connections();
        self.with(Cluster::restart_server);
    }

    /// Listens again on the same port after [`stop`](Self::stop), with the same cluster.
    ///
    /// # Errors
    /// When the port cannot be had again.
    pub fn resume(&mut self) -> std::io::Result<()> {
        if self.listening.is_none() {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(self.address)?;
            let listener = socket.listen(1024)?;
            let accept = connection::accept(listener, self.identity.config.clone(), self.shared.clone());
            self.listening = Some(tokio::spawn(accept));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.time.abort();
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
        self.drop_connections();
    }
}

/// Advances the model whenever something is due, and looks again when that may have changed.
async fn let_time_pass(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut cluster = shared.lock();
            cluster.advance(now_ms());
            cluster.next_event_at()
        };
        shared.stir();
        let wait = next.map_or(3_600_000, |next| next.saturating_sub(now_ms()));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait.max(1))) => {}
            () = shared.timers.notified() => {}
        }
    }
}
