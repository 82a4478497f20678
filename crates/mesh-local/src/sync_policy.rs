//! When changes reach the disk.

use std::str::FromStr;
use std::time::Duration;

/// When changes reach the disk. All of them are in the hands of the kernel before they are answered, so this
/// only matters when the power fails or the system crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before they are answered: a power cut takes nothing.
    Always,
    /// Within this time: a power cut may take the changes of this time.
    Within(Duration),
    /// When the kernel decides, mostly within a minute.
    Never,
}

impl Default for SyncPolicy {
    fn default() -> Self {
        Self::Within(Duration::from_secs(1))
    }
}

/// A text that is no [`SyncPolicy`].
#[derive(Debug, thiserror::Error)]
#[error("must be always, never, or a time such as 1s or 500ms, at most 60s")]
pub struct ParseSyncPolicyError;

impl FromStr for SyncPolicy {
    type Err = ParseSyncPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| digits.parse::<u32>().ok();
        let time = match text {
            "always" => return Ok(Self::Always),
            "never" => return Ok(Self::Never),
            text => match text.strip_suffix("ms") {
                Some(digits) => number(digits).map(|millis| Duration::from_millis(millis.into())),
                None => text.strip_suffix('s').and_then(number).map(|secs| Duration::from_secs(secs.into())),
            },
        };
        let is_sensible = |time: &Duration| !time.is_zero() && *time <= Duration::from_mins(1);
        time.filter(is_sensible).map(Self::Within).ok_or(ParseSyncPolicyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_and_nothing_else() {
        let within = |millis| SyncPolicy::Within(Duration::from_millis(millis));
        let known = [
            ("always", SyncPolicy::Always),
            ("never", SyncPolicy::Never),
            ("1s", within(1_000)),
            ("60s", within(60_000)),
            ("200ms", within(200)),
        ];
        for (text, policy) in known {
            assert_eq!(text.parse::<SyncPolicy>().unwrap(), policy);
        }
        for text in ["", "1", "0s", "0ms", "61s", "s", "-1s", "1m", "Always", "1.5s"] {
            assert!(text.parse::<SyncPolicy>().is_err(), "{text}");
        }
    }
}
