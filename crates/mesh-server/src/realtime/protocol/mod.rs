//! The protocols of WebSockets, apart from sockets and from the hub: their messages, each as one closed list, and
//! the limits that they share.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`appsync`] | AppSync's: sub-protocol `graphql-ws` |
//! | [`transport_ws`] | the one of the npm package graphql-ws: sub-protocol `graphql-transport-ws` |

pub mod appsync;
pub mod transport_ws;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use mesh_appsync::selection::write_text;
use mesh_core::ErrorType;
use serde::Deserialize;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::graphql::error::GraphqlError;
use crate::limits::buffers::NO_ROOM;
use crate::limits::rates::TooMuch;

/// The time between two signs of life of the server; clients expect one every 60 seconds at most.
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

/// What a subscription's protocol writes around its messages.
pub struct Framing {
    /// The client's own name of the subscription.
    pub id: Box<str>,
    /// The text before the value in every message.
    pub head: Arc<[u8]>,
    /// The whole text for this id when a message is too large for the selection.
    pub too_large: fn(&str) -> Vec<u8>,
}

/// The text behind the value in every message of a subscription, the same in all protocols: so those with the
/// same selection share it.
pub const DATA_TAIL: &[u8] = b"}}}";

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AppSync's realtime protocol.
    AppSync,
    /// The GraphQL over WebSocket protocol.
    TransportWs,
}

impl Protocol {
    /// The protocol for the sub-protocols that a client offers, and the one that it is told; AppSync's if it
    /// offers none that is known.
    pub fn choose(offered: &[String]) -> (Self, Option<&'static str>) {
        let offers = |name: &str| offered.iter().any(|offered| offered == name);
        if offers(transport_ws::SUB_PROTOCOL) {
            (Self::TransportWs, Some(transport_ws::SUB_PROTOCOL))
        } else {
            (Self::AppSync, offers(appsync::SUB_PROTOCOL).then_some(appsync::SUB_PROTOCOL))
        }
    }

    /// The code that closes a connection whose `connection_init` did not come in time.
    pub fn init_timeout_code(self) -> CloseCode {
        match self {
            Self::AppSync => CloseCode::Policy,
            Self::TransportWs => transport_ws::INIT_TIMEOUT,
        }
    }
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

    /// An id that is too long.
    pub const LONG_ID: Self = Self {
        error_type: ErrorType::ValidationError,
        error_code: None,
        message: Cow::Borrowed("The id of a subscription may have at most 256 bytes"),
    };

    /// No room for an answer now.
    pub const NO_ROOM: Self =
        Self { error_type: ErrorType::LimitExceededError, error_code: None, message: Cow::Borrowed(NO_ROOM) };

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

impl From<TooMuch> for Refusal {
    fn from(too_much: TooMuch) -> Self {
        let message = too_much.to_string().into();
        Self { error_type: ErrorType::LimitExceededError, error_code: None, message }
    }
}

impl From<&GraphqlError> for Refusal {
    fn from(error: &GraphqlError) -> Self {
        Self { error_type: error.error_type, error_code: None, message: error.message.clone().into() }
    }
}

fn write_refusals(json: &mut Vec<u8>, refusals: &[Refusal]) {
    json.push(b'[');
    for (index, refusal) in refusals.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        write_refusal(json, refusal);
    }
    json.push(b']');
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
