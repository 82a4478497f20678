//! A message of a realtime client, of either protocol.

use mesh_appsync::surrogates::mend;
use mesh_server::graphql::request::Request;
use mesh_server::realtime::protocol::{DATA_TAIL, Framing, Refusal, appsync, transport_ws};
use serde_json::Value;
use serde_json::de::from_slice;

/// JSON is told from garbage, and what is answered is JSON with the client's own id.
pub fn check(bytes: &[u8]) {
    match appsync::ClientMessage::parse(bytes.to_vec().into()) {
        None => assert!(from_slice::<Value>(&mend(bytes)).is_err(), "JSON is no garbage"),
        Some(message) => check_appsync(message),
    }
    if let Ok(message) = transport_ws::ClientMessage::parse(bytes.to_vec().into()) {
        assert!(bytes.trim_ascii_start().starts_with(b"{"), "only objects are read");
        check_transport_ws(message);
    }
}

fn check_appsync(message: appsync::ClientMessage) {
    match message {
        appsync::ClientMessage::Start(start) => {
            let refusals = [Refusal::TOO_MANY, Refusal::validation(start.id.clone())];
            assert_eq!(id(&appsync::error(&start.id, &refusals)), start.id);
            assert_eq!(id(&appsync::start_ack(&start.id)), start.id);
            check_framing(&start.id, &appsync::framing(&start.id, "onMessageInGroup"));
            if let Some(request) = start.request {
                let _ = Request::parse(&mend(&request));
            }
        }
        appsync::ClientMessage::Stop { id: stopped } => assert_eq!(id(&appsync::complete(&stopped)), stopped),
        appsync::ClientMessage::Unknown { kind } => {
            let refusal = Refusal::unsupported(kind.as_deref());
            assert!(refusal.message.len() < 100, "what clients write is not repeated at length");
            assert_eq!(id(&appsync::error("", &[refusal])), "");
        }
        appsync::ClientMessage::ConnectionInit => {}
    }
}

fn check_transport_ws(message: transport_ws::ClientMessage) {
    use transport_ws::ClientMessage::{Complete, ConnectionInit, Ping, Pong, Subscribe};
    match message {
        Ping { payload } => {
            from_slice::<Value>(&transport_ws::pong(payload.as_ref())).expect("a pong is JSON");
        }
        Subscribe { id: subscribed, request } => {
            let refusals = [Refusal::TOO_MANY, Refusal::validation(subscribed.clone())];
            assert_eq!(id(&transport_ws::error(&subscribed, &refusals)), subscribed);
            check_framing(&subscribed, &transport_ws::framing(&subscribed, "onMessageInGroup"));
            let _ = Request::parse(&request);
        }
        Complete { id: ended } => assert_eq!(id(&transport_ws::complete(&ended)), ended),
        ConnectionInit { .. } | Pong => {}
    }
}

fn check_framing(expected: &str, framing: &Framing) {
    let data = [&framing.head, &b"null"[..], DATA_TAIL].concat();
    assert_eq!(id(&data), expected);
    assert_eq!(id(&(framing.too_large)(&framing.id)), expected);
}

fn id(answer: &[u8]) -> String {
    let answer: Value = from_slice(answer).expect("an answer is JSON");
    answer["id"].as_str().expect("with an id").to_owned()
}
