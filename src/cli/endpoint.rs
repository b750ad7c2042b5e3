//! Where supervisors find the gateway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::core::kube::peer::{Cidr, Peer, Place, Port, Protocol};
use crate::core::names::Namespace;

const PLAIN: &str = "http";
const SECURE: &str = "https";
const HOST_MAX: usize = 253;

/// Whether connections to the gateway are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Plain,
    /// `https`
    Secure,
}

/// A URL without anything after the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How it is reached.
    pub scheme: Scheme,
    /// The URL, without a trailing slash.
    pub url: String,
}

impl Endpoint {
    /// Reads a URL. What stands before an `@` is never repeated in an error: it may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, host)) = text.rsplit_once('@') {
            return Err(format!("the URL of {host:?} has a user or password before '@', which every sandbox could read: write it without"));
        }
        let refused = |why: &str| format!("{text:?} {why}: write http://HOST:PORT or https://HOST:PORT");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("has no scheme"))?;
        let scheme = match scheme {
            PLAIN => Scheme::Plain,
            SECURE => Scheme::Secure,
            _ => return Err(refused("is neither http nor https")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(refused("has something after host and port"));
        }
        let (host, port) = split_port(authority).ok_or_else(|| refused("has no host"))?;
        if !is_host(host) {
            return Err(refused("has a host that is neither a DNS name nor an IP address (an IPv6 address stands in brackets)"));
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(refused("has a port that is not a number from 1 to 65535"));
        }
        Ok(Self { scheme, url: text.strip_suffix('/').unwrap_or(text).to_owned() })
    }

    /// Where its pods are, or it is itself, if that can be told: a service of the cluster names its namespace.
    pub fn peer(&self) -> Option<Peer> {
        let (_, authority) = self.url.split_once("://")?;
        let (host, port) = split_port(authority)?;
        let standard = match self.scheme {
            Scheme::Plain => 80,
            Scheme::Secure => 443,
        };
        let number = port.map_or(Some(standard), |port| port.parse().ok())?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let place = match (address, host.split('.').collect::<Vec<_>>().as_slice()) {
            (Some(address), _) => Place::Addresses(Cidr::of(address)),
            (None, [_, namespace, "svc", ..]) => Place::Namespace(Namespace::parse(namespace).ok()?),
            (None, _) => return None,
        };
        Some(Peer { place, port: Some(Port { number, protocol: Protocol::Tcp }) })
    }

    /// Where a gateway is that was installed under upstream's name in the sandboxes' namespace.
    pub fn derived(namespace: &Namespace, scheme: Scheme) -> Self {
        let name = match scheme {
            Scheme::Plain => PLAIN,
            Scheme::Secure => SECURE,
        };
        Self { scheme, url: format!("{name}://openshell.{namespace}.svc.cluster.local:8080") }
    }
}

/// Splits `host:port`; an IPv6 host keeps its brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    (!host.is_empty()).then_some((host, port))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && label.len() <= 63 && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    // Digits and dots alone are an address or a mistake.
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= HOST_MAX && host.split('.').all(label)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Scheme};

    #[test]
    fn a_host_and_a_port_are_taken() {
        for (text, scheme) in [
            ("http://openshell:8080", Scheme::Plain),
            ("https://openshell.gateway-system.svc.cluster.local:8080", Scheme::Secure),
            ("http://gateway", Scheme::Plain),
            ("http://10.0.0.7:80", Scheme::Plain),
            ("https://[2001:db8::7]:443", Scheme::Secure),
            ("https://[2001:db8::7]", Scheme::Secure),
        ] {
            assert_eq!(Endpoint::parse(text), Ok(Endpoint { scheme, url: text.to_owned() }));
        }
        assert_eq!(Endpoint::parse("http://gateway:8080/").map(|endpoint| endpoint.url), Ok("http://gateway:8080".to_owned()));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "gateway:8080",
            "grpc://gateway",
            "http://",
            "http:///",
            "http://:8080",
            "http://gateway:",
            "http://gateway:0",
            "http://gateway:65536",
            "http://gateway:+80",
            "http://gateway/path",
            "http://gateway?x",
            "http://gateway#x",
            "http://2001:db8::7",
            "http://[2001:db8::7",
            "http://[gateway]",
            "http://1.2.3",
            "http://gate way",
            "http://gateway..x",
            "http://-gateway",
            "http://gateway//",
            " http://gateway",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_policy_finds_a_service_of_the_cluster_and_an_address() {
        let peer = |text: &str| Endpoint::parse(text).ok().and_then(|endpoint| endpoint.peer()).map(|peer| peer.to_string());
        for (text, expected) in [
            ("http://openshell.openshell-system.svc.cluster.local:8080", Some("openshell-system:8080")),
            ("http://openshell.gateways:8080", None),
            ("https://openshell.gateways.svc", Some("gateways:443")),
            ("http://10.0.0.7", Some("10.0.0.7/32:80")),
            ("https://[2001:db8::7]:443", Some("[2001:db8::7/128]:443")),
            ("https://gateway.example.com", None),
            ("http://gateway:8080", None),
        ] {
            assert_eq!(peer(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let error = Endpoint::parse("http://root:hunter2@gateway:8080").map_or_else(|error| error, |endpoint| endpoint.url);
        assert!(error.contains("gateway:8080") && !error.contains("hunter2") && !error.contains("root"), "{error}");
    }
}
