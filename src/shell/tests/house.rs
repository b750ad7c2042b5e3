//! The loop with a core that does as a test tells it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Scratch, soon};
use crate::core::io::{Input, Output, Outputs};
use crate::core::note::Note;
use crate::core::time::Now;
use crate::shell::api::ApiServer;
use crate::shell::recorder::FlightRecorder;
use crate::shell::runtime::{self, Core, Ending, Waits};
use crate::shell::socket::Place;

/// A core whose every answer a test gives.
struct Told {
    inputs: mpsc::UnboundedSender<(Now, Input)>,
    answer: Box<dyn FnMut(&Input) -> Outputs + Send>,
}

impl Core for Told {
    fn handle(&mut self, now: Now, input: Input, out: &mut Outputs) {
        out.extend((self.answer)(&input));
        // A test that has seen enough does not listen any more.
        let _ = self.inputs.send((now, input));
    }

    fn recorder(&self) -> Option<&FlightRecorder> {
        None
    }
}

/// A running loop.
pub(super) struct House {
    pub(super) scratch: Arc<Scratch>,
    pub(super) socket: PathBuf,
    inputs: mpsc::UnboundedReceiver<(Now, Input)>,
    signals: mpsc::Sender<&'static str>,
    ended: JoinHandle<Ending>,
}

/// How a house of these tests is paced: nothing but what the test does makes it bind.
pub(super) const SLOW: Waits =
    Waits { bind_after: Duration::from_secs(3_600), stop_within: Duration::from_secs(3_600), last_words: Duration::from_secs(5) };

/// The reads are served: lets the socket be bound.
pub(super) fn synced() -> Output {
    Output::Note(Note::Synced { objects: 0 })
}

impl House {
    /// A house without an API server, synced from the start, whose core answers as `answer` does.
    pub(super) fn open(mut answer: impl FnMut(&Input) -> Outputs + Send + 'static) -> Self {
        Self::with(nowhere(), SLOW, move |input| {
            let mut out = answer(input);
            if matches!(input, Input::Wake) {
                out.push(synced());
            }
            out
        })
    }

    /// A house whose core answers as `answer` does and nothing else.
    pub(super) fn with(api: ApiServer, waits: Waits, answer: impl FnMut(&Input) -> Outputs + Send + 'static) -> Self {
        let scratch = Arc::new(Scratch::new());
        let socket = scratch.path("s/driver.sock");
        let (told, inputs) = mpsc::unbounded_channel();
        let (signals, signalled) = mpsc::channel(2);
        let core = Told { inputs: told, answer: Box::new(answer) };
        let path = socket.clone();
        let ended = tokio::spawn(async move {
            let place = Place::take(&path, &[]).await.unwrap();
            runtime::run(core, &place, None, api, None, signalled, waits).await
        });
        Self { scratch, socket, inputs, signals, ended }
    }

    /// The next input that the core was handed.
    pub(super) async fn input(&mut self) -> Input {
        self.input_at().await.1
    }

    /// The next input that the core was handed, and when.
    pub(super) async fn input_at(&mut self) -> (Now, Input) {
        soon(self.inputs.recv()).await.expect("the loop has ended")
    }

    /// No input is there yet.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.inputs.try_recv().is_err()
    }

    pub(super) async fn signal(&self) {
        self.signals.send("SIGTERM").await.unwrap();
    }

    pub(super) async fn ending(self) -> Ending {
        soon(self.ended).await.unwrap()
    }
}

/// An API server that is not there.
pub(super) fn nowhere() -> ApiServer {
    ApiServer::with_service_account("127.0.0.1".into(), 1, Path::new("/nonexistent"))
}
