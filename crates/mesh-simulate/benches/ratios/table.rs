//! The figures of both contenders beside each other, with their aims.

use std::fmt;

use crate::contender::{Home, Kind};
use crate::play::Sample;
use crate::scenarios::{Aim, Scenario};

/// The samples of all runs of a scenario.
#[derive(Default)]
pub(crate) struct Samples {
    floor: Vec<Sample>,
    mesh: Vec<Sample>,
}

/// The least, the middle and the most of some runs.
#[derive(Clone, Copy)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

/// A scenario's figures beside each other, for people.
pub(crate) struct Table<'a> {
    scenario: &'a Scenario,
    outcome: Outcome,
}

enum Outcome {
    Measured(Samples),
    /// So many more open files would be needed.
    Skipped(u64),
}

impl Samples {
    pub(crate) fn add(&mut self, kind: Kind, sample: Sample) {
        match kind {
            Kind::Floor => self.floor.push(sample),
            Kind::Mesh => self.mesh.push(sample),
        }
    }

    fn spreads(&self, figure: &str) -> (Spread, Spread) {
        (Spread::of(&self.floor, figure), Spread::of(&self.mesh, figure))
    }

    fn ratio(&self, figure: &str) -> f64 {
        let (floor, mesh) = self.spreads(figure);
        mesh.median / floor.median
    }
}

impl Spread {
    fn of(samples: &[Sample], figure: &str) -> Self {
        let values = samples.iter().flatten().filter(|(name, _)| *name == figure);
        let mut values: Vec<_> = values.map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        if values.is_empty() {
            return Self { min: f64::NAN, median: f64::NAN, max: f64::NAN };
        }
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { min: values[0], median, max: values[values.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.median.is_nan() {
            return f.pad("");
        }
        let text = format!("{} / {} / {}", number(self.min), number(self.median), number(self.max));
        f.pad(&text)
    }
}

/// Three digits, or all of them in front of the point.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

impl Aim {
    fn demanded(self) -> String {
        match self {
            Self::RatioAtLeast(least) => format!("ratio >= {least}"),
            Self::RatioAtMost(most) => format!("ratio <= {most}"),
            Self::RatioGrowsAtMost(most, _) => format!("ratio <= {most} x small's"),
            Self::GrowsAtMost(most, _) => format!("<= {most} x small's"),
            Self::AtMost(most) => format!("<= {most}"),
            Self::Zero => "none".to_owned(),
        }
    }

    fn is_met(self, figure: &str, samples: &Samples) -> bool {
        let (_, mesh) = samples.spreads(figure);
        match self {
            Self::RatioAtLeast(least) => samples.ratio(figure) >= least,
            Self::RatioAtMost(most) => samples.ratio(figure) <= most,
            Self::RatioGrowsAtMost(most, small) => samples.ratio(figure) <= most * samples.ratio(small),
            Self::GrowsAtMost(most, small) => mesh.median <= most * samples.spreads(small).1.median,
            Self::AtMost(most) => mesh.median <= most,
            Self::Zero => mesh.max == 0.0,
        }
    }
}

impl<'a> Table<'a> {
    pub(crate) fn of(scenario: &'a Scenario, samples: Samples) -> Self {
        Self { scenario, outcome: Outcome::Measured(samples) }
    }

    pub(crate) fn skipped(scenario: &'a Scenario, missing_files: u64) -> Self {
        Self { scenario, outcome: Outcome::Skipped(missing_files) }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { name, about, home, aims, .. } = self.scenario;
        let home = match home {
            Home::Memory => "--in-memory",
            Home::Disk => "--data",
            Home::SlowDisk => "--data, each flush 100 ms longer",
            Home::Tls => "--in-memory --tls",
        };
        writeln!(f, "{name} ({home}): {about}")?;
        let samples = match &self.outcome {
            Outcome::Measured(samples) => samples,
            Outcome::Skipped(missing) => {
                return writeln!(f, "  SKIPPED: needs {missing} more open files; raise ulimit -n");
            }
        };
        let (figure, floor, mesh) = ("min / median / max", "floor", "mesh");
        writeln!(f, "  {figure:<30}{floor:<26}{mesh:<26}{:>6}  aim", "ratio")?;
        for (figure, _) in &samples.mesh[0] {
            let (floor, mesh) = samples.spreads(figure);
            let ratio = samples.ratio(figure);
            let ratio = if ratio.is_finite() { format!("{ratio:.2}") } else { String::new() };
            write!(f, "  {figure:<30}{floor:<26}{mesh:<26}{ratio:>6}")?;
            if let Some((_, aim)) = aims.iter().find(|(aimed, _)| aimed == figure) {
                let verdict = if aim.is_met(figure, samples) { "met" } else { "MISSED" };
                write!(f, "  {}: {verdict}", aim.demanded())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
