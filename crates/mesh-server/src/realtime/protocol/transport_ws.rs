//! The messages of the GraphQL over WebSocket protocol, which the npm package graphql-ws and most other libraries
//! speak. AppSync does not, so it is of `mesh serve` alone.
//!
//! Source: the protocol's page, PROTOCOL.md of the package graphql-ws.

use std::slice;

use bytes::Bytes;
use mesh_appsync::selection::write_text;
use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{Framing, Refusal, Text, write_refusals};
use crate::graphql::request::mend_surrogates;

/// The sub-protocol that clients offer.
pub const SUB_PROTOCOL: &str = "graphql-transport-ws";

/// A message that the protocol does not know, or not in this form.
pub const BAD_REQUEST: CloseCode = CloseCode::Library(4400);
/// A `subscribe` before the acknowledgement.
pub const UNAUTHORIZED: CloseCode = CloseCode::Library(4401);
/// A `connection_init` without a right key.
pub const FORBIDDEN: CloseCode = CloseCode::Library(4403);
/// No `connection_init` in time.
pub const INIT_TIMEOUT: CloseCode = CloseCode::Library(4408);
/// An id that is in use.
pub const DUPLICATE: CloseCode = CloseCode::Library(4409);
/// A second `connection_init`.
pub const TOO_MANY_INITS: CloseCode = CloseCode::Library(4429);

/// The text behind a request's answer in its `next` message.
pub const ANSWER_TAIL: u8 = b'}';

/// `connection_ack`.
pub const CONNECTION_ACK: &[u8] = br#"{"type":"connection_ack"}"#;

/// A message of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first one.
    ConnectionInit {
        /// The key that came with it, if one did.
        api_key: Option<String>,
    },
    /// Asks for a sign of life.
    Ping {
        /// Something to be sent back, as JSON text.
        payload: Option<Bytes>,
    },
    /// A sign of life.
    Pong,
    /// Asks for a subscription, a query or a mutation.
    Subscribe {
        /// The client's choice, not empty.
        id: String,
        /// The request as JSON text.
        request: Bytes,
    },
    /// Ends a subscription.
    Complete {
        /// The subscription's id.
        id: String,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InitPayload<'a> {
    #[serde(borrow, default, rename = "x-api-key")]
    api_key: Option<Text<'a>>,
}

impl ClientMessage {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// The reason to close the connection with [`BAD_REQUEST`].
    pub fn parse(frame: Bytes) -> Result<Self, &'static str> {
        let frame = mend_surrogates(frame);
        let message: Envelope = object(&frame).ok_or("a message must be a JSON object with a type")?;
        let kind = message.kind.into_string().ok_or("a message's type must be a text")?;
        let id = || {
            let id = message.id.and_then(Text::into_string).filter(|id| !id.is_empty());
            id.ok_or("a message's id must be a text, and not empty")
        };
        let payload = message.payload.map(|payload| frame.slice_ref(payload.get().as_bytes()));
        Ok(match &*kind {
            "connection_init" => {
                let payload = message.payload.map(|payload| object::<InitPayload>(payload.get().as_bytes()));
                let payload = payload.map(|payload| payload.ok_or("the payload must be an object"));
                let api_key = payload.transpose()?.and_then(|payload| payload.api_key?.into_string());
                Self::ConnectionInit { api_key }
            }
            "ping" => Self::Ping { payload },
            "pong" => Self::Pong,
            "subscribe" => {
                Self::Subscribe { id: id()?, request: payload.ok_or("subscribe needs a payload")? }
            }
            "complete" => Self::Complete { id: id()? },
            _ => return Err("a message of this type is unknown"),
        })
    }
}

/// Reads an object; a list is none, though it could be read as the object's fields in their order.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// `pong`.
pub fn pong(payload: Option<&Bytes>) -> Vec<u8> {
    let mut json = br#"{"type":"pong""#.to_vec();
    if let Some(payload) = payload {
        json.extend_from_slice(b",\"payload\":");
        json.extend_from_slice(payload);
    }
    json.push(b'}');
    json
}

/// The text before a request's answer in its `next` message.
pub fn answer_head(id: &str) -> Vec<u8> {
    let mut json = with_id(id, "next");
    json.extend_from_slice(b",\"payload\":");
    json
}

/// What is written around the messages of a subscription, given the key of its answer.
pub fn framing(id: &str, key: &str) -> Framing {
    Framing {
        id: id.into(),
        head: data_head(id, key).into(),
        too_large: |id| next_refused(id, &Refusal::TOO_LARGE),
    }
}

