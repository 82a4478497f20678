//! Open connections, counted in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use mesh_core::network;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::counted;

/// So many connections more than allowed are still told why they are refused; the rest is dropped.
const TOLD: usize = 200;

/// Limits on open connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one address of a local network, which is one machine; none for no limit.
    pub per_address: Option<usize>,
    /// From one public address (IPv6: one /64), behind which a whole school may be; none for no limit.
    pub per_public_address: Option<usize>,
}

/// The open connections.
pub struct Connections {
    limits: ConnectionLimits,
    open: Mutex<Open>,
    closed: Notify,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection, counted until it is dropped.
pub struct Admitted {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
    over_limit: bool,
}

impl ConnectionLimits {
    /// So many in all, from whatever addresses.
    pub const fn total(total: usize) -> Self {
        Self { total, per_address: None, per_public_address: None }
    }
}

impl Connections {
    /// No open connection yet.
    pub fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default(), closed: Notify::new() })
    }

    /// Counts a connection in. None if there are so many that not even a refusal is answered.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let limit =
            if network::is_local(address) { self.limits.per_address } else { self.limits.per_public_address };
        let per_address = limit.unwrap_or(usize::MAX);
        let address = counted(address);
        let mut open = self.open.lock();
        let from_there = address.and_then(|address| open.by_address.get(&address).copied()).unwrap_or(0);
        if open.total >= self.limits.total + TOLD || from_there >= per_address.saturating_add(TOLD) {
            return None;
        }
        let over_limit = open.total >= self.limits.total || from_there >= per_address;
        open.total += 1;
        if let Some(address) = address {
            open.by_address.insert(address, from_there + 1);
        }
        Some(Admitted { connections: self.clone(), address, over_limit })
    }

    /// Waits until no connection is open.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.open.lock().total == 0 {
                return;
            }
            closed.await;
        }
    }
}

impl Admitted {
    /// Returns `true` if this is one more than allowed.
    pub fn is_over_limit(&self) -> bool {
        self.over_limit
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.total -= 1;
        if let Some(address) = self.address
            && let Some(from_there) = open.by_address.get_mut(&address)
        {
            *from_there -= 1;
            if *from_there == 0 {
                open.by_address.remove(&address);
            }
        }
        if open.total == 0 {
            self.connections.closed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(total: usize, per_address: Option<usize>) -> ConnectionLimits {
        ConnectionLimits { total, per_address, per_public_address: per_address }
    }

    fn admit(connections: &Arc<Connections>, address: &str) -> Option<Admitted> {
        connections.admit(address.parse().unwrap())
    }

    #[test]
    fn addresses_and_the_whole_are_limited() {
        let connections = Connections::new(limits(4, Some(2)));
        let of_one = [admit(&connections, "192.0.2.1"), admit(&connections, "192.0.2.1")];
        assert!(of_one.iter().flatten().all(|admitted| !admitted.is_over_limit()));
        assert!(admit(&connections, "192.0.2.1").unwrap().is_over_limit());
        // The refused one is gone, so the others still fit.
        let six = admit(&connections, "2001:db8::1").unwrap();
        let same_network = admit(&connections, "2001:db8::2").unwrap();
        assert!(!six.is_over_limit() && !same_network.is_over_limit());
        assert!(admit(&connections, "127.0.0.1").unwrap().is_over_limit(), "four are open");
        drop(of_one);
        assert!(!admit(&connections, "192.0.2.1").unwrap().is_over_limit());
        assert!(admit(&connections, "2001:db8::3").unwrap().is_over_limit());
    }

    #[test]
    fn loopback_is_exempt_from_the_limit_of_an_address() {
        let connections = Connections::new(limits(10, Some(1)));
        let open: Vec<_> = (0..10).map(|_| admit(&connections, "127.0.0.1").unwrap()).collect();
        assert!(open.iter().all(|admitted| !admitted.is_over_limit()));
    }

    /// Of a school whose machines share an address, and of a machine.
    #[test]
    fn a_public_address_has_a_limit_of_its_own() {
        let limits = ConnectionLimits { total: 10, per_address: Some(1), per_public_address: Some(3) };
        let connections = Connections::new(limits);
        let open = |address| {
            let admitted: Vec<_> = (0..5).filter_map(|_| admit(&connections, address)).collect();
            admitted.iter().filter(|admitted| !admitted.is_over_limit()).count()
        };
        assert_eq!([open("192.168.1.7"), open("10.0.0.7"), open("fd00::7"), open("fe80::7")], [1; 4]);
        assert_eq!([open("203.0.113.7"), open("2001:db8::7")], [3; 2]);
    }

    #[test]
    fn a_flood_is_dropped() {
        let connections = Connections::new(ConnectionLimits::total(1));
        let open: Vec<_> = (0..=TOLD).map(|_| admit(&connections, "192.0.2.1").unwrap()).collect();
        assert_eq!(open.iter().filter(|admitted| !admitted.is_over_limit()).count(), 1);
        assert!(admit(&connections, "192.0.2.1").is_none());
    }
}
