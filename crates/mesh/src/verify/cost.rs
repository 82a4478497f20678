//! What a run costs on AWS, from the calls that it sends.

use mesh_cost::{Consumption, TOKYO};

use super::lesson::Lesson;
use super::{access, full_group, realtime};

/// Calls at the end, by which groups are found and removed.
const CLEAN_UP: &[(&str, u64)] = &[("listGroupsByDomain", 2), ("dissolveGroup", 4)];

/// Cases whose answers may lag are called again.
const TRIES_WHILE_LAGGING: u64 = 26;

/// What a run uses at most.
pub(super) fn estimate(lesson: &Lesson, without_subscriptions: bool) -> Consumption {
    let of_lesson =
        lesson.cases.iter().map(|case| (case.field, if case.lags { TRIES_WHILE_LAGGING } else { 1 }));
    let fixed = access::CALLS.iter().chain(CLEAN_UP).copied();
    let mut used = Consumption::default();
    for (field, times) in of_lesson.chain(fixed).chain(full_group::calls()) {
        used += Consumption::of_calls(field, times);
    }
    if !without_subscriptions {
        for (field, times) in realtime::CALLS {
            used += Consumption::of_calls(field, *times);
        }
        used.messages += realtime::MESSAGES;
    }
    used
}

/// A consumption and its price, for people.
pub(super) fn text(used: &Consumption) -> String {
    format!(
        "at most {} calls and {} messages, on AWS {:.1} US cents ({} of {})",
        used.requests,
        used.messages,
        100.0 * TOKYO.cost(used).total(),
        TOKYO.region,
        TOKYO.date
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stays_within_twenty_cents() {
        let used = estimate(&Lesson::read().unwrap(), false);
        let dollars = TOKYO.cost(&used).total();
        assert!((0.001..0.20).contains(&dollars), "{dollars}");
        assert!(text(&used).contains("US cents"));
    }
}
