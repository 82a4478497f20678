//! The scenarios and their aims.

use mesh_simulate::load::Load;

use crate::contender::Home;

/// The names of figures.
pub(crate) mod figure {
    pub(crate) const MUTATIONS: &str = "mutations/s";
    pub(crate) const CPU: &str = "CPU per delivery [us]";
    pub(crate) const CPU_SMALL: &str = "CPU per delivery, small [us]";
    pub(crate) const CPU_LARGE: &str = "CPU per delivery, large [us]";
    pub(crate) const CPU_BESIDE: &str = "CPU per delivery, beside [us]";
    pub(crate) const CPU_JOIN: &str = "CPU per joining program [us]";
    pub(crate) const CPU_HANDSHAKE: &str = "CPU, whole handshake [us]";
    pub(crate) const CPU_RESUMED: &str = "CPU, resumed handshake [us]";
    pub(crate) const CPU_STATUSES: &str = "CPU per listGroupStatuses [us]";
    pub(crate) const CPU_SEARCH: &str = "CPU per search [us]";
    pub(crate) const CPU_POLL: &str = "CPU per pollGroupData [us]";
    pub(crate) const ENTERED: &str = "a class has entered [ms]";
    pub(crate) const P99: &str = "delivery p99 [ms]";
    pub(crate) const P99_BESIDE: &str = "delivery p99, beside [ms]";
    pub(crate) const P99_GROWTH: &str = "p99 beside / before";
    pub(crate) const CORES: &str = "cores";
    pub(crate) const CORES_IDLE: &str = "cores while idle";
    pub(crate) const RESIDENT: &str = "RSS [MB]";
    pub(crate) const RESIDENT_PER_CONNECTION: &str = "RSS per connection [KB]";
    pub(crate) const FAULTS: &str = "faults";
}

/// The aim of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// Mesh's median, at least so many times the floor's.
    RatioAtLeast(f64),
    /// Mesh's median, at most so many times the floor's.
    RatioAtMost(f64),
    /// The ratio to the floor, at most so many times the ratio of another figure.
    RatioGrowsAtMost(f64, &'static str),
    /// Mesh's median, at most so many times its median of another figure.
    GrowsAtMost(f64, &'static str),
    /// Mesh's median, at most so much, whatever the floor's is.
    AtMost(f64),
    /// None, not even in the worst run of Mesh.
    Zero,
}

/// The load of one run.
pub(crate) enum Play {
    /// One load.
    One(Load),
    /// Two loads that differ in size only.
    Growth {
        /// The smaller.
        small: Load,
        /// The larger.
        large: Load,
    },
    /// A load without, then with so many connections where nothing happens.
    Idle {
        /// The load beside them.
        active: Load,
        /// Their number.
        connections: usize,
    },
    /// A load without, then with so many boards of a teacher.
    Boards {
        /// The load beside them.
        active: Load,
        /// Their number.
        boards: usize,
    },
    /// Classes whose programs all enter at once, one class after the other.
    Joins {
        /// Classes.
        classes: usize,
        /// Programs of each.
        nodes: usize,
    },
    /// Clients that come in for the first time, and those who come back.
    Handshakes,
    /// Reads from a full store.
    Reads {
        /// Groups, in full domains.
        groups: usize,
        /// Nodes of the group that is read.
        nodes: usize,
    },
}

/// A comparison.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) home: Home,
    pub(crate) play: Play,
    /// False where the floor cannot do what is played.
    pub(crate) has_floor: bool,
    pub(crate) aims: &'static [(&'static str, Aim)],
}

/// Full speed in memory, where every mutation is durable, and encrypted.
const FULL_SPEED: &[(&str, Aim)] = &[
    (figure::MUTATIONS, Aim::RatioAtLeast(0.8)),
    (figure::CPU, Aim::RatioAtMost(1.25)),
    (figure::FAULTS, Aim::Zero),
];
const FULL_SPEED_DURABLE: &[(&str, Aim)] =
    &[(figure::MUTATIONS, Aim::RatioAtLeast(0.7)), (figure::FAULTS, Aim::Zero)];
const SEED: &[(&str, Aim)] =
    &[(figure::P99, Aim::RatioAtMost(2.0)), (figure::CORES, Aim::AtMost(0.15)), (figure::FAULTS, Aim::Zero)];
