//! How much one pump may say, whichever connection it says it on.
//!
//! A pump that breaks or is taken over must not fill the record at the cost of all others. Whoever says more than it
//! may is not refused, only made to wait: its PUBACK comes later, and the rest stays in its socket. The allowance
//! belongs to the pump and not to the connection, so that coming back does not renew it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use wire::topic::Channel;

use super::endpoint::Limits;

/// What one pump may say still.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// Telemetry and presence.
    signals: Mutex<Bucket>,
    reports: Mutex<Bucket>,
}

impl Allowance {
    /// Takes one message out of the allowance, or says how long to wait before asking again.
    pub(super) fn take(&self, channel: Channel, limits: &Limits, now: Instant) -> Result<(), Duration> {
        let (bucket, per_second, burst) = match channel {
            Channel::Presence | Channel::Telemetry => {
                (&self.signals, limits.telemetry_per_second, limits.telemetry_burst)
            }
            // Nothing else comes up; a down channel would be read as a report.
            Channel::Report | Channel::Order | Channel::Ack | Channel::Time => {
                (&self.reports, limits.reports_per_second, limits.reports_burst)
            }
        };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(per_second, burst, now)
    }
}

/// A token bucket that needs no refilling: instead of tokens it keeps the instant at which it would be full again.
#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    fn take(&mut self, per_second: u32, burst: u32, now: Instant) -> Result<(), Duration> {
        let Some(token) = Duration::from_secs(1).checked_div(per_second) else {
            return Ok(());
        };
        let depth = token.saturating_mul(burst.max(1));
        let missing = self
            .full_at
            .map_or(Duration::ZERO, |full_at| full_at.saturating_duration_since(now))
            .saturating_add(token);
        if missing > depth {
            return Err(missing.saturating_sub(depth));
        }
        self.full_at = now.checked_add(missing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_burst_is_taken_at_once_and_the_rest_at_its_rate() {
        let mut bucket = Bucket::default();
        let start = Instant::now();
        let mut now = start;
        for _ in 0..100 {
            assert_eq!(bucket.take(5, 100, now), Ok(()));
        }
        for n in 1..=50 {
            let wait = bucket.take(5, 100, now).unwrap_err();
            assert_eq!(wait, Duration::from_millis(200), "asking costs nothing");
            now += wait;
            assert_eq!(bucket.take(5, 100, now), Ok(()), "message {n} after the burst");
        }
        assert_eq!(now - start, Duration::from_secs(10));
        now += MINUTE;
        for _ in 0..100 {
            assert_eq!(bucket.take(5, 100, now), Ok(()), "silence fills it again");
        }
        assert!(bucket.take(5, 100, now).is_err(), "and no more than full");
    }

    #[test]
    fn no_rate_is_no_limit_and_a_burst_is_at_least_one() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        for _ in 0..10_000 {
            assert_eq!(bucket.take(0, 0, now), Ok(()));
        }
        assert_eq!(bucket.take(1, 0, now), Ok(()));
        assert_eq!(bucket.take(1, 0, now), Err(Duration::from_secs(1)));
    }

    #[test]
    fn reports_and_the_rest_have_an_allowance_each() {
        let limits = Limits {
            telemetry_per_second: 1,
            telemetry_burst: 2,
            reports_per_second: 1,
            reports_burst: 1,
            ..Limits::default()
        };
        let allowance = Allowance::default();
        let now = Instant::now();
        let may = |channel| allowance.take(channel, &limits, now).is_ok();
        assert!(may(Channel::Telemetry));
        assert!(may(Channel::Presence));
        assert!(!may(Channel::Telemetry), "presence is no way around it");
        assert!(may(Channel::Report));
        assert!(!may(Channel::Report));
    }
}
