//! A call's message, waited for no longer than [`limits::REQUEST_ARRIVAL`].
//!
//! A caller that opens a stream and never sends its message would hold one of the connection's streams for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

#[cfg(doc)]
use crate::shell::limits;

/// The body of a call.
pub(super) struct Patient<B = Incoming> {
    body: B,
    until: Pin<Box<Sleep>>,
}

impl<B> Patient<B> {
    pub(super) fn new(body: B, patience: Duration) -> Self {
        Self { body, until: Box::pin(sleep(patience)) }
    }
}

impl<B> Body for Patient<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| tonic::Status::cancelled(error.to_string()))));
        }
        self.until
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(tonic::Status::deadline_exceeded("the request's message did not arrive in time"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
