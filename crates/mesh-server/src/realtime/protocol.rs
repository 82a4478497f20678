//! The messages of AppSync's realtime protocol, apart from sockets and from the hub.
//!
//! Source: AppSync developer guide, "Building a real-time WebSocket client".

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use mesh_appsync::selection::write_text;
use mesh_core::ErrorType;
use serde::Deserialize;

use crate::graphql::error::GraphqlError;
use crate::graphql::request::mend_surrogates;

/// The sub-protocol that every client offers.
pub const SUB_PROTOCOL: &str = "graphql-ws";
/// A connection without a message for so long is lost; clients are told so.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_mins(5);
/// The time between two keep-alives; clients expect one every 60 seconds at most.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(55);
/// The longest time until `connection_init`.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest message of a client, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1_024;
/// The largest message of a client that has not shown a right key, in bytes: a `start` with its key fits.
pub const MAX_MESSAGE_BYTES_WITHOUT_KEY: usize = 16 << 10;
/// The most frames of such a client.
pub const MAX_FRAMES_WITHOUT_KEY: u32 = 16;
/// The longest time that such a client may stay. A host's probe waits three seconds.
pub const KEY_TIMEOUT: Duration = Duration::from_mins(1);
/// The most subscriptions of one connection.
pub const MAX_SUBSCRIPTIONS: usize = 100;
/// The longest id of a subscription, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// So many frames that are not JSON close a connection.
pub const MAX_GARBAGE_FRAMES: u32 = 3;

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

/// A text, or anything else, which counts as none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text<'a> {
    #[serde(borrow)]
    Is(Cow<'a, str>),
    Other(serde::de::IgnoredAny),
}

/// An object of a shape, or anything else, which counts as none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Is(T),
    Other(serde::de::IgnoredAny),
}

impl Text<'_> {
    fn into_string(self) -> Option<String> {
        match self {
            Self::Is(text) => Some(text.into_owned()),
            Self::Other(_) => None,
        }
    }
}

impl<T> Lenient<T> {
    fn into_inner(self) -> Option<T> {
        match self {
            Self::Is(inner) => Some(inner),
            Self::Other(_) => None,
        }
    }
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

/// A refusal of a client.
pub struct Refusal {
    /// The stable public word.
    pub error_type: ErrorType,
    /// The code that AppSync adds to refused connections.
    pub error_code: Option<u16>,
    /// The text for the client.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A missing or wrong key.
    pub const UNAUTHORIZED: Self = Self {
        error_type: ErrorType::UnauthorizedException,
        error_code: Some(401),
        message: Cow::Borrowed("You are not authorized to make this call."),
    };

    /// An id that is in use.
    pub const DUPLICATE: Self = Self {
        error_type: ErrorType::DuplicatedOperationError,
        error_code: None,
        message: Cow::Borrowed("This id is in use by another subscription of this connection"),
    };

    /// More subscriptions than allowed.
    pub const TOO_MANY: Self = Self {
        error_type: ErrorType::MaxSubscriptionsReachedError,
        error_code: None,
        message: Cow::Borrowed("A connection may have at most 100 subscriptions"),
    };

    /// More different selections of one group's messages than allowed.
    pub const TOO_MANY_SELECTIONS: Self = Self {
        error_type: ErrorType::LimitExceededError,
        error_code: None,
        message: Cow::Borrowed(
            "A group's subscriptions may have at most 32 different selections, 8 of one connection: select the same fields in all",
        ),
    };

    /// A message that a subscription's selection makes too large.
    pub const TOO_LARGE: Self = Self {
        error_type: ErrorType::ValidationError,
        error_code: None,
        message: Cow::Borrowed(
            "A message came that your selection makes larger than 245760 bytes: select fewer fields or aliases",
        ),
    };

    /// Malformed input.
    pub fn validation(message: impl Into<Cow<'static, str>>) -> Self {
        Self { error_type: ErrorType::ValidationError, error_code: None, message: message.into() }
    }

    /// A message that this protocol does not know.
    pub fn unsupported(kind: Option<&str>) -> Self {
        // Types are short words; what is longer is not repeated.
        let kind = kind.filter(|kind| kind.len() <= 32).unwrap_or("unknown");
        let message = format!("{kind} not supported through the realtime channel");
        Self { error_type: ErrorType::UnsupportedOperation, error_code: None, message: message.into() }
    }
}

impl From<&GraphqlError> for Refusal {
    fn from(error: &GraphqlError) -> Self {
        Self { error_type: error.error_type, error_code: None, message: error.message.clone().into() }
    }
}

/// `connection_ack`.
pub fn connection_ack() -> String {
    let timeout = CONNECTION_TIMEOUT.as_millis();
    format!(r#"{{"type":"connection_ack","payload":{{"connectionTimeoutMs":{timeout}}}}}"#)
}

/// `connection_error`, for a wrong key.
pub fn connection_error(refusal: &Refusal) -> Vec<u8> {
    let mut json = br#"{"type":"connection_error","payload":{"errors":["#.to_vec();
    write_refusal(&mut json, refusal);
    json.extend_from_slice(b"]}}");
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
    json.extend_from_slice(br#","payload":{"errors":["#);
    for (index, refusal) in refusals.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_refusal(&mut json, refusal);
    }
    json.extend_from_slice(b"]}}");
    json
}

/// The text before the value in every `data` message of a subscription.
pub fn data_head(id: &str, key: &str) -> Vec<u8> {
    let mut json = br#"{"id":"#.to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(br#","type":"data","payload":{"data":{"#);
    write_text(&mut json, key);
    json.push(b':');
    json
}

/// The text behind the value in every `data` message.
pub const DATA_TAIL: &[u8] = b"}}}";

fn with_id(id: &str, kind: &str) -> Vec<u8> {
    let mut json = br#"{"id":"#.to_vec();
    write_text(&mut json, id);
    json.extend_from_slice(format!(r#","type":"{kind}"}}"#).as_bytes());
    json
}

fn write_refusal(json: &mut Vec<u8>, refusal: &Refusal) {
    json.extend_from_slice(b"{\"errorType\":");
    write_text(json, refusal.error_type.as_str());
    if let Some(code) = refusal.error_code {
        json.extend_from_slice(format!(",\"errorCode\":{code}").as_bytes());
    }
    json.extend_from_slice(b",\"message\":");
    write_text(json, &refusal.message);
    json.push(b'}');
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
