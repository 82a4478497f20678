//! Halves of characters in JSON texts.

use std::borrow::Cow;

use memchr::memmem;

/// Replaces escapes of lone surrogates by that of U+FFFD. JavaScript's strings may hold half a
/// character (Scratch's "letter 1 of" an emoji does); no text here can, and it is no error.
pub fn mend(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(json);
    // Most texts have no such escape at all.
    let mut at =
        memmem::find(json, b"\\u").map_or(json.len(), |first| first - backslashes_before(json, first));
    while at < json.len() {
        if json[at] != b'\\' {
            at += 1;
            continue;
        }
        match escaped_unit(&json[at..]) {
            // Another escape: its second character may be a backslash.
            None => at += 2,
            Some(unit) if !(0xd800..0xe000).contains(&unit) => at += 6,
            Some(high) => {
                let low = escaped_unit(json.get(at + 6..).unwrap_or_default());
                if high < 0xdc00 && low.is_some_and(|low| (0xdc00..0xe000).contains(&low)) {
                    at += 12;
                } else {
                    mended.to_mut()[at + 2..at + 6].copy_from_slice(b"fffd");
                    at += 6;
                }
            }
        }
    }
    mended
}

/// Counts the backslashes right before an index.
fn backslashes_before(json: &[u8], place: usize) -> usize {
    json[..place].iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// The code unit of a `\uXXXX` at the beginning.
fn escaped_unit(json: &[u8]) -> Option<u32> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mends_lone_surrogates_alone() {
        for (given, mended) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\uDE00x""#, "\u{fffd}x"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\u0041""#, "A"),
        ] {
            let json = mend(given.as_bytes());
            let text: String = serde_json::from_slice(&json).unwrap();
            assert_eq!(text, mended, "{given}");
        }
    }

    proptest! {
        #[test]
        fn mended_json_is_as_long_and_reads(units in prop::collection::vec(any::<u16>(), 0..20)) {
            let escaped: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{}\"", escaped.concat());
            let mended = mend(json.as_bytes());
            prop_assert_eq!(mended.len(), json.len());
            let text: String = serde_json::from_slice(&mended).unwrap();
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }
    }
}
