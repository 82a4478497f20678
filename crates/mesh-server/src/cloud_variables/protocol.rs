//! The messages of Scratch's cloud variables, apart from sockets and from groups.
//!
//! Source: TurboWarp/cloud-server, doc/protocol.md.

use std::borrow::Cow;

use mesh_appsync::selection::write_text;
use mesh_core::limits::NAME_CHARACTERS;
use mesh_core::model::SensorData;
use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::protocol::frame::coding::CloseCode;

/// The beginning of every cloud variable's name in a project. The group knows the variable without it.
const PREFIX: &str = "\u{2601} ";
/// The most characters of a player's name.
const USER_CHARACTERS: usize = 20;

/// The client broke the protocol. It comes back after a while.
pub const GENERIC_ERROR: CloseCode = CloseCode::Library(4000);
/// The player's name cannot be used. The client does not come back.
pub const USERNAME_ERROR: CloseCode = CloseCode::Library(4002);
/// There is no room for one more. The client does not come back.
pub const OVERLOADED: CloseCode = CloseCode::Library(4003);
/// The project may not be played here any more. The client does not come back.
pub const PROJECT_UNAVAILABLE: CloseCode = CloseCode::Library(4004);

/// A message of a client.
#[derive(Debug, PartialEq)]
pub enum ClientMessage {
    /// Enters the group of a project.
    Handshake {
        /// The project's id, which is the name of its group.
        project: String,
        /// The player's name.
        user: String,
    },
    /// Sets a variable, or creates it. `None` for a value that is neither a number nor a text: it is ignored.
    Set(String, Option<String>),
    /// Gives a variable another name.
    Rename(String, String),
    /// Deletes a variable.
    Delete(String),
}

/// Why a message is refused: the code and the reason that close the connection.
pub type Refusal = (CloseCode, &'static str);

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    project_id: Option<&'a RawValue>,
    user: Option<String>,
    name: Option<String>,
    new_name: Option<String>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// If it is none of the protocol's.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        let message: Message<'_> =
            serde_json::from_slice(json).map_err(|_| (GENERIC_ERROR, "this is no message"))?;
        match &*message.method {
            "handshake" => Self::handshake(message),
            "set" | "create" => Ok(Self::Set(key(message.name)?, message.value.and_then(text_of))),
            "rename" => Ok(Self::Rename(key(message.name)?, key(message.new_name)?)),
            "delete" => Ok(Self::Delete(key(message.name)?)),
            _ => Err((GENERIC_ERROR, "the method is unknown")),
        }
    }

    fn handshake(message: Message<'_>) -> Result<Self, Refusal> {
        let project = message.project_id.and_then(text_of).unwrap_or_default();
        if !(1..=NAME_CHARACTERS).contains(&project.chars().count()) {
            return Err((GENERIC_ERROR, "project_id must have 1 to 256 characters"));
        }
        let user = message.user.unwrap_or_default();
        let fits = (1..=USER_CHARACTERS).contains(&user.chars().count());
        if !fits || user.chars().any(char::is_control) {
            return Err((USERNAME_ERROR, "user must have 1 to 20 characters"));
        }
        Ok(Self::Handshake { project, user })
    }
}

/// A number as it is written, or a text; `None` for anything else.
fn text_of(json: &RawValue) -> Option<String> {
    match json.get().as_bytes().first()? {
        b'"' => serde_json::from_str(json.get()).ok(),
        b'-' | b'0'..=b'9' => Some(json.get().to_owned()),
        _ => None,
    }
}

/// The key that a variable has in its group.
fn key(name: Option<String>) -> Result<String, Refusal> {
    let name = name.unwrap_or_default();
    match name.strip_prefix(PREFIX) {
        Some(key) if (1..=NAME_CHARACTERS).contains(&key.chars().count()) => Ok(key.to_owned()),
        _ => Err((GENERIC_ERROR, "a cloud variable's name begins with a cloud and a space")),
    }
}

