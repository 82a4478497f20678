//! Latencies and counts, in each slice of a run.

use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::Serialize;

use crate::number::float;

/// Percentiles of durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50: f64,
    /// 95 % took no longer.
    pub p95: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// 99.9 % took no longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// One slice of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slice {
    /// When it began, in seconds since the first mutation.
    pub at_seconds: f64,
    /// Mutations answered, a second.
    pub mutations_per_second: f64,
    /// Live messages received, a second.
    pub deliveries_per_second: f64,
    /// From when mutations were due in this slice to their delivery.
    pub delivery: Latency,
}

/// A kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// From when a mutation was due to its delivery to a subscriber.
    Delivery,
    /// From when a mutation was due to its answer.
    Mutation,
    /// From when a mutation was sent to its answer.
    Answer,
    /// From when a batch was due to its arrival by a poll.
    Poll,
    /// From when a mutation was due to its being sent: the load's own lateness.
    Lag,
}

const MEASURES: usize = 5;
/// Receivers of different shards never wait for each other.
const SHARDS: usize = 8;
/// At most so many slices, whatever a run's length.
const SLICES: u32 = 240;

const DAY_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

/// The recorder in which all tasks of a run note what they measure.
pub(crate) struct Recorder {
    shards: Vec<Mutex<Shard>>,
    slice: Duration,
    warm_up: Duration,
    end: Duration,
}

struct Shard {
    histograms: [Histogram<u32>; MEASURES],
    slices: Vec<SliceCounts>,
    in_window: WindowCounts,
}

struct SliceCounts {
    delivery: Histogram<u32>,
    counts: WindowCounts,
}

/// The counts of a span of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WindowCounts {
    pub(crate) mutations: u64,
    pub(crate) deliveries: u64,
}

/// Microseconds with so many significant digits; grows as it must.
fn histogram(digits: u8) -> Histogram<u32> {
    // Only more than five digits are refused.
    #[allow(clippy::expect_used, reason = "see above")]
    Histogram::new(digits).expect("a histogram")
}

impl Recorder {
    pub(crate) fn new(warm_up: Duration, end: Duration) -> Self {
        let slice = Duration::from_secs((end.as_secs() / u64::from(SLICES)).max(1));
        let slices = end.as_micros().div_ceil(slice.as_micros());
        let shard = || Shard {
            histograms: std::array::from_fn(|_| histogram(3)),
            slices: (0..slices)
                .map(|_| SliceCounts { delivery: histogram(2), counts: WindowCounts::default() })
                .collect(),
            in_window: WindowCounts::default(),
        };
        Self { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(), slice, warm_up, end }
    }

