//! A GraphQL document and its variables, with a NUL between them. `GROUP` in them is the id of a group.

use std::net::Ipv4Addr;
use std::sync::Arc;

use mesh_core::id::GroupKey;
use mesh_server::graphql::answer::{MAX_DATA_BYTES, refused};
use mesh_server::graphql::engine::{Engine, Subscription};
use mesh_server::graphql::request::Request;
use mesh_server::limits::answers::Meter;
use mesh_server::limits::buffers::{BufferLimits, Buffers};
use mesh_server::realtime::hub::Hub;
use mesh_server::realtime::protocol::appsync;
use serde_json::Value;

use crate::classroom::{Classroom, block_on};

thread_local! {
    /// Keeps documents; that must not be noticed.
    static ENGINE: Engine = Engine::new().expect("the schema is valid");
}

/// A document is refused, or served as a query, a mutation or a subscription; every answer and every message is
/// JSON within the limits.
pub fn check(bytes: &[u8]) {
    let _ = Request::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (query, variables) = text.split_once('\0').unwrap_or((text, "{}"));
    block_on(async {
        let hub = Arc::<Hub>::default();
        let room = Classroom::new(hub.clone()).await;
        let (query, variables) = (room.naming_group(query), room.naming_group(variables));
        let Ok(request) = Request::of_parts(&query, Some(&variables), None) else { return };
        let subscription = ENGINE.with(|engine| engine.subscription(&request)).ok();
        let is_subscription = subscription.is_some();
        if let Some(subscription) = subscription {
            listen(&room, &hub, subscription).await;
        }
        match prepare(&request) {
            Ok(prepared) => {
                assert!(!is_subscription, "one operation is one kind");
                let mut hold = Buffers::new(BufferLimits::default()).hold(Ipv4Addr::LOCALHOST.into());
                let Ok(answer) = prepared.run(&room.home.context, &mut hold, &Meter::OFF).await else {
                    panic!("one client has room for one answer")
                };
                let errors = check_answer(&answer.json);
                assert_eq!(errors, answer.outcomes().filter(|(_, refusal)| refusal.is_some()).count());
            }
            Err(json) => assert!(check_answer(&json) > 0, "a refusal says why"),
        }
    });
}

/// Prepares a request, or refuses it in the same words as the first time.
fn prepare(request: &Request<'_>) -> Result<mesh_server::graphql::answer::Prepared, Vec<u8>> {
    let prepare = || ENGINE.with(|engine| engine.prepare(request, None)).map_err(|errors| refused(&errors));
    let first = prepare();
    let second = prepare();
    match (&first, &second) {
        (Ok(_), Ok(_)) => {}
        (Err(first), Err(second)) => assert_eq!(first, second),
        _ => panic!("a document that is kept is read otherwise"),
    }
    first
}

/// The number of errors of an answer in AppSync's form.
fn check_answer(json: &[u8]) -> usize {
    let answer: Value = serde_json::from_slice(json).expect("an answer is JSON");
    assert!(answer.get("data").is_some(), "{answer}");
    let errors = answer.get("errors").map_or(&[][..], |errors| errors.as_array().expect("a list"));
    for error in errors {
        assert!(error["message"].is_string() && error["errorType"].is_string(), "{error}");
    }
    let data = json.len().saturating_sub(errors.iter().map(|error| error.to_string().len()).sum());
    assert!(data <= MAX_DATA_BYTES + 10_000 * (1 + errors.len()), "{data} bytes");
    errors.len()
}

/// A subscriber gets what is reported, as JSON.
async fn listen(room: &Classroom, hub: &Arc<Hub>, subscription: Subscription) {
    let connection = hub.connect(Ipv4Addr::LOCALHOST.into());
    let Subscription { group, selection, key } = subscription;
    let is_own = group == GroupKey::clone(&room.group);
    let registered = connection.subscribe(group, selection, appsync::framing("1", &key), 0);
    let registered = registered.unwrap_or_else(|_| panic!("the first selection of a group has room"));
    room.home.report(&room.group, "host", &[("x", "\u{1f600}\"\\\n")]).await.unwrap();
    let mut messages = Vec::new();
    connection.queue().take(&mut messages);
    assert_eq!(messages.len(), usize::from(is_own));
    for message in messages {
        let json = [&message.head, &message.tail[..]].concat();
        let json: Value = serde_json::from_slice(&json).expect("a message is JSON");
        assert!(json["payload"]["data"].get(&key).is_some() || json["type"] == "error", "{json}");
    }
    connection.unsubscribe(&registered);
    assert_eq!(hub.counts().subscriptions, 0);
}
