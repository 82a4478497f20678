//! The addresses that nodes came from.

use std::net::IpAddr;

use mesh_core::id::Id;
use quick_cache::sync::Cache;

/// So many nodes are remembered.
const NODES: usize = 20_000;

/// From where nodes joined, which tells whose WebSocket is slow or gone: a subscription says nothing of
/// its node. Kept in memory alone, and never logged.
pub(super) struct NodeAddresses(Cache<Id, IpAddr>);

impl NodeAddresses {
    /// Notes that a node joins from an address.
    pub(super) fn note(&self, node: &Id, address: IpAddr) {
        self.0.insert(node.clone(), address);
    }

    /// From where a node joined.
    pub(super) fn address_of(&self, node: &Id) -> Option<IpAddr> {
        self.0.get(node)
    }
}

impl Default for NodeAddresses {
    fn default() -> Self {
        Self(Cache::new(NODES))
    }
}
