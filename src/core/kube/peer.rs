//! What a network policy names: addresses or a namespace, and a port of theirs.

use ::core::net::{IpAddr, Ipv4Addr};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::names::Namespace;

/// Whom a sandbox may talk to, or who may talk to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Peer {
    /// Where it is.
    pub place: Place,
    /// At which port; at any, where unset.
    pub port: Option<Port>,
}

/// Where a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At these addresses.
    Addresses(Cidr),
    /// In the pods of this namespace.
    Namespace(Namespace),
}

/// A range of addresses, as Kubernetes takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

/// A port and its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

impl Protocol {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

impl Cidr {
    /// One address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { address, length }
    }

    /// The addresses that are the node's own business, a cloud's metadata service among them.
    #[must_use]
    pub const fn link_local() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), length: 16 }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && *length <= most)?;
        let cidr = Self { address, length };
        // Kubernetes warns of bits behind the length today, and will refuse them.
        (cidr.bits() & !cidr.mask() == 0).then_some(cidr)
    }

    /// Whether every address of `other` is in it.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.length <= other.length
            && other.bits() & self.mask() == self.bits() & self.mask()
    }

    /// The address at the top of 128 bits.
    fn bits(self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Peer {
    /// Reads `CIDR`, `NAMESPACE`, and either with `:PORT`; `/udp` after the port where it is not TCP. An IPv6 range with a port stands in
    /// brackets.
    ///
    /// # Errors
    /// Says what it should look like, in a clause that contains the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "{text:?} is no peer: write addresses like 10.0.0.0/8 or [2001:db8::/32], or the name of a namespace, each with a :PORT or a :PORT/udp if not all ports are meant"
            )
        };
        let (place, port) = match (text.strip_prefix('['), text.rsplit_once(':')) {
            (Some(rest), _) => {
                let (place, port) = rest.split_once(']').ok_or_else(refused)?;
                (place, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(refused)?) })
            }
            // More than one colon outside brackets is an IPv6 range without a port.
            (None, Some((place, port))) if !place.contains(':') => (place, Some(port)),
            (None, _) => (text, None),
        };
        let place = if place.contains('/') {
            Place::Addresses(Cidr::parse(place).ok_or_else(refused)?)
        } else {
            Place::Namespace(Namespace::parse(place).map_err(|_| refused())?)
        };
        let port = port.map(|port| Port::parse(port).ok_or_else(refused)).transpose()?;
        Ok(Self { place, port })
    }
}

impl Port {
    fn parse(text: &str) -> Option<Self> {
        let (number, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.split('/').next()?, Protocol::Tcp),
            Some((number, "udp")) => (number, Protocol::Udp),
            Some(_) => return None,
        };
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|number| digits && *number > 0)?;
        Some(Self { number, protocol })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Addresses(cidr) if cidr.address.is_ipv6() => write!(f, "[{cidr}]")?,
            Place::Addresses(cidr) => cidr.fmt(f)?,
            Place::Namespace(namespace) => namespace.fmt(f)?,
        }
        match self.port {
            None => Ok(()),
            Some(Port { number, protocol: Protocol::Tcp }) => write!(f, ":{number}"),
            Some(Port { number, protocol: Protocol::Udp }) => write!(f, ":{number}/udp"),
        }
    }
}

impl TryFrom<String> for Peer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Peer> for String {
    fn from(peer: Peer) -> Self {
        peer.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in [
            "10.0.0.0/8",
            "0.0.0.0/0:443",
            "192.0.2.7/32:53/udp",
            "[2001:db8::/32]",
            "[2001:db8::/32]:443",
            "monitoring",
            "istio-system:8080",
        ] {
            assert_eq!(Peer::parse(text).map(|peer| peer.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Peer::parse("2001:db8::/32").map(|peer| peer.to_string()), Ok("[2001:db8::/32]".to_owned()));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "10.0.0.1",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "a:b",
            "a:0",
            "a:65536",
            "a:80/sctp",
            "A",
            "[::/0",
            "[::/0]80",
            "*",
        ] {
            assert!(Peer::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_contains_what_is_in_it() {
        let cidr = |text: &str| Cidr::parse(text);
        let (all, metadata, six) = (cidr("0.0.0.0/0"), cidr("169.254.169.254/32"), cidr("::/0"));
        let contains = |one: Option<Cidr>, other: Option<Cidr>| one.zip(other).is_some_and(|(one, other)| one.contains(other));
        assert!(contains(all, metadata) && contains(metadata, metadata) && !contains(metadata, all) && !contains(six, metadata));
        assert!(contains(cidr("169.254.0.0/16"), metadata) && !contains(cidr("10.0.0.0/8"), metadata));
    }
}
