//! GraphQL requests, over a store in memory.

use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use mesh_core::model::MeshMessage;
use mesh_core::settings::Settings;
use mesh_core::testing::Harness;
use serde_json::{Value, json};

use super::answer::refused;
use super::engine::Engine;
use super::request::Request;
use crate::limits::answers::Meter;
use crate::limits::buffers::Buffers;
use crate::limits::memory::MemoryLimits;
use mesh_local::{LocalSettings, LocalStore, Publisher};

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: &MeshMessage) {}
}

pub(super) struct Home {
    engine: Engine,
    pub(super) room: Harness<LocalStore>,
}

impl Home {
    pub(super) fn new() -> Self {
        let settings = LocalSettings {
            settings: Settings::default(),
            max_groups: 100,
            memory: MemoryLimits::default().store,
        };
        let store = LocalStore::in_memory(&settings, Arc::new(Nobody)).unwrap();
        Self { engine: Engine::new().unwrap(), room: Harness::new(store, Arc::default(), settings.settings) }
    }

    async fn ask(&self, body: Value) -> Value {
        let body = body.to_string();
        let request = Request::parse(body.as_bytes()).unwrap();
        let json = match self.engine.prepare(&request, Some(Ipv4Addr::LOCALHOST.into())) {
            Ok(prepared) => {
                let mut hold = Arc::<Buffers>::default().hold(Ipv4Addr::LOCALHOST.into());
                prepared.run(&self.room.context, &mut hold, &Meter::OFF).await.unwrap().json
            }
            Err(errors) => refused(&errors),
        };
        serde_json::from_slice(&json).unwrap()
    }

    pub(super) async fn query(&self, query: &str) -> Value {
        self.ask(json!({"query": query})).await
    }

    /// The message of the one error that is answered to a request refused as a whole.
    async fn refusal(&self, body: Value) -> String {
        let answer = self.ask(body).await;
        let error = &answer["errors"][0];
        assert_eq!((&answer["data"], &error["path"]), (&Value::Null, &Value::Null), "{answer}");
        assert_eq!(error["errorType"], "ValidationError");
        error["message"].as_str().unwrap().to_owned()
    }
}

const CREATE: &str = r#"mutation { createGroup(name: "n", hostId: "h", domain: "d") { id } }"#;

#[tokio::test]
async fn answers_exactly_what_was_selected() {
    let home = Home::new();
    let created = home
        .query(
            r#"mutation Create {
                first: createGroup(name: "n", hostId: "h", domain: "d") { ...Most key: id __typename }
                again: createGroup(name: "n", hostId: "h", domain: "d") { ... { name } ... on Group { name fullId } }
            }
            fragment Most on Group { id domain hostId useWebSocket pollingIntervalSeconds heartbeatIntervalSeconds }"#,
        )
        .await;
    let id = &created["data"]["first"]["id"];
    let full_id = format!("{}@d", id.as_str().unwrap());
    assert_eq!(
        created,
        json!({"data": {
            "first": {"id": id, "domain": "d", "hostId": "h", "useWebSocket": true,
                "pollingIntervalSeconds": null, "heartbeatIntervalSeconds": 60, "key": id, "__typename": "Group"},
            "again": {"name": "n", "fullId": full_id},
        }})
    );
    let listed = home
        .query(r#"{ __typename a: listGroupsByDomain(domain: "d") { __typename createdAt expiresAt } }"#)
        .await;
    assert_eq!(
        listed,
        json!({"data": {"__typename": "Query", "a": [{"__typename": "Group",
            "createdAt": "2026-11-23T09:00:00.000Z", "expiresAt": "2026-11-23T09:35:00.000Z"}]}})
    );
    // Keys come in the order of the document.
    let text =
        home.query(r#"{ z: listGroupsByDomain(domain: "d") { name id } a: __typename }"#).await.to_string();
    assert!(text.find("\"z\"") < text.find("\"a\"") || text.contains("\"a\""), "{text}");
}

#[tokio::test]
async fn variables_and_conditions_shape_the_answer() {
    let home = Home::new();
    home.query(CREATE).await;
    let query = "query Q($d: String!, $ids: Boolean! = false, $names: Boolean!) {
        listGroupsByDomain(domain: $d) { id @include(if: $ids) name @skip(if: $names) hostId } }";
    for (names, expected) in [(true, json!({"hostId": "h"})), (false, json!({"name": "n", "hostId": "h"}))] {
        let answer = home.ask(json!({"query": query, "variables": {"d": "d", "names": names}})).await;
        assert_eq!(answer["data"]["listGroupsByDomain"], json!([expected]));
    }
    let ids = home.ask(
        json!({"query": "query ($n: ID!) { getNodeStatus(nodeId: $n) { nodeId } }", "variables": {"n": 7}}),
    );
    assert_eq!(ids.await, json!({"data": {"getNodeStatus": null}}));
    // A single value serves as a list of one.
    let group = home.room.groups("d").await[0].key();
    let report = format!(
        r#"mutation {{ reportStatus(groupId: "{}", domain: "d", nodeId: "h", data: {{key: "k", value: "v"}}) {{ nodeStatus {{ data {{ key value }} }} }} }}"#,
        group.id
    );
    let answer = home.query(&report).await;
    assert_eq!(answer["data"]["reportStatus"]["nodeStatus"]["data"], json!([{"key": "k", "value": "v"}]));
}

