//! The body of a request: `{"query", "variables", "operationName"}`, over HTTP and inside `start`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use apollo_compiler::response::JsonMap;
use apollo_compiler::response::serde_json_bytes::ByteString;
use bytes::Bytes;
use mesh_appsync::surrogates;
use mesh_core::ErrorType;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::document::Document;

/// A GraphQL request; borrows from its body.
pub struct Request<'a> {
    /// The document.
    pub query: Cow<'a, str>,
    /// Values for its variables.
    pub variables: Variables<'a>,
    /// Which of its operations to execute, if it has several.
    pub operation_name: Option<Cow<'a, str>>,
    /// The document, where it was parsed before the rest is read.
    pub(super) document: Option<Arc<Document>>,
}

/// Values of variables, as JSON that is read where it is needed.
#[derive(Debug, Default)]
pub struct Variables<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

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

impl RequestError {
    /// The stable word of the answer.
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Self::Malformed => ErrorType::MalformedHttpRequestException,
            Self::Bad(_) => ErrorType::BadRequestException,
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow, rename = "operationName")]
    operation_name: Option<&'a RawValue>,
}

/// A text that is not copied unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Request<'a> {
    /// Reads a body whose surrogates are mended.
    ///
    /// # Errors
    ///
    /// The body is not JSON, or JSON of another shape.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let body = std::str::from_utf8(body).map_err(|_| RequestError::Malformed)?;
        if !body.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<IgnoredAny>(body).map_err(|_| RequestError::Malformed)?;
            return Err(RequestError::Bad("The body must be one JSON object, not a list of requests"));
        }
        let body: Body = serde_json::from_str(body).map_err(|_| RequestError::Malformed)?;
        let query = body.query.and_then(text);
        let query = query.ok_or(RequestError::Bad("The body must have a text as its query"))?;
        let variables =
            body.variables.map_or(Ok(Variables::default()), |json| serde_json::from_str(json.get()));
        let variables = variables.map_err(|_| RequestError::Bad(NO_OBJECT))?;
        let operation_name = body.operation_name.map(text);
        if operation_name == Some(None) {
            return Err(RequestError::Bad("The operationName must be a text"));
        }
        Ok(Self { query, variables, operation_name: operation_name.flatten(), document: None })
    }

    /// A request of its parts; the variables are JSON text whose surrogates are mended.
    ///
    /// # Errors
    ///
    /// The variables are no JSON object.
    pub fn of_parts(
        query: &'a str,
        variables: Option<&'a str>,
        operation_name: Option<&'a str>,
    ) -> Result<Self, RequestError> {
        let variables = variables.map_or(Ok(Variables::default()), serde_json::from_str);
        let variables = variables.map_err(|_| RequestError::Bad(NO_OBJECT))?;
        let operation_name = operation_name.map(Cow::Borrowed);
        Ok(Self { query: Cow::Borrowed(query), variables, operation_name, document: None })
    }
}

const NO_OBJECT: &str = "The variables must be a JSON object";

fn text(json: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text>(json.get()).ok().map(|text| text.0)
}

impl<'de: 'a, 'a> Deserialize<'de> for Variables<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Variables<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Variables<'de>, M::Error> {
                let mut variables = HashMap::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    // Of equal names the last one counts.
                    variables.insert(name, value);
                }
                Ok(Variables(variables))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

impl<'a> Variables<'a> {
    /// The value of a variable, if one was given.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    /// All values, for where the library reads them.
    pub fn to_json(&self) -> JsonMap {
        let value = |json: &RawValue| serde_json::from_str(json.get()).unwrap_or_default();
        self.0.iter().map(|(name, json)| (ByteString::from(&**name), value(json))).collect()
    }
}

/// A text without escapes of lone surrogates, in the same bytes if it has none.
pub fn mend_surrogates(json: Bytes) -> Bytes {
    match surrogates::mend(&json) {
        Cow::Borrowed(_) => json,
        Cow::Owned(mended) => mended.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(body: &str) -> Result<Request<'_>, RequestError> {
        Request::parse(body.as_bytes())
    }

    #[test]
    fn reads_what_clients_send() {
        let request =
            parse(r#"{"query":"{\na}","variables":{"x":1,"x":[2]},"operationName":"A","extensions":{}}"#)
                .unwrap();
        assert_eq!((&*request.query, request.variables.get("x").unwrap().get()), ("{\na}", "[2]"));
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(request.variables.to_json().len(), 1);
        let request = parse(r#" {"query":"{a}","variables":null,"operationName":null} "#).unwrap();
        assert!(request.variables.get("x").is_none() && request.operation_name.is_none());
    }

    #[test]
    fn tells_malformed_from_bad() {
        let deep = format!("{{\"query\":{}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        for body in ["", "{", "query", "{\"query\":\"{a}\"} x", "\u{feff}{}", "[", &"[".repeat(1_000_000)] {
            assert_eq!(parse(body).err(), Some(RequestError::Malformed));
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
            &deep,
        ] {
            assert!(matches!(parse(body), Err(RequestError::Bad(_))), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::parse(&body);
        }
    }
}
