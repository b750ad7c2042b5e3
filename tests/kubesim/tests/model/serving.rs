//! The model over HTTPS: both protocols, watches that stream, connections that break.

use crate::desk::{NS, SANDBOXES, sandbox};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kubesim::serve::{Door, Server};
use kubesim::{Access, Options};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Long enough for anything that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(20);

struct Client {
    sender: hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    authority: String,
}

async fn secure(address: SocketAddr, ca_pem: &str, protocol: &[u8]) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

impl Client {
    async fn connect(server: &Server) -> std::io::Result<Self> {
        let stream = secure(server.address, &server.ca_pem, b"h2").await?;
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self { sender, authority: server.url() })
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> hyper::Result<hyper::Response<Incoming>> {
        let body = if body.is_null() { Full::default() } else { Full::from(body.to_string()) };
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.authority))
            .header("authorization", "Bearer token")
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await.expect("an answer in time")
    }

    async fn json(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let response = self.ask(method, path, body).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// The next lines of a stream, until one says what is waited for; `None` when it ends first.
async fn wait_for(body: &mut Incoming, rest: &mut String, what: &str) -> Option<Value> {
    loop {
        while let Some((line, tail)) = rest.split_once('\n') {
            let (line, tail) = (line.to_owned(), tail.to_owned());
            *rest = tail;
            if line.contains(what) {
                return Some(serde_json::from_str(&line).unwrap());
            }
        }
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("a line in time")?.ok()?;
        rest.push_str(std::str::from_utf8(frame.data_ref()?).unwrap());
    }
}

fn options() -> Options {
    Options { access: Access::open().with_tokens([("token", "tester")]), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_becomes_ready_on_the_watch_of_a_real_client() {
    let server = Server::start(options()).await.unwrap();
    let mut client = Client::connect(&server).await.unwrap();
    let mut watch = client.ask("GET", &format!("{SANDBOXES}?watch=1"), &Value::Null).await.unwrap();
    assert_eq!(watch.headers()["content-type"], "application/json");
    let (status, created) = client.json("POST", SANDBOXES, &sandbox("one")).await;
    assert_eq!((status, created["metadata"]["name"].as_str()), (201, Some("one")));
    let mut rest = String::new();
    let ready = wait_for(watch.body_mut(), &mut rest, "DependenciesReady").await.unwrap();
    assert_eq!(ready["type"], "MODIFIED");
    server.with(|cluster| assert!(cluster.delete_pod(NS, "one")));
    wait_for(watch.body_mut(), &mut rest, "DependenciesNotReady").await.unwrap();
    wait_for(watch.body_mut(), &mut rest, "DependenciesReady").await.unwrap();
    let (status, _) = client.json("DELETE", &format!("{SANDBOXES}/one"), &Value::Null).await;
    assert_eq!(status, 200);
    let gone = wait_for(watch.body_mut(), &mut rest, "\"type\":\"DELETED\"").await.unwrap();
    assert_eq!(gone["object"]["metadata"]["name"], "one");
    let asked: Vec<String> =
        server.with(|cluster| cluster.log().iter().map(|logged| format!("{} {}", logged.method.as_str(), logged.status)).collect());
    assert_eq!(asked, ["GET 200", "POST 201", "DELETE 200"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_1_1_is_spoken_too_and_an_unknown_ca_is_not_trusted() {
    let server = Server::start(options()).await.unwrap();
    let stream = secure(server.address, &server.ca_pem, b"http/1.1").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("/version").header("host", "localhost").body(Full::<Bytes>::default()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("date"));
    let other = Server::start(options()).await.unwrap();
    assert!(secure(server.address, &other.ca_pem, b"h2").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_dropped_the_door_shuts_and_the_server_comes_back_on_its_port() {
    let mut server = Server::start(options()).await.unwrap();
    let mut client = Client::connect(&server).await.unwrap();
    client.json("POST", SANDBOXES, &sandbox("one")).await;
    let mut watch = client.ask("GET", &format!("{SANDBOXES}?watch=1"), &Value::Null).await.unwrap();
    let mut rest = String::new();
    wait_for(watch.body_mut(), &mut rest, "ADDED").await.unwrap();
    server.drop_connections();
    assert!(wait_for(watch.body_mut(), &mut rest, "never said").await.is_none(), "the stream is cut");
    server.set_door(Door::Refusing);
    assert!(Client::connect(&server).await.is_err());
    server.set_door(Door::Open);
    let mut client = Client::connect(&server).await.unwrap();
    assert_eq!(client.json("GET", SANDBOXES, &Value::Null).await.0, 200);
    server.stop().await;
    assert!(Client::connect(&server).await.is_err());
    server.resume().unwrap();
    let mut client = Client::connect(&server).await.unwrap();
    let (status, list) = client.json("GET", SANDBOXES, &Value::Null).await;
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1), "what was stored is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_server_answers_when_it_is_let() {
    let server = Server::start(options()).await.unwrap();
    let mut client = Client::connect(&server).await.unwrap();
    assert_eq!(client.json("GET", SANDBOXES, &Value::Null).await.0, 200);
    server.set_door(Door::Stalling);
    let asked = tokio::spawn(async move { client.json("GET", SANDBOXES, &json!(null)).await.0 });
    // Whatever is served now was served before the request was seen: the log says it was not.
    tokio::task::yield_now().await;
    assert_eq!(server.with(|cluster| cluster.log().len()), 1);
    server.set_door(Door::Open);
    assert_eq!(asked.await.unwrap(), 200);
}
