//! The contract of creating, finding and searching groups.

use futures_util::future::join_all;

use super::{cases, key, refusal};
use crate::store::Store;
use crate::testing::Harness;

/// Creating, finding and searching groups.
pub async fn groups<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        a_new_group_is_as_asked,
        one_host_has_one_group,
        simultaneous_creates_make_one_group,
        arguments_are_validated_even_when_the_group_exists,
        lists_are_oldest_first,
        domains_are_apart,
        searches_compare_exactly,
        searches_are_limited_after_the_dead_are_gone,
        a_domain_is_limited,
    );
}

async fn a_new_group_is_as_asked<S: Store>(room: Harness<S>) {
    let group = room.create_as("school", "host", "なまえ", Some(60), None).await.unwrap();
    let record = &group.record;
    assert_eq!(
        (&*record.name, record.host_id.as_str(), record.key.domain.as_str()),
        ("なまえ", "host", "school")
    );
    assert_eq!(record.created_at, room.now().wall);
    assert_eq!(record.expires_at.millis_since(record.created_at), 60_000);
    assert!(record.use_web_socket && group.polling_interval_seconds.is_none());
    assert_eq!(group.heartbeat_interval_seconds, 60);
    assert_eq!(room.groups("school").await, [group]);

    let polling = room.create_as("school", "other", "other", None, Some(false)).await.unwrap();
    assert!(!polling.record.use_web_socket);
    assert_eq!(polling.polling_interval_seconds, Some(2));
    assert_eq!(polling.record.expires_at.millis_since(polling.record.created_at), 2_100_000);
}

async fn one_host_has_one_group<S: Store>(room: Harness<S>) {
    let first = room.create_as("school", "host", "first", Some(60), Some(false)).await.unwrap();
    room.clock.advance_seconds(5);
    let again = room.create_as("school", "host", "second", Some(90), Some(true)).await.unwrap();
    assert_eq!(first, again);
    let elsewhere = room.create_in("elsewhere", "host").await.unwrap();
    assert_ne!(first.record.key.id, elsewhere.record.key.id);

    room.dissolve(&first.key(), "host").await.unwrap();
    let anew = room.create_as("school", "host", "third", None, None).await.unwrap();
    assert_ne!(first.record.key.id, anew.record.key.id);
    assert_eq!(&*anew.record.name, "third");
    assert_eq!(room.groups("school").await, [anew]);
}

async fn simultaneous_creates_make_one_group<S: Store>(room: Harness<S>) {
    let calls = (0..100).map(|number| {
        let room = room.clone();
        async move { room.create_as("school", "host", &format!("name {number}"), None, None).await.unwrap() }
    });
    let groups = join_all(calls).await;
    assert!(groups.iter().all(|group| *group == groups[0]));
    assert_eq!(room.groups("school").await.len(), 1);
}

async fn arguments_are_validated_even_when_the_group_exists<S: Store>(room: Harness<S>) {
    room.create("host").await;
    let long = "x".repeat(257);
    for result in [
        room.create_as("school", "host", "", None, None).await,
        room.create_as("school", "host", &long, None, None).await,
        room.create_as("school", "host", "host", Some(0), None).await,
        room.create_as("school", "host", "host", Some(2_101), None).await,
        room.create_as(&long, "host", "host", None, None).await,
        room.create_as("", "host", "host", None, None).await,
        room.create_as("school", &long, "host", None, None).await,
        room.create_as("school", "ho\nst", "host", None, None).await,
    ] {
        assert_eq!(refusal(result).0, "ValidationError");
    }
    assert_eq!(room.groups("school").await.len(), 1);
}

async fn lists_are_oldest_first<S: Store>(room: Harness<S>) {
    // Later ids and names sort first, so only the creation can give this order.
    for host in ["z", "m", "a"] {
        room.create(host).await;
        room.clock.advance_seconds(1);
    }
    let hosts = |groups: Vec<crate::model::Group>| -> Vec<String> {
        groups.into_iter().map(|group| group.record.host_id.to_string()).collect()
    };
    assert_eq!(hosts(room.groups("school").await), ["z", "m", "a"]);
    assert!(room.groups("unknown").await.is_empty());
}

