//! The binary itself: starting, telling, stopping.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[cfg(unix)]
use crate::support::Client;
use crate::support::{CREATE, FIRE, JOIN, KEY, Process, REPORT, Socket, event, mesh};

/// Runs `mesh` to its end: the exit code, standard output and standard error.
async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = mesh().args(arguments).envs(environment.iter().copied()).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn it_tells_what_a_user_needs_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = mesh();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let server = Process::spawn(command).await;
    assert_eq!(server.ready, format!("Mesh is ready: http://{}/graphql\n", server.address));
    let told = server.errors();
    assert!(told.contains(&format!("ws://{}/graphql/realtime", server.address)), "{told}");
    let key = std::fs::read_to_string(data.join("api-key")).unwrap().trim().to_owned();
    assert!(key.starts_with("da2-") && key.len() == 30 && told.contains(&key), "{told}");

    // Links that bring their keys in the fragment, which no request carries.
    assert!(told.contains(&format!("http://{}/console/#key={key}", server.address)), "{told}");
    let admin_key = std::fs::read_to_string(data.join("admin-key")).unwrap().trim().to_owned();
    assert!(admin_key.starts_with("admin-") && admin_key.len() == 26 && admin_key != key);
    let board = format!("http://{}/board/#key={admin_key}", server.address);
    assert!(told.contains(&board), "{told}");

    let curl = told.lines().find(|line| line.trim().starts_with("curl")).unwrap().to_owned();
    let pasted = tokio::process::Command::new("sh").args(["-c", &curl]).output().await.unwrap();
    let answer: Value = serde_json::from_slice(&pasted.stdout).unwrap();
    assert_eq!(answer["data"]["createDomain"].as_str().unwrap().len(), 16);

    let health = server.client().await.send(hyper::Method::GET, "/health", &[], b"").await.json();
    assert_eq!(health, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in ["api-key", "admin-key", "domain-secret", "store.log"] {
            let mode = std::fs::metadata(data.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
    // The key, the domain and their files stay over restarts.
    server.kill().await;
    let mut command = mesh();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    let again = Process::spawn(command).await;
    assert!(again.errors().contains(&key));
}

#[tokio::test]
async fn several_listeners_and_keys() {
    let mut command = mesh();
    command
        .args(["serve", "--in-memory", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"])
        .env("MESH_API_KEY", format!("da2-other,{KEY}"));
    let server = Process::spawn(command).await;
    let told = server.errors();
    let second = told.lines().find(|line| line.contains("also at")).unwrap();
    assert!(second.contains("http://[::1]:"), "{told}");
    server.data(CREATE, json!({"hostId": "h"})).await;
}

#[tokio::test]
async fn an_unspecified_address_is_told_as_one_that_others_reach() {
    let mut command = mesh();
    command.args(["serve", "--in-memory", "--listen", "0.0.0.0:0", "--api-key", KEY]);
    let server = Process::spawn(command).await;
    assert!(!server.address.ip().is_unspecified());
    let told = server.errors();
    assert!(
        told.contains("/board/ (") && !told.contains("#key="),
        "neither key nor console for the room: {told}"
    );
    let first = server.client().await.send(hyper::Method::GET, "/", &[], b"").await;
    assert_eq!(first.header("location"), Some("/join/"));
    let console = server.client().await.send(hyper::Method::GET, "/console/", &[], b"").await;
    assert_eq!(console.status, hyper::StatusCode::NOT_FOUND);
    server.data(CREATE, json!({"hostId": "h"})).await;
}

#[tokio::test]
async fn half_an_address_is_completed() {
    let server = Process::start(&["--in-memory", "--listen", "0"]).await;
    assert!(server.address.ip().is_loopback());
    let (code, _, told) = run(&["serve", "--in-memory", "--listen", "192.0.2.1"], &[]).await;
    assert!(code == Some(1) && told.contains("192.0.2.1:4000"), "{told}");
}

#[tokio::test]
async fn options_that_would_serve_nobody_or_everybody_are_refused() {
    let same = ["--api-key", "da2-the-same-key", "--admin-key", "da2-the-same-key"];
    for (arguments, word) in [
        (&["--max-connections", "0"][..], "--max-connections"),
        (&["--rate-limit", "fast"], "--rate-limit"),
        (&["--rate-limit", "0"], "--rate-limit"),
        (&["--memory-limit", "1GB2"], "such as 512MB or 2GB"),
        (&["--memory-limit", "64MB"], "between 128MB and 1024GB"),
        (&same, "must not be one of --api-key"),
    ] {
        let serve = ["serve", "--in-memory", "--listen", "127.0.0.1:0"];
        let (code, ready, told) = run(&[&serve[..], arguments].concat(), &[]).await;
        assert!(code.is_some_and(|code| code > 0) && ready.is_empty() && told.contains(word), "{told}");
    }
}

#[tokio::test]
async fn limits_of_memory_are_parts_of_one() {
    let server = Process::start(&["--in-memory", "--memory-limit", "128MB"]).await;
    let answer = server.client().await.send(hyper::Method::GET, "/metrics", &[], b"").await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains(&format!("mesh_memory_limit_bytes{{kind=\"nodes\"}} {}", 32 << 20)), "{text}");
    assert!(text.contains("mesh_memory_bytes{kind=\"nodes\"} 0"), "{text}");
}

#[tokio::test]
async fn no_log_level_shows_keys() {
    let server = Process::start(&["--in-memory", "--log-level", "trace", "--admin-key", "admin-trace"]).await;
    let keys = || server.errors().matches(KEY).count() + server.errors().matches("admin-trace").count();
    let before = keys();
    let created = server.data(CREATE, json!({"hostId": "the host's id"})).await;
    let group = created["createGroup"]["id"].as_str().unwrap().to_owned();
    let mut socket = Socket::open(server.address, KEY).await;
    socket.init().await;
    socket.subscribe("1", &group, "d").await;
    server.data(JOIN, json!({"g": group, "n": "the node's id"})).await;
    let data = json!([{"key": "the key of a value", "value": "the value"}]);
    server.data(REPORT, json!({"g": group, "n": "the node's id", "data": data})).await;
    server.data(FIRE, json!({"g": group, "n": "the node's id", "events": [event("the event")]})).await;
    socket.data("1").await;
    let wrong = [("x-api-key", "da2-a-wrong-one"), ("x-admin-key", "admin-a-wrong-one")];
    for (method, path) in [(hyper::Method::POST, "/graphql"), (hyper::Method::GET, "/admin/board")] {
        server.client().await.send(method, path, &wrong, b"{}").await;
    }
    server.data(CREATE, json!({"hostId": "another"})).await;
    let told = server.errors();
    let hidden =
        ["the host's id", "the node's id", &group, "the key of", "the value", "the event", "a-wrong-one"];
    for hidden in hidden {
        assert!(!told.contains(hidden), "{hidden}: {told}");
    }
    assert_eq!(keys(), before, "where it is printed for the operator alone");
}

/// A server that may open 64 files, and was told to take a thousand connections.
#[cfg(unix)]
async fn with_few_descriptors() -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mesh")]);
    command.args(["serve", "--in-memory", "--listen", "127.0.0.1:0", "--api-key", KEY, "--no-mdns"]);
    command.args(["--max-connections", "1000"]).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::spawn(command).await
}

#[cfg(unix)]
#[tokio::test]
async fn without_descriptors_the_newest_client_is_told_and_the_log_once() {
    let server = with_few_descriptors().await;
    let health = async |client: &mut Client| {
        client.send(hyper::Method::GET, "/health", &[], b"").await.status.as_u16()
    };
    let (mut open, mut refused) = (Vec::new(), 0);
    while refused < 5 {
        let mut client = server.client().await;
        match health(&mut client).await {
            200 => open.push(client),
            status => {
                assert_eq!(status, 429);
                refused += 1;
            }
        }
        assert!(open.len() < 64, "no limit");
    }
    for client in &mut open {
        assert_eq!(health(client).await, 200, "who was there before is served");
    }
    assert_eq!(server.errors().matches("connections cannot be accepted").count(), 1);
    drop(open);
    while health(&mut server.client().await).await != 200 {}
}

#[tokio::test]
async fn what_is_advertised_is_told() {
    let mut command = mesh();
    command.args([
        "serve",
        "--in-memory",
        "--listen",
        "0.0.0.0:0",
        "--advertise",
        "mesh.school.example",
        "--tls",
    ]);
    command.args(["--no-mdns", "--print-admin-link"]);
    let server = Process::spawn(command).await;
    let told = server.errors();
    let board = format!("https://mesh.school.example:{}/board/#key=admin-", server.address.port());
    assert!(told.contains(&board), "{told}");
}

#[tokio::test]
async fn people_read_their_language() {
    let server = Process::start(&["--in-memory", "--language", "ja"]).await;
    assert!(server.errors().contains("みんなのキー"), "{}", server.errors());
    let taken = server.address.to_string();
    let serve = ["serve", "--in-memory", "--language", "ja", "--listen", &taken];
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("を使えません"), "{told}");
}

#[tokio::test]
async fn a_second_start_says_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::over(folder.path()).await;
    let address = first.address.to_string();
    let serve = ["serve", "--listen", &address, "--data", folder.path().to_str().unwrap()];
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("running already"), "{told}");
    assert!(told.contains(&format!("http://{address}/board/")), "{told}");
    first.kill().await;
}

