//! TCP, TLS and HTTP/2, up to a connection.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::fault;
use super::server::{ApiServer, Identity, Pem, Trust};
use super::unverified::AnyCertificate;
use crate::shell::limits;

/// HTTP/2's name in ALPN.
const H2: &[u8] = b"h2";

/// How much an HTTP/2 connection takes without being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    /// One stream.
    pub(super) stream: u32,
    /// All of them.
    pub(super) connection: u32,
}

/// Connects within [`limits::CONNECT`]. The error is for a person; nothing was sent.
pub(super) async fn connect(server: &ApiServer, windows: Windows) -> Result<SendRequest<Full<Bytes>>, String> {
    let authority = server.authority();
    match timeout(limits::CONNECT, dial(server, &authority, windows)).await {
        Ok(connected) => connected,
        Err(_) => Err(format!("connecting to the API server at {authority} took longer than {} s", limits::CONNECT.as_secs())),
    }
}

async fn dial(server: &ApiServer, authority: &str, windows: Windows) -> Result<SendRequest<Full<Bytes>>, String> {
    let name = name(server)?;
    let config = config(server)?;
    let tcp = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|error| format!("connecting to the API server at {authority} failed: {error}"))?;
    tcp.set_nodelay(true).map_err(|error| format!("preparing the connection to the API server at {authority} failed: {error}"))?;
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| format!("TLS with the API server at {authority} failed: {error}"))?;
    if tls.get_ref().1.alpn_protocol() != Some(H2) {
        return Err(format!("{authority} does not speak HTTP/2; this driver needs an API server, or a proxy before it, that does"));
    }
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .handshake(TokioIo::new(tls))
        .await
        .map_err(|error| format!("HTTP/2 with the API server at {authority} failed: {}", fault::describe(&error)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(event = "api_connection_ended", error = fault::describe(&error), "a connection to the API server ended");
        }
    });
    Ok(sender)
}

/// The name the server's certificate must bear.
pub(super) fn name(server: &ApiServer) -> Result<ServerName<'static>, String> {
    let name = server.tls_name.as_ref().unwrap_or(&server.host);
    ServerName::try_from(name.clone()).map_err(|_| format!("the API server's name {name:?} is neither a DNS name nor an address"))
}

/// Trusts what the CA's file holds now, and shows the certificate that its file holds now: both are replaced when they are rotated.
pub(super) fn config(server: &ApiServer) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = match &server.trust {
        Trust::Authorities(pem) => builder.with_root_certificates(roots(pem)?),
        Trust::Unverified => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate::new(algorithms))),
    };
    let mut config = match &server.identity {
        Identity::Token(_) | Identity::TokenFile(_) => builder.with_no_client_auth(),
        Identity::Certificate { chain, key } => builder
            .with_client_auth_cert(certificates(chain, "the client certificate")?, private_key(key)?)
            .map_err(|error| format!("the client certificate and its key cannot be used together: {error}"))?,
    };
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}

fn roots(pem: &Pem) -> Result<RootCertStore, String> {
    let what = "the API server's CA";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, what)? {
        roots.add(certificate).map_err(|error| format!("{what} {} holds a certificate that cannot be used: {error}", place(pem)))?;
    }
    Ok(roots)
}

/// At least one certificate.
fn certificates(pem: &Pem, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = text(pem, what)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| format!("{what} {} is no PEM file: {error}", place(pem)))?;
    if certificates.is_empty() {
        return Err(format!("{what} {} holds no certificate", place(pem)));
    }
    Ok(certificates)
}

fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, String> {
    let what = "the client certificate's key";
    // The error is left out: it may quote a line.
    PrivateKeyDer::from_pem_slice(&text(pem, what)?)
        .map_err(|_| format!("{what} {} is no private key in PEM, or an encrypted one, which cannot be used", place(pem)))
}

fn text<'a>(pem: &'a Pem, what: &str) -> Result<Cow<'a, [u8]>, String> {
    let file = match pem {
        Pem::Given(text) => return Ok(Cow::Borrowed(text.reveal().as_bytes())),
        Pem::File(file) => file,
    };
    let mut text = Vec::new();
    File::open(file)
        .and_then(|file| file.take(limits::PEM_FILE + 1).read_to_end(&mut text))
        .map_err(|error| format!("{what} {} cannot be read: {error}", file.display()))?;
    if text.len() as u64 > limits::PEM_FILE {
        return Err(format!("{what} {} is longer than {} bytes", file.display(), limits::PEM_FILE));
    }
    Ok(Cow::Owned(text))
}

fn place(pem: &Pem) -> String {
    match pem {
        Pem::File(file) => file.display().to_string(),
        Pem::Given(_) => "in the kubeconfig".into(),
    }
}
