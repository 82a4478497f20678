//! Names that lead here without being the server's own (DNS rebinding), and odd names of files.

use hyper::{Method, StatusCode};
use mesh_server::http::{Folder, Origins, Readers};

use crate::support::{KEY, Options, TestServer};

#[tokio::test]
async fn pages_are_served_under_own_names_alone() {
    let server = TestServer::start().await;
    for path in ["/", "/board/", "/example/", "/join/", "/metrics", "/admin/board", "/nothing"] {
        for host in ["evil.example", "[::1].evil", "127.0.0.1.evil.example:4000"] {
            let answer = server.client().await.send(Method::GET, path, &[("host", host)], b"").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}{path}");
        }
    }
    for host in ["localhost:4000", "127.0.0.1", "[::1]:4000"] {
        let answer = server.client().await.send(Method::GET, "/board/", &[("host", host)], b"").await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn a_page_under_a_strange_name_is_not_the_servers_own() {
    let origins = Origins::Listed(vec!["https://school.example".parse().unwrap()]);
    let server = TestServer::start_with(Options { origins, ..Options::default() }).await;
    for (origin, host, code) in [
        ("http://evil.example", "evil.example", 403),
        ("http://localhost:4000", "localhost:4000", 200),
        ("https://school.example", "evil.example", 200),
    ] {
        let headers = [("origin", origin), ("host", host), ("x-api-key", KEY)];
        let body = br#"{"query":"{ __typename }"}"#;
        let answer = server.client().await.send(Method::POST, "/graphql", &headers, body).await;
        assert_eq!(answer.status.as_u16(), code, "{origin} {host}");
    }
}

#[tokio::test]
async fn odd_names_of_files_are_not_found() {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
    let folder = Some(Folder::open(folder.path(), Readers::OwnPages).unwrap());
    let server = TestServer::start_with(Options { folder, ..Options::default() }).await;
    for path in ["/loop".to_owned(), format!("/{}", "x".repeat(300)), "/%00".to_owned()] {
        let answer = server.client().await.send(Method::GET, &path, &[], b"").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}
