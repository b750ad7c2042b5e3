//! TCP, TLS and HTTP/2, up to a connection.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::fault;
use super::server::ApiServer;
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
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| format!("the API server's host {:?} is neither a name nor an address", server.host))?;
    let config = config(&server.ca_file)?;
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
            tracing::debug!(error = fault::describe(&error), "a connection to the API server ended");
        }
    });
    Ok(sender)
}

/// Trusts what `ca_file` holds now: kubelet replaces it when the cluster's CA is rotated.
fn config(ca_file: &Path) -> Result<ClientConfig, String> {
    let what = || format!("the API server's CA {}", ca_file.display());
    let mut pem = Vec::new();
    File::open(ca_file)
        .and_then(|file| file.take(limits::CA_FILE).read_to_end(&mut pem))
        .map_err(|error| format!("{} cannot be read: {error}", what()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| format!("{} is no PEM file: {error}", what()))?;
        roots.add(certificate).map_err(|error| format!("{} holds a certificate that cannot be used: {error}", what()))?;
    }
    if roots.is_empty() {
        return Err(format!("{} holds no certificate", what()));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}
