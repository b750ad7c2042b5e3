//! The log: text on standard error.
//!
//! `--log-level` says how much; `RUST_LOG` (`level`, or `target=level` with commas between) says it instead. Whatever either asks, crates
//! that are not this one are heard from `WARN` upwards only: at their lower levels h2 and hyper print headers, and a header carries the token.

use std::io::{self, IsTerminal};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The target under which this crate logs.
const OWN: &str = env!("CARGO_CRATE_NAME");

/// Sends the log of this process to standard error.
pub(super) fn start(level: LevelFilter, rust_log: Option<&str>) {
    let (targets, complaint) = targets(level, rust_log);
    let subscriber = subscriber(targets, io::stderr, io::stderr().is_terminal());
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("somebody else has set up the log");
    }
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
}

/// What is heard, and what is wrong with `RUST_LOG`.
fn targets(level: LevelFilter, rust_log: Option<&str>) -> (Targets, Option<String>) {
    match rust_log.filter(|text| !text.trim().is_empty()).map(str::parse) {
        None => (Targets::new().with_default(level), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (
            Targets::new().with_default(level),
            Some(format!(
                "RUST_LOG is not understood ({error}) and is ignored; it takes a level such as debug, or target=level with commas between"
            )),
        ),
    }
}

/// A subscriber that writes what passes.
fn subscriber<W>(targets: Targets, writer: W, ansi: bool) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi);
    Registry::default().with(layer.with_filter(targets.and(filter_fn(may_be_heard))))
}

/// Own lines at every level, others' from `WARN` upwards.
fn may_be_heard(metadata: &Metadata<'_>) -> bool {
    let own = metadata.target().strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    own || *metadata.level() <= tracing::Level::WARN
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A log that a test reads.
    #[derive(Clone, Default)]
    pub(in crate::shell) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub(in crate::shell) fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
        }

        /// Everything `rust_log` asks for, as the process would print it.
        pub(in crate::shell) fn subscriber(&self, rust_log: &str) -> impl tracing::Subscriber + Send + Sync + use<> {
            subscriber(targets(LevelFilter::INFO, Some(rust_log)).0, self.clone(), false)
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Captured {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn other_crates_are_heard_from_warn_upwards_whatever_is_asked() {
        for asked in ["trace", "h2=trace,hyper::client=trace,openshell_driver_kyma=trace,warn"] {
            let log = Captured::default();
            tracing::subscriber::with_default(log.subscriber(asked), || {
                tracing::trace!(target: "h2::codec", "authorization: Bearer 1");
                tracing::info!(target: "hyper::client", "authorization: Bearer 2");
                tracing::info!(target: "openshell_driver_kyma_other", "authorization: Bearer 3");
                tracing::warn!(target: "h2::codec", "heard");
                tracing::trace!("own");
            });
            let text = log.text();
            assert!(!text.contains("Bearer"), "{text}");
            assert!(text.contains("heard") && text.contains("own"), "{text}");
        }
    }

    #[test]
    fn the_level_holds_where_rust_log_says_nothing_or_nonsense() {
        for (rust_log, complains) in [(None, false), (Some(""), false), (Some("=a=b=c="), true)] {
            let (targets, complaint) = targets(LevelFilter::INFO, rust_log);
            assert_eq!(complaint.is_some(), complains, "{rust_log:?}");
            assert!(targets.would_enable(OWN, &tracing::Level::INFO));
            assert!(!targets.would_enable(OWN, &tracing::Level::DEBUG));
        }
    }
}
