//! The hub and its queues, alone and behind a store with its journal, under schedules that `shuttle` chooses. A lost
//! wake-up is a deadlock, which it reports. `MESH_SCHEDULES` says how many schedules of each test are tried.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops where something is amiss")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use mesh_appsync::selection::Selection;
use mesh_core::id::GroupKey;
use mesh_core::model::{BatchEvent, Content, MeshMessage, MessageFields};
use mesh_core::settings::Settings;
use mesh_core::testing::{Harness, TestClock, event};
use mesh_local::testing::TestDisk;
use mesh_local::{LocalSettings, LocalStore, Publisher, SyncPolicy};
use mesh_server::limits::memory::MemoryLimits;
use mesh_server::realtime::hub::{Hub, Registered, Registration};
use mesh_server::realtime::outbound::Outbound;
use mesh_server::realtime::protocol::appsync;
use mesh_server::realtime::queue::{Closing, MAX_WAITING_BYTES, Message, Queue};
use mesh_server::testing::SharedSocket;
use serde_json::Value;
use shuttle::future::block_on;
use shuttle::scheduler::{DfsScheduler, RandomScheduler, Scheduler};
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, Runner};

/// Calls of a store need more than threads have by default.
const STACK_BYTES: usize = 256 << 10;

fn schedules() -> usize {
    std::env::var("MESH_SCHEDULES").map_or(200, |schedules| schedules.parse().unwrap())
}

fn explore(scheduler: impl Scheduler + 'static, lesson: fn()) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(scheduler, config).run(lesson);
}

fn explore_at_random(lesson: fn()) {
    explore(RandomScheduler::new(schedules()), lesson);
}

/// Takes messages as a connection's task does, until it is asked to close.
async fn take_all(queue: &Queue) -> (Vec<Message>, Closing) {
    let mut all = Vec::new();
    loop {
        queue.filled().await;
        let mut taken = Vec::new();
        let closing = queue.take(&mut taken);
        queue.sent(taken.iter().map(Message::len).sum());
        all.append(&mut taken);
        if let Some(closing) = closing {
            return (all, closing);
        }
    }
}

/// Takes so many messages as a connection's task does.
async fn take_some(queue: &Queue, count: usize) -> Vec<Message> {
    let mut all = Vec::new();
    while all.len() < count {
        queue.filled().await;
        let mut taken = Vec::new();
        queue.take(&mut taken);
        queue.sent(taken.iter().map(Message::len).sum());
        all.append(&mut taken);
    }
    all
}

/// A task that takes from the queue of a connection until that closes.
fn taker(connection: Arc<Registration>) -> JoinHandle<Vec<Message>> {
    thread::spawn(move || {
        let (messages, closing) = block_on(take_all(connection.queue()));
        assert_eq!((closing, connection.queue().waiting_bytes()), (Closing::ServerStops, 0));
        messages
    })
}

fn connect(hub: &Arc<Hub>) -> Arc<Registration> {
    Arc::new(hub.connect(Ipv4Addr::LOCALHOST.into()))
}

fn listen(connection: &Registration, group: &GroupKey, number: u64) -> Registered {
    let subscribed = connection.subscribe(
        group.clone(),
        Selection::of_message(),
        appsync::framing(&number.to_string(), "onMessageInGroup"),
        number,
    );
    subscribed.ok().unwrap()
}

/// Names of all events of the messages to one subscription.
fn names(messages: &[Message], subscription: &str) -> Vec<String> {
    let messages = messages.iter().map(|message| [&message.head, &message.tail[..]].concat());
    let messages = messages.map(|json| serde_json::from_slice::<Value>(&json).unwrap());
    let own = messages.filter(|message| message["id"] == subscription);
    let name = |message: Value| {
        let event = &message["payload"]["data"]["onMessageInGroup"]["batchEvent"]["events"][0];
        event["name"].as_str().unwrap().to_owned()
    };
    own.map(name).collect()
}

fn group(id: &str) -> GroupKey {
    GroupKey { id: id.into(), domain: "d".into() }
}

