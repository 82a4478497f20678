//! A lesson as clients hold it, played on the store, with everything counted that is charged for.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use mesh_appsync::{Call, Reply, event};
use mesh_core::Context;
use mesh_core::error::StoreFailure;
use mesh_core::model::{MeshMessage, MessageFields};
use mesh_core::settings::Settings;
use mesh_core::testing::TestClock;
use mesh_cost::{Consumption, steps};
use mesh_dynamodb::{DynamoStore, Publisher};
use serde_json::{Value, json};

use crate::store;

/// What stands around a live message in a subscriber's frame.
const FRAME: &str =
    r#"{"id":"5d41402a-bc4b-2a76-b971-9d911017c592","type":"data","payload":{"data":{"onMessageInGroup":}}}"#;

/// Programs of a group, its host one of them.
pub(super) const NODES: u64 = 40;
/// How long it lives.
pub(super) const MINUTES: u64 = 35;
const DOMAIN: &str = "3f2a9c51d07be846";

/// How a lesson goes on.
pub(super) struct Plan {
    pub(super) name: &'static str,
    /// How many programs poll, every two seconds, because WebSockets are blocked.
    pub(super) pollers: u64,
    /// Reports of all programs in a minute, each of two variables.
    pub(super) reports: u64,
    /// Batches of all programs in a minute, each of three events.
    pub(super) batches: u64,
}

/// A lesson under way.
pub(super) struct Lesson<'a> {
    plan: &'a Plan,
    context: Context<DynamoStore>,
    clock: Arc<TestClock>,
    published: Arc<Published>,
    group: Value,
    cursors: Vec<Value>,
    used: Consumption,
}

/// Messages that were published through the API.
#[derive(Default)]
struct Published(Mutex<Vec<MeshMessage>>);

