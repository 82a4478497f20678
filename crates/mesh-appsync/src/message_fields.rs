//! The fields of a live message by their paths, as AppSync's `selectionSetList` writes them.

use mesh_core::model::MessageFields;

/// Every field of a live message, by its path from `MeshMessage`. A path's index is its number in
/// [`MessageFields`]; `__typename`, which the rules do not know, stands behind the fields of the schema.
const PATHS: [&str; 34] = [
    "groupId",
    "domain",
    "nodeStatus",
    "nodeStatus/nodeId",
    "nodeStatus/groupId",
    "nodeStatus/domain",
    "nodeStatus/data",
    "nodeStatus/data/key",
    "nodeStatus/data/value",
    "nodeStatus/timestamp",
    "batchEvent",
    "batchEvent/events",
    "batchEvent/events/name",
    "batchEvent/events/firedByNodeId",
    "batchEvent/events/groupId",
    "batchEvent/events/domain",
    "batchEvent/events/payload",
    "batchEvent/events/timestamp",
    "batchEvent/events/cursor",
    "batchEvent/events/orderKey",
    "batchEvent/firedByNodeId",
    "batchEvent/groupId",
    "batchEvent/domain",
    "batchEvent/timestamp",
    "groupDissolve",
    "groupDissolve/groupId",
    "groupDissolve/domain",
    "groupDissolve/message",
    "__typename",
    "nodeStatus/__typename",
    "nodeStatus/data/__typename",
    "batchEvent/__typename",
    "batchEvent/events/__typename",
    "groupDissolve/__typename",
];

/// Every field of the schema and every type name.
pub fn every() -> MessageFields {
    PATHS.iter().map(|path| of_path(path)).collect()
}

/// The set of one path; empty if a message has no such field.
pub fn of_path(path: &str) -> MessageFields {
    let number = PATHS.iter().zip(0..).find(|(known, _)| **known == path).map(|(_, number)| number);
    number.map_or(MessageFields::NONE, MessageFields::numbered)
}

/// The paths of a set, parents before their children.
pub fn paths(fields: MessageFields) -> impl Iterator<Item = &'static str> {
    let is_in = move |number| fields.contains(MessageFields::numbered(number));
    PATHS.iter().zip(0..).filter(move |(_, number)| is_in(*number)).map(|(path, _)| *path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_means_every_field_but_the_type_names() {
        let all: Vec<_> = paths(MessageFields::ALL).collect();
        assert_eq!(all.len(), PATHS.len() - 6);
        assert!(all.iter().all(|path| !path.ends_with("__typename")));
        assert_eq!(all.iter().copied().map(of_path).collect::<MessageFields>(), MessageFields::ALL);
        assert_eq!(of_path("nodeStatus/nope"), MessageFields::NONE);
    }

    #[test]
    fn the_fields_that_decide_about_the_delivery_have_cores_numbers() {
        assert_eq!(of_path("groupId"), MessageFields::GROUP_ID);
        assert_eq!(of_path("domain"), MessageFields::DOMAIN);
    }

    #[test]
    fn a_message_without_its_group_goes_to_nobody() {
        let selected: MessageFields = ["groupId", "nodeStatus"].into_iter().map(of_path).collect();
        assert!(!selected.can_be_delivered());
    }
}
