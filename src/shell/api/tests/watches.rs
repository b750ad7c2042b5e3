//! Streams of lines.

use std::sync::Arc;

use bytes::Bytes;
use h2::{Reason, SendStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::server::{Pem, Trust};
use super::kube::{Accepted, Kube, respond};
use super::{Duration, api, get};
use crate::core::io::{Fault, WatchEnd, WatchId};
use crate::shell::arrival::{self, Arrival, Door, Inbox, LineSink};
use crate::shell::limits;
use crate::shell::tests::soon;

/// A watch that was opened, and the server's end of it.
struct Opened {
    inbox: Inbox,
    _door: Door,
    ended: JoinHandle<WatchEnd>,
    body: SendStream<Bytes>,
    kept: mpsc::Sender<()>,
}

/// Keeps a connection going until its watch is no longer held.
fn serve(mut connection: Accepted) -> mpsc::Sender<()> {
    let (kept, mut dropped) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = async { while let Some(Ok(_)) = connection.accept().await {} } => {}
            _ = dropped.recv() => {}
        }
    });
    kept
}

async fn open() -> Opened {
    let kube = Kube::new().await;
    let api = api(&kube.server);
    let (door, inbox) = arrival::channel();
    let sink = LineSink::new(WatchId(1), &door);
    let ended = tokio::spawn(async move { api.watch(get("/watch"), &sink).await });
    let mut connection = soon(kube.accept()).await;
    let (_, mut answer) = soon(connection.accept()).await.unwrap().unwrap();
    let body = answer.send_response(http::Response::new(()), false).unwrap();
    Opened { inbox, _door: door, ended, body, kept: serve(connection) }
}

impl Opened {
    async fn line(&mut self) -> String {
        match soon(self.inbox.arrivals.recv()).await {
            Some(Arrival::Line { line, .. }) => String::from_utf8_lossy(&line.0).into_owned(),
            _ => panic!("no line"),
        }
    }
}

#[tokio::test]
async fn lines_come_as_they_are_sent_and_a_good_end_is_clean() {
    let mut watch = open().await;
    watch.body.send_data("{\"a\":1}\n{\"b\"".into(), false).unwrap();
    assert_eq!(watch.line().await, "{\"a\":1}");
    watch.body.send_data(":2}\n".into(), false).unwrap();
    assert_eq!(watch.line().await, "{\"b\":2}");
    watch.body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(soon(watch.ended).await.unwrap(), WatchEnd::Clean);
}

#[tokio::test]
async fn an_end_inside_a_line_is_no_good_end() {
    let mut watch = open().await;
    watch.body.send_data("{\"a\":1}\n{\"b\"".into(), true).unwrap();
    assert_eq!(watch.line().await, "{\"a\":1}");
    assert_eq!(soon(watch.ended).await.unwrap(), WatchEnd::Broken(Fault::Unknown("the watch was cut inside a line".into())));
}

