//! A wire that can be held up and cut: a TCP relay between the driver and an API server, which passes on TLS without looking into it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the driver to the API server.
    Requests,
    /// From the API server to the driver.
    Answers,
}

/// What the relay does at the moment.
#[derive(Debug, Clone, Copy)]
struct State {
    /// What is not passed on; it waits.
    held: Option<Way>,
    /// Counts cuts: a connection from before the last one is over.
    cuts: u64,
}

/// A relay on a free port of 127.0.0.1. Dropping it cuts everything.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    carried: Arc<Carried>,
    listening: JoinHandle<()>,
}

/// Bytes that went each way.
#[derive(Debug, Default)]
struct Carried {
    requests: AtomicU64,
    answers: AtomicU64,
}

impl Carried {
    const fn of(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Requests => &self.requests,
            Way::Answers => &self.answers,
        }
    }
}

impl Relay {
    /// Begins to listen, and passes everything on to `server`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State { held: None, cuts: 0 });
        let watched = state.subscribe();
        let carried = Arc::new(Carried::default());
        let counted = Arc::clone(&carried);
        let listening = tokio::spawn(async move {
            while let Ok((driver, _)) = listener.accept().await {
                tokio::spawn(pass(driver, server, watched.clone(), Arc::clone(&counted)));
            }
        });
        Ok(Self { address, state, carried, listening })
    }

    /// How many bytes have gone this way.
    #[must_use]
    pub fn carried(&self, way: Way) -> u64 {
        self.carried.of(way).load(Ordering::Relaxed)
    }

    /// Keeps back from now on whatever goes this way. What is kept back is neither lost nor reordered.
    pub fn hold(&self, way: Way) {
        self.state.send_modify(|state| state.held = Some(way));
    }

    /// Passes on what was kept back, and everything after it.
    pub fn release(&self) {
        self.state.send_modify(|state| state.held = None);
    }

    /// Cuts every connection, and with it loses what was kept back. New connections pass.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.held = None;
            state.cuts += 1;
        });
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One connection, to its end.
async fn pass(driver: TcpStream, server: SocketAddr, state: watch::Receiver<State>, carried: Arc<Carried>) {
    let cuts = state.borrow().cuts;
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_driver, to_driver) = driver.into_split();
    let (from_server, to_server) = server.into_split();
    // Either way that ends takes the other with it, as a dropped connection does.
    tokio::select! {
        biased;
        () = cut(state.clone(), cuts) => {}
        () = carry(from_driver, to_server, Way::Requests, state.clone(), &carried) => {}
        () = carry(from_server, to_driver, Way::Answers, state.clone(), &carried) => {}
    }
}

/// Returns when the connection is over, because it was cut or because nobody holds the relay any more.
async fn cut(mut state: watch::Receiver<State>, cuts: u64) {
    let _ = state.wait_for(|state| state.cuts != cuts).await;
}

/// Carries bytes one way until there are no more.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, mut state: watch::Receiver<State>, carried: &Carried) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        if state.wait_for(|state| state.held != Some(way)).await.is_err() {
            return;
        }
        let Some(bytes) = buffer.get(..read) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
        carried.of(way).fetch_add(read as u64, Ordering::Relaxed);
    }
}
