//! Which fields of a live message a mutation selected.

/// The number of fields that a live message has in all of its objects.
const COUNT: u32 = 28;

/// Which fields of a live message a mutation selected: subscribers get those and no others, the rest
/// as null.
///
/// A set of numbers. The two fields that decide about the delivery have their numbers here; the
/// protocol crate numbers the others, below [`MessageFields::COUNT`] those of the schema and above it
/// what only a protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageFields(u64);

impl MessageFields {
    /// The number of fields that the schema gives a live message.
    pub const COUNT: u32 = COUNT;

    /// No field at all.
    pub const NONE: Self = Self(0);

    /// The message's group id.
    pub const GROUP_ID: Self = Self::numbered(0);

    /// The message's domain.
    pub const DOMAIN: Self = Self::numbered(1);

    /// Every field of the schema, for messages that no client's selection shaped.
    pub const ALL: Self = Self((1 << COUNT) - 1);

    /// The set of the field with this number, at most 63.
    pub const fn numbered(number: u32) -> Self {
        Self(1 << number)
    }

    /// Returns `true` if every field of `other` is selected.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns `true` if a subscription's arguments can be compared with the message: they are compared
    /// with its fields, so a mutation that did not select them is delivered to nobody.
    pub const fn can_be_delivered(self) -> bool {
        self.contains(Self::GROUP_ID.union(Self::DOMAIN))
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Self> for MessageFields {
    fn from_iter<T: IntoIterator<Item = Self>>(sets: T) -> Self {
        sets.into_iter().fold(Self::NONE, Self::union)
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
    fn a_message_without_its_group_goes_to_nobody() {
        assert!(MessageFields::ALL.can_be_delivered());
        assert!(!MessageFields::GROUP_ID.union(MessageFields::numbered(2)).can_be_delivered());
    }
}
