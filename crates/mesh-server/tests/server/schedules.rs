//! Writers, pollers, subscribers and restarts, in thousands of interleavings: every event that was
//! acknowledged is heard by everybody exactly once, in one order.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use mesh_core::id::GroupKey;
use mesh_core::model::Event;
use mesh_core::settings::Settings;
use mesh_core::testing::{Harness, Heard as HeardEvent, TestClock, event};
use mesh_local::testing::TestDisk;
use mesh_local::{LocalSettings, LocalStore};
use mesh_server::graphql::engine::{Engine, Subscription};
use mesh_server::graphql::request::Request;
use mesh_server::limits::memory::MemoryLimits;
use mesh_server::realtime::hub::{Hub, Registration};
use mesh_server::realtime::protocol::appsync;
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const WRITERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// A writer fires or records its next events, if its last call was answered.
    Write { writer: usize, records: bool, events: usize },
    /// A call that waits is looked at again.
    Look(usize),
    /// The poller asks for what is new.
    Poll,
    /// The subscriber's socket breaks, or it comes back and catches up.
    Reconnect,
    /// The process is killed, or the power fails and some writes are lost, and it starts again.
    Restart { power_cut_keeps: Option<usize> },
    /// Time goes by, far less than events are kept for.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..WRITERS, any::<bool>(), 1..4_usize)
            .prop_map(|(writer, records, events)| Step::Write { writer, records, events }),
        4 => (0..WRITERS).prop_map(Step::Look),
        3 => Just(Step::Poll),
        2 => Just(Step::Reconnect),
        1 => prop::option::of(0..20_usize).prop_map(|power_cut_keeps| Step::Restart { power_cut_keeps }),
        1 => (1..200_u64).prop_map(Step::Wait),
    ]
}

type Call = Pin<Box<dyn Future<Output = mesh_core::Result<()>>>>;

#[derive(Default)]
struct Writer {
    next: usize,
    /// The call under way.
    call: Option<Call>,
    /// The events of the last call, and whether they were recorded, so that it may be repeated.
    last: Option<(Vec<Event>, bool)>,
}

struct World {
    disk: TestDisk,
    clock: Arc<TestClock>,
    hub: Arc<Hub>,
    room: Option<Harness<LocalStore>>,
    group: GroupKey,
    writers: Vec<Writer>,
    subscription: Subscription,
    socket: Option<Registration>,
    acknowledged: BTreeSet<String>,
    /// What the poller and the subscriber heard: cursor and name.
    polled: Vec<HeardEvent>,
    subscribed: Vec<HeardEvent>,
}

/// A home over a disk, which a later start may find again.
fn on_disk(disk: &TestDisk, clock: &Arc<TestClock>, hub: Arc<Hub>) -> Harness<LocalStore> {
    let settings = Settings::default();
    let local =
        LocalSettings { settings: settings.clone(), max_groups: 100, memory: MemoryLimits::default().store };
    let store = LocalStore::open_on(disk, local, clock.clone(), hub).unwrap();
    Harness::new(store, clock.clone(), settings)
}

/// Runs a future to its end on this thread; the journal's thread may wake it.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().unwrap());
    RUNTIME.block_on(future)
}

impl World {
    fn new() -> Self {
        let (disk, clock, hub) = (TestDisk::default(), Arc::default(), Arc::<Hub>::default());
        let room = on_disk(&disk, &clock, hub.clone());
        let group = block_on(room.create_with_poller("host"));
        for writer in 0..WRITERS {
            block_on(room.join(&group, &format!("w{writer}"))).unwrap();
        }
        let subscription = subscription(&group);
        Self {
            disk,
            clock,
            hub,
            room: Some(room),
            group,
            writers: (0..WRITERS).map(|_| Writer::default()).collect(),
            subscription,
            socket: None,
            acknowledged: BTreeSet::new(),
            polled: Vec::new(),
            subscribed: Vec::new(),
        }
    }

