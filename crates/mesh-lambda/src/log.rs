//! What is logged beside the line of each invocation: failures, and why a function does not start.

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Writes each event as a line of JSON. Standard output is a function's log; CloudWatch adds the time.
///
/// Of the runtime only errors: its one warning says that calls are served one at a time, which is how
/// Lambda sends them, and comes with each start below `cargo lambda watch`.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = Targets::new().with_default(Level::INFO).with_target("lambda_runtime", Level::ERROR);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .without_time()
        .with_writer(writer)
        .finish()
        .with(levels)
}