/// Publishes events named by their numbers, one after the other, as the outbox of a group does.
fn publish(hub: &Arc<Hub>, group: GroupKey, count: usize) -> JoinHandle<()> {
    let (hub, group) = (hub.clone(), Arc::new(group));
    let now = mesh_core::clock::Clock::now(&TestClock::new());
    thread::spawn(move || {
        for number in 0..count {
            let batch = BatchEvent {
                group: group.clone(),
                fired_by: "host".into(),
                events: [event(&number.to_string(), now)].into(),
                timestamp: now.wall,
                recorded: None,
            };
            let content = Content::BatchEvent(Arc::new(batch));
            hub.publish(&MeshMessage { group: group.clone(), content, fields: MessageFields::ALL });
        }
    })
}

/// Does something to a queue on a thread of its own, while this one waits for it.
fn act(queue: &Arc<Queue>, act: impl FnOnce(&Queue) + Send + 'static) -> JoinHandle<()> {
    let queue = queue.clone();
    thread::spawn(move || act(&queue))
}

fn push_one(queue: &Queue) {
    queue.push(Message { head: Arc::from([1]), tail: Bytes::new() }, MAX_WAITING_BYTES);
    queue.send(&mut Vec::new());
}

/// Nothing comes after the message that could wake the task in its place.
fn wait_for_a_message() {
    let queue = Arc::<Queue>::default();
    let pushing = act(&queue, push_one);
    block_on(queue.filled());
    let mut taken = Vec::new();
    assert_eq!((queue.take(&mut taken), taken.len()), (None, 1));
    pushing.join().unwrap();
}

fn wait_for_the_close() {
    let queue = Arc::<Queue>::default();
    let closing = act(&queue, |queue| {
        push_one(queue);
        queue.close(Closing::ServerStops);
    });
    let (messages, why) = block_on(take_all(&queue));
    closing.join().unwrap();
    assert_eq!((messages.len(), why, queue.waiting_bytes()), (1, Closing::ServerStops, 0));
}

#[test]
fn a_queue_wakes_its_task_in_every_schedule() {
    for lesson in [wait_for_a_message, wait_for_the_close] {
        explore(DfsScheduler::new(None, false), lesson);
    }
}

#[test]
fn two_groups_and_one_connection() {
    explore_at_random(|| {
        let hub = Arc::<Hub>::default();
        let connection = connect(&hub);
        let groups = ["a", "b"].map(group);
        let registered = [listen(&connection, &groups[0], 0), listen(&connection, &groups[1], 1)];
        let taking = taker(connection.clone());
        let [a, b] = groups;
        let publishing = [publish(&hub, a, 3), publish(&hub, b, 2)];
        for publisher in publishing {
            publisher.join().unwrap();
        }
        hub.close_all();
        let messages = taking.join().unwrap();
        assert_eq!(names(&messages, "0"), ["0", "1", "2"]);
        assert_eq!(names(&messages, "1"), ["0", "1"]);
        for registered in &registered {
            connection.unsubscribe(registered);
        }
        drop((messages, connection));
        let counts = hub.counts();
        assert_eq!((counts.connections, counts.subscriptions, counts.waiting_bytes), (0, 0, 0));
    });
}

#[test]
fn a_subscription_that_comes_and_goes_while_others_publish() {
    explore_at_random(|| {
        let hub = Arc::<Hub>::default();
        let stays = connect(&hub);
        let registered = listen(&stays, &group("g"), 0);
        let taking = taker(stays.clone());
        let publishing = publish(&hub, group("g"), 4);
        let comes = connect(&hub);
        let late = listen(&comes, &group("g"), 0);
        thread::yield_now();
        comes.unsubscribe(&late);
        publishing.join().unwrap();
        hub.close_all();
        assert_eq!(names(&taking.join().unwrap(), "0"), ["0", "1", "2", "3"]);
        let heard = names(&block_on(take_all(comes.queue())).0, "0");
        let all = ["0", "1", "2", "3"];
        assert!(heard.is_empty() || all.windows(heard.len()).any(|window| window == heard), "{heard:?}");
        stays.unsubscribe(&registered);
        assert_eq!(hub.counts().subscriptions, 0);
    });
}

