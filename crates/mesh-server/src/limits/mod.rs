//! Fair shares: what one client may use, so that it costs the others nothing they can feel.
//!
//! | module | what it limits |
//! | --- | --- |
//! | [`connections`] | open connections, in all and by address |
//! | [`rates`] | calls, bytes and other work in a time, by address, connection and group |
//! | [`answers`] | bytes of answers in a time, by the same |
//! | [`memory`] | bytes of everything that is kept |
//! | [`buffers`] | bytes of requests that have not arrived whole, and of answers that have not left |
//!
//! Limits by address count an IPv6 network of 64 bits as one, and exempt loopback.

pub mod answers;
pub mod buffers;
pub mod connections;
pub mod memory;
pub mod rates;

use std::net::IpAddr;

use mesh_core::network;
use std::sync::Arc;

use buffers::Buffers;
use connections::{ConnectionLimits, Connections};
use memory::MemoryLimits;
use rates::{RateLimits, Rates};

/// The shares of all clients of one server.
pub struct Limits {
    /// Work in a time.
    pub rates: Rates,
    /// The most memory of each kind.
    pub memory: MemoryLimits,
    /// Memory of requests and answers on their way.
    pub buffers: Arc<Buffers>,
    /// Open WebSockets that have not shown a right key.
    pub without_key: Arc<Connections>,
}

/// The most open WebSockets of one address that have not shown a right key: a host's probe is one, for
/// three seconds.
const MAX_WITHOUT_KEY: usize = 256;

impl Limits {
    /// Nothing is used yet.
    pub fn new(rates: RateLimits, memory: MemoryLimits) -> Self {
        let per_address = Some(MAX_WITHOUT_KEY);
        let without_key =
            ConnectionLimits { total: usize::MAX / 2, per_address, per_public_address: per_address };
        Self {
            rates: Rates::new(rates),
            memory,
            buffers: Buffers::new(memory.buffers),
            without_key: Connections::new(without_key),
        }
    }
}

/// The part of an address that counts as one client. `None` for loopback, which limits by address
/// exempt.
fn counted(address: IpAddr) -> Option<IpAddr> {
    (!address.to_canonical().is_loopback()).then(|| network::prefix(address))
}
