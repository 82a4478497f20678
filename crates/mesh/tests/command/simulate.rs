//! `mesh simulate`, `mesh record` and `mesh replay`, as commands.

use std::path::Path;
use std::process::Output;
use std::sync::Once;
use std::time::Duration;

use mesh_simulate::classroom::{Snapshot, simulate};
use mesh_simulate::client::{Endpoint, Trust};
use mesh_simulate::load::Load;
use mesh_simulate::recording::{Happened, Message, Recording};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::support::{CREATE, DISSOLVE, FIRE, JOIN, KEY, Process, REPORT, TestServer, mesh};

/// A small classroom that does all that clients do.
const SMALL: &str =
    "simulate --json --groups 3 --nodes 5 --data-rate 40 --event-rate 20 --events 3 --polling-share 0.25";
/// An objective that leaves time on a busy machine.
const EASY: &str = "--p99-ms=20000";

async fn simulated(folder: &Path, arguments: &[&str]) -> (Output, Value) {
    let report = folder.join("report.v1");
    let mut command = mesh();
    command.args(SMALL.split(' ')).arg("--report").arg(report).args(arguments);
    let output = command.output().await.unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, json)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_classroom_plays_against_a_server_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (output, report) =
        simulated(folder.path(), &[EASY, "--seconds=1.5", "--warm-up-seconds=0.2", "--churn=4/s"]).await;
    assert_eq!(output.status.code(), Some(0), "{report:#} {}", errors(&output));
    assert!(report["objectives"].as_array().unwrap().iter().all(|objective| objective["isMet"] == true));
    // 60 a second in each of three groups; who is away for a moment sends nothing.
    let sent = report["mutations"]["sent"].as_u64().unwrap();
    assert!((200..=306).contains(&sent), "{sent}");
    assert!(
        report["received"].as_u64().unwrap() > sent * 3 && report["polledEvents"].as_u64().unwrap() > 100
    );
    if cfg!(target_os = "linux") {
        assert!(report["server"]["residentBytes"].as_u64().unwrap() > 1_000_000, "{report:#}");
    }
    let page = std::fs::read_to_string(folder.path().join("report.v1.html")).unwrap();
    assert!(page.contains("All objectives are met.") && page.contains("<polyline"), "{page}");
    let written = std::fs::read(folder.path().join("report.v1.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), report);
}

#[tokio::test]
async fn full_speed_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [EASY, "--seconds=0.5", "--warm-up-seconds=0", "--max", "--connections=4"];
    let (output, report) = simulated(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{report:#} {}", errors(&output));
    assert!(report["received"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn tls_is_trusted_by_fingerprint_or_file_and_not_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--tls", "--data", folder.path().to_str().unwrap()]).await;
    let fingerprint = server.errors().split("SHA-256 ").nth(1).unwrap()[..95].to_owned();
    let file = folder.path().join("tls-cert.pem");
    let endpoint = format!("https://localhost:{}/graphql", server.address.port());
    let simulate = async |trust: &[&str]| {
        let mut arguments = vec!["--endpoint", &endpoint, "--api-key", KEY];
        arguments.extend([EASY, "--seconds=0.3", "--warm-up-seconds=0"]);
        arguments.extend(trust);
        let (output, report) = simulated(folder.path(), &arguments).await;
        (output.status.code(), format!("{report:#} {}", errors(&output)))
    };
    for trust in
        [&["--tls-fingerprint", &fingerprint][..], &["--tls-ca", file.to_str().unwrap()], &["--tls-insecure"]]
    {
        let (code, told) = simulate(trust).await;
        assert_eq!(code, Some(0), "{trust:?} {told}");
    }
    let other = fingerprint.replace(':', "").replace(['1', 'A'], "B");
    for trust in [&[][..], &["--tls-fingerprint", &other]] {
        let (code, told) = simulate(trust).await;
        assert!(code == Some(1) && told.contains("ertificate"), "{trust:?} {told}");
    }
}

#[tokio::test]
async fn who_misses_an_objective_fails() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--seconds=0.3", "--warm-up-seconds=0", "--p99-ms=0"];
    let (output, report) = simulated(folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1), "{report:#} {}", errors(&output));
    let missed = report["objectives"].as_array().unwrap().iter().filter(|one| one["isMet"] == false);
    assert_eq!(missed.map(|one| &one["name"]).collect::<Vec<_>>()[0], "delivery p99");
}

#[tokio::test]
async fn who_is_interrupted_says_so_and_gives_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--in-memory"]).await;
    let endpoint = format!("http://{}/graphql", server.address);
    let mut command = mesh();
    command.args([
        "simulate",
        "--groups",
        "1",
        "--nodes",
        "4",
        "--data-rate",
        "50",
        "--warm-up-seconds",
        "0",
    ]);
    command
        .args(["--endpoint", &endpoint, "--api-key", KEY, EASY])
        .arg("--report")
        .arg(folder.path().join("r"));
    let child = command.spawn().unwrap();
    until_reported(&server).await;
    interrupt(child.id().unwrap()).await;
    let output = child.wait_with_output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{told} {}", errors(&output));
    assert!(told.contains("of 60 seconds") && told.ends_with("Interrupted: no verdict.\n"), "{told}");
    assert!(!told.contains("All objectives are met"), "{told}");
    let groups = metrics(&server).await;
    assert!(groups.contains("operation=\"dissolveGroup\",result=\"ok\""), "{groups}");
}

/// Ctrl-C.
async fn interrupt(process: u32) {
    let status = tokio::process::Command::new("kill").args(["-INT", &process.to_string()]).status().await;
    assert!(status.unwrap().success());
}

/// Waits until nodes send, as the server's own figures show.
async fn until_reported(server: &Process) {
    while !metrics(server).await.contains("operation=\"reportDataByNode\",result=\"ok\"") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--in-memory", "--max-nodes-per-group", "2"]).await;
    let endpoint = format!("http://{}/graphql", server.address);
    let told = async |key: &str| {
        let (output, _) = simulated(folder.path(), &["--endpoint", &endpoint, "--api-key", key]).await;
        assert_eq!(output.status.code(), Some(1));
        errors(&output)
    };
    let full = told(KEY).await;
    assert!(full.contains("at most 2 nodes. Ask for less, or raise the limit"), "{full}");
    let wrong = told("da2-wrong").await;
    assert!(wrong.contains("this call. Is --api-key the key of http"), "{wrong}");
}

#[tokio::test]
async fn a_server_that_dies_fails() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--in-memory"]).await;
    let endpoint = format!("http://{}/graphql", server.address);
    let arguments = [
        "--endpoint",
        &endpoint,
        "--api-key",
        KEY,
        EASY,
        "--seconds=2",
        "--warm-up-seconds=0",
        "--churn=5/s",
    ];
    let dying = async {
        until_reported(&server).await;
        server.kill().await;
    };
    let ((output, report), ()) = tokio::join!(simulated(folder.path(), &arguments), dying);
    assert_eq!(output.status.code(), Some(1), "{report:#} {}", errors(&output));
    assert_eq!(report["connections"]["dropped"], 12, "{report:#}");
    assert!(report["mutations"]["failed"].as_u64().unwrap() > 0);
    assert!(report["errors"].to_string().contains("cannot connect"), "{report:#}");

    let (output, _) = simulated(folder.path(), &arguments).await;
    assert!(output.status.code() == Some(1) && errors(&output).contains("Is http://127.0.0.1"), "{output:?}");
}