/// Messages come without a close that would bring them, also those of a task that ends while they wait.
#[test]
fn messages_that_wait_for_each_other() {
    explore_at_random(|| {
        let hub = Arc::<Hub>::default();
        let dispatching = shuttle::future::spawn({
            let hub = hub.clone();
            async move { hub.dispatch().await }
        });
        let connection = connect(&hub);
        let registered = [listen(&connection, &group("a"), 0), listen(&connection, &group("b"), 1)];
        let taking = thread::spawn({
            let connection = connection.clone();
            move || block_on(take_some(connection.queue(), 6))
        });
        let [a, b] = ["a", "b"].map(|id| publish(&hub, group(id), 3));
        a.join().unwrap();
        dispatching.abort();
        b.join().unwrap();
        let messages = taking.join().unwrap();
        assert_eq!((names(&messages, "0").len(), names(&messages, "1").len()), (3, 3));
        drop(messages);
        for registered in &registered {
            connection.unsubscribe(registered);
        }
        assert_eq!(hub.counts().waiting_bytes, 0);
    });
}

#[test]
fn a_task_and_others_write_to_one_socket() {
    explore_at_random(|| {
        let hub = Arc::<Hub>::default();
        let dispatching = [(); 2].map(|()| {
            let hub = hub.clone();
            shuttle::future::spawn(async move { hub.dispatch().await })
        });
        // Every other time it takes only a part.
        let socket = SharedSocket::taking([100, usize::MAX].repeat(10));
        let connection = connect(&hub);
        connection.queue().share(Some(Arc::new(socket.clone())));
        let registered = [listen(&connection, &group("a"), 0), listen(&connection, &group("b"), 1)];
        let writing = thread::spawn({
            let (connection, mut outbound) = (connection.clone(), Outbound::new(socket.clone()));
            move || {
                block_on(async {
                    while outbound.flush(connection.queue()).await.is_ok() {
                        connection.queue().filled().await;
                    }
                });
            }
        });
        for publisher in ["a", "b"].map(|id| publish(&hub, group(id), 3)) {
            publisher.join().unwrap();
        }
        hub.close_all();
        writing.join().unwrap();
        dispatching.iter().for_each(shuttle::future::JoinHandle::abort);
        let messages = socket.payloads().into_iter();
        let messages: Vec<_> =
            messages.map(|payload| Message { head: payload.into(), tail: Bytes::new() }).collect();
        assert_eq!(names(&messages, "0"), ["0", "1", "2"]);
        assert_eq!(names(&messages, "1"), ["0", "1", "2"]);
        for registered in &registered {
            connection.unsubscribe(registered);
        }
        assert_eq!(hub.counts().waiting_bytes, 0);
    });
}

/// Who subscribes and then polls misses nothing between the two; whoever is answered has told everybody.
#[test]
fn from_the_call_to_the_queue() {
    explore_at_random(|| {
        let hub = Arc::<Hub>::default();
        let settings = LocalSettings {
            settings: Settings::default(),
            max_groups: 10,
            memory: MemoryLimits::default().store,
        };
        let (disk, clock) = (TestDisk::default(), Arc::<TestClock>::default());
        let store =
            LocalStore::open_with(&disk, SyncPolicy::Always, settings.clone(), clock.clone(), hub.clone());
        let home = Harness::new(store.unwrap(), clock, settings.settings);
        let group = block_on(home.create_with_poller("host"));
        let writers = ["a", "b"].map(|writer| {
            let (home, group) = (home.clone(), group.clone());
            thread::spawn(move || {
                for number in 0..2 {
                    let name = format!("{writer}{number}");
                    block_on(home.fire_names(&group, "host", &[&name])).unwrap();
                }
            })
        });
        let connection = connect(&hub);
        let _registered = listen(&connection, &group, 0);
        let polled = block_on(home.names_since(&group, ""));
        for writer in writers {
            writer.join().unwrap();
        }
        hub.close_all();
        let heard = names(&block_on(take_all(connection.queue())).0, "0");
        let all = block_on(home.names_since(&group, ""));
        assert_eq!(all.len(), 4);
        assert!(all.starts_with(&polled) && all.ends_with(&heard), "{polled:?}, {heard:?} of {all:?}");
        assert!(polled.len() + heard.len() >= all.len(), "{polled:?}, {heard:?} of {all:?}");
        home.context.store.close();
    });
}
