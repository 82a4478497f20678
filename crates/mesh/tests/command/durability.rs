//! Acknowledged changes are there, whatever ends the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{CREATE, DISSOLVE, FIRE, JOIN, KEY, POLL, Process, RECORD, REPORT, Socket, event};

const LEAVE: &str =
    r#"mutation ($g: ID!, $n: ID!) { leaveGroup(groupId: $g, domain: "d", nodeId: $n) { peerId } }"#;
const ROUNDS: u64 = 20;
const WORKERS: usize = 8;

/// One group as its own worker knows it, after every call that was answered.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    group: Option<String>,
    nodes: BTreeSet<String>,
    values: BTreeMap<String, String>,
    events: Vec<String>,
}

/// What a worker does, one call after the other, until the server is gone. `before` is what every
/// answered call came to, `after` what the one without an answer would have.
struct Worker {
    host: String,
    before: Known,
    after: Known,
    dissolved: Vec<String>,
}

impl Worker {
    async fn run(mut self, server: Arc<Process>, stopping: Arc<AtomicBool>) -> Self {
        let mut client = server.client().await;
        for step in 0_usize.. {
            let (query, variables) = self.next(step);
            let body = json!({"query": query, "variables": variables}).to_string();
            let Some(answer) = client.try_post(body.as_bytes()).await else { break };
            if stopping.load(Ordering::Relaxed) && answer.get("errors").is_some() {
                break;
            }
            assert!(answer.get("errors").is_none(), "{answer}");
            if let Some(id) = answer["data"]["createGroup"]["id"].as_str() {
                self.after.group = Some(id.to_owned());
            }
            if self.before.group.is_some() && self.after.group.is_none() {
                self.dissolved.extend(self.before.group.clone());
            }
            self.before = self.after.clone();
        }
        self
    }

    /// Chooses a call, and changes `after` to what it will come to.
    fn next(&mut self, step: usize) -> (&'static str, Value) {
        let host = &self.host;
        let Some(group) = self.before.group.clone() else {
            return (CREATE, json!({"hostId": host}));
        };
        match step % 13 {
            1 | 5 => {
                let node = format!("{host}/{step}");
                self.after.nodes.insert(node.clone());
                (JOIN, json!({"g": group, "n": node}))
            }
            2 | 4 | 6 | 8 => {
                let (key, value) = (format!("k{}", step % 3), step.to_string());
                self.after.values.insert(key.clone(), value.clone());
                (REPORT, json!({"g": group, "n": host, "data": [{"key": key, "value": value}]}))
            }
            3 | 7 | 9 => {
                let names = [format!("{step}a"), format!("{step}b")];
                self.after.events.extend(names.clone());
                (RECORD, json!({"g": group, "n": host, "events": names.map(|name| event(&name))}))
            }
            10 => match self.before.nodes.first().cloned() {
                Some(node) => {
                    self.after.nodes.remove(&node);
                    (LEAVE, json!({"g": group, "n": node}))
                }
                None => ("{ __typename }", json!({})),
            },
            12 if step.is_multiple_of(5) => {
                self.after = Known::default();
                (DISSOLVE, json!({"g": group, "h": host}))
            }
            _ => ("{ __typename }", json!({})),
        }
    }

