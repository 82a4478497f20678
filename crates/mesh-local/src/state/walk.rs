//! Reading the whole state in small steps, for a new log.

use mesh_core::id::Id;
use mesh_core::time::Timestamp;

use super::State;
use super::group::GroupState;
use super::values::Values;
use crate::rows::{CallRow, Row, ValueRow};

/// About as many rows are read while the state is locked.
const ROWS_IN_STEP: usize = 1_000;

/// The position up to which the state was read. Whatever changes meanwhile is written behind it.
pub(crate) struct Walk {
    ended: Vec<Id>,
    groups: Vec<Id>,
    /// The group that is being read, and its nodes that are left.
    group: Option<(Id, Vec<Id>)>,
    /// The number of the next answer to a recorded call, since the process began.
    repeat: u64,
}

impl State {
    /// Begins to read everything.
    pub(crate) fn walk(&self) -> Walk {
        Walk {
            ended: self.ended.keys().cloned().collect(),
            groups: self.groups.keys().cloned().collect(),
            group: None,
            repeat: self.repeats_forgotten,
        }
    }

    /// The next rows. `None` at the end.
    pub(crate) fn walk_on(&self, walk: &mut Walk) -> Option<Vec<Row>> {
        let mut rows = Vec::new();
        while rows.len() < ROWS_IN_STEP {
            if let Some((id, nodes)) = &mut walk.group {
                match (self.groups.get(id), nodes.pop()) {
                    (Some(group), Some(node)) => rows.extend(group.member_rows(&node)),
                    _ => walk.group = None,
                }
            } else if let Some(id) = walk.groups.pop() {
                let group = self.groups.get(&id);
                rows.extend(group.into_iter().flat_map(|group| group.own_rows()));
                let nodes = group.map(|group| group.members.keys().cloned().collect());
                walk.group = nodes.map(|nodes| (id, nodes));
            } else if let Some(id) = walk.ended.pop() {
                let ended = self.ended.get(&id);
                rows.extend(ended.map(|ended| Row::EndGroup(ended.number, ended.row.clone())));
            } else if !self.walk_repeat(walk, &mut rows) {
                break;
            }
        }
        (!rows.is_empty()).then_some(rows)
    }

    /// Adds the next answer to a recorded call, if its group is still there. Returns false at the end.
    fn walk_repeat(&self, walk: &mut Walk, rows: &mut Vec<Row>) -> bool {
        walk.repeat = walk.repeat.max(self.repeats_forgotten);
        let index = usize::try_from(walk.repeat - self.repeats_forgotten).unwrap_or(usize::MAX);
        let Some((_, id, node, digest)) = self.repeats.get(index) else { return false };
        walk.repeat += 1;
        if let Some(group) = self.groups.get(id)
            && let Some(row) = group.repeats.get(&(node.clone(), *digest))
        {
            rows.push(Row::Repeat(group.number, node.clone(), *digest, row.clone()));
        }
        true
    }
}

impl GroupState {
    /// The group's row, its host's values, and its recorded calls.
    fn own_rows(&self) -> Vec<Row> {
        let calls = self.log.calls().map(|(call, batch)| Row::Call(self.number, call, CallRow::of(batch)));
        let values = self.value_rows(&self.record.host_id, &self.host_values);
        std::iter::once(self.row()).chain(values).chain(calls).collect()
    }

    fn member_rows(&self, node: &Id) -> Vec<Row> {
        let Some(member) = self.members.get(node) else { return Vec::new() };
        let row = Row::Member(self.number, node.clone(), member.row.clone());
        std::iter::once(row).chain(self.value_rows(node, &member.values)).collect()
    }

    fn value_rows<'a>(&'a self, node: &'a Id, values: &'a Values) -> impl Iterator<Item = Row> + 'a {
        let row = |(key, value, at): (&std::sync::Arc<str>, &std::sync::Arc<str>, Timestamp)| {
            Row::Value(self.number, node.clone(), key.clone(), ValueRow { value: value.clone(), at })
        };
        values.iter().map(row)
    }
}
