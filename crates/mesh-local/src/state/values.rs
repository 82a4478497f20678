//! A node's reported values, shared with readers and copied on write.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use mesh_core::id::{GroupKey, Id};
use mesh_core::limits::StatusSize;
use mesh_core::model::{NodeStatus, SensorData};
use mesh_core::time::Timestamp;

use super::memory::{block, text};

/// The list of values grows by so many.
const GROWTH: usize = 4;
/// In reports of up to so many items, equal keys are found by looking at all of them.
const FEW_ITEMS: usize = 8;

/// A node's merged status. It is held by an [`Arc`]: a reader takes a reference under the state's lock and reads it
/// outside; the next change copies the list, but not its texts, if a reader still holds it.
#[derive(Clone, Default)]
pub(crate) struct Values {
    /// Ordered by their keys.
    held: Vec<Held>,
    bytes: usize,
    /// What all texts cost.
    texts: usize,
    /// When the latest of them was set.
    newest: Option<Timestamp>,
}

#[derive(Clone)]
struct Held {
    key: Arc<str>,
    value: Arc<str>,
    at: Timestamp,
}

impl Values {
    /// All keys with their values and the times of their reports.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, Timestamp)> {
        self.held.iter().map(|held| (&held.key, &held.value, held.at))
    }

    /// What they cost in memory.
    pub(super) fn cost(&self) -> usize {
        self.texts + list(self.held.len())
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Bytes of all keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The size after a report, and what they cost then.
    pub(super) fn size_with(&self, data: &[SensorData]) -> (StatusSize, usize) {
        let mut size = StatusSize { keys: self.held.len(), bytes: self.bytes };
        let mut texts = self.texts;
        for item in last_of_equal_keys(data) {
            if let Ok(place) = self.place_of(&item.key) {
                let before = &self.held[place].value;
                size.bytes = size.bytes - before.len() + item.value.len();
                texts = texts - text(before) + text(&item.value);
            } else {
                size.keys += 1;
                size.bytes += item.key.len() + item.value.len();
                texts += text(&item.key) + text(&item.value);
            }
        }
        (size, texts + list(size.keys))
    }

    /// Sets values as of `at`.
    pub(super) fn merge(&mut self, data: &[SensorData], at: Timestamp) {
        for item in data {
            self.set(item.key.clone(), item.value.clone(), at);
        }
    }

    pub(super) fn set(&mut self, key: Arc<str>, value: Arc<str>, at: Timestamp) {
        self.bytes += value.len();
        self.texts += text(&value);
        self.newest = self.newest.max(Some(at));
        match self.place_of(&key) {
            Ok(place) => {
                let held = &mut self.held[place];
                self.bytes -= held.value.len();
                self.texts -= text(&held.value);
                held.value = value;
                held.at = at;
            }
            Err(place) => {
                self.bytes += key.len();
                self.texts += text(&key);
                if self.held.len() == self.held.capacity() {
                    self.held.reserve_exact(GROWTH);
                }
                self.held.insert(place, Held { key, value, at });
            }
        }
    }

    /// When a key was set.
    pub(super) fn time_of(&self, key: &str) -> Option<Timestamp> {
        self.place_of(key).ok().map(|place| self.held[place].at)
    }

    /// Where a key is, or where it belongs.
    fn place_of(&self, key: &str) -> Result<usize, usize> {
        self.held.binary_search_by(|held| (*held.key).cmp(key))
    }

    /// When values were set that were set after `since`; of all if there is none.
    pub(super) fn times_since(&self, since: Option<Timestamp>) -> impl Iterator<Item = Timestamp> {
        // Most nodes of a group have reported nothing new: they are not looked through.
        let held = if self.has_news(since) { &self.held[..] } else { &[] };
        held.iter().map(|held| held.at).filter(move |at| since.is_none_or(|since| *at > since))
    }

    /// Values that were set after `since`, if there is one, and until `until`.
    pub(super) fn between(&self, since: Option<Timestamp>, until: Timestamp) -> Vec<SensorData> {
        if !self.has_news(since) {
            return Vec::new();
        }
        let is_wanted = |held: &&Held| since.is_none_or(|since| held.at > since) && held.at <= until;
        self.held.iter().filter(is_wanted).map(Held::item).collect()
    }

    fn has_news(&self, since: Option<Timestamp>) -> bool {
        since.is_none_or(|since| self.newest.is_some_and(|newest| newest > since))
    }

    /// All values under the newest timestamp; none if there are none.
    pub(super) fn merged(&self, node: &Id, group: &Arc<GroupKey>) -> Option<NodeStatus> {
        let timestamp = self.held.iter().map(|held| held.at).max()?;
        let data = self.held.iter().map(Held::item).collect();
        Some(NodeStatus { node_id: node.clone(), group: group.clone(), data, timestamp })
    }

    /// One status for each report that still holds a value.
    pub(super) fn by_report(&self, node: &Id, group: &Arc<GroupKey>) -> impl Iterator<Item = NodeStatus> {
        let mut reports: BTreeMap<Timestamp, Vec<SensorData>> = BTreeMap::new();
        for held in &self.held {
            reports.entry(held.at).or_default().push(held.item());
        }
        reports.into_iter().map(|(timestamp, data)| NodeStatus {
            node_id: node.clone(),
            group: group.clone(),
            data,
            timestamp,
        })
    }
}

