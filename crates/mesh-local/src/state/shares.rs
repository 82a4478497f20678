//! Which groups keep the most events: when all together keep too many, these lose theirs.

use std::collections::BTreeSet;

use mesh_core::id::Id;

/// Groups by the bytes of their events. Sizes of the same power of two count as equal, so that few changes move
/// a group.
#[derive(Default)]
pub(super) struct Shares(BTreeSet<(u32, Id)>);

impl Shares {
    /// Notes that a group keeps more or less than before.
    pub(super) fn change(&mut self, id: &Id, before: usize, after: usize) {
        let (before, after) = (before.checked_ilog2(), after.checked_ilog2());
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.0.remove(&(before, id.clone()));
        }
        if let Some(after) = after {
            self.0.insert((after, id.clone()));
        }
    }

    /// A group that keeps at least half as many bytes as every other one.
    pub(super) fn heaviest(&self) -> Option<&Id> {
        self.0.last().map(|(_, id)| id)
    }

    /// The number of groups that keep events.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