#[tokio::test]
async fn options_win_over_the_environment() {
    let mut command = mesh();
    command
        .args(["serve", "--in-memory", "--listen", "127.0.0.1:0", "--api-key", KEY])
        .args(["--max-connection-time-seconds", "100"])
        .env("MESH_MAX_CONNECTION_TIME_SECONDS", "200")
        .env("MESH_HOST_HEARTBEAT_INTERVAL_SECONDS", "7")
        .env("MESH_TLS", "false");
    let server = Process::spawn(command).await;
    let create = |life: u32| {
        format!(
            r#"mutation {{ createGroup(name: "n", hostId: "h", domain: "d", maxConnectionTimeSeconds: {life}) {{ heartbeatIntervalSeconds }} }}"#
        )
    };
    let created = server.data(&create(100), json!({})).await;
    assert_eq!(created["createGroup"]["heartbeatIntervalSeconds"], 7);
    let refused = server.client().await.ask(&create(101), json!({})).await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("1 to 100"), "{refused}");
}

#[tokio::test]
async fn settings_that_make_no_sense_stop_the_start() {
    let serve = ["serve", "--in-memory", "--listen", "127.0.0.1:0"];
    for (name, value) in [
        ("MESH_HOST_HEARTBEAT_INTERVAL_SECONDS", "150"),
        ("MESH_MEMBER_HEARTBEAT_INTERVAL_SECONDS", "600"),
        ("MESH_POLLING_INTERVAL_SECONDS", "30"),
        ("MESH_EVENT_TTL_SECONDS", "0"),
    ] {
        let (code, out, told) = run(&serve, &[(name, value)]).await;
        assert_eq!((code, &*out), (Some(1), ""), "{told}");
        assert!(told.contains(name), "{told}");
    }
    for (name, value, option) in [
        ("MESH_EVENT_TTL_SECONDS", "soon", "--event-ttl-seconds"),
        ("MESH_IN_MEMORY", "maybe", "--in-memory"),
        ("MESH_TRUST_PROXY", "-1", "--trust-proxy"),
        ("MESH_API_KEY", "", "--api-key"),
        ("MESH_ADMIN_KEY", "1234567", "--admin-key"),
        ("MESH_CONSOLE", "maybe", "--console"),
    ] {
        let (code, _, told) = run(&serve[..1], &[(name, value)]).await;
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(option), "{told}");
    }
    let (code, _, told) = run(&["serve", "--in-memory", "--listen", "192.0.2.1:1"], &[]).await;
    assert!(code == Some(1) && told.contains("192.0.2.1:1") && told.contains("--listen"), "{told}");
}

