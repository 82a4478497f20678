//! A caller's network and its domain, so that one classroom finds itself without an account.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::hex::Hex;
use crate::id::Domain;

/// The network that a caller belongs to. One classroom should be one network: behind IPv4 it shares
/// one address, behind IPv6 each machine has its own inside one /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// A global address: the IPv4 address itself, or the first 64 bits of the IPv6 address.
    Global(IpAddr),
    /// All local networks seen from inside: loopback, private, link-local, shared (CGNAT) and
    /// unique-local addresses. A classroom's machines each have an address of their own there.
    Lan,
}

impl Network {
    /// The network of an address that a cloud saw: always a global one.
    pub fn of_global(address: IpAddr) -> Self {
        Self::Global(prefix(address))
    }

    /// The network of an address that a machine inside the classroom saw.
    pub fn of_local(address: IpAddr) -> Self {
        if is_local(address.to_canonical()) { Self::Lan } else { Self::of_global(address) }
    }
}

/// The address that a call comes from, behind `trusted_hops` proxies that each append to
/// `x-forwarded-for` whom they heard. `values` are the header's, in order.
///
/// Returns `None` where there are fewer addresses than proxies, or no address at that place. It is never
/// a place before that, since anybody may have written there.
///
/// ```
/// use mesh_core::network::client_address;
///
/// let seen = client_address(["198.51.100.9, 203.0.113.7, 130.176.0.1"], 2);
/// assert_eq!(seen, Some("203.0.113.7".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn client_address<'a>(values: impl IntoIterator<Item = &'a str>, trusted_hops: usize) -> Option<IpAddr> {
    let addresses: Vec<_> = values.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    let index = addresses.len().checked_sub(trusted_hops)?;
    addresses.get(index)?.parse().ok()
}

/// The part of an address that one home or school has to itself: the IPv4 address, or the first 64 bits
/// of the IPv6 address.
pub fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Returns `true` for an address that only a local network leads to, where each machine has its own.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            address.is_loopback() || address.is_private() || address.is_link_local() || shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unicast_link_local() || address.is_unique_local()
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global(address) => write!(f, "{address}"),
            Self::Lan => f.write_str("lan"),
        }
    }
}

/// The secret behind the domains, so that nobody computes another school's domain from its address.
#[derive(Clone)]
pub struct DomainSecret(Hmac<Sha256>);

impl DomainSecret {
    /// The fewest bytes of a secret.
    pub const MIN_BYTES: usize = 16;

    /// Takes the secret; `None` if it is shorter than [`Self::MIN_BYTES`].
    pub fn new(secret: &[u8]) -> Option<Self> {
        if secret.len() < Self::MIN_BYTES {
            return None;
        }
        Hmac::new_from_slice(secret).ok().map(Self)
    }

    /// A text of 32 hex digits that nobody computes without the secret, another one for each purpose.
    pub fn derive(&self, purpose: &[&str]) -> String {
        // Lengths keep neighbouring parts apart, and no network's text begins with a zero byte.
        let mut code = self.0.clone().chain_update([0]);
        for part in purpose {
            code.update(&(part.len() as u64).to_le_bytes());
            code.update(part.as_bytes());
        }
        Hex(&code.finalize().into_bytes()[..16]).to_string()
    }

    /// The domain of a network: 64 bits of its HMAC-SHA256 as 16 lower-case hex digits.
    pub fn domain_of(&self, network: Network) -> Domain {
        let code = self.0.clone().chain_update(network.to_string()).finalize().into_bytes();
        Domain::from(Hex(&code[..8]).to_string())
    }
}

impl fmt::Debug for DomainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(secret: &str, network: Network) -> Domain {
        DomainSecret::new(secret.as_bytes()).unwrap().domain_of(network)
    }

    fn local(address: &str) -> Network {
        Network::of_local(address.parse().unwrap())
    }

    #[test]
    fn local_addresses_are_one_network() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.3.4",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "::ffff:192.168.0.1",
        ] {
            assert_eq!(local(address), Network::Lan, "{address}");
        }
        for address in ["203.0.113.7", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:203.0.113.7"] {
            assert_ne!(local(address), Network::Lan, "{address}");
        }
    }

    #[test]
    fn one_classroom_is_one_network() {
        assert_eq!(local("2001:db8:1:2::1"), local("2001:db8:1:2:ffff::9"));
        assert_ne!(local("2001:db8:1:2::1"), local("2001:db8:1:3::1"));
        assert_eq!(local("::ffff:203.0.113.7"), local("203.0.113.7"));
        assert_ne!(local("203.0.113.7"), local("203.0.113.8"));
        assert_eq!(Network::of_global("10.0.0.1".parse().unwrap()).to_string(), "10.0.0.1");
    }

    #[test]
    fn a_domain_is_hex_and_needs_the_secret() {
        let one = domain("a secret of enough length", Network::Lan);
        assert_eq!(one, domain("a secret of enough length", Network::Lan));
        assert_ne!(one, domain("a secret of other length!", Network::Lan));
        assert_eq!(one.as_str().len(), 16);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        assert!(DomainSecret::new(b"too short").is_none());
        let secret = DomainSecret::new(b"a secret of enough length").unwrap();
        assert_eq!(secret.derive(&["a", "b"]).len(), 32);
        assert_ne!(secret.derive(&["a", "b"]), secret.derive(&["ab", ""]));
    }
}
