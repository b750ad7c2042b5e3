//! When the socket appears, and how the process ends.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::time::Duration;

use tonic::Code;

use super::gateway::Gateway;
use super::house::{House, SLOW, nowhere, synced};
use super::soon;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;
use crate::core::io::{CallId, ExitCode, HttpRequest, Input, Lane, Method, Output, Reply, Request};
use crate::core::secret::Body;
use crate::core::time::Mono;
use crate::shell::runtime::{Ending, Pace};

/// Answers what waits when told to stop, and is then done.
fn orderly(calls: &mut Vec<CallId>, input: &Input) -> Vec<Output> {
    match input {
        Input::Call { call, .. } => {
            calls.push(*call);
            vec![]
        }
        Input::Stop => {
            let status = || Err(Status::unavailable("the driver is stopping"));
            calls.drain(..).map(|call| Output::Reply { call, reply: status() }).chain([Output::Drained]).collect()
        }
        _ => vec![],
    }
}

#[tokio::test]
async fn the_socket_appears_private_when_the_core_is_synced() {
    let mut house = House::with(nowhere(), SLOW, |input| match input {
        Input::Wake => vec![Output::WakeAt(Mono(20))],
        _ => vec![],
    });
    assert_eq!(house.input().await, Input::Wake);
    assert!(!house.socket.exists());
    drop(house);

    let mut house = House::open(|_| vec![]);
    house.input().await;
    Gateway::connect(&house.socket).await;
    let found = std::fs::symlink_metadata(&house.socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let parent = std::fs::metadata(house.socket.parent().unwrap()).unwrap();
    assert_eq!(parent.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn the_socket_appears_after_a_while_without_sync() {
    let pace = Pace { bind_after: Duration::from_millis(1), ..SLOW };
    let house = House::with(nowhere(), pace, |input| match input {
        Input::Call { call, request: Request::GetCapabilities(_), .. } => {
            vec![Output::Reply { call: *call, reply: Ok(Reply::GetCapabilities(pb::GetCapabilitiesResponse::default())) }]
        }
        _ => vec![],
    });
    let gateway = Gateway::connect(&house.socket).await;
    soon(gateway.call::<_, pb::GetCapabilitiesResponse>("GetCapabilities", pb::GetCapabilitiesRequest::default())).await.unwrap();
}

#[tokio::test]
async fn the_last_wish_to_be_woken_stands() {
    let mut woken = 0;
    let mut house = House::with(nowhere(), SLOW, move |input| match input {
        Input::Wake => {
            woken += 1;
            if woken == 1 { vec![Output::WakeAt(Mono(3_600_000)), Output::WakeAt(Mono(30))] } else { vec![] }
        }
        _ => vec![],
    });
    assert_eq!(house.input().await, Input::Wake);
    let (now, input) = house.input_at().await;
    assert_eq!(input, Input::Wake);
    assert!(now.mono >= Mono(30), "{:?}", now.mono);
}

#[tokio::test]
async fn a_stop_answers_open_calls_and_streams_and_removes_the_socket() {
    let mut calls = Vec::new();
    let mut house = House::open(move |input| orderly(&mut calls, input));
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let mut stream =
        soon(gateway.watch::<_, pb::WatchSandboxesEvent>("WatchSandboxes", pb::WatchSandboxesRequest::default())).await.unwrap();
    let waiting = gateway.clone();
    let call = tokio::spawn(async move { waiting.call::<_, pb::GetSandboxResponse>("GetSandbox", pb::GetSandboxRequest::default()).await });
    while !matches!(house.input().await, Input::Call { request: Request::GetSandbox(_), .. }) {}
    house.signal().await;
    let status = soon(call).await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the driver is stopping"));
    let status = soon(stream.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the driver is stopping"));
    let socket = house.socket.clone();
    let scratch = std::sync::Arc::clone(&house.scratch);
    assert_eq!(house.ending().await, Ending::Stopped);
    assert!(!socket.exists());
    drop(scratch);
}

#[tokio::test]
async fn a_core_that_is_never_done_does_not_hold_the_stop_up() {
    let pace = Pace { stop_within: Duration::from_millis(20), ..SLOW };
    let mut house = House::with(nowhere(), pace, |input| if *input == Input::Wake { vec![synced()] } else { vec![] });
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let call = tokio::spawn(async move { gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", pb::GetSandboxRequest::default()).await });
    while !matches!(house.input().await, Input::Call { .. }) {}
    house.signal().await;
    assert_eq!(soon(call).await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert_eq!(house.ending().await, Ending::Stopped);
}

#[tokio::test]
async fn a_second_signal_leaves_at_once() {
    let mut house = House::open(|_| vec![]);
    assert_eq!(house.input().await, Input::Wake);
    house.signal().await;
    assert_eq!(house.input().await, Input::Stop);
    house.signal().await;
    assert_eq!(house.ending().await, Ending::Stopped);
}

#[tokio::test]
async fn a_stop_before_the_socket_is_there_leaves_none() {
    let mut house = House::with(nowhere(), SLOW, |input| if *input == Input::Stop { vec![synced(), Output::Drained] } else { vec![] });
    assert_eq!(house.input().await, Input::Wake);
    house.signal().await;
    let socket = house.socket.clone();
    assert_eq!(house.ending().await, Ending::Stopped);
    assert!(!socket.exists());
}

#[tokio::test]
async fn an_exit_ends_the_loop_and_nothing_more_is_told_to_the_core() {
    let house = House::with(nowhere(), SLOW, |input| match input {
        Input::Wake => vec![Output::Exit { code: ExitCode::Unfit, text: "no such namespace".into() }],
        _ => panic!("{input:?}"),
    });
    assert_eq!(house.ending().await, Ending::Unfit("no such namespace".into()));
}

#[tokio::test]
async fn every_exchange_is_answered_but_for_one_that_was_aborted() {
    let request = || HttpRequest { method: Method::Get, path: "/api".into(), content_type: None, body: Body::EMPTY };
    let exchange = crate::core::io::ExchangeId;
    let mut house = House::with(nowhere(), SLOW, move |input| match input {
        Input::Wake => {
            let ask = |id| Output::Exchange { exchange: exchange(id), lane: Lane::Requests, request: request(), deadline: Mono(60_000) };
            vec![ask(1), ask(2), ask(3), Output::Abort(crate::core::io::Aborted::Exchange(exchange(2)))]
        }
        _ => vec![],
    });
    assert_eq!(house.input().await, Input::Wake);
    let mut answered = Vec::new();
    for _ in 0..2 {
        let Input::Answer { exchange, result: Err(crate::core::io::Fault::NotSent(_)) } = house.input().await else { panic!("no answer") };
        answered.push(exchange.0);
    }
    answered.sort_unstable();
    assert_eq!(answered, [1, 3]);
}