#[tokio::test]
async fn it_helps() {
    let (code, help, _) = run(&["serve", "--help"], &[]).await;
    assert_eq!(code, Some(0));
    for word in
        ["Examples:", "--listen", "MESH_API_KEY", "MESH_EVENT_TTL_SECONDS", "--trust-proxy", "--tls-cert"]
    {
        assert!(help.contains(word), "{word}");
    }
    let (code, version, _) = run(&["--version"], &[]).await;
    assert_eq!((code, version), (Some(0), format!("mesh {}\n", env!("CARGO_PKG_VERSION"))));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, _) = run(&["completions", shell], &[]).await;
        assert!(code == Some(0) && script.contains("in-memory"), "{shell}");
    }
    assert_eq!(run(&["serv"], &[]).await.0, Some(2));
}

#[tokio::test]
async fn an_origin_that_would_match_nothing_is_refused() {
    for (given, right) in [
        ("smalruby.app", "https://smalruby.app"),
        ("https://smalruby.app/", "https://smalruby.app"),
        ("NULL", "null"),
    ] {
        let (code, _, told) = run(&["serve", "--in-memory", "--allow-origin", given], &[]).await;
        assert!(code == Some(2) && told.contains(&format!("write {right}")), "{told}");
    }
    let server = Process::start(&["--in-memory", "--allow-origin", "*"]).await;
    assert!(server.errors().contains("pages of every website may call"), "{}", server.errors());
}

#[tokio::test]
async fn a_refused_origin_is_said_once() {
    let server = Process::start(&["--in-memory", "--allow-editors"]).await;
    let origin = ("origin", "https://school.example");
    for _ in 0..3 {
        let refused = server.client().await.send(hyper::Method::POST, "/graphql", &[origin], b"{}").await;
        assert_eq!(refused.status, hyper::StatusCode::FORBIDDEN);
    }
    while !server.errors().contains("--allow-origin https://school.example would allow it") {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.errors().matches("was refused").count(), 1);
}

#[tokio::test]
async fn a_pipe_gets_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = mesh();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "debug", "--data"]).arg(folder.path());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 14];
    child.stdout.take().unwrap().read_exact(&mut ready).await.unwrap();
    let stop = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(stop.success());
    let told = String::from_utf8(child.wait_with_output().await.unwrap().stderr).unwrap();
    assert!(told.contains("stopping") && !told.contains('\u{1b}'), "{told}");
}

