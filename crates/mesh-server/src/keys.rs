//! The API keys that serve.

use std::fmt::Display;
use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use subtle::{Choice, ConstantTimeEq};

/// The characters that never need escaping in an address. Source: RFC 3986, section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A key, or another text, as it stands behind the `#` of an address, which browsers send to no server.
pub fn in_fragment(text: &str) -> impl Display {
    utf8_percent_encode(text, ESCAPED)
}

/// A text of random letters and digits that are easy to read out, 5 random bits each.
///
/// # Errors
///
/// If the system has no randomness.
pub fn random_text(length: usize) -> io::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// A new key as AppSync's look, with 130 random bits.
///
/// # Errors
///
/// If the system has no randomness.
pub fn new_api_key() -> io::Result<String> {
    Ok(format!("da2-{}", random_text(26)?))
}

/// All live keys. Several may be, so that they can be rotated.
pub struct ApiKeys(Vec<String>);

impl ApiKeys {
    /// Takes the live keys.
    pub fn new(keys: Vec<String>) -> Self {
        Self(keys)
    }

    /// The first key, to show to the operator.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Returns `true` if `key` is a live one. Takes as long whichever it is, so that it cannot be guessed
    /// byte by byte.
    pub fn admits(&self, key: &[u8]) -> bool {
        let equal = |live: &String| live.as_bytes().ct_eq(key);
        self.0.iter().map(equal).fold(Choice::from(0), |any, one| any | one).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_key_serves_and_no_other() {
        let keys = ApiKeys::new(vec!["da2-one".into(), "da2-two".into()]);
        assert!(keys.admits(b"da2-one") && keys.admits(b"da2-two"));
        for key in [&b""[..], b"da2", b"da2-onE", b"da2-one ", b"da2-three"] {
            assert!(!keys.admits(key));
        }
        assert!(!ApiKeys::new(vec![]).admits(b""));
    }
}
