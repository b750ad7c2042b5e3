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

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;
    use crate::shell::limits::REQUEST_ARRIVAL;

    /// A message that never comes.
    struct Never;

    impl Body for Never {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_come_is_waited_for_only_so_long() {
        let start = tokio::time::Instant::now();
        let status = Patient::new(Never, REQUEST_ARRIVAL).collect().await.err();
        assert_eq!(status.map(|status| status.code()), Some(tonic::Code::DeadlineExceeded));
        assert_eq!(start.elapsed().as_secs(), REQUEST_ARRIVAL.as_secs());
    }

    #[tokio::test]
    async fn one_that_comes_is_passed_on() {
        let body = Patient::new(Full::new(Bytes::from_static(b"message")), REQUEST_ARRIVAL).collect().await;
        assert_eq!(body.ok().map(http_body_util::Collected::to_bytes), Some(Bytes::from_static(b"message")));
    }
}