    fn room(&self) -> Harness<LocalStore> {
        self.room.clone().unwrap()
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Write { writer, records, events } => self.write(*writer, *records, *events),
            Step::Look(writer) => self.look(*writer),
            Step::Poll => self.poll(),
            Step::Reconnect => self.reconnect(),
            Step::Restart { power_cut_keeps } => self.restart(*power_cut_keeps),
            Step::Wait(millis) => self.clock.advance(std::time::Duration::from_millis(*millis)),
        }
    }

    fn write(&mut self, index: usize, records: bool, events: usize) {
        let now = self.room().now();
        let writer = &mut self.writers[index];
        if writer.call.is_some() {
            return;
        }
        let name = |number| format!("w{index}/{number}");
        let events: Vec<_> =
            (writer.next..writer.next + events).map(|number| event(&name(number), now)).collect();
        writer.next += events.len();
        self.send(index, events, records);
    }

    fn send(&mut self, index: usize, events: Vec<Event>, records: bool) {
        let (room, group, node) = (self.room(), self.group.clone(), format!("w{index}"));
        let writer = &mut self.writers[index];
        writer.last = Some((events.clone(), records));
        writer.call = Some(Box::pin(async move {
            if records {
                room.record(&group, &node, events).await.map(drop)
            } else {
                room.fire(&group, &node, events).await.map(drop)
            }
        }));
        self.look(index);
    }

    fn look(&mut self, index: usize) {
        let writer = &mut self.writers[index];
        let Some(call) = &mut writer.call else { return };
        if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            writer.call = None;
            if result.is_ok() {
                self.acknowledge(index);
            }
        }
        self.hear();
    }

    fn acknowledge(&mut self, index: usize) {
        let (events, _) = self.writers[index].last.take().unwrap();
        self.acknowledged.extend(events.into_iter().map(|event| event.name));
    }

    fn poll(&mut self) {
        loop {
            let since = self.polled.last().map_or("", |heard| &heard.cursor).to_owned();
            let page = block_on(self.room().events_since(&self.group, &since));
            if page.is_empty() {
                break;
            }
            self.polled.extend(page);
        }
    }

    fn reconnect(&mut self) {
        self.hear();
        if self.socket.take().is_some() {
            return;
        }
        let socket = self.hub.connect(std::net::Ipv4Addr::LOCALHOST.into());
        let Subscription { group, key, selection } = &self.subscription;
        socket.subscribe(group.clone(), selection.clone(), appsync::framing("1", key), 0).unwrap();
        self.socket = Some(socket);
        // First subscribed, then caught up: what comes twice is told by its cursor.
        loop {
            let since = self.subscribed.last().map_or("", |heard| &heard.cursor).to_owned();
            let page = block_on(self.room().events_since(&self.group, &since));
            if page.is_empty() {
                break;
            }
            self.subscribed.extend(page);
        }
        self.hear();
    }

    /// Takes what the subscriber's socket has got.
    fn hear(&mut self) {
        let Some(socket) = &self.socket else { return };
        let mut messages = Vec::new();
        assert_eq!(socket.queue().take(&mut messages), None);
        for message in messages {
            let json: Value = serde_json::from_slice(&[&message.head[..], &message.tail].concat()).unwrap();
            let events = &json["payload"]["data"]["onMessageInGroup"]["batchEvent"]["events"];
            for event in events.as_array().unwrap() {
                let text = |key: &str| event[key].as_str().unwrap().to_owned();
                let heard =
                    HeardEvent { name: text("name"), from: text("firedByNodeId"), cursor: text("cursor") };
                if !self.subscribed.contains(&heard) {
                    self.subscribed.push(heard);
                }
            }
        }
    }

    fn restart(&mut self, power_cut_keeps: Option<usize>) {
        match power_cut_keeps {
            None => self.disk.kill(),
            Some(kept) => self.disk.cut_power(kept),
        }
        // Whoever waited for an answer gets none.
        for writer in &mut self.writers {
            writer.call = None;
        }
        self.hear();
        self.socket = None;
        self.room = None;
        self.hub = Arc::default();
        self.room = Some(on_disk(&self.disk, &self.clock, self.hub.clone()));
        for index in 0..WRITERS {
            // The client repeats a recorded call; it counts once whether or not it had been taken.
            if let Some((events, true)) = self.writers[index].last.take() {
                self.send(index, events, true);
            }
        }
    }

    /// Lets everything end, then compares what was heard.
    fn check(mut self) {
        for index in 0..WRITERS {
            if let Some(call) = self.writers[index].call.take() {
                block_on(call).unwrap();
                self.acknowledge(index);
            }
        }
        self.poll();
        if self.socket.is_none() {
            self.reconnect();
        }
        self.hear();
        assert_eq!(self.polled, self.subscribed, "both heard the same, in the same order");
        let mut heard: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &self.polled {
            *heard.entry(&one.name).or_default() += 1;
        }
        assert!(heard.values().all(|times| *times == 1), "nothing is doubled: {heard:?}");
        for name in &self.acknowledged {
            assert!(heard.contains_key(&**name), "{name} was acknowledged and is lost: {heard:?}");
        }
        for writer in 0..WRITERS {
            let node = format!("w{writer}");
            let number = |one: &HeardEvent| one.name.split_once('/').unwrap().1.parse::<usize>().unwrap();
            let numbers: Vec<_> = self.polled.iter().filter(|one| one.from == node).map(number).collect();
            assert!(numbers.is_sorted(), "{node} is heard in its order: {numbers:?}");
        }
    }
}

fn subscription(group: &GroupKey) -> Subscription {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());
    let query = format!(
        r#"subscription {{ onMessageInGroup(groupId: "{}", domain: "{}") {{
            batchEvent {{ events {{ name firedByNodeId cursor }} }} }} }}"#,
        group.id,
        group.domain.as_str()
    );
    let body = serde_json::json!({"query": query}).to_string();
    ENGINE.subscription(&Request::parse(body.as_bytes()).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn no_event_is_lost_doubled_or_reordered(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
        world.check();
    }
}
