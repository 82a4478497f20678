//! The event that AppSync's resolver hands to a function, and the answer that it gets back.
//!
//! The function returns expected errors instead of failing with them: what a failed function throws
//! reaches clients under an `errorType` of AppSync's own.

use mesh_core::limits::ANSWER_BYTES;
use mesh_core::model::MessageFields;
use mesh_core::network::{Network, client_address};
use mesh_core::{Error, ErrorType};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::{Call, CallError};
use crate::message_fields;
use crate::reply::Reply;
use crate::selection::{Bounded, Sink, write_all, write_text};
use crate::surrogates;

/// An event of resolvers/invoke.js. AppSync's own context has more; nothing of it is read.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// The field that is asked for.
    pub field: String,
    arguments: Box<RawValue>,
    request: Option<Request>,
    info: Option<Info>,
}

#[derive(Debug, Deserialize)]
struct Request {
    headers: Option<Headers>,
}

#[derive(Debug, Deserialize)]
struct Headers {
    #[serde(rename = "x-forwarded-for")]
    forwarded_for: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    selection_set_list: Option<Vec<String>>,
}

impl Event {
    /// Reads an event's JSON.
    ///
    /// # Errors
    ///
    /// The text is no event of the resolver.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(&surrogates::mend(json))
    }

    /// The call that is asked for. The caller's network is the address that the outermost of
    /// `trusted_hops` proxies has seen: callers can write every address before it.
    ///
    /// # Errors
    ///
    /// [`CallError`] if no operation serves the field, or the arguments do not fit it.
    pub fn call(&self, trusted_hops: usize) -> Result<Call, CallError<serde_json::Error>> {
        let arguments = &mut serde_json::Deserializer::from_str(self.arguments.get());
        Call::read(&self.field, arguments, self.message_fields(), self.network(trusted_hops), None)
    }

    /// The fields of the live message that the mutation selected. AppSync lists an aliased field by its alias
    /// alone, so a list with strange names may mean any field.
    fn message_fields(&self) -> MessageFields {
        let list = self.info.as_ref().and_then(|info| info.selection_set_list.as_deref());
        let of_known = |path: &String| {
            let field = message_fields::of_path(path);
            (field != MessageFields::NONE).then_some(field)
        };
        list.and_then(|list| list.iter().map(of_known).collect()).unwrap_or(MessageFields::ALL)
    }

    fn network(&self, trusted_hops: usize) -> Option<Network> {
        let headers = self.request.as_ref()?.headers.as_ref()?;
        client_address(headers.forwarded_for.as_deref(), trusted_hops).map(Network::of_global)
    }
}

/// The answer of a call that was done: `{"data"}`, with every field of its objects.
///
/// # Errors
///
/// [`Error::Invalid`] if the data has more than [`ANSWER_BYTES`].
pub fn data(reply: &Reply) -> Result<String, Error> {
    const BEGIN: &[u8] = b"{\"data\":";
    let mut json = BEGIN.to_vec();
    let mut bounded = Bounded::new(&mut json, BEGIN.len() + ANSWER_BYTES);
    write_all(&mut bounded, reply.value());
    if bounded.is_full() {
        let most = format!("an answer may have at most {ANSWER_BYTES} bytes: ask for fewer fields or nodes");
        return Err(Error::invalid(most));
    }
    json.push(b'}');
    Ok(text(json))
}

/// The answer of a call that was refused: `{"error": {"type", "message"}}`.
pub fn error(error_type: ErrorType, message: &str) -> String {
    let mut json = b"{\"error\":{\"type\":".to_vec();
    write_text(&mut json, error_type.as_str());
    json.extend_from_slice(b",\"message\":");
    write_text(&mut json, message);
    json.extend_from_slice(b"}}");
    text(json)
}

/// The answer of a call whose arguments do not fit the schema. AppSync has coerced them, but for
/// date-times beyond the years 0 to 9999. Repeats nothing that the client wrote.
pub fn malformed(field: &str) -> String {
    let message = format!(
        "Validation error of type WrongType: an argument of '{field}' does not fit; date-times are \
         AWSDateTime: YYYY-MM-DDThh:mm:ss.sssZ"
    );
    error(ErrorType::ValidationError, &message)
}

