//! Who reads the log of a group, and up to where each was served: a node that records goes on exactly there.

use std::collections::HashMap;
use std::net::IpAddr;

use mesh_core::cursor::Position;

use super::memory::{block, in_table, shrink_table};

/// The readers of one group, each by the number that names it in its cursors.
#[derive(Default)]
pub(super) struct Readers {
    readers: HashMap<u64, Reader>,
    /// Polling members by the address that they joined from.
    by_address: HashMap<IpAddr, Vec<u64>>,
}

#[derive(Default)]
struct Reader {
    /// `None` before its first answer.
    served: Option<Position>,
    /// The address that it joined from, if it polls.
    from: Option<IpAddr>,
    /// The end of the log when it joined.
    joined_at: Position,
}

impl Readers {
    /// What a member costs here, the only one of its address.
    pub(super) const MEMBER: usize =
        in_table::<u64, Reader>() + in_table::<IpAddr, Vec<u64>>() + block(4 * size_of::<u64>());

    /// Notes that a member joined that polls, from where, and where the log ended then.
    pub(super) fn joined(&mut self, number: u64, from: Option<IpAddr>, end: Position) {
        self.stops_polling(number);
        let reader = self.readers.entry(number).or_default();
        reader.joined_at = end;
        if let Some(address) = from.map(|address| address.to_canonical()) {
            reader.from = Some(address);
            self.by_address.entry(address).or_default().push(number);
        }
    }

    /// The log was read back and ends here: what lay behind was refused, and nobody was served it.
    pub(super) fn end_at(&mut self, end: Position) {
        for reader in self.readers.values_mut() {
            reader.served = reader.served.map(|served| served.min(end));
            reader.joined_at = reader.joined_at.min(end);
        }
    }

    /// Notes that a member is gone. A cursor that names it means its place alone from now on.
    pub(super) fn left(&mut self, number: u64) {
        self.stops_polling(number);
        self.readers.remove(&number);
        shrink_table(&mut self.readers);
    }

    /// The reader behind a poll: the one that its cursor names, or else the only polling member that joined from
    /// its address. `None` if it is unknown.
    pub(super) fn of_poll(&self, named: Option<u64>, from: Option<IpAddr>) -> Option<u64> {
        if let Some(number) = named {
            return self.readers.contains_key(&number).then_some(number);
        }
        match self.by_address.get(&from?.to_canonical())?[..] {
            [alone] => Some(alone),
            _ => None,
        }
    }

    /// Notes that a reader was served from `start` to `end`. What it was served only rises, and leaves out nothing.
    pub(super) fn serve(&mut self, number: u64, start: Position, end: Position) {
        let Some(reader) = self.readers.get_mut(&number) else { return };
        let known = reader.served.map_or(reader.joined_at, |served| served.max(reader.joined_at));
        if start <= known {
            reader.served = reader.served.max(Some(end));
        }
    }

    /// Notes that a node was told to go on at `place`.
    pub(super) fn told(&mut self, number: u64, place: Position) {
        let reader = self.readers.entry(number).or_default();
        reader.served = reader.served.max(Some(place));
    }

    /// Up to where a reader was served.
    pub(super) fn served(&self, number: u64) -> Option<Position> {
        self.readers.get(&number)?.served
    }

    /// Notes that polls from its address are no longer its own.
    pub(super) fn stops_polling(&mut self, number: u64) {
        let Some(address) = self.readers.get_mut(&number).and_then(|reader| reader.from.take()) else {
            return;
        };
        if let Some(numbers) = self.by_address.get_mut(&address) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_address.remove(&address);
                shrink_table(&mut self.by_address);
            }
        }
    }
}
