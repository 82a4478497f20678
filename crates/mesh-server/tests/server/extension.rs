//! The extension for Scratch-like editors.

use std::io::Read;

use flate2::read::GzDecoder;
use hyper::{Method, StatusCode};

use crate::support::{KEY, Response, TestServer};

async fn extension(server: &TestServer, headers: &[(&str, &str)]) -> Response {
    server.client().await.send(Method::GET, "/extension/mesh.js", headers, b"").await
}

#[tokio::test]
async fn every_page_may_load_it_and_it_knows_where_it_came_from() {
    let server = TestServer::start().await;
    for host in ["192.168.1.20:4000", "localhost", "[::1]:4000"] {
        let file = extension(&server, &[("host", host), ("origin", "https://turbowarp.org")]).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(file.header("access-control-allow-origin"), Some("*"));
        assert_eq!(file.header("cross-origin-resource-policy"), Some("cross-origin"));
        let text = String::from_utf8(file.body.to_vec()).unwrap();
        assert!(text.contains(&format!("\"http://{host}/graphql\"")), "{host}");
        assert!(!text.contains("%MESH_ENDPOINT%") && !text.contains(KEY));
    }
}

#[tokio::test]
async fn nobody_else_writes_into_it() {
    let server = TestServer::start().await;
    for host in ["evil.example", "localhost:\"-alert()-\"", "127.0.0.1:99999", "localhost:1/x", "[::1]evil:1"]
    {
        let file = extension(&server, &[("host", host)]).await;
        assert_eq!(file.status, StatusCode::FORBIDDEN, "{host}");
    }
}

#[tokio::test]
async fn it_is_small() {
    let server = TestServer::start().await;
    let plain = extension(&server, &[]).await;
    let compressed = extension(&server, &[("accept-encoding", "gzip")]).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert!(compressed.body.len() <= 15_000, "{} bytes", compressed.body.len());
    let mut text = Vec::new();
    GzDecoder::new(&compressed.body[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
}
