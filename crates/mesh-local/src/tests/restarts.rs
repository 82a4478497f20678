//! The state after a restart.

use std::sync::Arc;
use std::time::Duration;

use mesh_core::id::GroupKey;
use mesh_core::testing::{Harness, TestClock, event};

use super::{Heard, LocalStore, TestDisk, on_disk};

struct Home {
    disk: TestDisk,
    clock: Arc<TestClock>,
    room: Option<Harness<LocalStore>>,
}

impl Home {
    fn new() -> Self {
        let (disk, clock) = (TestDisk::default(), Arc::default());
        let room = Some(on_disk(&disk, &clock, Arc::<Heard>::default()));
        Self { disk, clock, room }
    }

    fn room(&self) -> &Harness<LocalStore> {
        self.room.as_ref().unwrap()
    }

    /// Kills the process and starts it again.
    fn restart(&mut self) {
        self.disk.kill();
        self.room = None;
        self.room = Some(on_disk(&self.disk, &self.clock, Arc::<Heard>::default()));
    }
}

#[tokio::test]
async fn everything_acknowledged_is_there_again() {
    let mut home = Home::new();
    let room = home.room().clone();
    let group = room.create_with_poller("host").await;
    room.join(&group, "node").await.unwrap();
    room.join(&group, "left").await.unwrap();
    room.report(&group, "node", &[("x", "1"), ("y", "1")]).await.unwrap();
    room.report(&group, "left", &[("x", "1")]).await.unwrap();
    room.clock.advance_seconds(1);
    room.report(&group, "node", &[("x", "2")]).await.unwrap();
    room.report(&group, "host", &[("h", "1")]).await.unwrap();
    room.leave(&group, "left").await.unwrap();
    room.record_names(&group, "node", &["a", "b"]).await.unwrap();
    room.fire_names(&group, "host", &["c"]).await.unwrap();
    let dissolved = room.create("other").await.key();
    room.dissolve(&dissolved, "other").await.unwrap();
    let (groups, nodes) = (room.groups("school").await, room.nodes(&group).await.unwrap());
    let (statuses, heard) = (room.statuses(&group).await.unwrap(), room.events_since(&group, "").await);
    drop(room);

    home.restart();
    let room = home.room();
    assert_eq!(room.groups("school").await, groups);
    assert_eq!(room.nodes(&group).await.unwrap(), nodes);
    assert_eq!(room.statuses(&group).await.unwrap(), statuses);
    assert_eq!(room.events_since(&group, "").await, heard);
    assert_eq!(room.status("node").await.unwrap().data.len(), 2);
    assert!(room.status("left").await.is_none());
    assert!(room.poll(&dissolved, "").await.is_err());
    assert_eq!(room.create("host").await.key(), group, "the host gets its group back");
}

#[tokio::test]
async fn cursors_go_on_behind_a_restart() {
    let mut home = Home::new();
    let group = home.room().create_with_poller("host").await;
    home.room().record_names(&group, "host", &["a", "b"]).await.unwrap();
    let behind_a = home.room().events_since(&group, "").await[0].cursor.clone();
    home.restart();
    home.room().fire_names(&group, "host", &["c"]).await.unwrap();
    assert_eq!(home.room().names_since(&group, &behind_a).await, ["b", "c"]);

    // Nor do they when everything they knew has gone by.
    let end = home.room().events_since(&group, &behind_a).await[1].cursor.clone();
    home.clock.advance_seconds(40);
    home.room().context.store.sweep(home.room().now()).await.unwrap();
    home.restart();
    home.room().record_names(&group, "host", &["d"]).await.unwrap();
    assert_eq!(home.room().names_since(&group, &end).await, ["d"]);
    assert!(home.room().poll(&group, &end).await.unwrap().complete);
    assert!(!home.room().poll(&group, &behind_a).await.unwrap().complete);
    assert!(!home.room().poll(&group, "").await.unwrap().complete);
}

#[tokio::test]
async fn a_repeated_call_is_recognised_behind_a_restart() {
    let mut home = Home::new();
    let group = home.room().create_with_poller("host").await;
    let call = vec![event("a", home.room().now())];
    let first = home.room().record(&group, "host", call.clone()).await.unwrap();
    home.restart();
    let again = home.room().record(&group, "host", call.clone()).await.unwrap();
    assert_eq!((again.recorded_count, again.next_since), (first.recorded_count, first.next_since));
    assert_eq!(home.room().names_since(&group, "").await, ["a"]);
}

#[tokio::test]
async fn timestamps_rise_across_restarts() {
    let mut home = Home::new();
    let group = home.room().create("host").await.key();
    home.room().join(&group, "node").await.unwrap();
    let mut last = None;
    for step in 0..8 {
        let node = if step % 2 == 0 { "host" } else { "node" };
        let status = home.room().report(&group, node, &[("x", &step.to_string())]).await.unwrap();
        assert!(last < Some(status.timestamp), "step {step}");
        last = Some(status.timestamp);
        if step == 3 {
            // The newest value goes, and with it the row that knew the newest time.
            home.room().leave(&group, "node").await.unwrap();
        }
        home.restart();
        if step == 3 {
            home.room().join(&group, "node").await.unwrap();
        }
        home.clock.jump(-1_000);
    }
}

