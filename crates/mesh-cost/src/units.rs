//! The units of DynamoDB that a call of each field uses.

/// The units of the table that a call of a field uses, as (read units, write units).
///
/// They are those of a usual call in a group of forty nodes that hold 1 KB each: a group that is new, a
/// node that joins, a report by a member, events fired while nobody polls. A test of `mesh-lambda`
/// measures them.
const UNITS: [(&str, f64, f64); 18] = [
    ("createDomain", 0.0, 0.0),
    ("createGroup", 1.0, 3.0),
    ("listGroupsByDomain", 1.0, 0.0),
    ("searchGroupsByNamePrefix", 1.0, 0.0),
    ("joinGroup", 1.0, 3.0),
    ("renewHeartbeat", 0.0, 1.0),
    ("sendMemberHeartbeat", 1.0, 1.0),
    ("reportDataByNode", 1.0, 1.0),
    ("reportStatus", 1.0, 1.0),
    ("fireEventsByNode", 2.0, 0.0),
    ("recordEventsByNode", 3.0, 5.0),
    ("getEventsSince", 2.0, 0.0),
    ("pollGroupData", 13.0, 0.0),
    ("listGroupStatuses", 11.0, 0.0),
    ("listNodesInGroup", 11.0, 0.0),
    ("getNodeStatus", 2.5, 0.0),
    ("leaveGroup", 1.0, 2.0),
    ("dissolveGroup", 10.0, 83.0),
];

/// The units of a call of a field: reads and writes. None for a field that no function serves.
pub(super) fn units_of(field: &str) -> Option<(f64, f64)> {
    UNITS.iter().find(|(name, ..)| *name == field).map(|(_, reads, writes)| (*reads, *writes))
}
