//! Reading the recorded events of a group.

use mesh_core::clock::Now;
use mesh_core::cursor::Since;
use mesh_core::error::Result;
use mesh_core::id::GroupKey;
use mesh_core::store::EventPage;

use super::State;

impl State {
    pub(crate) fn events_since(&mut self, now: Now, key: &GroupKey, since: Since) -> Result<EventPage> {
        let epoch = self.epoch;
        let group = self.group(now, key)?;
        let cursor = match since {
            Since::Cursor(cursor) if cursor.epoch == epoch => Some(cursor),
            _ => None,
        };
        let mut page =
            group.log.read(now, &self.settings.lifetimes, since, cursor.map(|cursor| cursor.position));
        let group = self.group_mut(now, key)?;
        // Only readers that recorded since the process began have an entry here.
        if let Some(cursor) = cursor
            && let Some(reader) = cursor.reader
            && let Some(served) = group.served.get_mut(&reader)
        {
            let last = page.events.last();
            let behind = last.and_then(|slice| slice.batch.cursor_behind(slice.range.end - 1, None));
            *served = behind.map_or(cursor.position, |behind| behind.position);
            for slice in &mut page.events {
                slice.reader = Some(reader);
            }
        }
        Ok(page)
    }
}