async fn metrics(server: &Process) -> String {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A network between clients and a server that passes nothing on before a moment.
async fn network(server: &TestServer, dead_until: watch::Receiver<Instant>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/graphql", listener.local_addr().unwrap());
    let server = server.address;
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            let dead_until = dead_until.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                    let moment = *dead_until.borrow();
                    sleep_until(moment).await;
                    if to_server.write_all(&buffer[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    endpoint
}

#[tokio::test]
async fn a_stalled_endpoint_cannot_hide() {
    let server = TestServer::start().await;
    let (dead_until, told) = watch::channel(Instant::now());
    let endpoint = Endpoint::new(&network(&server, told).await, KEY, &Trust::System).unwrap();
    let load =
        Load { groups: 1, nodes: 2, data_rate: 100.0, warm_up_seconds: 0.0, seconds: 2.0, ..Load::seed() };
    let dies_once = Once::new();
    let watch = |now: &Snapshot| {
        if now.sent > 0 {
            dies_once.call_once(|| dead_until.send(Instant::now() + Duration::from_millis(1_500)).unwrap());
        }
    };
    let report = simulate(endpoint.into(), &load, watch, std::future::pending()).await.unwrap();
    assert_eq!((report.figures.faults.total(), report.figures.mutations.failed), (0, 0), "{report}");
    assert_eq!(report.figures.mutations.sent, 204, "what was due was sent all the same");
    // A quarter of all was due more than a second before the end of the stall, though each node had
    // only one under way.
    assert!(report.figures.mutations.latency.unwrap().p95 > 1_000.0, "{report}");
    assert!(report.figures.delivery.unwrap().p95 > 1_000.0, "{report}");
}

/// Records a group until it is dissolved.
async fn recording(server: &Process, group: &str, file: &Path, more: &[&str]) -> tokio::process::Child {
    let mut command = mesh();
    let endpoint = format!("http://{}/graphql", server.address);
    command.args([
        "record",
        file.to_str().unwrap(),
        "--endpoint",
        &endpoint,
        "--domain",
        "d",
        "--group",
        group,
    ]);
    command.args(more);
    let mut child = command.env("MESH_API_KEY", KEY).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).await.unwrap();
    assert!(told.starts_with("Recording"), "{told}");
    child
}

/// The content of the messages, without times and group.
fn said(file: &Path) -> Vec<Value> {
    let recording = Recording::read(std::fs::read(file).unwrap().as_slice()).unwrap();
    let messages = recording.entries.into_iter().map(|entry| match entry.happened {
        Happened::Message(message) => content(&message),
        other => panic!("{other:?}"),
    });
    messages.collect()
}

fn content(message: &Message) -> Value {
    if let Some(status) = &message.node_status {
        return json!([status.node_id, status.data]);
    }
    let Some(batch) = &message.batch_event else { return json!(message.group_dissolve) };
    let events = batch.events.as_ref().unwrap();
    let first = events[0].timestamp.unwrap();
    let event = |event: &mesh_simulate::recording::Event| {
        let after = event.timestamp.unwrap().millis_since(first);
        json!([event.name, event.payload, event.order_key, after])
    };
    json!([batch.fired_by_node_id, events.iter().map(event).collect::<Vec<_>>()])
}

#[tokio::test]
async fn a_recorded_lesson_is_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--in-memory"]).await;
    let create = async |host: &str| {
        let created = server.data(CREATE, json!({"hostId": host})).await;
        created["createGroup"]["id"].as_str().unwrap().to_owned()
    };
    let group = create("alice").await;
    let first = folder.path().join("first.jsonl");
    let recorder = recording(&server, &group, &first, &[]).await;
    server.data(JOIN, json!({"g": group, "n": "bob"})).await;
    for number in 0..20 {
        let node = if number % 2 == 0 { "alice" } else { "bob" };
        let data = json!([{"key": "score \u{1f980}", "value": number.to_string()}]);
        server.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
        let event = |place: i64| {
            json!({"eventName": format!("goal {number}"), "payload": (place == 0).then_some("left"),
                "orderKey": format!("{number}-{place}"), "firedAt": format!("2026-11-23T09:00:00.{:03}Z", place * 40)})
        };
        server.data(FIRE, json!({"g": group, "n": node, "events": [event(0), event(1)]})).await;
    }
    server.data(DISSOLVE, json!({"g": group, "h": "alice"})).await;
    let output = recorder.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).split(' ').next(), Some("41"));

    let again = create("carol").await;
    let second = folder.path().join("second.jsonl");
    let recorder = recording(&server, &again, &second, &[]).await;
    let endpoint = format!("http://{}/graphql", server.address);
    let replay = async |arguments: &[&str]| {
        let mut command = mesh();
        command.args(["replay", first.to_str().unwrap(), "--endpoint", &endpoint, "--api-key", KEY]);
        command.args(["--speed", "50"]).args(arguments).output().await.unwrap()
    };
    let output = replay(&["--domain", "d", "--group", &again]).await;
    assert_eq!(output.stdout, b"40 messages played, 1 entry skipped\n", "{output:?}");
    server.data(DISSOLVE, json!({"g": again, "h": "carol"})).await;
    assert!(recorder.wait_with_output().await.unwrap().status.success());
    let (first, second) = (said(&first), said(&second));
    assert_eq!(first.len(), 41);
    assert_eq!(first[..40], second[..40]);

    // In a group of its own, which it ends.
    let output = replay(&[]).await;
    assert!(output.status.success() && errors(&output).contains("of domain d"), "{output:?}");
    let groups = server.data("{ listGroupsByDomain(domain: \"d\") { id } }", json!({})).await;
    assert_eq!(groups["listGroupsByDomain"], json!([]));
    // Nothing is overwritten, and what is no group is told.
    let mut command = mesh();
    let missing = folder.path().join("missing.jsonl");
    command.args(["record", missing.to_str().unwrap(), "--endpoint", &endpoint, "--api-key", KEY]);
    let output = command.args(["--domain", "d", "--group", &again]).output().await.unwrap();
    assert!(output.status.code() == Some(1) && errors(&output).contains("Group not found"), "{output:?}");
    assert!(!missing.exists());
}