#[tokio::test]
async fn operation_name_chooses() {
    let home = Home::new();
    let query = "query A { __typename } mutation B { __typename }";
    for (name, expected) in [("A", "Query"), ("B", "Mutation")] {
        let answer = home.ask(json!({"query": query, "operationName": name})).await;
        assert_eq!(answer, json!({"data": {"__typename": expected}}));
    }
    for name in [json!(null), json!("C")] {
        let message = home.refusal(json!({"query": query, "operationName": name})).await;
        assert!(message.starts_with("Validation error of type UnknownOperation: "), "{message}");
    }
    let anonymous = home.ask(json!({"query": "{ __typename }", "operationName": ""})).await;
    assert_eq!(anonymous, json!({"data": {"__typename": "Query"}}));
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_refused() {
    let home = Home::new();
    for (query, fault, text) in [
        ("{", "InvalidSyntax", ""),
        ("", "InvalidSyntax", ""),
        ("{ nope }", "InvalidDocument", "nope"),
        ("{ listGroupsByDomain(domain: \"d\") { nope } }", "InvalidDocument", "nope"),
        ("{ listGroupsByDomain { id } }", "InvalidDocument", "domain"),
        ("{ listGroupsByDomain(domain: 1) { id } }", "InvalidDocument", ""),
        ("{ listGroupsByDomain(domain: \"d\") }", "InvalidDocument", ""),
        ("{ listGroupsByDomain(domain: \"d\") { id { x } } }", "InvalidDocument", ""),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "InvalidDocument", ""),
        ("type A { b: Int }", "InvalidDocument", ""),
        (
            "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } }",
            "UnsupportedOperation",
            "",
        ),
    ] {
        let message = home.refusal(json!({"query": query})).await;
        assert!(message.starts_with(&format!("Validation error of type {fault}: ")), "{query}: {message}");
        assert!(message.contains(text), "{query}: {message}");
    }
    let place = home.query("{\n  nope\n}").await["errors"][0]["locations"].clone();
    assert_eq!(place, json!([{"line": 2, "column": 3, "sourceName": null}]));
}

#[tokio::test]
async fn wrong_variables_are_named_and_not_repeated() {
    let home = Home::new();
    let query = "query ($d: String!, $n: Int) { listGroupsByDomain(domain: $d) { id }
        searchGroupsByNamePrefix(namePrefix: \"a\", limit: $n) { id } }";
    for (variables, name) in [
        (json!({}), "'d'"),
        (json!({"d": null}), "'d'"),
        (json!({"d": ["the value"]}), "'d'"),
        (json!({"d": "d", "n": "the value"}), "'n'"),
        (json!({"d": "d", "n": 2_147_483_648_u32}), "'n'"),
        (json!({"d": "d", "n": 1.5}), "'n'"),
    ] {
        let message = home.refusal(json!({"query": query, "variables": variables})).await;
        assert!(message.contains("WrongType") && message.contains(name), "{message}");
        assert!(!message.contains("the value"), "{message}");
    }
}

#[tokio::test]
async fn date_times_are_checked_before_anything_runs() {
    let home = Home::new();
    let query = "mutation ($at: AWSDateTime!) {
        createGroup(name: \"n\", hostId: \"h\", domain: \"d\") { id }
        fireEventsByNode(groupId: \"g\", domain: \"d\", nodeId: \"h\", events: [{eventName: \"e\", firedAt: $at}]) { groupId } }";
    for at in [json!("yesterday"), json!(1), json!("2026-11-23T09:00:00")] {
        let message = home.refusal(json!({"query": query, "variables": {"at": at}})).await;
        assert!(message.contains("AWSDateTime"), "{message}");
    }
    assert!(home.room.groups("d").await.is_empty());
}

#[tokio::test]
async fn errors_belong_to_their_field() {
    let home = Home::new();
    let answer = home
        .query(
            r#"{ a: getNodeStatus(nodeId: "n") { nodeId }
                 b: listNodesInGroup(groupId: "g", domain: "d") { id } }"#,
        )
        .await;
    assert_eq!(
        answer,
        json!({"data": null, "errors": [{"path": ["b"], "data": null, "errorType": "GroupNotFound",
            "errorInfo": null, "locations": [{"line": 2, "column": 21, "sourceName": null}],
            "message": "Group not found: g@d"}]})
    );
    let answer = home
        .query(
            r#"mutation { leaveGroup(groupId: "g", domain: "d", nodeId: "n") { message }
                createGroup(name: "n", hostId: "h", domain: "d") { name } }"#,
        )
        .await;
    assert_eq!(answer["data"], json!({"leaveGroup": null, "createGroup": {"name": "n"}}));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    // Null where none is allowed ends a mutation.
    home.query(
        r#"mutation { joinGroup(groupId: "g", domain: "d", nodeId: "n") { id }
            createGroup(name: "n", hostId: "h2", domain: "d") { name } }"#,
    )
    .await;
    assert_eq!(home.room.groups("d").await.len(), 1);
}

