//! What is kept costs memory: how much, and how much of each kind there may be.
//!
//! Costs are computed and not measured: the blocks that an allocator sets aside, and the places in tables, trees
//! and queues, which have up to twice as many as they need. Where a cost is not certain, the higher one counts.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use mesh_core::error::{Error, Result};

/// Bytes of each kind that a store keeps: those that count now, or the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreMemory {
    /// Groups, their nodes, and their values. What does not fit is refused.
    pub nodes: usize,
    /// Recorded events. The oldest go first.
    pub events: usize,
    /// Answers to recorded calls, which may come again. The oldest go first.
    pub repeats: usize,
    /// Ended groups, to be told from those that never were. The oldest go first.
    pub ended_groups: usize,
}

impl StoreMemory {
    /// Refuses nodes and values that would exceed `most`, if they take `after` bytes where they took `before`.
    pub(super) fn check_nodes(self, most: Self, before: usize, after: usize) -> Result<()> {
        if after > before && self.nodes - before + after > most.nodes {
            let most = most.nodes;
            return Err(Error::invalid(format!(
                "this server may hold at most {most} bytes of nodes and values"
            )));
        }
        Ok(())
    }
}

/// A block of that many bytes: in steps of 16, with a word of the allocator's own.
pub(super) const fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + size_of::<usize>()).next_multiple_of(16) }
}

/// A block that several share, with the two counts of its references.
pub(super) const fn shared(bytes: usize) -> usize {
    block(bytes + 2 * size_of::<usize>())
}

/// A shared text.
pub(super) const fn text(text: &str) -> usize {
    shared(text.len())
}

/// A place in a hash table: it has up to 16 for 7, and a byte for each.
pub(super) const fn in_table<K, V>() -> usize {
    (size_of::<(K, V)>() + 1) * 16 / 7
}

/// A place in a tree: its nodes have 11 and use 5 at least.
pub(super) const fn in_tree<K, V>() -> usize {
    (size_of::<(K, V)>() + 2) * 11 / 5
}

/// A place in a queue, which has up to two for one.
pub(super) const fn in_queue<T>() -> usize {
    2 * size_of::<T>()
}

/// Gives back the room of a table that became too large.
pub(super) fn shrink_table<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
    if table.capacity() > 8 && table.len() < table.capacity() / 4 {
        table.shrink_to(table.len() * 2);
    }
}

/// Gives back the room of a queue that became too large.
pub(super) fn shrink_queue<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > 8 && queue.len() < queue.capacity() / 3 {
        queue.shrink_to(queue.len() * 3 / 2);
    }
}
