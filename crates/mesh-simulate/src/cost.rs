//! The consumption of a run in the cloud, as far as it is known before the run.

use mesh_cost::{Consumption, steps};

use crate::load::{Load, SYNC_INTERVAL};
use crate::number::{float_of, whole};

/// About how many bytes a message has, and each value or event in it, with ids of 32 characters.
const MESSAGE_BYTES: usize = 400;
const VALUE_BYTES: usize = 40;
const EVENT_BYTES: usize = 220;

/// The intervals of clients unless the endpoint says otherwise, in seconds.
const POLLING: f64 = 2.0;
const HOST_HEARTBEAT: f64 = 60.0;
const MEMBER_HEARTBEAT: f64 = 120.0;

/// The consumption of a load. A run at full speed uses what the endpoint allows, so nothing is known of it.
pub fn consumption(load: &Load) -> Option<Consumption> {
    if load.max_connections.is_some() {
        return None;
    }
    let seconds = load.duration().as_secs_f64();
    let groups = float_of(load.groups);
    let members = groups * float_of(load.nodes - 1);
    let polling = groups * float_of((0..load.nodes).filter(|node| load.polls(*node)).count());
    let subscribers = groups + members - polling;
    let of_pollers = polling / (groups + members);
    let batches = load.event_rate * groups;

    let mut used = Consumption::default();
    for (field, once, a_second) in [
        ("createGroup", groups, 0.0),
        ("joinGroup", members, load.churn),
        ("leaveGroup", 0.0, load.churn),
        ("dissolveGroup", groups, 0.0),
        ("reportDataByNode", 0.0, load.data_rate * groups),
        ("fireEventsByNode", 0.0, batches * (1.0 - of_pollers)),
        ("recordEventsByNode", 0.0, batches * of_pollers),
        // Publishes what was recorded.
        ("publishEventsByNode", 0.0, batches * of_pollers),
        ("pollGroupData", 0.0, polling / POLLING),
        ("listGroupStatuses", 0.0, subscribers / SYNC_INTERVAL.as_secs_f64()),
        ("renewHeartbeat", 0.0, groups / HOST_HEARTBEAT),
        ("sendMemberHeartbeat", 0.0, members / MEMBER_HEARTBEAT),
    ] {
        used += Consumption::of_calls(field, whole(once + a_second * seconds));
    }
    let report_bytes = MESSAGE_BYTES + VALUE_BYTES * load.values;
    let batch_bytes = MESSAGE_BYTES + EVENT_BYTES * load.events;
    for (rate, bytes) in [(load.data_rate, report_bytes), (load.event_rate, batch_bytes)] {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let delivered = whole(rate * seconds * subscribers);
        used.messages += delivered * steps(bytes);
        // The mutation's answer has the same fields.
        used.sent_bytes += (delivered + whole(rate * seconds * groups)) * bytes;
    }
    let opened = subscribers + load.churn * seconds;
    // A connection and a subscription each.
    used.messages += 2 * whole(opened);
    used.connection_minutes = subscribers * (seconds / 60.0).ceil();
    Some(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_cost::TOKYO;

    #[test]
    fn a_minute_of_the_seed_load_costs_about_a_dollar() {
        let load = Load { warm_up_seconds: 0.0, ..Load::seed() };
        let used = consumption(&load).unwrap();
        assert_eq!(used.messages, 170 * 60 * 40 + 2 * 400);
        assert!((used.connection_minutes - 400.0).abs() < 1e-9);
        let mutations = 170 * 60;
        assert!((mutations..mutations + 3_000).contains(&used.requests), "{used:?}");
        let dollars = TOKYO.cost(&used).total();
        assert!((0.8..1.2).contains(&dollars), "{dollars}");
        assert_eq!(consumption(&Load { max_connections: Some(32), ..load }), None);
    }
}