fn data_head(id: &str, key: &str) -> Vec<u8> {
    let mut json = answer_head(id);
    json.extend_from_slice(b"{\"data\":{");
    write_text(&mut json, key);
    json.push(b':');
    json
}

/// `next` with a refusal instead of a value, after which the subscription goes on.
fn next_refused(id: &str, refusal: &Refusal) -> Vec<u8> {
    let mut json = answer_head(id);
    json.extend_from_slice(b"{\"data\":null,\"errors\":");
    write_refusals(&mut json, slice::from_ref(refusal));
    json.extend_from_slice(b"}}");
    json
}

/// `error`, which ends a subscription, or a request that did not run.
pub fn error(id: &str, refusals: &[Refusal]) -> Vec<u8> {
    let mut json = with_id(id, "error");
    json.extend_from_slice(b",\"payload\":");
    write_refusals(&mut json, refusals);
    json.push(b'}');
    json
}

/// `complete`.
pub fn complete(id: &str) -> Vec<u8> {
    let mut json = with_id(id, "complete");
    json.push(b'}');
    json
}

/// A message's beginning, without its end.
fn with_id(id: &str, kind: &str) -> Vec<u8> {
    let mut json = b"{\"id\":".to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(format!(",\"type\":\"{kind}\"").as_bytes());
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(frame: &str) -> Result<ClientMessage, &'static str> {
        ClientMessage::parse(Bytes::copy_from_slice(frame.as_bytes()))
    }

    #[test]
    fn reads_what_clients_send() {
        let init =
            |api_key: Option<&str>| Ok(ClientMessage::ConnectionInit { api_key: api_key.map(Into::into) });
        assert_eq!(parse(r#"{"type":"connection_init"}"#), init(None));
        assert_eq!(parse(r#"{"type":"connection_init","payload":null}"#), init(None));
        assert_eq!(
            parse(r#"{"type":"connection_init","payload":{"x-api-key":"k","more":[1]}}"#),
            init(Some("k"))
        );
        assert_eq!(parse(r#"{"type":"connection_init","payload":{"x-api-key":1}}"#), init(None));
        let payload = Some(Bytes::from_static(br#"{"a": "\ud83d\ude00"}"#));
        assert_eq!(
            parse(r#"{"type":"ping","payload":{"a": "\ud83d\ude00"}}"#),
            Ok(ClientMessage::Ping { payload })
        );
        assert_eq!(parse(r#"{"type":"pong","payload":{}}"#), Ok(ClientMessage::Pong));
        assert_eq!(parse(r#"{"id":"1","type":"complete"}"#), Ok(ClientMessage::Complete { id: "1".into() }));
        let request = Bytes::from_static(br#"{"query":"{\na}"}"#);
        assert_eq!(
            parse(r#"{"id":"1","type":"subscribe","payload":{"query":"{\na}"}}"#),
            Ok(ClientMessage::Subscribe { id: "1".into(), request })
        );
    }

    #[test]
    fn everything_else_is_a_bad_request() {
        for frame in [
            "",
            "{",
            "hello",
            "[]",
            r#"["connection_init"]"#,
            "1",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"complete"}"#,
        ] {
            parse(frame).unwrap_err();
        }
    }

    #[test]
    fn writes_what_clients_read() {
        let text = |json: Vec<u8>| String::from_utf8(json).unwrap();
        assert_eq!(text(pong(None)), r#"{"type":"pong"}"#);
        assert_eq!(text(pong(Some(&Bytes::from_static(b"{}")))), r#"{"type":"pong","payload":{}}"#);
        assert_eq!(text(data_head("\"", "k")), r#"{"id":"\"","type":"next","payload":{"data":{"k":"#);
        assert_eq!(text(complete("1")), r#"{"id":"1","type":"complete"}"#);
        assert_eq!(
            text(error("1", &[Refusal::validation("a")])),
            r#"{"id":"1","type":"error","payload":[{"errorType":"ValidationError","message":"a"}]}"#
        );
        assert_eq!(
            text(next_refused("1", &Refusal::validation("a"))),
            r#"{"id":"1","type":"next","payload":{"data":null,"errors":[{"errorType":"ValidationError","message":"a"}]}}"#
        );
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ClientMessage::parse(frame.into());
        }
    }
}
