//! The keys of the table's items.
//!
//! A key attribute has at most one part that a client chose, last and behind a fixed prefix, so no id
//! or domain can spell another item's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mesh_core::error::{Error, Result};
use mesh_core::id::{Domain, GroupKey, Id};
use sha2::{Digest, Sha256};

use super::group_id::{Parts, slot_of};
use crate::table::Key;

/// Begins the sort key of a group, and the partition of its members and recorded calls.
pub(crate) const GROUP: &str = "G#";
/// Begins the sort key of a member.
pub(crate) const MEMBER: &str = "N#";
/// Begins the sort key of a recorded call.
pub(crate) const CALL: &str = "C#";
/// Begins the sort key of a receipt.
const RECEIPT: &str = "R#";
/// Begins the partition of a domain.
const DOMAIN: &str = "D#";

const RECEIPT_BYTES: usize = 16;

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

/// The key of the receipt by which the same call of a node is recognised.
pub(crate) fn receipt(group: &Id, node: &Id, digest: &[u8; 16]) -> Key {
    let hash = Sha256::new().chain_update(digest).chain_update(node.as_str()).finalize();
    Key { partition: self::group(group), sort: format!("{RECEIPT}{}", BASE64.encode(&hash[..RECEIPT_BYTES])) }
}

#[cfg(test)]
mod tests {
    use super::super::group_id::new_group_id;
    use super::*;

    #[test]
    fn an_id_leads_to_its_item() {
        let host = Id::from("host#@値");
        let group = GroupKey { id: new_group_id(&host).unwrap(), domain: Domain::from("d#") };
        assert_eq!(group_item(&group).unwrap(), group_of_host(&group.domain, &host));
    }

    #[test]
    fn numbers_of_calls_sort_as_texts() {
        let numbers = [0, 1, 9, 10, 15, 16, 255, 256, (1 << 48) - 1];
        let texts: Vec<_> = numbers.iter().map(|number| call_sort(*number)).collect();
        assert!(texts.is_sorted());
        assert!(texts.iter().zip(numbers).all(|(text, number)| call_number(text) == Some(number)));
    }
}
