//! How long to wait after a failure: longer each time, and not all gateways of a hospital at the same instant.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait after the first failure, from which each further one doubles it.
const FIRST: Duration = Duration::from_secs(2);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// The waits of one way: between one second and [`LONGEST`].
#[derive(Debug, Default)]
pub(super) struct Retry {
    /// The last failure, and the longest wait after it.
    last: Option<(Instant, Duration)>,
}

impl Retry {
    /// The wait after a failure at this instant. `chance` is any number: it picks a wait from the upper half.
    ///
    /// What fails again soon after the wait counts as failing still. A receiver that lets us in, takes a piece and only
    /// then hangs up would otherwise be called every second for ever.
    pub(super) fn wait(&mut self, now: Instant, chance: u8) -> Duration {
        let longest = match self.last {
            Some((at, longest)) if now.saturating_duration_since(at) < longest + LONGEST => {
                (longest * 2).min(LONGEST)
            }
            Some(_) | None => FIRST,
        };
        self.last = Some((now, longest));
        let half = longest / 2;
        half + half * u32::from(chance) / u32::from(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_a_calm() {
        let mut now = Instant::now();
        let mut retry = Retry::default();
        let mut wait = |after: Duration, chance: u8| {
            now += after;
            retry.wait(now, chance).as_millis()
        };
        let soon = Duration::from_secs(1);
        let waits: Vec<_> = (0..7).map(|_| wait(soon, u8::MAX)).collect();
        assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(wait(soon, 0), 30_000);
        assert_eq!(wait(Duration::from_secs(119), 0), 30_000);
        assert_eq!(wait(Duration::from_secs(120), 0), 1_000);
        assert_eq!(wait(soon, 51), 2_400);
    }
}
