//! What goes by time alone, whether or not anybody asks.

use mesh_core::clock::Now;
use mesh_core::settings::EXPIRED_MEMORY;

use super::{Change, State};

impl State {
    /// Ends what time has ended, tells subscribers, and frees what it held. Reads never depend on
    /// it: they decide by the same rules themselves.
    pub(crate) fn sweep(&mut self, now: Now, change: &mut Change) {
        self.bury_groups(now, change);
        self.bury_members(now, change);
        self.drop_old_events(now, change);
        self.forget_repeats(now, change);
        while let Some((ended_at, _)) = self.ended_order.front() {
            // A margin, so that "at least an hour" holds for whoever reads the clock elsewhere.
            if now.steady.saturating_sub(*ended_at) < EXPIRED_MEMORY * 2 {
                break;
            }
            self.forget_oldest(change);
        }
    }
}
