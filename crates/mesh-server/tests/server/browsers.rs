//! What browsers need, and what pages of others must not get.

use hyper::{Method, StatusCode};
use mesh_server::http::{EDITORS, Origins};
use serde_json::json;

use crate::support::{KEY, Options, Response, Socket, TestServer};

async fn post(server: &TestServer, headers: &[(&str, &str)]) -> Response {
    let body = json!({"query": "{ __typename }"}).to_string();
    server.client().await.send(Method::POST, "/graphql", headers, body.as_bytes()).await
}

async fn listed() -> TestServer {
    let origins = Origins::Listed(vec!["https://smalruby.app".parse().unwrap()]);
    TestServer::start_with(Options { origins, ..Options::default() }).await
}

#[tokio::test]
async fn a_loopback_listener_serves_any_origin() {
    let server = TestServer::start().await;
    let response = post(&server, &[("origin", "https://anywhere.example"), ("x-api-key", KEY)]).await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.header("access-control-allow-origin"), Some("https://anywhere.example"));
    let exposed = response.header("access-control-expose-headers").unwrap();
    assert_eq!(exposed, "x-amzn-RequestId, x-amzn-ErrorType, retry-after");
    assert!(response.header("x-amzn-RequestId").is_some());
    assert!(Socket::of_origin(server.address, "https://anywhere.example").await.is_ok());
}

#[tokio::test]
async fn a_list_serves_its_origins_and_the_own() {
    let server = listed().await;
    let own = format!("http://{}", server.address);
    for origin in ["https://smalruby.app", &own] {
        let response = post(&server, &[("origin", origin), ("x-api-key", KEY)]).await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        assert!(Socket::of_origin(server.address, origin).await.is_ok());
    }
    for origin in
        ["https://evil.example", "null", "https://smalruby.app.evil.example", "http://smalruby.app", ""]
    {
        let response = post(&server, &[("origin", origin), ("x-api-key", KEY)]).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(response.header("access-control-allow-origin"), None);
        assert!(Socket::of_origin(server.address, origin).await.is_err(), "{origin}");
    }
    // Programs that are no pages send no origin.
    assert_eq!(post(&server, &[("x-api-key", KEY)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn stars_and_editors_are_served() {
    let mut allowed: Vec<_> = EDITORS.iter().map(|editor| editor.parse().unwrap()).collect();
    allowed.push("https://*.school.example".parse().unwrap());
    let origins = Origins::Listed(allowed);
    let server = TestServer::start_with(Options { origins, ..Options::default() }).await;
    for origin in ["https://a.school.example", "null", "tw-editor://.", "https://turbowarp.org"] {
        let response = post(&server, &[("origin", origin), ("x-api-key", KEY)]).await;
        assert_eq!(response.status, StatusCode::OK, "{origin}");
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        assert!(response.header("access-control-expose-headers").unwrap().contains("retry-after"));
        assert!(Socket::of_origin(server.address, origin).await.is_ok());
    }
    for origin in ["https://school.example", "https://evil.example", "https://x.turbowarp.org"] {
        let response = post(&server, &[("origin", origin), ("x-api-key", KEY)]).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{origin}");
    }
}

#[tokio::test]
async fn errors_reach_pages_too() {
    let server = listed().await;
    let origin = ("origin", "https://smalruby.app");
    let wrong_key = post(&server, &[origin]).await;
    let mut client = server.client().await;
    let no_json = client.send(Method::POST, "/graphql", &[origin, ("x-api-key", KEY)], b"{").await;
    let large = vec![b' '; (1 << 20) + 1];
    let too_large = client.send(Method::POST, "/graphql", &[origin, ("x-api-key", KEY)], &large).await;
    for response in [wrong_key, no_json, too_large] {
        assert!(response.status.is_client_error());
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some("https://smalruby.app"),
            "{response:?}"
        );
        assert!(response.header("x-amzn-errortype").is_some());
    }
}

#[tokio::test]
async fn preflights_are_answered() {
    let server = listed().await;
    let mut client = server.client().await;
    let asked = "content-type,x-api-key,x-amz-user-agent,authorization,x-other";
    let headers = [
        ("origin", "https://smalruby.app"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", asked),
        ("access-control-request-private-network", "true"),
    ];
    let response = client.send(Method::OPTIONS, "/graphql", &headers, b"").await;
    assert!(response.status.is_success());
    assert_eq!(response.header("access-control-allow-origin"), Some("https://smalruby.app"));
    assert_eq!(response.header("access-control-allow-headers"), Some(asked));
    assert_eq!(response.header("access-control-max-age"), Some("7200"));
    assert_eq!(response.header("access-control-allow-private-network"), Some("true"));
    assert!(response.header("access-control-allow-methods").unwrap().contains("POST"));
    let response = client.send(Method::OPTIONS, "/graphql", &headers[..2], b"").await;
    let allowed = response.header("access-control-allow-headers").unwrap();
    for header in ["content-type", "x-api-key", "x-amz-user-agent", "authorization"] {
        assert!(allowed.contains(header), "{allowed}");
    }
    assert_eq!(response.header("access-control-allow-private-network"), None);
    let foreign = client.send(Method::OPTIONS, "/graphql", &[("origin", "https://evil.example")], b"").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn figures_are_for_no_page() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let port = server.address.port();
    for host in
        [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "localhost".into(), "[::1]:80".into()]
    {
        let headers = [("host", &*host), ("origin", "https://anywhere.example")];
        let response = client.send(Method::GET, "/metrics", &headers, b"").await;
        assert_eq!(response.status, StatusCode::OK, "{host}");
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
    for host in ["rebound.example", "rebound.example:4000", "localhost.example", ""] {
        let response = client.send(Method::GET, "/metrics", &[("host", host)], b"").await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{host}");
    }
}

#[tokio::test]
async fn domains_behind_proxies_are_told_by_the_trusted_ones() {
    let server = TestServer::start_with(Options { trusted_proxies: 2, ..Options::default() }).await;
    let mut client = server.client().await;
    let mut domain = async |forwarded: &str| {
        let body = json!({"query": "mutation { createDomain }"}).to_string();
        let headers = [("x-api-key", KEY), ("x-forwarded-for", forwarded)];
        let answer = client.send(Method::POST, "/graphql", &headers, body.as_bytes()).await.json();
        answer["data"]["createDomain"].as_str().map(ToOwned::to_owned)
    };
    let school = domain("203.0.113.7, 198.51.100.1").await.unwrap();
    assert_eq!(domain("192.0.2.99, 203.0.113.7, 198.51.100.1").await.as_ref(), Some(&school), "forged");
    assert_ne!(domain("203.0.113.8, 198.51.100.1").await.unwrap(), school);
    assert_eq!(domain("203.0.113.7").await, None, "too few proxies");
    assert_eq!(domain("nonsense, 198.51.100.1").await, None);
}
