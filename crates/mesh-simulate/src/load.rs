//! The plan of a run: how many nodes do what, and when.

use std::time::Duration;

use serde::Serialize;

use crate::number::float_of;

/// A classroom and how it uses Mesh.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Groups.
    pub groups: usize,
    /// Nodes of each group, its host included.
    pub nodes: usize,
    /// Reports a second of each group.
    pub data_rate: f64,
    /// Batches of events a second of each group.
    pub event_rate: f64,
    /// Variables in each report.
    pub values: usize,
    /// Events in each batch.
    pub events: usize,
    /// Which share of the members has no WebSocket and polls: 0 to 1.
    pub polling_share: f64,
    /// The number of members that leave and join again in a second.
    pub churn: f64,
    /// Seconds of the same load before anything is measured; what is delivered is checked all the same.
    pub warm_up_seconds: f64,
    /// Measured seconds.
    pub seconds: f64,
    /// Full speed instead of the rates, whose ratio is kept: so many connections, each with one
    /// mutation under way.
    pub max_connections: Option<usize>,
}

/// The action of a node at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Reports changed values.
    Report,
    /// Fires a batch of events.
    Fire,
    /// Says that it is there.
    Heartbeat,
    /// Asks for all values, as clients do now and then in case they missed one.
    Sync,
    /// Leaves and joins again.
    Rejoin,
}

/// The interval at which clients ask for all values.
pub(crate) const SYNC_INTERVAL: Duration = Duration::from_secs(15);

impl Load {
    /// The promised classroom: 10 groups of 40 nodes, 170 mutations and 6,800 deliveries a second.
    pub fn seed() -> Self {
        Self {
            groups: 10,
            nodes: 40,
            data_rate: 15.0,
            event_rate: 2.0,
            values: 1,
            events: 1,
            polling_share: 0.0,
            churn: 0.0,
            warm_up_seconds: 2.0,
            seconds: 60.0,
            max_connections: None,
        }
    }

    /// The same classroom, doing everything so many times as often.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { data_rate: self.data_rate * factor, event_rate: self.event_rate * factor, ..self.clone() }
    }

    /// Mutations a second, all groups together.
    pub fn mutations_per_second(&self) -> f64 {
        (self.data_rate + self.event_rate) * float_of(self.groups)
    }

    /// Live messages a second, all subscribers together.
    pub fn deliveries_per_second(&self) -> f64 {
        let polling = (0..self.nodes).filter(|node| self.polls(*node)).count();
        self.mutations_per_second() * float_of(self.nodes - polling)
    }

    /// From the first mutation to the last.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up_seconds + self.seconds)
    }

    /// When measuring begins.
    pub fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up_seconds)
    }

    /// Returns `true` if a node polls; hosts never do.
    pub(crate) fn polls(&self, node: usize) -> bool {
        // Spread evenly: the share of the first n members is as near to the whole share as can be.
        let members = |count: usize| (float_of(count) * self.polling_share).round();
        node > 0 && members(node) > members(node - 1)
    }
}

/// The deeds of one node, in order of time.
pub(crate) struct Schedule {
    repeated: Vec<Repeated>,
}

struct Repeated {
    deed: Deed,
    next: Duration,
    interval: Duration,
}

impl Schedule {
    /// Of a node that sends a heartbeat this often. Nodes of a group take turns, groups too.
    pub(crate) fn new(load: &Load, group: usize, node: usize, heartbeat: Duration) -> Self {
        let nodes = float_of(load.nodes);
        let phase = float_of(group) / float_of(load.groups);
        let turn = |rate: f64, ahead: f64| {
            let interval = nodes / rate;
            (interval * ((float_of(node) + phase + ahead) / nodes).fract(), interval)
        };
        let mut repeated = Vec::new();
        let mut repeat = |deed, (first, interval): (f64, f64)| {
            if let (Ok(next), Ok(interval)) =
                (Duration::try_from_secs_f64(first), Duration::try_from_secs_f64(interval))
                && !interval.is_zero()
            {
                repeated.push(Repeated { deed, next, interval });
            }
        };
        repeat(Deed::Report, turn(load.data_rate, 0.0));
        repeat(Deed::Fire, turn(load.event_rate, nodes / 2.0 + 0.5));
        let place = (float_of(node) + phase) / nodes;
        let heartbeat = heartbeat.as_secs_f64();
        repeat(Deed::Heartbeat, (heartbeat * (place + 1.0) / 2.0, heartbeat));
        if !load.polls(node) {
            let sync = SYNC_INTERVAL.as_secs_f64();
            repeat(Deed::Sync, (sync * place, sync));
        }
        if node > 0 {
            let members = (load.nodes - 1) * load.groups;
            // Groups take turns before nodes do, so that no group loses many at once.
            let turn = (node - 1) * load.groups + group;
            repeat(Deed::Rejoin, ((float_of(turn) + 1.0) / load.churn, float_of(members) / load.churn));
        }
        Self { repeated }
    }

