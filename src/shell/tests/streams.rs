//! `WatchSandboxes`: events, credit, the end.

use tonic::Code;

use super::gateway::Gateway;
use super::house::House;
use super::soon;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, Input, Output, Outputs, Reply, Request};
use crate::shell::limits::{STREAM_CREDIT, STREAM_CREDIT_BATCH};

const METHOD: &str = "WatchSandboxes";

/// An event that is told from others by its number.
fn event(number: usize) -> pb::WatchSandboxesEvent {
    let deleted = pb::WatchSandboxesDeletedEvent { sandbox_id: number.to_string() };
    pb::WatchSandboxesEvent { payload: Some(pb::watch_sandboxes_event::Payload::Deleted(deleted)) }
}

/// A core that sends `total` events as credit allows, then ends the stream so.
fn counting(total: usize, end: Result<Reply, Status>) -> impl FnMut(&Input) -> Outputs + Send + 'static {
    let mut sent = 0;
    let mut end = Some(end);
    move |input| {
        let Input::Credit { call, events } = input else { return vec![] };
        let mut out = Outputs::new();
        for _ in 0..*events {
            if sent < total {
                out.push(Output::Event { call: *call, event: event(sent) });
                sent += 1;
            }
        }
        if sent == total
            && let Some(reply) = end.take()
        {
            out.push(Output::Reply { call: *call, reply });
        }
        out
    }
}

async fn open(house: &mut House) -> (Gateway, tonic::Streaming<pb::WatchSandboxesEvent>, CallId) {
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let stream = soon(gateway.watch(METHOD, pb::WatchSandboxesRequest::default())).await.unwrap();
    let Input::Call { call, request: Request::WatchSandboxes(_), .. } = house.input().await else { panic!("no stream") };
    assert_eq!(house.input().await, Input::Credit { call, events: STREAM_CREDIT });
    (gateway, stream, call)
}

#[tokio::test]
async fn events_come_in_order_and_credit_goes_back_in_batches() {
    let total = 5 * STREAM_CREDIT as usize;
    let mut house = House::open(counting(total, Err(Status::unavailable("over"))));
    let (_gateway, mut stream, call) = open(&mut house).await;
    for number in 0..total {
        assert_eq!(soon(stream.message()).await.unwrap(), Some(event(number)));
    }
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "over"));
    // Every event but the first credit's was paid for by one that was read.
    for _ in 0..(total - STREAM_CREDIT as usize) / STREAM_CREDIT_BATCH as usize {
        assert_eq!(house.input().await, Input::Credit { call, events: STREAM_CREDIT_BATCH });
    }
}

#[tokio::test]
async fn a_stream_without_an_event_is_open_at_once_and_can_end_well() {
    let mut house = House::open(counting(0, Ok(Reply::WatchSandboxes)));
    let (_gateway, mut stream, _) = open(&mut house).await;
    assert_eq!(soon(stream.message()).await.unwrap(), None);
    assert!(house.is_quiet(), "an ended stream is not also cancelled");
}

#[tokio::test]
async fn a_reader_that_leaves_is_told_to_the_core_once() {
    let mut house = House::open(counting(usize::MAX, Ok(Reply::WatchSandboxes)));
    let (_gateway, mut stream, call) = open(&mut house).await;
    soon(stream.message()).await.unwrap();
    drop(stream);
    loop {
        match house.input().await {
            Input::Credit { .. } => {}
            input => {
                assert_eq!(input, Input::Cancel { call });
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_core_that_overspends_its_credit_has_the_stream_ended_with_a_status() {
    let mut house = House::open(|input| match input {
        Input::Credit { call, events } => {
            (0..=*events as usize).map(|number| Output::Event { call: *call, event: event(number) }).collect()
        }
        _ => vec![],
    });
    let (_gateway, mut stream, call) = open(&mut house).await;
    assert_eq!(house.input().await, Input::Cancel { call });
    for number in 0..STREAM_CREDIT as usize {
        assert_eq!(soon(stream.message()).await.unwrap(), Some(event(number)));
    }
    assert_eq!(soon(stream.message()).await.unwrap_err().code(), Code::Aborted);
}

#[tokio::test]
async fn a_reader_that_does_not_read_costs_no_more_than_its_windows() {
    let big = pb::WatchSandboxesEvent {
        payload: Some(pb::watch_sandboxes_event::Payload::Deleted(pb::WatchSandboxesDeletedEvent { sandbox_id: "x".repeat(64 * 1024) })),
    };
    let mut house = House::open(move |input| match input {
        Input::Credit { call, events } => (0..*events).map(|_| Output::Event { call: *call, event: big.clone() }).collect(),
        _ => vec![],
    });
    let (gateway, stream, call) = open(&mut house).await;
    // The client's connection takes 5 MiB unread at most: of a stream that always has something to send, credit for no more comes back.
    let mut returned = 0;
    let other = async {
        loop {
            if let Input::Credit { call: of, events } = house.input().await {
                assert_eq!(of, call);
                returned += events;
            }
        }
    };
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(300), other).await;
    assert!(quiet.is_err());
    assert!(returned <= 5 * 16 + 2 * STREAM_CREDIT_BATCH, "{returned}");
    drop((gateway, stream));
}
