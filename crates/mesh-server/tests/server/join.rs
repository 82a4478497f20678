//! The entrance for pupils: the board's code, for which they get the key.

use hyper::{Method, StatusCode};
use mesh_server::http::{Folder, Readers};
use serde_json::{Value, json};

use crate::admin::Board;
use crate::support::{KEY, Options, Response, TestServer};

async fn enter(server: &TestServer, code: &str) -> Response {
    let body = json!({ "code": code }).to_string();
    let headers = [("content-type", "application/json")];
    server.client().await.send(Method::POST, "/join/enter", &headers, body.as_bytes()).await
}

fn parsed(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

#[tokio::test]
async fn the_code_of_an_open_board_gives_the_key() {
    let server = TestServer::start().await;
    let lobby = Board::lobby(&server).await;
    let code = lobby.code();
    assert_eq!(enter(&server, "aaaaaa").await.status, StatusCode::NOT_FOUND);
    let entered = enter(&server, code).await;
    assert_eq!(entered.header("cache-control"), Some("no-store"));
    assert_eq!(parsed(&entered), json!({"key": KEY, "page": "/example/"}));
    let group = server.create("h").await;
    let only = json!({"id": group, "domain": "d", "name": "n"});
    assert_eq!(parsed(&enter(&server, code).await)["group"], only);
    server.create("h2").await;
    assert!(parsed(&enter(&server, code).await)["group"].is_null(), "which one is a choice");
}

#[tokio::test]
async fn with_a_folder_its_page_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<title>Editor</title>").unwrap();
    let folder = Some(Folder::open(folder.path(), Readers::OwnPages).unwrap());
    let server = TestServer::start_with(Options { folder, ..Options::default() }).await;
    let lobby = Board::lobby(&server).await;
    assert_eq!(parsed(&enter(&server, lobby.code()).await)["page"], "/");
}

#[tokio::test]
async fn who_guesses_is_held_up() {
    let server = TestServer::start().await;
    let lobby = Board::lobby(&server).await;
    let mut client = server.client().await;
    let headers = [("content-type", "application/json")];
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses
            .push(client.send(Method::POST, "/join/enter", &headers, br#"{"code":"aaaaaa"}"#).await.status);
    }
    assert!(statuses.starts_with(&[StatusCode::NOT_FOUND]));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    let held_up = enter(&server, lobby.code()).await;
    assert_eq!((held_up.status, held_up.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("60")));
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let server = TestServer::start().await;
    for body in [&b""[..], b"{}", b"[]", br#"{"code":7}"#, b"\xff"] {
        let refused = server.client().await.send(Method::POST, "/join/enter", &[], body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body:?}");
    }
    let long = format!(r#"{{"code":"{}"}}"#, "a".repeat(2_000));
    let refused = server.client().await.send(Method::POST, "/join/enter", &[], long.as_bytes()).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let foreign = [("origin", "https://evil.example"), ("host", "mesh.example")];
    let preflight = server.client().await.send(Method::OPTIONS, "/join/enter", &foreign, b"").await;
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        Some("POST, OPTIONS"),
        "loopback serves all"
    );
    let page = server.client().await.send(Method::GET, "/join/", &[], b"").await;
    assert_eq!(page.status, StatusCode::OK);
}
