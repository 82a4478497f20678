//! The contract of ends: of groups, of members, and what is answered afterwards.

use super::{
    cases, group_expired, group_not_found, host_silent, key, node_not_found, refusal, refusals_of_all,
};
use crate::model::{DissolveReason, MeshMessage, MessageFields};
use crate::store::Store;
use crate::testing::Harness;

/// The ends of groups and members, and the answers afterwards.
pub async fn lifecycle<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        an_unknown_group_is_not_found,
        a_dissolved_group_is_not_found,
        only_the_host_renews_and_dissolves,
        the_hosts_leaving_dissolves,
        a_group_expires_at_its_end,
        expires_at_never_moves,
        a_silent_hosts_group_expires,
        only_host_calls_are_the_hosts_heartbeat,
        an_expired_group_is_remembered,
        a_silent_member_is_gone,
        what_a_member_does_is_its_heartbeat,
        a_refused_call_is_no_heartbeat,
        a_repeated_record_is_a_heartbeat,
    );
}

async fn an_unknown_group_is_not_found<S: Store>(room: Harness<S>) {
    let unknown = key("unknown", "school");
    for refused in refusals_of_all(&room, &unknown, "host", "node").await {
        assert_eq!(refused, group_not_found(&unknown));
    }
}

async fn a_dissolved_group_is_not_found<S: Store>(room: Harness<S>) {
    let group = room.create_with_poller("host").await;
    room.report(&group, "poller", &[("x", "1")]).await.unwrap();
    let message = room.dissolve(&group, "host").await.unwrap();
    let key = std::sync::Arc::new(group.clone());
    assert_eq!(message, MeshMessage::dissolve(key, DissolveReason::ByHost, MessageFields::ALL));
    for refused in refusals_of_all(&room, &group, "host", "poller").await {
        assert_eq!(refused, group_not_found(&group));
    }
    assert!(room.groups("school").await.is_empty());
    assert!(room.search("host", None).await.unwrap().is_empty());
    assert!(room.status("poller").await.is_none());
}

async fn only_the_host_renews_and_dissolves<S: Store>(room: Harness<S>) {
    let group = room.create_with_poller("host").await;
    let (kind, text) = refusal(room.renew(&group, "poller").await);
    assert_eq!((kind, &*text), ("Unauthorized", "Only the host can renew the heartbeat"));
    let (kind, text) = refusal(room.dissolve(&group, "poller").await);
    assert_eq!((kind, &*text), ("Unauthorized", "Only the host can dissolve the group"));
    room.renew(&group, "host").await.unwrap();
    room.dissolve(&group, "host").await.unwrap();
}

async fn the_hosts_leaving_dissolves<S: Store>(room: Harness<S>) {
    let group = room.create_with_poller("host").await;
    let left = room.leave(&group, "host").await.unwrap();
    assert_eq!(left.node_id.as_str(), "host");
    assert_eq!(refusal(room.poll(&group, "").await), group_not_found(&group));
    assert!(room.groups("school").await.is_empty());
}

async fn a_group_expires_at_its_end<S: Store>(room: Harness<S>) {
    let group = room.create_as("school", "host", "host", Some(30), None).await.unwrap().key();
    room.join(&group, "node").await.unwrap();
    room.clock.advance(std::time::Duration::from_millis(29_999));
    assert_eq!(room.groups("school").await.len(), 1);
    room.renew(&group, "host").await.unwrap();
    room.clock.advance(std::time::Duration::from_millis(1));
    for refused in refusals_of_all(&room, &group, "host", "node").await {
        assert_eq!(refused, group_expired(&group));
    }
    assert!(room.groups("school").await.is_empty());
    assert!(room.search("host", None).await.unwrap().is_empty());
    assert!(room.status("node").await.is_none());
}

async fn expires_at_never_moves<S: Store>(room: Harness<S>) {
    let group = room.create("host").await;
    let (key, end) = (group.key(), group.record.expires_at);
    room.clock.advance_seconds(100);
    assert_eq!(room.join(&key, "node").await.unwrap().expires_at, end);
    assert_eq!(room.renew(&key, "host").await.unwrap().expires_at, end);
    let beat = room.beat(&key, "node").await.unwrap();
    assert_eq!((beat.heartbeat.expires_at, beat.heartbeat.interval_seconds), (end, 120));
    assert_eq!(room.beat(&key, "host").await.unwrap().heartbeat.expires_at, end);
    assert_eq!(room.create("host").await.record.expires_at, end);
    assert_eq!(room.groups("school").await[0].record.expires_at, end);
    assert_eq!(room.nodes(&key).await.unwrap()[0].expires_at, end);
}

async fn a_silent_hosts_group_expires<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    room.join(&group, "node").await.unwrap();
    room.clock.advance_seconds(150);
    room.renew(&group, "host").await.expect("not older than its TTL");
    room.clock.advance_seconds(151);
    for refused in refusals_of_all(&room, &group, "host", "node").await {
        assert_eq!(refused, host_silent(&group));
    }
    assert!(room.groups("school").await.is_empty());
    let anew = room.create("host").await;
    assert_ne!(anew.record.key.id, group.id);
}

