//! What changed over a soak.

use std::fmt;

use crate::lesson::Lesson;

/// The first lesson of so many is the warm-up, which does not count.
const LESSONS_PER_WARM_UP: usize = 10;

/// How the figures of lessons drift, each as a straight line through them.
pub(crate) struct Drifts(Vec<Drift>);

/// The drift of one figure.
struct Drift {
    name: &'static str,
    first: f64,
    last: f64,
    per_hour: f64,
}

/// A figure's name, and its value in a lesson.
type Figure = (&'static str, fn(&Lesson) -> f64);

const FIGURES: [Figure; 5] = [
    ("memory [MB]", |lesson| lesson.memory),
    ("open files", |lesson| lesson.files),
    ("data folder [MB]", |lesson| lesson.folder),
    ("delivery p50 [ms]", |lesson| lesson.p50),
    ("delivery p99 [ms]", |lesson| lesson.p99),
];

impl Drifts {
    /// Of lessons behind the warm-up; there must be two or more.
    pub(crate) fn of(lessons: &[Lesson]) -> Self {
        let warm_up = lessons.len().div_ceil(LESSONS_PER_WARM_UP).min(lessons.len() - 2);
        let lessons = &lessons[warm_up..];
        let drift = |(name, value): Figure| {
            let values: Vec<_> = lessons.iter().map(|lesson| (lesson.hour, value(lesson))).collect();
            let per_hour = slope(&values);
            Drift { name, first: values[0].1, last: values[values.len() - 1].1, per_hour }
        };
        Self(FIGURES.map(drift).into())
    }

    /// Megabytes an hour.
    pub(crate) fn memory_per_hour(&self) -> f64 {
        self.0[0].per_hour
    }
}

/// The slope of the straight line with the least squared distance.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

impl fmt::Display for Drifts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:20} {:>9} {:>9} {:>12}", "behind the warm-up", "first", "last", "an hour")?;
        for Drift { name, first, last, per_hour } in &self.0 {
            writeln!(f, "{name:20} {first:9.2} {last:9.2} {per_hour:+12.2}")?;
        }
        Ok(())
    }
}
