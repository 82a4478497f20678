//! Secrets in the items of hosts and members.
//!
//! An item without a secret is open to everybody. A secret is bound by the write that begins the
//! membership, and stays as long as that lasts.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use mesh_core::error::{Error, Result};
use mesh_core::secret::{Caller, SecretHash};

use crate::table::{Change, Item, Value};

const SECRET: &str = "secretHash";

impl From<SecretHash> for Value {
    fn from(hash: SecretHash) -> Self {
        Self(AttributeValue::B(Blob::new(hash.as_bytes())))
    }
}

impl Item {
    /// Binds a new membership to the secret that its node sent, if it sent one.
    #[must_use]
    pub(crate) fn bound_to(self, secret: Option<SecretHash>) -> Self {
        match secret {
            Some(hash) => self.with(SECRET, hash),
            None => self,
        }
    }

    /// The secret that the membership is bound to. Returns `None` when it is open.
    pub(crate) fn secret(&self) -> Result<Option<SecretHash>> {
        let Some(value) = self.0.get(SECRET) else { return Ok(None) };
        let bytes = value.as_b().ok().and_then(|bytes| bytes.as_ref().try_into().ok());
        let bytes = bytes.ok_or_else(|| Error::Store("a secret has another form".into()))?;
        Ok(Some(SecretHash::from_bytes(bytes)))
    }

    /// Refuses who does not show the secret that the membership is bound to.
    pub(crate) fn check_secret(&self, caller: Caller<'_>) -> Result<()> {
        caller.check(self.secret()?)
    }
}

impl Change {
    /// Only if the membership is open, or bound to the caller's secret.
    pub(crate) fn only_if_proven(self, caller: Caller<'_>) -> Self {
        match caller.secret {
            None => self.only_if("attribute_not_exists(secretHash)"),
            Some(hash) => self
                .only_if("(attribute_not_exists(secretHash) OR secretHash = :secret)")
                .value(":secret", hash),
        }
    }
}