impl Publisher for Published {
    fn publish<'a>(
        &'a self,
        message: &'a MeshMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreFailure>> + Send + 'a>> {
        self.0.lock().unwrap().push(message.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What a whole lesson uses: its beginning, ten seconds as often as it has them, and its end.
pub(super) async fn consumption(plan: &Plan) -> Consumption {
    let mut lesson = Lesson::begin(plan).await;
    let mut all = lesson.take_used();
    lesson.ten_seconds().await;
    let ten_seconds = lesson.take_used();
    for _ in 0..MINUTES * 6 {
        all += ten_seconds;
    }
    all += Consumption::of_calls("renewHeartbeat", MINUTES);
    lesson.call("dissolveGroup", json!({ "hostId": node(0) })).await;
    all.connection_minutes = number(plan.listeners() * MINUTES);
    all + lesson.take_used()
}

/// The id of a program, as Smalruby's clients make them.
pub(super) fn node(number: u64) -> String {
    format!("{number:032x}")
}

/// How many of `count` in a minute fall into a second, of ten that have a sixth of them together.
fn share(count: u64, second: u64) -> u64 {
    count * (second + 1) / 60 - count * second / 60
}

impl<'a> Lesson<'a> {
    /// All have joined and listen, or poll.
    pub(super) async fn begin(plan: &'a Plan) -> Self {
        let (clock, published) = (Arc::new(TestClock::new()), Arc::new(Published::default()));
        let store = store().await.publishing_to(published.clone());
        let settings = Settings::default();
        let context = Context { store, clock: clock.clone(), settings, domain_secret: None };
        let cursors = vec![json!(""); usize::try_from(NODES).unwrap()];
        let (group, used) = (Value::Null, Consumption::default());
        let mut lesson = Self { plan, context, clock, published, group, cursors, used };
        // A function without a table; its answer is as long as a domain.
        lesson.used += Consumption::of_calls("createDomain", NODES);
        let created = lesson.call("createGroup", json!({ "name": "Cats", "hostId": node(0) })).await;
        lesson.group = created["id"].clone();
        for number in 1..NODES {
            lesson.call("listGroupsByDomain", json!({})).await;
            let use_web_socket = !plan.is_poller(number);
            lesson.call("joinGroup", json!({ "nodeId": node(number), "useWebSocket": use_web_socket })).await;
            lesson.call("listGroupStatuses", json!({})).await;
        }
        // A connection and a subscription each.
        lesson.used.messages += 2 * plan.listeners();
        for number in 0..NODES {
            lesson.report(number, &["score", "lives", "level", "x", "y"]).await;
        }
        lesson
    }

    /// A second goes by.
    pub(super) fn second(&self) {
        self.clock.advance_seconds(1);
    }

    /// Ten seconds in which nothing particular happens.
    async fn ten_seconds(&mut self) {
        let (mut reports, mut batches, mut beats) = (0, 0, 0);
        // Of what comes a few times a minute, the last ten seconds have their part.
        for second in 50..60 {
            self.second();
            for _ in 0..share(self.plan.reports, second) {
                self.report(reports % NODES, &["x", "y"]).await;
                reports += 1;
            }
            for _ in 0..share(self.plan.batches, second) {
                self.events(batches % NODES).await;
                batches += 1;
            }
            for number in (0..NODES).filter(|number| self.plan.is_poller(*number) && number % 2 == second % 2)
            {
                self.poll(number).await;
            }
            // Each member sends a heartbeat every two minutes.
            for _ in 0..share(NODES / 2, second) {
                self.call("sendMemberHeartbeat", json!({ "nodeId": node(1 + beats) })).await;
                beats += 1;
            }
        }
    }

    async fn report(&mut self, number: u64, keys: &[&str]) {
        let data: Vec<_> = keys.iter().map(|key| json!({ "key": key, "value": "123.45" })).collect();
        self.call("reportDataByNode", json!({ "nodeId": node(number), "data": data })).await;
    }

    async fn events(&mut self, number: u64) {
        let at = "2026-11-23T09:30:15.123Z";
        let event = |name| json!({ "eventName": name, "firedAt": at, "orderKey": "20261123093015-0000001" });
        // Else the store would take the next call of this program for a repeated one.
        let number_of_call = self.used.requests.to_string();
        let events = [event("start"), event("message1"), event(&number_of_call)];
        let field = if self.plan.is_poller(number) { "recordEventsByNode" } else { "fireEventsByNode" };
        self.call(field, json!({ "nodeId": node(number), "events": events })).await;
    }

    async fn poll(&mut self, number: u64) {
        let index = usize::try_from(number).unwrap();
        let polled = self.call("pollGroupData", json!({ "since": self.cursors[index] })).await;
        if let Some(last) = polled["events"].as_array().and_then(|events| events.last()) {
            self.cursors[index] = last["cursor"].clone();
        }
    }

    /// Makes a call, in this lesson's group where it has none, and counts what it uses.
    pub(super) async fn call(&mut self, field: &str, mut arguments: Value) -> Value {
        arguments["domain"] = json!(DOMAIN);
        arguments["groupId"] = self.group.clone();
        let call = Call::read(field, arguments, MessageFields::ALL, None, None).unwrap();
        let reply = call.run(&self.context).await.unwrap();
        let units = self.context.store.take_usage();
        let answer: Value = serde_json::from_str(&event::data(&reply).unwrap()).unwrap();
        self.used += Consumption {
            requests: 1,
            invocations: 1,
            read_units: units.read_units,
            write_units: units.write_units,
            sent_bytes: bytes(&answer),
            ..Consumption::default()
        };
        if let Reply::Message(_) = reply {
            self.deliver(&answer["data"]);
        }
        let published = std::mem::take(&mut *self.published.0.lock().unwrap());
        for message in published {
            self.used += Consumption::of_calls("publishEventsByNode", 1);
            let message: Value =
                serde_json::from_str(&event::data(&Reply::Message(message)).unwrap()).unwrap();
            self.deliver(&message["data"]);
        }
        answer["data"].clone()
    }

    /// Counts a message to everybody who listens.
    fn deliver(&mut self, message: &Value) {
        let bytes = bytes(message) + FRAME.len() as u64;
        self.used.messages += steps(bytes) * self.plan.listeners();
        self.used.sent_bytes += bytes * self.plan.listeners();
    }

    /// What was used since the last call of this.
    pub(super) fn take_used(&mut self) -> Consumption {
        std::mem::take(&mut self.used)
    }
}

impl Plan {
    fn is_poller(&self, number: u64) -> bool {
        number >= self.listeners()
    }

    fn listeners(&self) -> u64 {
        NODES - self.pollers
    }
}

pub(super) fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// The length of a value's JSON. Cursors are counted as 32 characters, since they differ in length.
fn bytes(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let is_cursor = ["cursor", "nextSince"].contains(&name.as_str()) && value.is_string();
                name.len() as u64 + 4 + if is_cursor { 34 } else { bytes(value) }
            };
            1 + fields.iter().map(field).sum::<u64>()
        }
        Value::Array(items) => 1 + items.iter().map(|item| bytes(item) + 1).sum::<u64>(),
        other => other.to_string().len() as u64,
    }
}
