//! Ids of groups, and the keys of the table's items.
//!
//! A key attribute has at most one part that a client chose, last and behind a fixed prefix, so no id
//! or domain can spell another item's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use sha2::{Digest, Sha256};

/// What a group's item has before its slot.
pub(crate) const GROUP: &str = "G#";
/// What a member's item has before its node's id.
pub(crate) const MEMBER: &str = "N#";
/// What a recorded call's item has before its number.
pub(crate) const CALL: &str = "E#";
/// What the note of a recorded call has before the call's digest.
const NOTE: &str = "C#";
/// What a domain's partition has before its name.
const DOMAIN: &str = "D#";

const SLOT_BYTES: usize = 16;
const RANDOM_BYTES: usize = 8;

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

/// The partition of a domain's groups.
pub(crate) fn domain(domain: &Domain) -> String {
    format!("{DOMAIN}{}", domain.as_str())
}

/// The domain of that partition.
pub(crate) fn domain_of(partition: &str) -> Option<Domain> {
    partition.strip_prefix(DOMAIN).map(Domain::from)
}

/// The partition of a group's members and recorded calls.
pub(crate) fn group(id: &Id) -> String {
    format!("{GROUP}{id}")
}

/// The key of the group that a host has in a domain. All its groups there share it, one at a time: so
/// a group's item is its host's lock as well.
pub(crate) fn group_of_host(domain: &Domain, host: &Id) -> Key {
    Key { partition: self::domain(domain), sort: format!("{GROUP}{}", slot_of(host)) }
}

/// The key of the item that a group has, or that the host's later group has by now. An id that this
/// store never gave belongs to no group.
pub(crate) fn group_item(group: &GroupKey) -> Result<Key> {
    let slot = Parts::of(&group.id).ok_or_else(|| Error::GroupNotFound(group.clone()))?.slot;
    Ok(Key { partition: domain(&group.domain), sort: format!("{GROUP}{slot}") })
}

/// The key of a member.
pub(crate) fn member(group: &Id, node: &Id) -> Key {
    Key { partition: self::group(group), sort: format!("{MEMBER}{node}") }
}

/// The key of a recorded call.
pub(crate) fn call(group: &Id, number: u64) -> Key {
    Key { partition: self::group(group), sort: call_sort(number) }
}

/// The sort key of a recorded call; numbers of 48 bits sort as their texts do.
pub(crate) fn call_sort(number: u64) -> String {
    format!("{CALL}{number:012x}")
}

/// The number of a recorded call.
pub(crate) fn call_number(sort: &str) -> Option<u64> {
    u64::from_str_radix(sort.strip_prefix(CALL)?, 16).ok()
}

/// The key of the note by which the same call of a node is recognised.
pub(crate) fn note(group: &Id, node: &Id, digest: &[u8; 16]) -> Key {
    let hash = Sha256::new().chain_update(digest).chain_update(node.as_str()).finalize();
    Key { partition: self::group(group), sort: format!("{NOTE}{}", BASE64.encode(&hash[..SLOT_BYTES])) }
}

/// A new group's id: its host's slot and 64 random bits.
pub(crate) fn new_group_id(host: &Id) -> Result<Id> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| Error::Store(error.into()))?;
    Ok(Id::from(format!("{}.{}", slot_of(host), BASE64.encode(random))))
}

/// The place of a host's groups in each domain; says nothing of the host's id.
fn slot_of(host: &Id) -> String {
    BASE64.encode(&Sha256::digest(host.as_str())[..SLOT_BYTES])
}

/// What a group's id is made of.
pub(crate) struct Parts<'a> {
    /// Where its host's groups are kept.
    slot: &'a str,
    /// Which of them it is.
    pub(crate) random: &'a str,
    /// The life of the store that its cursors belong to: each group begins a log of its own.
    pub(crate) epoch: u32,
}

impl<'a> Parts<'a> {
    /// The parts of an id that this store gave.
    pub(crate) fn of(id: &'a Id) -> Option<Self> {
        let (slot, random) = id.as_str().split_once('.')?;
        let is_slot = BASE64.decode(slot).is_ok_and(|bytes| bytes.len() == SLOT_BYTES);
        let bytes: [u8; RANDOM_BYTES] = BASE64.decode(random).ok()?.try_into().ok()?;
        let [a, b, c, d, ..] = bytes;
        is_slot.then_some(Self { slot, random, epoch: u32::from_be_bytes([a, b, c, d]) })
    }
}

/// Whether a text has the form of this store's ids of groups. Such a text is random and says nothing of
/// its host, so it may be logged.
pub fn is_group_id(text: &str) -> bool {
    Parts::of(&Id::from(text)).is_some()
}

/// The epoch of a group's cursors.
pub(crate) fn epoch(group: &Id) -> u32 {
    Parts::of(group).map_or(0, |parts| parts.epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_its_item() {
        let host = Id::from("host#@値");
        let group = GroupKey { id: new_group_id(&host).unwrap(), domain: Domain::from("d#") };
        assert_eq!(group_item(&group).unwrap(), group_of_host(&group.domain, &host));
        assert_ne!(new_group_id(&host).unwrap(), group.id);
        assert!(!group.id.as_str().contains("host"));
    }

    #[test]
    fn no_other_text_is_an_id() {
        let good = new_group_id(&Id::from("host")).unwrap();
        assert!(is_group_id(good.as_str()));
        let (slot, random) = good.as_str().split_once('.').unwrap();
        for text in ["", ".", "unknown", slot, &format!("{slot}."), &format!("{slot}.{random}.")] {
            assert!(!is_group_id(text), "{text}");
        }
        assert!(!is_group_id(&format!("{slot}#.{random}")));
        assert!(!is_group_id(&format!("{slot}.{random}A")));
    }

    #[test]
    fn numbers_of_calls_sort_as_texts() {
        let numbers = [0, 1, 9, 10, 15, 16, 255, 256, (1 << 48) - 1];
        let texts: Vec<_> = numbers.iter().map(|number| call_sort(*number)).collect();
        assert!(texts.is_sorted());
        assert!(texts.iter().zip(numbers).all(|(text, number)| call_number(text) == Some(number)));
    }
}
