//! Which address of this machine others in the room reach it by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// How names of adapters begin that lead to machines inside this one, or to a network elsewhere: of Hyper-V and WSL,
/// containers, VMware, VirtualBox, VPNs, and Apple's links between devices.
const VIRTUAL: [&str; 22] = [
    "vethernet",
    "docker",
    "br-",
    "veth",
    "virbr",
    "vmnet",
    "vmware",
    "vboxnet",
    "virtualbox",
    "lxc",
    "lxd",
    "cni",
    "podman",
    "utun",
    "tun",
    "tap",
    "wg",
    "tailscale",
    "zt",
    "awdl",
    "llw",
    "ham",
];

/// Addresses that belong to the documentation: nothing is sent there, but the system says which way it would go.
const SOMEWHERE_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const SOMEWHERE_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// An address of this machine, and the name of its adapter.
type Own = (String, IpAddr);

/// The addresses by which a listener is reached, the best one first; never empty.
pub(crate) fn reached_by(listening: SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let own: Vec<Own> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .map(|one| (one.name.clone(), one.ip()))
        .collect();
    let is_v4 = listening.is_ipv4();
    let best = ranked(&own, of_default_route(is_v4), is_v4);
    best.into_iter().map(|address| SocketAddr::new(address, listening.port())).collect()
}

/// The address of the adapter that leads out of the network: the one that the room shares.
fn of_default_route(is_v4: bool) -> Option<IpAddr> {
    let (any, somewhere) = if is_v4 {
        (IpAddr::V4(Ipv4Addr::UNSPECIFIED), SOMEWHERE_V4)
    } else {
        (IpAddr::V6(Ipv6Addr::UNSPECIFIED), SOMEWHERE_V6)
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(somewhere).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// The address of the default route, then those of real adapters. Virtual ones come in only where there is no
/// other, link-local ones never: both are often beside the address that works.
fn ranked(own: &[Own], default_route: Option<IpAddr>, is_v4: bool) -> Vec<IpAddr> {
    let usable =
        |address: IpAddr| address.is_ipv4() == is_v4 && !address.is_loopback() && !is_link_local(address);
    let is_first = |address: IpAddr| Some(address) == default_route;
    let mut found: Vec<_> = own
        .iter()
        .filter(|(name, address)| usable(*address) && (is_first(*address) || !is_virtual(name)))
        .map(|(_, address)| *address)
        .collect();
    if found.is_empty() {
        found = own.iter().map(|(_, address)| *address).filter(|address| usable(*address)).collect();
    }
    found.sort_unstable_by_key(|address| (!is_first(*address), *address));
    found.dedup();
    if found.is_empty() {
        found.push(if is_v4 { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    found
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_virtual(adapter: &str) -> bool {
    let adapter = adapter.to_ascii_lowercase();
    VIRTUAL.iter().any(|beginning| adapter.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(adapters: &[(&str, &str)]) -> Vec<Own> {
        adapters.iter().map(|(name, address)| ((*name).to_owned(), address.parse().unwrap())).collect()
    }

    fn best(adapters: &[(&str, &str)], default_route: Option<&str>) -> Vec<String> {
        let default_route = default_route.map(|address| address.parse().unwrap());
        ranked(&own(adapters), default_route, true).iter().map(ToString::to_string).collect()
    }

    const SCHOOL: [(&str, &str); 5] = [
        ("lo", "127.0.0.1"),
        ("Ethernet 2", "169.254.9.9"),
        ("vEthernet (WSL (Hyper-V firewall))", "172.20.16.1"),
        ("Ethernet", "10.0.0.5"),
        ("Wi-Fi", "192.168.1.20"),
    ];

    #[test]
    fn the_default_route_comes_first_and_what_nobody_reaches_not_at_all() {
        assert_eq!(best(&SCHOOL, Some("192.168.1.20")), ["192.168.1.20", "10.0.0.5"]);
    }

    #[test]
    fn without_a_way_out_a_real_adapter_is_taken() {
        assert_eq!(best(&SCHOOL, None), ["10.0.0.5", "192.168.1.20"]);
    }

    #[test]
    fn a_virtual_adapter_is_better_than_none() {
        assert_eq!(best(&SCHOOL[..3], None), ["172.20.16.1"]);
        assert_eq!(best(&[("br-lan", "192.168.8.1")], Some("192.168.8.1")), ["192.168.8.1"]);
        assert_eq!(best(&SCHOOL[..2], None), ["127.0.0.1"]);
    }

    #[test]
    fn each_family_for_itself() {
        let both = own(&[("eth0", "192.168.1.20"), ("eth0", "fe80::1"), ("eth0", "fd00::20")]);
        assert_eq!(ranked(&both, None, false), ["fd00::20".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn a_given_address_stays_as_it_is() {
        let given: SocketAddr = "169.254.9.9:4000".parse().unwrap();
        assert_eq!(reached_by(given), [given]);
        assert!(!reached_by("0.0.0.0:4000".parse().unwrap()).is_empty());
    }
}
