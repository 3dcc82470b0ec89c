//! Three clocks: the wall's, the accelerated one that life runs by, and the pump's own, which is never quite right.

use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use rand::Rng;
use tokio::time::Instant;
use wire::Timestamp;

/// The clocks of one simulation. Both start at the same moment; the life clock runs `speed` times as fast.
#[derive(Debug, Clone, Copy)]
pub struct SimClock {
    began: Instant,
    began_at: Timestamp,
    speed: f64,
}

impl SimClock {
    /// The slowest and the fastest life, in multiples of real time.
    pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.01..=100_000.0;

    /// Starts now. A speed outside [`Self::SPEEDS`] is brought into it; one that is no number is 1.
    #[must_use]
    pub fn start(speed: f64) -> Self {
        let speed = if speed.is_finite() {
            speed.clamp(*Self::SPEEDS.start(), *Self::SPEEDS.end())
        } else {
            1.0
        };
        Self {
            began: Instant::now(),
            began_at: Timestamp::from(SystemTime::now()),
            speed,
        }
    }

    /// Real time now.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.wall_at(Instant::now())
    }

    /// Real time at an instant.
    #[must_use]
    pub fn wall_at(&self, instant: Instant) -> Timestamp {
        self.began_at + delta(instant - self.began)
    }

    /// Time as the patients and batteries know it, now.
    #[must_use]
    pub fn life(&self) -> Timestamp {
        self.life_at(Instant::now())
    }

    /// The same at an instant.
    #[must_use]
    pub fn life_at(&self, instant: Instant) -> Timestamp {
        self.began_at + delta((instant - self.began).mul_f64(self.speed))
    }

    /// The instant at which the life clock will show `at`; now, if that is past.
    #[must_use]
    pub fn instant_of(&self, at: Timestamp) -> Instant {
        let ahead = at
            .signed_duration_since(self.began_at)
            .to_std()
            .unwrap_or_default();
        self.began + ahead.div_f64(self.speed)
    }
}

/// A span of real time as a chrono value.
fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

/// The pump's own clock: some seconds off from the first, and drifting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceClock {
    offset: TimeDelta,
    /// Parts per million; positive runs fast. Quartz is good for about ± 50.
    drift_ppm: f64,
    began_at: Timestamp,
}

impl DeviceClock {
    /// A clock that was set by hand some time ago: up to 5 s off, drifting up to 40 ppm either way.
    pub fn draw(began_at: Timestamp, rng: &mut impl Rng) -> Self {
        Self {
            offset: TimeDelta::milliseconds(rng.random_range(-5000..=5000)),
            drift_ppm: rng.random_range(-40.0..=40.0),
            began_at,
        }
    }

    /// Somebody set the clock, or its battery failed.
    pub fn step(&mut self, by: TimeDelta) {
        self.offset = self.offset.checked_add(&by).unwrap_or(self.offset);
    }

    /// What it shows at an instant. Drift counts time on the life clock, so that an accelerated run shows it.
    #[must_use]
    pub fn show(&self, clock: &SimClock, instant: Instant) -> Timestamp {
        let aged = clock.life_at(instant).signed_duration_since(self.began_at);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "ages are below 2^52 ms, and a drift is a few parts in a million of them"
        )]
        let drift = TimeDelta::milliseconds((aged.num_milliseconds() as f64 * self.drift_ppm / 1e6) as i64);
        let wall = clock.wall_at(instant);
        self.offset
            .checked_add(&drift)
            .and_then(|error| wall.checked_add_signed(error))
            .unwrap_or(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_runs_faster_and_the_wall_does_not() {
        let clock = SimClock::start(60.0);
        let later = clock.began + Duration::from_secs(10);
        assert_eq!(clock.wall_at(later) - clock.began_at, TimeDelta::seconds(10));
        assert_eq!(clock.life_at(later) - clock.began_at, TimeDelta::minutes(10));
        let in_an_hour = clock.life_at(later) + TimeDelta::hours(1);
        assert_eq!(clock.instant_of(in_an_hour) - later, Duration::from_mins(1));
        assert_eq!(clock.instant_of(Timestamp::UNIX_EPOCH), clock.began);
    }

    #[test]
    fn a_pump_clock_drifts_with_age_and_can_be_set() {
        let clock = SimClock::start(1000.0);
        let mut device = DeviceClock {
            offset: TimeDelta::zero(),
            drift_ppm: 40.0,
            began_at: clock.began_at,
        };
        let later = clock.began + Duration::from_hours(24);
        let error = |device: &DeviceClock| device.show(&clock, later) - clock.wall_at(later);
        // A thousand days at 40 ppm.
        assert_eq!(error(&device), TimeDelta::seconds(3456));
        device.step(TimeDelta::hours(-1));
        assert_eq!(error(&device), TimeDelta::seconds(-144));
        device.step(TimeDelta::MAX);
        device.step(TimeDelta::MAX);
        assert_eq!(error(&device), TimeDelta::zero());
    }
}