async fn domains_are_apart<S: Store>(room: Harness<S>) {
    let one = room.create_in("one", "host").await.unwrap().key();
    room.create_in("two", "host").await.unwrap();
    let wrong = key(one.id.as_str(), "two");
    assert_eq!(refusal(room.join(&wrong, "node").await).0, "GroupNotFound");
    assert_eq!(refusal(room.poll(&wrong, "").await).0, "GroupNotFound");
    assert_eq!(refusal(room.dissolve(&wrong, "host").await).0, "GroupNotFound");
    assert_eq!(room.groups("one").await.len(), 1);
    // Look-alikes of the pair do not reach it either.
    for (id, domain) in [("a", "b@one"), ("a@b", "one"), ("", "one"), ("#", "#")] {
        if !id.is_empty() {
            assert_eq!(refusal(room.poll(&key(id, domain), "").await).0, "GroupNotFound");
        }
    }
}

async fn searches_compare_exactly<S: Store>(room: Harness<S>) {
    for (host, name) in
        [("h1", "あいうえおか"), ("h2", "あいうえおき"), ("h3", "Abc"), ("h4", "abc"), ("h5", "a")]
    {
        room.create_as(host, host, name, None, None).await.unwrap();
        room.clock.advance_seconds(1);
    }
    let found = |groups: crate::Result<Vec<crate::model::Group>>| -> Vec<String> {
        groups.unwrap().into_iter().map(|group| group.record.host_id.to_string()).collect()
    };
    assert_eq!(found(room.search("あいうえお", None).await), ["h1", "h2"]);
    assert_eq!(found(room.search("あいうえおき", None).await), ["h2"]);
    assert_eq!(found(room.search("a", None).await), ["h4", "h5"]);
    assert_eq!(found(room.search("A", None).await), ["h3"]);
    assert_eq!(found(room.search("abcd", None).await), Vec::<String>::new());
    // No normalisation: the same letter, composed and decomposed, is two names.
    room.create_as("h6", "h6", "e\u{301}", None, None).await.unwrap();
    assert_eq!(found(room.search("\u{e9}", None).await), Vec::<String>::new());
    assert_eq!(found(room.search("e\u{301}", None).await), ["h6"]);
    for (prefix, limit) in [("", None), ("1234567", None), ("a", Some(0)), ("a", Some(101))] {
        assert_eq!(refusal(room.search(prefix, limit).await).0, "ValidationError");
    }
}

async fn searches_are_limited_after_the_dead_are_gone<S: Store>(room: Harness<S>) {
    for number in 0..15 {
        let host = format!("dead{number}");
        room.create_as("school", &host, "abc", Some(10), None).await.unwrap();
        room.clock.advance_seconds(1);
    }
    room.clock.advance_seconds(10);
    for number in 0..15 {
        room.create_as("school", &format!("host{number:02}"), "abc", None, None).await.unwrap();
        room.clock.advance_seconds(1);
    }
    let found = room.search("ab", None).await.unwrap();
    assert_eq!(found.len(), 10);
    assert_eq!(found[0].record.host_id.as_str(), "host00");
    assert_eq!(room.search("ab", Some(12)).await.unwrap().len(), 12);
    assert_eq!(room.search("ab", Some(100)).await.unwrap().len(), 15);
}

async fn a_domain_is_limited<S: Store>(room: Harness<S>) {
    let most = room.context.settings.limits.groups_in_domain;
    for number in 0..most {
        room.create(&format!("host{number}")).await;
    }
    assert_eq!(refusal(room.create_in("school", "one more").await).0, "ValidationError");
    room.create_in("school", "host0").await.expect("a group that lives is answered");
    room.create_in("elsewhere", "one more").await.expect("another domain has room");
    let first = room.groups("school").await[0].key();
    room.dissolve(&first, "host0").await.unwrap();
    room.create_in("school", "one more").await.expect("there is room again");
    // Lists are whole however long they are.
    assert_eq!(room.groups("school").await.len(), most);
}
