//! The contract of joining, being listed, and leaving.

use super::{cases, node_not_found, refusal};
use crate::store::Store;
use crate::testing::Harness;

/// Joining, being listed, and leaving.
pub async fn members<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        a_joined_node_is_listed,
        joining_again_keeps_what_was_there,
        the_group_decides_the_protocol_unless_the_member_cannot,
        the_host_is_a_member_that_is_not_listed,
        who_is_no_member_is_refused,
        leaving_removes_the_node_and_its_values,
        a_node_may_be_in_several_groups,
        a_group_is_limited,
        look_alike_ids_are_apart,
    );
}

async fn a_joined_node_is_listed<S: Store>(room: Harness<S>) {
    let group = room.create("host").await;
    let key = group.key();
    assert!(room.nodes(&key).await.unwrap().is_empty());
    room.clock.advance_seconds(1);
    let node = room.join(&key, "b").await.unwrap();
    assert_eq!(node.record.id.as_str(), "b");
    assert_eq!((node.record.created_at, &*node.group), (room.now().wall, &key));
    assert_eq!(node.expires_at, group.record.expires_at);
    assert_eq!(node.heartbeat_interval_seconds, 120);
    assert!(node.record.use_web_socket && node.polling_interval_seconds.is_none());
    room.clock.advance_seconds(1);
    let later = room.join(&key, "a").await.unwrap();
    assert_eq!(room.nodes(&key).await.unwrap(), [node, later]);
}

async fn joining_again_keeps_what_was_there<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let first = room.join(&key, "node").await.unwrap();
    room.report(&key, "node", &[("x", "1")]).await.unwrap();
    room.clock.advance_seconds(3);
    let again = room.join_as(&key, "node", Some(false)).await.unwrap();
    assert_eq!(again.record.created_at, first.record.created_at);
    assert!(!again.record.use_web_socket);
    assert_eq!(room.nodes(&key).await.unwrap(), [again]);
    assert_eq!(room.status("node").await.unwrap().data.len(), 1);
}

async fn the_group_decides_the_protocol_unless_the_member_cannot<S: Store>(room: Harness<S>) {
    let sockets = room.create("sockets").await.key();
    let polling = room.create_as("school", "polling", "polling", None, Some(false)).await.unwrap().key();
    for (group, wish, expected) in [
        (&sockets, None, true),
        (&sockets, Some(true), true),
        (&sockets, Some(false), false),
        (&polling, None, false),
        (&polling, Some(true), false),
        (&polling, Some(false), false),
    ] {
        let node = room.join_as(group, "node", wish).await.unwrap();
        assert_eq!(node.record.use_web_socket, expected, "{wish:?}");
        assert_eq!(node.polling_interval_seconds, (!expected).then_some(2));
        assert_eq!(room.nodes(group).await.unwrap(), [node]);
    }
}

async fn the_host_is_a_member_that_is_not_listed<S: Store>(room: Harness<S>) {
    let group = room.create("host").await;
    let key = group.key();
    room.report(&key, "host", &[("x", "1")]).await.unwrap();
    room.fire_names(&key, "host", &["e"]).await.unwrap();
    room.record_names(&key, "host", &["e"]).await.unwrap();
    room.beat(&key, "host").await.unwrap();
    room.clock.advance_seconds(1);
    let joined = room.join(&key, "host").await.unwrap();
    assert_eq!(joined.record.created_at, group.record.created_at);
    assert!(room.nodes(&key).await.unwrap().is_empty());
    assert_eq!(room.status("host").await.unwrap().data[0].value.as_ref(), "1");
}

async fn who_is_no_member_is_refused<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "left").await.unwrap();
    room.leave(&key, "left").await.unwrap();
    for node in ["stranger", "left"] {
        assert_eq!(refusal(room.report(&key, node, &[("x", "1")]).await), node_not_found(node));
        assert_eq!(refusal(room.fire_names(&key, node, &["e"]).await), node_not_found(node));
        assert_eq!(refusal(room.record_names(&key, node, &["e"]).await), node_not_found(node));
        assert_eq!(refusal(room.beat(&key, node).await), node_not_found(node));
        assert_eq!(refusal(room.leave(&key, node).await), node_not_found(node));
        assert!(room.status(node).await.is_none());
    }
    assert!(room.statuses(&key).await.unwrap().is_empty());
    assert!(room.names_since(&key, "").await.is_empty());
}

