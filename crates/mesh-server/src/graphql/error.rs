//! Errors of a GraphQL answer, in AppSync's form: `errorType` stands on the error itself.
//!
//! Source: AppSync developer guide, "Error handling" of resolvers, and its captured answers.

use mesh_appsync::selection::write_text;
use mesh_core::ErrorType;

/// One error of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphqlError {
    /// The key of the root field that it belongs to; none if it belongs to the whole request.
    pub path: Option<String>,
    /// The stable public word.
    pub error_type: ErrorType,
    /// The places in the document, from line 1 and column 1.
    pub locations: Vec<Location>,
    /// The text for the client.
    pub message: String,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A fault of a document or its variables: the word behind "Validation error of type".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The document is not GraphQL.
    InvalidSyntax,
    /// It does not fit the schema.
    InvalidDocument,
    /// A variable or an argument does not fit its type.
    WrongType,
    /// No operation has that name, or none was named though there are several.
    UnknownOperation,
    /// This kind of operation is not served here.
    UnsupportedOperation,
    /// More tokens than allowed.
    TooManyTokens,
    /// Deeper than allowed.
    TooDeep,
    /// More root fields than allowed.
    TooManyFields,
    /// More aliases below root fields than allowed.
    TooManyAliases,
}

/// Words on which living clients end their session, so no refusal of a request may hold them.
const RESERVED: [&str; 3] = ["not found", "expired", "unauthorized"];

impl GraphqlError {
    /// A document or variables that are refused. `detail` says what is wrong and what is allowed.
    pub fn validation(fault: Fault, detail: &str, locations: Vec<Location>) -> Self {
        let lower = detail.to_lowercase();
        let detail = if RESERVED.iter().any(|word| lower.contains(word)) {
            "see the place in the document"
        } else {
            detail
        };
        Self {
            path: None,
            error_type: ErrorType::ValidationError,
            locations,
            message: format!("Validation error of type {fault:?}: {detail}"),
        }
    }

    /// Writes the error as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"path\":");
        match &self.path {
            Some(key) => {
                out.push(b'[');
                write_text(out, key);
                out.push(b']');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"data\":null,\"errorType\":");
        write_text(out, self.error_type.as_str());
        out.extend_from_slice(b",\"errorInfo\":null,\"locations\":[");
        for (index, Location { line, column }) in self.locations.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let place = format!("{comma}{{\"line\":{line},\"column\":{column},\"sourceName\":null}}");
            out.extend_from_slice(place.as_bytes());
        }
        out.extend_from_slice(b"],\"message\":");
        write_text(out, &self.message);
        out.push(b'}');
    }
}

/// Writes a list of errors as JSON.
pub fn write_all(out: &mut Vec<u8>, errors: &[GraphqlError]) {
    out.push(b'[');
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        error.write(out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_appsyncs_form() {
        let mut error =
            GraphqlError::validation(Fault::TooDeep, "no \"more\"", vec![Location { line: 1, column: 2 }]);
        error.path = Some("a".into());
        let mut out = Vec::new();
        write_all(&mut out, &[error]);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"[{"path":["a"],"data":null,"errorType":"ValidationError","errorInfo":null,"locations":[{"line":1,"column":2,"sourceName":null}],"message":"Validation error of type TooDeep: no \"more\""}]"#
        );
    }

    #[test]
    fn never_says_what_ends_a_session() {
        for detail in ["field `expired`", "Unauthorized", "Not Found"] {
            let message =
                GraphqlError::validation(Fault::InvalidDocument, detail, vec![]).message.to_lowercase();
            assert!(RESERVED.iter().all(|word| !message.contains(word)), "{message}");
        }
    }
}
