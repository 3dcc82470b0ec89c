//! How much firmware leaves the gateway per second, all downloads together: the wireless network is the ward's too.
//!
//! One line of time that every download books its next piece on. A download books a piece only when its last one was taken, so
//! they come round in turn, and one that does not read books nothing and holds nobody up.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How far behind the line may fall and catch up: what timers are late by is not lost.
const SLACK: Duration = Duration::from_millis(50);

/// The shared limit.
#[derive(Debug)]
pub(super) struct Bandwidth {
    /// Bytes per second; 0 is no limit.
    rate: u64,
    /// Until when everything is booked.
    booked: Mutex<Option<Instant>>,
}

impl Bandwidth {
    pub(super) const fn new(rate: u64) -> Self {
        Self {
            rate,
            booked: Mutex::new(None),
        }
    }

    /// Waits for the turn of so many bytes.
    pub(super) async fn wait(&self, bytes: u64) {
        let now = Instant::now();
        let turn = self.book(now, bytes);
        if turn > now {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Books so many bytes, and says when they may go.
    fn book(&self, now: Instant, bytes: u64) -> Instant {
        if self.rate == 0 {
            return now;
        }
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let mut booked = self.booked.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let turn = booked.map_or(now, |booked| booked.max(earliest));
        *booked = Some(turn.checked_add(cost).unwrap_or(turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn without_a_limit_nobody_waits() {
        let (bandwidth, now) = (Bandwidth::new(0), Instant::now());
        for _ in 0..10 {
            assert_eq!(bandwidth.book(now, u64::MAX), now);
        }
    }

    #[test]
    fn pieces_go_one_after_the_other() {
        let (bandwidth, now) = (Bandwidth::new(1000), Instant::now());
        for second in 0..5 {
            assert_eq!(bandwidth.book(now, 1000), now + SECOND * second);
        }
        // An idle hour is no credit.
        let later = now + SECOND * 3600;
        assert_eq!(bandwidth.book(later, 1000), later - SLACK);
        assert_eq!(bandwidth.book(later, 1000), later - SLACK + SECOND);
    }

    #[test]
    fn the_limit_holds_for_all_together() {
        proptest!(|(rate in 1_u64..1_000_000, pieces in proptest::collection::vec((0_u64..5_000, 1_u64..100_000), 1..60))| {
            let bandwidth = Bandwidth::new(rate);
            let start = Instant::now();
            let (mut now, mut sent, mut last) = (start, 0_u64, start);
            for (wait, bytes) in pieces {
                now += Duration::from_millis(wait);
                let turn = bandwidth.book(now, bytes).max(now);
                // What went out before this piece took at least its time, but for the slack.
                let took = Duration::from_micros(sent * 1_000_000 / rate);
                prop_assert!(turn + SLACK + Duration::from_millis(1) >= start + took);
                prop_assert!(turn >= last);
                sent += bytes;
                last = turn;
            }
        });
    }
}
