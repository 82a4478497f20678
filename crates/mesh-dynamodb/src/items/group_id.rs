//! Ids of groups.
//!
//! An id is its host's slot and 64 random bits. So the id alone leads to the group's item, and no two
//! groups of a host have the same id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mesh_core::error::{Error, Result};
use mesh_core::id::Id;
use sha2::{Digest, Sha256};

const SLOT_BYTES: usize = 16;
const RANDOM_BYTES: usize = 8;

/// The parts of a group's id.
pub(crate) struct Parts<'a> {
    /// Leads to the item of its host's groups.
    pub(crate) slot: &'a str,
    /// Tells the groups of one host apart.
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

/// A new group's id.
pub(crate) fn new_group_id(host: &Id) -> Result<Id> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| Error::Store(error.into()))?;
    Ok(Id::from(format!("{}.{}", slot_of(host), BASE64.encode(random))))
}

/// The slot of a host's groups in each domain; says nothing of the host's id.
pub(crate) fn slot_of(host: &Id) -> String {
    BASE64.encode(&Sha256::digest(host.as_str())[..SLOT_BYTES])
}

/// True for a text in the form of this store's ids of groups. Such a text is random and says nothing of
/// its host, so it may be logged.
///
/// ```
/// assert!(!mesh_dynamodb::is_group_id("Hanako"));
/// assert!(mesh_dynamodb::is_group_id("AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAA"));
/// ```
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
    fn an_id_is_new_and_hides_its_host() {
        let host = Id::from("host");
        let id = new_group_id(&host).unwrap();
        assert_ne!(new_group_id(&host).unwrap(), id);
        assert!(!id.as_str().contains("host"));
    }
}
