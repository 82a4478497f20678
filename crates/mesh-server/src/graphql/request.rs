//! The body of a request: `{"query", "variables", "operationName"}`, over HTTP and inside `start`.

use std::borrow::Cow;

use apollo_compiler::response::JsonMap;
use apollo_compiler::response::serde_json_bytes::value::BytesSeed;
use apollo_compiler::response::serde_json_bytes::{ByteString, Value};
use bytes::Bytes;
use serde::de::DeserializeSeed;

/// A GraphQL request.
#[derive(Debug)]
pub struct Request {
    /// The document.
    pub query: ByteString,
    /// Values for its variables.
    pub variables: JsonMap,
    /// Which of its operations to execute, if it has several.
    pub operation_name: Option<ByteString>,
}

/// Why a body is no GraphQL request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not JSON.
    #[error("The body must be a JSON object with a query")]
    Malformed,
    /// It is JSON of another shape; says which.
    #[error("{0}")]
    Bad(&'static str),
}

impl Request {
    /// Reads a body. Texts are not copied.
    pub fn parse(body: Bytes) -> Result<Self, RequestError> {
        let body = match mend_surrogates(&body) {
            Cow::Borrowed(_) => body,
            Cow::Owned(mended) => mended.into(),
        };
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = BytesSeed::new(&body).deserialize(&mut json);
        let value =
            value.and_then(|value| json.end().map(|()| value)).map_err(|_| RequestError::Malformed)?;
        let Value::Object(mut object) = value else {
            return Err(RequestError::Bad("The body must be one JSON object, not a list of requests"));
        };
        let Some(Value::String(query)) = object.remove("query") else {
            return Err(RequestError::Bad("The body must have a text as its query"));
        };
        let variables = match object.remove("variables") {
            None | Some(Value::Null) => JsonMap::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(RequestError::Bad("The variables must be a JSON object")),
        };
        let operation_name = match object.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(RequestError::Bad("The operationName must be a text")),
        };
        Ok(Self { query, variables, operation_name })
    }
}

/// Replaces escapes of lone surrogates by that of U+FFFD. JavaScript's strings may hold half a
/// character (Scratch's "letter 1 of" an emoji does); no text here can, and it is no error.
pub fn mend_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let may_be = |window: &[u8]| matches!(window, [b'\\', b'u', b'd' | b'D']);
    if !json.windows(3).any(may_be) {
        return Cow::Borrowed(json);
    }
    let mut mended = json.to_vec();
    let mut at = 0;
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
                    mended[at + 2..at + 6].copy_from_slice(b"fffd");
                    at += 6;
                }
            }
        }
    }
    Cow::Owned(mended)
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

    fn parse(body: &str) -> Result<Request, RequestError> {
        Request::parse(Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn reads_what_clients_send() {
        let request =
            parse(r#"{"query":"{a}","variables":{"x":1},"operationName":"A","extensions":{}}"#).unwrap();
        assert_eq!((request.query.as_str(), request.variables.len()), ("{a}", 1));
        assert_eq!(request.operation_name.unwrap().as_str(), "A");
        let request = parse(r#" {"query":"{a}","variables":null,"operationName":null} "#).unwrap();
        assert!(request.variables.is_empty() && request.operation_name.is_none());
    }

    #[test]
    fn tells_malformed_from_bad() {
        let deep = format!("{{\"query\":{}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        for body in ["", "{", "query", "{\"query\":\"{a}\"} x", "\u{feff}{}", &deep] {
            assert_eq!(parse(body).unwrap_err(), RequestError::Malformed);
        }
        for body in [
            "[]",
            "null",
            "1",
            "{}",
            r#"[{"query":"{a}"}]"#,
            r#"{"query":1}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","operationName":1}"#,
        ] {
            assert!(matches!(parse(body).unwrap_err(), RequestError::Bad(_)), "{body}");
        }
    }

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
            let json = mend_surrogates(given.as_bytes());
            let text: String = serde_json::from_slice(&json).unwrap();
            assert_eq!(text, mended, "{given}");
        }
    }

    proptest! {
        #[test]
        fn mended_json_is_as_long_and_reads(units in prop::collection::vec(any::<u16>(), 0..20)) {
            let escaped: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{}\"", escaped.concat());
            let mended = mend_surrogates(json.as_bytes());
            prop_assert_eq!(mended.len(), json.len());
            let text: String = serde_json::from_slice(&mended).unwrap();
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }

        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::parse(body.into());
        }
    }
}