#[tokio::test]
async fn it_stops_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::over(folder.path()).await;
    let group = server.data(CREATE, json!({"hostId": "h"})).await["createGroup"]["id"].clone();
    let mut socket = Socket::open(server.address, KEY).await;
    socket.init().await;
    socket.subscribe("1", group.as_str().unwrap(), "d").await;
    let mut idle = server.client().await;
    idle.data("{ __typename }", json!({})).await;
    let waiting = tokio::spawn(async move { socket.closed().await });
    assert_eq!(server.terminate().await, Some(0));
    assert_eq!(waiting.await.unwrap(), (1001, "the server stops".to_owned()));

    let again = Process::over(folder.path()).await;
    let report = json!({"g": group, "n": "h", "data": [{"key": "k", "value": "v"}]});
    again.data(REPORT, report).await;
}

#[tokio::test]
async fn tls_serves_https_and_wss() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Process::start(&["--tls", "--data", data]).await;
    assert!(server.ready.contains("https://"), "{}", server.ready);
    let told = server.errors();
    assert!(told.contains("wss://") && told.contains("SHA-256 "), "{told}");
    let certificate = folder.path().join("tls-cert.pem");

    let mut socket = tls(&server, &certificate).await;
    let body = json!({"query": "{ __typename }"}).to_string();
    let head =
        format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\nconnection: close\r\n");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(r#"{"data":{"__typename":"Query"}}"#), "{answer}");

    let socket = tls(&server, &certificate).await;
    let url = format!("wss://{}/graphql/realtime", server.address);
    let (mut socket, _) = tokio_tungstenite::client_async(url, socket).await.unwrap();
    socket.send(r#"{"type":"connection_init"}"#.into()).await.unwrap();
    let ack = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(ack.contains("connection_ack"), "{ack}");

    // The certificate stays over restarts, and may be given by name.
    let fingerprint = |told: &str| told.split("SHA-256 ").nth(1).unwrap()[..95].to_owned();
    let first = fingerprint(&told);
    server.kill().await;
    let again = Process::start(&["--tls", "--data", data]).await;
    assert_eq!(fingerprint(&again.errors()), first);
    let (certificate, key) = (certificate.to_str().unwrap(), folder.path().join("tls-key.pem"));
    let by_name =
        Process::start(&["--in-memory", "--tls-cert", certificate, "--tls-key", key.to_str().unwrap()]).await;
    assert_eq!(fingerprint(&by_name.errors()), first);
    let (code, _, told) =
        run(&["serve", "--in-memory", "--tls-cert", certificate, "--tls-key", certificate], &[]).await;
    assert!(code == Some(1) && told.contains("TLS"), "{told}");
    assert_eq!(run(&["serve", "--tls-cert", certificate], &[]).await.0, Some(2));
}

async fn tls(server: &Process, certificate: &Path) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

#[tokio::test]
async fn logs_in_json_are_json() {
    let server = Process::start(&["--in-memory", "--log-format", "json"]).await;
    let errors = server.errors();
    let line: Value = serde_json::from_str(errors.lines().next().unwrap()).unwrap();
    assert_eq!(line["apiKey"], KEY);
    assert!(line["board"].as_str().unwrap().contains("/board/#key=") && line["console"].is_string());
    for line in server.errors().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::over(folder.path()).await;
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", folder.path().to_str().unwrap()];
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("used by another"), "{told}");
    first.data(CREATE, json!({"hostId": "h"})).await;
    first.kill().await;

    let file = folder.path().join("store.log");
    let mut bytes = std::fs::read(&file).unwrap();
    // In the first record, which was flushed before the second one was written.
    bytes[30] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("store.log") && told.contains("Nothing was deleted"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    std::fs::write(&file, b"a letter to my aunt").unwrap();
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("Nothing was deleted"), "{told}");
    assert_eq!(std::fs::read(&file).unwrap(), b"a letter to my aunt");
    std::fs::write(folder.path().join("api-key"), b"\n").unwrap();
    let (code, _, told) = run(&serve, &[]).await;
    assert!(code == Some(1) && told.contains("api-key"), "{told}");
}

#[tokio::test]
async fn a_certificate_that_browsers_will_refuse_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--tls", "--language", "en", "--data", folder.path().to_str().unwrap()];
    let first = Process::start(&arguments).await;
    assert!(!first.errors().contains("attention"), "{}", first.errors());
    assert_eq!(first.terminate().await, Some(0));
    let moved = [&arguments[..], &["--advertise", "mesh.school.example"]].concat();
    let again = Process::start(&moved).await;
    let told = "attention      the certificate was made before mesh.school.example was this machine's";
    assert!(again.errors().contains(told), "{}", again.errors());
}
