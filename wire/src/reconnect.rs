//! How long a pump waits before it tries again: exponential with full jitter, so that a fleet which lost its gateway at
//! one instant does not come back at one instant.

use std::time::Duration;

/// The longest first wait.
pub const FIRST: Duration = Duration::from_secs(1);
/// The longest wait of all.
pub const LONGEST: Duration = Duration::from_secs(60);
/// MQTT keepalive that pumps ask for. The gateway declares a pump lost after one and a half times this.
pub const KEEPALIVE: Duration = Duration::from_secs(30);
/// How often telemetry is sent when nothing changes.
pub const TELEMETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The wait before attempt number `attempt` (the first is 0). `spread` is a number in 0..=1 that the pump draws anew each time.
#[must_use]
pub fn delay(attempt: u32, spread: f64) -> Duration {
    let ceiling = FIRST
        .saturating_mul(2_u32.saturating_pow(attempt.min(16)))
        .min(LONGEST);
    // Never less than a tenth, so that a draw of zero does not hammer.
    ceiling.mul_f64(
        0.1 + 0.9
            * if spread.is_finite() {
                spread.clamp(0.0, 1.0)
            } else {
                1.0
            },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let whole = |attempt| delay(attempt, 1.0).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 5, 6, 60, u32::MAX].map(whole),
            [1, 2, 4, 8, 32, 60, 60, 60]
        );
    }

    proptest! {
        #[test]
        fn a_wait_is_never_nothing_and_never_endless(attempt: u32, spread: f64) {
            let wait = delay(attempt, spread);
            prop_assert!(wait >= FIRST.mul_f64(0.1) && wait <= LONGEST);
        }
    }
}
