//! How the SDK retries and when it gives up.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};

/// How long a verb of the store may take; AppSync and the function wait longer than this.
pub const VERB_TIME: Duration = Duration::from_secs(5);

/// How often a request is sent at most.
pub const TRIES: u32 = 3;

/// How long one try may take. All tries and the pauses between them fit into [`VERB_TIME`].
const TRY_TIME: Duration = Duration::from_millis(1_400);
const REQUEST_TIME: Duration = Duration::from_millis(4_700);
const CONNECT_TIME: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Sets retries and time-outs: three tries with jitter, all within [`VERB_TIME`].
pub fn patience(config: Builder) -> Builder {
    let retries = RetryConfig::standard()
        .with_max_attempts(TRIES)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME)
        .operation_attempt_timeout(TRY_TIME)
        .operation_timeout(REQUEST_TIME)
        .build();
    config
        .retry_config(retries)
        .timeout_config(timeouts)
        // The time-outs above watch slow answers already.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
