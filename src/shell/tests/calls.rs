//! Unary calls, over the socket and back.

use std::time::Duration;

use http_body_util::BodyExt;
use prost::Message;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tonic::Code;

use super::gateway::Gateway;
use super::house::House;
use super::soon;
use crate::contract::messages::compute as pb;
use crate::core::grpc_status::Status;
use crate::core::io::{Input, Output, Outputs, Reply, Request};
use crate::shell::limits;

/// Answers `GetSandbox` with `reply`.
fn get_sandbox(reply: Result<pb::GetSandboxResponse, Status>) -> impl FnMut(&Input) -> Outputs + Send + 'static {
    move |input| match input {
        Input::Call { call, request: Request::GetSandbox(_), .. } => {
            vec![Output::Reply { call: *call, reply: reply.clone().map(Reply::GetSandbox) }]
        }
        _ => vec![],
    }
}

fn asked() -> pb::GetSandboxRequest {
    pb::GetSandboxRequest { sandbox_id: "id-1".into(), sandbox_name: "one".into() }
}

fn sandbox(name: &str) -> pb::GetSandboxResponse {
    pb::GetSandboxResponse { sandbox: Some(pb::DriverSandbox { name: name.into(), ..Default::default() }) }
}

#[tokio::test]
async fn a_call_reaches_the_core_with_its_message_and_its_reply_comes_back() {
    let mut house = House::open(get_sandbox(Ok(sandbox("one"))));
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let mut request = tonic::Request::new(asked());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    request.set_timeout(Duration::from_secs(7));
    let reply = soon(gateway.call::<pb::GetSandboxRequest, pb::GetSandboxResponse>("GetSandbox", request)).await.unwrap();
    assert_eq!(reply.into_inner(), sandbox("one"));

    let (now, input) = house.input_at().await;
    let Input::Call { request, deadline: Some(deadline), trace: Some(seen), .. } = input else {
        panic!("{input:?}");
    };
    assert_eq!(request, Request::GetSandbox(asked()));
    assert_eq!(seen.as_str(), trace);
    let left = deadline.since(now.mono);
    assert!(left <= Duration::from_secs(7) && left > Duration::from_secs(6), "{left:?}");
    assert!(house.is_quiet(), "an answered call is not also cancelled");
}

