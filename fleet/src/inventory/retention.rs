//! How long telemetry is kept, and how densely.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Telemetry is kept whole for a while, then one sample an hour, then one a day, then not at all. Days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionRule {
    /// Every sample is kept this long.
    pub full_days: u32,
    /// One sample per pump and hour is kept this long.
    pub hourly_days: u32,
    /// One sample per pump and day is kept this long.
    pub daily_days: u32,
}

impl Default for RetentionRule {
    fn default() -> Self {
        Self {
            full_days: 7,
            hourly_days: 90,
            daily_days: 730,
        }
    }
}

/// What to do with the samples between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first of each span of so many seconds, per pump.
    OnePer(u32),
    /// None.
    Nothing,
}

impl RetentionRule {
    /// The steps of one thinning at `now`: samples older than the instant are kept as the step says. The steps are
    /// in order of age, youngest first, and each applies up to the next.
    #[must_use]
    pub fn steps(self, now: Timestamp) -> [(Timestamp, Keep); 3] {
        let ago = |days: u32| now - TimeDelta::days(i64::from(days));
        let full = self.full_days;
        let hourly = full.max(self.hourly_days);
        let daily = hourly.max(self.daily_days);
        [
            (ago(full), Keep::OnePer(3_600)),
            (ago(hourly), Keep::OnePer(86_400)),
            (ago(daily), Keep::Nothing),
        ]
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn steps_never_run_backwards() {
        let now: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let odd = RetentionRule {
            full_days: 30,
            hourly_days: 7,
            daily_days: 1,
        };
        for rule in [RetentionRule::default(), odd] {
            let [(a, _), (b, _), (c, keep)] = rule.steps(now);
            assert!(now > a && a >= b && b >= c);
            assert_eq!(keep, Keep::Nothing);
        }
    }
}
