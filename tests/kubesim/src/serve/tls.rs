//! A certificate authority and a server certificate, made at the start and kept in memory.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Error;
use std::sync::Arc;

/// What the server shows its clients.
pub(super) struct Identity {
    pub ca_pem: String,
    pub config: Arc<ServerConfig>,
}

/// The names under which a cluster's API server is reached.
const NAMES: [&str; 5] = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

impl Identity {
    pub fn new() -> Result<Self, Error> {
        let mut ca = CertificateParams::new(Vec::<String>::new()).map_err(Error::other)?;
        ca.distinguished_name.push(DnType::CommonName, "kubesim");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca_key = KeyPair::generate().map_err(Error::other)?;
        let ca_certificate = ca.self_signed(&ca_key).map_err(Error::other)?;
        let issuer = Issuer::new(ca, ca_key);

        let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
        let mut server = CertificateParams::new(names).map_err(Error::other)?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let key = KeyPair::generate().map_err(Error::other)?;
        let certificate = server.signed_by(&key, &issuer).map_err(Error::other)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { ca_pem: ca_certificate.pem(), config: Arc::new(config) })
    }
}
