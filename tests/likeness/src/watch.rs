//! A watch being read.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use rig::Outcome;
use serde_json::Value;
use std::time::Duration;

/// How long a line may take that a scenario waits for.
const LINE: Duration = Duration::from_secs(30);

/// An open watch.
#[derive(Debug)]
pub struct Watch {
    /// The request, for the record.
    pub(crate) of: String,
    body: Incoming,
    buffer: Vec<u8>,
}

impl Watch {
    pub(crate) fn new(of: String, body: Incoming) -> Self {
        Self { of, body, buffer: Vec::new() }
    }

    /// The next event; `None` when the server has ended the watch between two lines.
    ///
    /// # Errors
    /// When nothing comes in time, or what comes is no line of JSON.
    pub async fn next(&mut self) -> Outcome<Option<Value>> {
        let next = tokio::time::timeout(LINE, self.line());
        let Ok(line) = next.await else { return Err(format!("{} said nothing for {LINE:?}", self.of).into()) };
        match line? {
            Some(line) => Ok(Some(serde_json::from_slice(&line)?)),
            None => Ok(None),
        }
    }

    /// What comes in a while, which may be nothing.
    ///
    /// # Errors
    /// When what comes is no line of JSON.
    pub async fn next_within(&mut self, while_: Duration) -> Outcome<Option<Value>> {
        match tokio::time::timeout(while_, self.line()).await {
            Err(_) | Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(line))) => Ok(Some(serde_json::from_slice(&line)?)),
            Ok(Err(failure)) => Err(failure),
        }
    }

    async fn line(&mut self) -> Outcome<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Ok(Some(line));
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(None),
                // The last line, if whoever wrote it left out its end; one that was cut is no JSON.
                None => return Ok(Some(std::mem::take(&mut self.buffer))),
                Some(frame) => self.buffer.extend_from_slice(&frame?.into_data().unwrap_or_default()),
            }
        }
    }
}
