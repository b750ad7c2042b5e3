//! Somebody else in the cluster: a plain client of the API server, for tests that arrange and inspect.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{Failure, Outcome};

/// A connection to an API server.
#[derive(Debug, Clone)]
pub struct Kube {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it was not JSON.
    pub body: Value,
}

impl Kube {
    /// Connects to the server at `host:port`, trusting the authority in `ca`, with this bearer token; with none if it is empty.
    ///
    /// # Errors
    /// When it cannot be reached or trusted.
    pub async fn connect(host: &str, port: u16, ca: &Path, token: &str) -> Outcome<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TcpStream::connect((host, port)).await?;
        // Else a request waits for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, token: token.trim().to_owned() })
    }

    /// Asks. A body is sent as JSON, or as a merge patch with PATCH.
    ///
    /// # Errors
    /// When no answer comes; an answer of any status is none.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = Bytes::from(body.map(ToString::to_string).unwrap_or_default());
        let response = self.send(method, path, &[("content-type", kind)], body).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    /// Sends a request with these headers and gives the response before its body has come: a watch's never ends by itself.
    ///
    /// # Errors
    /// When no response comes, whatever its status.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Outcome<http::Response<Incoming>> {
        let mut request = http::Request::builder().method(method).uri(format!("https://kubernetes{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        Ok(self.sender.clone().send_request(request.body(Full::new(body))?).await?)
    }

    /// Asks, and takes nothing but success.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub async fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let answer = self.ask(method, path, body).await?;
        if (200..300).contains(&answer.status) {
            Ok(answer.body)
        } else {
            Err(Failure::from(format!("{method} {path}: {} {}", answer.status, answer.body)))
        }
    }
}
