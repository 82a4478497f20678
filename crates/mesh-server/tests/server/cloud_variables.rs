//! Scratch's cloud variables: players of a project among nodes of every other kind.

use std::collections::HashMap;

use mesh_server::testing::ADMIN_KEY;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{JOIN, KEY, OTHER_KEY, REPORT, Socket, TestServer};

/// A player, as the packager's client is one.
struct Player(Socket);

impl Player {
    async fn connect(server: &TestServer) -> Self {
        Self(Socket::upgrade(server.address, &format!("/cloud/{KEY}"), &[]).await.unwrap())
    }

    async fn enter(server: &TestServer, project: &str, user: &str) -> Self {
        let mut player = Self::connect(server).await;
        player.0.send(json!({"method": "handshake", "project_id": project, "user": user})).await;
        player
    }

    async fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.send(json!({"method": "set", "name": format!("☁ {name}"), "value": value.into()})).await;
    }

    /// Waits until all of these have come, whatever comes before; variables that are not asked for may not come.
    async fn hears(&mut self, expected: &[(&str, &str)]) {
        let mut heard = HashMap::new();
        while !expected.iter().all(|(name, value)| heard.get(&format!("☁ {name}")) == Some(&json!(value))) {
            let Some(Message::Text(text)) = self.0.frame().await else { panic!("no text") };
            for line in text.split('\n') {
                let message: Value = serde_json::from_str(line).unwrap();
                assert_eq!(message["method"], "set");
                let name = message["name"].as_str().unwrap().to_owned();
                assert!(expected.iter().any(|(known, _)| name == format!("☁ {known}")), "{message}");
                heard.insert(name, message["value"].clone());
            }
        }
    }
}

const GROUPS: &str = "query ($d: String!) { listGroupsByDomain(domain: $d) { id name hostId } }";
const NODES: &str = "query ($g: ID!, $d: String!) { listNodesInGroup(groupId: $g, domain: $d) { id name } }";

/// The domain of this machine's network, and the groups in it.
async fn groups(server: &TestServer) -> (String, Vec<Value>) {
    let domain = server.data("mutation { createDomain }", json!({})).await["createDomain"].take();
    let groups = server.data(GROUPS, json!({"d": domain})).await["listGroupsByDomain"].take();
    (domain.as_str().unwrap().to_owned(), groups.as_array().unwrap().clone())
}

/// Waits until there are so many groups.
async fn until_groups(server: &TestServer, count: usize) -> Vec<Value> {
    loop {
        let (_, groups) = groups(server).await;
        if groups.len() == count {
            return groups;
        }
        tokio::task::yield_now().await;
    }
}

/// A query or mutation of these tests, which are written for the domain `d`, in the domain of the network.
fn here(document: &str, domain: &str) -> String {
    document.replace("domain: \"d\"", &format!("domain: \"{domain}\""))
}

#[tokio::test]
async fn players_hear_each_other_and_late_ones_everything() {
    let server = TestServer::start().await;
    let mut ann = Player::enter(&server, "p4-Cats", "ann").await;
    ann.set("score", 1).await;
    let mut ben = Player::enter(&server, "p4-Cats", "ben").await;
    ben.hears(&[("score", "1")]).await;
    ben.set("score", "2").await;
    ben.set("word", "ねこ\n").await;
    ann.hears(&[("score", "2"), ("word", "ねこ\n")]).await;
    // Whoever set a value is not told of it, so nothing that is older comes back.
    ann.set("score", 3.5).await;
    ben.hears(&[("score", "3.5")]).await;
    // A player that is gone leaves what it set.
    drop(ann);
    until_players(&server, &["ben"]).await;
    let mut cat = Player::enter(&server, "p4-Cats", "cat").await;
    cat.hears(&[("score", "3.5"), ("word", "ねこ\n")]).await;
    // Another project is another group.
    let mut other = Player::enter(&server, "60917032", "dan").await;
    other.set("score", 9).await;
    until_groups(&server, 2).await;
    drop((ben, cat));
    assert_eq!(until_groups(&server, 1).await[0]["name"], "60917032", "a group ends with its last player");
}

