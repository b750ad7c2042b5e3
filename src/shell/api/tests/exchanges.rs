//! What goes well.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::kube::{Kube, respond};
use super::{Duration, api, get, later, post};
use crate::core::io::{Fault, Lane};
use crate::core::secret::Body;
use crate::shell::limits;
use crate::shell::tests::soon;

#[tokio::test]
async fn a_request_carries_its_headers_and_the_answer_s_are_told() {
    let (server, _, _kube) = Kube::new().await.answer_all(|(request, mut answer)| async move {
        let (head, mut body) = request.into_parts();
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
        let sent = body.data().await.unwrap().unwrap();
        let seen = format!(
            "{} {} {} {} {} {} {}",
            head.method,
            head.uri.path_and_query().unwrap(),
            header("authorization"),
            header("accept"),
            header("user-agent").split('/').next().unwrap(),
            header("content-type"),
            String::from_utf8_lossy(&sent),
        );
        let response = http::Response::builder()
            .status(429)
            .header("content-type", "text/plain")
            .header("retry-after", "7")
            .header("warning", "299 - \"first\"")
            .header("warning", "299 - \"second\"")
            .header("date", "Fri, 21 Aug 2026 10:00:00 GMT")
            .body(())
            .unwrap();
        answer.send_response(response, false).unwrap().send_data(seen.into(), true).unwrap();
    });
    let response = soon(api(&server).exchange(Lane::Requests, post("/api?a=b", "{}"), later())).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&response.body.0),
        "POST /api?a=b Bearer token-1 application/json openshell-driver-kyma application/json {}"
    );
    assert_eq!(response.status, 429);
    assert_eq!(response.content_type.as_deref(), Some("text/plain"));
    assert_eq!(response.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(response.warning.as_deref(), Some("299 - \"first\""));
    assert_eq!(response.date.as_deref(), Some("Fri, 21 Aug 2026 10:00:00 GMT"));
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_is_not_guessed_at_and_a_body_may_be_absent() {
    let (server, _, _kube) = Kube::new().await.answer_all(|(_, mut answer)| async move {
        let response = http::Response::builder().status(204).header("retry-after", "Fri, 21 Aug 2026 10:00:00 GMT").body(()).unwrap();
        answer.send_response(response, true).unwrap();
    });
    let response = soon(api(&server).exchange(Lane::Requests, get("/"), later())).await.unwrap();
    assert_eq!((response.status, response.retry_after, response.body), (204, None, Body::EMPTY));
}

#[tokio::test]
async fn after_a_401_the_token_is_read_again_and_the_request_repeated_once() {
    let kube = Kube::new().await;
    let token = kube.scratch.path("token");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let (server, connections, _kube) = kube.answer_all(move |(request, mut answer)| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            let valid = request.headers().get("authorization").is_some_and(|value| value == "Bearer token-2");
            respond(&mut answer, if valid { 200 } else { 401 }, "{}");
        }
    });
    let api = api(&server);
    // Nothing new in the file: the second 401 is the answer.
    assert_eq!(soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap().status, 401);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    std::fs::write(token, "token-2").unwrap();
    assert_eq!(soon(api.exchange(Lane::Requests, post("/", "{}"), later())).await.unwrap().status, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert_eq!(soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap().status, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn each_lane_has_a_connection_of_its_own_and_keeps_it() {
    let (server, connections, _kube) = Kube::new().await.answer_all(|(_, mut answer)| async move { respond(&mut answer, 200, "{}") });
    let api = api(&server);
    for _ in 0..3 {
        soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap();
        soon(api.exchange(Lane::Lists, get("/"), later())).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let kube = Kube::new().await;
    let (api, connections) = (api(&kube.server), Arc::clone(&kube.connections));
    tokio::spawn(async move {
        loop {
            let mut connection = kube.accept().await;
            let (_, mut answer) = connection.accept().await.unwrap().unwrap();
            respond(&mut answer, 200, "{}");
            drop(answer);
            connection.graceful_shutdown();
            eprintln!("S going");
            while let Some(x) = connection.accept().await {
                eprintln!("S {x:?}");
            }
            eprintln!("S gone");
        }
    });
    for count in 1..=3 {
        eprintln!("C {count}");
        assert_eq!(soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap().status, 200);
        assert_eq!(connections.load(Ordering::Relaxed), count);
        // Until the client knows that it was closed.
        soon(async {
            while api.requests.open().is_some() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_the_bound_and_the_others_get_their_turn() {
    let gate = Arc::new(Semaphore::new(0));
    let (waiting, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gated, counted, peak) = (Arc::clone(&gate), Arc::clone(&waiting), Arc::clone(&most));
    let (server, _, _kube) = Kube::new().await.answer_all(move |(_, mut answer)| {
        let (gate, waiting, most) = (Arc::clone(&gated), Arc::clone(&counted), Arc::clone(&peak));
        async move {
            most.fetch_max(waiting.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            gate.acquire().await.unwrap().forget();
            waiting.fetch_sub(1, Ordering::Relaxed);
            respond(&mut answer, 200, "{}");
        }
    });
    let api = api(&server);
    let total = limits::REQUESTS_IN_FLIGHT + 6;
    let answers: Vec<_> = (0..total)
        .map(|_| {
            let api = Arc::clone(&api);
            tokio::spawn(async move { api.exchange(Lane::Requests, get("/"), later()).await })
        })
        .collect();
    soon(async {
        while waiting.load(Ordering::Relaxed) < limits::REQUESTS_IN_FLIGHT {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // One that cannot wait for its turn was not sent.
    let hasty = soon(api.exchange(Lane::Requests, get("/"), tokio::time::Instant::now())).await;
    assert!(matches!(hasty, Err(Fault::NotSent(_))), "{hasty:?}");
    gate.add_permits(total);
    for answer in answers {
        assert_eq!(soon(answer).await.unwrap().unwrap().status, 200);
    }
    assert_eq!(most.load(Ordering::Relaxed), limits::REQUESTS_IN_FLIGHT);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_lane_s_bound_and_no_larger() {
    let sizes = Arc::new(Mutex::new(vec![limits::LIST_BODY + 1, limits::LIST_BODY, limits::REQUEST_BODY + 1, limits::REQUEST_BODY]));
    let (server, _, _kube) = Kube::new().await.answer_all(move |(request, mut answer)| {
        let size = sizes.lock().unwrap().pop().unwrap();
        async move {
            let mut head = http::Response::builder();
            if request.uri().path() == "/announced" {
                head = head.header("content-length", size);
            }
            let mut body = answer.send_response(head.body(()).unwrap(), false).unwrap();
            // A client that has seen enough resets the stream.
            let _ = body.send_data(vec![b'x'; size].into(), true);
        }
    });
    let api = api(&server);
    let body = soon(api.exchange(Lane::Requests, get("/"), later())).await.unwrap().body;
    assert_eq!(body.len(), limits::REQUEST_BODY);
    assert_eq!(soon(api.exchange(Lane::Requests, get("/"), later())).await, Err(Fault::TooLarge));
    let body = soon(api.exchange(Lane::Lists, get("/announced"), later())).await.unwrap().body;
    assert_eq!(body.len(), limits::LIST_BODY);
    assert_eq!(soon(api.exchange(Lane::Lists, get("/announced"), later())).await, Err(Fault::TooLarge));
}