const TENFOLD: &[(&str, Aim)] = &[
    (figure::P99, Aim::RatioAtMost(3.0)),
    (figure::RESIDENT, Aim::AtMost(200.0)),
    (figure::FAULTS, Aim::Zero),
];
const BATCHES: &[(&str, Aim)] = &[(figure::CPU, Aim::RatioAtMost(1.5)), (figure::FAULTS, Aim::Zero)];
const GROWTH: &[(&str, Aim)] =
    &[(figure::CPU_LARGE, Aim::RatioGrowsAtMost(1.15, figure::CPU_SMALL)), (figure::FAULTS, Aim::Zero)];
const GROWTH_ALONE: &[(&str, Aim)] =
    &[(figure::CPU_LARGE, Aim::GrowsAtMost(1.15, figure::CPU_SMALL)), (figure::FAULTS, Aim::Zero)];
const IDLE: &[(&str, Aim)] = &[
    (figure::RESIDENT_PER_CONNECTION, Aim::AtMost(20.0)),
    (figure::CORES_IDLE, Aim::AtMost(0.03)),
    (figure::P99_GROWTH, Aim::AtMost(1.2)),
    (figure::FAULTS, Aim::Zero),
];
const IDLE_MANY: &[(&str, Aim)] = &[
    (figure::RESIDENT_PER_CONNECTION, Aim::AtMost(20.0)),
    (figure::CORES_IDLE, Aim::AtMost(0.15)),
    (figure::P99_GROWTH, Aim::AtMost(1.2)),
    (figure::FAULTS, Aim::Zero),
];
const BOARDS: &[(&str, Aim)] = &[(figure::P99_GROWTH, Aim::AtMost(1.2)), (figure::FAULTS, Aim::Zero)];
const JOINS: &[(&str, Aim)] =
    &[(figure::ENTERED, Aim::AtMost(1_000.0)), (figure::CPU_JOIN, Aim::RatioAtMost(2.0))];
const HANDSHAKES: &[(&str, Aim)] =
    &[(figure::CPU_HANDSHAKE, Aim::RatioAtMost(1.25)), (figure::CPU_RESUMED, Aim::RatioAtMost(1.25))];

/// All of them, each run with so many measured seconds.
pub(crate) fn all(seconds: f64) -> Vec<Scenario> {
    let seed = Load { seconds, ..Load::seed() };
    [speeds(&seed), sizes(&seed), others(seed)].into_iter().flatten().collect()
}

/// How fast it is, and what a load costs.
fn speeds(seed: &Load) -> Vec<Scenario> {
    let at_full_speed = |connections| Load { max_connections: Some(connections), ..seed.clone() };
    let batches = Load { groups: 1, data_rate: 0.0, event_rate: 10.0, events: 1_000, ..seed.clone() };
    let (memory, disk, tls) = (Home::Memory, Home::Disk, Home::Tls);
    let of_32 = "10 groups of 40, 32 connections";
    let of_128 = "10 groups of 40, 128 connections";
    let of_seed = "170 mutations/s, 6,800 deliveries/s";
    vec![
        Scenario::new("full-speed-32", of_32, memory, Play::One(at_full_speed(32)), FULL_SPEED),
        Scenario::new("full-speed-32-data", of_32, disk, Play::One(at_full_speed(32)), FULL_SPEED_DURABLE),
        Scenario::new("full-speed-32-tls", of_32, tls, Play::One(at_full_speed(32)), FULL_SPEED),
        Scenario::new("full-speed-128", of_128, memory, Play::One(at_full_speed(128)), FULL_SPEED),
        Scenario::new("full-speed-128-data", of_128, disk, Play::One(at_full_speed(128)), FULL_SPEED_DURABLE),
        Scenario::new("seed", of_seed, memory, Play::One(seed.clone()), SEED),
        Scenario::new("seed-data", of_seed, disk, Play::One(seed.clone()), SEED),
        Scenario::new("seed-data-slow", of_seed, Home::SlowDisk, Play::One(seed.clone()), SEED),
        Scenario::new("seed-tls", of_seed, tls, Play::One(seed.clone()), SEED),
        Scenario::new(
            "tenfold",
            "1,700 mutations/s, 68,000 deliveries/s",
            memory,
            Play::One(seed.times(10.0)),
            TENFOLD,
        ),
        Scenario::new(
            "batches",
            "1,000 events each, 10 a second, to 40 nodes",
            memory,
            Play::One(batches),
            BATCHES,
        ),
    ]
}