/// Waits until the only group has just these players.
async fn until_players(server: &TestServer, names: &[&str]) {
    loop {
        let (domain, groups) = groups(server).await;
        let nodes = server.data(NODES, json!({"g": groups[0]["id"], "d": domain})).await;
        let nodes = nodes["listNodesInGroup"].as_array().unwrap();
        if nodes.iter().map(|node| node["name"].as_str().unwrap()).eq(names.iter().copied()) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nodes_of_every_kind_share_the_values() {
    let server = TestServer::start().await;
    let mut ann = Player::enter(&server, "Class 3", "ann").await;
    ann.set("score", 1).await;
    let group = until_groups(&server, 1).await.remove(0);
    let (domain, _) = groups(&server).await;
    server.data(&here(JOIN, &domain), json!({"g": group["id"], "n": "smalruby"})).await;
    let mut socket = server.socket().await;
    socket.subscribe("1", group["id"].as_str().unwrap(), &domain).await;
    let report = here(REPORT, &domain);
    let data = json!([{"key": "time", "value": "7"}, {"key": "☁ level", "value": "8"}]);
    server.data(&report, json!({"g": group["id"], "n": "smalruby", "data": data})).await;
    ann.hears(&[("time", "7"), ("level", "8")]).await;
    ann.set("score", 2).await;
    loop {
        let status = socket.next().await["payload"]["data"]["onMessageInGroup"]["nodeStatus"].take();
        if status["data"] == json!([{"key": "score", "value": "2"}]) {
            break;
        }
    }
    // Its host is the bridge, whose id alone lets nobody act as it.
    let end = here(crate::support::DISSOLVE, &domain);
    let refused = server.ask(&end, json!({"g": group["id"], "h": group["hostId"]})).await;
    assert_eq!(refused["errors"][0]["errorType"], "Unauthorized");
}

#[tokio::test]
async fn a_group_of_that_name_is_entered_and_left_to_its_host() {
    let server = TestServer::start().await;
    let (domain, _) = groups(&server).await;
    let create = here(crate::support::CREATE, &domain);
    server.data(&create, json!({"hostId": "teacher", "name": "Class 3"})).await;
    let ann = Player::enter(&server, "Class 3", "ann").await;
    until_players(&server, &["ann"]).await;
    drop(ann);
    until_players(&server, &[]).await;
}

#[tokio::test]
async fn variables_are_renamed_and_deleted() {
    let server = TestServer::start().await;
    let (mut ann, mut ben) =
        (Player::enter(&server, "1", "ann").await, Player::enter(&server, "1", "ben").await);
    until_players(&server, &["ann", "ben"]).await;
    ann.0.send(json!({"method": "create", "name": "☁ old", "value": "5"})).await;
    ben.hears(&[("old", "5")]).await;
    ben.0.send(json!({"method": "rename", "name": "☁ old", "new_name": "☁ new"})).await;
    ann.hears(&[("new", "5"), ("old", "")]).await;
    ann.0.send(json!({"method": "delete", "name": "☁ new"})).await;
    ben.hears(&[("new", "")]).await;
    for method in ["rename", "delete"] {
        let mut player = Player::enter(&server, "1", "cat").await;
        player.0.send(json!({"method": method, "name": "☁ unknown", "new_name": "☁ other"})).await;
        assert_eq!(player.0.closed().await.0, 4000, "{method}");
    }
}

#[tokio::test]
async fn a_flood_of_one_player_is_merged_and_ends_with_its_last_value() {
    let server = TestServer::start().await;
    let (mut ann, mut ben) =
        (Player::enter(&server, "1", "ann").await, Player::enter(&server, "1", "ben").await);
    until_players(&server, &["ann", "ben"]).await;
    for value in 0..2_000 {
        ann.set("x", value).await;
    }
    let mut texts = 0;
    loop {
        let Some(Message::Text(text)) = ben.0.frame().await else { panic!("no text") };
        texts += text.split('\n').count();
        if text.contains("\"1999\"") {
            break;
        }
    }
    assert!(texts < 1_000, "{texts} of 2000 came one by one");
}

#[tokio::test]
async fn what_breaks_the_protocol_is_closed_with_its_codes() {
    let server = TestServer::start().await;
    let handshake = |user: &str| json!({"method": "handshake", "project_id": "1", "user": user}).to_string();
    let set = json!({"method": "set", "name": "☁ a", "value": 1}).to_string();
    for (messages, code) in [
        (vec![set], 4000),
        (vec!["no JSON".to_owned()], 4000),
        (vec![handshake("ann"), handshake("ann")], 4000),
        (vec![handshake("")], 4002),
        (vec![handshake("ann"), json!({"method": "set", "name": "a", "value": 1}).to_string()], 4000),
    ] {
        let mut player = Player::connect(&server).await;
        for message in &messages {
            player.0.send_text(message).await;
        }
        assert_eq!(player.0.closed().await.0, code, "{messages:?}");
    }
    // What is no value is ignored.
    let (mut ann, mut ben) =
        (Player::enter(&server, "1", "ann").await, Player::enter(&server, "1", "ben").await);
    ann.set("x", true).await;
    ann.set("x", "y".repeat(110_000)).await;
    ann.set("x", "z").await;
    ben.hears(&[("x", "z")]).await;
}

#[tokio::test]
async fn a_key_is_needed_and_each_live_one_serves() {
    let server = TestServer::start().await;
    for path in ["/cloud/da2-wrong".to_owned(), "/cloud/%64".to_owned(), format!("/cloud/{KEY}x")] {
        let Err(Error::Http(response)) = Socket::upgrade(server.address, &path, &[]).await else {
            panic!("{path} was accepted")
        };
        assert_eq!(response.status(), 401, "{path}");
    }
    let other = format!("/cloud/{}", OTHER_KEY.replace('d', "%64"));
    assert!(Socket::upgrade(server.address, &other, &[]).await.is_ok());
    let no_upgrade = server.client().await.send(hyper::Method::GET, &other, &[], b"").await;
    assert_eq!(no_upgrade.status, 426);
}

#[tokio::test]
async fn who_the_teacher_removes_does_not_come_back() {
    let server = TestServer::start().await;
    let mut ann = Player::enter(&server, "1", "ann").await;
    until_players_of_first(&server).await;
    let (domain, groups) = groups(&server).await;
    let body = json!({"groupId": groups[0]["id"], "domain": domain}).to_string();
    let headers = [("content-type", "application/json"), ("x-admin-key", ADMIN_KEY)];
    let ended =
        server.client().await.send(hyper::Method::POST, "/admin/dissolve", &headers, body.as_bytes()).await;
    assert!(ended.status.is_success(), "{ended:?}");
    assert_eq!(ann.0.closed().await.0, 4004);
}

/// Waits until the first player has come.
async fn until_players_of_first(server: &TestServer) {
    until_groups(server, 1).await;
    until_players(server, &["ann"]).await;
}

#[tokio::test]
async fn a_group_lives_as_long_as_its_players_listen() {
    let server = TestServer::start().await;
    let mut ann = Player::enter(&server, "1", "ann").await;
    until_players_of_first(&server).await;
    server.clock.advance_seconds(2_101);
    assert_eq!(ann.0.closed().await.0, 1001, "the time of every group is over once");
    let mut again = Player::enter(&server, "1", "ann").await;
    again.set("x", 1).await;
    until_players_of_first(&server).await;
}
