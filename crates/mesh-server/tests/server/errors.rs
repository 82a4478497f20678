//! Every row of the table of errors, and the order in which they are checked.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{CREATE, DISSOLVE, FIRE, JOIN, KEY, OTHER_KEY, POLL, RECORD, REPORT, TestServer, event};

/// The one error of an answer: its type and its message.
fn error(answer: &Value) -> (&str, &str) {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("an error: {answer}"));
    assert_eq!(errors.len(), 1, "{answer}");
    let error = &errors[0];
    for key in ["path", "data", "errorType", "errorInfo", "locations", "message"] {
        assert!(error.get(key).is_some(), "{key} is missing: {error}");
    }
    assert!(error.get("extensions").is_none());
    (error["errorType"].as_str().unwrap(), error["message"].as_str().unwrap())
}

/// Every operation on a group, as one that is a stranger there.
fn operations(group: &str) -> Vec<(String, Value)> {
    let field = |name: &str, arguments: &str, selection: &str| {
        format!(r#"{name}(groupId: "{group}", domain: "d"{arguments}) {{ {selection} }}"#)
    };
    let mutation = |text: String| (format!("mutation {{ {text} }}"), json!({}));
    let query = |text: String| (format!("{{ {text} }}"), json!({}));
    vec![
        (JOIN.into(), json!({"g": group, "n": "n"})),
        (REPORT.into(), json!({"g": group, "n": "n", "data": [{"key": "k", "value": "v"}]})),
        (FIRE.into(), json!({"g": group, "n": "n", "events": [event("e")]})),
        (RECORD.into(), json!({"g": group, "n": "n", "events": [event("e")]})),
        (DISSOLVE.into(), json!({"g": group, "h": "h"})),
        (POLL.into(), json!({"g": group, "since": ""})),
        mutation(field("reportStatus", r#", nodeId: "n", data: [{key: "k", value: "v"}]"#, "groupId")),
        mutation(field("leaveGroup", r#", nodeId: "n""#, "message")),
        mutation(field("renewHeartbeat", r#", hostId: "h""#, "expiresAt")),
        mutation(field("sendMemberHeartbeat", r#", nodeId: "n""#, "expiresAt")),
        query(field("listGroupStatuses", "", "nodeId")),
        query(field("listNodesInGroup", "", "id")),
        query(field("getEventsSince", r#", since: """#, "name")),
    ]
}

#[tokio::test]
async fn groups_that_are_not_there() {
    let server = TestServer::start().await;
    for (query, variables) in operations("nope") {
        let answer = server.ask(&query, variables).await;
        assert_eq!(error(&answer), ("GroupNotFound", "Group not found: nope@d"));
    }
    let group = server.create("h").await;
    server.data(DISSOLVE, json!({"g": group, "h": "h"})).await;
    for (query, variables) in operations(&group) {
        let answer = server.ask(&query, variables).await;
        assert_eq!(error(&answer), ("GroupNotFound", &*format!("Group not found: {group}@d")));
    }
    let silent = server.create("h").await;
    server.clock.advance_seconds(151);
    for (query, variables) in operations(&silent) {
        let answer = server.ask(&query, variables).await;
        let (kind, message) = error(&answer);
        assert!(message.starts_with(&format!("Group expired: {silent}@d (heartbeat")), "{message}");
        assert_eq!(kind, "GroupNotFound");
    }
    server.clock.advance_seconds(2_000);
    for (query, variables) in operations(&silent) {
        let answer = server.ask(&query, variables).await;
        assert_eq!(error(&answer), ("GroupNotFound", &*format!("Group expired: {silent}@d")));
    }
}

#[tokio::test]
async fn hosts_and_members() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let renew =
        r#"mutation ($g: ID!) { renewHeartbeat(groupId: $g, domain: "d", hostId: "x") { expiresAt } }"#;
    let answer = server.ask(renew, json!({"g": group})).await;
    assert_eq!(error(&answer), ("Unauthorized", "Only the host can renew the heartbeat"));
    assert_eq!(answer["data"], Value::Null, "the field may not be null");
    let answer = server.ask(DISSOLVE, json!({"g": group, "h": "x"})).await;
    assert_eq!(error(&answer), ("Unauthorized", "Only the host can dissolve the group"));
    assert_eq!(answer["data"], json!({"dissolveGroup": null}));
    let strangers: Vec<_> = operations(&group)
        .into_iter()
        .filter(|(query, variables)| {
            let mutates = variables["n"] == "n" && !query.contains("joinGroup");
            mutates
                || ["reportStatus", "leaveGroup", "sendMemberHeartbeat"]
                    .iter()
                    .any(|name| query.contains(name))
        })
        .collect();
    assert_eq!(strangers.len(), 6);
    for (query, variables) in strangers {
        assert_eq!(error(&server.ask(&query, variables).await), ("NodeNotFound", "Node not found: n"));
    }
}

#[tokio::test]
async fn keys() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let body = json!({"query": "{ __typename }"}).to_string();
    for key in [KEY, OTHER_KEY] {
        let response = client.send(Method::POST, "/graphql", &[("x-api-key", key)], body.as_bytes()).await;
        assert_eq!(response.status, StatusCode::OK);
    }
    let wrong =
        [vec![], vec![("x-api-key", "")], vec![("x-api-key", "da2-wrong")], vec![("authorization", KEY)]];
    // The key is checked before the body is read, be it what it may.
    for (headers, body) in wrong.iter().flat_map(|headers| [(headers, body.as_bytes()), (headers, b"{")]) {
        let response = client.send(Method::POST, "/graphql", headers, body).await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert_eq!(response.header("x-amzn-ErrorType"), Some("UnauthorizedException"));
        let expected = json!({"errors": [{"errorType": "UnauthorizedException",
            "message": "You are not authorized to make this call."}]});
        assert_eq!(response.json(), expected);
    }
}

#[tokio::test]
async fn bodies_and_methods() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for (body, error_type) in [
        ("", "MalformedHttpRequestException"),
        ("{", "MalformedHttpRequestException"),
        ("query { __typename }", "MalformedHttpRequestException"),
        ("{}", "BadRequestException"),
        (r#"{"query": null}"#, "BadRequestException"),
        (r#"[{"query": "{ __typename }"}]"#, "BadRequestException"),
        (r#"{"query": "{ __typename }", "variables": "x"}"#, "BadRequestException"),
    ] {
        let response = client.post(body.as_bytes()).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(response.header("x-amzn-errortype"), Some(error_type), "{body}");
        assert_eq!(response.json()["errors"][0]["errorType"], error_type);
    }
    let not_utf8 = client.post(b"{\"query\": \"\xff\"}").await;
    assert_eq!(not_utf8.header("x-amzn-errortype"), Some("MalformedHttpRequestException"));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let response = client.send(method, "/graphql", &[("x-api-key", KEY)], b"").await;
        assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("x-amzn-errortype"), Some("MethodNotAllowed"));
    }
    let nothing = client.send(Method::GET, "/nothing", &[], b"").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let publish = r#"publishEventsByNode(groupId: "g", domain: "d", nodeId: "n", events: [], timestamp: "2026-11-23T09:00Z") { groupId }"#;
    // GraphQL before authorisation of fields.
    let answer = client.ask(&format!("mutation {{ {publish} nope }}"), json!({})).await;
    assert_eq!(error(&answer).0, "ValidationError");
    // Authorisation of fields, whatever the arguments.
    let answer = client.ask(&format!("mutation {{ {publish} }}"), json!({})).await;
    assert_eq!(
        error(&answer),
        ("Unauthorized", "Not Authorized to access publishEventsByNode on type Mutation")
    );
    // Limits before the group.
    let answer = client.ask(REPORT, json!({"g": "nope", "n": "n", "data": []})).await;
    assert_eq!(error(&answer).0, "ValidationError");
    // The group before host and member.
    let answer =
        client.ask(REPORT, json!({"g": "nope", "n": "n", "data": [{"key": "k", "value": "v"}]})).await;
    assert_eq!(error(&answer).0, "GroupNotFound");
    // The member before limits of the store.
    let group = server.create("h").await;
    let large = json!([{"key": "k", "value": "x".repeat(102_400)}]);
    let answer = client.ask(REPORT, json!({"g": group, "n": "n", "data": large})).await;
    assert_eq!(error(&answer).0, "NodeNotFound");
    let answer = client.ask(REPORT, json!({"g": group, "n": "h", "data": large})).await;
    assert_eq!(error(&answer).0, "ValidationError");
}

#[tokio::test]
async fn refusals_of_limits_end_no_session() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let long = "x".repeat(257);
    let data = |key: &str, value: &str| json!([{"key": key, "value": value}]);
    let create = r"mutation ($name: String!, $host: ID!, $domain: String!, $life: Int) {
        createGroup(name: $name, hostId: $host, domain: $domain, maxConnectionTimeSeconds: $life) { id } }";
    let search =
        r"query ($p: String!, $l: Int) { searchGroupsByNamePrefix(namePrefix: $p, limit: $l) { id } }";
    let refused = [
        (create, json!({"name": "", "host": "h", "domain": "d"})),
        (create, json!({"name": "n", "host": "", "domain": "d"})),
        (create, json!({"name": "n", "host": "h\u{7f}", "domain": "d"})),
        (create, json!({"name": "n", "host": "h", "domain": long})),
        (create, json!({"name": "n", "host": "h", "domain": "d", "life": 0})),
        (create, json!({"name": "n", "host": "h", "domain": "d", "life": 2_101})),
        (search, json!({"p": ""})),
        (search, json!({"p": "1234567"})),
        (search, json!({"p": "1", "l": 101})),
        (POLL, json!({"g": group, "since": "yesterday"})),
        (REPORT, json!({"g": group, "n": "h", "data": []})),
        (REPORT, json!({"g": group, "n": "h", "data": data("", "v")})),
        (REPORT, json!({"g": group, "n": "h", "data": data(&long, "v")})),
        (REPORT, json!({"g": group, "n": "x".repeat(129), "data": data("k", "v")})),
        (FIRE, json!({"g": group, "n": "h", "events": []})),
    ];
    for (query, variables) in refused {
        let answer = server.ask(query, variables.clone()).await;
        let (kind, message) = error(&answer);
        assert_eq!(kind, "ValidationError", "{variables}");
        let lower = message.to_lowercase();
        assert!(
            !["not found", "expired", "unauthorized"].iter().any(|word| lower.contains(word)),
            "{message}"
        );
        assert!(!message.contains("xxx"), "nothing is repeated: {message}");
    }
    server.data(CREATE, json!({"hostId": "h", "name": "x".repeat(256)})).await;
}
