//! A folder of the operator's beside the API.

use std::fs;
use std::path::Path;

use hyper::{Method, StatusCode};
use mesh_server::http::{Folder, Readers};
use tempfile::TempDir;

use crate::support::{Options, Response, TestServer};

/// A server with this folder beside the API.
async fn server_of(folder: &Path) -> TestServer {
    server_for(folder, Readers::OwnPages).await
}

async fn server_for(folder: &Path, readers: Readers) -> TestServer {
    let folder = Folder::open(folder, readers).unwrap();
    TestServer::start_with(Options { folder: Some(folder), ..Options::default() }).await
}

/// A folder with a page, a script, a folder in it, and what must not be served.
fn editor() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("outside/secret.txt", "secret");
    write("editor/index.html", "<title>Editor</title>");
    write("editor/static/editor.js", "let editor;");
    write("editor/static/日本.json", "{}");
    write("editor/help/index.html", "<title>Help</title>");
    write("editor/.env", "secret");
    write("editor/.git/config", "secret");
    write("editor/graphql", "secret");
    write("editor/board/index.html", "secret");
    folder
}

async fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    server.client().await.send(Method::GET, path, headers, b"").await
}

#[tokio::test]
async fn pages_from_elsewhere_may_read_if_the_operator_says_so() {
    let folder = editor();
    let server = server_for(&folder.path().join("editor"), Readers::AllPages).await;
    let elsewhere = [("origin", "https://editor.example")];
    for path in ["/static/editor.js", "/"] {
        let file = get(&server, path, &elsewhere).await;
        assert_eq!(
            (file.status, file.header("access-control-allow-origin")),
            (StatusCode::OK, Some("*")),
            "{path}"
        );
        assert_eq!(file.header("cross-origin-resource-policy"), Some("cross-origin"), "{path}");
    }
    // Nothing else becomes readable by it.
    for path in ["/health", "/metrics", "/board/", "/static/none.js"] {
        assert_eq!(
            get(&server, path, &elsewhere).await.header("access-control-allow-origin"),
            None,
            "{path}"
        );
    }
}

#[tokio::test]
async fn its_files_are_served_with_their_types() {
    let folder = editor();
    let server = server_of(&folder.path().join("editor")).await;
    for (path, content_type, text) in [
        ("/", "text/html", "<title>Editor</title>"),
        ("/index.html", "text/html", "<title>Editor</title>"),
        ("/static/editor.js?v=1", "text/javascript", "let editor;"),
        ("/static/%E6%97%A5%E6%9C%AC.json", "application/json", "{}"),
        ("/help/", "text/html", "<title>Help</title>"),
    ] {
        let file = get(&server, path, &[]).await;
        assert_eq!((file.status, &file.body[..]), (StatusCode::OK, text.as_bytes()), "{path}");
        assert_eq!(file.header("content-type"), Some(content_type), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("access-control-allow-origin"), None);
    }
    let moved = get(&server, "/help", &[]).await;
    assert_eq!(moved.header("location"), Some("/help/"));
    assert_eq!(get(&server, "/static/", &[]).await.status, StatusCode::NOT_FOUND, "folders are not listed");
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again_and_parts_can_be_asked_for() {
    let folder = editor();
    let server = server_of(&folder.path().join("editor")).await;
    let path = "/static/editor.js";
    let file = get(&server, path, &[]).await;
    let tag = file.header("etag").unwrap();
    assert_eq!(file.header("cache-control"), Some("no-cache"));
    let again = get(&server, path, &[("if-none-match", tag)]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let part = get(&server, path, &[("range", "bytes=4-9")]).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"editor"[..]));
    let head = server.client().await.send(Method::HEAD, path, &[], b"").await;
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (StatusCode::OK, 0, Some("11"))
    );
}

#[tokio::test]
async fn nothing_outside_of_it_and_nothing_hidden_is_served() {
    let folder = editor();
    let inside = folder.path().join("editor");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(folder.path().join("outside"), inside.join("out")).unwrap();
        symlink(folder.path().join("outside/secret.txt"), inside.join("out.txt")).unwrap();
        symlink(inside.join(".env"), inside.join("env")).unwrap();
        symlink(inside.join("index.html"), inside.join("start.html")).unwrap();
    }
    let server = server_of(&inside).await;
    for path in [
        "/../outside/secret.txt",
        "/%2e%2e/outside/secret.txt",
        "/static/..%2f..%2foutside%2fsecret.txt",
        "/static/..%5c..%5c..%5coutside%5csecret.txt",
        "//etc/hosts",
        "/%00",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/static/../.env",
        "/out/secret.txt",
        "/out.txt",
        "/env",
        "/nothing",
    ] {
        let refused = get(&server, path, &[]).await;
        assert!(!String::from_utf8_lossy(&refused.body).contains("secret"), "{path}");
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
    }
    #[cfg(unix)]
    assert_eq!(get(&server, "/start.html", &[]).await.status, StatusCode::OK, "a link inside of it");
}

#[tokio::test]
async fn the_servers_own_paths_win() {
    let folder = editor();
    let server = server_of(&folder.path().join("editor")).await;
    server.create("h").await;
    for path in ["/graphql", "/graphql/realtime", "/health", "/board/"] {
        let own = get(&server, path, &[]).await;
        assert!(!String::from_utf8_lossy(&own.body).contains("secret"), "{path}");
    }
    assert_eq!(get(&server, "/health", &[]).await.status, StatusCode::OK);
    let posted = server.client().await.send(Method::POST, "/index.html", &[], b"{}").await;
    assert_eq!(posted.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn at_the_first_page_its_index_takes_the_place_of_the_console() {
    let folder = editor();
    let own = get(&server_of(&folder.path().join("editor")).await, "/", &[]).await;
    assert_eq!(&own.body[..], b"<title>Editor</title>");
    let console = get(&server_of(&folder.path().join("outside")).await, "/", &[]).await;
    assert_eq!(console.status, StatusCode::OK);
    assert!(console.header("content-security-policy").is_some());
}

#[tokio::test]
async fn a_name_that_others_lead_to_this_machine_is_refused() {
    let folder = editor();
    let server = server_of(&folder.path().join("editor")).await;
    assert_eq!(get(&server, "/", &[("host", "evil.example")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&server, "/", &[("host", "192.168.0.5:4000")]).await.status, StatusCode::OK);
}
