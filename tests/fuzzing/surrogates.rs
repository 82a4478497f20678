//! The escapes of a JSON text.

use std::borrow::Cow;

use mesh_appsync::surrogates::mend;
use serde_json::from_slice;

/// Mending keeps the length, does nothing twice, and makes a JSON text readable: as JavaScript's string, each
/// half of a character replaced.
pub fn check(bytes: &[u8]) {
    let json = [b"\"", bytes, b"\""].concat();
    let mended = mend(&json);
    assert_eq!(mended.len(), json.len());
    assert!(matches!(mend(&mended), Cow::Borrowed(_)), "mended once and for all");
    if let Some(units) = units(bytes) {
        let text: String = from_slice(&mended).expect("a mended text is JSON");
        assert_eq!(text, String::from_utf16_lossy(&units));
    } else {
        assert!(from_slice::<String>(&mended).is_err(), "what is no JSON stays none");
    }
}

/// The code units of what stands between the quotes of a JSON text. Source: RFC 8259, section 7.
fn units(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::new();
    let mut chars = std::str::from_utf8(bytes).ok()?.chars();
    while let Some(char) = chars.next() {
        let unit = match char {
            '"' | '\0'..='\x1f' => return None,
            '\\' => match chars.next()? {
                char @ ('"' | '\\' | '/') => char as u16,
                'b' => 8,
                'f' => 12,
                'n' => 10,
                'r' => 13,
                't' => 9,
                'u' => {
                    let digits: Option<Vec<u32>> = (0..4).map(|_| chars.next()?.to_digit(16)).collect();
                    let unit = digits?.into_iter().fold(0, |unit, digit| unit * 16 + digit);
                    u16::try_from(unit).ok()?
                }
                _ => return None,
            },
            char => {
                units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
                continue;
            }
        };
        units.push(unit);
    }
    Some(units)
}