    /// Reads the state of this worker's group from the server.
    async fn seen(&self, server: &Process) -> Known {
        let mut client = server.client().await;
        let listed = client.data(r#"{ listGroupsByDomain(domain: "d") { id hostId } }"#, json!({})).await;
        let groups = listed["listGroupsByDomain"].as_array().unwrap();
        let own: Vec<_> = groups.iter().filter(|group| group["hostId"] == json!(self.host)).collect();
        let [group] = own[..] else {
            assert!(own.is_empty(), "one host has one group");
            return Known::default();
        };
        let group = group["id"].as_str().unwrap();
        let texts = |list: &Value, key: &str| -> Vec<String> {
            list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
        };
        let nodes = r#"query ($g: ID!) { listNodesInGroup(groupId: $g, domain: "d") { id } }"#;
        let nodes = client.data(nodes, json!({"g": group})).await;
        let (mut events, mut values, mut since) = (Vec::new(), BTreeMap::new(), json!(""));
        loop {
            let polled = client.data(POLL, json!({"g": group, "since": since})).await["pollGroupData"].take();
            for status in polled["nodeStatuses"].as_array().unwrap() {
                for item in status["data"].as_array().unwrap() {
                    let text = |key: &str| item[key].as_str().unwrap().to_owned();
                    values.insert(text("key"), text("value"));
                }
            }
            let page = texts(&polled["events"], "name");
            if page.is_empty() {
                break;
            }
            events.extend(page);
            since = polled["events"].as_array().unwrap().last().unwrap()["cursor"].clone();
        }
        let nodes = texts(&nodes["listNodesInGroup"], "id").into_iter().collect();
        Known { group: Some(group.to_owned()), nodes, values, events }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    // Events must live longer than the test, so that every one of them can be looked for.
    let start = async || Process::start(&["--data", &data, "--event-ttl-seconds", "3600"]).await;
    let mut server = start().await;
    let mut calls = 0;
    for round in 0..ROUNDS {
        let shared = Arc::new(server);
        let stopping = Arc::<AtomicBool>::default();
        let workers = (0..WORKERS).map(|number| {
            let worker = Worker {
                host: format!("{round}/{number}"),
                before: Known::default(),
                after: Known::default(),
                dissolved: Vec::new(),
            };
            tokio::spawn(worker.run(shared.clone(), stopping.clone()))
        });
        let workers: Vec<_> = workers.collect();
        // At another moment of the commits in each round.
        tokio::time::sleep(Duration::from_micros(60_000 + round * 7_919)).await;
        stopping.store(true, Ordering::Relaxed);
        let pid = shared.id().to_string();
        assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        let workers: Vec<Worker> = join_all(workers).await.into_iter().map(Result::unwrap).collect();
        // Its sockets close before its data file does.
        Arc::into_inner(shared).unwrap().kill().await;

        server = start().await;
        for mut worker in workers {
            let seen = worker.seen(&server).await;
            if worker.after.group.is_none() && worker.before.group.is_none() {
                // A creation without an answer may have made a group that is empty.
                worker.after.group.clone_from(&seen.group);
            }
            assert!(
                seen == worker.before || seen == worker.after,
                "{seen:?}\n{:?}\n{:?}",
                worker.before,
                worker.after
            );
            for group in &worker.dissolved {
                let answer = server.client().await.ask(JOIN, json!({"g": group, "n": "n"})).await;
                assert_eq!(answer["errors"][0]["errorType"], "GroupNotFound");
            }
            calls += worker.before.events.len() + worker.before.nodes.len() + worker.dissolved.len();
        }
    }
    assert!(calls > 500, "the load was real: {calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_hear_the_order_of_the_store_with_64_writers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::over(folder.path()).await;
    let group =
        server.data(CREATE, json!({"hostId": "h"})).await["createGroup"]["id"].as_str().unwrap().to_owned();
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::open(server.address, KEY).await;
        socket.init().await;
        socket.subscribe("1", &group, "d").await;
        sockets.push(socket);
    }
    let writers = (0..64).map(|writer| {
        let (server, group) = (&server, &group);
        async move {
            let mut client = server.client().await;
            for step in 0..20 {
                let name = format!("{writer}/{step}");
                if step % 2 == 0 {
                    let data = json!([{"key": name, "value": ""}]);
                    client.data(REPORT, json!({"g": group, "n": "h", "data": data})).await;
                } else {
                    client.data(FIRE, json!({"g": group, "n": "h", "events": [event(&name)]})).await;
                }
            }
        }
    });
    join_all(writers).await;
    let mut heard = Vec::new();
    for socket in &mut sockets {
        let mut messages = Vec::new();
        for _ in 0..64 * 20 {
            messages.push(socket.data("1").await);
        }
        heard.push(messages);
    }
    assert!(heard.iter().all(|messages| *messages == heard[0]), "everybody hears one order");
    let timestamps = heard[0].iter().filter_map(|message| message["nodeStatus"]["timestamp"].as_str());
    assert!(timestamps.is_sorted_by(|a, b| a < b), "reports come as the store took them");
    let events = heard[0].iter().filter_map(|message| message["batchEvent"]["events"][0]["name"].as_str());
    let mut polled = Vec::new();
    let mut since = json!("");
    loop {
        let page =
            server.data(POLL, json!({"g": group, "since": since})).await["pollGroupData"]["events"].take();
        let Some(last) = page.as_array().unwrap().last() else { break };
        since = last["cursor"].clone();
        polled
            .extend(page.as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(events.collect::<Vec<_>>(), polled, "and events as the log has them");
}

/// A server whose log may have 4 MB, which stands for a full disk.
#[cfg(target_os = "linux")]
async fn with_little_room(folder: &std::path::Path) -> Process {
    Process::over(folder).await.kill().await;
    let mut limited = tokio::process::Command::new("sh");
    let script = format!(
        "trap '' XFSZ; ulimit -S -f 8192; exec {} serve --listen 127.0.0.1:0 --api-key {KEY} --data {} --event-ttl-seconds 3600",
        env!("CARGO_BIN_EXE_mesh"),
        folder.display()
    );
    limited.args(["-c", &script]);
    limited.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).kill_on_drop(true);
    Process::spawn(limited).await
}

#[cfg(target_os = "linux")]
async fn health(server: &Process) -> u16 {
    server.client().await.send(hyper::Method::GET, "/health", &[], b"").await.status.as_u16()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_little_room(folder.path()).await;
    assert_eq!(health(&server).await, 200);
    let mut client = server.client().await;
    let group = client.data(CREATE, json!({"hostId": "h"})).await["createGroup"]["id"].clone();
    let large = |number: usize| {
        let mut large = event(&number.to_string());
        large["payload"] = json!("x".repeat(200_000));
        json!({"g": group, "n": "h", "events": [large]})
    };
    let mut kept = Vec::new();
    let refused = loop {
        let answer = client.ask(RECORD, large(kept.len())).await;
        if answer.get("errors").is_some() {
            break answer;
        }
        kept.push(kept.len().to_string());
        assert!(kept.len() < 100, "the disk should be full");
    };
    assert_eq!(refused["errors"][0]["errorType"], "InternalFailure");
    assert_eq!(refused["errors"][0]["message"], "The change was not saved, try again");

    for _ in 0..20 {
        assert_eq!(health(&server).await, 503, "nothing can be written");
    }
    // What is there is read, once the refused call is out of the way.
    while client.ask(POLL, json!({"g": group, "since": ""})).await.get("errors").is_some() {}
    assert_eq!(health(&server).await, 503, "but still nothing can be written");
    let raised = std::process::Command::new("prlimit")
        .args(["--pid", &server.id().to_string(), "--fsize=unlimited:unlimited"])
        .status();
    assert!(raised.unwrap().success());
    let again = loop {
        let answer = client.ask(RECORD, large(1_000)).await;
        if answer.get("errors").is_none() {
            break answer;
        }
        assert_eq!(answer["errors"][0]["errorType"], "InternalFailure");
    };
    assert_eq!(again["data"]["recordEventsByNode"]["recordedCount"], 1);
    kept.push("1000".into());
    assert_eq!(health(&server).await, 200);
    drop(client);
    server.kill().await;
    let server =
        Process::start(&["--data", folder.path().to_str().unwrap(), "--event-ttl-seconds", "3600"]).await;
    let (mut names, mut since) = (Vec::new(), json!(""));
    loop {
        let polled = server.data(POLL, json!({"g": group, "since": since})).await;
        let Some(last) = polled["pollGroupData"]["events"].as_array().unwrap().last() else { break };
        since = last["cursor"].clone();
        let page = polled["pollGroupData"]["events"].as_array().unwrap();
        names.extend(page.iter().map(|event| event["name"].as_str().unwrap().to_owned()));
    }
    // The oldest may have made room: a group keeps 8 MB.
    assert!(kept.ends_with(&names), "{names:?} {kept:?}");
    assert_eq!(names.last().map(String::as_str), Some("1000"));
}

/// There is nothing to go back to when the log is not what was written: the process says so and ends.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_read_back_ends_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_little_room(folder.path()).await;
    let group = server.data(CREATE, json!({"hostId": "h"})).await["createGroup"]["id"].clone();
    std::fs::write(folder.path().join("store.log"), "somebody else wrote this").unwrap();
    let mut large = event("e");
    large["payload"] = json!("x".repeat(200_000));
    let mut client = server.client().await;
    let mut body = json!({"query": RECORD, "variables": {"g": group, "n": "h", "events": [large]}});
    for number in 0..100 {
        body["variables"]["events"][0]["eventName"] = json!(number.to_string());
        if client.try_post(body.to_string().as_bytes()).await.is_none() {
            break;
        }
    }
    let (code, errors) = server.ended().await;
    assert_eq!(code, Some(74), "{errors}");
    assert!(errors.contains("the log cannot be used any more; the server ends"), "{errors}");
}

#[tokio::test]
async fn without_flushes_a_killed_server_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let start =
        async || Process::start(&["--data", folder.path().to_str().unwrap(), "--sync", "never"]).await;
    let server = start().await;
    let group = server.data(CREATE, json!({"hostId": "h"})).await["createGroup"]["id"].clone();
    for value in ["1", "2"] {
        let data = [json!({"key": "x", "value": value})];
        server.data(REPORT, json!({"g": group, "n": "h", "data": data})).await;
    }
    server.kill().await;
    let server = start().await;
    let polled = server.data(POLL, json!({"g": group, "since": ""})).await;
    assert_eq!(polled["pollGroupData"]["nodeStatuses"][0]["data"][0]["value"], "2");
    assert_eq!(server.terminate().await, Some(0));
}