    /// Notes a time from `from` until `now`, both since the run's beginning. What was due before
    /// measuring began does not count.
    pub(crate) fn took(&self, shard: usize, measure: Measure, from: Duration, now: Duration) {
        let micros = u64::try_from(now.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        let mut shard = self.shards[shard % SHARDS].lock();
        let in_window = (self.warm_up..self.end).contains(&now);
        match measure {
            Measure::Delivery => shard.count(self.slice_of(now), in_window, |counts| &mut counts.deliveries),
            Measure::Mutation => shard.count(self.slice_of(now), in_window, |counts| &mut counts.mutations),
            _ => {}
        }
        if from < self.warm_up {
            return;
        }
        // Histograms grow; one of less than a day is never refused.
        let micros = micros.min(DAY_MICROS);
        let _ = shard.histograms[measure as usize].record(micros);
        if measure == Measure::Delivery
            && let Some(slice) = shard.slices.get_mut(self.slice_of(from))
        {
            let _ = slice.delivery.record(micros);
        }
    }

    fn slice_of(&self, moment: Duration) -> usize {
        usize::try_from(moment.as_micros() / self.slice.as_micros()).unwrap_or(usize::MAX)
    }

    /// The counts of the measured window.
    pub(crate) fn in_window(&self) -> WindowCounts {
        self.shards.iter().fold(WindowCounts::default(), |sum, shard| {
            let counts = shard.lock().in_window;
            WindowCounts {
                mutations: sum.mutations + counts.mutations,
                deliveries: sum.deliveries + counts.deliveries,
            }
        })
    }

    /// The percentiles of one measure; none where nothing was measured.
    pub(crate) fn latency(&self, measure: Measure) -> Option<Latency> {
        let mut sum = histogram(3);
        for shard in &self.shards {
            // Adding to one that grows cannot fail.
            let _ = sum.add(&shard.lock().histograms[measure as usize]);
        }
        Latency::of(&sum)
    }

    /// The run, slice by slice.
    pub(crate) fn slices(&self) -> Vec<Slice> {
        let count = self.shards.first().map_or(0, |shard| shard.lock().slices.len());
        (0..count).map(|index| self.slice_at(index)).collect()
    }

    /// The last slice that is over, at a moment.
    pub(crate) fn slice_before(&self, moment: Duration) -> Option<Slice> {
        let index = self.slice_of(moment.min(self.end)).checked_sub(1)?;
        Some(self.slice_at(index))
    }

    fn slice_at(&self, index: usize) -> Slice {
        let mut delivery = histogram(2);
        let mut counts = WindowCounts::default();
        for shard in &self.shards {
            if let Some(slice) = shard.lock().slices.get(index) {
                let _ = delivery.add(&slice.delivery);
                counts.mutations += slice.counts.mutations;
                counts.deliveries += slice.counts.deliveries;
            }
        }
        let began = self.slice * u32::try_from(index).unwrap_or(u32::MAX);
        let seconds = self.slice.min(self.end.saturating_sub(began)).as_secs_f64().max(0.001);
        Slice {
            at_seconds: began.as_secs_f64(),
            mutations_per_second: float(counts.mutations) / seconds,
            deliveries_per_second: float(counts.deliveries) / seconds,
            delivery: Latency::of(&delivery).unwrap_or_default(),
        }
    }
}

impl Shard {
    fn count(&mut self, slice: usize, in_window: bool, field: impl Fn(&mut WindowCounts) -> &mut u64) {
        if in_window {
            *field(&mut self.in_window) += 1;
        }
        if let Some(slice) = self.slices.get_mut(slice) {
            *field(&mut slice.counts) += 1;
        }
    }
}

impl Latency {
    fn of(histogram: &Histogram<u32>) -> Option<Self> {
        let millis = |micros: u64| float(micros) / 1e3;
        let at = |quantile| millis(histogram.value_at_quantile(quantile));
        (!histogram.is_empty()).then(|| Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(histogram.max()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_slices_are_those_of_what_was_noted() {
        let millis = Duration::from_millis;
        let recorder = Recorder::new(millis(1_000), millis(3_500));
        for number in 0..1_000 {
            let due = millis(1_000 + number * 2);
            let shard = usize::try_from(number).unwrap();
            recorder.took(shard, Measure::Delivery, due, due + millis(number % 100 + 1));
            recorder.took(shard, Measure::Mutation, due, due + millis(2));
        }
        // Too early to be measured, but it arrived meanwhile.
        recorder.took(0, Measure::Delivery, millis(0), millis(1_100));
        let delivery = recorder.latency(Measure::Delivery).unwrap();
        for (found, expected) in [(delivery.p50, 50.0), (delivery.p99, 99.0), (delivery.max, 100.0)] {
            assert!((found - expected).abs() < expected / 100.0, "{found} instead of {expected}");
        }
        assert_eq!(recorder.latency(Measure::Poll), None);
        let counts = recorder.in_window();
        assert_eq!((counts.deliveries, counts.mutations), (1_001, 1_000));
        let slices = recorder.slices();
        assert_eq!(slices.len(), 4);
        assert!((slices[1].mutations_per_second - 499.0).abs() < 2.0, "{slices:?}");
        assert!((slices[3].at_seconds - 3.0).abs() < 1e-9 && slices[0].delivery == Latency::default());
        assert_eq!(recorder.slice_before(millis(2_100)), Some(slices[1]));
    }

    #[test]
    fn long_runs_have_longer_slices() {
        let recorder = Recorder::new(Duration::ZERO, Duration::from_hours(1));
        assert_eq!(recorder.slices().len(), 240);
    }
}