/// What grows with the number of groups, nodes and pollers.
fn sizes(seed: &Load) -> Vec<Scenario> {
    let of_size = |groups, nodes, connections| Load {
        groups,
        nodes,
        max_connections: Some(connections),
        ..seed.clone()
    };
    let polling = |groups| Load { groups, polling_share: 1.0, ..seed.clone() };
    let growth = |small, large| Play::Growth { small, large };
    let memory = Home::Memory;
    vec![
        Scenario::new(
            "growth-groups",
            "1 group of 2, then 1,000 groups of 2; 2 connections at full speed",
            memory,
            growth(of_size(1, 2, 2), of_size(1_000, 2, 2)),
            GROWTH,
        ),
        Scenario::new(
            "growth-groups-10000",
            "1 group of 2, then 10,000 groups of 2; 2 connections at full speed",
            memory,
            growth(of_size(1, 2, 2), of_size(10_000, 2, 2)),
            GROWTH,
        ),
        Scenario::new(
            "growth-nodes",
            "2 groups of 2, then 2 groups of 500; 4 connections at full speed",
            memory,
            growth(of_size(2, 2, 4), of_size(2, 500, 4)),
            GROWTH,
        ),
        Scenario::new(
            "growth-pollers",
            "the seed load of 3 and of 26 groups of 40, where all but the hosts poll: 117 and 1,014 pollers",
            memory,
            growth(polling(3), polling(26)),
            GROWTH_ALONE,
        )
        .alone(),
    ]
}

/// What is carried beside a load, and single calls.
fn others(seed: Load) -> Vec<Scenario> {
    let (memory, tls) = (Home::Memory, Home::Tls);
    vec![
        Scenario::new(
            "idle",
            "10,000 subscriptions where nothing happens, beside the seed load",
            memory,
            Play::Idle { active: seed.clone(), connections: 10_000 },
            IDLE,
        ),
        Scenario::new(
            "idle-50000",
            "50,000 subscriptions where nothing happens, beside the seed load",
            memory,
            Play::Idle { active: seed.clone(), connections: 50_000 },
            IDLE_MANY,
        ),
        Scenario::new(
            "boards",
            "8 boards of a teacher, as many as may be open, beside the seed load",
            memory,
            Play::Boards { active: seed, boards: 8 },
            BOARDS,
        )
        .alone(),
        Scenario::new(
            "joins",
            "100 classes of 40 programs, each class at once: a join and a subscription",
            memory,
            Play::Joins { classes: 100, nodes: 40 },
            JOINS,
        ),
        Scenario::new("handshakes", "a connection with one call", tls, Play::Handshakes, HANDSHAKES),
        Scenario::new(
            "reads",
            "a group of 500 nodes with a value each and 100 events; 20 domains of 1,000 groups",
            memory,
            Play::Reads { groups: 20_000, nodes: 500 },
            &[],
        )
        .alone(),
    ]
}

impl Scenario {
    fn new(
        name: &'static str,
        about: &'static str,
        home: Home,
        play: Play,
        aims: &'static [(&'static str, Aim)],
    ) -> Self {
        Self { name, about, home, play, has_floor: true, aims }
    }

    /// The same without the floor.
    fn alone(self) -> Self {
        Self { has_floor: false, ..self }
    }

    /// The number of open files beyond what this machine allows one process.
    pub(crate) fn missing_files(&self) -> u64 {
        // A node has two connections; the rest is for everything else that is open.
        let of_nodes = |load: &Load| 2 * load.groups * load.nodes + 100;
        let needed = match &self.play {
            Play::One(load) => of_nodes(load),
            Play::Growth { small, large } => of_nodes(small).max(of_nodes(large)),
            Play::Idle { active, connections } => connections + of_nodes(active),
            Play::Boards { active, boards } => boards + of_nodes(active),
            Play::Joins { classes, nodes } => 2 * classes * nodes,
            Play::Handshakes | Play::Reads { .. } => 0,
        };
        let (allowed, _) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap_or((u64::MAX, u64::MAX));
        (needed as u64).saturating_sub(allowed)
    }
}
