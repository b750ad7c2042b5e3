//! Everything that touches the world, and nothing that decides.
//!
//! ```text
//!  gateway ── socket ── grpc ──► arrival ──► runtime ──► core
//!                        ▲                    │  │
//!                        └──── replies ───────┘  └──► api ── API server
//! ```
//!
//! * `runtime`: the loop. One input, then all outputs, then the next.
//! * `arrival`: the channels on which inputs come.
//! * `socket`: the private socket: directory, modes, lock, peers.
//! * `grpc`: the generated service on that socket, and `codec`, its messages.
//! * `api`: HTTP/2 over TLS to the API server.
//! * `listing`: the file that lists the namespaces of workspaces.
//! * `preflight`: asks what `check` wants to know. `recorder`: the flight recorder's files.
//! * [`ops`]: health, readiness and metrics, for the people who run it. [`log`]: what they read.
//! * `clock`: what an input is stamped with. `limits`: every bound.
//!
//! One thread does it all. Nothing here keeps state about sandboxes.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the world is this module's business")]

mod api;
mod arrival;
mod clock;
pub(crate) mod codec;
mod grpc;
mod limits;
mod listing;
pub mod log;
pub mod ops;
mod preflight;
mod recorder;
mod runtime;
mod socket;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process;

pub use api::{ApiServer, CREDENTIALS_DIR, ConfigurationError, Kubeconfig, Unverified};
pub use log::LogFormat;
pub use ops::server::{HealthAddress, HealthHost};
pub use preflight::preflight;
pub use recorder::{OnExit, Recording};
pub use tracing::level_filters::LevelFilter;

use crate::config::Config;
use crate::core::Driver;
use api::Trust;
use recorder::{FlightRecorder, Recorded};
use runtime::Ending;
use socket::Place;

/// Exit code of a process whose settings cannot work.
const EXIT_SETTINGS: u8 = 2;
/// Exit code of a process in a cluster that is not fit for it.
const EXIT_UNFIT: u8 = 3;

/// What the shell must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the gateway finds us.
    pub socket: PathBuf,
    /// Who may speak there beside our own uid.
    pub allowed_uids: Vec<u32>,
    /// Where the API server is.
    pub api: ApiServer,
    /// The file that lists the namespaces of workspaces, where one does.
    pub namespaces: Option<PathBuf>,
    /// Where health and metrics are served, unless nowhere.
    pub health: Option<HealthAddress>,
    /// How much is logged, where `RUST_LOG` does not say it.
    pub log_level: LevelFilter,
    /// What a line of the log looks like.
    pub log_format: LogFormat,
    /// Whether what goes in and comes out is recorded.
    pub recording: Option<Recording>,
}

/// Runs the driver until it is told to stop. Ends with 0 after SIGTERM or SIGINT, 2 when socket or health port cannot be had, and 3 when the cluster is not fit;
/// what is wrong is then on standard error.
#[must_use]
pub fn main(settings: Settings, config: Config) -> process::ExitCode {
    log::start(settings.log_level, settings.log_format, std::env::var("RUST_LOG").ok().as_deref());
    let ended = serve(settings, config).unwrap_or_else(Ending::Failed);
    match ended {
        Ending::Stopped => process::ExitCode::SUCCESS,
        Ending::Failed(text) => complain(&text, EXIT_SETTINGS),
        Ending::Unfit(text) => complain(&text, EXIT_UNFIT),
    }
}

/// Says which cluster this is about: outside a pod it is easily another than was meant.
fn introduce(api: &ApiServer) {
    tracing::info!(event = "api_server", server = api.authority(), "the API server is asked with {}", api.identity);
    if api.trust == Trust::Unverified {
        tracing::warn!(
            event = "api_certificate_not_verified",
            "the API server's certificate is not verified: whoever is on the way to it can take the credentials and answer in its place"
        );
    }
}

/// Builds what the loop needs, and runs it.
fn serve(settings: Settings, config: Config) -> Result<Ending, String> {
    let seed = seed()?;
    let recorder = settings.recording.map(|recording| FlightRecorder::new(recording, config.clone(), entropy()?)).transpose()?;
    if let Some(recorder) = &recorder {
        recorder.watch_panics();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| format!("starting the runtime: {error}"))?;
    let ending = runtime.block_on(async {
        let listing = settings.namespaces.map(listing::Listing::open).transpose()?;
        let place = Place::take(&settings.socket, &settings.allowed_uids).await.map_err(|error| error.to_string())?;
        let health = match settings.health {
            Some(address) => Some(address.bind().await?),
            None => None,
        };
        introduce(&settings.api);
        let signals = runtime::signals().map_err(|error| format!("listening for signals: {error}"))?;
        // On the heap: it is the whole driver.
        Ok(Box::pin(runtime::run(
            Recorded::new(Driver::new(config, seed), recorder),
            &place,
            health,
            settings.api,
            listing,
            signals,
            runtime::Waits::default(),
        ))
        .await)
    });
    // A name that is still being resolved would hold the process up.
    runtime.shutdown_background();
    ending
}

/// Entropy for jitter. It is logged, so that pauses can be explained; nothing secret hangs on it.
fn seed() -> Result<[u8; 32], String> {
    let seed = entropy()?;
    let hex = seed.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    tracing::debug!(event = "seed", seed = hex, "the seed of this run");
    Ok(seed)
}

fn entropy() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| format!("reading /dev/urandom: {error}"))?;
    Ok(bytes)
}

/// Says what is wrong on standard error.
fn complain(text: &str, code: u8) -> process::ExitCode {
    // Nobody is left to hear of an error here.
    let _ = writeln!(io::stderr(), "openshell-driver-kyma: {text}");
    process::ExitCode::from(code)
}