async fn only_host_calls_are_the_hosts_heartbeat<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    room.clock.advance_seconds(100);
    room.create("host").await;
    room.clock.advance_seconds(100);
    // The group lives because creating again was a heartbeat; none of these is one.
    room.report(&group, "host", &[("x", "1")]).await.unwrap();
    room.fire_names(&group, "host", &["e"]).await.unwrap();
    room.record_names(&group, "host", &["e"]).await.unwrap();
    room.beat(&group, "host").await.unwrap();
    room.join(&group, "host").await.unwrap();
    room.join(&group, "node").await.unwrap();
    room.poll(&group, "").await.unwrap();
    room.clock.advance_seconds(51);
    assert_eq!(refusal(room.poll(&group, "").await), host_silent(&group));
}

async fn an_expired_group_is_remembered<S: Store>(room: Harness<S>) {
    let group = room.create_as("school", "host", "host", Some(30), None).await.unwrap().key();
    let silent = room.create_as("school", "other", "other", None, None).await.unwrap().key();
    room.clock.advance_seconds(151);
    let anew = room.create("host").await.key();
    room.create("other").await;
    assert_eq!(refusal(room.join(&group, "node").await), group_expired(&group));
    assert_eq!(refusal(room.join(&silent, "node").await), host_silent(&silent));
    room.dissolve(&anew, "host").await.unwrap();
    room.create("host").await;
    room.clock.advance_seconds(3_500);
    for refused in refusals_of_all(&room, &group, "host", "node").await {
        assert_eq!(refused, group_expired(&group));
    }
    assert_eq!(refusal(room.join(&anew, "node").await), group_not_found(&anew));
    // The right id in another domain stays unknown.
    let elsewhere = key(group.id.as_str(), "elsewhere");
    assert_eq!(refusal(room.join(&elsewhere, "node").await), group_not_found(&elsewhere));
}

/// Keeps the host alive while seconds go by.
async fn wait<S: Store>(room: &Harness<S>, group: &crate::id::GroupKey, seconds: u64) {
    for _ in 0..seconds / 100 {
        room.clock.advance_seconds(100);
        room.renew(group, "host").await.unwrap();
    }
    room.clock.advance_seconds(seconds % 100);
}

async fn a_silent_member_is_gone<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    room.join(&group, "node").await.unwrap();
    room.report(&group, "node", &[("x", "1")]).await.unwrap();
    room.report(&group, "host", &[("x", "2")]).await.unwrap();
    wait(&room, &group, 599).await;
    assert_eq!(room.statuses(&group).await.unwrap().len(), 2);
    assert_eq!(room.nodes(&group).await.unwrap().len(), 1);
    room.clock.advance_seconds(1);
    assert!(room.nodes(&group).await.unwrap().is_empty());
    assert!(room.status("node").await.is_none());
    // The host's values live as long as the group.
    let statuses = room.statuses(&group).await.unwrap();
    assert_eq!(statuses.iter().map(|status| status.node_id.as_str()).collect::<Vec<_>>(), ["host"]);
    assert_eq!(refusal(room.beat(&group, "node").await), node_not_found("node"));
    assert_eq!(refusal(room.report(&group, "node", &[("x", "1")]).await), node_not_found("node"));
    assert_eq!(refusal(room.leave(&group, "node").await), node_not_found("node"));
    // A node that comes back starts anew.
    let back = room.join(&group, "node").await.unwrap();
    assert_eq!(back.record.created_at, room.now().wall);
    assert!(room.status("node").await.is_none());
}

async fn what_a_member_does_is_its_heartbeat<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    for node in ["joins", "beats", "reports", "fires", "records", "silent"] {
        room.join(&group, node).await.unwrap();
    }
    for round in 0..3 {
        wait(&room, &group, 400).await;
        room.join(&group, "joins").await.unwrap();
        room.beat(&group, "beats").await.unwrap();
        room.report(&group, "reports", &[("x", "1")]).await.unwrap();
        room.fire_names(&group, "fires", &["e"]).await.unwrap();
        room.record_names(&group, "records", &[&round.to_string()]).await.unwrap();
    }
    let nodes = room.nodes(&group).await.unwrap();
    let ids: Vec<_> = nodes.iter().map(|node| node.record.id.as_str()).collect();
    assert_eq!(ids, ["joins", "beats", "reports", "fires", "records"]);
}

async fn a_refused_call_is_no_heartbeat<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    room.join(&group, "node").await.unwrap();
    wait(&room, &group, 500).await;
    refusal(room.report(&group, "node", &[]).await);
    refusal(room.fire(&group, "node", vec![]).await);
    refusal(room.report(&group, "node", &[("x", &"x".repeat(102_400))]).await);
    refusal(room.renew(&group, "node").await);
    wait(&room, &group, 100).await;
    assert!(room.nodes(&group).await.unwrap().is_empty());
}

async fn a_repeated_record_is_a_heartbeat<S: Store>(room: Harness<S>) {
    let group = room.create("host").await.key();
    room.join(&group, "node").await.unwrap();
    let events = vec![crate::testing::event("e", room.now())];
    room.record(&group, "node", events.clone()).await.unwrap();
    wait(&room, &group, 500).await;
    assert!(room.record(&group, "node", events).await.unwrap().is_repeated);
    wait(&room, &group, 500).await;
    assert_eq!(room.nodes(&group).await.unwrap().len(), 1);
}
