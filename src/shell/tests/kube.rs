//! A server behind TLS, as raw as HTTP/2 is, that answers as a test tells it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Scratch;
use crate::shell::api::ApiServer;

/// A name in the server's certificate at which it cannot be reached.
pub(in crate::shell) const TLS_NAME: &str = "kube-apiserver.test";

/// One accepted connection.
pub(in crate::shell) type Accepted = Connection<TlsStream<TcpStream>, Bytes>;
/// One request on it.
pub(in crate::shell) type Asked = (Request<RecvStream>, SendResponse<Bytes>);

/// A server and the credentials it is reached with.
pub(in crate::shell) struct Kube {
    pub(in crate::shell) server: ApiServer,
    pub(in crate::shell) scratch: Scratch,
    /// Connections accepted so far.
    pub(in crate::shell) connections: Arc<AtomicUsize>,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    authority: Issuer<'static, KeyPair>,
}

impl Kube {
    /// A server on a port of its own that speaks HTTP/2.
    pub(in crate::shell) async fn new() -> Self {
        Self::speaking(&[b"h2"]).await
    }

    /// A server that offers these protocols. As an API server does, it asks for a certificate and goes on without.
    pub(in crate::shell) async fn speaking(protocols: &[&[u8]]) -> Self {
        let scratch = Scratch::new();
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        fs::write(scratch.path("ca.crt"), ca_certificate.pem()).unwrap();
        fs::write(scratch.path("token"), "token-1").unwrap();

        let key = KeyPair::generate().unwrap();
        let authority = Issuer::new(ca, ca_key);
        let names = vec!["127.0.0.1".to_owned(), TLS_NAME.to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca_certificate.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).allow_unauthenticated();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = ApiServer::with_service_account("127.0.0.1".into(), listener.local_addr().unwrap().port(), &scratch.path(""));
        Self { server, scratch, connections: Arc::default(), listener, acceptor: TlsAcceptor::from(Arc::new(config)), authority }
    }

    /// Writes a certificate that the server accepts, `client.crt`, and its key, `client.key`, in place of what was there.
    pub(in crate::shell) fn certify_client(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, &self.authority).unwrap();
        fs::write(self.scratch.path("client.crt"), certificate.pem()).unwrap();
        fs::write(self.scratch.path("client.key"), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    /// The next connection. A client that gives up during TLS is passed over.
    pub(in crate::shell) async fn accept(&self) -> Accepted {
        self.accept_certified().await.1
    }

    /// The next connection, and the certificate it came with.
    pub(in crate::shell) async fn accept_certified(&self) -> (Option<CertificateDer<'static>>, Accepted) {
        let tls = self.accept_tls().await;
        let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| Some(chain.first()?.clone()));
        (certificate, h2::server::Builder::new().initial_window_size(1 << 20).handshake(tls).await.unwrap())
    }

    /// The next connection, for a test that writes frames itself.
    pub(in crate::shell) async fn accept_tls(&self) -> TlsStream<TcpStream> {
        loop {
            let (tcp, _) = self.listener.accept().await.unwrap();
            if let Ok(tls) = self.acceptor.accept(tcp).await {
                self.connections.fetch_add(1, Ordering::Relaxed);
                return tls;
            }
        }
    }

    /// Answers every request on every connection in a task of its own.
    pub(in crate::shell) fn answer_all<F, R>(self, answer: F) -> (ApiServer, Arc<AtomicUsize>, Arc<Self>)
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let (server, connections) = (self.server.clone(), Arc::clone(&self.connections));
        let kube = Arc::new(self);
        let accepting = Arc::clone(&kube);
        tokio::spawn(async move {
            loop {
                let mut connection = accepting.accept().await;
                let answer = answer.clone();
                tokio::spawn(async move {
                    while let Some(Ok(asked)) = connection.accept().await {
                        tokio::spawn(answer(asked));
                    }
                });
            }
        });
        (server, connections, kube)
    }
}

/// An answer with a body, to its end.
pub(in crate::shell) fn respond(respond: &mut SendResponse<Bytes>, status: u16, body: impl Into<Bytes>) {
    let response = http::Response::builder().status(status).header("content-type", "application/json").body(()).unwrap();
    respond.send_response(response, false).unwrap().send_data(body.into(), true).unwrap();
}
