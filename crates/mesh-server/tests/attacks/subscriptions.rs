//! Subscribers that multiply the work of a message.

use serde_json::{Value, json};

use crate::support::{FIRE, Options, Socket, TestServer, event};
use crate::{figure, others};

/// Subscribes with a selection; says what was answered.
async fn subscribe(socket: &mut Socket, id: &str, group: &str, selection: &str) -> Value {
    let query =
        format!(r#"subscription {{ onMessageInGroup(groupId: "{group}", domain: "d") {{ {selection} }} }}"#);
    socket.start(id, json!({"query": query}), None).await;
    socket.next().await
}

#[tokio::test]
async fn a_selection_that_makes_too_much_of_a_message_gets_an_error() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let aliases = (0..49).map(|number| format!("a{number}: payload")).collect::<Vec<_>>().join(" ");
    let mut greedy = server.socket().await;
    let selection = format!("batchEvent {{ events {{ {aliases} }} }}");
    assert_eq!(subscribe(&mut greedy, "1", &group, &selection).await["type"], "start_ack");
    let mut fair = server.subscribed(&group).await;
    let mut large = event("e");
    large["payload"] = json!("x".repeat(100_000));
    server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
    let refused = greedy.next().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("1")));
    assert_eq!(refused["payload"]["errors"][0]["errorType"], "ValidationError");
    assert_eq!(fair.data("1").await["batchEvent"]["events"][0]["payload"], large["payload"]);
    // The subscription goes on with what it can take.
    server.data(FIRE, json!({"g": group, "n": "h", "events": [event("e")]})).await;
    assert_eq!(greedy.next().await["type"], "data");
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn a_group_has_a_bounded_number_of_selections() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut sockets = Vec::new();
    let mut refused = 0;
    for connection in 0..6 {
        let mut socket = server.socket().await;
        for number in 0..10 {
            let selection = format!("groupId a{connection}b{number}: groupId");
            let answer = subscribe(&mut socket, &number.to_string(), &group, &selection).await;
            if answer["type"] == "error" {
                assert_eq!(answer["payload"]["errors"][0]["errorType"], "LimitExceededError");
                refused += 1;
            }
        }
        sockets.push(socket);
    }
    // 60 were asked for; 32 are written, 8 of a connection at most.
    assert_eq!(refused, 60 - 32);
    // A selection that somebody has is shared.
    let mut late = server.socket().await;
    assert_eq!(subscribe(&mut late, "1", &group, "groupId a0b0: groupId").await["type"], "start_ack");
    let dissolve =
        r#"mutation ($g: ID!) { dissolveGroup(groupId: $g, domain: "d", hostId: "h") { groupId domain } }"#;
    server.data(dissolve, json!({"g": group})).await;
    assert_eq!(figure(&server, "mesh_deliveries_total").await, 33);
    others::feel_nothing(&server).await;
}

/// A message that is written for many selections lets others have the thread, and leaves in order all the same.
#[tokio::test]
async fn a_message_with_much_to_write_yields() {
    let mut yields = Vec::new();
    for selections in [1, 8] {
        let server = TestServer::start().await;
        let group = server.create("h").await;
        let mut sockets = Vec::new();
        for connection in 0..4 {
            let mut socket = server.socket().await;
            for number in 0..selections {
                let aliases: Vec<_> =
                    (0..44).map(|alias| format!("a{connection}x{number}x{alias}: payload")).collect();
                let selection = format!("batchEvent {{ events {{ name {} }} }}", aliases.join(" "));
                let answer = subscribe(&mut socket, &number.to_string(), &group, &selection).await;
                assert_eq!(answer["type"], "start_ack");
            }
            sockets.push(socket);
        }
        for name in ["first", "second"] {
            let mut large = event(name);
            large["payload"] = json!("x".repeat(5_000));
            server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
        }
        for socket in &mut sockets {
            let names = async |socket: &mut Socket| {
                let message = socket.next().await;
                message["payload"]["data"]["onMessageInGroup"]["batchEvent"]["events"][0]["name"].clone()
            };
            for name in ["first", "second"] {
                for _ in 0..selections {
                    assert_eq!(names(socket).await, name);
                }
            }
        }
        yields.push(figure(&server, "mesh_publishing_yields_total").await);
    }
    // 32 selections of 220 kB are 7 MB to write, twice.
    assert!(yields[0] <= 6 && yields[1] >= 30, "{yields:?}");
}

/// Sockets that read nothing, each with a selection of its own; one that reads hears everything all the same.
#[tokio::test]
async fn what_waits_for_all_is_bounded_and_who_reads_is_served() {
    const MOST: usize = 1 << 20;
    const LARGE: usize = 200_000;
    let server = TestServer::start_with(Options { waiting: MOST, ..Options::default() }).await;
    let group = server.create("h").await;
    let mut greedy = Vec::new();
    for number in 0..20 {
        let mut socket = server.socket().await;
        let selection = format!("batchEvent {{ events {{ a{number}: payload }} }}");
        assert_eq!(subscribe(&mut socket, "1", &group, &selection).await["type"], "start_ack");
        greedy.push(socket);
    }
    // Its turn comes when the others have filled what there is.
    let mut fair = server.subscribed(&group).await;
    let mut large = event("e");
    large["payload"] = json!("x".repeat(LARGE));
    let too_slow = async || figure(&server, "mesh_connections_too_slow_total").await;
    let (mut most_waited, mut fired) = (0, 0);
    // The sockets' own buffers take some megabytes first.
    while too_slow().await < 10 {
        fired += 1;
        assert!(fired < 100, "nobody is closed");
        server.data(FIRE, json!({"g": group, "n": "h", "events": [large]})).await;
        most_waited = most_waited.max(figure(&server, "mesh_memory_bytes{kind=\"waiting\"}").await);
        assert_eq!(fair.data("1").await["batchEvent"]["events"][0]["payload"], large["payload"]);
    }
    println!("{fired} messages, {most_waited} bytes waited");
    // Each may have its share or one message, and one more comes for all at once.
    assert!(most_waited < (MOST + 2 * 21 * 220_000) as u64, "{most_waited}");
    others::feel_nothing(&server).await;
}

#[tokio::test]
async fn what_was_taken_no_longer_waits() {
    let server = TestServer::start().await;
    let group = server.create("h").await;
    let mut socket = server.subscribed(&group).await;
    for _ in 0..3 {
        server.data(FIRE, json!({"g": group, "n": "h", "events": [event("e")]})).await;
        socket.data("1").await;
    }
    drop(socket);
    // The connection's task lets go of the last message a moment after its client has it.
    while figure(&server, "mesh_memory_bytes{kind=\"waiting\"}").await > 0 {
        tokio::task::yield_now().await;
    }
}
