//! Reading the recorded events of a group.

use std::net::IpAddr;

use mesh_core::clock::Now;
use mesh_core::cursor::Since;
use mesh_core::error::Result;
use mesh_core::id::GroupKey;
use mesh_core::store::EventPage;

use super::State;

impl State {
    pub(crate) fn events_since(
        &mut self,
        now: Now,
        key: &GroupKey,
        since: Since,
        from: Option<IpAddr>,
    ) -> Result<EventPage> {
        let epoch = self.epoch;
        let group = self.group(now, key)?;
        let cursor = match since {
            Since::Cursor(cursor) if cursor.epoch == epoch => Some(cursor),
            _ => None,
        };
        if cursor.is_some_and(|cursor| group.log.ends_before(cursor.position)) {
            return Err(Since::beyond_the_end());
        }
        let place = cursor.map(|cursor| cursor.position);
        let (mut page, start) = group.log.read(now, &self.settings.lifetimes, since, place);
        let group = self.group_mut(now, key)?;
        let Some(reader) = group.readers.of_poll(cursor.and_then(|cursor| cursor.reader), from) else {
            return Ok(page);
        };
        let last = page.events.last();
        let behind = last.and_then(|slice| slice.batch.cursor_behind(slice.range.end - 1, None));
        let end = behind.map_or(group.log.end(), |behind| behind.position);
        group.readers.serve(reader, start, end);
        for slice in &mut page.events {
            slice.reader = Some(reader);
        }
        Ok(page)
    }
}