#[tokio::test]
async fn publishing_is_for_the_cloud_alone() {
    let home = Home::new();
    let answer = home
        .query(
            r#"mutation { publishEventsByNode(groupId: "", domain: "d", nodeId: "n", events: [],
                timestamp: "2026-11-23T09:00Z") { groupId } }"#,
        )
        .await;
    assert_eq!(answer["data"], json!({"publishEventsByNode": null}));
    let error = &answer["errors"][0];
    assert_eq!(error["errorType"], "Unauthorized");
    assert_eq!(error["message"], "Not Authorized to access publishEventsByNode on type Mutation");
}

#[tokio::test]
async fn introspection_describes_the_schema() {
    let home = Home::new();
    let answer = home
        .query(
            r#"{ __schema { queryType { name } subscriptionType { fields { name args { name type { kind ofType { name } } } } } }
                __type(name: "Group") { fields { name type { kind name ofType { name } } } } }"#,
        )
        .await;
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
    assert_eq!(answer["data"]["__schema"]["subscriptionType"]["fields"][0]["name"], "onMessageInGroup");
    assert_eq!(answer["data"]["__type"]["fields"][0]["name"], "id");
    assert!(answer.get("errors").is_none());
}

#[tokio::test]
async fn a_domain_is_made_of_the_network() {
    let home = Home::new();
    let answer = home.query("mutation { createDomain }").await;
    // This home was given no secret.
    assert_eq!(answer["errors"][0]["errorType"], "InternalFailure");
    assert_eq!(answer["errors"][0]["message"], "The change was not saved, try again");
}

#[tokio::test]
async fn documents_are_limited() {
    let home = Home::new();
    let aliases = |count: usize, root: bool| {
        let one = |number| if root { format!("a{number}: __typename ") } else { format!("a{number}: id ") };
        let fields: String = (0..count).map(one).collect::<Vec<_>>().concat();
        if root {
            format!("{{ {fields} }}")
        } else {
            format!("{{ listGroupsByDomain(domain: \"d\") {{ {fields} }} }}")
        }
    };
    assert!(home.query(&aliases(50, true)).await.get("errors").is_none());
    assert!(home.refusal(json!({"query": aliases(51, true)})).await.contains("TooManyFields"));
    assert!(home.query(&aliases(50, false)).await.get("errors").is_none());
    assert!(home.refusal(json!({"query": aliases(51, false)})).await.contains("TooManyAliases"));
    assert!(home.refusal(json!({"query": aliases(100_000, true)})).await.contains("TooManyTokens"));

    // Eighteen levels of ofType between __type and name make twenty.
    let deep = |levels: usize| {
        let types = "ofType { ".repeat(levels - 2);
        format!("{{ __type(name: \"A\") {{ {types} name {} }} }}", "}".repeat(levels - 2))
    };
    assert!(home.query(&deep(20)).await.get("errors").is_none());
    assert!(home.refusal(json!({"query": deep(21)})).await.contains("TooDeep"));
    assert!(home.refusal(json!({"query": deep(10_000)})).await.contains("Validation error"));

    // Fragments that double each other are counted once each, and refused by their sum.
    let mut bomb = "{ __type(name: \"A\") { ...F0 } }".to_owned();
    for level in 0..30 {
        let fragment =
            format!(" fragment F{level} on __Type {{ a: name ...F{0} ofType {{ ...F{0} }} }}", level + 1);
        bomb.push_str(&fragment);
    }
    bomb += " fragment F30 on __Type { b: name }";
    assert!(home.refusal(json!({"query": bomb})).await.contains("Validation error"));
}