fn text(json: Vec<u8>) -> String {
    // Written from texts and ASCII alone, so the fallback is never taken.
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_core::id::Domain;

    fn event(json: &str) -> Event {
        Event::parse(json.as_bytes()).expect(json)
    }

    fn network(forwarded_for: &str, trusted_hops: usize) -> Option<String> {
        let json = serde_json::json!({
            "field": "createDomain", "arguments": {}, "request": { "headers": { "x-forwarded-for": forwarded_for } }
        });
        let Call::CreateDomain(call) = event(&json.to_string()).call(trusted_hops).unwrap() else {
            panic!("createDomain is asked for")
        };
        call.network.map(|network| network.to_string())
    }

    #[test]
    fn the_network_is_the_one_that_a_trusted_proxy_saw() {
        for (forwarded_for, hops, expected) in [
            ("203.0.113.7, 130.176.0.1", 2, Some("203.0.113.7")),
            ("198.51.100.1, 203.0.113.7, 130.176.0.1", 2, Some("203.0.113.7")),
            ("not an address,203.0.113.7,130.176.0.1", 2, Some("203.0.113.7")),
            ("2001:db8:1:2:3:4:5:6, 130.176.0.1", 2, Some("2001:db8:1:2::")),
            ("203.0.113.7, 130.176.0.1, 10.0.0.1", 3, Some("203.0.113.7")),
            ("203.0.113.7", 1, Some("203.0.113.7")),
            // Fewer hops than there must be: whoever wrote the first one is no proxy of ours.
            ("203.0.113.7", 2, None),
            ("", 2, None),
            ("", 1, None),
            ("unknown, 130.176.0.1", 2, None),
        ] {
            assert_eq!(network(forwarded_for, hops).as_deref(), expected, "{forwarded_for}");
        }
        let json = r#"{"field":"createDomain","arguments":{},"request":null}"#;
        assert!(matches!(event(json).call(2).unwrap(), Call::CreateDomain(call) if call.network.is_none()));
    }

    #[test]
    fn a_selection_says_what_subscribers_get() {
        let fields = |info: &str| {
            let json = format!(
                r#"{{"field":"dissolveGroup","arguments":{{"groupId":1,"domain":"d","hostId":"h"}}{info}}}"#
            );
            let Call::DissolveGroup(call) = event(&json).call(2).unwrap() else { panic!("{json}") };
            call.fields
        };
        let some = fields(
            r#","info":{"selectionSetList":["groupId","domain","groupDissolve","groupDissolve/message","__typename"]}"#,
        );
        assert!(some.can_be_delivered());
        assert!(!some.contains(message_fields::of_path("nodeStatus")));
        for all in ["", r#","info":null"#, r#","info":{}"#, r#","info":{"selectionSetList":null}"#] {
            assert_eq!(fields(all), MessageFields::ALL);
        }
        let aliased =
            fields(r#","info":{"selectionSetList":["groupId","d","nodeStatus","nodeStatus/values"]}"#);
        assert_eq!(aliased, MessageFields::ALL);
    }

    #[test]
    fn lone_surrogates_are_no_error() {
        let event = event(r#"{"field":"listGroupsByDomain","arguments":{"domain":"a\ud83d"}}"#);
        let Call::ListGroupsByDomain(call) = event.call(2).unwrap() else { panic!("another call") };
        assert_eq!(call.domain, Domain::from("a\u{fffd}"));
    }

    #[test]
    fn answers_are_json() {
        let reply = Reply::Domain(Domain::from("\"d\""));
        assert_eq!(data(&reply).unwrap(), r#"{"data":"\"d\""}"#);
        assert_eq!(data(&Reply::Status(None)).unwrap(), r#"{"data":null}"#);
        assert_eq!(
            error(ErrorType::NodeNotFound, "Node \"x\""),
            r#"{"error":{"type":"NodeNotFound","message":"Node \"x\""}}"#
        );
        let refusal = malformed("fireEventsByNode");
        assert!(refusal.contains("ValidationError") && refusal.contains("AWSDateTime"), "{refusal}");
    }
}
