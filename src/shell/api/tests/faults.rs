//! What is known when there is no answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use h2::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::super::server::{Identity, Pem, Trust};
use super::kube::{Kube, respond};
use super::{Duration, api, get, later, post};
use crate::core::io::{Fault, Lane, Response};
use crate::shell::limits;
use crate::shell::tests::soon;

fn not_sent(result: Result<Response, Fault>) -> String {
    match result {
        Err(Fault::NotSent(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn unknown(result: Result<Response, Fault>) -> String {
    match result {
        Err(Fault::Unknown(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_never_became_a_connection_was_not_sent_and_says_why() {
    let kube = Kube::new().await;
    let mut refused = kube.server.clone();
    // A port that nobody has any more.
    refused.port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let text = not_sent(soon(api(&refused).exchange(Lane::Requests, get("/"), later())).await);
    assert!(text.contains(&format!("127.0.0.1:{}", refused.port)) && text.contains("refused"), "{text}");

    for (name, content, wanted) in [
        ("absent", None, "cannot be read"),
        ("empty", Some(""), "holds no certificate"),
        ("broken", Some("-----BEGIN CERTIFICATE-----\n"), "PEM"),
    ] {
        let mut server = kube.server.clone();
        server.trust = Trust::Authorities(Pem::File(kube.scratch.path(name)));
        if let Some(content) = content {
            std::fs::write(kube.scratch.path(name), content).unwrap();
        }
        let text = not_sent(soon(api(&server).exchange(Lane::Requests, get("/"), later())).await);
        assert!(text.contains(name) && text.contains(wanted), "{text}");
    }

    let mut server = kube.server.clone();
    server.identity = Identity::TokenFile(kube.scratch.path("no-token"));
    let text = not_sent(soon(api(&server).exchange(Lane::Requests, get("/"), later())).await);
    assert!(text.contains("no-token"), "{text}");
}

#[tokio::test]
async fn a_server_that_another_ca_vouches_for_is_not_trusted() {
    let (kube, other) = (Kube::new().await, Kube::new().await);
    let mut server = kube.server.clone();
    server.trust.clone_from(&other.server.trust);
    let (_, _, kube) = kube.answer_all(|(_, mut answer)| async move { respond(&mut answer, 200, "{}") });
    let api = api(&server);
    let text = not_sent(soon(api.exchange(Lane::Requests, get("/"), later())).await);
    assert!(text.contains("TLS") && text.contains("certificate"), "{text}");
    // The CA's file is read again with each connection.
    std::fs::copy(kube.scratch.path("ca.crt"), other.scratch.path("ca.crt")).unwrap();
    assert_eq!(soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_without_http2_is_named_as_such() {
    for protocols in [&[][..], &[&b"h2"[..]][..0]] {
        let kube = Kube::speaking(protocols).await;
        let server = kube.server.clone();
        tokio::spawn(async move { kube.accept().await });
        let text = not_sent(soon(api(&server).exchange(Lane::Requests, get("/"), later())).await);
        assert!(text.contains("does not speak HTTP/2"), "{text}");
    }
}

#[tokio::test]
async fn callers_that_wait_for_the_same_dial_share_its_failure() {
    let kube = Kube::new().await;
    let mut server = kube.server.clone();
    server.trust = Trust::Authorities(Pem::File(kube.scratch.path("absent")));
    let api = api(&server);
    let (one, two) = tokio::join!(api.exchange(Lane::Requests, get("/"), later()), api.exchange(Lane::Requests, get("/"), later()));
    assert_eq!(not_sent(one), not_sent(two));
}

#[tokio::test]
async fn a_refused_stream_was_not_sent() {
    let (server, _, _kube) = Kube::new().await.answer_all(|(_, mut answer)| async move { answer.send_reset(Reason::REFUSED_STREAM) });
    let text = not_sent(soon(api(&server).exchange(Lane::Requests, post("/", "{}"), later())).await);
    assert!(text.contains("refused stream"), "{text}");
}

#[tokio::test]
async fn any_other_reset_says_nothing() {
    for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::NO_ERROR] {
        let (server, _, _kube) = Kube::new().await.answer_all(move |(_, mut answer)| async move { answer.send_reset(reason) });
        unknown(soon(api(&server).exchange(Lane::Requests, post("/", "{}"), later())).await);
    }
}

/// Reads frames until the headers of that stream.
async fn headers_of(stream: u32, server: &mut TlsStream<TcpStream>) {
    loop {
        let mut head = [0; 9];
        server.read_exact(&mut head).await.unwrap();
        let [l0, l1, l2, kind, _, s0, s1, s2, s3] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, l0, l1, l2]) as usize];
        server.read_exact(&mut payload).await.unwrap();
        if (kind, u32::from_be_bytes([s0, s1, s2, s3])) == (1, stream) {
            return;
        }
    }
}

#[tokio::test]
async fn a_stream_beyond_a_goaway_was_not_sent_and_one_below_it_may_have_been() {
    let kube = Kube::new().await;
    let api = api(&kube.server);
    let ask = |path: &'static str| {
        let api = Arc::clone(&api);
        tokio::spawn(async move { api.exchange(Lane::Requests, post(path, "{}"), later()).await })
    };
    let taken = ask("/1");
    let mut server = soon(kube.accept_tls()).await;
    let mut preface = [0; 24];
    soon(server.read_exact(&mut preface)).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    server.write_all(&settings).await.unwrap();
    soon(headers_of(1, &mut server)).await;
    let beyond = ask("/2");
    soon(headers_of(3, &mut server)).await;
    // Stream 1 is the last one taken; the reason is ENHANCE_YOUR_CALM.
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11];
    server.write_all(&goaway).await.unwrap();
    let text = not_sent(soon(beyond).await.unwrap());
    assert!(text.contains("connection error received"), "{text}");
    assert!(!taken.is_finished());
    drop(server);
    unknown(soon(taken).await.unwrap());
}

#[tokio::test]
async fn a_connection_cut_after_the_request_may_have_been_acted_on() {
    let kube = Kube::new().await;
    let api = api(&kube.server);
    let asked = Arc::clone(&api);
    let asked = tokio::spawn(async move { asked.exchange(Lane::Requests, post("/", "{}"), later()).await });
    let mut connection = soon(kube.accept()).await;
    soon(connection.accept()).await.unwrap().unwrap();
    drop(connection);
    unknown(soon(asked).await.unwrap());
}

#[tokio::test]
async fn a_body_that_is_cut_is_never_taken_for_whole() {
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let (server, _, _kube) = Kube::new().await.answer_all(move |(_, mut answer)| async move {
            let mut body = answer.send_response(http::Response::new(()), false).unwrap();
            body.send_data("{\"items\":[]}".into(), false).unwrap();
            tokio::task::yield_now().await;
            body.send_reset(reason);
        });
        let text = unknown(soon(api(&server).exchange(Lane::Lists, get("/"), later())).await);
        assert!(text.contains("cut") || text.contains("broke"), "{text}");
    }
}

#[tokio::test]
async fn a_deadline_is_kept_and_a_connection_that_was_silent_till_then_is_replaced() {
    let kube = Kube::new().await;
    let connections = Arc::clone(&kube.connections);
    let api = api(&kube.server);
    let asked = Arc::clone(&api);
    let deadline = Instant::now() + limits::CONNECTION_SILENCE + Duration::from_secs(5);
    let asked = tokio::spawn(async move { asked.exchange(Lane::Requests, post("/", "{}"), deadline).await });
    let mut silent = soon(kube.accept()).await;
    let _unanswered = soon(silent.accept()).await.unwrap().unwrap();
    tokio::time::pause();
    tokio::time::advance(limits::CONNECTION_SILENCE + Duration::from_secs(6)).await;
    tokio::time::resume();
    assert_eq!(soon(asked).await.unwrap(), Err(Fault::Deadline));
    let again = tokio::spawn(async move { api.exchange(Lane::Requests, get("/"), later()).await });
    let mut connection = soon(kube.accept()).await;
    let (_, mut answer) = soon(connection.accept()).await.unwrap().unwrap();
    respond(&mut answer, 200, "{}");
    tokio::spawn(async move { while let Some(Ok(_)) = connection.accept().await {} });
    assert_eq!(soon(again).await.unwrap().unwrap().status, 200);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_short_deadline_on_a_busy_connection_does_not_cost_the_connection() {
    let (server, connections, _kube) = Kube::new().await.answer_all(|(request, mut answer)| async move {
        if request.uri().path() == "/never" {
            std::future::pending::<()>().await;
        }
        respond(&mut answer, 200, "{}");
    });
    let api = api(&server);
    soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(20);
    assert_eq!(soon(api.exchange(Lane::Requests, get("/never"), deadline)).await, Err(Fault::Deadline));
    soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap();
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
