//! Limits of kept events and of groups.

use std::sync::Arc;

use mesh_core::model::Event;
use mesh_core::settings::{Limits, Settings};
use mesh_core::testing::{Harness, event};

use super::{Heard, LocalSettings, LocalStore, MEMORY, all_names, in_memory};

fn named(names: std::ops::Range<usize>, template: &Event) -> Vec<Event> {
    names.map(|name| Event { name: name.to_string(), ..template.clone() }).collect()
}

#[tokio::test]
async fn a_group_keeps_ten_thousand_events() {
    let room = in_memory();
    let group = room.create_with_poller("host").await;
    let template = event("", room.now());
    for call in 0..10 {
        room.fire(&group, "host", named(call * 1_000..(call + 1) * 1_000, &template)).await.unwrap();
    }
    assert!(room.poll(&group, "").await.unwrap().complete);
    let first = room.events_since(&group, "").await[0].cursor.clone();
    room.fire(&group, "host", named(10_000..10_002, &template)).await.unwrap();
    let heard = room.events_since(&group, "").await;
    assert_eq!(heard[0].name, "2", "the two oldest are gone");
    assert!(!room.poll(&group, "").await.unwrap().complete);
    assert!(!room.poll(&group, &first).await.unwrap().complete, "the second was missed");
    let second = first.replace("-1", "-2");
    assert!(room.poll(&group, &second).await.unwrap().complete);
    let counts = room.context.store.counts();
    assert_eq!((counts.events_kept, counts.events_dropped), (10_002, 2));
}

#[tokio::test]
async fn a_group_keeps_eight_megabytes() {
    let room = in_memory();
    let group = room.create_with_poller("host").await;
    let template = Event { payload: Some("x".repeat(200_000)), ..event("", room.now()) };
    for call in 0..50 {
        room.fire(&group, "host", named(call..call + 1, &template)).await.unwrap();
    }
    let heard = all_names(&room, &group).await;
    assert_eq!(heard.len(), (8 << 20) / (200_000 + size_of::<Event>()));
    assert_eq!(heard.last().unwrap(), "49");
}

#[tokio::test]
async fn all_groups_together_keep_256_megabytes() {
    let room = in_memory();
    let template = Event { payload: Some("x".repeat(200_000)), ..event("", room.now()) };
    let mut groups = Vec::new();
    for host in 0..40 {
        let domain = format!("d{}", host / 20);
        let group = room.create_in(&domain, &format!("h{host}")).await.unwrap().key();
        for _ in 0..40 {
            room.fire(&group, &format!("h{host}"), vec![template.clone()]).await.unwrap();
        }
        groups.push(group);
    }
    assert!(room.context.store.counts().memory.events <= 256 << 20);
    for group in &groups {
        let kept = all_names(&room, group).await.len();
        assert!(kept >= 16, "half of a fair share of 32 events, at least: {kept}");
    }
    for (index, group) in groups.iter().enumerate() {
        room.dissolve(group, &format!("h{index}")).await.unwrap();
    }
    assert_eq!(room.context.store.counts().memory.events, 0);
}

#[tokio::test]
async fn a_group_that_floods_takes_nothing_from_a_quiet_one() {
    let room = in_memory();
    let quiet = room.create_in("d", "quiet").await.unwrap().key();
    room.fire_names(&quiet, "quiet", &["the oldest of all"]).await.unwrap();
    let template = Event { payload: Some("x".repeat(200_000)), ..event("", room.now()) };
    for host in 0..34 {
        let (domain, host) = (format!("d{}", host / 20), format!("h{host}"));
        let group = room.create_in(&domain, &host).await.unwrap().key();
        for _ in 0..42 {
            room.fire(&group, &host, vec![template.clone()]).await.unwrap();
        }
    }
    let counts = room.context.store.counts();
    assert!(counts.events_dropped > 0 && counts.memory.events <= 256 << 20);
    assert_eq!(room.names_since(&quiet, "").await, ["the oldest of all"]);
    assert!(room.poll(&quiet, "").await.unwrap().complete);
}

#[tokio::test]
async fn a_server_has_a_hundred_groups_here() {
    let room = in_memory();
    for number in 0..100 {
        room.create_in(&format!("d{}", number / 20), &format!("h{number}")).await.unwrap();
    }
    let refused = room.create_in("another", "host").await.unwrap_err();
    assert_eq!(refused.error_type().as_str(), "ValidationError");
    // The dead make room, swept or not.
    room.clock.advance_seconds(2_100);
    room.create_in("another", "host").await.unwrap();
    assert_eq!(room.context.store.counts().groups, 1);
}

#[tokio::test]
async fn nothing_is_left_of_groups_that_are_gone() {
    let room = in_memory();
    for number in 0..20 {
        let host = format!("h{number}");
        let group = room.create_in("school", &host).await.unwrap().key();
        for node in ["a", "b"] {
            room.join(&group, node).await.unwrap();
            room.report(&group, node, &[("x", "1")]).await.unwrap();
            room.record_names(&group, node, &["e"]).await.unwrap();
        }
        if number % 2 == 0 {
            room.dissolve(&group, &host).await.unwrap();
        }
    }
    room.clock.advance_seconds(2_100);
    room.context.store.sweep(room.now()).await.unwrap();
    room.clock.advance_seconds(3 * 3_600);
    room.context.store.sweep(room.now()).await.unwrap();
    let shared = room.context.store.shared.lock();
    assert!(shared.state.is_empty(), "something is left");
}

/// A room with so many groups of one domain; the higher its number, the older a group.
async fn with_groups(count: usize) -> Harness<LocalStore> {
    let limits = Limits { groups_in_domain: 1_000, ..Limits::default() };
    let settings = LocalSettings {
        settings: Settings { limits, ..Settings::default() },
        max_groups: 1_000,
        memory: MEMORY,
    };
    let store = LocalStore::in_memory(&settings, Arc::<Heard>::default()).unwrap();
    let room = Harness::new(store, Arc::default(), settings.settings);
    for number in (0..count).rev() {
        room.create_as("school", &format!("h{number}"), &format!("n{number:03}"), None, None).await.unwrap();
    }
    room
}

#[tokio::test]
async fn a_search_finds_the_oldest_of_many_groups() {
    let room = with_groups(700).await;
    let found = room.search("n", Some(3)).await.unwrap();
    let names: Vec<_> = found.iter().map(|group| &*group.record.name).collect();
    assert_eq!(names, ["n699", "n698", "n697"]);
}

#[tokio::test]
async fn a_list_of_many_groups_is_whole_and_in_order() {
    for count in [0, 249, 250, 251, 700] {
        let room = with_groups(count).await;
        let groups = room.groups("school").await;
        let names: Vec<_> = groups.iter().map(|group| group.record.name.to_string()).collect();
        assert_eq!(names, (0..count).rev().map(|number| format!("n{number:03}")).collect::<Vec<_>>());
    }
}