/// A list of that many values.
fn list(values: usize) -> usize {
    block(values.next_multiple_of(GROWTH) * size_of::<Held>())
}

impl Held {
    fn item(&self) -> SensorData {
        SensorData { key: self.key.clone(), value: self.value.clone() }
    }
}

/// The items of a report that count: of equal keys the last one.
fn last_of_equal_keys(data: &[SensorData]) -> impl Iterator<Item = &SensorData> {
    let mut seen = HashSet::new();
    data.iter().enumerate().rev().filter_map(move |(index, item)| {
        let comes_again = if data.len() <= FEW_ITEMS {
            data[index + 1..].iter().any(|later| later.key == item.key)
        } else {
            !seen.insert(&*item.key)
        };
        (!comes_again).then_some(item)
    })
}

#[cfg(test)]
mod tests {
    use mesh_core::testing::item;

    use super::*;

    fn values(data: &[SensorData]) -> Values {
        let mut values = Values::default();
        values.merge(data, Timestamp::from_millis(0));
        values
    }

    #[test]
    fn the_size_before_a_report_is_the_one_after_it() {
        // Few items and many, with equal keys and without, onto nothing and onto values.
        for count in [1, 2, FEW_ITEMS, FEW_ITEMS + 1, 250] {
            for keys in [1, 7, 250] {
                let report: Vec<_> =
                    (0..count).map(|n| item(&(n * 3 % keys).to_string(), &"v".repeat(n % 5))).collect();
                for before in [vec![], vec![item("3", "1234"), item("x", "")]] {
                    let mut values = values(&before);
                    let (size, cost) = values.size_with(&report);
                    values.merge(&report, Timestamp::from_millis(1));
                    let is = (values.len(), values.bytes(), values.cost());
                    assert_eq!((size.keys, size.bytes, cost), is, "{count}, {keys}");
                    let texts = values.iter().map(|(key, value, _)| key.len() + value.len());
                    assert_eq!(values.bytes(), texts.sum::<usize>());
                }
            }
        }
    }

    #[test]
    fn keys_are_in_order() {
        let values = values(&[item("b", "1"), item("c", "2"), item("a", "3"), item("b", "4")]);
        let texts = values.iter().map(|(key, value, _)| format!("{key}{value}"));
        assert_eq!(texts.collect::<Vec<_>>(), ["a3", "b4", "c2"]);
    }

    #[test]
    fn a_reader_keeps_what_it_saw() {
        let mut values = Arc::new(values(&[item("a", "1")]));
        let seen = values.clone();
        Arc::make_mut(&mut values).merge(&[item("a", "2")], Timestamp::from_millis(1));
        let value =
            |values: &Values| values.iter().map(|(_, value, _)| value.to_string()).collect::<String>();
        assert_eq!((value(&seen), value(&values)), ("1".to_owned(), "2".to_owned()));
    }
}
