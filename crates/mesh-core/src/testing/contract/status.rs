//! The contract of reports: merging, timestamps, and what late joiners see.

use std::collections::BTreeMap;

use super::{cases, refusal};
use crate::model::NodeStatus;
use crate::store::Store;
use crate::testing::{Harness, item};

/// Reports, merging, timestamps and what late joiners see.
pub async fn status<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        a_report_is_answered_with_exactly_its_items,
        values_merge_by_key,
        each_value_keeps_the_time_of_its_report,
        timestamps_rise_strictly,
        the_last_of_equal_keys_counts,
        reports_are_limited,
        a_merged_status_is_limited,
        odd_keys_and_values_survive,
    );
}

fn values(status: &NodeStatus) -> BTreeMap<&str, &str> {
    status.data.iter().map(|item| (&*item.key, &*item.value)).collect()
}

async fn a_report_is_answered_with_exactly_its_items<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "node").await.unwrap();
    room.report(&key, "node", &[("x", "1"), ("y", "2"), ("z", "3")]).await.unwrap();
    room.clock.advance_seconds(1);
    let status = room.report(&key, "node", &[("y", "5"), ("x", "4")]).await.unwrap();
    assert_eq!(status.data, [item("y", "5"), item("x", "4")]);
    assert_eq!((status.node_id.as_str(), &*status.group), ("node", &key));
    assert_eq!(status.timestamp, room.now().wall);
}

async fn values_merge_by_key<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "node").await.unwrap();
    assert!(room.status("node").await.is_none());
    room.report(&key, "node", &[("x", "1"), ("y", "1")]).await.unwrap();
    room.clock.advance_seconds(1);
    let newest = room.report(&key, "node", &[("x", "2")]).await.unwrap();
    let status = room.status("node").await.unwrap();
    assert_eq!(values(&status), [("x", "2"), ("y", "1")].into());
    assert_eq!((status.timestamp, &*status.group), (newest.timestamp, &key));
}

async fn each_value_keeps_the_time_of_its_report<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "a").await.unwrap();
    room.join(&key, "b").await.unwrap();
    let a1 = room.report(&key, "a", &[("x", "a1"), ("y", "a1")]).await.unwrap();
    room.clock.advance_seconds(1);
    let b1 = room.report(&key, "b", &[("x", "b1")]).await.unwrap();
    room.clock.advance_seconds(1);
    let a2 = room.report(&key, "a", &[("y", "a2"), ("z", "a2")]).await.unwrap();
    let host = room.report(&key, "host", &[("x", "h")]).await.unwrap();
    let statuses = room.statuses(&key).await.unwrap();
    let seen: Vec<_> =
        statuses.iter().map(|status| (status.node_id.as_str(), status.timestamp, values(status))).collect();
    assert_eq!(
        seen[..3],
        [
            ("a", a1.timestamp, [("x", "a1")].into()),
            ("b", b1.timestamp, [("x", "b1")].into()),
            ("a", a2.timestamp, [("y", "a2"), ("z", "a2")].into()),
        ]
    );
    assert_eq!(seen[3], ("host", host.timestamp, [("x", "h")].into()));
    // A report that nothing is left of is gone.
    room.clock.advance_seconds(1);
    room.report(&key, "a", &[("x", "a3")]).await.unwrap();
    assert!(room.statuses(&key).await.unwrap().iter().all(|status| status.timestamp != a1.timestamp));
}

async fn timestamps_rise_strictly<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "node").await.unwrap();
    let mut last = None;
    for step in 0..6 {
        // The clock stands still, then goes back.
        if step == 3 {
            room.clock.jump(-2_000);
        }
        let status = room.report(&key, "node", &[("x", &step.to_string())]).await.unwrap();
        assert!(last < Some(status.timestamp), "step {step}");
        last = Some(status.timestamp);
    }
    let status = room.status("node").await.unwrap();
    assert_eq!((Some(status.timestamp), values(&status)), (last, [("x", "5")].into()));
}

async fn the_last_of_equal_keys_counts<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let status = room.report(&key, "host", &[("x", "1"), ("y", "2"), ("x", "3")]).await.unwrap();
    assert_eq!(status.data.len(), 3);
    assert_eq!(values(&room.status("host").await.unwrap()), [("x", "3"), ("y", "2")].into());
}

async fn reports_are_limited<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    let items = |count: usize| (0..count).map(|number| item(&format!("{number}"), "")).collect::<Vec<_>>();
    room.report_items(&key, "host", items(250)).await.unwrap();
    for data in [items(0), items(251), vec![item("", "1")], vec![item(&"é".repeat(257), "1")]] {
        assert_eq!(refusal(room.report_items(&key, "host", data).await).0, "ValidationError");
    }
    room.report_items(&key, "host", vec![item(&"é".repeat(256), "1")]).await.unwrap();
    assert_eq!(room.status("host").await.unwrap().data.len(), 251);
}

async fn a_merged_status_is_limited<S: Store>(room: Harness<S>) {
    let key = room.create("host").await.key();
    room.join(&key, "many").await.unwrap();
    for part in 0..4 {
        let data = (0..250).map(|number| item(&format!("{part}-{number}"), "v")).collect();
        room.report_items(&key, "many", data).await.unwrap();
    }
    let before = room.statuses(&key).await.unwrap();
    let refused = refusal(room.report(&key, "many", &[("0-0", "w"), ("new", "v")]).await);
    assert_eq!(refused.0, "ValidationError");
    assert_eq!(room.statuses(&key).await.unwrap(), before, "a refused report changes nothing");
    room.report(&key, "many", &[("0-0", "w")]).await.expect("known keys may change");

    room.join(&key, "large").await.unwrap();
    let most = 100 * 1_024;
    room.report(&key, "large", &[("k", &"x".repeat(most - 1))]).await.unwrap();
    assert_eq!(refusal(room.report(&key, "large", &[("k", &"x".repeat(most))]).await).0, "ValidationError");
    assert_eq!(refusal(room.report(&key, "large", &[("l", "")]).await).0, "ValidationError");
    room.report(&key, "large", &[("k", ""), ("l", &"x".repeat(most - 2))]).await.unwrap();
}

async fn odd_keys_and_values_survive<S: Store>(room: Harness<S>) {
    let key = room.create_in("ドメイン#@\n", "ホスト@#").await.unwrap().key();
    let odd =
        [("空", ""), ("a.b[0]", "\u{0}"), ("#x", "\"\\\n"), ("🦀", "👩‍👩‍👧"), (" ", " "), ("\n", "\u{fffd}")];
    room.report(&key, "ホスト@#", &odd).await.unwrap();
    let status = room.status("ホスト@#").await.unwrap();
    assert_eq!(values(&status), odd.into());
}
