//! Tries and timeouts of the SDK.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};

/// The timeout of a verb of the store. AppSync and the function wait longer than this.
pub const VERB_TIMEOUT: Duration = Duration::from_secs(5);

/// The most times that a request is sent.
pub const TRIES: u32 = 3;

/// The timeout of one try. All tries and the pauses between them fit into [`VERB_TIMEOUT`].
const TRY_TIMEOUT: Duration = Duration::from_millis(1_400);
/// The timeout of a request with all its tries.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(4_700);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Sets tries and timeouts: three tries with jitter, all within [`VERB_TIMEOUT`].
pub fn with_timeouts(config: Builder) -> Builder {
    let retries = RetryConfig::standard()
        .with_max_attempts(TRIES)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(REQUEST_TIMEOUT)
        .build();
    config
        .retry_config(retries)
        .timeout_config(timeouts)
        // The timeouts above end slow answers already.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}
