//! The progress of a run, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use mesh_simulate::classroom::Snapshot;
use mesh_simulate::load::Load;

/// Shows the progress of a run on a terminal; nothing elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    nodes: u64,
}

impl Progress {
    pub(super) fn new(load: &Load, what: String) -> Self {
        let millis = u64::try_from(load.duration().as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(millis);
        let template = "{prefix} {wide_bar} {percent:>3} %\n  {msg}";
        // A template that is wrong only looks different.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(what);
        let nodes = u64::try_from(load.groups * load.nodes).unwrap_or(u64::MAX);
        Self { bar, nodes }
    }

    pub(super) fn show(&self, now: &Snapshot) {
        let Some(elapsed) = now.elapsed else {
            self.bar.set_message(format!("{} of {} nodes have joined", now.joined, self.nodes));
            return;
        };
        self.bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        let slice = now.slice.unwrap_or_default();
        let (mutations, deliveries) = (slice.mutations_per_second, slice.deliveries_per_second);
        let (p99, failed, faulty) = (slice.delivery.p99, now.failed, now.faulty);
        self.bar.set_message(format!(
            "{mutations:.0} mutations/s, {deliveries:.0} deliveries/s, p99 {p99:.1} ms, {failed} failed, {faulty} faulty"
        ));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