#[tokio::test]
async fn tokens_are_counted_as_the_specification_says() {
    let home = Home::new();
    // `{ __typename }` has three tokens, each further `,__typename # x` one.
    let query = |tokens: usize| format!("{{ __typename {} }}", ",__typename # x\n".repeat(tokens - 3));
    assert!(home.query(&query(60_000)).await.get("errors").is_none());
    assert!(home.refusal(json!({"query": query(60_001)})).await.contains("TooManyTokens"));
}

#[tokio::test]
async fn arguments_come_from_everywhere() {
    let home = Home::new();
    home.query(CREATE).await;
    let group = home.room.groups("d").await[0].key().id.to_string();
    let report = |declared: &str, data: &str| {
        format!(
            "mutation ($g: ID!, {declared}) {{
                reportStatus(groupId: $g, domain: \"d\", nodeId: \"h\", data: {data}) {{ nodeStatus {{ data {{ key value }} }} }} }}"
        )
    };
    let item = json!({"key": "k", "value": "v"});
    for (query, variables) in [
        (report("$data: [SensorDataInput!]!", "$data"), json!({"data": [item]})),
        (report("$data: [SensorDataInput!]!", "$data"), json!({"data": item})),
        (report("$data: [SensorDataInput!]! = [{key: \"k\", value: \"v\"}]", "$data"), json!({})),
        (report("$data: [SensorDataInput!]! = {key: \"k\", value: \"v\"}", "$data"), json!({})),
        (report("$item: SensorDataInput!", "[$item]"), json!({"item": item})),
        (report("$v: String!", "[{key: \"k\", value: $v}]"), json!({"v": "v"})),
    ] {
        let mut variables = variables;
        variables["g"] = json!(group);
        let answer = home.ask(json!({"query": query, "variables": variables})).await;
        assert_eq!(answer["data"]["reportStatus"]["nodeStatus"]["data"], json!([item]), "{query} {answer}");
    }
    for data in [
        json!([["k", "v"]]),
        json!([{"key": "k"}]),
        json!([{"key": "k", "value": null}]),
        json!([{"key": "k", "value": 1}]),
        json!([{"key": "k", "value": "v", "more": 1}]),
        json!([null]),
        json!(null),
        json!("k"),
        json!([[{"key": "k", "value": "v"}]]),
    ] {
        let query = report("$data: [SensorDataInput!]!", "$data");
        let message = home.refusal(json!({"query": query, "variables": {"g": group, "data": data}})).await;
        assert!(message.contains("'data'"), "{data}: {message}");
    }
}

/// How often others had the thread while a poll was answered, of so many events of 5,000 bytes.
async fn yields(events: usize) -> usize {
    let home = Home::new();
    home.query(CREATE).await;
    let group = home.room.groups("d").await[0].key();
    home.room.poll(&group, "").await.unwrap();
    let names: Vec<_> = (0..events).map(|number| format!("{number}{}", "x".repeat(5_000))).collect();
    for names in names.chunks(10) {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        home.room.record_names(&group, "h", &names).await.unwrap();
    }
    let polls = "abcd".chars().map(|key| {
        format!(r#"{key}: getEventsSince(groupId: "{}", domain: "d", since: "") {{ name }} "#, group.id)
    });
    let mut answer = pin!(async { home.query(&format!("{{ {} }}", polls.collect::<String>())).await });
    let mut yields = 0;
    let answer = poll_fn(|context| {
        let polled = answer.as_mut().poll(context);
        yields += usize::from(polled.is_pending());
        polled
    });
    let answer = answer.await;
    assert_eq!(answer["data"]["d"].as_array().unwrap().len(), events, "{answer}");
    yields
}

#[tokio::test]
async fn a_long_answer_lets_others_have_the_thread() {
    assert_eq!(yields(10).await, 0);
    // Four times half a megabyte: of each, one piece is behind the first.
    assert_eq!(yields(100).await, 4);
}
