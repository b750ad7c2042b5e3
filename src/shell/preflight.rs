//! Runs a preflight: asks what it wants to know, one question after the other.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::api::{Api, ApiServer};
use super::{listing, socket};
use crate::config::Config;
use crate::core::io::Lane;
use crate::preflight::Preflight;
use crate::preflight::report::Report;

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the socket's place and asks the API server everything that `check` wants to know.
///
/// # Errors
/// When this process cannot get what it needs to ask at all.
pub fn preflight(socket: &Path, api: ApiServer, namespaces: Option<&Path>, config: Config) -> Result<Report, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| format!("starting the runtime: {error}"))?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut preflight = Preflight::new(config, i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    if let Some(file) = namespaces {
        preflight.choose(listing::read(file));
    }
    preflight.note("socket", "socket", socket::look(socket));
    let report = runtime.block_on(async {
        let api = Api::new(api);
        while let Some(request) = preflight.ask() {
            preflight.answered(api.exchange(Lane::Requests, request, Instant::now() + PATIENCE).await);
        }
        preflight.finish()
    });
    // A name that is still being resolved would hold the process up.
    runtime.shutdown_background();
    Ok(report)
}
