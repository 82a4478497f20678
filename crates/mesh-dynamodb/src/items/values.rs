//! The values in a member's item.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use mesh_core::id::{GroupKey, Id};
use mesh_core::limits::StatusSize;
use mesh_core::model::{NodeStatus, SensorData};
use mesh_core::time::Timestamp;

use crate::table::{Item, Value};

/// The attribute of a member's values. The word is reserved in expressions.
pub(crate) const VALUES: &str = "values";

/// The items of a report that count: of equal keys the last one.
pub(crate) fn latest(data: &[SensorData]) -> Vec<&SensorData> {
    let mut seen = HashSet::new();
    data.iter().rev().filter(|item| seen.insert(&item.key)).collect()
}

/// Bytes of keys and values.
pub(crate) fn bytes_of(items: &[&SensorData]) -> usize {
    items.iter().map(|item| item.key.len() + item.value.len()).sum()
}

/// A value as it is kept.
pub(crate) fn kept(value: &str, at: Timestamp) -> Value {
    HashMap::from([("v".to_owned(), Value::from(value).0), ("t".to_owned(), Value::from(at).0)]).into()
}

/// The size of a member's values after a report.
pub(crate) fn size_with(member: &Item, report: &[&SensorData]) -> StatusSize {
    let reported: HashSet<_> = report.iter().map(|item| &*item.key).collect();
    let rest = values(member).filter(|(key, ..)| !reported.contains(key));
    let (keys, bytes) =
        rest.fold((0, 0), |(keys, bytes), (key, value, _)| (keys + 1, bytes + key.len() + value.len()));
    StatusSize { keys: keys + report.len(), bytes: bytes + bytes_of(report) }
}

/// All values under the newest timestamp. Returns `None` when there are none.
pub(crate) fn merged(member: &Item, node: &Id, group: &Arc<GroupKey>) -> Option<NodeStatus> {
    let timestamp = values(member).map(|(.., at)| at).max()?;
    let data = values(member).map(|(key, value, _)| sensor_data(key, value)).collect();
    Some(NodeStatus { node_id: node.clone(), group: group.clone(), data, timestamp })
}

/// One status for each report that still holds a value.
pub(crate) fn by_report(member: &Item, node: &Id, group: &Arc<GroupKey>) -> impl Iterator<Item = NodeStatus> {
    let mut reports: BTreeMap<Timestamp, Vec<SensorData>> = BTreeMap::new();
    for (key, value, at) in values(member) {
        reports.entry(at).or_default().push(sensor_data(key, value));
    }
    let status =
        |(timestamp, data)| NodeStatus { node_id: node.clone(), group: group.clone(), data, timestamp };
    reports.into_iter().map(status)
}

/// A member's values with their times, in the order of their keys.
fn values(member: &Item) -> impl Iterator<Item = (&str, &str, Timestamp)> {
    let mut values: Vec<_> = member
        .map(VALUES)
        .filter_map(|(key, kept)| {
            let AttributeValue::M(kept) = kept else { return None };
            let at = kept.get("t")?.as_n().ok()?.parse().ok()?;
            Some((key.as_str(), kept.get("v")?.as_s().ok()?.as_str(), Timestamp::from_millis(at)))
        })
        .collect();
    values.sort_unstable_by_key(|(key, ..)| *key);
    values.into_iter()
}

fn sensor_data(key: &str, value: &str) -> SensorData {
    SensorData { key: key.into(), value: value.into() }
}
