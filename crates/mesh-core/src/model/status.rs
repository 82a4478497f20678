//! Shared variables, and the values of a node.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{GroupKey, Id};
use crate::time::Timestamp;

/// One shared variable and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorData {
    /// The variable's name.
    pub key: Arc<str>,
    /// Its value, as text.
    pub value: Arc<str>,
}

/// Values of a node that were set by one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The node that reported them.
    pub node_id: Id,
    /// The group it reported them in.
    pub group: Arc<GroupKey>,
    /// The values.
    pub data: Vec<SensorData>,
    /// When the store took the report; strictly rising for a node.
    pub timestamp: Timestamp,
}