    /// The next deed and when it is due, since the run's beginning.
    pub(crate) fn next(&mut self) -> Option<(Duration, Deed)> {
        let first = self.repeated.iter_mut().min_by_key(|repeated| repeated.next)?;
        let due = first.next;
        first.next += first.interval;
        Some((due, first.deed))
    }

    /// Leaves out everything that is due before a moment.
    pub(crate) fn skip_until(&mut self, moment: Duration) {
        for repeated in &mut self.repeated {
            while repeated.next < moment {
                repeated.next += repeated.interval;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that a load's nodes do in the first seconds.
    fn deeds(load: &Load, seconds: u64) -> Vec<(Duration, usize, usize, Deed)> {
        let mut all = Vec::new();
        for group in 0..load.groups {
            for node in 0..load.nodes {
                let mut schedule = Schedule::new(load, group, node, Duration::from_mins(1));
                while let Some((due, deed)) = schedule.next()
                    && due < Duration::from_secs(seconds)
                {
                    all.push((due, group, node, deed));
                }
            }
        }
        all.sort_unstable_by_key(|(due, ..)| *due);
        all
    }

    #[test]
    fn rates_are_kept_and_spread() {
        let load = Load { churn: 2.0, ..Load::seed() };
        let all = deeds(&load, 8);
        let count = |deed| all.iter().filter(|(.., other)| *other == deed).count();
        assert_eq!((count(Deed::Report), count(Deed::Fire), count(Deed::Rejoin)), (1_200, 160, 15));
        assert_eq!(all.iter().filter(|(_, _, node, deed)| *node == 0 && *deed == Deed::Rejoin).count(), 0);
        // In each tenth of a second as many as in any other.
        for tenth in 0..80 {
            let span = Duration::from_millis(tenth * 100)..Duration::from_millis((tenth + 1) * 100);
            let reports =
                |(due, .., deed): &&(Duration, _, _, Deed)| *deed == Deed::Report && span.contains(due);
            assert!((14..=16).contains(&all.iter().filter(reports).count()), "{span:?}");
        }
    }

    #[test]
    fn nobody_does_what_nobody_asked_for() {
        let load = Load { data_rate: 0.0, event_rate: 0.0, ..Load::seed() };
        let all = deeds(&load, 10);
        assert!(all.iter().all(|(.., deed)| *deed == Deed::Sync), "{all:?}");
    }

    #[test]
    fn who_was_away_missed_its_turns() {
        let mut schedule = Schedule::new(&Load::seed(), 0, 1, Duration::from_mins(1));
        schedule.skip_until(Duration::from_secs(100));
        let next: Vec<_> = (0..3).filter_map(|_| schedule.next()).collect();
        assert!(next.iter().all(|(due, _)| *due >= Duration::from_secs(100)), "{next:?}");
    }

    #[test]
    fn polling_nodes_are_a_share_of_the_members() {
        for (share, expected) in [(0.0, 0), (0.1, 4), (0.5, 20), (1.0, 39)] {
            let load = Load { polling_share: share, ..Load::seed() };
            assert_eq!((0..40).filter(|node| load.polls(*node)).count(), expected, "{share}");
            assert!(!load.polls(0), "the host never polls");
        }
        let load = Load { polling_share: 0.1, ..Load::seed() };
        assert!((load.deliveries_per_second() - 170.0 * 36.0).abs() < 1e-9);
    }
}
