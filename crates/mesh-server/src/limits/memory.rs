//! The memory that a server may use, divided among the kinds of what it keeps.

use mesh_local::StoreMemory;

use super::buffers::BufferLimits;

/// The most bytes of each kind. They are counted with what stands around them, so that the process takes at most 1.3
/// times as much, beside what an idle server takes.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLimits {
    /// What the store keeps.
    pub store: StoreMemory,
    /// Parsed documents, the least used of which go first.
    pub documents: usize,
    /// Messages that wait for subscribers: beyond it, each connection has a fair share.
    pub waiting: usize,
    /// Requests and answers on their way.
    pub buffers: BufferLimits,
}

/// The bytes of one kind, now and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Which kind, as `/metrics` names it.
    pub kind: &'static str,
    /// Bytes that count now.
    pub bytes: usize,
    /// The most bytes.
    pub limit: usize,
}

impl MemoryLimits {
    /// With less, the largest answers and queues would not fit: 128 MB.
    pub const LEAST: usize = 128 << 20;
    /// With more, nothing is served better by default: 2 GB.
    pub const DEFAULT: usize = 2 << 30;

    /// Divides the memory of a server. The kinds have 20 of 32 parts of it; the rest is for what they take beside
    /// what counts, for connections, and for the server itself.
    pub fn of(total: usize) -> Self {
        let parts = |parts: usize| total / 32 * parts;
        Self {
            store: StoreMemory {
                nodes: parts(8),
                events: parts(4),
                repeats: parts(2),
                ended_groups: parts(1) / 2,
            },
            documents: parts(1),
            waiting: parts(2),
            buffers: BufferLimits { total: parts(2), per_address: (parts(2) / 4).max(8 << 20) },
        }
    }

    /// The memory of each kind, in the order of `/metrics`.
    pub fn compare(
        &self,
        store: StoreMemory,
        documents: usize,
        waiting: usize,
        held: usize,
    ) -> [MemoryUse; 7] {
        let most = self.store;
        [
            ("nodes", store.nodes, most.nodes),
            ("events", store.events, most.events),
            ("repeats", store.repeats, most.repeats),
            ("ended_groups", store.ended_groups, most.ended_groups),
            ("documents", documents, self.documents),
            ("waiting", waiting, self.waiting),
            ("held", held, self.buffers.total),
        ]
        .map(|(kind, bytes, limit)| MemoryUse { kind, bytes, limit })
    }
}

impl Default for MemoryLimits {
    /// Those of 2 GB.
    fn default() -> Self {
        Self::of(Self::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_leaves_room_for_what_is_not() {
        for total in [MemoryLimits::LEAST, 1 << 30, MemoryLimits::DEFAULT, 1 << 36] {
            let uses = MemoryLimits::of(total).compare(StoreMemory::default(), 0, 0, 0);
            let counted: usize = uses.iter().map(|kind| kind.limit).sum();
            assert!(counted / 10 * 13 <= total / 10 * 9, "{counted} of {total}");
        }
    }

    #[test]
    fn the_largest_answer_fits_into_the_least_memory() {
        let buffers = MemoryLimits::of(MemoryLimits::LEAST).buffers;
        assert!(
            buffers.per_address >= mesh_core::limits::ANSWER_BYTES && buffers.total >= buffers.per_address
        );
    }
}
