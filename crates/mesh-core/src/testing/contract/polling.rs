//! The contract of the log of events: cursors, times, pages, and what is no longer kept.

use futures_util::future::join_all;

use super::{cases, refusal};
use crate::cursor::{Cursor, Position, Since};
use crate::store::Store;
use crate::testing::{Harness, event};

/// Reading the log of events: cursors, times, pages, and what is no longer kept.
pub async fn polling<S: Store>(make: impl AsyncFn() -> Harness<S>) {
    cases!(
        make,
        a_cursor_goes_on_behind_its_event,
        answers_are_pages_of_a_hundred,
        pages_end_before_a_megabyte,
        a_time_looks_back_four_seconds,
        events_are_kept_for_their_time,
        complete_tells_what_was_missed,
        a_node_goes_on_where_it_recorded,
        a_forged_cursor_moves_nobody,
        a_cursor_beyond_the_end_is_refused,
        concurrent_writers_leave_no_gap,
        a_strange_since_is_refused,
        an_older_epoch_means_everything,
        a_poll_has_all_values,
    );
}

async fn a_cursor_goes_on_behind_its_event<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    room.record_names(&key, "host", &["a", "b", "c"]).await.unwrap();
    room.record_names(&key, "poller", &["d"]).await.unwrap();
    let heard = room.events_since(&key, "").await;
    let names = ["a", "b", "c", "d"];
    for (index, one) in heard.iter().enumerate() {
        assert_eq!(one.name, names[index]);
        assert_eq!(room.names_since(&key, &one.cursor).await, names[index + 1..]);
    }
    let end = &heard[3].cursor;
    room.record_names(&key, "host", &["e"]).await.unwrap();
    assert_eq!(room.names_since(&key, end).await, ["e"]);
}

async fn answers_are_pages_of_a_hundred<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    for call in 0..3 {
        let events = (0..70).map(|number| event(&format!("{}", call * 70 + number), room.now())).collect();
        room.record(&key, "host", events).await.unwrap();
    }
    let mut since = String::new();
    let mut pages = Vec::new();
    let mut names = Vec::new();
    loop {
        let page = room.events_since(&key, &since).await;
        let Some(last) = page.last() else { break };
        since.clone_from(&last.cursor);
        pages.push(page.len());
        names.extend(page.into_iter().map(|heard| heard.name));
    }
    assert_eq!(pages, [100, 100, 10]);
    assert_eq!(names, (0..210).map(|number| number.to_string()).collect::<Vec<_>>());
}

async fn pages_end_before_a_megabyte<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let began = room.now().wall.to_string();
    for number in 0..12 {
        let mut large = event(&number.to_string(), room.now());
        large.payload = Some("x".repeat(220 * 1_024));
        room.record(&key, "host", vec![large]).await.unwrap();
    }
    for since in [String::new(), began] {
        let (mut since, mut pages, mut names) = (since, Vec::new(), Vec::new());
        loop {
            let page = room.events_since(&key, &since).await;
            let Some(last) = page.last() else { break };
            since.clone_from(&last.cursor);
            pages.push(page.len());
            names.extend(page.into_iter().map(|heard| heard.name));
        }
        assert_eq!(pages, [4, 4, 4]);
        assert_eq!(names, (0..12).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

async fn a_time_looks_back_four_seconds<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    for name in ["0", "1", "2", "3", "4", "5"] {
        // A sender's own clock has no say.
        let fired_at = crate::time::Timestamp::from_millis(0);
        let event = crate::model::Event { fired_at, ..event(name, room.now()) };
        room.record(&key, "host", vec![event]).await.unwrap();
        room.clock.advance_seconds(1);
    }
    let now = room.now().wall;
    assert_eq!(room.names_since(&key, &now.to_string()).await, ["2", "3", "4", "5"]);
    let ahead = now.plus(std::time::Duration::from_secs(3)).to_string();
    assert_eq!(room.names_since(&key, &ahead).await, ["5"]);
    assert_eq!(room.names_since(&key, "2020-01-01T00:00:00+09:00").await.len(), 6);
    assert!(room.names_since(&key, "2090-01-01T00:00Z").await.is_empty());
}

async fn events_are_kept_for_their_time<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let start = room.record_names(&key, "host", &["old"]).await.unwrap().next_since.to_string();
    room.clock.advance_seconds(20);
    room.fire_names(&key, "host", &["new"]).await.unwrap();
    room.clock.advance_seconds(9);
    assert_eq!(room.names_since(&key, "").await, ["old", "new"]);
    room.clock.advance_seconds(1);
    for since in ["", &start, "2020-01-01T00:00Z"] {
        assert_eq!(room.names_since(&key, since).await, ["new"]);
    }
    room.clock.advance_seconds(20);
    assert!(room.names_since(&key, "").await.is_empty());
    // The log goes on behind what is gone.
    room.record_names(&key, "host", &["newest"]).await.unwrap();
    assert_eq!(room.names_since(&key, &start).await, ["newest"]);
}

