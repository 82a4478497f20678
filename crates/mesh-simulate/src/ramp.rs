//! More and more load, until the objectives break: where is the knee?

use std::fmt;

use serde::Serialize;

use crate::number::float_of;
use crate::report::{Report, Verdict, who};

/// A load so many times the first is more than any server of today takes; a ramp ends there.
const MAX_FACTOR: f64 = 1_024.0;
/// The number of times that the span between the last load that held and the first that broke is halved.
const HALVINGS: u32 = 3;

/// All steps of a ramp, in the order in which they were played.
#[derive(Debug, Serialize)]
pub struct Ramp {
    /// The steps.
    pub steps: Vec<Step>,
    /// True if somebody stopped it before it found the knee.
    pub interrupted: bool,
}

/// One load of a ramp.
#[derive(Debug, Serialize)]
pub struct Step {
    /// The load as a multiple of the first.
    pub factor: f64,
    /// True if it met the objectives.
    pub held: bool,
    /// The report of its run.
    pub report: Report,
}

/// Doubles the load until the objectives break, then halves the span in which they did. `play` plays
/// so many times the first load, and judges.
///
/// # Errors
///
/// The first failure of `play`.
pub async fn ramp<E>(mut play: impl AsyncFnMut(f64) -> Result<Report, E>) -> Result<Ramp, E> {
    let mut ramp = Ramp { steps: Vec::new(), interrupted: false };
    let (mut holds, mut breaks) = (0.0, None);
    let mut factor = 1.0;
    let mut halvings = 0;
    loop {
        let report = play(factor).await?;
        let held = match report.verdict() {
            Verdict::Met => true,
            Verdict::Missed => false,
            // A step that was cut short says nothing.
            Verdict::Interrupted => {
                ramp.interrupted = true;
                return Ok(ramp);
            }
        };
        ramp.steps.push(Step { factor, held, report });
        if held {
            holds = factor;
        } else {
            breaks = Some(factor);
        }
        factor = match breaks {
            None if factor < MAX_FACTOR => factor * 2.0,
            // A load that breaks at once has no knee to look for.
            Some(breaks) if holds > 0.0 && halvings < HALVINGS => {
                halvings += 1;
                f64::midpoint(holds, breaks)
            }
            _ => return Ok(ramp),
        };
    }
}

impl Ramp {
    /// The highest load that met the objectives.
    pub fn knee(&self) -> Option<&Step> {
        let held = self.steps.iter().filter(|step| step.held);
        held.max_by(|one, other| one.factor.total_cmp(&other.factor))
    }

    /// One sentence for people who read nothing else.
    pub fn meaning(&self) -> String {
        let cut = if self.interrupted { "Stopped before the limit was found. Until then: " } else { "" };
        let (Some(Step { factor, report, .. }), Some(first)) = (self.knee(), self.steps.first()) else {
            let nothing = if self.interrupted {
                "nothing was measured to its end"
            } else {
                "not even the first load is carried"
            };
            return format!("{cut}{nothing}.");
        };
        let load = &first.report.load;
        let classes = float_of(load.groups) * factor;
        let who = who(&report.endpoint);
        format!("{cut}{who} carries the messages of {classes:.0} classes of {} at once.", load.nodes)
    }

    /// The lowest load that did not.
    pub fn broke(&self) -> Option<&Step> {
        let broke = self.steps.iter().filter(|step| !step.held);
        broke.min_by(|one, other| one.factor.total_cmp(&other.factor))
    }
}

/// A line for each step, and where the knee is.
impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { factor, held, report } in &self.steps {
            let mark = if *held { "held " } else { "BROKE" };
            let p99 = report.figures.delivery.map_or(0.0, |latency| latency.p99);
            let (mutations, deliveries) = (report.mutations_per_second, report.deliveries_per_second);
            writeln!(
                f,
                "  {mark} {factor:>7.2} x: {mutations:>8.0} mutations/s, {deliveries:>9.0} deliveries/s, p99 {p99:.1} ms"
            )?;
        }
        writeln!(f)?;
        writeln!(f, "{}", self.meaning())?;
        match self.knee() {
            None => {}
            Some(Step { factor, report, .. }) => writeln!(
                f,
                "{} {factor:.2} times the load holds, {:.0} mutations and {:.0} deliveries a second.",
                if self.interrupted { "So far" } else { "The knee:" },
                report.mutations_per_second,
                report.deliveries_per_second
            )?,
        }
        let Some(Step { factor, report, .. }) = self.broke() else { return Ok(()) };
        for objective in report.objectives.iter().filter(|objective| !objective.is_met) {
            let (name, demanded, found) = (objective.name, &objective.demanded, &objective.found);
            writeln!(f, "At {factor:.2} times: {name} {found} ({demanded}).")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    async fn factors_until(limit: f64) -> (Vec<f64>, Option<f64>) {
        let play = async |factor: f64| Ok::<_, ()>(report(if factor <= limit { 10.0 } else { 1_000.0 }));
        let ramp = ramp(play).await.unwrap();
        let text = ramp.to_string();
        assert_eq!(text.contains("delivery p99 1000.0 ms"), ramp.broke().is_some(), "{text}");
        (ramp.steps.iter().map(|step| step.factor).collect(), ramp.knee().map(|step| step.factor))
    }

    #[tokio::test]
    async fn what_is_interrupted_has_no_knee_and_says_what_held() {
        let play = async |factor: f64| {
            let mut report = report(10.0);
            report.figures.interrupted = factor > 2.0;
            Ok::<_, ()>(report)
        };
        let ramp = ramp(play).await.unwrap();
        let factors: Vec<_> = ramp.steps.iter().map(|step| step.factor).collect();
        assert_eq!((ramp.interrupted, factors), (true, vec![1.0, 2.0]));
        assert!(ramp.meaning().starts_with("Stopped before the limit was found."), "{ramp}");
        assert!(ramp.to_string().contains("So far 2.00 times the load holds"), "{ramp}");
    }

    #[tokio::test]
    async fn the_knee_is_found_between_what_held_and_what_broke() {
        assert_eq!(factors_until(5.2).await, (vec![1.0, 2.0, 4.0, 8.0, 6.0, 5.0, 5.5], Some(5.0)));
        assert_eq!(factors_until(0.5).await, (vec![1.0], None));
        assert_eq!(factors_until(f64::MAX).await.1, Some(MAX_FACTOR));
    }
}