#[tokio::test]
async fn a_restart_is_a_heartbeat_of_the_living() {
    let mut home = Home::new();
    let group = home.room().create("host").await.key();
    home.room().join(&group, "node").await.unwrap();
    let ends_soon = home.room().create_as("school", "short", "short", Some(200), None).await.unwrap().key();
    home.clock.advance_seconds(140);
    home.restart();
    home.clock.advance_seconds(140);
    assert_eq!(home.room().groups("school").await.len(), 1, "one group's time was over");
    assert!(home.room().poll(&ends_soon, "").await.unwrap_err().to_string().starts_with("Group expired"));
    home.room().renew(&group, "host").await.unwrap();
    assert_eq!(home.room().nodes(&group).await.unwrap().len(), 1);
}

#[tokio::test]
async fn expired_groups_are_remembered_across_restarts() {
    let mut home = Home::new();
    let expired = home.room().create_as("school", "host", "host", Some(10), None).await.unwrap().key();
    let silent = home.room().create("other").await.key();
    home.clock.advance_seconds(151);
    home.room().context.store.sweep(home.room().now()).await.unwrap();
    home.restart();
    let text = async |group: &GroupKey| home.room().poll(group, "").await.unwrap_err().to_string();
    assert_eq!(text(&expired).await, format!("Group expired: {expired}"));
    assert!(text(&silent).await.contains("heartbeat"));
    home.clock.advance(Duration::from_mins(61));
    home.room().context.store.sweep(home.room().now()).await.unwrap();
    assert!(text(&expired).await.starts_with("Group expired"), "an hour at least");
    home.clock.advance(Duration::from_hours(3));
    home.room().context.store.sweep(home.room().now()).await.unwrap();
    home.restart();
    let text = home.room().poll(&expired, "").await.unwrap_err().to_string();
    assert!(text.starts_with("Group not found"), "{text}");
}

#[tokio::test]
async fn a_clock_that_jumps_kills_and_immortalises_nothing() {
    for jump in [3_600_000, -3_600_000] {
        let home = Home::new();
        let room = home.room();
        let group = room.create_as("school", "host", "host", Some(600), None).await.unwrap().key();
        room.join(&group, "poller").await.unwrap();
        room.record_names(&group, "host", &["a"]).await.unwrap();
        home.clock.jump(jump);
        room.context.store.sweep(room.now()).await.unwrap();
        assert_eq!(room.groups("school").await.len(), 1);
        assert_eq!(room.nodes(&group).await.unwrap().len(), 1);
        assert_eq!(room.names_since(&group, "").await, ["a"]);
        let before = room.report(&group, "host", &[("x", "1")]).await.unwrap().timestamp;
        assert!(before < room.report(&group, "host", &[("x", "2")]).await.unwrap().timestamp);
        home.clock.advance_seconds(30);
        assert!(room.names_since(&group, "").await.is_empty());
        for _ in 0..5 {
            home.clock.advance_seconds(100);
            room.renew(&group, "host").await.unwrap();
            room.beat(&group, "poller").await.unwrap();
        }
        home.clock.advance_seconds(70);
        assert!(room.groups("school").await.is_empty(), "its time was over as announced");
    }
}

#[tokio::test]
async fn a_clock_set_back_before_a_restart_makes_no_group_immortal() {
    let mut home = Home::new();
    home.room().create("host").await;
    home.clock.jump(-48 * 3_600_000);
    home.restart();
    for _ in 0..21 {
        home.clock.advance_seconds(100);
        home.room().create_in("elsewhere", "host").await.unwrap();
        if let Some(group) = home.room().groups("school").await.first() {
            home.room().renew(&group.key(), "host").await.unwrap();
        }
    }
    assert!(home.room().groups("school").await.is_empty());
}

#[tokio::test]
async fn secrets_and_names_are_there_again() {
    let mut home = Home::new();
    let own = home.room().with_secret("the node's own secret");
    let group = own.create("host").await.key();
    own.join_named(&group, "node", None, Some("ねこ")).await.unwrap();
    home.restart();
    let room = home.room();
    assert_eq!(room.nodes(&group).await.unwrap()[0].record.name.as_deref(), Some("ねこ"));
    for refused in [room.renew(&group, "host").await.map(drop), room.beat(&group, "node").await.map(drop)] {
        assert_eq!(refused.unwrap_err().to_string(), "This node is protected by a secret");
    }
    let own = room.with_secret("the node's own secret");
    own.renew(&group, "host").await.unwrap();
    own.beat(&group, "node").await.unwrap();
}