async fn complete_tells_what_was_missed<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let complete = async |since: &str| room.poll(&key, since).await.unwrap().complete;
    assert!(complete("").await);
    let began = room.now().wall.to_string();
    room.record_names(&key, "host", &["a", "b"]).await.unwrap();
    let heard = room.events_since(&key, "").await;
    room.clock.advance_seconds(10);
    let later = room.now().wall.to_string();
    room.record_names(&key, "host", &["c"]).await.unwrap();
    let ahead = room.now().wall.plus(std::time::Duration::from_secs(3)).to_string();
    assert!(complete("").await && complete(&began).await && complete(&heard[0].cursor).await);
    room.clock.advance_seconds(20);
    // Now "a" and "b" are gone, and "c" is kept.
    assert!(!complete("").await);
    assert!(!complete(&began).await);
    assert!(!complete(&heard[0].cursor).await, "b was missed");
    assert!(complete(&heard[1].cursor).await, "nothing behind b is gone");
    assert!(complete(&later).await);
    room.clock.advance_seconds(10);
    assert!(!complete(&heard[1].cursor).await, "c is gone");
    assert!(complete(&ahead).await, "c lies within the look-back");
    assert!(complete(&room.now().wall.to_string()).await);
}

async fn a_node_goes_on_where_it_recorded<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    room.record_names(&key, "host", &["before"]).await.unwrap();
    let record = room.record_names(&key, "poller", &["own"]).await.unwrap();
    room.record_names(&key, "host", &["after"]).await.unwrap();
    let names = room.names_since(&key, &record.next_since.to_string()).await;
    // Clients drop their own events; nothing behind them may be missing.
    assert_eq!(names, ["own", "after"]);
}

/// What a node records next, and from where it then goes on, is the same with and without an attack.
async fn a_forged_cursor_moves_nobody<S: Store>(room: Harness<S>) {
    let mut went_on = Vec::new();
    for is_attacked in [false, true] {
        let key = room.create_with_poller(&format!("host{is_attacked}")).await;
        let host = &*format!("host{is_attacked}");
        let began = room.record_names(&key, "poller", &["own"]).await.unwrap().next_since.to_string();
        room.names_since(&key, &began).await;
        room.record_names(&key, host, &["meanwhile"]).await.unwrap();
        if is_attacked {
            let end = room.events_since(&key, "").await.pop().unwrap().cursor;
            let Since::Cursor(end) = Since::parse(&end).unwrap() else { panic!("a cursor") };
            for reader in (0..100).chain([u64::MAX]).map(Some) {
                // An unknown reader is ignored, and its place served.
                let position = Position { taken: 0, ..end.position };
                let forged = Cursor { position, reader, ..end }.to_string();
                assert_eq!(room.names_since(&key, &forged).await, ["meanwhile"]);
                assert!(room.names_since(&key, &Cursor { reader, ..end }.to_string()).await.is_empty());
            }
        }
        let next = room.record_names(&key, "poller", &["own again"]).await.unwrap().next_since.to_string();
        went_on.push(room.names_since(&key, &next).await);
    }
    assert_eq!(went_on[0], went_on[1]);
}

