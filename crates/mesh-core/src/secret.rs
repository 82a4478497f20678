//! Secrets of nodes: ids are public, so an id alone proves nothing.
//!
//! The first call of a membership binds a secret to it, and every later mutation as that node must
//! bring the same one. Only a hash is kept. A membership that began without a secret stays open, as
//! clients that know no secrets expect.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};
use crate::id::Id;

/// A secret as its node sends it: 16 to 128 characters, as [`limits::secret`](crate::limits::secret)
/// checks. It is never shown, not even by `Debug`.
#[derive(Clone, Deserialize)]
pub struct Secret(Box<str>);

/// The part of a secret that is kept: the first 128 bits of its SHA-256.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct SecretHash([u8; 16]);

/// The node in whose name a call acts, with the secret that the call brought.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The node's id.
    pub id: &'a Id,
    /// The hash of the secret that came with the call. A membership that begins with the call is bound
    /// to it.
    pub secret: Option<SecretHash>,
}

impl Secret {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash that is kept of it.
    pub fn hash(&self) -> SecretHash {
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(self.0.as_bytes())[..16]);
        SecretHash(hash)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl SecretHash {
    /// The hash of these bytes, as a store kept it.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be kept in a store and nowhere else.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// In constant time, so that a hash cannot be guessed byte by byte.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl<'a> Caller<'a> {
    /// A node that sent this secret, or none.
    pub fn new(id: &'a Id, secret: Option<&Secret>) -> Self {
        Self { id, secret: secret.map(Secret::hash) }
    }

    /// Checks that the call brought the secret that a membership is `bound` to.
    ///
    /// # Errors
    ///
    /// [`Error::Protected`] if it brought another one or none.
    pub fn check(self, bound: Option<SecretHash>) -> Result<()> {
        if bound.is_none() || bound == self.secret { Ok(()) } else { Err(Error::Protected) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_membership_opens_by_its_secret_alone() {
        let id = Id::from("n");
        let caller = |secret: Option<&str>| Caller::new(&id, secret.map(Secret::from).as_ref());
        let own = caller(Some("a secret of a node"));
        assert!(own.check(own.secret).is_ok());
        for other in [caller(Some("a secret of a nodE")), caller(None)] {
            assert!(matches!(other.check(own.secret), Err(Error::Protected)));
            assert!(other.check(None).is_ok());
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::from("a secret of a node");
        let (id, hash) = (Id::from("n"), secret.hash().0);
        let shown = format!("{secret:?} {:?}", Caller::new(&id, Some(&secret)));
        assert!(!shown.contains("of a node") && !shown.contains(&format!("{hash:?}")), "{shown}");
    }
}