#[tokio::test]
async fn a_status_comes_back_with_its_code_and_any_text() {
    let text = "sandbox \"ö\" 100%:\nnot there";
    let house = House::open(get_sandbox(Err(Status::failed_precondition(text))));
    let gateway = Gateway::connect(&house.socket).await;
    let status = soon(gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", asked())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, text));
}

#[tokio::test]
async fn a_reply_as_large_as_a_gateway_takes_is_not_refused_by_us() {
    let name = "n".repeat(4 * 1024 * 1024 - 64);
    let house = House::open(get_sandbox(Ok(sandbox(&name))));
    let gateway = Gateway::connect(&house.socket).await;
    let reply = soon(gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", asked())).await.unwrap();
    assert_eq!(reply.into_inner(), sandbox(&name));
}

#[tokio::test]
async fn a_request_of_four_mebibytes_is_taken_and_a_larger_one_refused() {
    let house = House::open(get_sandbox(Ok(sandbox("one"))));
    let gateway = Gateway::connect(&house.socket).await;
    let with = |bytes| pb::GetSandboxRequest { sandbox_id: "i".repeat(bytes), ..asked() };
    soon(gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", with(4 * 1024 * 1024))).await.unwrap();
    let status = soon(gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", with(5 * 1024 * 1024))).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_caller_that_gives_up_is_told_to_the_core_once() {
    let mut house = House::open(|_| vec![]);
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let waiting = gateway.clone();
    let caller = tokio::spawn(async move { waiting.call::<_, pb::GetSandboxResponse>("GetSandbox", asked()).await });
    let Input::Call { call, .. } = house.input().await else { panic!("no call") };
    caller.abort();
    assert_eq!(house.input().await, Input::Cancel { call });
    // What comes next is the next call, and not another cancel.
    let next = tokio::spawn(async move { gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", asked()).await });
    assert!(matches!(house.input().await, Input::Call { .. }));
    next.abort();
}

#[tokio::test]
async fn a_connection_that_breaks_cancels_every_call_on_it() {
    let mut house = House::open(|_| vec![]);
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let mut called = Vec::new();
    for _ in 0..3 {
        let waiting = gateway.clone();
        tokio::spawn(async move { waiting.call::<_, pb::GetSandboxResponse>("GetSandbox", asked()).await });
        let Input::Call { call, .. } = house.input().await else { panic!("no call") };
        called.push(call);
    }
    gateway.hang_up();
    let mut cancelled = Vec::new();
    for _ in 0..3 {
        let Input::Cancel { call } = house.input().await else { panic!("no cancel") };
        cancelled.push(call);
    }
    cancelled.sort_unstable();
    assert_eq!(cancelled, called);
}

#[tokio::test]
async fn a_method_that_is_not_in_the_contract_is_unimplemented_in_an_http_200() {
    let house = House::open(|_| vec![]);
    let gateway = Gateway::connect(&house.socket).await;
    for path in ["/openshell.compute.v1.ComputeDriver/Teleport", "/grpc.health.v1.Health/Check", "/"] {
        let response = soon(gateway.send_raw(path, &[])).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers().get("grpc-status").map(http::HeaderValue::as_bytes), Some(&b"12"[..]), "{path}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_the_caller_s_fault_and_an_old_gpu_request_is_explained() {
    let mut house = House::open(|_| vec![]);
    assert_eq!(house.input().await, Input::Wake);
    let gateway = Gateway::connect(&house.socket).await;
    let spec = Box::new(pb::DriverSandboxSpec { log_level: "info".into(), ..Default::default() });
    let sandbox = pb::DriverSandbox { spec: Some(spec), ..Default::default() };
    let mut old = pb::CreateSandboxRequest { sandbox: Some(sandbox) }.encode_to_vec();
    // The spec is the last thing in the message: the bool goes to its end, and what holds it gets longer.
    let [outer_key, outer_len, inner_key, inner_len, rest @ ..] = old.as_slice() else { panic!("too short") };
    old = [&[*outer_key, outer_len + 2, *inner_key, inner_len + 2], rest, &[9 << 3, 1]].concat();
    for (message, wanted) in [(old.as_slice(), "v0.0.91"), (b"hunter2", "is not a message of openshell.compute.v1")] {
        let response = soon(gateway.send_raw("/openshell.compute.v1.ComputeDriver/CreateSandbox", message)).await;
        let (head, body) = response.into_parts();
        let trailers = soon(body.collect()).await.unwrap().trailers().cloned().unwrap_or_default();
        let status = tonic::Status::from_header_map(&head.headers).or_else(|| tonic::Status::from_header_map(&trailers)).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(wanted) && !status.message().contains("hunter2"), "{}", status.message());
    }
    assert!(house.is_quiet(), "it never was a call");
}

#[tokio::test]
async fn a_connection_beyond_the_bound_is_closed_and_a_place_is_given_again() {
    let house = House::open(get_sandbox(Ok(sandbox("one"))));
    let call = async |gateway: &Gateway| soon(gateway.call::<_, pb::GetSandboxResponse>("GetSandbox", asked())).await;
    let mut open = Vec::new();
    for _ in 0..limits::CONNECTIONS {
        let gateway = Gateway::connect(&house.socket).await;
        call(&gateway).await.unwrap();
        open.push(gateway);
    }
    let mut surplus = UnixStream::connect(&house.socket).await.unwrap();
    assert!(matches!(soon(surplus.read(&mut [0])).await, Ok(0) | Err(_)));
    open.pop().unwrap().hang_up();
    soon(async {
        loop {
            let again = Gateway::over(UnixStream::connect(&house.socket).await.unwrap()).await;
            if let Ok(gateway) = again
                && call(&gateway).await.is_ok()
            {
                return;
            }
        }
    })
    .await;
}
