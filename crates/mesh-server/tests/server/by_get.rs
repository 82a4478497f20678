//! Queries by GET, and the schema as a file.

use hyper::{Method, StatusCode};
use mesh_server::graphql::schema::SDL;
use mesh_server::http::Origins;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{CREATE, Client, KEY, Options, Response, TestServer};

const LIST: &str = "query Groups($d: String!) { listGroupsByDomain(domain: $d) { id name } }
    query Other { __typename }";

fn path(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("/graphql?{}", pairs.join("&"))
}

async fn get(client: &mut Client, fields: &[(&str, &str)]) -> Response {
    client.send(Method::GET, &path(fields), &[("x-api-key", KEY)], b"").await
}

#[tokio::test]
async fn a_query_is_answered_as_by_post() {
    let server = TestServer::start().await;
    server.data(CREATE, json!({"hostId": "h", "name": "Käse & Co +1"})).await;
    let mut client = server.client().await;
    let variables = json!({"d": "d"});
    let body = json!({"query": LIST, "variables": variables, "operationName": "Groups"}).to_string();
    let by_post = client.post(body.as_bytes()).await.json();
    assert_eq!(by_post["data"]["listGroupsByDomain"][0]["name"], "Käse & Co +1");
    let variables = variables.to_string();
    let fields = [
        ("query", LIST),
        ("variables", &*variables),
        ("operationName", "Groups"),
        ("extensions", "{\"x\":1}"),
    ];
    let by_get = get(&mut client, &fields).await;
    assert_eq!((by_get.status, by_get.json()), (StatusCode::OK, by_post));
    assert_eq!(by_get.header("cache-control"), Some("no-store"));
    // As forms write it: a plus is a blank.
    let response = client.send(
        Method::GET,
        "/graphql?query=query+%7B+__typename+%7D&variables=",
        &[("x-api-key", KEY)],
        b"",
    );
    assert_eq!(response.await.json(), json!({"data": {"__typename": "Query"}}));
}

#[tokio::test]
async fn only_queries_are_answered() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let create = r#"mutation { createGroup(name: "n", hostId: "h", domain: "d") { id } }"#;
    let both = format!("{create} query Q {{ __typename }}").replace("mutation", "mutation M");
    for fields in [vec![("query", create)], vec![("query", &*both), ("operationName", "M")]] {
        let response = get(&mut client, &fields).await;
        assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("allow"), Some("POST, OPTIONS"));
        assert_eq!(response.header("x-amzn-errortype"), Some("MethodNotAllowed"));
    }
    let groups: Value =
        client.data("{ listGroupsByDomain(domain: \"d\") { id } }", json!({})).await["listGroupsByDomain"]
            .take();
    assert_eq!(groups, json!([]), "nothing was made");
    let live = "subscription { onMessageInGroup(groupId: \"g\", domain: \"d\") { groupId } }";
    let message = get(&mut client, &[("query", live)]).await.json()["errors"][0]["message"].take();
    assert!(message.as_str().unwrap().contains("WebSocket"), "{message}");
    for fields in [
        vec![("variables", "{}")],
        vec![("query", "")],
        vec![("query", "{ __typename }"), ("variables", "[]")],
        vec![("query", "{ __typename }"), ("variables", "{")],
    ] {
        let response = get(&mut client, &fields).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert_eq!(response.header("x-amzn-errortype"), Some("BadRequestException"));
    }
}

#[tokio::test]
async fn keys_and_origins_are_those_of_post() {
    let listed = Origins::Listed(vec!["https://school.example".parse().unwrap()]);
    let server = TestServer::start_with(Options { origins: listed, ..Options::default() }).await;
    let mut client = server.client().await;
    let path = path(&[("query", "{ __typename }")]);
    for headers in [vec![], vec![("x-api-key", "da2-wrong")]] {
        let response = client.send(Method::GET, &path, &headers, b"").await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    }
    let in_path = format!("{path}&x-api-key={KEY}");
    let response = client.send(Method::GET, &in_path, &[], b"").await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED, "keys in addresses would be logged");
    for (origin, status) in
        [("https://school.example", StatusCode::OK), ("https://evil.example", StatusCode::FORBIDDEN)]
    {
        let response = client.send(Method::GET, &path, &[("x-api-key", KEY), ("origin", origin)], b"").await;
        assert_eq!(response.status, status, "{origin}");
        let allowed = response.header("access-control-allow-origin");
        assert_eq!(allowed.is_some(), status == StatusCode::OK);
    }
    // A page whose name a stranger made lead here sends no origin with a GET.
    let rebound = [("x-api-key", KEY), ("host", "rebound.example")];
    assert_eq!(client.send(Method::GET, &path, &rebound, b"").await.status, StatusCode::FORBIDDEN);
    let asked = [("origin", "https://school.example"), ("access-control-request-method", "GET")];
    let preflight = client.send(Method::OPTIONS, &path, &asked, b"").await;
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
}

#[tokio::test]
async fn the_schema_is_a_file() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let response = client.send(Method::GET, "/schema.graphql", &[], b"").await;
    assert_eq!((response.status, &*response.body), (StatusCode::OK, SDL.as_bytes()));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
}
