//! Nodes that poll as Smalruby's do: by a date until their first record, from `nextSince` after each of their own.

use mesh_core::clock::Clock;
use serde_json::{Value, json};

use crate::support::{CREATE, Client, FIRE, JOIN, KEY, Options, POLL, RECORD, TestServer, event};

/// A program of Smalruby in a school that blocks WebSockets.
struct Smalruby<'a> {
    server: &'a TestServer,
    client: Client,
    address: &'static str,
    group: &'a str,
    id: &'static str,
    since: Option<String>,
    heard: Vec<String>,
}

/// The data of an answer to a call that a proxy forwards from `address`.
async fn ask_from(client: &mut Client, address: &str, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables}).to_string();
    let headers = [("x-api-key", KEY), ("x-forwarded-for", address)];
    let mut answer = client.send(hyper::Method::POST, "/graphql", &headers, body.as_bytes()).await.json();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].take()
}

impl<'a> Smalruby<'a> {
    async fn join(server: &'a TestServer, address: &'static str, group: &'a str, id: &'static str) -> Self {
        let client = server.client().await;
        let mut program = Self { server, client, address, group, id, since: None, heard: Vec::new() };
        let joined = program.ask(JOIN, json!({"g": group, "n": id, "ws": false})).await;
        assert!(joined["joinGroup"]["id"].is_string());
        program
    }

    async fn ask(&mut self, query: &str, variables: Value) -> Value {
        ask_from(&mut self.client, self.address, query, variables).await
    }

    /// Polls; the first time by the clock of the machine, two seconds after joining.
    async fn poll(&mut self) {
        self.server.clock.advance_seconds(2);
        let now = self.server.clock.now().wall.to_string();
        let since = self.since.get_or_insert(now).clone();
        let answer = self.ask(POLL, json!({"g": self.group, "since": since})).await;
        for event in answer["pollGroupData"]["events"].as_array().unwrap() {
            self.since = event["cursor"].as_str().map(str::to_owned);
            if event["firedByNodeId"] != self.id {
                self.heard.push(event["name"].as_str().unwrap().to_owned());
            }
        }
    }

    /// Records an event, and jumps to the position that the answer names.
    async fn record(&mut self, name: &str) {
        let recorded =
            self.ask(RECORD, json!({"g": self.group, "n": self.id, "events": [event(name)]})).await;
        self.since = recorded["recordEventsByNode"]["nextSince"].as_str().map(str::to_owned);
    }
}

#[tokio::test]
async fn a_first_record_loses_nothing_of_others() {
    let options = Options { trusted_proxies: 1, ..Options::default() };
    let server = TestServer::start_with(options).await;
    let (mut host, host_address) = (server.client().await, "192.0.2.1");
    let created = ask_from(&mut host, host_address, CREATE, json!({"hostId": "host"})).await;
    let group = created["createGroup"]["id"].as_str().unwrap().to_owned();
    let mut one = Smalruby::join(&server, "192.0.2.2", &group, "one").await;
    let mut two = Smalruby::join(&server, "192.0.2.3", &group, "two").await;
    for round in 0..4 {
        one.poll().await;
        two.poll().await;
        // Between a node's poll and its record the others go on.
        let events = [event(&format!("fired {round}"))];
        ask_from(&mut host, host_address, FIRE, json!({"g": group, "n": "host", "events": events})).await;
        one.record(&format!("one {round}")).await;
        two.record(&format!("two {round}")).await;
    }
    one.poll().await;
    two.poll().await;
    let expected = |other: &str| -> Vec<_> {
        (0..4).flat_map(|round| [format!("fired {round}"), format!("{other} {round}")]).collect()
    };
    assert_eq!(one.heard, expected("two"));
    assert_eq!(two.heard, expected("one"));
}