#[tokio::test]
async fn names_are_recorded_when_asked_for_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--in-memory"]).await;
    let join = "mutation ($g: ID!, $n: ID!, $name: String) { joinGroup(groupId: $g, domain: \"d\", nodeId: $n, name: $name) { id } }";
    let data = json!([{"key": "score", "value": "1"}]);
    for (asked, more) in [(false, &[][..]), (true, &["--names"])] {
        let created = server.data(CREATE, json!({"hostId": "alice"})).await;
        let group = created["createGroup"]["id"].as_str().unwrap().to_owned();
        let file = folder.path().join(format!("{asked}.jsonl"));
        let recorder = recording(&server, &group, &file, more).await;
        for (node, name) in [("alice", None), ("bob", Some("Haru")), ("carol", None)] {
            server.data(join, json!({"g": group, "n": node, "name": name})).await;
            server.data(REPORT, json!({"g": group, "n": node, "data": data})).await;
        }
        server.data(DISSOLVE, json!({"g": group, "h": "alice"})).await;
        assert!(recorder.wait_with_output().await.unwrap().status.success());
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written.matches("\"names\":{\"bob\":\"Haru\"}").count(), usize::from(asked), "{written}");
        assert!(asked || !written.contains("Haru"), "{written}");
    }
    // A replay that waits can be looked at, and one that is stopped says how far it came.
    let file = folder.path().join("true.jsonl");
    let endpoint = format!("http://{}/graphql", server.address);
    let mut command = mesh();
    command.args(["replay", file.to_str().unwrap(), "--endpoint", &endpoint, "--api-key", KEY]);
    let mut child = command.args(["--wait-seconds", "600"]).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).await.unwrap();
    let group = told.split(' ').nth(3).unwrap();
    let list = "query ($g: ID!) { listNodesInGroup(groupId: $g, domain: \"d\") { id name } }";
    let nodes = server.data(list, json!({"g": group})).await["listNodesInGroup"].clone();
    assert!(nodes.as_array().unwrap().contains(&json!({"id": "bob", "name": "Haru"})), "{nodes}");
    interrupt(child.id().unwrap()).await;
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(output.stdout, b"stopped before the end: 0 messages played, 0 entries skipped\n");
}
