/// Every field of a live message, by its path from `MeshMessage`, `__typename` at the end.
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

/// How many of [`PATHS`] are fields of the schema's types.
const SCHEMA_FIELDS: u32 = 28;

/// Which fields of a live message a mutation selected: subscribers get those and no others, the rest
/// as null. A set of paths like `nodeStatus/data/key`, as AppSync's `selectionSetList` writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageFields(u64);

impl MessageFields {
    /// No field at all.
    pub const NONE: Self = Self(0);

    /// Every field of the schema, for messages that no client's selection shaped.
    pub const ALL: Self = Self((1 << SCHEMA_FIELDS) - 1);

    /// Every field of the schema and every type name.
    pub const fn every() -> Self {
        Self((1 << PATHS.len()) - 1)
    }

    /// The set of one path; empty if a message has no such field.
    pub fn of_path(path: &str) -> Self {
        PATHS.iter().position(|known| *known == path).map_or(Self::NONE, |index| Self(1 << index))
    }

    /// Whether every field of `other` is selected.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The paths in this set, parents before their children.
    pub fn paths(self) -> impl Iterator<Item = &'static str> {
        PATHS.iter().enumerate().filter(move |(index, _)| self.0 & (1 << index) != 0).map(|(_, path)| *path)
    }

    /// Whether a subscription's arguments can be compared with the message: they are compared with
    /// its fields, so a mutation that did not select them is delivered to nobody.
    pub fn can_be_delivered(self) -> bool {
        self.contains(Self::of_path("groupId").union(Self::of_path("domain")))
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<'a> FromIterator<&'a str> for MessageFields {
    fn from_iter<T: IntoIterator<Item = &'a str>>(paths: T) -> Self {
        paths.into_iter().map(Self::of_path).fold(Self::NONE, Self::union)
    }
}

impl Default for MessageFields {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_means_every_field_but_the_type_names() {
        let all: Vec<_> = MessageFields::ALL.paths().collect();
        assert_eq!(all.len(), PATHS.len() - 6);
        assert!(all.iter().all(|path| !path.ends_with("__typename")));
        assert_eq!(all.iter().copied().collect::<MessageFields>(), MessageFields::ALL);
        assert_eq!(MessageFields::of_path("nodeStatus/nope"), MessageFields::NONE);
    }

    #[test]
    fn a_message_without_its_group_goes_to_nobody() {
        assert!(MessageFields::ALL.can_be_delivered());
        assert!(!["groupId", "nodeStatus"].into_iter().collect::<MessageFields>().can_be_delivered());
    }
}
