//! The messages of AppSync's realtime protocol, apart from sockets and from the hub.
//!
//! Source: AppSync developer guide, "Building a real-time WebSocket client".

use std::slice;
use std::time::Duration;

use bytes::Bytes;
use mesh_appsync::selection::write_text;
use serde::Deserialize;

use super::{Framing, Lenient, Refusal, Text, write_refusals};
use crate::graphql::request::mend_surrogates;

/// The sub-protocol that every client offers.
pub const SUB_PROTOCOL: &str = "graphql-ws";
/// A connection without a message for so long is lost; clients are told so.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_mins(5);
/// The keep-alive message.
pub const KEEP_ALIVE: &str = r#"{"type":"ka"}"#;

/// A message of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first one.
    ConnectionInit,
    /// Asks for a subscription.
    Start(Start),
    /// Ends a subscription.
    Stop {
        /// The subscription's id.
        id: String,
    },
    /// JSON, but nothing that this protocol knows.
    Unknown {
        /// Its type, if it has one.
        kind: Option<String>,
    },
}

/// A `start` message.
#[derive(Debug, PartialEq, Eq)]
pub struct Start {
    /// The subscription's id; the client's choice.
    pub id: String,
    /// The request as JSON text, if there is one.
    pub request: Option<Bytes>,
    /// The key that came with it, if one did.
    pub api_key: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    payload: Option<Lenient<Payload<'a>>>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
    #[serde(borrow, default)]
    extensions: Option<Lenient<Extensions<'a>>>,
}

#[derive(Deserialize)]
struct Extensions<'a> {
    #[serde(borrow, default)]
    authorization: Option<Lenient<Authorization<'a>>>,
}

#[derive(Deserialize)]
struct Authorization<'a> {
    #[serde(borrow, default, rename = "x-api-key")]
    api_key: Option<Text<'a>>,
}

impl ClientMessage {
    /// Reads a frame; none if it is not JSON.
    pub fn parse(frame: Bytes) -> Option<Self> {
        let frame = mend_surrogates(frame);
        let frame: Lenient<Envelope> = serde_json::from_slice(&frame).ok()?;
        let unknown = Self::Unknown { kind: None };
        let Some(frame) = frame.into_inner() else { return Some(unknown) };
        let Some(kind) = frame.kind.and_then(Text::into_string) else { return Some(unknown) };
        let id = frame.id.and_then(Text::into_string);
        Some(match (&*kind, id) {
            ("connection_init", _) => Self::ConnectionInit,
            ("start", Some(id)) => {
                let payload = frame.payload.and_then(Lenient::into_inner);
                let (data, extensions) =
                    payload.map_or((None, None), |payload| (payload.data, payload.extensions));
                let authorization =
                    extensions.and_then(Lenient::into_inner).and_then(|extensions| extensions.authorization);
                let api_key = authorization
                    .and_then(Lenient::into_inner)
                    .and_then(|authorization| authorization.api_key)
                    .and_then(Text::into_string);
                let request = data.and_then(Text::into_string).map(Bytes::from);
                Self::Start(Start { id, request, api_key })
            }
            ("stop", Some(id)) => Self::Stop { id },
            _ => Self::Unknown { kind: Some(kind) },
        })
    }
}