async fn a_cursor_beyond_the_end_is_refused<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    room.record_names(&key, "host", &["a", "b"]).await.unwrap();
    let heard = room.events_since(&key, "").await;
    let Since::Cursor(end) = Since::parse(&heard[1].cursor).unwrap() else { panic!("a cursor") };
    let Position { call, taken } = end.position;
    let beyond = [
        Position { call, taken: taken + 1 },
        Position { call: call + 1, taken: 1 },
        Position { call: call + 2, taken: 0 },
        Position { call: (1 << 48) - 1, taken: 1_000 },
    ];
    for position in beyond {
        let (word, text) = refusal(room.poll(&key, &Cursor { position, ..end }.to_string()).await);
        assert_eq!(
            (word, &*text),
            ("ValidationError", "since is a cursor beyond the last event of the group")
        );
    }
    assert!(room.names_since(&key, &end.to_string()).await.is_empty());
}

async fn concurrent_writers_leave_no_gap<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    let nodes: Vec<_> = (0..8).map(|number| format!("node{number}")).collect();
    for node in &nodes {
        room.join(&key, node).await.unwrap();
    }
    let mut since = String::new();
    let mut heard = Vec::new();
    for round in 0..4 {
        let (room, key) = (&room, &key);
        let writes = nodes.iter().map(|node| async move {
            let name = format!("{node}/{round}");
            if round % 2 == 0 {
                room.record_names(key, node, &[&name]).await.map(drop)
            } else {
                room.fire_names(key, node, &[&name]).await.map(drop)
            }
        });
        let (results, polled) =
            futures_util::future::join(join_all(writes), room.events_since(key, &since)).await;
        assert!(results.iter().all(Result::is_ok));
        if let Some(last) = polled.last() {
            since.clone_from(&last.cursor);
        }
        heard.extend(polled.into_iter().map(|one| one.name));
    }
    heard.extend(room.names_since(&key, &since).await);
    heard.sort();
    let mut expected: Vec<_> =
        nodes.iter().flat_map(|node| (0..4).map(move |round| format!("{node}/{round}"))).collect();
    expected.sort();
    assert_eq!(heard, expected);
}

async fn a_strange_since_is_refused<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    for since in ["now", "2026-11-23T09:00:00", "0", "c", " "] {
        assert_eq!(refusal(room.poll(&key, since).await).0, "ValidationError");
    }
}

async fn an_older_epoch_means_everything<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    room.record_names(&key, "host", &["a", "b"]).await.unwrap();
    let heard = room.events_since(&key, "").await;
    // The same place in another life of the store.
    let Since::Cursor(cursor) = Since::parse(&heard[1].cursor).unwrap() else { panic!("a cursor") };
    let foreign = Cursor { epoch: cursor.epoch.wrapping_add(1), ..cursor }.to_string();
    let polled = room.poll(&key, &foreign).await.unwrap();
    assert_eq!(room.names_since(&key, &foreign).await, ["a", "b"]);
    assert!(!polled.complete);
}

async fn a_poll_has_all_values<S: Store>(room: Harness<S>) {
    let key = room.create_with_poller("host").await;
    room.report(&key, "host", &[("x", "1")]).await.unwrap();
    room.clock.advance_seconds(1);
    room.report(&key, "poller", &[("y", "2")]).await.unwrap();
    let statuses = room.statuses(&key).await.unwrap();
    for since in ["", "2090-01-01T00:00Z"] {
        assert_eq!(room.poll(&key, since).await.unwrap().node_statuses, statuses);
    }
}
