//! The name `mesh.local`, told to the local network by multicast DNS (RFC 6762), so that nobody types numbers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mdns_sd::{DaemonEvent, IfKind, ServiceDaemon, ServiceInfo};
use tokio::net::lookup_host;
use tokio::time::{Instant, sleep, timeout};

/// The name, and those that follow where it is taken. They come into certificates.
pub(super) const NAMES: [&str; 3] = ["mesh.local", "mesh-2.local", "mesh-3.local"];
/// The service that lists of the network's machines show.
const SERVICE: &str = "_http._tcp.local.";
/// The time limit for announcing the name: probes take 750 ms (RFC 6762, section 8.1).
const ANNOUNCING: Duration = Duration::from_millis(1_500);
/// The time limit for this machine to find itself by the name.
const RESOLVING: Duration = Duration::from_millis(1_500);

/// A name that is told while this lives.
pub(crate) struct Announced {
    daemon: ServiceDaemon,
    /// The name, as `mesh.local`, where this machine itself finds it: then others do, too.
    pub(crate) name: Option<String>,
}

/// Tells the network that `addresses` are called `mesh.local`; `None` where there is no multicast.
pub(crate) async fn announce(addresses: &[SocketAddr]) -> Option<Announced> {
    let port = addresses.first()?.port();
    let own: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    let daemon = ServiceDaemon::new().ok()?;
    // Virtual adapters would tell machines of addresses that they cannot reach.
    daemon.disable_interface(IfKind::All).ok()?;
    daemon.enable_interface(own.iter().map(|address| IfKind::Addr(*address)).collect::<Vec<_>>()).ok()?;
    let events = daemon.monitor().ok()?;
    let host = format!("{}.", NAMES[0]);
    let service = ServiceInfo::new(SERVICE, "Mesh", &host, &own[..], port, None).ok()?;
    daemon.register(service).ok()?;
    let mut name = NAMES[0].to_owned();
    let end = Instant::now() + ANNOUNCING;
    let mut is_told = false;
    while Instant::now() < end && !is_told {
        sleep(Duration::from_millis(50)).await;
        for event in events.try_iter() {
            match event {
                DaemonEvent::NameChange(change) if change.original.trim_end_matches('.') == name => {
                    change.new_name.trim_end_matches('.').clone_into(&mut name);
                }
                DaemonEvent::Announce(..) => is_told = true,
                _ => {}
            }
        }
    }
    let found = timeout(RESOLVING, resolves(&name, port, &own)).await.unwrap_or(false);
    Some(Announced { daemon, name: found.then_some(name) })
}

/// Returns `true` if this machine's own resolver finds one of its addresses by the name.
async fn resolves(name: &str, port: u16, own: &[IpAddr]) -> bool {
    let found = lookup_host((name, port)).await;
    found.is_ok_and(|mut found| found.any(|address| own.contains(&address.ip())))
}

impl Drop for Announced {
    fn drop(&mut self) {
        // Others forget the name at once; a daemon that is gone has told them already.
        let _ = self.daemon.shutdown();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use mdns_sd::HostnameResolutionEvent;

    use super::super::address::reached_by;
    use super::*;

    #[tokio::test]
    async fn another_machine_finds_the_address_by_the_name() {
        let mut reached = reached_by("0.0.0.0:4000".parse().unwrap());
        reached.retain(|address| !address.ip().is_loopback());
        // Without a network there is nobody to be told.
        let Some(address) = reached.first().map(SocketAddr::ip) else { return };
        let _announced = announce(&reached).await.unwrap();
        let other = ServiceDaemon::new().unwrap();
        let found = other.resolve_hostname("mesh.local.", None).unwrap();
        loop {
            let event = found.recv_timeout(Duration::from_secs(20)).expect("the name to be found");
            if let HostnameResolutionEvent::AddressesFound(_, addresses) = event
                && addresses.iter().any(|found| found.to_ip_addr() == address)
            {
                return;
            }
        }
    }
}