/// `connection_ack`.
pub fn connection_ack() -> String {
    let timeout = CONNECTION_TIMEOUT.as_millis();
    format!(r#"{{"type":"connection_ack","payload":{{"connectionTimeoutMs":{timeout}}}}}"#)
}

/// `connection_error`, for a wrong key.
pub fn connection_error(refusal: &Refusal) -> Vec<u8> {
    let mut json = br#"{"type":"connection_error","payload":{"errors":"#.to_vec();
    write_refusals(&mut json, slice::from_ref(refusal));
    json.extend_from_slice(b"}}");
    json
}

/// `start_ack`.
pub fn start_ack(id: &str) -> Vec<u8> {
    with_id(id, "start_ack")
}

/// `complete`.
pub fn complete(id: &str) -> Vec<u8> {
    with_id(id, "complete")
}

/// `error`; the id is empty where the error belongs to no subscription.
pub fn error(id: &str, refusals: &[Refusal]) -> Vec<u8> {
    let mut json = br#"{"type":"error","id":"#.to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(br#","payload":{"errors":"#);
    write_refusals(&mut json, refusals);
    json.extend_from_slice(b"}}");
    json
}

/// What is written around the messages of a subscription, given the key of its answer.
pub fn framing(id: &str, key: &str) -> Framing {
    Framing {
        id: id.into(),
        head: data_head(id, key).into(),
        too_large: |id| error(id, &[Refusal::TOO_LARGE]),
    }
}

fn data_head(id: &str, key: &str) -> Vec<u8> {
    let mut json = br#"{"id":"#.to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(br#","type":"data","payload":{"data":{"#);
    write_text(&mut json, key);
    json.push(b':');
    json
}

fn with_id(id: &str, kind: &str) -> Vec<u8> {
    let mut json = br#"{"id":"#.to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(format!(r#","type":"{kind}"}}"#).as_bytes());
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(frame: &str) -> Option<ClientMessage> {
        ClientMessage::parse(Bytes::copy_from_slice(frame.as_bytes()))
    }

    #[test]
    fn reads_what_clients_send() {
        assert_eq!(parse(r#"{"type":"connection_init"}"#), Some(ClientMessage::ConnectionInit));
        assert_eq!(parse(r#"{"type":"stop","id":"1"}"#), Some(ClientMessage::Stop { id: "1".into() }));
        let start = r#"{"id":"1","type":"start","payload":{"data":"{\"query\":\"\\ud83d\"}",
            "extensions":{"authorization":{"host":"h","x-api-key":"k","x-amz-date":"d"}}}}"#;
        let request = Some(Bytes::from_static(br#"{"query":"\ud83d"}"#));
        let expected = Start { id: "1".into(), request, api_key: Some("k".into()) };
        assert_eq!(parse(start), Some(ClientMessage::Start(expected)));
        for payload in
            ["", r#","payload":null"#, r#","payload":[]"#, r#","payload":{"data":1,"extensions":2}"#]
        {
            let bare = Start { id: "1".into(), request: None, api_key: None };
            let message = parse(&format!(r#"{{"id":"1","type":"start"{payload}}}"#));
            assert_eq!(message, Some(ClientMessage::Start(bare)), "{payload}");
        }
    }

    #[test]
    fn tells_unknown_messages_from_garbage() {
        for frame in ["", "{", "hello", "{\"type\":\"stop\",}"] {
            assert_eq!(parse(frame), None);
        }
        for (frame, kind) in [
            ("{}", None),
            ("[]", None),
            ("1", None),
            (r#"{"type":1}"#, None),
            (r#"{"type":"ping"}"#, Some("ping")),
            (r#"{"type":"start"}"#, Some("start")),
            (r#"{"type":"start","id":1}"#, Some("start")),
        ] {
            assert_eq!(parse(frame), Some(ClientMessage::Unknown { kind: kind.map(Into::into) }), "{frame}");
        }
    }

    #[test]
    fn writes_what_clients_read() {
        assert_eq!(
            String::from_utf8(error("", &[Refusal::unsupported(None)])).unwrap(),
            r#"{"type":"error","id":"","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]}}"#
        );
        assert_eq!(
            String::from_utf8(connection_error(&Refusal::UNAUTHORIZED)).unwrap(),
            r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","errorCode":401,"message":"You are not authorized to make this call."}]}}"#
        );
        assert_eq!(connection_ack(), r#"{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}"#);
        assert_eq!(String::from_utf8(start_ack("\"")).unwrap(), r#"{"id":"\"","type":"start_ack"}"#);
    }

    proptest! {
        #[test]
        fn no_frame_panics(frame in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ClientMessage::parse(frame.into());
        }
    }
}
