//! What is logged beside the line of each invocation: failures, and why a function does not start.

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;

/// Writes each event as a line of JSON. Standard output is a function's log; CloudWatch adds the time.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .without_time()
        .with_writer(writer)
        .finish()
}
