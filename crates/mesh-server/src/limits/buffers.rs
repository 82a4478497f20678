//! Bytes of requests that have not arrived whole and of answers that have not left: bounded in sum and for
//! each address, so that neither those who send half of something nor those who take nothing fill the
//! memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::counted;

/// So much of each request and each answer does not count: most have less. A connection has one request and one answer
/// at a time, so all together have twice as much for each connection, and those are limited.
const FREE_BYTES: usize = 4 << 10;

/// The most bytes that are held at once.
#[derive(Clone, Copy, Debug)]
pub struct BufferLimits {
    /// For all clients.
    pub total: usize,
    /// For those of one address.
    pub per_address: usize,
}

impl Default for BufferLimits {
    /// 128 MB in all, 32 MB for an address: six of the largest answers.
    fn default() -> Self {
        super::memory::MemoryLimits::default().buffers
    }
}

/// Counts held bytes.
#[derive(Debug, Default)]
pub struct Buffers {
    limits: BufferLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The bytes of one request or one answer, counted until it is dropped.
#[derive(Debug)]
pub struct Hold {
    buffers: Arc<Buffers>,
    address: Option<IpAddr>,
    counted: usize,
}

/// The text for a client for which there is no room.
pub const NO_ROOM: &str = "Too many bytes are on their way to and from you. Take what waits, then try again.";

/// There is no room for more bytes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Buffers {
    /// Nothing is held yet.
    pub fn new(limits: BufferLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    /// Begins to count for a client.
    pub fn hold(self: &Arc<Self>, address: IpAddr) -> Hold {
        Hold { buffers: self.clone(), address: counted(address), counted: 0 }
    }

    /// The bytes that are held now.
    pub fn held_bytes(&self) -> usize {
        self.held.lock().total
    }
}

impl Hold {
    /// Counts this request or answer as one of `bytes`.
    ///
    /// # Errors
    ///
    /// If a bound would be passed; then it counts as before.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let Some(more) = bytes.saturating_sub(FREE_BYTES).checked_sub(self.counted).filter(|more| *more > 0)
        else {
            return Ok(());
        };
        let limits = self.buffers.limits;
        let mut held = self.buffers.held.lock();
        if held.total + more > limits.total {
            return Err(Full);
        }
        if let Some(address) = self.address {
            let from_there = held.by_address.entry(address).or_default();
            if *from_there + more > limits.per_address {
                return Err(Full);
            }
            *from_there += more;
        }
        held.total += more;
        self.counted += more;
        Ok(())
    }

    /// Counts nothing more for this request.
    pub fn release(&mut self) {
        if self.counted == 0 {
            return;
        }
        let mut held = self.buffers.held.lock();
        held.total -= self.counted;
        if let Some(address) = self.address
            && let Some(from_there) = held.by_address.get_mut(&address)
        {
            *from_there -= self.counted;
            if *from_there == 0 {
                held.by_address.remove(&address);
            }
        }
        self.counted = 0;
    }

    /// Bytes that are counted until the last part of them has left.
    pub fn keep_with(self, bytes: Vec<u8>) -> Bytes {
        struct Kept(Vec<u8>, #[allow(dead_code, reason = "counts until it is dropped")] Hold);

        impl AsRef<[u8]> for Kept {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        if self.counted == 0 { bytes.into() } else { Bytes::from_owner(Kept(bytes, self)) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    fn buffers() -> Arc<Buffers> {
        Buffers::new(BufferLimits { total: 3 * MB, per_address: 2 * MB })
    }

    fn hold(buffers: &Arc<Buffers>, address: &str) -> Hold {
        buffers.hold(address.parse().unwrap())
    }

    #[test]
    fn an_address_and_the_whole_are_bounded() {
        let buffers = buffers();
        let mut first = hold(&buffers, "192.0.2.1");
        assert_eq!(first.grow_to(MB), Ok(()));
        assert_eq!(first.grow_to(2 * MB), Ok(()));
        assert_eq!(first.grow_to(3 * MB), Err(Full), "an address has two");
        let mut same = hold(&buffers, "192.0.2.1");
        assert_eq!(same.grow_to(MB), Err(Full));
        assert_eq!(same.grow_to(FREE_BYTES), Ok(()), "little is always fine");
        let mut other = hold(&buffers, "192.0.2.2");
        assert_eq!(other.grow_to(MB), Ok(()));
        let mut loopback = hold(&buffers, "127.0.0.1");
        assert_eq!(loopback.grow_to(MB), Err(Full), "three are held");
        first.release();
        assert_eq!(loopback.grow_to(2 * MB), Ok(()));
        drop((other, loopback));
        assert_eq!(buffers.held_bytes(), 0);
        assert!(buffers.held.lock().by_address.is_empty());
    }

    #[test]
    fn an_answer_counts_until_its_last_part_has_left() {
        let buffers = buffers();
        let mut answer = hold(&buffers, "192.0.2.1");
        answer.grow_to(MB).unwrap();
        let mut bytes = answer.keep_with(vec![0; MB]);
        let part = bytes.split_to(10);
        drop(bytes);
        assert_eq!(buffers.held_bytes(), MB - FREE_BYTES);
        drop(part);
        assert_eq!(buffers.held_bytes(), 0);
    }
}
