//! The scenarios and their aims.

use mesh_simulate::load::Load;

use crate::contender::Home;

/// The names of figures.
pub(crate) mod figure {
    pub(crate) const MUTATIONS: &str = "mutations/s";
    pub(crate) const CPU: &str = "CPU per delivery [us]";
    pub(crate) const CPU_SMALL: &str = "CPU per delivery, small [us]";
    pub(crate) const CPU_LARGE: &str = "CPU per delivery, large [us]";
    pub(crate) const P99: &str = "delivery p99 [ms]";
    pub(crate) const P99_BESIDE: &str = "p99 beside the idle [ms]";
    pub(crate) const P99_GROWTH: &str = "p99 beside the idle / before";
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
}

/// A comparison.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) home: Home,
    pub(crate) play: Play,
    pub(crate) aims: &'static [(&'static str, Aim)],
}

/// Full speed in memory, and where every mutation is durable.
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
const IDLE: &[(&str, Aim)] = &[
    (figure::RESIDENT_PER_CONNECTION, Aim::AtMost(20.0)),
    (figure::CORES_IDLE, Aim::AtMost(0.03)),
    (figure::P99_GROWTH, Aim::AtMost(1.2)),
    (figure::FAULTS, Aim::Zero),
];

/// All of them, each run with so many measured seconds.
pub(crate) fn all(seconds: f64) -> Vec<Scenario> {
    let seed = Load { seconds, ..Load::seed() };
    let at_full_speed = |connections| Load { max_connections: Some(connections), ..seed.clone() };
    let of_size = |groups, nodes, connections| Load { groups, nodes, ..at_full_speed(connections) };
    let batches = Load { groups: 1, data_rate: 0.0, event_rate: 10.0, events: 1_000, ..seed.clone() };
    let scenario = |name, about, home, play, aims| Scenario { name, about, home, play, aims };
    let one = |name, about, home, load, aims| scenario(name, about, home, Play::One(load), aims);
    let (memory, disk) = (Home::Memory, Home::Disk);
    vec![
        one("full-speed-32", "10 groups of 40, 32 connections", memory, at_full_speed(32), FULL_SPEED),
        one(
            "full-speed-32-data",
            "10 groups of 40, 32 connections",
            disk,
            at_full_speed(32),
            FULL_SPEED_DURABLE,
        ),
        one("full-speed-128", "10 groups of 40, 128 connections", memory, at_full_speed(128), FULL_SPEED),
        one(
            "full-speed-128-data",
            "10 groups of 40, 128 connections",
            disk,
            at_full_speed(128),
            FULL_SPEED_DURABLE,
        ),
        one("seed", "170 mutations/s, 6,800 deliveries/s", memory, seed.clone(), SEED),
        one("seed-data", "170 mutations/s, 6,800 deliveries/s", disk, seed.clone(), SEED),
        one("tenfold", "1,700 mutations/s, 68,000 deliveries/s", memory, seed.times(10.0), TENFOLD),
        one("batches", "1,000 events each, 10 a second, to 40 nodes", memory, batches, BATCHES),
        scenario(
            "growth-groups",
            "1 group of 2, then 1,000 groups of 2; 2 connections at full speed",
            memory,
            Play::Growth { small: of_size(1, 2, 2), large: of_size(1_000, 2, 2) },
            GROWTH,
        ),
        scenario(
            "growth-nodes",
            "2 groups of 2, then 2 groups of 400; 4 connections at full speed",
            memory,
            Play::Growth { small: of_size(2, 2, 4), large: of_size(2, 400, 4) },
            GROWTH,
        ),
        scenario(
            "idle",
            "10,000 subscriptions where nothing happens, beside the seed load",
            memory,
            Play::Idle { active: seed.clone(), connections: 10_000 },
            IDLE,
        ),
    ]
}

impl Scenario {
    /// The number of open files beyond what this machine allows one process.
    pub(crate) fn missing_files(&self) -> u64 {
        // A node has two connections; the rest is for everything else that is open.
        let of_nodes = |load: &Load| 2 * load.groups * load.nodes + 100;
        let needed = match &self.play {
            Play::One(load) => of_nodes(load),
            Play::Growth { small, large } => of_nodes(small).max(of_nodes(large)),
            Play::Idle { active, connections } => connections + of_nodes(active),
        };
        let (allowed, _) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap_or((u64::MAX, u64::MAX));
        (needed as u64).saturating_sub(allowed)
    }
}
