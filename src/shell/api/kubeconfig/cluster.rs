//! What a kubeconfig says of a cluster: where its API server is, and what it is trusted by.

use http::Uri;
use rustls::pki_types::ServerName;

use super::Unverified;
use super::format::Cluster;
use super::refusal::{Place, Refusal, shown};
use super::resolve::set;
use super::user::pem;
use crate::shell::api::server::Trust;

/// What `https` without a port means.
const PORT: u16 = 443;

/// Host and port of a server's URL. A URL with something before an `@` is not repeated: it may be a password.
pub(super) fn address(server: Option<&str>, place: &Place<'_>) -> Result<(String, u16), Refusal> {
    let text = server.filter(|text| !text.is_empty()).ok_or_else(|| place.refuse("it is not set: write https://HOST:PORT"))?;
    if text.contains('@') {
        return Err(place.refuse("it has a user or password before '@', which is not supported: write https://HOST:PORT"));
    }
    let refused = |why: &str| place.refuse(format!("{} {why}: write https://HOST:PORT", shown(text)));
    if text.contains(['?', '#']) {
        return Err(refused("has something after host and port"));
    }
    let uri: Uri = text.parse().map_err(|_| refused("is no URL"))?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") => return Err(refused("would send credentials unencrypted")),
        _ => return Err(refused("does not begin with https://")),
    }
    if !matches!(uri.path(), "" | "/") {
        return Err(refused("has a path, as behind a proxy that serves several clusters. Only an API server's own address is supported"));
    }
    let authority = uri.authority().ok_or_else(|| refused("has no host"))?;
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => PORT,
        Some(port) => {
            let digits = port.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
            let port = digits.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
            port.ok_or_else(|| refused("has a port that is not a number from 1 to 65535"))?
        }
        None => return Err(refused("has no host")),
    };
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if !is_name(host) {
        return Err(refused("has a host that is neither a DNS name nor an address"));
    }
    Ok((host.to_owned(), port))
}

/// The name that the server's certificate must bear, where it is not the host.
pub(super) fn tls_name(cluster: &Cluster, place: &Place<'_>) -> Result<Option<String>, Refusal> {
    let name = set(cluster.tls_server_name.clone());
    match name.as_deref().filter(|name| !is_name(name)) {
        Some(name) => Err(place.within("tls-server-name").refuse(format!("{} is neither a DNS name nor an address", shown(name)))),
        None => Ok(name),
    }
}

/// How the server is known to be the right one.
pub(super) fn trust(cluster: Cluster, unverified: Unverified, place: &Place<'_>) -> Result<Trust, Refusal> {
    if set(cluster.proxy_url).is_some() {
        return Err(place.within("proxy-url").refuse(
            "this driver speaks to the API server directly, through no proxy. Remove the field, and run the driver where the server can be reached",
        ));
    }
    let fields = ["certificate-authority-data", "certificate-authority"];
    let authorities = pem(cluster.certificate_authority_data, cluster.certificate_authority, fields, place)?;
    let insecure = place.within("insecure-skip-tls-verify");
    match (cluster.insecure_skip_tls_verify.unwrap_or(false), authorities, unverified) {
        (false, Some(authorities), _) => Ok(Trust::Authorities(authorities)),
        (false, None, _) => Err(place.within("certificate-authority").refuse(
            "it is not set, and the system's own authorities are not used. Name a PEM file with the authority of the server's certificate; for a \
             server with a public one, the system's bundle, such as /etc/ssl/certs/ca-certificates.crt",
        )),
        (true, Some(_), _) => Err(insecure.refuse("it is true beside a certificate-authority, and only one can hold: remove it")),
        (true, None, Unverified::Allowed) => Ok(Trust::Unverified),
        (true, None, Unverified::Refused) => Err(insecure.refuse(
            "whoever is on the way to the server could take the credentials and answer in its place. Name its certificate-authority instead; \
             --kube-insecure true takes the risk, for a cluster of your own on this machine",
        )),
    }
}

fn is_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}
