//! Pages that are part of the binary.

use std::io::Read;

use flate2::read::GzDecoder;
use hyper::{Method, StatusCode};

use mesh_server::http::Console;

use crate::support::{KEY, Options, Response, TestServer};

async fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    server.client().await.send(Method::GET, path, headers, b"").await
}

#[tokio::test]
async fn a_page_loads_nothing_from_elsewhere_and_is_framed_by_nobody() {
    let server = TestServer::start().await;
    let page = get(&server, "/board/", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cross-origin-resource-policy"), Some("same-origin"));
    let moved = get(&server, "/board", &[]).await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::PERMANENT_REDIRECT, Some("/board/")));
}

#[tokio::test]
async fn a_page_that_the_browser_has_is_not_sent_again() {
    let server = TestServer::start().await;
    let page = get(&server, "/board/", &[]).await;
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let tag = page.header("etag").unwrap();
    let again = get(&server, "/board/", &[("if-none-match", &format!("\"other\", {tag}"))]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header("etag"), Some(tag));
    let changed = get(&server, "/board/", &[("if-none-match", "\"other\"")]).await;
    assert_eq!((changed.status, changed.body), (StatusCode::OK, page.body.clone()));
    let head = server.client().await.send(Method::HEAD, "/board/", &[], b"").await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (StatusCode::OK, 0, Some(tag)));
    let length = head.header("content-length").unwrap().parse();
    assert_eq!(length, Ok(page.body.len()));
}

#[tokio::test]
async fn what_is_no_file_of_a_page_is_not_found() {
    let server = TestServer::start().await;
    for path in ["/board/nothing.js", "/board/../index.html", "/board/%2e%2e/Cargo.toml", "/boards"] {
        assert_eq!(get(&server, path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let posted = server.client().await.send(Method::POST, "/board/", &[], b"").await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}
#[tokio::test]
async fn large_files_are_compressed_for_who_takes_it() {
    let server = TestServer::start().await;
    let plain = get(&server, "/console/console.js", &[]).await;
    let compressed = get(&server, "/console/console.js", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert!(compressed.body.len() < plain.body.len());
    let mut text = Vec::new();
    GzDecoder::new(&compressed.body[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
}

#[tokio::test]
async fn the_console_is_for_loopback_unless_it_is_wanted() {
    for (console, status) in [
        (Console::OnLoopback, StatusCode::OK),
        (Console::On, StatusCode::OK),
        (Console::Off, StatusCode::NOT_FOUND),
    ] {
        let server = TestServer::start_with(Options { console, ..Options::default() }).await;
        for path in ["/console/", "/console/console.js"] {
            let page = get(&server, path, &[]).await;
            assert_eq!(page.status, status, "{console:?} {path}");
            assert!(!String::from_utf8_lossy(&page.body).contains(KEY), "a page never has the key");
        }
        let first = get(&server, "/", &[]).await;
        let leads_to = (console == Console::Off).then_some("/join/");
        assert_eq!(first.header("location"), leads_to, "{console:?}");
    }
    assert!(
        !Console::OnLoopback.is_served(false)
            && Console::On.is_served(false)
            && !Console::Off.is_served(true)
    );
}