#[tokio::test]
async fn a_reset_at_the_end_of_a_line_is_no_good_end_either() {
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let mut watch = open().await;
        watch.body.send_data("{\"a\":1}\n".into(), false).unwrap();
        assert_eq!(watch.line().await, "{\"a\":1}");
        watch.body.send_reset(reason);
        let end = soon(watch.ended).await.unwrap();
        assert!(matches!(end, WatchEnd::Broken(Fault::Unknown(_))), "{end:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_breaks_the_watch() {
    let mut watch = open().await;
    watch.body.send_data("{\"a\":1}\n".into(), false).unwrap();
    assert_eq!(watch.line().await, "{\"a\":1}");
    drop(watch.kept);
    let end = soon(watch.ended).await.unwrap();
    assert!(matches!(end, WatchEnd::Broken(Fault::Unknown(_))), "{end:?}");
}

#[tokio::test]
async fn a_line_beyond_the_bound_ends_the_watch() {
    let mut watch = open().await;
    watch.body.send_data(vec![b'x'; limits::LINE + 1].into(), false).unwrap();
    assert_eq!(soon(watch.ended).await.unwrap(), WatchEnd::Broken(Fault::TooLarge));
}

#[tokio::test]
async fn a_refusal_is_told_with_its_body() {
    let (server, _, _kube) =
        Kube::new().await.answer_all(|(_, mut answer)| async move { respond(&mut answer, 403, "{\"reason\":\"Forbidden\"}") });
    let (door, _inbox) = arrival::channel();
    let sink = LineSink::new(WatchId(1), &door);
    let WatchEnd::Refused(response) = soon(api(&server).watch(get("/watch"), &sink)).await else { panic!("not refused") };
    assert_eq!((response.status, &*response.body.0), (403, &b"{\"reason\":\"Forbidden\"}"[..]));
}

#[tokio::test]
async fn a_watch_that_cannot_be_opened_is_broken() {
    let kube = Kube::new().await;
    let mut server = kube.server.clone();
    server.trust = Trust::Authorities(Pem::File(kube.scratch.path("absent")));
    let (door, _inbox) = arrival::channel();
    let sink = LineSink::new(WatchId(1), &door);
    let end = soon(api(&server).watch(get("/watch"), &sink)).await;
    assert!(matches!(end, WatchEnd::Broken(Fault::NotSent(_))), "{end:?}");
}

#[tokio::test]
async fn lines_that_nobody_takes_stay_with_the_server_and_hold_up_no_other_watch() {
    let kube = Kube::new().await;
    let api = api(&kube.server);
    let (door, mut inbox) = arrival::channel();
    let mut bodies = Vec::new();
    let mut connection = None;
    let (asked, mut asking) = mpsc::channel(2);
    let mut watching = Vec::new();
    for id in [1, 2] {
        let (api, sink) = (Arc::clone(&api), LineSink::new(WatchId(id), &door));
        watching.push(tokio::spawn(async move { api.watch(get("/watch"), &sink).await }));
        if connection.is_none() {
            let mut accepted = soon(kube.accept()).await;
            let asked = asked.clone();
            connection = Some(tokio::spawn(async move {
                while let Some(Ok((_, mut answer))) = accepted.accept().await {
                    asked.send(answer.send_response(http::Response::new(()), false).unwrap()).await.unwrap();
                }
            }));
        }
        bodies.push(soon(asking.recv()).await.unwrap());
    }
    let [first, second] = bodies.as_mut_slice() else { panic!("two watches") };
    // Far more than the first watch's room and window: most of it stays here.
    let line = format!("{}\n", "x".repeat(64 * 1024));
    first.send_data(line.repeat(64).into(), false).unwrap();
    let mut rooms = Vec::new();
    for _ in 0..limits::LINES_WAITING {
        let Some(Arrival::Line { watch: WatchId(1), room, .. }) = soon(inbox.arrivals.recv()).await else { panic!("no line") };
        rooms.push(room);
    }
    let more = tokio::time::timeout(Duration::from_millis(100), inbox.arrivals.recv()).await;
    assert!(more.is_err(), "no line beyond the room");
    second.send_data("other\n".into(), false).unwrap();
    assert!(matches!(soon(inbox.arrivals.recv()).await, Some(Arrival::Line { watch: WatchId(2), .. })));
    rooms.clear();
    assert!(matches!(soon(inbox.arrivals.recv()).await, Some(Arrival::Line { watch: WatchId(1), .. })));
    for watch in watching {
        watch.abort();
    }
}

#[tokio::test]
async fn a_watch_that_is_given_up_is_reset() {
    let mut watch = open().await;
    watch.body.send_data("{\"a\":1}\n".into(), false).unwrap();
    assert_eq!(watch.line().await, "{\"a\":1}");
    watch.ended.abort();
    let reason = soon(std::future::poll_fn(|context| watch.body.poll_reset(context))).await.unwrap();
    assert_eq!(reason, Reason::CANCEL);
}