async fn leaving_removes_the_node_and_its_values<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    for node in ["a", "b"] {
        room.join(&key, node).await.unwrap();
        room.report(&key, node, &[("x", node)]).await.unwrap();
    }
    let left = room.leave(&key, "a").await.unwrap();
    assert_eq!((left.node_id.as_str(), &left.group), ("a", &key));
    let nodes = room.nodes(&key).await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.record.id.as_str()).collect::<Vec<_>>(), ["b"]);
    let statuses = room.statuses(&key).await.unwrap();
    assert_eq!(statuses.iter().map(|status| status.node_id.as_str()).collect::<Vec<_>>(), ["b"]);
    // A node that comes back starts anew.
    room.clock.advance_seconds(1);
    let back = room.join(&key, "a").await.unwrap();
    assert_eq!(back.record.created_at, room.now().wall);
    assert!(room.status("a").await.is_none());
}

async fn a_node_may_be_in_several_groups<S: Store>(room: Harness<S>) {
    let one = room.create("h1").await.key();
    let two = room.create_in("elsewhere", "h2").await.unwrap().key();
    room.join(&one, "node").await.unwrap();
    room.clock.advance_seconds(1);
    room.join(&two, "node").await.unwrap();
    room.report(&one, "node", &[("x", "one")]).await.unwrap();
    // The newest membership has no values.
    assert!(room.status("node").await.is_none());
    room.report(&two, "node", &[("x", "two")]).await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "two");
    // A repeated join counts.
    room.clock.advance_seconds(1);
    room.join(&one, "node").await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "one");
    room.leave(&one, "node").await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "two");
    assert_eq!(room.nodes(&two).await.unwrap().len(), 1);
    // Hosting counts as joining at the group's creation.
    room.clock.advance_seconds(1);
    let own = room.create_in("third", "node").await.unwrap().key();
    assert!(room.status("node").await.is_none());
    room.report(&own, "node", &[("x", "own")]).await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "own");
    room.clock.advance_seconds(1);
    room.join(&two, "node").await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "two");
    room.dissolve(&two, "h2").await.unwrap();
    assert_eq!(room.status("node").await.unwrap().data[0].value.as_ref(), "own");
}

async fn a_group_is_limited<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let most = room.context.settings.limits.nodes_in_group;
    for number in 0..most {
        room.join(&key, &format!("node{number}")).await.unwrap();
    }
    assert_eq!(refusal(room.join(&key, "one more").await).0, "ValidationError");
    room.join(&key, "node0").await.expect("who is in may join again");
    room.join(&key, "host").await.expect("the host is not counted");
    assert_eq!(room.nodes(&key).await.unwrap().len(), most);
    room.leave(&key, "node0").await.unwrap();
    room.join(&key, "one more").await.expect("there is room again");
}

async fn look_alike_ids_are_apart<S: Store>(room: Harness<S>) {
    let ids = [
        "n", "N", "n#", "n#S", "N#n", "#", "@", "n@school", "ｎ", "e\u{301}", "\u{e9}", "🦀", "n ", "%",
        "\\", "\"",
    ];
    let one = room.create("host").await.key();
    let two = room.create("host#").await.key();
    for id in ids {
        room.join(&one, id).await.unwrap();
        room.report(&one, id, &[("x", id), ("x#", id), ("#", id)]).await.unwrap();
    }
    assert_eq!(room.nodes(&one).await.unwrap().len(), ids.len());
    assert!(room.nodes(&two).await.unwrap().is_empty());
    assert!(room.statuses(&two).await.unwrap().is_empty());
    for id in ids {
        let status = room.status(id).await.unwrap();
        assert!(status.data.len() == 3 && status.data.iter().all(|item| &*item.value == id), "{id}");
        room.leave(&one, id).await.unwrap();
        assert!(room.status(id).await.is_none());
    }
    assert!(room.statuses(&one).await.unwrap().is_empty());
}