/// Messages that set variables, one a line.
pub fn set_messages(data: &[SensorData]) -> Vec<u8> {
    let mut text = Vec::with_capacity(data.len() * 64);
    for item in data {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(br#"{"method":"set","name":"#);
        let name = if item.key.starts_with(PREFIX) {
            Cow::Borrowed(&*item.key)
        } else {
            Cow::Owned(format!("{PREFIX}{}", item.key))
        };
        write_text(&mut text, &name);
        text.extend_from_slice(br#","value":"#);
        write_text(&mut text, &item.value);
        text.push(b'}');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parse(message: &Value) -> Result<ClientMessage, CloseCode> {
        ClientMessage::parse(message.to_string().as_bytes()).map_err(|(code, _)| code)
    }

    #[test]
    fn messages_of_living_clients_are_read() {
        let handshake =
            |project: Value, user: &str| json!({"method": "handshake", "project_id": project, "user": user});
        let expected =
            |project: &str| Ok(ClientMessage::Handshake { project: project.into(), user: "player1".into() });
        assert_eq!(parse(&handshake(json!("p4-Cats"), "player1")), expected("p4-Cats"));
        assert_eq!(parse(&handshake(json!(60_917_032), "player1")), expected("60917032"));
        for (value, expected) in [
            (json!("12"), Some("12")),
            (json!(-1.5), Some("-1.5")),
            (json!("ねこ"), Some("ねこ")),
            (json!(""), Some("")),
            (json!(true), None),
            (json!([1]), None),
            (json!(null), None),
        ] {
            let set =
                json!({"method": "set", "name": "☁ score", "value": value, "user": "u", "project_id": "p"});
            assert_eq!(parse(&set), Ok(ClientMessage::Set("score".into(), expected.map(Into::into))));
        }
        let rename = json!({"method": "rename", "name": "☁ a", "new_name": "☁ b"});
        assert_eq!(parse(&rename), Ok(ClientMessage::Rename("a".into(), "b".into())));
        assert_eq!(parse(&json!({"method": "delete", "name": "☁ a"})), Ok(ClientMessage::Delete("a".into())));
    }

    #[test]
    fn what_is_refused_has_the_code_of_its_kind() {
        for user in ["", "a name of 21 letters.", "a\nb"] {
            let handshake = json!({"method": "handshake", "project_id": "1", "user": user});
            assert_eq!(parse(&handshake), Err(USERNAME_ERROR), "{user:?}");
        }
        for message in [
            json!({"method": "handshake", "user": "u"}),
            json!({"method": "handshake", "project_id": "", "user": "u"}),
            json!({"method": "handshake", "project_id": "x".repeat(257), "user": "u"}),
            json!({"method": "set", "name": "score", "value": 1}),
            json!({"method": "set", "name": "☁ ", "value": 1}),
            json!({"method": "set", "name": format!("☁ {}", "x".repeat(257)), "value": 1}),
            json!({"method": "set", "value": 1}),
            json!({"method": "rename", "name": "☁ a", "new_name": "b"}),
            json!({"method": "jump"}),
            json!({"name": "☁ a"}),
            json!("set"),
        ] {
            assert_eq!(parse(&message), Err(GENERIC_ERROR), "{message}");
        }
    }

    #[test]
    fn values_are_written_one_a_line() {
        let item = |key: &str, value: &str| SensorData { key: key.into(), value: value.into() };
        let text = set_messages(&[item("a\"b", "1\n2"), item("☁ c", "3")]);
        let lines: Vec<Value> =
            text.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                json!({"method": "set", "name": "☁ a\"b", "value": "1\n2"}),
                json!({"method": "set", "name": "☁ c", "value": "3"})
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, method in "handshake|set|create|rename|delete|\\PC*", name: String, value in "\\PC{0,20}") {
            let _ = ClientMessage::parse(&bytes);
            let _ = ClientMessage::parse(json!({"method": method, "name": format!("☁ {name}"), "value": value}).to_string().as_bytes());
            let _ = ClientMessage::parse(format!(r#"{{"method":"set","name":"☁ a","value":{value}}}"#).as_bytes());
        }
    }
}
